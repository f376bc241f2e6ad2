// Do: calls of endpoints that have no method.

package runners_test

import (
	"context"
	"errors"
	"math"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestDo: the class follows from the method, and the rest is as with any call.
func TestDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		class  runners.Class
	}{
		{"GET", runners.ClassRead},
		{"HEAD", runners.ClassRead},
		{"PUT", runners.ClassPut},
		{"DELETE", runners.ClassDelete},
		{"POST", runners.ClassCreate},
		{"PATCH", runners.ClassCreate},
	} {
		t.Run(c.method, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, `{"a":[1]}`))
			var out struct{ A []int }
			var seen runners.Call
			err := client(t, s, &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = call },
			}).Do(t.Context(), c.method, "/projects/group%2Fapp/jobs",
				url.Values{"scope[]": {"a", "b"}}, map[string]any{"x": "<&>"}, &out)
			require.NoError(t, err)
			assert.Equal(t, []int{1}, out.A)
			assert.Equal(t, c.class, seen.Class)
			assert.Equal(t, "/projects/group%2Fapp/jobs", seen.Route)
			sent := s.requests()[0]
			assert.Equal(t, c.method, sent.Method)
			assert.Equal(t, "/api/v4/projects/group%2Fapp/jobs?scope%5B%5D=a&scope%5B%5D=b", sent.URI)
			assert.JSONEq(t, `{"x":"<&>"}`, sent.Body)
			assert.Equal(t, accessToken, sent.Header.Get("Private-Token"))
		})
	}
}

// TestDo_retries: a read is repeated, a POST that may have been done is not.
func TestDo_retries(t *testing.T) {
	t.Parallel()
	for method, attempts := range map[string]int{"GET": 4, "PUT": 4, "DELETE": 4, "POST": 1, "PATCH": 1} {
		inBubble(t, method, func(t *testing.T) {
			s := play(fail(errReset))
			err := client(t, s, nil).Do(t.Context(), method, "version", nil, nil, nil)
			require.ErrorIs(t, err, runners.ErrUnavailable)
			assert.Equal(t, attempts == 1, errors.Is(err, runners.ErrOutcomeUnknown))
			assert.Len(t, s.requests(), attempts)
		})
	}
}

// TestDo_noOut: whoever wants no answer still learns that it was not GitLab's.
func TestDo_noOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		is   error
	}{
		"empty":   {reply(204, ``), nil},
		"object":  {reply(200, `{"a":1}`), nil},
		"list":    {reply(200, `[1]`), nil},
		"text":    {reply(200, `"ok"`), nil},
		"null":    {reply(200, `null`), nil},
		"html":    {reply(200, `<html>Sign in</html>`, "Content-Type", "text/html"), runners.ErrUnexpectedResponse},
		"garbage": {reply(200, `{"a"`), runners.ErrUnexpectedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := client(t, play(c.step), nil).Do(t.Context(), "DELETE", "topics/1", nil, nil, nil)
			if c.is == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.is)
		})
	}
}

func TestDo_refused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		body         any
		want         string
	}{
		{"", "version", nil, "runners: method: not one of GET, HEAD, PUT, POST, PATCH, DELETE"},
		{"get", "version", nil, "runners: method: not one of GET, HEAD, PUT, POST, PATCH, DELETE"},
		{"CONNECT", "version", nil, "runners: method: not one of GET, HEAD, PUT, POST, PATCH, DELETE"},
		{"GET", "", nil, "runners: path is empty"},
		{"GET", "/", nil, "runners: path is empty"},
		{"GET", "//evil.example/x", nil, "runners: path is empty"},
		{"GET", "runners?private_token=canary", nil, "runners: path has a query or a fragment"},
		{"GET", "runners#canary", nil, "runners: path has a query or a fragment"},
		{"GET", "runners/../users", nil, "runners: path has a dot segment"},
		{"GET", "..", nil, "runners: path has a dot segment"},
		{"GET", "runners/%2e%2e/users", nil, "runners: path has a dot segment"},
		{"GET", "runners/%2E/users", nil, "runners: path has a dot segment"},
		{"GET", "projects/a%2F..%2Fb", nil, "runners: path has a dot segment"},
		{"GET", "runners/%zz", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/a b", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/{id}", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/a\r\nX: 1", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/%0d%0a", nil, "runners: path is not URL-encoded"},
		{"POST", "runners", func() {}, "runners: POST /runners: body: json: unsupported type: func()"},
		{"POST", "runners", runners.NewToken("canary"), "runners: POST /runners: body: "},
		{"POST", "runners", math.NaN(), "runners: POST /runners: body: "},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			err := client(t, fails{t}, nil).Do(t.Context(), c.method, c.path, nil, c.body, nil)
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
}
