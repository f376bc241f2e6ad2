package runners_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestObserve_waited: an observer tells the time of attempts from that between
// them, however the wait ends, and whoever asked for it.
func TestObserve_waited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := reply(http.StatusTooManyRequests, `{}`, "Retry-After", "5")
		slowly := func(do step) step {
			return func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return do(r)
			}
		}
		for _, test := range []struct {
			steps   []step
			timeout time.Duration
			first   runners.Call
			second  runners.Call // its turn may come later, for what the first one learned
		}{
			{
				[]step{slowly(reply(200, `{"id":6}`))},
				time.Hour,
				runners.Call{StatusCode: 200, Attempts: 1, Duration: time.Second},
				runners.Call{StatusCode: 200, Attempts: 1, Duration: time.Second},
			},
			{
				[]step{slowly(refuse), slowly(refuse), slowly(reply(200, `{"id":6}`))},
				time.Hour,
				runners.Call{StatusCode: 200, Attempts: 3, Duration: 13 * time.Second, Waited: 10 * time.Second},
				runners.Call{StatusCode: 200, Attempts: 1, Duration: time.Second},
			},
			{
				[]step{slowly(refuse), slowly(reply(200, `{"id":6}`))},
				-3 * time.Second,
				runners.Call{StatusCode: 429, Attempts: 1, Duration: 3 * time.Second, Waited: 2 * time.Second},
				runners.Call{StatusCode: 200, Attempts: 1, Duration: 4 * time.Second, Waited: 3 * time.Second},
			},
		} {
			var seen []runners.Call
			c := client(t, play(test.steps...), &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = append(seen, call) },
			})
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			if test.timeout < 0 { // not known beforehand
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(-test.timeout, cancel)
			}
			_, _ = c.Runners.Get(ctx, 6)
			cancel()
			_, _ = c.Runners.Get(t.Context(), 6)
			require.Len(t, seen, 2)
			for i, want := range []runners.Call{test.first, test.second} {
				want.Method, want.Route, want.Class, want.Err = "GET", "/runners/{id}", runners.ClassRead, seen[i].Err
				assert.Equal(t, want, seen[i])
			}
		}
	})
}
