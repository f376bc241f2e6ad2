// What is tried again, and what never: each class of operation against each
// outcome, and deletes that find nothing.

package runners_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
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

// hints are what an unknown outcome says about the way out.
var hints = map[runners.Class]string{
	runners.ClassCreate: "outcome unknown: the runner may exist; FindCreated looks for it, " +
		"and Runners.ResetToken gives it a token",
	runners.ClassRotate: "outcome unknown: if the token was reset, the new one is lost; " +
		"Runners.ResetToken makes another",
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
			inBubble(t, name+" "+string(class.class), func(t *testing.T) {
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
		inBubble(t, name, func(t *testing.T) {
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
	}
}

// TestGone_others: nothing but a delete takes "not found" for a success.
func TestGone_others(t *testing.T) {
	t.Parallel()
	for _, class := range classes {
		if class.class == runners.ClassDelete || class.once {
			continue
		}
		inBubble(t, string(class.class), func(t *testing.T) {
			err := class.call(t.Context(), client(t, play(fail(errReset), reply(404, `{}`)), nil))
			require.ErrorIs(t, err, runners.ErrNotFound)
		})
	}
}
