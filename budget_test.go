// The retry budget: what a GitLab in trouble costs, and what fills it again.

package runners_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestBudget_outage: under an outage there are ten retries, and from then on a
// client asks as often as its user, who learns why.
func TestBudget_outage(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]step{
		"bad gateway": reply(502, `{"message":"down"}`),
		"reset":       fail(errReset),
		"refused":     fail(errDialRefused),
		"maintenance": reply(503, `{"message":"down"}`, "Retry-After", "1"),
	} {
		inBubble(t, name, func(t *testing.T) {
			s := play(step)
			c := client(t, s, nil)
			const calls = 1000
			var after int
			for i := range calls {
				_, err := c.Runners.Get(t.Context(), 6)
				require.Error(t, err)
				if i == 3 { // 4 + 4 + 4 + 2 requests: ten retries
					assert.Len(t, s.requests(), 14)
					after = len(s.requests())
				}
				if i > 3 {
					assert.Contains(t, err.Error(), "(not retried: client retry budget empty)")
					assert.NotErrorIs(t, err, runners.ErrRateLimited)
				}
			}
			assert.LessOrEqual(t, float64(len(s.requests())-after), 1.1*(calls-4))
		})
	}
}

// TestBudget_off: with one option, each call is on its own.
func TestBudget_off(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(502, ``))
		c := client(t, s, &runners.Options{NoRetryBudget: true})
		for range 50 {
			_, err := c.Runners.Get(t.Context(), 6)
			require.ErrorIs(t, err, runners.ErrServer)
			assert.NotContains(t, err.Error(), "budget")
		}
		assert.Len(t, s.requests(), 200)
	})
}

// TestBudget_refund: ten answers below 500, whatever they say, are worth one
// retry; the budget does not grow above ten.
func TestBudget_refund(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		good    step
		answers int
		retries int
	}{
		"nine":      {reply(200, aRunner), 9, 0},
		"ten":       {reply(200, aRunner), 10, 1},
		"not found": {reply(404, `{}`), 10, 1},
		"many":      {reply(200, aRunner), 500, 10},
	} {
		inBubble(t, name, func(t *testing.T) {
			var now step
			s := play(func(req *http.Request) (*http.Response, error) { return now(req) })
			gitlab := client(t, s, nil)
			get := func(times int) (retries int) {
				before := len(s.requests())
				for range times {
					_, _ = gitlab.Runners.Get(t.Context(), 6)
				}
				return len(s.requests()) - before - times
			}
			now = reply(502, ``)
			assert.Equal(t, 10, get(20))
			now = c.good
			assert.Zero(t, get(c.answers))
			now = reply(502, ``)
			assert.Equal(t, c.retries, get(20))
		})
	}
}

// TestBudget_rateLimit: a retry for which a 429 named the time costs nothing,
// and one for which it did not is a retry as any other.
func TestBudget_rateLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		most int // requests of ten calls
	}{
		"named":     {reply(429, `{}`, "Retry-After", "1"), 40},
		"not named": {reply(429, `{}`), 22},
	} {
		inBubble(t, name, func(t *testing.T) {
			s := play(c.step)
			gitlab := client(t, s, nil)
			for range 10 {
				_, err := gitlab.Runners.Get(t.Context(), 6)
				require.ErrorIs(t, err, runners.ErrRateLimited)
			}
			assert.Len(t, s.requests(), c.most)
		})
	}
}

// TestBudget_shared: a hundred goroutines share the budget of their client,
// and one client's is not another's.
func TestBudget_shared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(502, ``))
		c := client(t, s, nil)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { assert.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), runners.ErrServer) })
		}
		group.Wait()
		assert.Len(t, s.requests(), 110)

		other := play(reply(502, ``))
		_, err := client(t, other, nil).Runners.Get(t.Context(), 6)
		require.ErrorIs(t, err, runners.ErrServer)
		assert.Len(t, other.requests(), 4)
	})
}
