// The promise that no secret is shown, as one test: a canary wherever a secret
// can enter, every fault, and a look at all that anybody may print or log.

package runners_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// dump is all of a request that a hostile server could send back.
func dump(req *http.Request) string {
	var b strings.Builder
	_ = req.Header.Write(&b)
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			_, _ = io.Copy(&b, body)
		}
	}
	return b.String()
}

// oneWord makes a header of a dump.
func oneWord(s string) string { return strings.Join(strings.Fields(s), "|") }

// echo answers with what it was asked, in the body and in every header that
// somebody might show.
func echo(status int, form string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		said := dump(req)
		quoted, _ := json.Marshal(said)
		all := []string{
			"X-Request-Id", oneWord(said), "Ratelimit-Name", oneWord(said), "Ratelimit-Limit", "60",
			"Retry-After", oneWord(said), "X-Next-Page", oneWord(said), "X-Total", oneWord(said),
			"Link", `<https://evil.example/?cursor=` + url.QueryEscape(said) + `>; rel="next"`,
			"Location", "https://" + url.PathEscape(oneWord(said)) + ".example/" + url.PathEscape(said),
		}
		for i := 0; i < len(header); i += 2 {
			all = append(all, header[i], strings.ReplaceAll(header[i+1], "SAID", oneWord(said)))
		}
		return reply(status, strings.ReplaceAll(form, "SAID", string(quoted)), all...)(req)
	}
}

// leaks fails with an error that has the whole request in it.
func leaks(wrap func(error) error) step {
	return func(req *http.Request) (*http.Response, error) {
		return nil, wrap(errors.New("cannot send " + dump(req)))
	}
}

// A transportFunc prints nothing of what a transport keeps.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type stringError string

func (e stringError) Error() string { return string(e) }

// canaryFaults are all the echoes, and the faults that a transport can make.
func canaryFaults() map[string]step {
	all := map[string]step{
		"own text":   leaks(func(err error) error { return err }),
		"string":     leaks(func(err error) error { return stringError(err.Error()) }),
		"wrapped":    leaks(func(err error) error { return fmt.Errorf("x: %w", err) }),
		"url":        leaks(func(err error) error { return &url.Error{Op: "Get", URL: err.Error(), Err: err} }),
		"joined":     leaks(func(err error) error { return errors.Join(err, io.EOF) }),
		"media type": echo(200, `{}`, "Content-Type", `application/x; a="SAID"`),
		"other type": echo(200, `{}`, "Content-Type", "text/SAID"),
		"field":      echo(200, `{"created_at":SAID,"token_expires_at":SAID}`),
		"list":       echo(200, `[SAID,{"id":SAID}]`),
		"text":       echo(200, `SAID`),
		"success":    echo(200, `{"id":6,"token":"glrt-canaryNew0123456789","paused":true,"description":"x"}`),
	}
	for _, status := range []int{307, 400, 401, 403, 429, 503} {
		for _, form := range []string{
			`{"message":SAID}`, `{"message":{"a":[SAID]}}`, `{"error":SAID,"error_description":SAID,"scope":SAID}`, `SAID`,
		} {
			all[fmt.Sprint(status, form)] = echo(status, form)
		}
	}
	return all
}

// canaryAuths are the ways to be somebody, with secrets of every form.
func canaryAuths() map[string]runners.Auth {
	return map[string]runners.Auth{
		"private": runners.PrivateToken(accessToken),
		"source": runners.BearerSource(func(context.Context) (string, error) {
			return "canary-from-a-vault", nil
		}),
		"own": authFunc(func(req *http.Request) error {
			req.SetBasicAuth("mia", "canary")
			req.Header.Set("Private-Token", "canary+of/no=form")
			req.Header.Set("X-Ticket", "canary-ticket")
			return nil
		}),
	}
}

// canaryCalls are a call of each class, and those that differ from them.
func canaryCalls() []func(context.Context, *runners.Client) error {
	all := []func(context.Context, *runners.Client) error{
		func(ctx context.Context, c *runners.Client) error { return one(c.Runners.List(nil).Collect(ctx)) },
		func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Pause(ctx, 6)) },
		func(ctx context.Context, c *runners.Client) error { return c.Tokens.Delete(ctx, owned) },
		func(ctx context.Context, c *runners.Client) error {
			return one(c.Tokens.Register(ctx, runners.NewToken(registrationToken), nil))
		},
		func(ctx context.Context, c *runners.Client) error {
			return one(c.Runners.Jobs(6, &runners.JobsOptions{Keyset: true}).Collect(ctx))
		},
	}
	for _, class := range classes {
		all = append(all, class.call)
	}
	return all
}

// secretParts are what must not be seen: the word that all secrets hold, as it
// is and as numbers, and the encodings of those that hide it.
var secretParts = []string{
	"canary", "63616e617279", "0x63, 0x61, 0x6e, 0x61", "99 97 110 97", "bWlhOmNhbmFyeQ",
}

// shows returns where text holds a secret, or "".
func shows(text string) string {
	text = strings.ToLower(text)
	for _, part := range secretParts {
		if i := strings.Index(text, strings.ToLower(part)); i >= 0 {
			return text[max(0, i-60):min(len(text), i+60)]
		}
	}
	return ""
}

// printed is a value in all the forms that it can take in a log.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	fmt.Fprintln(&b, recovered(func() { panic(v) }))
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("it", "value", v)
	}
	data, err := json.Marshal(v)
	fmt.Fprintln(&b, string(data), err)
	return b.String()
}

// encoded is a value in the form that costs most.
func encoded(v any) string {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.String() + fmt.Sprint(err)
}

// chain is an error and all that it unwraps to.
func chain(err error) []any {
	all := []any{err}
	switch e := err.(type) { //nolint:errorlint // a walk over the chain itself
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			all = append(all, chain(next)...)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			all = append(all, chain(next)...)
		}
	}
	return all
}

// TestCanary: no fault, echoed in whatever way, makes a secret show in a log,
// an error, an observer's value or a print of any of our values; and nothing
// goes to another host.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, auth := range canaryAuths() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for fault, step := range canaryFaults() {
				synctest.Test(t, func(t *testing.T) { flyCanary(t, auth, fault, step) })
			}
		})
	}
	for name, auth := range map[string]runners.Auth{ // which send what those above do
		"no form": runners.PrivateToken("canary+of/no=form"), "bearer": runners.Bearer("canary.of.another"),
	} {
		inBubble(t, name, func(t *testing.T) { flyCanary(t, auth, "success", canaryFaults()["success"]) })
	}
}

// flyCanary makes every call once, and looks at what is left of it.
func flyCanary(t *testing.T, auth runners.Auth, fault string, step step) { //nolint:thelper // it is what the test does, a step of it
	var logs bytes.Buffer
	var seen []any
	var mu sync.Mutex
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	home, _ := url.Parse(gitlabURL)
	jar.SetCookies(home, []*http.Cookie{{Name: "session", Value: "canary-of-a-session"}})
	s := play(step)
	o := &runners.Options{
		HTTPClient: &http.Client{Transport: transportFunc(s.RoundTrip), Jar: jar}, MaxBodyBytes: 1 << 16, MaxAttempts: 2,
		Logger: slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(_ context.Context, call runners.Call) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, call)
		},
	}
	c := clientAs(t, auth, nil, o)
	for _, call := range canaryCalls() {
		err := call(t.Context(), c)
		if err == nil {
			continue
		}
		seen = append(seen, chain(err)...)
		seen = append(seen, *failure(t, err), string(failure(t, err).Body))
	}
	if fault == "success" {
		seen = append(seen, c, c.Runners, c.Tokens, c.Runners.List(nil), o, auth)
		for _, v := range seen {
			require.Empty(t, shows(encoded(v)), "%T", v)
		}
	}
	for _, v := range seen {
		require.Empty(t, shows(printed(v)), "%s: %T", fault, v)
	}
	require.Empty(t, shows(logs.String()), "%s: log", fault)
	for _, r := range s.requests() {
		require.Equal(t, "gitlab.example.com", r.Host)
		require.Empty(t, shows(r.URI))
	}
}

// secretsIn are all tokens of a state.
func secretsIn(t *testing.T, s runnerstest.State) []string {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var all []string
	for _, m := range regexp.MustCompile(`token":"([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	return all
}

// TestCanary_gitlab: whatever goes wrong in a GitLab with state, none of its
// tokens, old or new, shows in a log, in an error, in what is observed and
// returned, or in the journal; and nothing goes to another host.
func TestCanary_gitlab(t *testing.T) {
	t.Parallel()
	next := row{name: "next link", fault: func(s *runnerstest.Server) []runnerstest.FaultOpt {
		return []runnerstest.FaultOpt{runnerstest.NextLink(s.OtherOrigin() + "/?page=2&private_token=x")}
	}}
	none := row{name: "no fault", fault: with(runnerstest.Delay(time.Nanosecond))}
	for _, r := range append(rowsOfFaults(), next, none) {
		if r.wire == nil {
			inBubble(t, r.name, func(t *testing.T) {
				for _, m := range r.modes() {
					exposeTokens(t, r, m)
				}
			})
		}
	}
}

// exposeTokens makes all calls that have to do with a token, and some more.
func exposeTokens(t *testing.T, r row, m mode) { //nolint:thelper // it is what the test does, a step of it
	s := &road{stays: m.stays, row: r}
	s.start(t, &runnerstest.Options{Version: "16.11.0", Lenient: true, Control: true})
	var shown bytes.Buffer
	c := s.client(t, runners.Options{
		MaxBodyBytes: 4 << 10, Logger: slog.New(slog.NewTextHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(_ context.Context, call runners.Call) { shown.WriteString(printed(call)) },
	})
	s.arm("", m)
	ctx, secrets := t.Context(), []string{}
	ofIts := func() runners.Token { return runners.NewToken(s.Snapshot().Runners[0].Token) }
	for _, do := range []func() (any, error){
		func() (any, error) { return c.Runners.List(nil).Collect(ctx) },
		func() (any, error) { return c.Runners.Get(ctx, s.runner.ID) },
		func() (any, error) { return c.Tokens.Verify(ctx, ofIts(), &runners.VerifyOptions{SystemID: "s_1"}) },
		func() (any, error) { return c.Runners.Create(ctx, runners.ForProject(s.runner.Projects[0]), nil) },
		func() (any, error) { return c.Runners.ResetToken(ctx, s.runner.ID) },
		func() (any, error) { return c.Tokens.Reset(ctx, ofIts()) },
		func() (any, error) { return c.Runners.ResetRegistrationToken(ctx) },
		func() (any, error) {
			return c.Tokens.Register(ctx, runners.NewToken(s.Snapshot().RegistrationToken), nil)
		},
		func() (any, error) { return nil, c.Tokens.Delete(ctx, ofIts()) },
	} {
		secrets = append(secrets, secretsIn(t, s.Snapshot())...)
		v, err := do()
		shown.WriteString(printed(v))
		for _, e := range chain(err) {
			shown.WriteString(printed(e))
		}
	}
	res, err := s.HTTPClient().Get(gitlabURL + "/_fake/journal")
	require.NoError(t, err)
	_, _ = io.Copy(&shown, res.Body)
	require.NoError(t, res.Body.Close())
	shown.WriteString(printed(s.Requests()))
	require.Contains(t, shown.String(), "reset_authentication_token", "the journal is part of it")
	for _, secret := range append(secrets, secretsIn(t, s.Snapshot())...) {
		require.NotContains(t, shown.String(), secret, r.name)
	}
	for _, asked := range s.Requests() {
		require.NotEqual(t, "other origin", asked.Fault, r.name)
	}
}

// TestCanary_results: what holds a secret on purpose shows it to Reveal only.
func TestCanary_results(t *testing.T) {
	t.Parallel()
	c := client(t, play(reply(200, `{"id":6,"token":"`+runnerToken+`","paused":true}`)), nil)
	made, err := c.Runners.Create(t.Context(), runners.ForInstance(), nil)
	require.NoError(t, err)
	reset, err := c.Runners.ResetToken(t.Context(), 6)
	require.NoError(t, err)
	valid, err := c.Tokens.Verify(t.Context(), owned, nil)
	require.NoError(t, err)
	details, err := c.Runners.Get(t.Context(), 6)
	require.NoError(t, err)
	again, err := c.Runners.ResetRegistrationToken(t.Context())
	require.NoError(t, err)
	for _, v := range []any{
		made, *made, reset, *reset, valid, *valid, details, *details, again, &again, []*runners.NewRunner{made},
	} {
		assert.Empty(t, shows(printed(v)+encoded(v)), "%T", v)
	}
	assert.Equal(t, runnerToken, made.Token.Reveal())
}

// TestCanary_transport: an error that shows a secret can be told by what it is,
// and not unwrapped.
func TestCanary_transport(t *testing.T) {
	t.Parallel()
	own := stringError("lost " + accessToken)
	_, err := client(t, play(fail(own)), &runners.Options{MaxAttempts: 1}).Runners.Get(t.Context(), 6)
	require.ErrorIs(t, err, own)
	found, ok := errors.AsType[stringError](err)
	require.True(t, ok)
	assert.Equal(t, own, found)
	assert.Equal(t, "lost [REDACTED]", errors.Unwrap(err).Error())
	assert.NoError(t, errors.Unwrap(errors.Unwrap(err)))
}
