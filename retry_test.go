// What is tried again, and what never: each class of operation against each
// outcome, and deletes that find nothing.

package runners_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
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
