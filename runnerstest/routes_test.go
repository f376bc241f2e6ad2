// Paths and methods that no route takes, and odd spellings of those that one
// does.

package runnerstest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestUnrouted(t *testing.T) {
	t.Parallel()
	const (
		unknown = `{"error":"404 Not Found"}`
		notHere = `{"message":"501 Not Implemented - this part of GitLab's API is not played."}`
		noWay   = `{"error":"405 Not Allowed"}`
	)
	srv := play(t, "")
	for _, c := range []struct {
		call   string
		status int
		want   string
	}{
		{"GET /nothing", 404, unknown},
		{"GET /api", 404, unknown},
		{"GET /api/v5/runners", 404, unknown},
		{"GET /Runners", 404, unknown},
		{"GET /runners/6/nothing", 404, unknown},
		{"GET /runners.json", 404, unknown},
		{"GET /projects/9/runners/6/nothing", 404, unknown},
		{"POST /user/runners/6", 404, unknown},
		{"GET /ci/runners", 404, unknown},
		{"GET //runners", 404, unknown},
		{"GET /runners//6", 404, unknown},
		{"GET /runners/../version", 404, unknown},
		{"GET /runners/.", 404, unknown},
		{"GET /runners/%2F", 404, unknown},
		{"GET /runners/%2f/jobs", 404, unknown},
		{"GET /runners/%2e%2e/jobs", 400, `{"error":"id is invalid"}`},
		{"GET /runners/%2e%2e", 400, `{"error":"id is invalid"}`},
		{"GET /projects/%2e%2e/runners", 404, noProject},
		{"GET /projects/acme%2F..%2Fapp/runners", 404, noProject},
		{"GET /projects/%2e%2e%2fadmin/runners", 404, noProject},
		{"GET /RUNNERS/6", 404, unknown},
		{"GET /projects//runners", 404, unknown},
		{"GET /api/v3/runners", 410, `{"error":"API V3 is no longer supported. Use API V4 instead."}`},
		{"GET /api/v3", 410, `{"error":"API V3 is no longer supported. Use API V4 instead."}`},
		{"GET /projects", 501, notHere},
		{"GET /projects/9", 501, notHere},
		{"POST /groups/10/hooks", 501, notHere},
		{"GET /users?username=x", 501, notHere},
		{"POST /jobs/1/artifacts", 501, notHere},
		{"GET /user/keys", 501, notHere},
		{"PUT /runners", 405, noWay},
		{"PATCH /runners/6", 405, noWay},
		{"POST /runners/6", 405, noWay},
		{"OPTIONS /runners/6", 405, noWay},
		{"POST /runners/6/jobs", 405, noWay},
		{"GET /projects/9/runners/all", 405, noWay},
		{"POST /version", 405, noWay},
	} {
		a := ask(t, srv, "t-root", c.call)
		assert.Equal(t, c.status, a.status, c.call)
		assert.Equal(t, c.want, a.body, c.call)
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "DELETE, GET, HEAD, PUT", ask(t, play(t, ""), "", "PATCH /runners/6").header.Get("Allow"))
	assert.Equal(t, "DELETE, GET, HEAD, POST", ask(t, play(t, ""), "", "PATCH /runners").header.Get("Allow"))
}

func TestOldAPI(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"8.2.0", "10.8.0"} {
		ask(t, play(t, version), "t-root", "GET /api/v3/runners").want(t, 501,
			`{"message":"501 Not Implemented - API v3 is not played; /api/v4 is, in every version."}`)
	}
}

func TestTrailingSlash(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, call := range []string{"GET /runners/6/", "GET /runners/all/?x=1", "GET /projects/acme%2Fapp/runners/", "HEAD /runners/6"} {
		assert.Equal(t, 200, ask(t, srv, "t-root", call).status, call)
	}
	assert.Empty(t, ask(t, srv, "t-root", "HEAD /runners/6").body)
}

// TestRoutesExist asks for every route without a credential: none may be
// unknown to its version.
func TestRoutesExist(t *testing.T) {
	t.Parallel()
	all := runnerstest.Routes()
	assert.True(t, slices.Contains(all, "GET /runners/{id}"))
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all), "no route twice")
	for _, route := range all {
		version := ""
		if strings.Contains(route, "/ci/") {
			version = "9.5.0"
		}
		call := strings.NewReplacer("{id}", "1", "{runner_id}", "1").Replace(route)
		a := ask(t, play(t, version), "", call)
		assert.Contains(t, []int{400, 401, 403, 501}, a.status, route)
		assert.NotContains(t, a.body, "this part of GitLab's API", route)
	}
}

// TestRoutesByVersion asks for each route of the version table on both sides
// of its edge.
func TestRoutesByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, since, call string }{
		{"10.2.0", "10.3.0", "GET /runners/1/jobs"},
		{"17.1.0", "17.2.0", "GET /runners/1/managers"},
		{"17.11.0", "18.0.0", "GET /runners/1/projects"},
		{"12.10.0", "13.0.0", "GET /groups/1/runners"},
		{"14.5.0", "14.6.0", "POST /runners/1/reset_authentication_token"},
		{"14.2.0", "14.3.0", "POST /groups/1/runners/reset_registration_token"},
		{"15.10.0", "15.11.0", "POST /user/runners"},
	} {
		assert.Equal(t, 404, ask(t, play(t, c.before), "", c.call).status, c.call)
		assert.Equal(t, 401, ask(t, play(t, c.since), "", c.call).status, c.call)
	}
	assert.Equal(t, 405, ask(t, play(t, "14.5.0"), "", "POST /runners/reset_authentication_token").status, "the path of a runner")
	assert.Equal(t, 400, ask(t, play(t, "14.6.0"), "", "POST /runners/reset_authentication_token").status)
	assert.Equal(t, 405, ask(t, play(t, "14.2.0"), "", "POST /runners/reset_registration_token").status)
	assert.Equal(t, 405, ask(t, play(t, "14.2.0"), "", "POST /projects/1/runners/reset_registration_token").status)
	assert.Equal(t, 401, ask(t, play(t, "14.3.0"), "", "POST /projects/1/runners/reset_registration_token").status)
	assert.Equal(t, 401, ask(t, play(t, "14.3.0"), "", "POST /runners/reset_registration_token").status)
}
