// What is told of calls: to an observer, and to a log.

package runners_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestObserve: an observer learns of each call once, when it has ended.
func TestObserve(t *testing.T) {
	t.Parallel()
	limited := []string{
		"X-Request-Id", "01ABC", "Ratelimit-Limit", "2000", "Ratelimit-Remaining", "1999",
		"Ratelimit-Reset", "1700000000", "Ratelimit-Name", "throttle_authenticated_api",
	}
	for name, c := range map[string]struct {
		steps []step
		id    int64
		want  runners.Call
		is    error
	}{
		"success": {
			[]step{reply(200, `{"id":6}`, limited...)},
			6,
			runners.Call{
				StatusCode: 200, Attempts: 1, RequestID: "01ABC",
				RateLimit: &runners.RateLimit{
					Name: "throttle_authenticated_api", Limit: 2000, Remaining: 1999, Reset: time.Unix(1700000000, 0),
				},
			},
			nil,
		},
		"failure": {
			[]step{reply(404, `{"message":"404 Not found"}`, "X-Request-Id", "01DEF")},
			6,
			runners.Call{StatusCode: 404, Attempts: 1, RequestID: "01DEF"},
			runners.ErrNotFound,
		},
		"retried": {
			[]step{reply(502, ``), fail(errReset), reply(200, `{"id":6}`)},
			6,
			runners.Call{StatusCode: 200, Attempts: 3, Duration: time.Nanosecond},
			nil,
		},
		"no answer": {
			[]step{fail(errReset)},
			6,
			runners.Call{Attempts: 4, Duration: time.Nanosecond},
			runners.ErrUnavailable,
		},
		"not sent": {[]step{fail(errReset)}, 0, runners.Call{}, runners.ErrInvalid},
	} {
		inBubble(t, name, func(t *testing.T) {
			var seen []runners.Call
			began := time.Now()
			_, err := client(t, play(c.steps...), &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = append(seen, call) },
			}).Runners.Get(t.Context(), c.id)
			require.Len(t, seen, 1)
			want := c.want
			want.Method, want.Route, want.Class, want.Err = "GET", "/runners/{id}", runners.ClassRead, err
			if want.Duration != 0 {
				want.Duration = time.Since(began)
				want.Waited = want.Duration // an attempt takes no time
				assert.Positive(t, want.Duration)
			}
			assert.Equal(t, want, seen[0])
			if c.is == nil {
				assert.NoError(t, err)
				return
			}
			assert.ErrorIs(t, err, c.is)
		})
	}
}

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

// TestObserve_nilContext: an observer may look into its context.
func TestObserve_nilContext(t *testing.T) {
	t.Parallel()
	calls := 0
	c := client(t, fails{t}, &runners.Options{Observe: func(ctx context.Context, call runners.Call) {
		assert.NoError(t, ctx.Err())
		assert.ErrorIs(t, call.Err, runners.ErrInvalid)
		calls++
	}})
	_, err := c.Version(nil) //nolint:staticcheck // nil is what is tested
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: GET /version: context is nil", err.Error())
	assert.Equal(t, 1, calls)
}

// TestObserve_scrubbed: a server that echoes secrets in its headers shows them
// to no observer.
func TestObserve_scrubbed(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: `{"version":"17.5.0"}`, 400: `{}`} {
		var seen runners.Call
		_, _ = client(t, play(reply(status, body,
			"X-Request-Id", accessToken, "Ratelimit-Limit", "1", "Ratelimit-Name", "a "+accessToken)),
			&runners.Options{Observe: func(_ context.Context, call runners.Call) { seen = call }},
		).Version(t.Context())
		assert.Equal(t, status, seen.StatusCode)
		assert.Equal(t, redacted, seen.RequestID)
		assert.Equal(t, "a "+redacted, seen.RateLimit.Name)
	}
}

// TestLogger: one record for each attempt, one for each retry, no secret.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s := play(
			fail(fmt.Errorf("lost %s and %s", accessToken, runnerToken)),
			reply(503, `{"message":"busy with `+runnerToken+`"}`, "Retry-After", "7"),
			reply(200, `{"id":6,"token":"`+runnerToken+`"}`),
		)
		c := client(t, s, &runners.Options{Logger: logger})
		_, err := c.Tokens.Verify(t.Context(), runners.NewToken(runnerToken), nil)
		require.NoError(t, err)
		type record struct {
			Level, Msg, Method, Route, Cause string
			Attempt, Status                  int
			Wait                             time.Duration
		}
		var got []record
		for line := range strings.Lines(b.String()) {
			var r record
			require.NoError(t, json.Unmarshal([]byte(line), &r))
			got = append(got, r)
		}
		require.Len(t, got, 5)
		at := func(r record) record {
			r.Method, r.Route = "POST", "/runners/verify"
			return r
		}
		assert.Equal(t, at(record{Level: "DEBUG", Msg: "gitlab request", Attempt: 1}), got[0])
		assert.Equal(t, at(record{
			Level: "WARN", Msg: "gitlab request is tried again", Attempt: 1, Wait: got[1].Wait,
			Cause: "no answer: lost [REDACTED] and [REDACTED]",
		}), got[1])
		assert.Equal(t, at(record{Level: "DEBUG", Msg: "gitlab request", Attempt: 2, Status: 503}), got[2])
		assert.Equal(t, at(record{
			Level: "WARN", Msg: "gitlab request is tried again", Attempt: 2, Status: 503, Wait: 7 * time.Second,
			Cause: "busy with [REDACTED]",
		}), got[3])
		assert.Equal(t, at(record{Level: "DEBUG", Msg: "gitlab request", Attempt: 3, Status: 200}), got[4])
		assert.NotContains(t, b.String(), "canary")
	})
}
