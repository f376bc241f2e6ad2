// Projects that were moved, asked for by the paths that they had.

package runnerstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// moving is the company after acme/app was called old/app, then acme/old.
func moving() string {
	return replace(acme, `"path_with_namespace": "acme/app",`,
		`"path_with_namespace": "acme/app", "old_paths": ["old/app", "acme/old"],`)
}

// once sends a request and follows no redirect.
func once(t *testing.T, srv *runnerstest.Server, token, call string) (answer, http.Header) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, "http://gitlab.test/api/v4"+path, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Private-Token", token)
	resp, err := srv.HTTPClient().Transport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body := make([]byte, 1000)
	n, _ := resp.Body.Read(body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body[:n])}, resp.Header
}

func TestMovedProject(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", moving())
	for _, path := range []string{"old%2Fapp", "acme%2Fold", "acme%2Fol%64"} {
		a, header := once(t, srv, "t-mia", "GET /projects/"+path+"/runners?page=2")
		const there = "http://gitlab.test/api/v4/projects/9/runners?page=2"
		a.want(t, 301, "This resource has been moved permanently to "+there)
		assert.Equal(t, there, header.Get("Location"))
		assert.Equal(t, "text/plain", header.Get("Content-Type"))
	}
	for _, call := range []string{
		"POST /projects/old%2Fapp/runners", "DELETE /projects/old%2Fapp/runners/6",
		"POST /projects/old%2Fapp/runners/reset_registration_token",
	} {
		ask(t, srv, "t-mia", call).want(t, 405, `{"message":"Non GET methods are not allowed for moved projects"}`)
	}
	assert.Equal(t, []int{1, 2, 6, 7, 40, 60}, ask(t, srv, "t-mia", "GET /projects/old%2Fapp/runners").ids(t), "clients follow")
	a, header := once(t, srv, "t-mia", "GET /projects/old%2Fapp/runners")
	assert.Equal(t, 301, a.status)
	assert.Equal(t, "http://gitlab.test/api/v4/projects/9/runners", header.Get("Location"))
	ask(t, srv, "t-sam", "GET /projects/old%2Fapp/runners").want(t, 404, noProject)
	ask(t, srv, "", "GET /projects/old%2Fapp/runners").want(t, 401, unauthorized)
	ask(t, playSeed(t, "16.6.0", moving()), "t-mia", "GET /projects/old%2Fapp/runners").want(t, 404, noProject)
}

// TestMovedProjectGivesWay adds a project where another one was.
func TestMovedProjectGivesWay(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", moving())
	p := srv.AddProject(runnerstest.Project{Path: "acme/old"})
	assert.Equal(t, []int{1, 2, 40}, ask(t, srv, "t-root", "GET /projects/acme%2Fold/runners").ids(t))
	state := srv.Snapshot()
	require.NoError(t, srv.Restore(state))
	assert.Equal(t, state, srv.Snapshot())
	got, err := srv.Client(t).Projects.List(runners.ID(p.ID), nil).Collect(t.Context())
	require.NoError(t, err)
	assert.Len(t, got, 3)
}

func TestBadOldPaths(t *testing.T) {
	t.Parallel()
	for paths, want := range map[string]string{
		`["app"]`:  `projects[1].old_paths[0]: "app" has no namespace`,
		`["a//b"]`: `projects[1].old_paths[0]: is required`,
		`["a/p"]`:  `projects[1].old_paths[0]: taken by project g/one`,
		`["a/?"]`:  `projects[1].old_paths[0]: "?" has other characters than letters, digits, _, - and .`,
	} {
		_, err := runnerstest.Start(&runnerstest.Options{Seed: strings.NewReader(
			`{"groups":[{"full_path":"g"}],"projects":[{"path_with_namespace":"g/one","old_paths":["a/p"]},` +
				`{"path_with_namespace":"g/two","old_paths":` + paths + `}]}`)})
		require.Error(t, err)
		assert.Contains(t, err.Error(), want)
	}
}
