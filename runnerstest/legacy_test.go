// /ci/api/v1 and /ci: the API of GitLab 8 and 9.

package runnerstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLegacyList(t *testing.T) {
	t.Parallel()
	srv := play(t, "8.2.0")
	for _, path := range []string{"/ci/runners", "/ci/api/v1/runners", "/ci/api/v1/runners.json", "/ci/runners.json", "/ci/api/v1/runners/"} {
		for _, query := range []string{"", "?url=https://gitlab.example.com"} {
			a := ask(t, srv, "t-sam", "GET "+path+query)
			require.Equal(t, 200, a.status, path)
			assert.Len(t, a.list(t), 8)
			assert.Equal(t, []string{"id", "token"}, keysOf(a.list(t)[0]))
			assert.Contains(t, a.body, `{"id":1,"token":"glrt-shared-runner-one"}`)
			assert.NotContains(t, a.header, "X-Page")
		}
	}
	ask(t, srv, "", "GET /ci/runners").want(t, 401, unauthorized)
	assert.Equal(t, 200, ask(t, srv, "", "GET /ci/runners?private_token=t-root-user").status, "any token of a user")
	shown := http.Header{"Access-Token": {"t-sam"}}
	assert.Equal(t, 200, send(t, srv, shown, "GET /ci/runners").status)
	assert.Equal(t, 200, ask(t, srv, "", "GET /ci/runners?access_token=t-sam").status)
	send(t, srv, shown, "GET /runners").want(t, 401, unauthorized)
	empty := playSeed(t, "8.2.0", `{"users":[{"username":"u","tokens":[{"token":"t-u"}]}]}`)
	ask(t, empty, "t-u", "GET /ci/runners").want(t, 200, "[]")
}

func TestLegacyRegister(t *testing.T) {
	t.Parallel()
	srv := play(t, "8.2.0")
	a := ask(t, srv, "", "POST /ci/runners/register", "token=reg-instance&description=d&tag_list=a, b")
	require.Equal(t, 201, a.status, a.body)
	assert.Equal(t, []string{"id", "token"}, keysOf(a.object(t)))
	assert.Regexp(t, "^[0-9a-f]{30}$", a.object(t)["token"])
	assert.EqualValues(t, 61, a.object(t)["id"])
	a = ask(t, srv, "glrt-app-runner-six", "POST /ci/api/v1/runners/register.json",
		`{"token":"reg-app","tag_list":"a","info":{"name":"multi-runner","version":"1.11.5"}}`)
	require.Equal(t, 201, a.status, a.body)
	got := ask(t, srv, "t-root", "GET /runners/62").object(t)
	assert.Equal(t, []any{false, "multi-runner", "1.11.5"}, []any{got["is_shared"], got["name"], got["version"]})
	assert.Equal(t, true, ask(t, srv, "t-root", "GET /runners/61").object(t)["is_shared"])
}

func TestLegacyLock(t *testing.T) {
	t.Parallel()
	for version, status := range map[string]int{"8.9.0": 201, "8.10.0": 403} {
		srv := play(t, version)
		ask(t, srv, "", "POST /ci/runners/register", "token=reg-app&locked=true")
		assert.Equal(t, status, ask(t, srv, "t-mia", "POST /projects/21/runners", "runner_id=61").status, version)
	}
}

func TestLegacyFaults(t *testing.T) {
	t.Parallel()
	const register = "POST /ci/api/v1/runners/register"
	for _, c := range []struct {
		version, call, body string
		status              int
		want                string
	}{
		{"8.2.0", register, "", 400, `{"message":"400 (Bad request) \"token\" not given"}`},
		{"8.2.0", register, "token= ", 400, `{"message":"400 (Bad request) \"token\" not given"}`},
		{"9.0.0", register, "", 400, `{"error":"token is missing"}`},
		{"8.2.0", register, "token=nope", 403, forbidden},
		{"8.2.0", register, "token=reg-acme", 403, forbidden},
		{"8.9.0", register, "token=reg-app&run_untagged=false", 404, `{"message":"404 Not Found"}`},
		{"8.8.0", register, "token=reg-app&run_untagged=false", 201, ""},
		{"8.2.0", "DELETE /ci/runners/delete", "", 400, `{"message":"400 (Bad request) \"token\" not given"}`},
		{"8.2.0", "DELETE /ci/runners/delete", "token=nope", 403, forbidden},
		{"8.2.0", "PUT /ci/runners", "", 405, `{"message":"Method Not Allowed"}`},
		{"8.2.0", "GET /ci/nothing", "", 404, `{"message":"404 Not found"}`},
		{"8.2.0", "PUT /ci/api/v1/builds/-1", "token=x", 403, forbidden},
		{"8.2.0", "PUT /ci/api/v1/builds/-1", "", 400, `{"message":"400 (Bad request) \"token\" not given"}`},
		{"8.2.0", "POST /ci/api/v1/builds/register.json", "token=x", 403, forbidden},
		{"8.2.0", "PATCH /ci/api/v1/builds/1/trace.txt", "token=x", 501, noBuilds},
		{"10.0.0", register, "token=reg-instance", 404, `{"error":"404 Not Found"}`},
		{"10.0.0", "DELETE /ci/runners/delete", "token=glrt-app-runner-six", 404, `{"error":"404 Not Found"}`},
		{"10.0.0", "GET /ci/runners", "", 404, `{"error":"404 Not Found"}`},
		{"10.0.0", "PUT /ci/api/v1/builds/-1", "token=x", 404, `{"error":"404 Not Found"}`},
		{"10.0.0", "POST /ci/api/v1/builds/register", "token=x", 404, `{"error":"404 Not Found"}`},
		{"9.5.0", register, "token=reg-instance", 201, ""},
	} {
		a := ask(t, play(t, c.version), "", c.call, c.body)
		require.Equal(t, c.status, a.status, "%v %s", c, a.body)
		if c.want != "" {
			assert.Equal(t, c.want, a.body, "%v", c)
		}
	}
}

const noBuilds = `{"message":"501 Not Implemented - builds of the CI API are not played."}`

// TestLegacyIdleRunner does what an old runner does between two builds.
func TestLegacyIdleRunner(t *testing.T) {
	t.Parallel()
	srv := play(t, "9.5.0")
	body := `{"token":"glrt-app-runner-six","info":{"version":"1.11.5"}}`
	ask(t, srv, "", "PUT /ci/api/v1/builds/-1", body).want(t, 404, `{"message":"404 Not found"}`)
	before := ask(t, srv, "t-root", "GET /runners/6").object(t)
	assert.Nil(t, before["version"], "asking for a build is no contact")
	a := ask(t, srv, "", "POST /ci/api/v1/builds/register.json", body)
	a.want(t, 204, "")
	assert.Regexp(t, "^[0-9a-f]{32}$", a.header.Get("X-Gitlab-Last-Update"))
	got := ask(t, srv, "t-root", "GET /runners/6").object(t)
	assert.Equal(t, "1.11.5", got["version"])
	assert.NotEqual(t, before["contacted_at"], got["contacted_at"])

	busy := playSeed(t, "9.5.0", work)
	ask(t, busy, "", "POST /ci/api/v1/builds/register", "token=glrt-group-runner").want(t, 501, noBuilds)
	ask(t, busy, "", "POST /ci/api/v1/builds/register", "token=glrt-paused-runner").want(t, 204, "")
	require.Equal(t, 201, ask(t, busy, "", "POST /jobs/request", "token=glrt-group-runner").status)
	ask(t, busy, "", "PUT /ci/api/v1/builds/2.json", "token=glrt-group-runner").want(t, 501, noBuilds)
	ask(t, busy, "", "PUT /ci/api/v1/builds/2", "token=glrt-instance-runner").want(t, 404, `{"message":"404 Not found"}`)
}

func TestLegacyDelete(t *testing.T) {
	t.Parallel()
	for version, more := range map[string]string{"8.2.0": "", "8.9.0": " run_untagged", "8.10.0": " locked run_untagged"} {
		srv := play(t, version)
		a := ask(t, srv, "", "DELETE /ci/runners/delete", "token=glrt-app-runner-six")
		require.Equal(t, 200, a.status)
		want := strings.Fields("active architecture contacted_at created_at description id is_shared name platform revision token updated_at version" + more)
		assert.ElementsMatch(t, want, keysOf(a.object(t)), version)
		assert.Equal(t, []any{6.0, "app", "glrt-app-runner-six"}, []any{a.object(t)["id"], a.object(t)["description"], a.object(t)["token"]})
		ask(t, srv, "", "DELETE /ci/runners/delete", "token=glrt-app-runner-six").want(t, 403, forbidden)
	}
}
