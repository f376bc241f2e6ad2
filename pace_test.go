// Keeping to GitLab's budget of requests: a limiter that counts, several
// goroutines, windows that end, and the waits that are not begun.

package runners_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// A limiter is a GitLab that takes so many requests in each period, and whose
// clock is wrong.
type limiter struct {
	limit   int
	period  time.Duration
	skew    time.Duration
	latency func() time.Duration

	mu      sync.Mutex
	counts  map[int64]int // by the period's end
	refused int
}

// RoundTrip counts a request, and answers with GitLab's headers.
func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(l.latency())
	status, body, header := l.count(time.Now().Add(l.skew))
	time.Sleep(l.latency())
	return reply(status, body, header...)(req)
}

func (l *limiter) count(now time.Time) (status int, body string, header []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	reset := now.Truncate(l.period).Add(l.period).Unix()
	if l.counts == nil {
		l.counts = map[int64]int{}
	}
	l.counts[reset]++
	status, body = 200, aRunner
	if l.counts[reset] > l.limit {
		l.refused++
		status, body = 429, `{"message":"Retry later"}`
	}
	return status, body, []string{
		"Date", now.UTC().Format(http.TimeFormat),
		"Ratelimit-Limit", strconv.Itoa(l.limit),
		"Ratelimit-Observed", strconv.Itoa(l.counts[reset]),
		"Ratelimit-Remaining", strconv.Itoa(max(0, l.limit-l.counts[reset])),
		"Ratelimit-Reset", strconv.FormatInt(reset, 10),
	}
}

// TestPace_limiter: several goroutines use up what a limiter gives them, period
// after period, and are never refused.
func TestPace_limiter(t *testing.T) {
	t.Parallel()
	const limit = 60
	for _, goroutines := range []int{1, 8, 30, 2 * limit} {
		for _, skew := range []time.Duration{-time.Hour, 300 * time.Millisecond} {
			inBubble(t, fmt.Sprint(goroutines, " ", skew), func(t *testing.T) {
				var mu sync.Mutex
				random := rand.New(rand.NewPCG(1, uint64(goroutines)))
				l := &limiter{limit: limit, period: time.Minute, skew: skew, latency: func() time.Duration {
					mu.Lock()
					defer mu.Unlock()
					return time.Duration(random.IntN(100)) * time.Millisecond
				}}
				time.Sleep(17*time.Second + 300*time.Millisecond) // into a period
				ask(t, l, goroutines, 5*time.Minute)
				assert.Zero(t, l.refused)
				used, given := l.used()
				assert.GreaterOrEqual(t, given, 4*limit)
				assert.GreaterOrEqual(t, float64(used), 0.95*float64(given))
			})
		}
	}
}

// ask has goroutines ask a limiter as fast as they can, for some time.
func ask(t *testing.T, l *limiter, goroutines int, long time.Duration) {
	t.Helper()
	end := time.Now().Add(long)
	c := client(t, l, &runners.Options{MaxWait: time.Hour})
	require.NoError(t, one(c.Runners.Get(t.Context(), 6))) // tells of the limit
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for time.Now().Before(end) && assert.NoError(t, one(c.Runners.Get(t.Context(), 6))) {
				continue
			}
		})
	}
	group.Wait()
}

// used returns how many requests came in the periods that are over, and how
// many might have.
func (l *limiter) used() (used, given int) {
	for reset, count := range l.counts {
		if !time.Unix(reset, 0).After(time.Now().Add(l.skew)) {
			used, given = used+count, given+l.limit
		}
	}
	return used, given
}

// TestPace_unhurried: while something is left, nothing waits.
func TestPace_unhurried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{limit: 100, period: time.Minute, latency: func() time.Duration { return 0 }}
		c := client(t, l, nil)
		began := time.Now()
		for range 100 {
			_, err := c.Runners.Get(t.Context(), 6)
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(began))
		_, err := c.Runners.Get(t.Context(), 6)
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

// spent is an answer that leaves nothing until a time by the server's clock.
func spent(wait time.Duration) step {
	return func(req *http.Request) (*http.Response, error) {
		return reply(200, aRunner, "Date", time.Now().UTC().Format(http.TimeFormat),
			"Ratelimit-Limit", "60", "Ratelimit-Remaining", "0",
			"Ratelimit-Reset", strconv.FormatInt(time.Now().Add(wait).Unix(), 10))(req)
	}
}

// TestPace_refused: a wait for one's turn that is too long is not begun, and
// one that is cut short says what it was for.
func TestPace_refused(t *testing.T) {
	t.Parallel()
	const usedUp = "runners: GET /runners/{id}: not sent: GitLab's budget of requests is used up "
	for name, c := range map[string]struct {
		wait, deadline time.Duration // of the budget, of the context
		cancel         bool
		is             error
		text           string
		took           time.Duration
	}{
		"longer than MaxWait": {
			61 * time.Second, time.Hour, false, nil,
			usedUp + "(the wait asked for is longer than Options.MaxWait)", 0,
		},
		"past the deadline": {
			30 * time.Second, 10 * time.Second, false, context.DeadlineExceeded,
			usedUp + "(no time is left to wait)", 0,
		},
		"cancelled": {
			30 * time.Second, 10 * time.Second, true, context.Canceled,
			usedUp + "(while waiting)", 10 * time.Second,
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			s := play(spent(c.wait), reply(200, aRunner))
			gitlab := client(t, s, nil)
			_, err := gitlab.Runners.Get(t.Context(), 6)
			require.NoError(t, err)

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancel {
				time.AfterFunc(c.deadline, cancel)
			} else {
				ctx, cancel = context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
			}
			began := time.Now()
			_, err = gitlab.Runners.Get(ctx, 6)
			require.ErrorIs(t, err, runners.ErrRateLimited)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			assert.Equal(t, c.text, err.Error())
			e := failure(t, err)
			assert.Equal(t, runners.PhaseNotSent, e.Phase)
			assert.Zero(t, e.Attempts)
			assert.Equal(t, c.wait, e.RetryAfter)
			assert.Equal(t, began.Add(c.wait), e.ResetAt)
			assert.Equal(t, c.took, time.Since(began))
			assert.Len(t, s.requests(), 1)

			time.Sleep(c.wait - c.took)
			_, err = gitlab.Runners.Get(t.Context(), 6)
			require.NoError(t, err, "when the time has come, it works again")
		})
	}
}

// TestPace_noAnswer: who waits for the answer to another request, since that
// alone can tell what is left, waits for MaxWait at most.
func TestPace_noAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(200, aRunner, "Ratelimit-Limit", "60", "Ratelimit-Remaining", "1",
			"Ratelimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Minute).Unix(), 10)), hang)
		c := client(t, s, &runners.Options{AttemptTimeout: 10 * time.Minute, MaxAttempts: 1})
		require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
		var group sync.WaitGroup
		group.Go(func() { assert.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), context.DeadlineExceeded) })
		synctest.Wait()
		began := time.Now()
		require.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), runners.ErrRateLimited)
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Len(t, s.requests(), 2)
		group.Wait()
	})
}

// TestPace_creates: what was not sent for want of budget has no unknown
// outcome, whatever the class.
func TestPace_creates(t *testing.T) {
	t.Parallel()
	for _, class := range classes {
		inBubble(t, string(class.class), func(t *testing.T) {
			s := play(spent(61 * time.Second))
			c := client(t, s, nil)
			require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
			require.NoError(t, one(c.Tokens.Verify(t.Context(), owned, nil)))
			err := class.call(t.Context(), c)
			require.ErrorIs(t, err, runners.ErrRateLimited)
			assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
			assert.Len(t, s.requests(), 2)
		})
	}
}

// TestPace_hold: after a 429 that names a time, all goroutines of the client
// wait for it, whatever they do.
func TestPace_hold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(429, `{"message":"Retry later"}`, "Retry-After", "30"), reply(200, `{"id":6,"token":"glrt-x"}`))
		c := client(t, s, nil)
		var group sync.WaitGroup
		began := time.Now()
		group.Go(func() { assert.NoError(t, one(c.Runners.Get(t.Context(), 6))) })
		synctest.Wait()
		for _, class := range classes {
			group.Go(func() {
				time.Sleep(time.Second)
				assert.NoError(t, class.call(t.Context(), c))
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := one(c.Runners.Get(ctx, 6))
		require.ErrorIs(t, err, runners.ErrRateLimited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, "runners: GET /runners/{id}: not sent: GitLab asked to wait (no time is left to wait)", err.Error())
		assert.Equal(t, 30*time.Second, failure(t, err).RetryAfter)
		group.Wait()
		for _, r := range s.requests()[1:] {
			assert.Equal(t, 30*time.Second, r.At.Sub(began))
		}
		assert.Len(t, s.requests(), 2+len(classes))
	})
}

// TestPace_retries: a hold that begins while another call waits to try again
// holds that one too; its error is that of its own attempt, and a rate limit,
// and says when the hold ends.
func TestPace_retries(t *testing.T) {
	t.Parallel()
	for own, hold := range map[int]int{5: 59, 40: 30} { // seconds
		inBubble(t, strconv.Itoa(own), func(t *testing.T) {
			s := play(reply(502, `{"message":"down"}`, "Retry-After", strconv.Itoa(own)),
				reply(429, `{"message":"Retry later"}`, "Retry-After", strconv.Itoa(hold)), reply(200, aRunner))
			c := client(t, s, nil)
			var group sync.WaitGroup
			group.Go(func() {
				err := one(c.Runners.Get(t.Context(), 6))
				assert.ErrorIs(t, err, runners.ErrServer)
				assert.ErrorIs(t, err, runners.ErrRateLimited)
				assert.ErrorContains(t, err, "502 down (GitLab asked to wait: the wait asked for is longer than Options.MaxWait)")
				e := failure(t, err)
				assert.Equal(t, 1, e.Attempts)
				assert.Equal(t, time.Duration(hold-1)*time.Second, e.RetryAfter)
				assert.Equal(t, time.Now().Add(e.RetryAfter), e.ResetAt)
			})
			synctest.Wait()
			time.Sleep(time.Duration(own-1) * time.Second)
			require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
			group.Wait()
			assert.Len(t, s.requests(), 3)
		})
	}
}

// TestPace_tokens: GitLab counts requests without a user apart, and so do we.
func TestPace_tokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(spent(50*time.Second), reply(200, `{"id":6,"token":"glrt-x"}`))
		c := client(t, s, nil)
		began := time.Now()
		require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
		require.NoError(t, one(c.Tokens.Verify(t.Context(), owned, nil)))
		assert.Zero(t, time.Since(began))
		require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
		assert.Equal(t, 50*time.Second, time.Since(began))
	})
}

// TestPace_strange: headers that make no sense keep nobody waiting, and none
// for ever.
func TestPace_strange(t *testing.T) {
	t.Parallel()
	unix := func(d time.Duration) string {
		return strconv.FormatInt(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Unix(), 10)
	}
	for name, c := range map[string]struct {
		header []string
		wait   time.Duration // until it works again
	}{
		"no reset":     {[]string{"Ratelimit-Remaining", "0"}, 0},
		"no remaining": {[]string{"Ratelimit-Reset", unix(time.Minute)}, 0},
		"words":        {[]string{"Ratelimit-Remaining", "none", "Ratelimit-Reset", "soon"}, 0},
		"past":         {[]string{"Ratelimit-Remaining", "0", "Ratelimit-Reset", unix(-time.Minute)}, 0},
		"now":          {[]string{"Ratelimit-Remaining", "0", "Ratelimit-Reset", unix(0)}, 0},
		"negative":     {[]string{"Ratelimit-Remaining", "-3", "Ratelimit-Reset", unix(time.Second)}, time.Second},
		"no limit":     {[]string{"Ratelimit-Remaining", "0", "Ratelimit-Reset", unix(time.Second)}, time.Second},
		"far":          {[]string{"Ratelimit-Remaining", "0", "Ratelimit-Reset", unix(100 * 365 * 24 * time.Hour)}, time.Hour},
		"milliseconds": {[]string{"Ratelimit-Remaining", "0", "Ratelimit-Reset", unix(time.Minute) + "000"}, time.Hour},
		"old date":     {[]string{"Ratelimit-Remaining", "0", "Ratelimit-Reset", unix(time.Minute), "Date", "Mon, 01 Jan 0001 00:00:00 GMT"}, 0},
	} {
		inBubble(t, name, func(t *testing.T) {
			s := play(reply(200, aRunner, c.header...), reply(200, aRunner))
			gitlab := client(t, s, nil)
			began := time.Now()
			require.NoError(t, one(gitlab.Runners.Get(t.Context(), 6)))
			for one(gitlab.Runners.Get(t.Context(), 6)) != nil {
				time.Sleep(time.Minute)
			}
			assert.Equal(t, c.wait, time.Since(began))
		})
	}
}

// TestPace_size: what is left when a new period begins is what the last one had,
// and not the limit, which is for a minute.
func TestPace_size(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(200, aRunner, "Ratelimit-Limit", "60", "Ratelimit-Observed", "1", "Ratelimit-Remaining", "2",
			"Ratelimit-Reset", strconv.FormatInt(time.Now().Add(10*time.Second).Unix(), 10)), hang)
		c := client(t, s, nil)
		require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() { assert.ErrorIs(t, one(c.Runners.Get(ctx, 6)), context.Canceled) })
		}
		synctest.Wait()
		assert.Len(t, s.requests(), 1+3)
		cancel()
		group.Wait()
	})
}

// TestPace_longHold: a 429 that names a time far away is a mistake, and holds
// for no longer than an hour.
func TestPace_longHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(429, `{}`, "Retry-After", "946684808000"), reply(200, aRunner))
		c := client(t, s, &runners.Options{MaxWait: 2 * time.Hour})
		began := time.Now()
		require.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), runners.ErrRateLimited)
		require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
		assert.Equal(t, time.Hour, time.Since(began))
	})
}

// TestPace_late: an answer that was long on its way says nothing of the period
// that has begun since.
func TestPace_late(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		said := func(left string) step {
			return reply(200, aRunner, "Date", time.Now().UTC().Format(http.TimeFormat), "Ratelimit-Limit", "60",
				"Ratelimit-Remaining", left, "Ratelimit-Reset", strconv.FormatInt(time.Now().Add(10*time.Second).Unix(), 10))
		}
		late := said("0")
		s := play(said("5"), func(req *http.Request) (*http.Response, error) {
			time.Sleep(15 * time.Second)
			return late(req)
		}, reply(200, aRunner))
		c := client(t, s, nil)
		began := time.Now()
		for range 3 {
			require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
		}
		assert.Equal(t, 15*time.Second, time.Since(began))
	})
}

// TestPace_lost: an attempt without an answer may have been counted, unless it
// was not sent.
func TestPace_lost(t *testing.T) {
	t.Parallel()
	for failure, wait := range map[error]time.Duration{errReset: 30 * time.Second, errDialRefused: 0} {
		inBubble(t, failure.Error(), func(t *testing.T) {
			two := reply(200, aRunner, "Ratelimit-Limit", "60", "Ratelimit-Remaining", "2",
				"Ratelimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Second).Unix(), 10))
			s := play(two, fail(failure), fail(failure), reply(200, aRunner))
			c := client(t, s, &runners.Options{MaxAttempts: 1})
			began := time.Now()
			require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
			for range 2 {
				require.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), runners.ErrUnavailable)
			}
			assert.Zero(t, time.Since(began))
			require.NoError(t, one(c.Runners.Get(t.Context(), 6)))
			assert.Equal(t, wait, time.Since(began))
		})
	}
}

// TestPace_random: whatever the headers of an answer say, no request comes
// before its time, and no wait is longer than MaxWait. 10,000 sets.
func TestPace_random(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const longest = 20 * time.Second
		random := rand.New(rand.NewPCG(3, 4))
		refused := 0
		for range 10_000 {
			time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
			asked := time.Duration(random.IntN(30)) * time.Second
			server := time.Now().Add(time.Duration(random.IntN(7200)-3600) * time.Second)
			exact := time.Now().Add(server.Add(asked).Truncate(time.Second).Sub(server))
			reset := []string{
				"Ratelimit-Remaining", "0", "Ratelimit-Limit", "600",
				"Ratelimit-Reset", strconv.FormatInt(server.Add(asked).Unix(), 10),
			}
			first := [][]string{
				reset,
				append(reset, "Retry-After", strconv.Itoa(int(asked.Seconds()))),
				{"Retry-After", server.Add(asked).UTC().Format(http.TimeFormat)},
			}[random.IntN(3)]
			status := 200
			if len(first) != 6 {
				status = []int{429, 503}[random.IntN(2)]
			}
			s := play(reply(status, aRunner, append(first, "Date", server.UTC().Format(http.TimeFormat))...),
				reply(200, aRunner))
			c := client(t, s, &runners.Options{MaxWait: longest})
			began := time.Now()
			err := one(c.Runners.Get(t.Context(), 6))
			if err == nil && len(s.requests()) == 1 {
				err = one(c.Runners.Get(t.Context(), 6))
			}
			require.LessOrEqual(t, time.Since(began), longest)
			if err != nil {
				require.Greater(t, asked, longest-time.Second)
				refused++
				continue
			}
			require.False(t, s.requests()[1].At.Before(exact), "%v asked by %v", asked, first)
		}
		assert.Greater(t, refused, 1000)
	})
}
