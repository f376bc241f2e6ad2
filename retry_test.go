// What is tried again, when, and what never: each class of operation against
// each outcome, waits in virtual time, deletes that find nothing, redirects.

package runners_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// classes are one call of each class, in the order of the columns below.
var classes = []struct {
	class runners.Class
	once  bool // never repeated once it may have been done
	call  func(context.Context, *runners.Client) error
}{
	{runners.ClassRead, false, func(ctx context.Context, c *runners.Client) error {
		return one(c.Runners.Get(ctx, 6))
	}},
	{runners.ClassPut, false, func(ctx context.Context, c *runners.Client) error {
		return one(c.Runners.Update(ctx, 6, &runners.UpdateOptions{Paused: new(true)}))
	}},
	{runners.ClassDelete, false, func(ctx context.Context, c *runners.Client) error {
		return c.Runners.Delete(ctx, 6)
	}},
	{runners.ClassVerify, false, func(ctx context.Context, c *runners.Client) error {
		return one(c.Tokens.Verify(ctx, owned, nil))
	}},
	{runners.ClassCreate, true, func(ctx context.Context, c *runners.Client) error {
		return one(c.Runners.Create(ctx, runners.ForInstance(), nil))
	}},
	{runners.ClassRotate, true, func(ctx context.Context, c *runners.Client) error {
		return one(c.Runners.ResetToken(ctx, 6))
	}},
}

// attempts are how often each class is sent.
type attempts [6]int

// A fault is what every attempt meets.
type fault struct {
	name  string
	step  step
	sent  attempts // 0 = no fault to this class
	doubt bool     // what is never repeated has an unknown outcome
	phase runners.Phase
	is    []error
	text  string
}

func networkFaults() []fault {
	never, always, safe := attempts{1, 1, 1, 1, 1, 1}, attempts{4, 4, 4, 4, 4, 4}, attempts{4, 4, 4, 4, 1, 1}
	unavailable := []error{runners.ErrUnavailable}
	untrusted := []error{runners.ErrTLS, runners.ErrUnavailable}
	return []fault{
		{"dial refused", fail(errDialRefused), always, false, runners.PhaseNotSent, unavailable, "not sent: dial tcp: connection refused"},
		{"no such host", fail(errNoSuchHost), never, false, runners.PhaseNotSent, unavailable, "no such host"},
		{"dns temporary", fail(errDNSTemporary), always, false, runners.PhaseNotSent, unavailable, "server misbehaving"},
		{"handshake timeout", unreached(errHandshake), always, false, runners.PhaseNotSent, unavailable, "TLS handshake timeout"},
		{"no connection", unreached(io.EOF), always, false, runners.PhaseNotSent, unavailable, "not sent: EOF"},
		{"unknown authority", unreached(x509.UnknownAuthorityError{}), never, false, runners.PhaseNotSent, untrusted, "gitlab.example.com"},
		{"wrong name", unreached(x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"other"}}, Host: "h"}), never, false, runners.PhaseNotSent, untrusted, "gitlab.example.com"},
		{"plain http", unreached(http.ErrSchemeMismatch), never, false, runners.PhaseNotSent, untrusted, "gitlab.example.com"},
		{"reset", fail(errReset), safe, true, runners.PhaseSent, unavailable, "no answer: read tcp: connection reset by peer"},
		{"closed", fail(io.EOF), safe, true, runners.PhaseSent, unavailable, "no answer: EOF"},
		{"timeout", hang, safe, true, runners.PhaseSent, []error{runners.ErrUnavailable, context.DeadlineExceeded}, "no answer: context deadline exceeded"},
	}
}

func statusFaults() []fault {
	never, always, safe := attempts{1, 1, 1, 1, 1, 1}, attempts{4, 4, 4, 4, 4, 4}, attempts{4, 4, 4, 4, 1, 1}
	const maintenance = `{"message":"GitLab is undergoing maintenance and is operating in read-only mode."}`
	var all []fault
	for _, s := range []struct {
		status int
		sent   attempts
		doubt  bool
		is     []error
	}{
		{408, safe, false, []error{runners.ErrTemporary}},
		{425, safe, false, []error{runners.ErrTemporary}},
		{429, always, false, []error{runners.ErrRateLimited}},
		{500, safe, true, []error{runners.ErrServer}},
		{501, never, false, []error{runners.ErrServer}},
		{502, safe, true, []error{runners.ErrServer}},
		{503, safe, true, []error{runners.ErrServer, runners.ErrUnavailable}},
		{504, safe, true, []error{runners.ErrServer}},
		{505, never, false, []error{runners.ErrServer}},
		{520, safe, true, []error{runners.ErrServer}},
		{527, safe, true, []error{runners.ErrServer}},
		{999, safe, true, []error{runners.ErrUnexpectedResponse}},
		{400, never, false, []error{runners.ErrInvalid}},
		{401, never, false, []error{runners.ErrUnauthorized}},
		{402, never, false, []error{runners.ErrInvalid}},
		{403, never, false, []error{runners.ErrForbidden}},
		{404, never, false, []error{runners.ErrNotFound}},
		{405, never, false, []error{runners.ErrInvalid}},
		{409, never, false, []error{runners.ErrConflict}},
		{410, never, false, []error{runners.ErrGone}},
		{412, never, false, []error{runners.ErrPreconditionFailed}},
		{413, never, false, []error{runners.ErrInvalid}},
		{415, never, false, []error{runners.ErrInvalid}},
		{422, never, false, []error{runners.ErrInvalid}},
		{304, never, false, []error{runners.ErrRedirect}},
	} {
		body, text := `{"message":"what it says"}`, "what it says"
		if s.status == 304 {
			text = "redirected to nowhere: check the base URL"
		}
		all = append(all, fault{
			strconv.Itoa(s.status), reply(s.status, body), s.sent, s.doubt,
			runners.PhaseAnswered, s.is, strconv.Itoa(s.status) + " " + text,
		})
	}
	unavailable := []error{runners.ErrServer, runners.ErrUnavailable}
	return append(
		all,
		fault{"503, GitLab's", reply(503, maintenance, "Retry-After", "1"), always, false, runners.PhaseAnswered, unavailable, "read-only mode"},
		fault{"503, GitLab's, without a time", reply(503, maintenance), safe, true, runners.PhaseAnswered, unavailable, "read-only mode"},
		fault{"503, a proxy's", reply(503, "<html>maintenance", "Retry-After", "1"), safe, true, runners.PhaseAnswered, unavailable, "HTML page"},
		fault{"503, another's", reply(503, `{"message":"queue is full"}`, "Retry-After", "1"), safe, true, runners.PhaseAnswered, unavailable, "queue is full"},
		fault{"redirect", reply(307, "", "Location", "https://evil.example/x"), never, false, runners.PhaseAnswered, []error{runners.ErrRedirect}, "307 redirected to https://evil.example: check"},
	)
}

func bodyFaults() []fault {
	never, reread := attempts{1, 1, 1, 1, 1, 1}, attempts{2, 1, 1, 1, 1, 1}
	unexpected := []error{runners.ErrUnexpectedResponse}
	return []fault{
		{"truncated", truncated(200, `{"id":6,"tok`), reread, true, runners.PhaseAnswered, unexpected, "unexpected EOF"},
		{"truncated where whole", truncated(200, aRunner), reread, true, runners.PhaseAnswered, unexpected, "unexpected EOF"},
		{"garbage", reply(200, `{"id":6`), reread, true, runners.PhaseAnswered, unexpected, ""},
		{"list", reply(200, `[1]`), attempts{2, 1, 0, 1, 1, 1}, true, runners.PhaseAnswered, unexpected, ""},
		{"html", reply(200, `<html>`), never, true, runners.PhaseAnswered, unexpected, "200 an HTML page where GitLab answers with JSON"},
		{"empty", reply(200, ``), attempts{1, 1, 0, 1, 1, 1}, true, runners.PhaseAnswered, unexpected, "200 an empty answer where GitLab answers with JSON"},
		{"too large", reply(200, `{"id":`+strings.Repeat(" ", 4<<10)+`6}`), never, true, runners.PhaseAnswered, []error{runners.ErrResponseTooLarge, runners.ErrUnexpectedResponse}, "200 body is larger than Options.MaxBodyBytes"},
	}
}

// hints are what an unknown outcome says about the way out.
var hints = map[runners.Class]string{
	runners.ClassCreate: "outcome unknown: the runner may exist; FindCreated looks for it, " +
		"and Runners.ResetToken gives it a token",
	runners.ClassRotate: "outcome unknown: if the token was reset, the new one is lost; " +
		"Runners.ResetToken makes another",
}

// TestFaults: each class against each fault that does not go away.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range append(append(networkFaults(), statusFaults()...), bodyFaults()...) {
		for i, class := range classes {
			if f.sent[i] == 0 {
				continue
			}
			t.Run(f.name+" "+string(class.class), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := play(f.step)
					err := class.call(t.Context(), client(t, s, &runners.Options{MaxBodyBytes: 1 << 10}))
					assert.Len(t, s.requests(), f.sent[i])
					require.ErrorIs(t, err, f.is[0])
					e := failure(t, err)
					assert.Equal(t, class.class, e.Class)
					assert.Equal(t, f.phase, e.Phase)
					assert.Equal(t, f.sent[i], e.Attempts)
					assert.Contains(t, err.Error(), f.text)
					unknown := f.doubt && class.once
					assert.Equal(t, unknown, errors.Is(err, runners.ErrOutcomeUnknown))
					assert.Equal(t, unknown, strings.HasSuffix(err.Error(), " ("+hints[class.class]+")"))
				})
			})
		}
	}
}

// TestFaults_sentinels: an error matches those that fit, and no others.
func TestFaults_sentinels(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		runners.ErrInvalid, runners.ErrUnauthorized, runners.ErrForbidden, runners.ErrInsufficientScope,
		runners.ErrNotFound, runners.ErrConflict, runners.ErrGone, runners.ErrPreconditionFailed,
		runners.ErrRateLimited, runners.ErrTemporary, runners.ErrServer, runners.ErrUnavailable,
		runners.ErrTLS, runners.ErrRedirect, runners.ErrUnexpectedResponse, runners.ErrResponseTooLarge,
		runners.ErrPaginationLoop, runners.ErrOutcomeUnknown, context.DeadlineExceeded, context.Canceled,
	}
	for _, f := range append(append(networkFaults(), statusFaults()...), bodyFaults()...) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, err := client(t, play(f.step), &runners.Options{MaxBodyBytes: 1 << 10}).Runners.Get(t.Context(), 6)
				var got []error
				for _, s := range sentinels {
					if errors.Is(err, s) {
						got = append(got, s)
					}
				}
				assert.ElementsMatch(t, f.is, got)
			})
		})
	}
}

// TestFaults_pass: what comes after a fault that went away is a success.
func TestFaults_pass(t *testing.T) {
	t.Parallel()
	for _, f := range append(append(networkFaults(), statusFaults()...), bodyFaults()...) {
		for i, class := range classes {
			if f.sent[i] < 2 {
				continue
			}
			t.Run(f.name+" "+string(class.class), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := play(f.step, reply(200, `{"id":6,"token":"glrt-x"}`))
					var seen runners.Call
					require.NoError(t, class.call(t.Context(), client(t, s, &runners.Options{
						MaxBodyBytes: 1 << 10,
						Observe:      func(_ context.Context, call runners.Call) { seen = call },
					})))
					assert.Len(t, s.requests(), 2)
					assert.Equal(t, s.requests()[0].Body, s.requests()[1].Body)
					assert.Equal(t, 2, seen.Attempts)
					assert.False(t, seen.AlreadyGone)
				})
			})
		}
	}
}

// TestFaults_silent: what is known of one attempt says nothing of the next.
func TestFaults_silent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(unreached(io.EOF), fail(errReset))
		err := one(client(t, s, nil).Runners.Create(t.Context(), runners.ForInstance(), nil))
		require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		assert.Equal(t, runners.PhaseSent, failure(t, err).Phase)
		assert.Len(t, s.requests(), 2)
	})
}

// TestGone_hint: where registration tokens are switched off, the error says
// what to use.
func TestGone_hint(t *testing.T) {
	t.Parallel()
	c := client(t, play(reply(410, `{"message":"410 Gone - runner registration disallowed"}`)), nil)
	_, err := c.Tokens.Register(t.Context(), runners.NewToken(registrationToken), nil)
	require.ErrorIs(t, err, runners.ErrGone)
	assert.Equal(t, "runners: POST /runners: 410 Gone - runner registration disallowed; "+
		"use Runners.Create (POST /user/runners)", err.Error())
	err = one(client(t, play(reply(410, `{"message":"410 Gone"}`)), nil).Runners.Get(t.Context(), 6))
	assert.Equal(t, "runners: GET /runners/{id}: 410 Gone", err.Error())
}

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
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
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
			t.Run(name+" "+string(class.class), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
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
		})
	}
}

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 4, 1: 1, 2: 2, 7: 7} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := play(reply(502, ``))
				_, err := client(t, s, &runners.Options{MaxAttempts: most}).Runners.Get(t.Context(), 6)
				require.ErrorIs(t, err, runners.ErrServer)
				assert.Len(t, s.requests(), want)
				assert.Equal(t, want, failure(t, err).Attempts)
			})
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
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
		})
	}
}

type cancelKey struct{}

// TestCancel_sent: what may have been done when the context ended has an
// unknown outcome; what may be repeated is for the caller to repeat.
func TestCancel_sent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step  step
		phase runners.Phase
	}{
		"connecting": {
			func(req *http.Request) (*http.Response, error) {
				httptrace.ContextClientTrace(req.Context()).GetConn("")
				return hang(req)
			},
			runners.PhaseNotSent,
		},
		"no answer": {hang, runners.PhaseSent},
		"slow body": {slowBody, runners.PhaseAnswered},
	} {
		for _, class := range classes {
			t.Run(name+" "+string(class.class), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
					defer cancel()
					s := play(c.step)
					began := time.Now()
					err := class.call(ctx, client(t, s, nil))
					require.ErrorIs(t, err, context.DeadlineExceeded)
					unknown := class.once && c.phase != runners.PhaseNotSent
					assert.Equal(t, unknown, errors.Is(err, runners.ErrOutcomeUnknown))
					assert.NotErrorIs(t, err, runners.ErrUnavailable, "it was the context")
					assert.Equal(t, 3*time.Second, time.Since(began))
					assert.Equal(t, c.phase, failure(t, err).Phase)
					assert.Len(t, s.requests(), 1)
				})
			})
		}
	}
}

// slowBody answers with a body that never ends.
func slowBody(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(io.MultiReader(
		strings.NewReader(`{"id":6`), readFunc(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, req.Context().Err()
		})))}, nil
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// TestBodyLimit: what is larger than the limit is not read to its end, be it a
// success or not; and no limit is too large.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		limit  int64
		most   int // bytes
	}{
		"success": {200, 1000, 4 << 10},
		"failure": {400, 1000, 68 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total, closed := 0, false
			s := play(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: c.status, Body: body{
					readFunc(func(p []byte) (int, error) {
						total += len(p)
						return copy(p, strings.Repeat("x", len(p))), nil
					}),
					func() { closed = true },
				}}, nil
			})
			_, err := client(t, s, &runners.Options{MaxBodyBytes: c.limit}).Runners.Get(t.Context(), 6)
			require.Error(t, err)
			assert.Equal(t, c.status == 200, errors.Is(err, runners.ErrResponseTooLarge))
			assert.LessOrEqual(t, total, c.most)
			assert.LessOrEqual(t, len(failure(t, err).Body), 64<<10)
			assert.True(t, closed)
		})
	}
	exact := play(reply(200, aRunner))
	for _, limit := range []int64{int64(len(aRunner)), math.MaxInt64} {
		_, err := client(t, exact, &runners.Options{MaxBodyBytes: limit}).Runners.Get(t.Context(), 6)
		require.NoError(t, err)
	}
	_, err := client(t, exact, &runners.Options{MaxBodyBytes: int64(len(aRunner)) - 1}).Runners.Get(t.Context(), 6)
	require.ErrorIs(t, err, runners.ErrResponseTooLarge)
}

type body struct {
	io.Reader

	close func()
}

func (b body) Close() error {
	b.close()
	return nil
}

// TestDelete_gone: a delete that finds nothing, after an attempt that may have
// worked, is a success that only the observer tells from others.
func TestDelete_gone(t *testing.T) {
	t.Parallel()
	byID := func(ctx context.Context, c *runners.Client) error { return c.Runners.Delete(ctx, 6) }
	unassign := func(ctx context.Context, c *runners.Client) error { return c.Projects.Unassign(ctx, app, 6) }
	byToken := func(ctx context.Context, c *runners.Client) error { return c.Tokens.Delete(ctx, owned) }
	manager := func(ctx context.Context, c *runners.Client) error { return c.Tokens.DeleteManager(ctx, owned, "s_1") }
	legacy := func(ctx context.Context, c *runners.Client) error {
		r, err := c.Legacy.Delete(ctx, owned)
		if r != nil {
			return errors.New("a runner out of nothing")
		}
		return err
	}
	gone, forbidden := reply(404, `{"message":"404 Not found"}`), reply(403, `{"message":"403 Forbidden"}`)
	for name, c := range map[string]struct {
		call  func(context.Context, *runners.Client) error
		steps []step
		is    error
	}{
		"lost":               {byID, []step{fail(errReset), gone}, nil},
		"bad gateway":        {byID, []step{reply(502, ``), gone}, nil},
		"timeout":            {byID, []step{hang, gone}, nil},
		"lost long ago":      {byID, []step{fail(errReset), fail(errDialRefused), reply(429, ``), gone}, nil},
		"unassign":           {unassign, []step{fail(errReset), gone}, nil},
		"manager":            {manager, []step{fail(errReset), gone}, nil},
		"by token":           {byToken, []step{fail(errReset), forbidden}, nil},
		"by token, 404":      {byToken, []step{fail(errReset), gone}, nil},
		"legacy":             {legacy, []step{fail(errReset), forbidden}, nil},
		"at first":           {byID, []step{gone}, runners.ErrNotFound},
		"never reached":      {byID, []step{fail(errDialRefused), gone}, runners.ErrNotFound},
		"refused before":     {byID, []step{reply(429, ``), gone}, runners.ErrNotFound},
		"not taken up":       {byID, []step{reply(408, ``), gone}, runners.ErrNotFound},
		"forbidden":          {byID, []step{fail(errReset), forbidden}, runners.ErrForbidden},
		"unassign forbidden": {unassign, []step{fail(errReset), forbidden}, runners.ErrForbidden},
		"manager forbidden":  {manager, []step{fail(errReset), forbidden}, runners.ErrForbidden},
		"by token at first":  {byToken, []step{forbidden}, runners.ErrForbidden},
		"by token, refused":  {byToken, []step{reply(429, ``), forbidden}, runners.ErrForbidden},
		"legacy at first":    {legacy, []step{forbidden}, runners.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen []runners.Call
				s := play(c.steps...)
				err := c.call(t.Context(), client(t, s, &runners.Options{
					Observe: func(_ context.Context, call runners.Call) { seen = append(seen, call) },
				}))
				require.ErrorIs(t, err, c.is)
				require.Len(t, seen, 1)
				assert.Equal(t, c.is == nil, seen[0].AlreadyGone)
				assert.Equal(t, len(c.steps), seen[0].Attempts)
				if c.is == nil {
					assert.NoError(t, seen[0].Err)
				}
				assert.Len(t, s.requests(), len(c.steps))
			})
		})
	}
}

// TestGone_others: nothing but a delete takes "not found" for a success.
func TestGone_others(t *testing.T) {
	t.Parallel()
	for _, class := range classes {
		if class.class == runners.ClassDelete || class.once {
			continue
		}
		t.Run(string(class.class), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := class.call(t.Context(), client(t, play(fail(errReset), reply(404, `{}`)), nil))
				require.ErrorIs(t, err, runners.ErrNotFound)
			})
		})
	}
}

// TestRedirect: a GET is followed within its origin, five times at most.
func TestRedirect(t *testing.T) {
	t.Parallel()
	to := func(location string) step { return reply(301, "moved", "Location", location) }
	for name, c := range map[string]struct {
		steps []step
		uris  []string
	}{
		"path":     {[]step{to("/api/v4/runners/7"), reply(200, aRunner)}, []string{"/api/v4/runners/6", "/api/v4/runners/7"}},
		"relative": {[]step{to("7?a=b"), reply(200, aRunner)}, []string{"/api/v4/runners/6", "/api/v4/runners/7?a=b"}},
		"whole":    {[]step{to("https://GitLab.example.com:443/x"), reply(200, aRunner)}, []string{"/api/v4/runners/6", "/x"}},
		"five": {
			[]step{to("/1"), to("/2"), to("/3"), to("/4"), to("/5"), reply(200, aRunner)},
			[]string{"/api/v4/runners/6", "/1", "/2", "/3", "/4", "/5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(c.steps...)
			_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
			require.NoError(t, err)
			var uris []string
			for _, r := range s.requests() {
				uris = append(uris, r.URI)
				assert.Equal(t, accessToken, r.Header.Get("Private-Token"))
			}
			assert.Equal(t, c.uris, uris)
		})
	}
}

// TestRedirect_refused: no redirect leads out of the origin, and its target is
// not shown but for the host.
func TestRedirect_refused(t *testing.T) {
	t.Parallel()
	for location, target := range map[string]string{
		"https://evil.example/canary?private_token=canary": "https://evil.example",
		"https://canary:canary@evil.example/":              "https://evil.example",
		"//evil.example/canary":                            "https://evil.example",
		"http://gitlab.example.com/canary":                 "http://gitlab.example.com",
		"https://gitlab.example.com:8443/canary":           "https://gitlab.example.com:8443",
		"http://gitlab.example.com:443/canary":             "http://gitlab.example.com:443",
		"https://gitlab.example.com.evil.example/":         "https://gitlab.example.com.evil.example",
		"https://" + accessToken + ".evil.example/":        "https://[REDACTED].evil.example",
		"javascript:canary()":                              "javascript:",
		"https://[canary":                                  "nowhere",
		"":                                                 "nowhere",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(status, " ", location), func(t *testing.T) {
				t.Parallel()
				s := play(reply(status, `<a href="`+location+`">canary</a>`, "Location", location))
				_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
				require.ErrorIs(t, err, runners.ErrRedirect)
				assert.Equal(t, fmt.Sprintf("runners: GET /runners/{id}: %d redirected to %s: "+
					"check the base URL, http or https too", status, target), err.Error())
				assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "canary")
				assert.Len(t, s.requests(), 1)
			})
		}
	}
}

// TestRedirect_loop: it ends after the sixth request.
func TestRedirect_loop(t *testing.T) {
	t.Parallel()
	s := play(reply(302, "", "Location", "/again"))
	_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
	require.ErrorIs(t, err, runners.ErrRedirect)
	assert.Len(t, s.requests(), 6)
}

// TestRedirect_writes: nothing but a GET is sent elsewhere, be it next door.
func TestRedirect_writes(t *testing.T) {
	t.Parallel()
	for _, class := range classes[1:] {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(class.class, " ", status), func(t *testing.T) {
				t.Parallel()
				s := play(reply(status, "", "Location", "/users/sign_in"))
				err := class.call(t.Context(), client(t, s, nil))
				require.ErrorIs(t, err, runners.ErrRedirect)
				assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), "redirected to another path: check the base URL, http or https too")
				assert.Len(t, s.requests(), 1)
			})
		}
	}
}
