// /projects/{id}/runners: assigning and taking away; registration tokens of
// instance, projects and groups.

package runnerstest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAssign(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-mia", "POST /projects/21/runners", `{"runner_id":"6"}`)
	require.Equal(t, 201, a.status, a.body)
	assert.EqualValues(t, 6, a.object(t)["id"])
	assert.NotContains(t, a.object(t), "tag_list")
	assert.Equal(t, []int{6, 8}, ask(t, srv, "t-mia", "GET /projects/21/runners").ids(t))
	ask(t, srv, "t-mia", "DELETE /projects/9/runners/6").want(t, 403, noAccess)
	ask(t, srv, "t-mia", "DELETE /projects/21/runners/6").want(t, 204, "")
}

func TestAssignFaults(t *testing.T) {
	t.Parallel()
	orphan := strings.Replace(acme, `"runners": [`, `"runners": [{"id": 70, "runner_type": "project_type", "projects": []},`, 1)
	srv := playSeed(t, "", orphan)
	for _, c := range []struct {
		token, project, runner string
		status                 int
		want                   string
	}{
		{"t-sam", "9", "6", 404, noProject},
		{"t-dev", "9", "6", 403, forbidden},
		{"t-audrey", "9", "6", 403, forbidden},
		{"t-mia", "9", "", 400, `{"error":"runner_id is missing"}`},
		{"t-mia", "9", "x", 400, `{"error":"runner_id is invalid"}`},
		{"t-mia", "9", "99", 404, noRunner},
		{"t-root", "9", "40", 403, `{"message":"403 Forbidden - Runner is a group runner"}`},
		{"t-mia", "21", "60", 403, `{"message":"403 Forbidden - Runner is locked"}`},
		{"t-cli", "12", "8", 403, noAccess},
		{"t-mia", "9", "1", 403, noAccess},
		{"t-mia", "9", "6", 400, `{"message":"Assign to Validation failed: Runner projects runner has already been taken - runner_error"}`},
		{"t-root", "9", "70", 400, `{"message":"Assign to Taking over an orphaned project runner is not allowed - runner_error"}`},
		{"t-root", "9", "1", 500, `{"message":"500 Internal Server Error"}`},
		{"t-root", "21", "60", 201, ""},
		{"t-mia", "21", "7", 201, ""},
	} {
		body := "runner_id=" + c.runner
		if c.runner == "" {
			body = ""
		}
		a := ask(t, srv, c.token, "POST /projects/"+c.project+"/runners", body)
		require.Equal(t, c.status, a.status, "%v %s", c, a.body)
		if c.want != "" {
			assert.Equal(t, c.want, a.body, "%v", c)
		}
	}
}

func TestAssignLimits(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"plan_limits":{"ci_registered_project_runners":1}`))
	ask(t, srv, "t-mia", "POST /projects/9/runners", "runner_id=8").want(t, 400,
		`{"message":"Assign to Validation failed: Maximum number of ci registered project runners (1) exceeded - runner_error"}`)
	assert.Equal(t, 201, ask(t, srv, "t-mia", "POST /projects/21/runners", "runner_id=6").status, "stale runners do not count")
	registrars := playSeed(t, "", with(`"settings":{"valid_runner_registrars":["group"]}`))
	ask(t, registrars, "t-mia", "POST /projects/21/runners", "runner_id=99").want(t, 403, forbidden)
	assert.Equal(t, 201, ask(t, registrars, "t-root", "POST /projects/21/runners", "runner_id=6").status)
	none := playSeed(t, "", with(`"plan_limits":{"ci_registered_project_runners":0}`))
	assert.Equal(t, 201, ask(t, none, "t-mia", "POST /projects/9/runners", "runner_id=8").status)
}

func TestAssignByVersion(t *testing.T) {
	t.Parallel()
	taken := ask(t, play(t, "15.11.0"), "t-mia", "POST /projects/9/runners", "runner_id=6")
	taken.want(t, 400, `{"message":{"assign_to":["Validation failed: Runner projects runner has already been taken"]}}`)
	srv := play(t, "15.11.0")
	converted := ask(t, srv, "t-root", "POST /projects/21/runners", "runner_id=1")
	require.Equal(t, 201, converted.status)
	assert.Equal(t, "project_type", converted.object(t)["runner_type"])
	assert.Equal(t, []int{1, 8}, ask(t, srv, "t-root", "GET /projects/21/runners").ids(t))
	registrars := playSeed(t, "15.10.0", with(`"settings":{"valid_runner_registrars":["group"]}`))
	assert.Equal(t, 201, ask(t, registrars, "t-mia", "POST /projects/21/runners", "runner_id=6").status)
}

func TestUnassign(t *testing.T) {
	t.Parallel()
	const (
		missing = `{"message":"404 Runner Not Found"}`
		only    = `{"message":"403 Forbidden - Only one project associated with the runner. Please remove the runner instead"}`
		owner   = `{"message":"403 Forbidden - You cannot unassign a runner from the owner project. Delete the runner instead"}`
		locked  = `{"message":"403 Forbidden - Runner is locked"}`
		denied  = `{"message":"403 Forbidden - User not allowed to assign runner"}`
	)
	for _, c := range []struct {
		version, token, path string
		status               int
		want                 string
	}{
		{"", "t-mia", "9/runners/8", 404, missing},
		{"", "t-mia", "9/runners/99", 404, missing},
		{"", "t-mia", "9/runners/40", 404, missing},
		{"", "t-dev", "9/runners/6", 403, forbidden},
		{"", "t-sam", "9/runners/6", 404, noProject},
		{"", "t-mia", "9/runners/6", 403, noAccess},
		{"", "t-root", "9/runners/6", 403, owner},
		{"", "t-mia", "9/runners/7", 403, noAccess},
		{"", "t-root", "9/runners/7", 403, owner},
		{"", "t-cli", "12/runners/7", 204, ""},
		{"", "t-cli", "acme%2Ftools%2Fcli/runners/7", 204, ""},
		{"", "t-cli", "12/runners/60", 403, locked},
		{"", "t-root", "12/runners/60", 204, ""},
		{"18.1.0", "t-mia", "9/runners/6", 403, owner},
		{"18.1.0", "t-mia", "9/runners/7", 403, owner},
		{"18.1.0", "t-cli", "12/runners/60", 403, denied},
		{"18.1.0", "t-cli", "12/runners/7", 204, ""},
		{"17.8.0", "t-mia", "9/runners/6", 403, only},
		{"17.8.0", "t-root", "9/runners/6", 403, only},
		{"17.8.0", "t-mia", "9/runners/7", 204, ""},
		{"17.8.0", "t-mia", "9/runners/60", 403, denied},
		{"17.8.0", "t-root", "9/runners/60", 204, ""},
		{"13.10.0", "t-mia", "9/runners/60", 204, ""},
		{"13.10.0", "t-mia", "9/runners/8", 404, missing},
	} {
		ask(t, play(t, c.version), c.token, "DELETE /projects/"+c.path).want(t, c.status, c.want)
	}
}

// TestNextOwner takes the owner project away, where a version lets one.
func TestNextOwner(t *testing.T) {
	t.Parallel()
	srv := play(t, "17.8.0")
	assert.Equal(t, 204, ask(t, srv, "t-root", "DELETE /projects/9/runners/7").status)
	ask(t, srv, "t-mia", "PUT /runners/7", "description=x").want(t, 403, noAccess)
	assert.Equal(t, 200, ask(t, srv, "t-cli", "PUT /runners/7", "description=x").status)
}

func TestResetRegistrationTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ token, path, old string }{
		{"t-root", "/runners", "reg-instance"},
		{"t-mia", "/projects/9/runners", "reg-app"},
		{"t-gil", "/projects/acme%2Fapp/runners", "reg-app"},
		{"t-root", "/projects/9/runners", "reg-app"},
		{"t-olga", "/groups/10/runners", "reg-acme"},
		{"t-olga", "/groups/acme%2Ftools/runners", "reg-tools"},
		{"t-root", "/groups/acme/runners", "reg-acme"},
	} {
		srv := play(t, "")
		a := ask(t, srv, c.token, "POST "+c.path+"/reset_registration_token", `{"token":"ignored"}`)
		require.Equal(t, 201, a.status, "%v %s", c, a.body)
		assert.Equal(t, []string{"token"}, keysOf(a.object(t)))
		token, _ := a.object(t)["token"].(string)
		assert.Equal(t, 403, ask(t, srv, "", "POST /runners", "token="+c.old).status)
		assert.Equal(t, 201, ask(t, srv, "", "POST /runners", "token="+token).status)
	}
}

func TestResetRegistrationFaults(t *testing.T) {
	t.Parallel()
	off := with(`"allow_runner_registration_token":false`)
	groupOff := strings.Replace(acme, `"runners_token": "reg-acme",`, `"runners_token": "reg-acme", "allow_runner_registration_token": false,`, 1)
	for _, c := range []struct {
		seed, token, path string
		status            int
		want              string
	}{
		{acme, "", "/runners", 401, unauthorized},
		{acme, "t-olga", "/runners", 403, forbidden},
		{acme, "t-audrey", "/runners", 403, forbidden},
		{acme, "t-dev", "/projects/9/runners", 403, forbidden},
		{acme, "t-sam", "/projects/9/runners", 404, noProject},
		{acme, "t-root", "/projects/none/runners", 404, noProject},
		{acme, "t-gil", "/groups/10/runners", 403, forbidden},
		{acme, "t-sam", "/groups/10/runners", 404, noGroup},
		{off, "t-root", "/runners", 403, forbidden},
		{off, "t-root", "/projects/9/runners", 403, forbidden},
		{off, "t-root", "/groups/10/runners", 403, forbidden},
		{groupOff, "t-root", "/runners", 201, ""},
		{groupOff, "t-root", "/projects/9/runners", 403, forbidden},
		{groupOff, "t-root", "/groups/11/runners", 403, forbidden},
		{groupOff, "t-root", "/groups/20/runners", 201, ""},
	} {
		a := ask(t, playSeed(t, "", c.seed), c.token, "POST "+c.path+"/reset_registration_token")
		require.Equal(t, c.status, a.status, "%v", c)
		if c.want != "" {
			assert.Equal(t, c.want, a.body, "%v", c)
		}
	}
	assert.Equal(t, 201, ask(t, playSeed(t, "15.10.0", off), "t-root", "POST /runners/reset_registration_token").status)
	ask(t, play(t, ""), "t-root", "POST /runners/6/reset_registration_token").want(t, 404, `{"error":"404 Not Found"}`)
}
