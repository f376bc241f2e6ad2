// Faults: what a test lets go wrong, and when. A fault is a value made of
// options; which request it takes is decided here, what it does in effects.go.

package runnerstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Fault is something that goes wrong on purpose. [Server.Fault] arms one.
type Fault struct {
	server *Server
	errs   []error // what is wrong with the options

	routes      []string
	match       func(*http.Request) bool
	nth, times  int // 0 = not given
	always      bool
	afterCommit bool

	effect  effect
	delay   time.Duration
	cut     int // bytes of the body that are sent, where truncated
	drip    time.Duration
	next    string
	endless bool

	truncated bool

	// guarded by the server's lock
	seen, fired int
	disarmed    bool
}

// A FaultOpt is a part of a [Fault]: which requests it takes, or what it does
// to them.
type FaultOpt func(*Fault)

// Fault arms a fault: the next request that it matches gets it, instead of its
// answer or with it. Of several faults, the first that was armed wins; the
// others count the request as well, and wait for the next. Options that make no
// sense fail the test; without a test, they panic.
//
// A fault that never fired fails the test at its end, unless it is [Always].
// The answers that a fault changed carry the header X-Fake-Fault, and
// [Request.Fault] names it in the journal.
//
// Without [AfterCommit], the request is not carried out, unless the fault
// needs its true answer: [Delay], [Truncate], [SlowBody] and [NextLink] change
// how that goes out.
func (s *Server) Fault(options ...FaultOpt) *Fault {
	s.test().Helper()
	f := newFault(options)
	f.server = s
	if err := errors.Join(f.errs...); err != nil {
		f.disarmed = true
		s.report(fmt.Errorf("runnerstest: Fault: %w", err))
		return f
	}
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return f
}

// Fired returns how many requests the fault took.
func (f *Fault) Fired() int {
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	return f.fired
}

// Disarm ends the fault. It then fails no test, fired or not.
func (f *Fault) Disarm() {
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	f.disarmed = true
}

// newFault applies options, and keeps what is wrong with them.
func newFault(options []FaultOpt) *Fault {
	f := &Fault{}
	for _, option := range options {
		if option != nil {
			option(f)
		}
	}
	if f.always && f.times > 0 {
		f.refuse("Always and Times exclude each other")
	}
	bent := f.truncated || f.drip > 0 || f.next != "" || f.endless
	if f.effect.kind == noEffect && !bent && f.delay == 0 && len(f.errs) == 0 {
		f.refuse("no effect: say what goes wrong, as with Status(502)")
	}
	if f.effect.silent() && bent {
		f.refuse("%s sends no answer that could be changed", f.effect.kind)
	}
	return f
}

// refuse notes what is wrong with an option.
func (f *Fault) refuse(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

// On chooses the routes that a fault takes, such as "POST /user/runners";
// [Routes] lists them. A fault without On takes requests of any path.
func On(routes ...string) FaultOpt {
	return func(f *Fault) {
		known := Routes()
		for _, route := range routes {
			if !slices.Contains(known, route) {
				f.refuse("%s", noRoute(route))
			}
		}
		f.routes = append(f.routes, routes...)
	}
}

// Match chooses the requests that a fault takes by a test of one's own, which
// may read the body and must not call the server.
func Match(match func(*http.Request) bool) FaultOpt {
	return func(f *Fault) {
		if match == nil {
			f.refuse("Match: no function")
		}
		f.match = match
	}
}

// Nth lets a fault wait for the nth request that it matches, the first being 1.
func Nth(n int) FaultOpt {
	return func(f *Fault) {
		if n < 1 {
			f.refuse("Nth(%d): the first request is 1", n)
		}
		f.nth = n
	}
}

// Times lets a fault take n requests instead of one.
func Times(n int) FaultOpt {
	return func(f *Fault) {
		if n < 1 {
			f.refuse("Times(%d): want 1 or more", n)
		}
		f.times = n
	}
}

// Always lets a fault take every request that it matches, from the [Nth] on,
// and allows that there be none.
func Always() FaultOpt { return func(f *Fault) { f.always = true } }

// AfterCommit lets the server carry the request out, before the fault strikes:
// the answer is lost, the work is done.
func AfterCommit() FaultOpt { return func(f *Fault) { f.afterCommit = true } }

// Status answers with a status. The body is GitLab's usual one, or the texts
// given, one after the other.
func Status(code int, body ...string) FaultOpt {
	text := strings.Join(body, "")
	return func(f *Fault) {
		if code < http.StatusOK || code > 999 {
			f.refuse("Status(%d): want 200 to 999", code)
		}
		if text != "" && !hasBody(code) {
			f.refuse("Status(%d): such an answer has no body", code)
		}
		f.strike(effect{kind: statusEffect, status: code, text: text})
	}
}

// RateLimited answers 429 as GitLab does when a rate limit is exceeded, with
// all headers or with those of a broken form. wait, a minute by default, is how
// long the limit lasts. [Server.Limit] is a limit that counts.
func RateLimited(form RateLimitForm, wait ...time.Duration) FaultOpt {
	return func(f *Fault) {
		e := effect{kind: limitEffect, form: form, wait: time.Minute}
		if len(wait) > 0 {
			e.wait = wait[0]
		}
		if !slices.Contains(rateLimitForms(), form) {
			f.refuse("RateLimited: no form %.40q", string(form))
		}
		if e.wait < 0 || len(wait) > 1 {
			f.refuse("RateLimited: want one wait that is not negative")
		}
		f.strike(e)
	}
}

// Delay lets a request wait. Alone, it delays the true answer; with
// [AfterCommit], the request is carried out before the wait and not after it.
// The wait follows the time package, also within testing/synctest, and not
// [Server.Advance]. It ends with the request's context and with the server.
func Delay(d time.Duration) FaultOpt {
	return func(f *Fault) {
		if d <= 0 {
			f.refuse("Delay(%v): want more than 0", d)
		}
		f.delay = d
	}
}

// Hang sends nothing and keeps the connection, until the caller gives up or
// the server is closed.
func Hang() FaultOpt { return func(f *Fault) { f.strike(effect{kind: hangEffect}) } }

// ResetConn resets the connection: the caller sees ECONNRESET.
func ResetConn() FaultOpt { return func(f *Fault) { f.strike(effect{kind: resetEffect}) } }

// CloseConn closes the connection without an answer: the caller sees
// [io.EOF].
func CloseConn() FaultOpt { return func(f *Fault) { f.strike(effect{kind: closeEffect}) } }

// Truncate closes the connection after n bytes of the answer's body. A body
// that is not longer arrives whole.
func Truncate(n int) FaultOpt {
	return func(f *Fault) {
		if n < 0 {
			f.refuse("Truncate(%d): want 0 or more", n)
		}
		f.cut, f.truncated = n, true
	}
}

// SlowBody sends the body of the answer byte by byte, and waits before each.
func SlowBody(wait time.Duration) FaultOpt {
	return func(f *Fault) {
		if wait <= 0 {
			f.refuse("SlowBody(%v): want more than 0", wait)
		}
		f.drip = wait
	}
}

// Garbage answers with a success whose body claims to be JSON and is not.
func Garbage() FaultOpt { return func(f *Fault) { f.strike(effect{kind: garbageEffect}) } }

// HTMLPage answers 200 with a page to sign in, as proxies do.
func HTMLPage() FaultOpt { return func(f *Fault) { f.strike(effect{kind: htmlEffect}) } }

// Endless answers with a body that has no end: with a 200, or the answer of
// another effect.
func Endless() FaultOpt { return func(f *Fault) { f.endless = true } }

// RedirectTo answers with a redirect; code is 300 to 399. The address is sent
// as it is.
func RedirectTo(address string, code int) FaultOpt {
	return func(f *Fault) {
		if code < 300 || code > 399 {
			f.refuse("RedirectTo: %d is no redirect", code)
		}
		f.checkAddress("RedirectTo", address)
		f.strike(effect{kind: redirectEffect, status: code, text: address})
	}
}

// NextLink puts an address in place of the answer's Link header, as that of the
// next page. It is sent as it is.
func NextLink(address string) FaultOpt {
	return func(f *Fault) {
		f.checkAddress("NextLink", address)
		f.next = address
	}
}

// checkAddress refuses what no header can hold.
func (f *Fault) checkAddress(option, address string) {
	if _, err := url.Parse(address); err != nil || strings.TrimSpace(address) == "" {
		f.refuse("%s: %.80q is no address", option, address)
	}
}

// strike sets the effect; a fault has one.
func (f *Fault) strike(e effect) {
	if f.effect.kind != noEffect {
		f.refuse("two effects: %s and %s", f.effect.kind, e.kind)
	}
	f.effect = e
}

// due returns the fault that takes a request, or nil. All that match it count
// it.
func (s *Server) due(x *exchange) *Fault {
	var first *Fault
	for _, f := range s.faults {
		if f.disarmed || !f.matches(x) {
			continue
		}
		f.seen++
		if first == nil && f.seen >= f.nth && (f.always || f.fired < max(1, f.times)) {
			first = f
		}
	}
	if first != nil {
		first.fired++
	}
	return first
}

func (f *Fault) matches(x *exchange) bool {
	if len(f.routes) > 0 && (x.request == nil || !slices.Contains(f.routes, x.request.route.pattern)) {
		return false
	}
	if f.match == nil {
		return true
	}
	shown := *x.arrived
	shown.Body = io.NopCloser(bytes.NewReader(x.body))
	return f.match(&shown)
}

// wantFired fails the test for the faults that never fired.
func (s *Server) wantFired() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.fired == 0 && !f.always && !f.disarmed {
			s.tb.Errorf("runnerstest: the fault %q never fired: %d requests matched it", f, f.seen)
		}
	}
}
