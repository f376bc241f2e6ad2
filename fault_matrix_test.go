// The fault matrix: each fault, before and after GitLab has done its work, once
// and for good, against each class of operation. A cell says how often GitLab
// was asked, what it has done, and what the caller is told, to the letter.

package runners_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A column of the matrix is one call on a GitLab that has one runner.
type column struct {
	class runners.Class
	route string
	call  func(context.Context, *runners.Client, runnerstest.Runner) error
	done  func(runnerstest.State, runnerstest.Runner) bool // nil = nothing to do
	hint  string                                           // what an unknown outcome says
}

func columns() []column {
	gone := func(s runnerstest.State, _ runnerstest.Runner) bool { return len(s.Runners) == 0 }
	return []column{
		{
			runners.ClassRead, "GET /runners/{id}",
			func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
				return one(c.Runners.Get(ctx, r.ID))
			},
			nil, "",
		},
		{
			runners.ClassPut, "PUT /runners/{id}",
			func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
				return one(c.Runners.Update(ctx, r.ID, &runners.UpdateOptions{Description: new("new")}))
			},
			func(s runnerstest.State, _ runnerstest.Runner) bool { return s.Runners[0].Description == "new" }, "",
		},
		{
			runners.ClassDelete, "DELETE /runners/{id}",
			func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
				return c.Runners.Delete(ctx, r.ID)
			},
			gone, "",
		},
		{
			runners.ClassDelete, "DELETE /runners",
			func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
				return c.Tokens.Delete(ctx, runners.NewToken(r.Token))
			},
			gone, "",
		},
		{
			runners.ClassVerify, "POST /runners/verify",
			func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
				return one(c.Tokens.Verify(ctx, runners.NewToken(r.Token), &runners.VerifyOptions{SystemID: "s_1"}))
			},
			func(s runnerstest.State, _ runnerstest.Runner) bool { return len(s.Runners[0].Managers) == 1 }, "",
		},
		{
			runners.ClassCreate, "POST /user/runners",
			func(ctx context.Context, c *runners.Client, _ runnerstest.Runner) error {
				return one(c.Runners.Create(ctx, runners.ForInstance(), nil))
			},
			func(s runnerstest.State, _ runnerstest.Runner) bool { return len(s.Runners) == 2 },
			hints[runners.ClassCreate],
		},
		{
			runners.ClassRotate, "POST /runners/{id}/reset_authentication_token",
			func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
				return one(c.Runners.ResetToken(ctx, r.ID))
			},
			func(s runnerstest.State, r runnerstest.Runner) bool { return s.Runners[0].Token != r.Token },
			hints[runners.ClassRotate],
		},
	}
}

// A row of the matrix is a fault. Its cells stand in the order of the columns:
//
//	R  sent again, four times at most, and well if the fault goes away
//	r  the same, twice at most
//	E  an error at once
//	U  an error at once, of which the outcome is unknown
//	F  a redirect that is followed, five times at most
//	S  a success at once
//	-  not tried
type row struct {
	name  string
	cells string
	is    []error // all sentinels that the error matches, but for ErrOutcomeUnknown
	phase runners.Phase
	text  string // the error's, after the route; 2xx is any success, … any rest

	fault  faults                         // of the fake
	header [2]string                      // that the faulty answer has, too
	late   bool                           // it strikes after the work as well
	only   bool                           // it strikes after the work only
	wire   func(*testing.T, *road) dialer // how the fault is had on a wire

	within, cancelled time.Duration // when the context ends
	atOnce            bool          // nothing is waited for
	spent             bool          // the client has no retries left
	renews            bool          // the credential can be renewed
}

// faults are what goes wrong in the fake.
type faults func(*runnerstest.Server) []runnerstest.FaultOpt

func with(options ...runnerstest.FaultOpt) faults {
	return func(*runnerstest.Server) []runnerstest.FaultOpt { return options }
}

// The usual rows of cells: of what may be repeated if it may be done twice, of
// what may be repeated whatever it is, and of what is as it is.
const repeatable, harmless, final = "RRRRRUU", "RRRRRRR", "EEEEEEE"

// refusalRows are answers that are no successes.
func refusalRows() []row {
	const maintenance = `{"message":"GitLab is undergoing maintenance and is operating in read-only mode."}`
	server := []error{runners.ErrServer}
	unavailable := []error{runners.ErrServer, runners.ErrUnavailable}
	later := [2]string{"Retry-After", "1"}
	status := func(code int, cells string, is ...error) row {
		text := strings.TrimSpace(http.StatusText(code))
		full := []string{}
		if text == "" {
			full, text = append(full, `{"message":"odd"}`), "odd"
		}
		return row{
			name: strconv.Itoa(code), cells: cells, is: is,
			text: strconv.Itoa(code) + " " + text, fault: with(runnerstest.Status(code, full...)), late: code >= 500 && cells == repeatable,
		}
	}
	all := []row{
		status(408, "RRRRREE", runners.ErrTemporary), status(425, "RRRRREE", runners.ErrTemporary),
		status(500, repeatable, server...), status(502, repeatable, server...), status(504, repeatable, server...),
		status(520, repeatable, server...), status(527, repeatable, server...), status(503, repeatable, unavailable...),
		status(999, repeatable, runners.ErrUnexpectedResponse),
		status(501, final, server...), status(505, final, server...),
		status(400, final, runners.ErrInvalid), status(402, final, runners.ErrInvalid),
		status(401, final, runners.ErrUnauthorized), status(403, final, runners.ErrForbidden),
		status(404, final, runners.ErrNotFound), status(405, final, runners.ErrInvalid),
		status(409, final, runners.ErrConflict), status(410, final, runners.ErrGone),
		status(412, final, runners.ErrPreconditionFailed), status(413, final, runners.ErrInvalid),
		status(415, final, runners.ErrInvalid), status(422, final, runners.ErrInvalid),
		{name: "401, of a source of tokens", cells: "rrrEErr", is: []error{runners.ErrUnauthorized}, text: "401 Unauthorized", fault: with(runnerstest.Status(401)), renews: true},
		{
			name: "scope", cells: final, is: []error{runners.ErrForbidden, runners.ErrInsufficientScope},
			text:  "403 insufficient_scope: x (sufficient: api)",
			fault: with(runnerstest.Status(403, `{"error":"insufficient_scope","error_description":"x","scope":"api"}`)),
		},
		{name: "a proxy's 502", cells: repeatable, is: server, text: "502 an HTML page where GitLab answers with JSON: a login page, or a proxy's?", fault: with(runnerstest.Status(502, "<html>")), late: true},
		{name: "maintenance", cells: harmless, is: unavailable, text: "503 GitLab is undergoing maintenance and is operating in read-only mode.", fault: with(runnerstest.Status(503, maintenance)), header: later},
		{name: "maintenance, for who knows how long", cells: repeatable, is: unavailable, text: "503 GitLab is undergoing maintenance and is operating in read-only mode.", fault: with(runnerstest.Status(503, maintenance)), late: true},
		{name: "a proxy's maintenance", cells: repeatable, is: unavailable, text: "503 an HTML page where GitLab answers with JSON: a login page, or a proxy's?", fault: with(runnerstest.Status(503, "<html>maintenance")), header: later, late: true},
		{name: "a proxy's maintenance, in plain words", cells: repeatable, is: unavailable, text: "503 down for maintenance", fault: with(runnerstest.Status(503, "down for maintenance")), header: later, late: true},
		{name: "another's 503", cells: repeatable, is: unavailable, text: "503 queue is full", fault: with(runnerstest.Status(503, `{"message":"queue is full"}`)), header: later, late: true},
		{name: "no retries left", cells: "EEEEE--", is: server, text: "502 Bad Gateway (not retried: client retry budget empty)", fault: with(runnerstest.Status(502)), spent: true, late: true, atOnce: true},
		{name: "a long outage, and a deadline", cells: "EEEEE--", is: append(unavailable, context.DeadlineExceeded), text: "503 Service Unavailable (no time is left to wait and try again)", fault: with(runnerstest.Status(503)), header: [2]string{"Retry-After", "30"}, within: 10 * time.Second, atOnce: true},
	}
	return answered(all)
}

// answered says of rows that there was an answer.
func answered(rows []row) []row {
	for i := range rows {
		rows[i].phase = runners.PhaseAnswered
	}
	return rows
}

// limitRows are refusals because of a rate limit.
func limitRows() []row {
	limited := func(form runnerstest.RateLimitForm, wait time.Duration) faults {
		return with(runnerstest.RateLimited(form, wait))
	}
	is, late := []error{runners.ErrRateLimited}, []error{runners.ErrRateLimited, context.DeadlineExceeded}
	const refused = "429 Retry later"
	return answered([]row{
		{name: "rate limit", cells: harmless, is: is, text: refused, fault: limited(runnerstest.AllHeaders, 30*time.Second)},
		{name: "rate limit, without a word", cells: harmless, is: is, text: refused, fault: limited(runnerstest.NoHeaders, 0)},
		{name: "rate limit, with a time to wait", cells: harmless, is: is, text: refused, fault: limited(runnerstest.OnlyRetryAfter, 30*time.Second)},
		{name: "rate limit, with an end", cells: harmless, is: is, text: refused, fault: limited(runnerstest.OnlyReset, 30*time.Second)},
		{name: "rate limit, with an end long ago", cells: harmless, is: is, text: refused, fault: limited(runnerstest.WrongReset, 30*time.Second)},
		{name: "a wait above MaxWait", cells: final, is: is, text: refused + " (the wait asked for is longer than Options.MaxWait)", fault: limited(runnerstest.OnlyRetryAfter, 61*time.Second), atOnce: true},
		{name: "a wait past the deadline", cells: final, is: late, text: refused + " (no time is left to wait and try again)", fault: limited(runnerstest.AllHeaders, 30*time.Second), within: 10 * time.Second, atOnce: true},
		{name: "cancelled while it waits", cells: final, is: []error{runners.ErrRateLimited, context.Canceled}, text: refused + " (while waiting to try again)", fault: limited(runnerstest.AllHeaders, 30*time.Second), cancelled: 3 * time.Second},
	})
}

// redirectRows are answers that point elsewhere.
func redirectRows() []row {
	const check = ": check the base URL, http or https too"
	is := []error{runners.ErrRedirect}
	to := func(address string, code int) faults { return with(runnerstest.RedirectTo(address, code)) }
	rows := []row{
		{name: "redirect within the origin", cells: "FEEEEEE", is: is, text: "302 redirected to another path" + check, fault: to("/api/v4/runners/1", 302)},
		{name: "redirect to a script", cells: final, is: is, text: "302 redirected to javascript:" + check, fault: to("javascript:x", 302)},
		{name: "redirect to nowhere", cells: final, is: is, text: "304 redirected to nowhere" + check, fault: with(runnerstest.Status(304))},
		{name: "redirect to another scheme", cells: final, is: is, text: "308 redirected to http://gitlab.example.com" + check, fault: to("http://gitlab.example.com/x?private_token=x", 308)},
	}
	for _, code := range []int{301, 302, 303, 307, 308} {
		rows = append(rows, row{
			name: "redirect to another host, " + strconv.Itoa(code), cells: final, is: is,
			text: strconv.Itoa(code) + " redirected to https://other-origin.test" + check,
			fault: func(s *runnerstest.Server) []runnerstest.FaultOpt {
				return []runnerstest.FaultOpt{runnerstest.RedirectTo(s.OtherOrigin()+"/x", code)}
			},
		})
	}
	return answered(rows)
}

// spoiltRows are successes that cannot be read. What is only read may be read
// again; all else was done, as far as the status can be trusted.
func spoiltRows() []row {
	is, large := []error{runners.ErrUnexpectedResponse}, []error{runners.ErrUnexpectedResponse, runners.ErrResponseTooLarge}
	late := []error{runners.ErrUnexpectedResponse, context.DeadlineExceeded}
	return answered([]row{
		{name: "a page to sign in", cells: "EEEEEUU", is: is, text: "200 an HTML page where GitLab answers with JSON: a login page, or a proxy's?", fault: with(runnerstest.HTMLPage()), late: true},
		{name: "nothing", cells: "EESSEUU", is: is, text: "200 an empty answer where GitLab answers with JSON", fault: with(runnerstest.Status(200, " ")), only: true},
		{name: "null", cells: "EESSEUU", is: is, text: "200 null where GitLab answers with an object or a list", fault: with(runnerstest.Status(200, "null")), only: true},
		{name: "a list", cells: "rESSEUU", is: is, text: "200 …", fault: with(runnerstest.Status(200, "[1]")), only: true},
		{name: "no JSON", cells: "rEEEEUU", is: is, text: "2xx …", fault: with(runnerstest.Garbage()), late: true},
		{name: "half of it", cells: "rESSEUU", is: is, text: "2xx unexpected EOF", fault: with(runnerstest.Truncate(7)), only: true},
		{name: "half of it, on TCP", cells: "rESSEUU", is: is, text: "2xx unexpected EOF", fault: with(runnerstest.Truncate(7)), only: true, wire: tcp},
		{name: "the beginning of nothing", cells: "rESSEUU", is: is, text: "2xx unexpected EOF", fault: with(runnerstest.Truncate(0)), only: true},
		{name: "without end", cells: "EEEEEUU", is: large, text: "2xx body is larger than Options.MaxBodyBytes", fault: with(runnerstest.Endless()), late: true},
		{name: "too slow for an attempt", cells: "rESSEUU", is: late, text: "2xx context deadline exceeded", fault: with(runnerstest.SlowBody(time.Second)), only: true},
		{name: "too slow for the context", cells: "EESSEUU", is: []error{context.DeadlineExceeded}, text: "2xx context deadline exceeded", fault: with(runnerstest.SlowBody(time.Second)), only: true, within: 3 * time.Second},
		{name: "slow, and in time", cells: "SSSSSSS", fault: with(runnerstest.SlowBody(time.Millisecond)), only: true},
	})
}

// lostRows are requests that were sent, and have no answer.
func lostRows() []row {
	unavailable := []error{runners.ErrUnavailable}
	large := append(unavailable, runners.ErrUnexpectedResponse, runners.ErrResponseTooLarge)
	const broken = "no answer: net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 16384 bytes; aborted"
	rows := []row{
		{name: "reset", cells: repeatable, is: unavailable, text: "no answer: read tcp: read: connection reset by peer", fault: with(runnerstest.ResetConn()), late: true},
		{name: "closed", cells: repeatable, is: unavailable, text: "no answer: EOF", fault: with(runnerstest.CloseConn()), late: true},
		{name: "timeout", cells: repeatable, is: append(unavailable, context.DeadlineExceeded), text: "no answer: context deadline exceeded", fault: with(runnerstest.Hang()), late: true},
		{name: "the context's deadline", cells: "EEEEEUU", is: []error{context.DeadlineExceeded}, text: "no answer: context deadline exceeded", fault: with(runnerstest.Hang()), late: true, within: 3 * time.Second},
		{name: "cancelled", cells: "EEEEEUU", is: []error{context.Canceled}, text: "no answer: context canceled", fault: with(runnerstest.Hang()), late: true, cancelled: 3 * time.Second},
		{name: "late", cells: "SSSSSSS", fault: with(runnerstest.Delay(29 * time.Second)), only: true},
		{name: "reset, on TCP", cells: repeatable, is: unavailable, text: "no answer: read tcp HOST->HOST: read: connection reset by peer", fault: with(runnerstest.ResetConn()), late: true, wire: tcp},
		{name: "closed, on TCP", cells: repeatable, is: unavailable, text: "no answer: EOF", fault: with(runnerstest.CloseConn()), late: true, wire: tcp},
		{name: "closed, on TLS", cells: repeatable, is: unavailable, text: "no answer: EOF", fault: with(runnerstest.CloseConn()), late: true, wire: trusted(&tls.Config{})},
		{name: "a header without end", cells: "EEEEEUU", is: large, text: broken, wire: hostileServer("endless header")},
		{name: "headers without end", cells: "EEEEEUU", is: large, text: broken, wire: hostileServer("endless headers")},
		{name: "hints without end", cells: "EEEEEUU", is: large, text: broken, wire: hostileServer("endless 1xx")},
	}
	for i := range rows {
		rows[i].phase = runners.PhaseSent
	}
	return rows
}

// unsentRows are requests of which nothing reached GitLab: whatever it is, it
// can be sent again.
func unsentRows() []row {
	unavailable, untrusted := []error{runners.ErrUnavailable}, []error{runners.ErrUnavailable, runners.ErrTLS}
	late := []error{runners.ErrUnavailable, context.DeadlineExceeded}
	rows := []row{
		{name: "no such host", cells: final, is: unavailable, text: "not sent: dial tcp: lookup gitlab.invalid.: no such host", wire: nameServer(3)},
		{name: "name server in trouble", cells: harmless, is: unavailable, text: "not sent: dial tcp: lookup gitlab.invalid.: server misbehaving", wire: nameServer(2)},
		{name: "refused", cells: harmless, is: unavailable, text: "not sent: dial tcp HOST: connect: connection refused", wire: refused},
		{name: "no connection in time", cells: harmless, is: late, text: "not sent: dial tcp HOST: i/o timeout", wire: hasty},
		{name: "no handshake in time", cells: harmless, is: unavailable, text: "not sent: net/http: TLS handshake timeout", wire: mute},
		{name: "closed in the handshake", cells: harmless, is: unavailable, text: "not sent: EOF", wire: handshake(goodbye)},
		{name: "a kept connection that is dead", cells: "SSSSSSS", wire: dead},
		{name: "unknown authority", cells: final, is: untrusted, text: "not sent: HOST: tls: failed to verify certificate: x509: certificate signed by unknown authority", wire: untrusting},
		{name: "wrong name", cells: final, is: untrusted, text: "not sent: HOST: tls: failed to verify certificate: x509: certificate is valid for example.com, *.example.com, not gitlab.wrong", wire: trusted(&tls.Config{ServerName: "gitlab.wrong"})},
		{name: "expired", cells: final, is: untrusted, text: "not sent: HOST: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: …", wire: trusted(&tls.Config{Time: func() time.Time { return time.Now().AddDate(90, 0, 0) }})},
		{name: "TLS 1.1", cells: final, is: untrusted, text: "not sent: HOST: remote error: tls: protocol version not supported", wire: old},
		{name: "no TLS", cells: final, is: untrusted, text: "not sent: HOST: http: server gave HTTP response to HTTPS client", wire: plain},
		{name: "neither TLS nor HTTP", cells: final, is: untrusted, text: "not sent: HOST: tls: first record does not look like a TLS handshake", wire: handshake(banner)},
	}
	for i := range rows {
		rows[i].phase = runners.PhaseNotSent
	}
	return rows
}

func rowsOfFaults() []row {
	return slices.Concat(refusalRows(), limitRows(), redirectRows(), spoiltRows(), lostRows(), unsentRows())
}

// A mode is how long a fault lasts, and when it strikes.
type mode struct{ stays, late bool }

func (r row) modes() map[string]mode {
	all := map[string]mode{"once": {late: r.only}, "for good": {stays: true, late: r.only}}
	if r.late {
		all["once, and it is done"], all["for good, and it is done"] = mode{late: true}, mode{stays: true, late: true}
	}
	return all
}

// TestFaultMatrix: see above. What is no wire's runs in virtual time.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	for _, r := range rowsOfFaults() {
		for name, m := range r.modes() {
			if r.wire == nil {
				inBubble(t, r.name+", "+name, func(t *testing.T) {
					for i, c := range columns() {
						cell{r, c, r.cells[i], m}.play(t)
					}
				})
				continue
			}
			for i, c := range columns() {
				t.Run(r.name+", "+name+" "+c.route, func(t *testing.T) {
					t.Parallel()
					cell{r, c, r.cells[i], m}.play(t)
				})
			}
		}
	}
}

// A cell is one call that meets a fault.
type cell struct {
	row    row
	column column
	letter byte
	mode   mode
}

// attempts are how often the client asks, and whether that ends well.
func (c cell) attempts() (n int, well bool) {
	switch c.letter {
	case 'R':
		return map[bool]int{true: 4, false: 2}[c.mode.stays], !c.mode.stays
	case 'r':
		return 2, !c.mode.stays
	case 'F':
		return 1, !c.mode.stays
	default:
		return 1, c.letter == 'S'
	}
}

// asked is how often GitLab was asked.
func (c cell) asked() int {
	attempts, well := c.attempts()
	switch {
	case c.letter == 'F':
		return map[bool]int{true: 6, false: 2}[c.mode.stays]
	case c.row.fault != nil:
		return attempts
	case well:
		return 1
	default:
		return 0
	}
}

// play makes the call, and looks at all that came of it.
func (c cell) play(t *testing.T) {
	t.Helper()
	if c.letter == '-' {
		return
	}
	s := &road{stays: c.mode.stays, row: c.row}
	s.start(t, nil)
	var seen runners.Call
	gitlab := s.client(t, runners.Options{
		MaxBodyBytes: 4 << 10, Observe: func(_ context.Context, call runners.Call) { seen = call },
	})
	if c.row.spent {
		s.spend(t, gitlab)
	}
	s.arm(c.column.route, c.mode)
	ctx, cancel := c.row.context(t)
	defer cancel()
	began := time.Now()
	err := c.column.call(ctx, gitlab, s.runner)
	where := c.row.name + ": " + c.column.route
	assert.True(t, !c.row.atOnce || time.Since(began) == 0, "%s: it took %v", where, time.Since(began))

	attempts, well := c.attempts()
	s.WantRequests(t, c.column.route, c.asked())
	done := c.column.done != nil && c.column.done(s.Snapshot(), s.runner)
	assert.Equal(t, c.column.done != nil && (well || c.mode.late), done, "%s: done", where)
	assert.Equal(t, attempts, seen.Attempts, where)
	assert.Equal(t, c.column.class == runners.ClassDelete && well && attempts == 2 && c.mode.late, seen.AlreadyGone, where)
	for _, r := range s.Requests() {
		assert.NotEqual(t, "other origin", r.Fault, where)
		if r.Route == c.column.route {
			assert.Equal(t, s.Requests(runnerstest.ByRoute(r.Route))[0].Params, r.Params, where)
		}
	}
	if well {
		require.NoError(t, err, where)
		return
	}
	c.wantError(t, err, attempts)
}

// wantError checks all that an error says.
func (c cell) wantError(t *testing.T, err error, attempts int) {
	t.Helper()
	where := c.row.name + ": " + c.column.route
	is, hint := c.row.is, ""
	if c.letter == 'U' {
		is, hint = append(slices.Clone(is), runners.ErrOutcomeUnknown), " ("+c.column.hint+")"
	}
	assert.ElementsMatch(t, is, sentinelsOf(err), where)
	e := failure(t, err)
	assert.Equal(t, []any{c.column.class, c.row.phase, attempts}, []any{e.Class, e.Phase, e.Attempts}, where)
	text := c.row.text
	if e.StatusCode/100 == 2 {
		text = strings.Replace(text, "2xx", strconv.Itoa(e.StatusCode), 1)
	}
	begin, end := "runners: "+c.column.route+": "+text, hint
	got := withoutHosts(err.Error())
	if head, ok := strings.CutSuffix(begin, "…"); ok { // texts of other packages, which differ
		assert.True(t, strings.HasPrefix(got, head) && strings.HasSuffix(got, end), "%s: %s", where, got)
		return
	}
	assert.Equal(t, begin+end, got, where)
}

// context is the caller's.
func (r row) context(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	if r.within > 0 {
		return context.WithTimeout(t.Context(), r.within)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if r.cancelled > 0 {
		time.AfterFunc(r.cancelled, cancel)
	}
	return ctx, cancel
}

// sentinelsOf returns all that an error matches.
func sentinelsOf(err error) (is []error) {
	for _, sentinel := range []error{
		runners.ErrInvalid, runners.ErrUnauthorized, runners.ErrForbidden, runners.ErrInsufficientScope,
		runners.ErrNotFound, runners.ErrConflict, runners.ErrGone, runners.ErrPreconditionFailed,
		runners.ErrRateLimited, runners.ErrTemporary, runners.ErrServer, runners.ErrUnavailable,
		runners.ErrTLS, runners.ErrRedirect, runners.ErrUnexpectedResponse, runners.ErrResponseTooLarge,
		runners.ErrPaginationLoop, runners.ErrOutcomeUnknown, context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, sentinel) {
			is = append(is, sentinel)
		}
	}
	return is
}

// TestFaultMatrix_phases: what is known of one attempt says nothing of the
// next.
func TestFaultMatrix_phases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(unreached(errHandshake), fail(errReset))
		err := one(client(t, s, nil).Runners.Create(t.Context(), runners.ForInstance(), nil))
		require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		assert.Equal(t, runners.PhaseSent, failure(t, err).Phase)
		assert.Len(t, s.requests(), 2)
	})
}
