// Rate limits: windows, headers, and a client that obeys them.

package runnerstest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/runnerstest"
)

// limits returns an answer's headers that tell of limits.
func limits(h http.Header) map[string]string {
	told := map[string]string{}
	for _, name := range []string{"Limit", "Name", "Observed", "Remaining", "Reset", "ResetTime"} {
		if value := h.Get("RateLimit-" + name); value != "" {
			told[name] = value
		}
	}
	if value := h.Get("Retry-After"); value != "" {
		told["Retry-After"] = value
	}
	return told
}

func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // it begins at 2000-01-01, 946684800
		srv := play(t, "")
		srv.Limit(2, 30*time.Second)
		time.Sleep(10*time.Second + time.Millisecond)
		first := ask(t, srv, "t-root", "GET /runners/all?per_page=1")
		assert.Equal(t, 200, first.status)
		assert.Equal(t, "8", first.header.Get("X-Total"))
		assert.Equal(t, "Sat, 01 Jan 2000 00:00:10 GMT", first.header.Get("Date"))
		assert.Equal(t, map[string]string{
			"Limit": "4", "Name": "throttle_authenticated_api", "Observed": "1", "Remaining": "1", "Reset": "946684830",
		}, limits(first.header))
		assert.Equal(t, "0", limits(ask(t, srv, "t-root", "GET /nope").header)["Remaining"])
		refused := ask(t, srv, "t-root", "DELETE /runners/6")
		refused.want(t, 429, "Retry later\n")
		assert.Equal(t, "text/plain", refused.header.Get("Content-Type"))
		assert.Equal(t, map[string]string{
			"Limit": "4", "Name": "throttle_authenticated_api", "Observed": "3", "Remaining": "0", "Reset": "946684830",
			"ResetTime": "Sat, 01 Jan 2000 00:00:30 GMT", "Retry-After": "20",
		}, limits(refused.header))
		assert.Len(t, srv.Snapshot().Runners, 8, "what is refused is not done")
		assert.Equal(t, 200, ask(t, srv, "t-mia", "GET /runners").status, "each user has a limit")
		assert.Equal(t, "throttle_unauthenticated_api", limits(ask(t, srv, "", "GET /runners").header)["Name"])

		srv.Advance(20*time.Second - 2*time.Millisecond)
		assert.Equal(t, 429, ask(t, srv, "t-root", "GET /runners").status)
		srv.Advance(time.Millisecond)
		assert.Equal(t, 200, ask(t, srv, "t-root", "GET /runners").status)

		srv.Fault(runnerstest.Status(502))
		assert.Empty(t, limits(ask(t, srv, "t-root", "GET /runners").header), "a fault comes before the limit")
		assert.Equal(t, "0", limits(ask(t, srv, "t-root", "GET /runners").header)["Remaining"])
		srv.Limit(0, 0)
		assert.Empty(t, limits(ask(t, srv, "t-root", "GET /runners").header))
	})
}

func TestBadLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n   int
		per time.Duration
	}{{-1, time.Minute}, {1, 0}, {0, time.Minute}, {1, time.Second - 1}} {
		n := &noted{TB: t}
		runnerstest.NewServer(n, nil).Limit(c.n, c.per)
		assert.Len(t, n.end(), 1, "%v", c)
	}
}

func TestRateLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for form, want := range map[runnerstest.RateLimitForm]map[string]string{
			runnerstest.AllHeaders: {
				"Limit": "60", "Name": "throttle_authenticated_api", "Observed": "61", "Remaining": "0", "Reset": "946684860",
				"ResetTime": "Sat, 01 Jan 2000 00:01:00 GMT", "Retry-After": "60",
			},
			runnerstest.NoHeaders:      {},
			runnerstest.OnlyRetryAfter: {"Retry-After": "60"},
			runnerstest.OnlyReset:      {"Reset": "946684860"},
			runnerstest.WrongReset:     {"Reset": "946684740"},
		} {
			srv := play(t, "")
			srv.Fault(runnerstest.RateLimited(form))
			got := ask(t, srv, "t-root", "GET /runners")
			got.want(t, 429, "Retry later\n")
			assert.Equal(t, want, limits(got.header), form)
		}
	})
}

// TestRetryAfterAnHour: an hour of the bubble's time takes less than 10 ms, at
// the first try or one more: other tests may have the machine.
func TestRetryAfterAnHour(t *testing.T) {
	t.Parallel()
	const want = 10 * time.Millisecond
	best := time.Hour
	for i := 0; i < 5 && best >= want; i++ {
		began := time.Now()
		synctest.Test(t, waitAnHour)
		best = min(best, time.Since(began))
	}
	assert.Less(t, best, want)
}
