// What a test fails for though GitLab takes it.

package runnerstest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// strictly starts a server with the company's world that notes its findings.
func strictly(t *testing.T, version string) (srv *runnerstest.Server, found *[]runnerstest.Finding) {
	t.Helper()
	found = new([]runnerstest.Finding)
	return runnerstest.NewServer(t, &runnerstest.Options{
		Version: version, Seed: strings.NewReader(acme),
		Found: func(f runnerstest.Finding) { *found = append(*found, f) },
	}), found
}

func TestFindings(t *testing.T) {
	t.Parallel()
	const deprecated = "is deprecated since GitLab "
	for name, c := range map[string]struct {
		version, call, body string
		status              int
		param, text         string // "" = no finding
	}{
		"declared":       {"", "GET /runners/all?status=online&page=1", "", 200, "", ""},
		"a path's id":    {"", "GET /projects/9/runners", "", 200, "", ""},
		"sudo":           {"", "GET /runners/6?sudo=root", "", 403, "", ""},
		"misspelt":       {"", "GET /runners/all?statsu=online", "", 200, "statsu", `GitLab ignores the parameter "statsu": did you mean "status"?`},
		"in a list":      {"", "GET /runners/all?tags_list[]=a", "", 200, "tags_list", `did you mean "tag_list"?`},
		"in a form":      {"", "PUT /runners/6", "description=x&max_timeout=600", 200, "max_timeout", `did you mean "maximum_timeout"?`},
		"nothing near":   {"", "GET /runners/6?zzz=1", "", 200, "zzz", "the route has id, include_projects"},
		"nothing at all": {"", "GET /version?zzz=1", "", 200, "zzz", "the route has none"},
		"no pages":       {"", "GET /runners/6/managers?page=2", "", 200, "page", `the route has id`},
		"too new":        {"14.7.0", "GET /runners/all?paused=true", "", 200, "paused", `GitLab 14.7.0 ignores the parameter "paused", which came with 14.8`},
		"told so":        {"14.7.0", "PUT /runners/6", "paused=true", 400, "", ""},
		"refused":        {"", "POST /runners/verify", "tokn=x", 400, "tokn", `did you mean "token"?`},

		"scope":               {"", "GET /runners/all?scope=active", "", 200, "scope", deprecated + `12.0: use "type", "status" or "paused"; GitLab's REST API v5 removes it`},
		"scope, before":       {"11.11.0", "GET /runners/all?scope=active", "", 200, "", ""},
		"status=paused":       {"", "GET /runners/all?status=paused", "", 200, "status=paused", `the value "paused" of "status" ` + deprecated + `14.8: use "paused"`},
		"status, before":      {"14.7.0", "GET /runners/all?status=paused", "", 200, "", ""},
		"active":              {"", "PUT /runners/6", "active=false", 200, "active", deprecated + `14.8: use "paused"`},
		"active, before":      {"14.7.0", "PUT /runners/6", "active=false", 200, "", ""},
		"type of a group's":   {"", "GET /groups/10/runners?type=project_type", "", 200, "type=project_type", deprecated},
		"type of a project's": {"", "GET /projects/9/runners?type=project_type", "", 200, "", ""},

		"token in the query":  {"", "DELETE /runners?token=glrt-app-runner-six", "", 204, "token", `a token stands in the URL ("token"): send it in a header or the body`},
		"token in the body":   {"", "DELETE /runners", "token=glrt-app-runner-six", 204, "", ""},
		"unexpected there":    {"", "GET /runners/all?version_prefix=1&status=t-mia", "", 400, "status", "a token stands in the URL"},
		"token in the path":   {"", "GET /projects/t-mia/runners", "", 404, "", "a token stands in the URL: send"},
		"two credentials":     {"", "GET /runners/all", "access_token=t-mia", 200, "access_token", "two credentials: Private-Token and access_token"},
		"not played":          {"", "GET /users?zzz=1", "", 501, "", ""},
		"a runner's two":      {"", "POST /runners/verify", "token=glrt-app-runner-six", 200, "", ""},
		"ignored on 8.2 also": {"8.2.0", "GET /ci/api/v1/runners?url=x", "", 200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, found := strictly(t, c.version)
			a := ask(t, srv, "t-root", c.call, c.body)
			assert.Equal(t, c.status, a.status, a.body)
			if c.text == "" {
				assert.Empty(t, *found)
				return
			}
			require.Len(t, *found, 1)
			f := (*found)[0]
			assert.Equal(t, c.param, f.Param)
			assert.Contains(t, f.Text, c.text)
			method, _, _ := strings.Cut(c.call, " ")
			assert.True(t, strings.HasPrefix(f.Request, method+" /api/v4/"), f.Request)
			assert.True(t, strings.HasPrefix(f.Route, method+" /"), f.Route)
			assert.NotContains(t, f.String(), "t-mia")
			assert.NotContains(t, f.String(), "glrt-")
		})
	}
}

// TestNoSuchRoute: a request that no version takes fails the test, which would
// else take GitLab's answer for another one.
func TestNoSuchRoute(t *testing.T) {
	t.Parallel()
	const says, all = "GitLab has no such route: ", "GitLab has no such route: Routes lists those that there are"
	for _, c := range []struct {
		version, call string
		status        int
		text          string // "" = no finding
	}{
		{"", "DELETE /runner/6", 404, says + `did you mean "DELETE /runners/{id}"?`},
		{"", "GET /runners/6/manager", 404, says + `did you mean "GET /runners/{id}/managers"?`},
		{"", "GET /runners/6/manager/", 404, says + `did you mean "GET /runners/{id}/managers"?`},
		{"", "HEAD /runner/all", 404, says + `did you mean "GET /runners/all"?`},
		{"", "GET /projects//runners", 404, says + `did you mean "GET /projects/{id}/runners"?`},
		{"", "POST /runners/6", 405, says + `did you mean "PUT /runners/{id}"?`},
		{"", "GET /runners/" + strings.Repeat("6", 70) + "/manager", 404, says + `did you mean "GET /runners/{id}/managers"?`},
		{"", "GET /nothing", 404, all},
		{"", "GET /api/v5", 404, all},
		{"", "GET /runners/" + strings.Repeat("x/", 500), 404, all},
		{"", "GET /nothing/glrt-app-runner-six", 404, all},
		{"15.10.0", "POST /user/runners", 404, ""}, // whoever tries it was told
		{"14.5.0", "POST /runners/reset_authentication_token", 405, ""},
		{"", "GET /ci/api/v1/runners", 404, ""},
		{"", "GET /projects", 501, ""},
		{"", "GET /api/v3/runners", 410, ""},
		{"", "GET /runners/99", 404, ""},
	} {
		srv, found := strictly(t, c.version)
		assert.Equal(t, c.status, ask(t, srv, "t-root", c.call).status, c.call)
		if c.text == "" {
			assert.Empty(t, *found, c.call)
			continue
		}
		require.Len(t, *found, 1, c.call)
		f := (*found)[0]
		assert.Equal(t, c.text, f.Text, c.call)
		assert.Empty(t, f.Route+f.Param)
		assert.NotContains(t, f.String(), "glrt-")
	}
}

func TestTwoHeaders(t *testing.T) {
	t.Parallel()
	srv, found := strictly(t, "")
	both := http.Header{"Private-Token": {"t-root"}, "Authorization": {"Bearer t-mia"}}
	send(t, srv, both, "GET /runners/all", "")
	require.Len(t, *found, 1)
	assert.Contains(t, (*found)[0].Text, "two credentials: Private-Token and Authorization")
	send(t, srv, both, "POST /runners/verify", "token=glrt-app-runner-six")
	assert.Len(t, *found, 1, "the official runner does so")
	srv.Allow("Authorization")
	send(t, srv, both, "GET /runners", "")
	assert.Len(t, *found, 1)
}

// TestFindingOnce says what is wrong once, and per route.
func TestFindingOnce(t *testing.T) {
	t.Parallel()
	srv, found := strictly(t, "")
	for range 3 {
		ask(t, srv, "t-root", "GET /runners/all?zzz=1&yyy=2", "")
	}
	assert.Len(t, *found, 2)
	assert.Equal(t, []string{"yyy", "zzz"}, []string{(*found)[0].Param, (*found)[1].Param})
	ask(t, srv, "t-root", "GET /runners?zzz=1", "")
	assert.Len(t, *found, 3)
}

func TestAllowedParameters(t *testing.T) {
	t.Parallel()
	srv, found := strictly(t, "")
	srv.Allow("zzz", "status=paused", "active", "token")
	ask(t, srv, "t-root", "GET /runners/all?zzz=1&status=paused", "")
	ask(t, srv, "t-root", "PUT /runners/6", "active=true")
	ask(t, srv, "t-root", "POST /runners/verify?token=glrt-app-runner-six", "")
	assert.Empty(t, *found)
	ask(t, srv, "t-root", "GET /runners/all?status=active", "")
	assert.Len(t, *found, 1, "the other value is not allowed")
	srv.Allow("status")
	ask(t, srv, "t-root", "GET /runners?status=active&status=paused", "")
	assert.Len(t, *found, 1)
}

// Errorf makes recorder one that a strict server can tell.
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestFindingsFailTheTest(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	srv := runnerstest.NewServer(r, nil)
	_, err := srv.Client(t).Runners.ListAll(&runners.ListOptions{Scope: runners.ScopeActive}).Collect(t.Context()) //nolint:staticcheck // deprecated, as it should be
	require.NoError(t, err)
	ask(t, srv, "", "GET /nope")
	ask(t, srv, "", "GET /version?glrt-0123456789=1")
	require.Len(t, r.failures, 3)
	assert.Contains(t, r.failures[0], `runnerstest: GET /api/v4/runners/all: the parameter "scope" is deprecated`)
	assert.Contains(t, r.failures[0], `(Allow("scope") keeps this quiet)`)
	assert.Contains(t, r.failures[1], "(Options.Lenient keeps this quiet)")
	assert.NotContains(t, r.failures[2], "0123456789")
	srv.Close()
	late := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v4/runners?zzz=1", http.NoBody)
	srv.ServeHTTP(httptest.NewRecorder(), late)
	assert.Len(t, r.failures, 3, "after its end a test must not hear")
}

func TestLenient(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	lenient := runnerstest.NewServer(r, &runnerstest.Options{Lenient: true})
	t.Cleanup(lenient.Close)
	ask(t, lenient, "", "GET /runners?zzz=1", "")
	assert.Empty(t, r.failures)
	started, err := runnerstest.Start(nil)
	require.NoError(t, err)
	t.Cleanup(started.Close)
	ask(t, started, "", "GET /runners?zzz=1", "")
}
