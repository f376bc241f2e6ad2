// How long is waited before another try, in virtual time, and what ends a wait.

package runners_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestRetryAfter: GitLab's time is obeyed, to the nanosecond.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d) }
	unix := func(d time.Duration) string { return strconv.FormatInt(at(d).Unix(), 10) }
	const soon = -1 // as if nothing had been asked for
	for name, c := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"seconds":               {[]string{"Retry-After", "7"}, 7 * time.Second},
		"spaces":                {[]string{"Retry-After", " 7 "}, 7 * time.Second},
		"float":                 {[]string{"Retry-After", "2.5"}, 3 * time.Second},
		"date":                  {[]string{"Retry-After", at(9 * time.Second).Format(http.TimeFormat)}, 9 * time.Second},
		"RFC 850":               {[]string{"Retry-After", at(9 * time.Second).Format("Monday, 02-Jan-06 15:04:05 GMT")}, 9 * time.Second},
		"asctime":               {[]string{"Retry-After", at(9 * time.Second).Format(time.ANSIC)}, 9 * time.Second},
		"server's clock":        {[]string{"Date", at(time.Hour).Format(http.TimeFormat), "Retry-After", at(time.Hour + 9*time.Second).Format(http.TimeFormat)}, 9 * time.Second},
		"two":                   {[]string{"Retry-After", "3", "Retry-After", "9"}, 9 * time.Second},
		"one of two":            {[]string{"Retry-After", "x", "Retry-After", "9"}, 9 * time.Second},
		"most":                  {[]string{"Retry-After", "60"}, time.Minute},
		"reset":                 {[]string{"Ratelimit-Reset", unix(8 * time.Second)}, 8 * time.Second},
		"reset, nothing left":   {[]string{"Ratelimit-Reset", unix(8 * time.Second), "Ratelimit-Remaining", "0"}, 8 * time.Second},
		"reset, server's clock": {[]string{"Date", at(-time.Hour).Format(http.TimeFormat), "Ratelimit-Reset", unix(-time.Hour + 8*time.Second)}, 8 * time.Second},
		"both":                  {[]string{"Ratelimit-Reset", unix(50 * time.Second), "Retry-After", "8"}, 8 * time.Second},
		"nothing":               {nil, soon},
		"empty":                 {[]string{"Retry-After", ""}, soon},
		"zero":                  {[]string{"Retry-After", "0"}, soon},
		"negative":              {[]string{"Retry-After", "-5"}, soon},
		"not a number":          {[]string{"Retry-After", "NaN"}, soon},
		"garbage":               {[]string{"Retry-After", "soon"}, soon},
		"past date":             {[]string{"Retry-After", at(-time.Hour).Format(http.TimeFormat)}, soon},
		"past reset":            {[]string{"Ratelimit-Reset", unix(-time.Hour)}, soon},
		"reset, some left":      {[]string{"Ratelimit-Reset", unix(8 * time.Second), "Ratelimit-Remaining", "3"}, soon},
	} {
		for _, status := range []int{429, 503} {
			inBubble(t, fmt.Sprint(status, " ", name), func(t *testing.T) {
				s := play(reply(status, `{}`, c.header...), reply(200, aRunner))
				_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
				require.NoError(t, err)
				wait := s.waits()[0]
				if c.want != soon {
					assert.Equal(t, c.want, wait)
					return
				}
				assert.Positive(t, wait)
				assert.LessOrEqual(t, wait, 201*time.Millisecond)
			})
		}
	}
}

// TestRetryAfter_tooLong: a wait that is longer than we may is an error at
// once, and says how long it would have been.
func TestRetryAfter_tooLong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"minute":          {[]string{"Retry-After", "61"}, 61 * time.Second},
		"overflow":        {[]string{"Retry-After", "9223372037"}, math.MaxInt64},
		"more than int64": {[]string{"Retry-After", "99999999999999999999"}, math.MaxInt64},
		"more than float": {[]string{"Retry-After", strings.Repeat("9", 400)}, math.MaxInt64},
		"infinite":        {[]string{"Retry-After", "Inf"}, math.MaxInt64},
		"far date":        {[]string{"Retry-After", "Fri, 01 Jan 2500 00:00:00 GMT"}, math.MaxInt64},
		"far reset":       {[]string{"Ratelimit-Reset", "4070908800"}, 4070908800*time.Second - 946684800*time.Second},
		"milliseconds":    {[]string{"Ratelimit-Reset", "946684808000"}, math.MaxInt64},
	} {
		for _, class := range classes {
			inBubble(t, name+" "+string(class.class), func(t *testing.T) {
				s := play(reply(429, `{"message":"Retry later"}`, c.header...))
				began := time.Now()
				err := class.call(t.Context(), client(t, s, nil))
				require.ErrorIs(t, err, runners.ErrRateLimited)
				assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
				assert.Equal(t, c.want, failure(t, err).RetryAfter)
				assert.Equal(t, began.Add(c.want), failure(t, err).ResetAt)
				assert.Contains(t, err.Error(), "429 Retry later (the wait asked for is longer than Options.MaxWait)")
				assert.Len(t, s.requests(), 1)
				assert.Zero(t, time.Since(began))
			})
		}
	}
}

// TestRetryAfter_random: whatever the headers say, no request comes before its
// time, and no wait is longer than MaxWait.
func TestRetryAfter_random(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const longest = 20 * time.Second
		random := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			asked := time.Duration(random.IntN(30)) * time.Second
			status, remaining := []int{429, 503}[random.IntN(2)], []string{"", "0"}[random.IntN(2)]
			header := map[int][]string{
				0: {"Retry-After", strconv.Itoa(int(asked.Seconds()))},
				1: {"Retry-After", time.Now().Add(asked).UTC().Format(http.TimeFormat)},
				2: {"Ratelimit-Reset", strconv.FormatInt(time.Now().Add(asked).Unix(), 10), "Ratelimit-Remaining", remaining},
			}[random.IntN(3)]
			if header[0] != "Retry-After" || !strings.HasSuffix(header[1], "GMT") {
				header = append(header, "Date", time.Now().UTC().Format(http.TimeFormat))
			}
			exact := time.Now().Truncate(time.Second).Add(asked)
			s := play(reply(status, `{}`, header...), reply(200, aRunner))
			_, err := client(t, s, &runners.Options{MaxWait: longest}).Runners.Get(t.Context(), 6)
			if err != nil {
				require.Greater(t, asked, longest-time.Second)
				continue
			}
			again := s.requests()[1].At
			require.False(t, again.Before(exact), "%v asked by %v: %v too early", asked, header, exact.Sub(again))
			require.LessOrEqual(t, s.waits()[0], longest)
		}
	})
}

// TestBackoff: without word from the server the waits are random, below a
// bound that doubles, and never longer than MaxWait.
func TestBackoff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		maxWait time.Duration
		bounds  []time.Duration
	}{
		"default": {0, []time.Duration{
			200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
			1600 * time.Millisecond, 3200 * time.Millisecond, 6400 * time.Millisecond,
			10 * time.Second, 10 * time.Second, 10 * time.Second,
		}},
		"bounded": {time.Millisecond, []time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		inBubble(t, name, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			for range 20 {
				s := play(reply(502, ``))
				_, err := client(t, s, &runners.Options{MaxAttempts: 10, MaxWait: c.maxWait}).Runners.Get(t.Context(), 6)
				require.ErrorIs(t, err, runners.ErrServer)
				require.Len(t, s.waits(), len(c.bounds))
				for i, wait := range s.waits() {
					seen[wait] = true
					assert.Positive(t, wait)
					assert.LessOrEqual(t, wait, c.bounds[i]+time.Millisecond)
				}
			}
			assert.Equal(t, c.maxWait == 0, len(seen) > 100)
		})
	}
}

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 4, 1: 1, 2: 2, 7: 7} {
		inBubble(t, strconv.Itoa(most), func(t *testing.T) {
			s := play(reply(502, ``))
			_, err := client(t, s, &runners.Options{MaxAttempts: most}).Runners.Get(t.Context(), 6)
			require.ErrorIs(t, err, runners.ErrServer)
			assert.Len(t, s.requests(), want)
			assert.Equal(t, want, failure(t, err).Attempts)
		})
	}
}

// TestDeadline_tooShort: a wait that would pass the deadline is not begun.
func TestDeadline_tooShort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		is   error
	}{
		"rate limit": {reply(429, `{"message":"Retry later"}`, "Retry-After", "30"), runners.ErrRateLimited},
		"server":     {reply(500, `{"message":"Retry later"}`, "Retry-After", "30"), runners.ErrServer},
	} {
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			s := play(c.step)
			began := time.Now()
			_, err := client(t, s, nil).Runners.Get(ctx, 6)
			require.ErrorIs(t, err, c.is)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Zero(t, time.Since(began))
			assert.Len(t, s.requests(), 1)
			assert.Equal(t, 30*time.Second, failure(t, err).RetryAfter)
			assert.Contains(t, err.Error(), "Retry later (no time is left to wait and try again)")
		})
	}
}

// TestCancel_waiting: a cancel ends a wait at once; the error is both.
func TestCancel_waiting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		is   error
		text string
	}{
		"rate limit": {
			reply(429, `{"message":"Retry later"}`, "Retry-After", "30"), runners.ErrRateLimited,
			"runners: GET /runners/{id}: 429 Retry later (while waiting to try again)",
		},
		"lost": {
			func(req *http.Request) (*http.Response, error) {
				time.AfterFunc(time.Nanosecond, func() { req.Context().Value(cancelKey{}).(context.CancelFunc)() }) //nolint:errcheck // it is there
				return nil, errReset
			},
			errReset,
			"runners: GET /runners/{id}: no answer: read tcp: connection reset by peer (while waiting to try again)",
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(3*time.Second, cancel)
			s := play(c.step)
			began := time.Now()
			var seen runners.Call
			_, err := client(t, s, &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = call },
			}).Runners.Get(context.WithValue(ctx, cancelKey{}, cancel), 6)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, c.is)
			assert.LessOrEqual(t, time.Since(began), 3*time.Second)
			assert.Len(t, s.requests(), 1)
			assert.Equal(t, c.text, err.Error())
			assert.Equal(t, 1, seen.Attempts)
			assert.Equal(t, err, seen.Err)
		})
	}
}

type cancelKey struct{}
