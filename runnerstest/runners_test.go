// One runner: its details, update and removal, its managers and projects.

package runnerstest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keys are the members of answers that the documentation or the source of a
// version shows.
var keys = map[string]struct{ list, details, updated string }{
	"8.2.0": {
		"active description id is_shared name",
		"active architecture contacted_at description id is_shared name platform projects revision tag_list token version", "",
	},
	"10.0.0": {
		"active description id is_shared name",
		"access_level active architecture contacted_at description id is_shared locked name platform projects revision run_untagged tag_list token version", "",
	},
	"13.10.0": {
		"active description id ip_address is_shared name online status",
		"access_level active architecture contacted_at description groups id ip_address is_shared locked maximum_timeout name online platform projects revision run_untagged status tag_list version", "",
	},
	"17.5.0": {
		"active description id ip_address is_shared name online paused runner_type status",
		"access_level active architecture contacted_at description groups id ip_address is_shared locked maintenance_note maximum_timeout name online paused platform projects revision run_untagged runner_type status tag_list version", "",
	},
	"19.1.0": {
		"active created_at created_by description id ip_address is_shared job_execution_status name online paused runner_type status",
		"access_level active architecture contacted_at created_at created_by description groups id ip_address is_shared job_execution_status locked maintenance_note maximum_timeout name online paused platform projects revision run_untagged runner_type status tag_list version",
		"access_level active architecture contacted_at created_at created_by description groups id ip_address is_shared job_execution_status locked maintenance_note maximum_timeout name online paused platform revision run_untagged runner_type status tag_list version",
	},
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for version, want := range keys {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			srv := play(t, version)
			updated := want.updated
			if updated == "" {
				updated = want.details
			}
			assert.Equal(t, want.list, strings.Join(keysOf(ask(t, srv, "t-root", "GET /runners/all").list(t)[2]), " "))
			assert.Equal(t, want.details, strings.Join(keysOf(ask(t, srv, "t-root", "GET /runners/6").object(t)), " "))
			assert.Equal(t, updated, strings.Join(keysOf(ask(t, srv, "t-root", "PUT /runners/6", "description=x").object(t)), " "))
			assigned := ask(t, srv, "t-root", "POST /projects/12/runners", "runner_id=6")
			assert.Equal(t, want.list, strings.Join(keysOf(assigned.object(t)), " "))
		})
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	got := ask(t, srv, "t-root", "GET /runners/1").object(t)
	for name, want := range map[string]any{
		"id": 1.0, "description": "shared", "ip_address": nil, "active": true, "paused": false,
		"is_shared": true, "runner_type": "instance_type", "name": nil, "online": true,
		"status": "online", "job_execution_status": "active", "tag_list": []any{"docker", "linux"},
		"run_untagged": true, "locked": false, "maximum_timeout": nil, "access_level": "not_protected",
		"version": "16.11.1", "revision": "535ced5f", "platform": "linux", "architecture": "amd64",
		"maintenance_note": "keep off", "projects": []any{}, "groups": []any{},
	} {
		assert.Equal(t, want, got[name], name)
	}
	assert.NotContains(t, got, "created_by")
	assert.NotContains(t, got, "token")
}

func TestCreatedBy(t *testing.T) {
	t.Parallel()
	got := ask(t, play(t, ""), "t-root", "GET /runners/6").object(t)["created_by"]
	assert.Equal(t, map[string]any{
		"id": 5.0, "username": "mia", "public_email": "", "name": "Mia", "state": "active",
		"locked": false, "avatar_url": nil, "web_url": "http://gitlab.test/mia",
	}, got)
}

func TestAddressByVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]any{
		"13.10.0": "10.0.0.1", "16.11.0": "10.0.0.1", "17.0.0": "", "17.5.0": "", "18.0.0": nil, "19.1.0": nil,
	} {
		assert.Equal(t, want, ask(t, play(t, version), "t-root", "GET /runners/1").object(t)["ip_address"], version)
	}
}

func TestTokenInDetails(t *testing.T) {
	t.Parallel()
	srv := play(t, "12.10.0")
	assert.Equal(t, "glrt-app-runner-six", ask(t, srv, "t-mia", "GET /runners/6").object(t)["token"])
	assert.Equal(t, "glrt-shared-runner-one", ask(t, srv, "t-root", "GET /runners/1").object(t)["token"])
	assert.NotContains(t, ask(t, srv, "t-mia", "GET /runners/1").object(t), "token")
}

func TestMaintenanceNote(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]any{"17.11.0": "keep off", "18.0.0": nil} {
		assert.Equal(t, want, ask(t, play(t, version), "t-mia", "GET /runners/1").object(t)["maintenance_note"])
	}
	assert.Equal(t, "mia's", ask(t, play(t, ""), "t-mia", "GET /runners/6").object(t)["maintenance_note"])
}

func TestProjectsInDetails(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	paths := func(token, query string) (paths []any) {
		projects, _ := ask(t, srv, token, "GET /runners/7"+query).object(t)["projects"].([]any)
		for _, p := range projects {
			project, _ := p.(map[string]any)
			paths = append(paths, project["path_with_namespace"])
		}
		return paths
	}
	assert.Equal(t, []any{"acme/app", "acme/tools/cli"}, paths("t-root", ""))
	assert.Equal(t, []any{"acme/app", "acme/tools/cli"}, paths("t-audrey", ""))
	assert.Equal(t, []any{"acme/app"}, paths("t-mia", ""))
	assert.Equal(t, []any{"acme/tools/cli"}, paths("t-cli", "?include_projects=true"))
	assert.NotContains(t, ask(t, srv, "t-root", "GET /runners/7?include_projects=false").object(t), "projects")
	ask(t, srv, "t-root", "GET /runners/7?include_projects=x").want(t, 400, `{"error":"include_projects is invalid"}`)
	assert.Contains(t, ask(t, play(t, "17.11.0"), "t-root", "GET /runners/7?include_projects=false").object(t), "projects")
}

func TestGroupsInDetails(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	want := []any{map[string]any{"id": 10.0, "name": "Acme", "web_url": "http://gitlab.test/groups/acme"}}
	for _, token := range []string{"t-root", "t-audrey", "t-gil"} {
		assert.Equal(t, want, ask(t, srv, token, "GET /runners/40").object(t)["groups"], token)
	}
	assert.Equal(t, []any{}, ask(t, srv, "t-mia", "GET /runners/40").object(t)["groups"])
}

func TestMissingRunner(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"": noRunner, "18.9.0": `{"message":"404 Not found"}`} {
		srv := play(t, version)
		for _, call := range []string{
			"GET /runners/99", "DELETE /runners/99", "GET /runners/99/jobs", "GET /runners/99/managers",
			"POST /runners/99/reset_authentication_token",
		} {
			ask(t, srv, "t-sam", call).want(t, 404, want)
		}
		ask(t, srv, "t-sam", "PUT /runners/99", "paused=1").want(t, 404, want)
		ask(t, srv, "t-mia", "POST /projects/9/runners", "runner_id=99").want(t, 404, want)
	}
}

func TestProjectShape(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	all := "avatar_url created_at default_branch description forks_count http_url_to_repo id " +
		"last_activity_at name name_with_namespace namespace path path_with_namespace readme_url " +
		"ssh_url_to_repo star_count tag_list topics web_url"
	a := ask(t, srv, "t-root", "GET /runners/7/projects")
	require.Equal(t, 200, a.status)
	got := a.list(t)[1]
	assert.Equal(t, all, strings.Join(keysOf(got), " "))
	assert.Equal(t, "Acme / Tools / cli", got["name_with_namespace"])
	assert.Equal(t, "git@gitlab.test:acme/tools/cli.git", got["ssh_url_to_repo"])
	assert.Equal(t, map[string]any{
		"id": 11.0, "name": "Tools", "path": "tools", "kind": "group", "full_path": "acme/tools",
		"parent_id": 10.0, "avatar_url": nil, "web_url": "http://gitlab.test/groups/acme/tools",
	}, got["namespace"])
	assert.Equal(t, "[]", ask(t, srv, "t-root", "GET /runners/1/projects").body)
	assert.Equal(t, []int{9}, ask(t, srv, "t-mia", "GET /runners/7/projects").ids(t))
	ask(t, srv, "t-dev", "GET /runners/7/projects").want(t, 403, noAccess)
}

func TestProjectShapeByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, since, field string }{
		{"13.12.0", "14.0.0", "topics"},
		{"10.8.0", "11.0.0", "readme_url"},
	} {
		for version, shown := range map[string]bool{c.before: false, c.since: true} {
			projects, _ := ask(t, play(t, version), "t-root", "GET /runners/6").object(t)["projects"].([]any)
			require.Len(t, projects, 1)
			project, _ := projects[0].(map[string]any)
			_, found := project[c.field]
			assert.Equal(t, shown, found, "%s %s", c.field, version)
		}
	}
}

// TestGuestSeesNoCode asks as a user who maintains one project of a runner and
// is a guest in the other.
func TestGuestSeesNoCode(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", `{"users":[{"id":1,"username":"u","tokens":[{"token":"t-u"}]}],
	  "projects":[{"id":1,"path_with_namespace":"u/a"},{"id":2,"path_with_namespace":"v/b","members":{"u":"guest"}}],
	  "groups":[{"id":1,"full_path":"v"}],
	  "runners":[{"id":1,"runner_type":"project_type","projects":[1,2]}]}`)
	got := ask(t, srv, "t-u", "GET /runners/1/projects").list(t)
	assert.Equal(t, "u / a", got[0]["name_with_namespace"])
	assert.Equal(t, "user", member(t, got[0], "namespace")["kind"])
	assert.Contains(t, got[0], "default_branch")
	assert.NotContains(t, got[1], "default_branch")
	assert.NotContains(t, got[1], "forks_count")
}

func TestManagers(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	got := ask(t, srv, "t-sam", "GET /runners/1/managers").list(t)
	require.Len(t, got, 2)
	assert.Equal(t, []any{1.0, "s_1", "10.0.0.1", "online", "active"},
		[]any{got[0]["id"], got[0]["system_id"], got[0]["ip_address"], got[0]["status"], got[0]["job_execution_status"]})
	assert.Equal(t, []any{2.0, "r_2", nil, "offline", "idle"},
		[]any{got[1]["id"], got[1]["system_id"], got[1]["ip_address"], got[1]["status"], got[1]["job_execution_status"]})
	assert.Equal(t, "[]", ask(t, srv, "t-root", "GET /runners/40/managers").body)
	ask(t, srv, "t-sam", "GET /runners/6/managers").want(t, 403, noAccess)
	old := ask(t, play(t, "17.5.0"), "t-root", "GET /runners/1/managers").list(t)
	assert.Equal(t, "architecture contacted_at created_at id ip_address platform revision status system_id version",
		strings.Join(keysOf(old[0]), " "))
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-root", "PUT /runners/6", `{"description":"d","paused":true,"tag_list":["x"],`+
		`"run_untagged":false,"locked":true,"access_level":"ref_protected","maximum_timeout":600,"maintenance_note":"n"}`)
	require.Equal(t, 200, a.status, a.body)
	for name, want := range map[string]any{
		"description": "d", "paused": true, "active": false, "tag_list": []any{"x"}, "run_untagged": false,
		"locked": true, "access_level": "ref_protected", "maximum_timeout": 600.0, "maintenance_note": "n",
		"status": "paused",
	} {
		assert.Equal(t, want, a.object(t)[name], name)
		assert.Equal(t, want, ask(t, srv, "t-root", "GET /runners/6").object(t)[name], name)
	}
	assert.Equal(t, "n", ask(t, srv, "t-root", "PUT /runners/6", "active=true").object(t)["maintenance_note"])
	assert.Nil(t, ask(t, srv, "t-root", "PUT /runners/6", `{"maintenance_note":null}`).object(t)["maintenance_note"])
	assert.Equal(t, true, ask(t, srv, "t-root", "GET /runners/6").object(t)["active"])
}

func TestUpdateFaults(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 1025)
	noTags := `"tags_list":["can not be empty when runner is not allowed to pick untagged jobs"]`
	tooMany := `"tags_list":["Too many tags specified. Please limit the number of tags to 50"]`
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"at least 10 minutes", "maximum_timeout=599", 400, `{"message":{"maximum_timeout":["needs to be at least 10 minutes"]}}`},
		{"zero", "maximum_timeout=0", 400, `{"message":{"maximum_timeout":["needs to be at least 10 minutes"]}}`},
		{"no tags", "run_untagged=false&tag_list=", 400, `{"message":{` + noTags + `}}`},
		{"51 tags", "tag_list=" + tags(51), 400, `{"message":{` + tooMany + `}}`},
		{"50 tags", "tag_list=" + tags(50), 200, ""},
		{"long", "description=" + long, 400, `{"message":{"description":["is too long (maximum is 1024 characters)"]}}`},
		{"long enough", "description=" + long[2:], 200, ""},
		{"long note", "maintenance_note=" + long, 400, `{"message":{"maintenance_note":["is too long (maximum is 1024 characters)"]}}`},
		{
			"several", "maximum_timeout=1&tag_list=&run_untagged=no", 400,
			`{"message":{"maximum_timeout":["needs to be at least 10 minutes"],` + noTags + `}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := play(t, "")
			before := ask(t, srv, "t-root", "GET /runners/6").body
			a := ask(t, srv, "t-root", "PUT /runners/6", c.body)
			require.Equal(t, c.status, a.status, a.body)
			if c.status == 400 {
				assert.Equal(t, c.want, a.body)
				assert.Equal(t, before, ask(t, srv, "t-root", "GET /runners/6").body, "nothing may change")
			}
		})
	}
}

// TestUpdateByVersion sends one parameter on both sides of its edge: before it
// counts as nothing given.
func TestUpdateByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, since, body string }{
		{"14.7.0", "14.8.0", "paused=true"},
		{"8.8.0", "8.9.0", "run_untagged=true"},
		{"8.9.0", "8.10.0", "locked=true"},
		{"9.5.0", "10.0.0", "access_level=ref_protected"},
		{"10.6.0", "10.7.0", "maximum_timeout=600"},
		{"14.7.0", "14.8.0", "maintenance_note=n"},
	} {
		before := ask(t, play(t, c.before), "t-root", "PUT /runners/6", c.body)
		assert.Equal(t, 400, before.status, c.body)
		assert.Contains(t, before.body, "are missing, at least one parameter must be provided")
		assert.Equal(t, 200, ask(t, play(t, c.since), "t-root", "PUT /runners/6", c.body).status, c.body)
	}
}

// TestExclusionByVersion sends a pair that excludes each other, in versions
// that know both and in those that know one.
func TestExclusionByVersion(t *testing.T) {
	t.Parallel()
	const both = `{"error":"active, paused are mutually exclusive"}`
	ask(t, play(t, "14.8.0"), "t-root", "PUT /runners/6", "active=false&paused=false").want(t, 400, both)
	a := ask(t, play(t, "14.7.0"), "t-root", "PUT /runners/6", "active=false&paused=false")
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, false, a.object(t)["active"], "paused is no parameter yet")
	ask(t, play(t, "15.0.0"), "", "POST /runners", "token=reg-instance&active=1&paused=1").want(t, 400, both)
	assert.Equal(t, 201, ask(t, play(t, "14.10.0"), "", "POST /runners", "token=reg-instance&active=1&paused=1").status)
}

func tags(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte(',')
		b.WriteString(strings.Repeat("t", i+1))
	}
	return b.String()[1:]
}

// TestTooManyTagsFromBefore edits a runner from before the limit.
func TestTooManyTagsFromBefore(t *testing.T) {
	t.Parallel()
	seed := `{"users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],
	  "runners":[{"id":1,"tag_list":["` + strings.ReplaceAll(tags(51), ",", `","`) + `"]}]}`
	srv := playSeed(t, "", seed)
	assert.Equal(t, 200, ask(t, srv, "t-root", "PUT /runners/1", "description=x").status)
	assert.Equal(t, 200, ask(t, srv, "t-root", "PUT /runners/1", "tag_list="+tags(51)).status)
	assert.Equal(t, 400, ask(t, srv, "t-root", "PUT /runners/1", "tag_list=a,"+tags(51)).status)
	assert.Equal(t, 200, ask(t, playSeed(t, "14.10.0", seed), "t-root", "PUT /runners/1", "tag_list=a,"+tags(51)).status)
}

// TestOrderOfChecks asks with two or three things wrong at once.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, c := range []struct {
		token, call, body string
		status            int
		want              string
	}{
		{"", "PUT /runners/abc", "", 401, unauthorized},
		{"t-sam", "PUT /runners/6", "access_level=x", 400, `{"error":"access_level does not have a valid value"}`},
		{"t-sam", "PUT /runners/6", "maximum_timeout=1", 403, noAccess},
		{"t-sam", "PUT /runners/99", "maximum_timeout=1", 404, noRunner},
		{"t-sam", "DELETE /runners/7", "", 403, `{"message":"403 Forbidden - Runner associated with more than one project"}`},
		{"t-dev", "POST /projects/9/runners", "", 403, forbidden},
		{"t-sam", "POST /projects/9/runners", "", 404, noProject},
		{"t-mia", "POST /projects/9/runners", "", 400, `{"error":"runner_id is missing"}`},
		{"t-mia", "DELETE /projects/9/runners/x", "", 400, `{"error":"runner_id is invalid"}`},
		{"", "POST /user/runners", "", 401, unauthorized},
		{"t-root-read", "POST /user/runners", "", 403, insufficient("create_runner api read_api")},
	} {
		ask(t, srv, c.token, c.call, c.body).want(t, c.status, c.want)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-mia", "DELETE /runners/6")
	a.want(t, 204, "")
	assert.Empty(t, a.header.Get("Content-Length"))
	ask(t, srv, "t-mia", "DELETE /runners/6").want(t, 404, noRunner)
	ask(t, srv, "", "POST /runners/verify", "token=glrt-app-runner-six").want(t, 403, forbidden)
	assert.Equal(t, []int{7, 60}, ask(t, srv, "t-root", "GET /projects/9/runners?type=project_type").ids(t))
	assert.Equal(t, 204, ask(t, srv, "t-root", "DELETE /runners/7").status)
}

func TestPrecondition(t *testing.T) {
	t.Parallel()
	const failed = `{"message":"412 Precondition Failed"}`
	for _, c := range []struct{ call, body string }{
		{"DELETE /runners/6", ""},
		{"DELETE /runners", "token=glrt-app-runner-six"},
		{"DELETE /runners/managers", "token=glrt-shared-runner-one&system_id=s_1"},
		{"DELETE /projects/12/runners/7", ""},
	} {
		srv := play(t, "")
		header := func(value string) http.Header {
			return http.Header{"Private-Token": {"t-root"}, "If-Unmodified-Since": {value}}
		}
		old := srv.Now().Add(-100 * 24 * time.Hour)
		send(t, srv, header(old.Format(http.TimeFormat)), c.call, c.body).want(t, 412, failed)
		send(t, srv, header(old.Format(time.RFC3339)), c.call, c.body).want(t, 412, failed)
		fresh := srv.Now().Add(time.Minute).Format(http.TimeFormat)
		send(t, srv, header(fresh), c.call, c.body).want(t, 204, "")
		send(t, play(t, ""), header("yesterday"), c.call, c.body).want(t, 204, "")
	}
}

func TestResetByID(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-mia", "POST /runners/6/reset_authentication_token", "null")
	require.Equal(t, 201, a.status)
	assert.Equal(t, []string{"token", "token_expires_at"}, keysOf(a.object(t)))
	token, _ := a.object(t)["token"].(string)
	assert.True(t, strings.HasPrefix(token, "glrt-"), token)
	ask(t, srv, "", "POST /runners/verify", "token=glrt-app-runner-six").want(t, 403, forbidden)
	verified := ask(t, srv, "", "POST /runners/verify", "token="+token)
	assert.Equal(t, 6.0, verified.object(t)["id"])
	ask(t, srv, "t-dev", "POST /runners/6/reset_authentication_token").want(t, 403, noAccess)
}

func TestRotationDeadline(t *testing.T) {
	t.Parallel()
	const passed = `{"error":"Token rotation deadline has passed"}`
	seed := `"license_plan":"premium","users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],` +
		`"runners":[{"id":1,"token":"glrt-to-be-rotated-soon","token_rotation_deadline":"+1h"}]}`
	for _, c := range []struct {
		version, plan string
		status        int
	}{{"", "premium", 403}, {"", "free", 201}, {"18.9.0", "premium", 201}, {"18.10.0", "ultimate", 403}} {
		srv := playSeed(t, c.version, "{"+strings.Replace(seed, "premium", c.plan, 1))
		srv.Advance(time.Hour + time.Second)
		byToken := ask(t, srv, "", "POST /runners/reset_authentication_token", "token=glrt-to-be-rotated-soon")
		assert.Equal(t, c.status, byToken.status, "%v", c)
		if c.status == 403 {
			assert.Equal(t, passed, byToken.body)
			ask(t, srv, "t-root", "POST /runners/1/reset_authentication_token").want(t, 403, passed)
		}
	}
	srv := playSeed(t, "", "{"+seed)
	assert.Equal(t, 201, ask(t, srv, "t-root", "POST /runners/1/reset_authentication_token").status)
	srv.Advance(2 * time.Hour)
	assert.Equal(t, 201, ask(t, srv, "t-root", "POST /runners/1/reset_authentication_token").status,
		"a reset clears the deadline")
}
