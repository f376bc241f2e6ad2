// Whatever a caller passes as a path, and whatever a server answers.

package runners_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// FuzzPath: a path that is accepted is one segment of the raw URL, which
// decodes to just that path. What is refused sends nothing.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"group/app", "a b", "..", "a/../b", "%2e", "a?b#c;d", "42", "/", "", "ü", "a\r\nb", "\xff", "\u202e", "a.b", "+&=:@",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s := play(reply(204, ``))
		err := client(t, s, nil).Projects.Unassign(t.Context(), runners.Path(path), 6)
		if err != nil {
			require.ErrorIs(t, err, runners.ErrInvalid)
			require.Empty(t, s.requests())
			oneShortLine(t, err.Error())
			return
		}
		uri := s.requests()[0].URI
		raw, ok := strings.CutPrefix(uri, "/api/v4/projects/")
		require.True(t, ok, uri)
		raw, ok = strings.CutSuffix(raw, "/runners/6")
		require.True(t, ok, uri)
		require.NotContains(t, raw, "/")
		require.NotContains(t, raw, "?")
		require.NotContains(t, raw, "#")
		plain, err := url.PathUnescape(raw)
		require.NoError(t, err)
		assert.Equal(t, path, plain)
	})
}

// FuzzRoute: what a caller passes arrives at the handler of the route, as it
// was passed, or does not leave.
func FuzzRoute(f *testing.F) {
	for _, seed := range []string{"group/app", "a b", "..", "a/b.json", "a%2Fb", "ü/ß", "+&=:@;,", "a.", "~/$", "\u202e"} {
		f.Add(seed, int64(6))
	}
	f.Add("a", int64(math.MaxInt64))
	f.Add("a", int64(-1))
	f.Fuzz(func(t *testing.T, path string, id int64) {
		gitlab := runnerstest.NewServer(t, &runnerstest.Options{Lenient: true})
		err := gitlab.Client(t).Projects.Unassign(t.Context(), runners.Path(path), id)
		require.Error(t, err, "there is no such project")
		asked := gitlab.Requests()
		if errors.Is(err, runners.ErrInvalid) {
			require.Empty(t, asked)
			return
		}
		require.ErrorIs(t, err, runners.ErrNotFound)
		require.Len(t, asked, 1)
		assert.Equal(t, "DELETE /projects/{id}/runners/{runner_id}", asked[0].Route)
		assert.Equal(t, strconv.FormatInt(id, 10), asked[0].Params["runner_id"])
		if asked[0].Params["id"] != "[redacted]" { // it looks like a token
			assert.Equal(t, path, asked[0].Params["id"])
		}
	})
}

// FuzzRedaction: whatever a token looks like, and wherever a server puts it,
// it is not shown.
func FuzzRedaction(f *testing.F) {
	for _, seed := range []string{accessToken, runnerToken, "canary+of/no=form", "aaaaaaaaaaaa", "REDACTED-REDACTED", "abcabcabcabc", "%41%42%43%44"} {
		f.Add(seed, "you said ", "")
		f.Add(seed, seed[:len(seed)/2], seed)
	}
	token := regexp.MustCompile(`^[0-9A-Za-z_.~+/=%-]{8,200}$`)
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if !token.MatchString(secret) || strings.Contains("[REDACTED] no explanation X-Request-Id", secret) {
			return
		}
		if _, err := runners.New(gitlabURL, runners.Bearer(secret), nil); err != nil {
			return // no access token, by its beginning
		}
		said := before + secret + after
		quoted, err := json.Marshal(said)
		require.NoError(t, err)
		for _, body := range []string{
			said, `{"message":` + string(quoted) + `}`, `{"message":{` + string(quoted) + `:[` + string(quoted) + `]}}`,
			`{"error":` + string(quoted) + `,"error_description":` + string(quoted) + `}`,
		} {
			s := play(reply(403, body, "X-Request-Id", said))
			err := one(clientAs(t, runners.Bearer(secret), s, nil).Runners.Get(t.Context(), 6))
			e := failure(t, err)
			assert.NotContains(t, fmt.Sprintf("%v %+v %s", err, e.Fields, e.Body), secret)
			assert.NotContains(t, e.RequestID, secret)
		}
	})
}

// FuzzErrorBody: whatever a server says, the error is one short line, and has
// nothing of what we sent in secret.
func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"message":"404 Runner Not Found"}`, `{"message":{"a":["b"]}}`, `{"error":"a is missing"}`, `<html>`, ``, "\xff\x00",
		`{"error":"insufficient_scope","error_description":"x","scope":"api"}`, `{"message":[[["x"]]]}`, `[1]`, `null`,
		`{"message":"` + accessToken + `"}`, `{"message":{"` + accessToken + `":"` + accessToken + accessToken + `"}}`,
		accessToken[:10] + accessToken, `{"message":"` + strings.Repeat("ü", 400) + accessToken + `"}`,
	} {
		f.Add([]byte(seed), accessToken)
	}
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		s := play(reply(400, string(body), "X-Request-Id", id))
		err := one(client(t, s, nil).Runners.ResetToken(t.Context(), 6))
		require.ErrorIs(t, err, runners.ErrInvalid)
		oneShortLine(t, err.Error())
		e := failure(t, err)
		oneShortLine(t, e.RequestID)
		shown := err.Error() + e.RequestID + string(e.Body)
		for field, messages := range e.Fields {
			oneShortLine(t, field)
			for _, message := range messages {
				oneShortLine(t, message)
				shown += field + message
			}
		}
		assert.NotContains(t, shown, accessToken)
	})
}

// FuzzRunnerJSON: any answer is read, or is an error; none is a panic.
func FuzzRunnerJSON(f *testing.F) {
	goldens, err := filepath.Glob("testdata/*/*.json")
	require.NoError(f, err)
	for _, name := range goldens {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, seed := range []string{`200`, `"200"`, `null`, `[null]`, `{"id":"12"}`, `{"id":1e3}`, `{"token":{}}`, `{"paused":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := client(t, play(reply(200, string(body), "X-Next-Page", "")), &runners.Options{MaxAttempts: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d, err := c.Runners.Get(ctx, 6)
		readOrNot(t, d != nil, err)
		if d != nil {
			_ = d.IsPaused()
			_ = d.LogValue()
		}
		v, err := c.Tokens.Verify(ctx, owned, nil)
		readOrNot(t, v != nil, err)
		n, err := c.Runners.Create(ctx, runners.ForInstance(), nil)
		readOrNot(t, n != nil, err)
		for _, err := range []error{
			one(c.Runners.Managers(ctx, 6)), one(c.Runners.List(nil).Collect(ctx)), one(c.Runners.Jobs(6, nil).Collect(ctx)),
			one(c.Legacy.List(ctx)),
		} {
			readOrNot(t, err == nil, err)
		}
	})
}

// readOrNot asserts that there is a value, or else an error.
func readOrNot(t *testing.T, read bool, err error) {
	t.Helper()
	if err == nil {
		assert.True(t, read)
		return
	}
	require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
	assert.False(t, read)
	oneShortLine(t, err.Error())
}
