// Rate limits: a limiter that counts in fixed windows of the server's clock, as
// GitLab's does, and the headers and answers that tell of a limit.

package runnerstest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A RateLimitForm is which headers tell of an exceeded rate limit.
type RateLimitForm string

// The forms that [RateLimited] knows.
const (
	// AllHeaders is GitLab's own form: RateLimit-* and Retry-After.
	AllHeaders RateLimitForm = "all"
	// NoHeaders tells nothing.
	NoHeaders RateLimitForm = "none"
	// OnlyRetryAfter tells the seconds to wait.
	OnlyRetryAfter RateLimitForm = "retry-after"
	// OnlyReset tells when the limit ends: RateLimit-Reset.
	OnlyReset RateLimitForm = "reset"
	// WrongReset tells an end of the limit that lies in the past.
	WrongReset RateLimitForm = "wrong-reset"
)

func rateLimitForms() []RateLimitForm {
	return []RateLimitForm{AllHeaders, NoHeaders, OnlyRetryAfter, OnlyReset, WrongReset}
}

// tooMany is the 429 of a limit that lasts for wait from now on.
func (form RateLimitForm) tooMany(wait time.Duration, now time.Time) reply {
	const most = 60 // of a window that nobody counts
	end := now.Add(wait)
	h := http.Header{}
	switch form {
	case AllHeaders:
		h = allowance{name: authenticatedLimit, most: most, perMinute: most, observed: most + 1, end: end}.headers(now)
	case OnlyRetryAfter:
		h.Set("Retry-After", seconds(wait))
	case OnlyReset:
		h = allowance{end: end}.reset(now)
	case WrongReset:
		h = allowance{end: now.Add(-wait)}.reset(now)
	case NoHeaders:
	}
	return retryLater(h)
}

// retryLater is GitLab's answer to a request above a limit; an instance may
// choose another text.
func retryLater(h http.Header) reply {
	h.Set("Content-Type", "text/plain")
	return reply{status: http.StatusTooManyRequests, header: h, body: []byte("Retry later\n")}
}

// The names of GitLab's limits, for users and for everyone else. The second is
// inferred: from the first, and from the names of the settings.
const (
	authenticatedLimit   = "throttle_authenticated_api"
	unauthenticatedLimit = "throttle_unauthenticated_api"
)

// An allowance is what is left to a caller in a window.
type allowance struct {
	name                      string
	most, perMinute, observed int
	end                       time.Time // of the window
}

// headers tells of an allowance. Above the limit it also says when to retry.
//
// inferred: that older releases than 18 tell of what is left with every answer,
// too, and not with refusals only; and that refused requests count as observed.
func (a allowance) headers(now time.Time) http.Header {
	h := a.reset(now)
	h.Set("Ratelimit-Limit", strconv.Itoa(a.perMinute))
	h.Set("Ratelimit-Name", a.name)
	h.Set("Ratelimit-Observed", strconv.Itoa(a.observed))
	h.Set("Ratelimit-Remaining", strconv.Itoa(max(0, a.most-a.observed)))
	if a.observed > a.most {
		h.Set("Ratelimit-Resettime", wholeSecond(a.end).Format(http.TimeFormat))
		h.Set("Retry-After", seconds(a.end.Sub(now)))
	}
	return h
}

// reset tells when a window ends, and what time it is on the clock by which it
// does.
func (a allowance) reset(now time.Time) http.Header {
	return http.Header{
		"Date":            {now.UTC().Format(http.TimeFormat)},
		"Ratelimit-Reset": {strconv.FormatInt(wholeSecond(a.end).Unix(), 10)},
	}
}

// wholeSecond returns the first full second that is not before t.
func wholeSecond(t time.Time) time.Time {
	return t.Add(time.Second - 1).UTC().Truncate(time.Second)
}

// seconds writes a wait, rounded up to whole seconds.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// A limiter counts requests in windows that begin at the multiples of per.
type limiter struct {
	most   int
	per    time.Duration
	window int64          // the number of the present one
	counts map[string]int // requests in it by user; "" = without a known one
}

// Limit lets the server take n requests of each user, and n of all callers
// without a user, in every window of a length of per, which is a second or
// more. Windows follow the server's clock and begin at its multiples of per.
// Further requests are answered 429, and all answers tell what is left, with
// GitLab's headers. Limit(0, 0) ends it.
func (s *Server) Limit(n int, per time.Duration) {
	s.test().Helper()
	s.ready()
	if (n != 0 || per != 0) && (n < 1 || per < time.Second) {
		s.report(fmt.Errorf("runnerstest: Limit(%d, %v): want 1 request or more in a second or more", n, per))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limiter = nil
	if n > 0 {
		s.limiter = &limiter{most: n, per: per}
	}
}

// take counts a request, and returns what is left to its user.
func (l *limiter) take(username string, now time.Time) allowance {
	number, since := now.UnixNano()/int64(l.per), now.UnixNano()%int64(l.per)
	if number != l.window || l.counts == nil {
		l.window, l.counts = number, map[string]int{}
	}
	l.counts[username]++
	a := allowance{
		name: authenticatedLimit, most: l.most, observed: l.counts[username],
		perMinute: int((int64(l.most)*int64(time.Minute) + int64(l.per) - 1) / int64(l.per)),
		end:       now.Add(l.per - time.Duration(since)),
	}
	if username == "" {
		a.name = unauthenticatedLimit
	}
	return a
}

// limit counts a request against the limit, and reports whether the server
// takes it. The header tells what is left.
func (s *Server) limit(x *exchange) (http.Header, bool) {
	now, username := s.now(), ""
	if u := x.user(); u != nil {
		username = u.username
	}
	a := s.limiter.take(username, now)
	return a.headers(now), a.observed <= a.most
}

// user is whose token came with a request, or nil.
func (x *exchange) user() *user {
	q := x.request
	if q == nil {
		q = &request{Request: x.arrived}
	}
	secret, _ := q.credential()
	token := x.server.world.accessTokens[secret]
	if token == nil || token.revoked {
		return nil
	}
	return token.user
}
