// What a token in the request authenticates: registering, verifying, resetting
// and deleting, and what it leaves behind.

package runnerstest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		token, kind string
		projects    []any
		groups      int
	}{
		{"reg-instance", "instance_type", []any{}, 0},
		{"reg-acme", "group_type", []any{}, 1},
		{"reg-app", "project_type", nil, 0},
	} {
		srv := play(t, "")
		a := ask(t, srv, "", "POST /runners", `{"token":"`+c.token+`","description":"d","active":false,`+
			`"locked":true,"run_untagged":false,"tag_list":"a, b","access_level":"ref_protected","maximum_timeout":"600",`+
			`"maintenance_note":"n","info":{"name":"gitlab-runner","version":"17.5.0","features":{"x":true}}}`)
		require.Equal(t, 201, a.status, a.body)
		assert.Equal(t, []string{"id", "token", "token_expires_at"}, keysOf(a.object(t)))
		assert.EqualValues(t, 61, a.object(t)["id"])
		got := ask(t, srv, "t-root", "GET /runners/61").object(t)
		for name, want := range map[string]any{
			"runner_type": c.kind, "description": "d", "paused": true, "locked": true, "run_untagged": false,
			"tag_list": []any{"a", "b"}, "access_level": "ref_protected", "maximum_timeout": 600.0,
			"maintenance_note": "n", "name": "gitlab-runner", "version": nil, "contacted_at": nil,
		} {
			assert.Equal(t, want, got[name], name)
		}
		assert.NotContains(t, got, "created_by")
		assert.Len(t, got["groups"], c.groups)
		if c.projects != nil {
			assert.Equal(t, c.projects, got["projects"])
		}
	}
}

// TestRegisterDefaults gives blanks, which count as not given.
func TestRegisterDefaults(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "", "POST /runners", `{"token":"reg-instance","description":"","tag_list":[],"maximum_timeout":"",`+
		`"maintenance_note":"","maintainer_note":"old name","info":{}}`)
	require.Equal(t, 400, a.status)
	a = ask(t, srv, "", "POST /runners", `{"token":"reg-instance","description":"","tag_list":[],"maximum_timeout":"",`+
		`"maintainer_note":"old name","run_untagged":"","info":{}}`)
	require.Equal(t, 201, a.status, a.body)
	got := ask(t, srv, "t-root", "GET /runners/61").object(t)
	for name, want := range map[string]any{
		"description": "", "paused": false, "locked": false, "run_untagged": true, "tag_list": []any{},
		"access_level": "not_protected", "maximum_timeout": nil, "maintenance_note": "old name", "name": nil,
	} {
		assert.Equal(t, want, got[name], name)
	}
}

func TestRegisterFaults(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"plan_limits":{"ci_registered_project_runners":3,"ci_registered_group_runners":1}`))
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{"", 400, `{"error":"token is missing"}`},
		{"token=", 403, `{"message":"403 Forbidden - invalid token supplied"}`},
		{`{"token":null}`, 403, `{"message":"403 Forbidden - invalid token supplied"}`},
		{"token=nope", 403, `{"message":"403 Forbidden - invalid token supplied"}`},
		{"token=REG-INSTANCE", 403, `{"message":"403 Forbidden - invalid token supplied"}`},
		{"token=glrt-app-runner-six", 403, `{"message":"403 Forbidden - invalid token supplied"}`},
		{"token=reg-instance&access_level=x", 400, `{"error":"access_level does not have a valid value"}`},
		{"token=reg-instance&maximum_timeout=x", 400, `{"error":"maximum_timeout is invalid"}`},
		{"token=reg-instance&info=x", 400, `{"error":"info is invalid"}`},
		{"access_level=x&paused=y", 400, `{"error":"token is missing, paused is invalid, access_level does not have a valid value"}`},
		{"token=nope&active=1&paused=1", 400, `{"error":"active, paused are mutually exclusive"}`},
		{"token=nope&maintainer_note=1&maintenance_note=1", 400, `{"error":"maintainer_note, maintenance_note are mutually exclusive"}`},
		{"token=reg-instance&run_untagged=false", 400, `{"message":{"tags_list":["can not be empty when runner is not allowed to pick untagged jobs"]}}`},
		{"token=reg-instance&tag_list=" + tags(51), 400, `{"message":{"tags_list":["Too many tags specified. Please limit the number of tags to 50"]}}`},
		{"token=reg-instance&maximum_timeout=599", 400, `{"message":{"maximum_timeout":["needs to be at least 10 minutes"]}}`},
		{"token=reg-instance&description=" + strings.Repeat("x", 1025), 400, `{"message":{"description":["is too long (maximum is 1024 characters)"]}}`},
		{"token=reg-instance&info[name]=" + strings.Repeat("x", 257), 400, `{"message":{"name":["is too long (maximum is 256 characters)"]}}`},
		{"token=reg-app", 400, `{"message":{"runner_projects.base":["Maximum number of ci registered project runners (3) exceeded"]}}`},
		{"token=reg-tools", 400, `{"message":{"runner_namespaces.base":["Maximum number of ci registered group runners (1) exceeded"]}}`},
	} {
		ask(t, srv, "", "POST /runners", c.body).want(t, c.status, c.want)
	}
	assert.Equal(t, 201, ask(t, srv, "", "POST /runners", "token=reg-acme").status, "stale runners do not count")
	assert.Len(t, ask(t, srv, "t-root", "GET /runners/all").ids(t), 9, "nothing is created on an error")
}

func TestRegistrationSwitches(t *testing.T) {
	t.Parallel()
	const gone = `{"message":"410 Gone - runner registration disallowed"}`
	const invalid = `{"message":"403 Forbidden - invalid token supplied"}`
	instance := `"allow_runner_registration_token":false`
	groups := strings.Replace(acme, `"runners_token": "reg-acme",`, `"runners_token": "reg-acme", "allow_runner_registration_token": false,`, 1)
	onlyGroups := `"settings":{"valid_runner_registrars":["group"]}`
	for _, c := range []struct {
		seed, version, token string
		status               int
		want                 string
	}{
		{with(instance), "", "reg-instance", 410, gone},
		{with(instance), "", "reg-app", 410, gone},
		{with(instance), "", "nonsense", 410, gone},
		{with(instance), "", "", 403, invalid},
		{with(instance), "15.10.0", "reg-instance", 201, ""},
		{groups, "", "reg-instance", 201, ""},
		{groups, "", "reg-acme", 410, gone},
		{groups, "", "reg-tools", 410, gone},
		{groups, "", "reg-app", 410, gone},
		{groups, "", "reg-cli", 410, gone},
		{groups, "", "reg-web", 201, ""},
		{with(onlyGroups), "", "reg-acme", 201, ""},
		{with(onlyGroups), "", "reg-app", 403, invalid},
		{with(onlyGroups), "15.5.0", "reg-app", 403, forbidden},
		{acme, "10.7.0", "reg-acme", 403, forbidden},
		{acme, "10.8.0", "reg-acme", 201, ""},
	} {
		a := ask(t, playSeed(t, c.version, c.seed), "", "POST /runners", "token="+c.token)
		require.Equal(t, c.status, a.status, "%s %s", c.token, a.body)
		if c.want != "" {
			assert.Equal(t, c.want, a.body)
		}
	}
}

// TestRegistrationByDefault makes servers without a seed, whose version
// decides.
func TestRegistrationByDefault(t *testing.T) {
	t.Parallel()
	for version, status := range map[string]int{"": 410, "17.0.0": 410, "16.11.0": 403} {
		srv := runnerstest.NewServer(t, &runnerstest.Options{Version: version})
		assert.Equal(t, status, ask(t, srv, "", "POST /runners", "token=nope").status, version)
	}
}

func TestRegisterByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, body, field, want string }{
		{"10.11.0", "active=false", "active", "true"},
		{"11.0.0", "active=false", "active", "false"},
		{"14.10.0", "paused=true", "active", "true"},
		{"15.0.0", "paused=true", "active", "false"},
		{"11.11.0", "access_level=ref_protected", "access_level", `"not_protected"`},
		{"12.0.0", "access_level=ref_protected", "access_level", `"ref_protected"`},
		{"10.8.0", "maximum_timeout=600", "maximum_timeout", "600"},
		{"14.8.0", "maintenance_note=n", "maintenance_note", `"n"`},
		{"14.8.0", "maintainer_note=n", "maintenance_note", `"n"`},
		{"15.9.0", "maintainer_note=o&maintenance_note=n", "maintenance_note", `"n"`},
		{"15.11.0", "info[version]=1.2&info[platform]=linux", "version", `"1.2"`},
		{"15.11.0", "info[version]=1.2", "ip_address", `"127.0.0.1"`},
		{"16.0.0", "info[version]=1.2", "version", "null"},
	} {
		srv := play(t, c.version)
		a := ask(t, srv, "", "POST /runners", "token=reg-instance&"+c.body)
		require.Equal(t, 201, a.status, "%v %s", c, a.body)
		assert.Contains(t, ask(t, srv, "t-root", "GET /runners/61").body, `"`+c.field+`":`+c.want, "%v", c)
	}
	for version, status := range map[string]int{"10.6.0": 201, "10.7.0": 400} {
		a := ask(t, play(t, version), "", "POST /runners", "token=reg-instance&maximum_timeout=x")
		assert.Equal(t, status, a.status, version)
	}
	for version, status := range map[string]int{"14.7.0": 201, "14.8.0": 400} {
		for _, name := range []string{"maintenance_note", "maintainer_note"} {
			a := ask(t, play(t, version), "", "POST /runners", "token=reg-instance&"+name+"[]=x")
			assert.Equal(t, status, a.status, "%s %s", name, version)
		}
	}
	assert.Equal(t, []string{"id", "token"}, keysOf(ask(t, play(t, "14.7.0"), "", "POST /runners", "token=reg-instance").object(t)))
	assert.Equal(t, 201, ask(t, play(t, "14.10.0"), "", "POST /runners", "token=reg-instance&tag_list="+tags(51)).status)
	full := with(`"plan_limits":{"ci_registered_project_runners":1}`)
	assert.Equal(t, 201, ask(t, playSeed(t, "13.12.0", full), "", "POST /runners", "token=reg-app").status)
	assert.Equal(t, 400, ask(t, playSeed(t, "14.0.0", full), "", "POST /runners", "token=reg-app").status)
}

func TestDeleteByToken(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	ask(t, srv, "", "DELETE /runners").want(t, 400, `{"error":"token is missing"}`)
	ask(t, srv, "", "DELETE /runners", "token=").want(t, 403, forbidden)
	ask(t, srv, "", "DELETE /runners", "token=nope").want(t, 403, forbidden)
	ask(t, srv, "", "DELETE /runners", "token=glrt-shared-runner-one&system_id=s_1").want(t, 204, "")
	ask(t, srv, "", "DELETE /runners", "token=glrt-shared-runner-one").want(t, 403, forbidden)
	ask(t, srv, "t-root", "GET /runners/1").want(t, 404, noRunner)
}

func TestDeleteManager(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	const call = "DELETE /runners/managers"
	ask(t, srv, "", call).want(t, 400, `{"error":"token is missing, system_id is missing"}`)
	ask(t, srv, "", call, "token=glrt-shared-runner-one").want(t, 400, `{"error":"system_id is missing"}`)
	ask(t, srv, "", call, "token=nope&system_id=s_1").want(t, 403, forbidden)
	ask(t, srv, "", call, "token=glrt-shared-runner-one&system_id=s_9").want(t, 404,
		`{"message":"404 Runner manager not found Not Found"}`)
	ask(t, srv, "", call, "token=glrt-shared-runner-one&system_id=s_1").want(t, 204, "")
	assert.Equal(t, []int{2}, ask(t, srv, "t-root", "GET /runners/1/managers").ids(t))
	assert.NotNil(t, ask(t, srv, "t-root", "GET /runners/1").object(t)["contacted_at"])
	ask(t, srv, "", call, `{"token":"glrt-shared-runner-one","system_id":"r_2"}`).want(t, 204, "")
	assert.Nil(t, ask(t, srv, "t-root", "GET /runners/1").object(t)["contacted_at"], "the last one takes the contact along")
	ask(t, play(t, "15.11.0"), "t-root", call, "token=glrt-shared-runner-one&system_id=s_1").want(t, 400, `{"error":"id is invalid"}`)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	ask(t, srv, "", "POST /runners/verify").want(t, 400, `{"error":"token is missing"}`)
	ask(t, srv, "", "POST /runners/verify", "token=nope").want(t, 403, forbidden)
	ask(t, srv, "", "POST /runners/verify?id=7", `{"token":"glrt-app-runner-six","system_id":"s_6",`+
		`"info":{"version":"19.3.0","executor":"docker"}}`).want(t, 200,
		`{"id":6,"token":"glrt-app-runner-six","token_expires_at":null}`)
	assert.Equal(t, "online", ask(t, srv, "t-root", "GET /runners/6").object(t)["status"])
	ask(t, srv, "", "POST /runners/verify", "token=glrt-app-runner-six&system_id=s_6")
	managers := ask(t, srv, "t-root", "GET /runners/6/managers").list(t)
	require.Len(t, managers, 1, "one manager for each system id")
	assert.Equal(t, []any{"s_6", "19.3.0", "127.0.0.1", "never_contacted"},
		[]any{managers[0]["system_id"], managers[0]["version"], managers[0]["ip_address"], managers[0]["status"]})
	ask(t, srv, "", "POST /runners/verify", "token=glrt-app-runner-six")
	assert.Len(t, ask(t, srv, "t-root", "GET /runners/6/managers").list(t), 2, "<legacy> without a system id")
}

func TestBadSystemID(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for id, want := range map[string]string{
		"":                      `{"message":{"system_xid":["can't be blank"]}}`,
		strings.Repeat("x", 65): `{"message":{"system_xid":["is too long (maximum is 64 characters)"]}}`,
	} {
		for _, call := range []string{"POST /runners/verify", "POST /jobs/request", "POST /runners/reset_authentication_token"} {
			ask(t, srv, "", call, "token=glrt-app-runner-six&system_id="+id).want(t, 400, want)
		}
	}
}

func TestVerifyByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, body string
		contacted     bool
	}{
		{"15.9.0", "200", true},
		{"15.10.0", `{"id":40,"token":"TOKEN","token_expires_at":null}`, false},
		{"17.11.0", `{"id":40,"token":"TOKEN","token_expires_at":null}`, false},
		{"18.0.0", `{"id":40,"token":"TOKEN","token_expires_at":null}`, true},
	} {
		srv := playSeed(t, c.version, strings.Replace(acme, `"id": 40,`, `"id": 40, "token": "glrt-created-by-a-user",`, 1))
		ask(t, srv, "", "POST /runners/verify", "token=glrt-created-by-a-user").want(t, 200,
			strings.Replace(c.body, "TOKEN", "glrt-created-by-a-user", 1))
		contacted := ask(t, srv, "t-root", "GET /runners/40").object(t)["contacted_at"] != nil
		assert.Equal(t, c.contacted, contacted, c.version)
	}
}

func TestOrphansByVersion(t *testing.T) {
	t.Parallel()
	orphan := replace(acme, `"runners": [`, `"runners": [{"id": 71, "runner_type": "project_type", "projects": [], "token": "glrt-without-a-project"},`)
	for version, status := range map[string]int{"17.8.0": 200, "17.9.0": 403, "18.9.0": 403, "19.0.0": 200} {
		a := ask(t, playSeed(t, version, orphan), "", "POST /runners/verify", "token=glrt-without-a-project")
		assert.Equal(t, status, a.status, version)
		if status == 403 {
			assert.Equal(t, `{"message":"403 Forbidden - Runner is orphaned"}`, a.body)
		}
	}
}

// TestContactBeforeManagers verifies where the runner itself keeps what its
// process tells.
func TestContactBeforeManagers(t *testing.T) {
	t.Parallel()
	srv := play(t, "13.10.0")
	ask(t, srv, "", "POST /runners/verify", "token=glrt-app-runner-six&info[version]=13.1&info[architecture]=amd64")
	got := ask(t, srv, "t-root", "GET /runners/6").object(t)
	assert.Equal(t, []any{"13.1", "amd64", "127.0.0.1", "online"},
		[]any{got["version"], got["architecture"], got["ip_address"], got["status"]})
}

func TestResetByToken(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	const call = "POST /runners/reset_authentication_token"
	ask(t, srv, "", call).want(t, 400, `{"error":"token is missing"}`)
	ask(t, srv, "", call, "token=nope").want(t, 403, forbidden)
	a := ask(t, srv, "", call, "token=glrt-app-runner-six")
	require.Equal(t, 201, a.status)
	assert.Equal(t, []string{"token", "token_expires_at"}, keysOf(a.object(t)))
	ask(t, srv, "", call, "token=glrt-app-runner-six").want(t, 403, forbidden)
	managers := ask(t, srv, "t-root", "GET /runners/6/managers").list(t)
	require.Len(t, managers, 1)
	assert.Equal(t, "<legacy>", managers[0]["system_id"])
	assert.Equal(t, "online", ask(t, srv, "t-root", "GET /runners/6").object(t)["status"])
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	calls := []string{
		"POST /runners", "DELETE /runners", "POST /runners/verify", "DELETE /runners/managers",
		"POST /runners/reset_authentication_token", "POST /jobs/request",
	}
	srv := playSeed(t, "", with(`"migration_backoff":true`))
	for _, call := range calls {
		a := ask(t, srv, "", call)
		a.want(t, 429, `{"message":"Executing database migrations. Please retry later."}`)
		assert.Equal(t, "60", a.header.Get("Retry-After"))
	}
	assert.Equal(t, 200, ask(t, srv, "t-root", "GET /runners").status)
	assert.Equal(t, 400, ask(t, playSeed(t, "15.11.0", with(`"migration_backoff":true`)), "", "POST /runners").status)
}

// TestTokenForms makes tokens of all sorts in all versions with a form of
// their own.
func TestTokenForms(t *testing.T) {
	t.Parallel()
	body := `[A-Za-z1-9_-]{16}$`
	for _, c := range []struct{ version, registered, created, group, instance string }{
		{"10.11.0", `^[0-9a-f]{30}$`, "", "", ""},
		{"13.10.0", `^fake` + body, "", "", ""},
		{"14.8.0", `^fake` + body, "", `^fake` + body, `^fake` + body},
		{"14.8.2", `^fake` + body, "", `^GR1348941fake` + body, `^fake` + body},
		{"15.11.0", `^fake` + body, `^glrt-fake` + body, `^GR1348941fake` + body, `^fake` + body},
		{"17.5.0", `^t1_fake` + body, `^glrt-t1_fake` + body, `^GR1348941fake` + body, `^fake` + body},
		{"17.11.0", `^glrtr-fake` + body, `^glrt-t1_fake` + body, `^GR1348941fake` + body, `^fake` + body},
		{"", `^glrtr-fake` + body, `^glrt-t1_fake` + body, `^GR1348941fake` + body, `^fake` + body},
	} {
		srv := play(t, c.version)
		for call, form := range map[string][2]string{
			"POST /runners":      {"token=reg-instance", c.registered},
			"POST /user/runners": {"runner_type=instance_type", c.created},
			"POST /groups/10/runners/reset_registration_token": {"", c.group},
			"POST /runners/reset_registration_token":           {"", c.instance},
		} {
			if form[1] == "" {
				continue
			}
			a := ask(t, play(t, c.version), "t-root", call, form[0])
			require.Equal(t, 201, a.status, "%s %s %s", c.version, call, a.body)
			assert.Regexp(t, regexp.MustCompile(form[1]), a.object(t)["token"], "%s %s", c.version, call)
		}
		if c.created != "" {
			registered, _ := ask(t, srv, "", "POST /runners", "token=reg-instance").object(t)["token"].(string)
			again := ask(t, srv, "", "POST /runners/reset_authentication_token", "token="+registered)
			assert.Regexp(t, regexp.MustCompile(c.registered), again.object(t)["token"], "a reset keeps the kind")
		}
	}
}

func TestOtherTokenForms(t *testing.T) {
	t.Parallel()
	for version, form := range map[string]string{"14.4.0": "^fake.{16}$", "14.5.0": "^glpat-fake.{16}$", "": "^glpat-fake.{16}$"} {
		token := play(t, version).AddToken(runnerstest.AccessToken{User: "root", Scopes: []string{"api"}})
		assert.Regexp(t, form, token.Token, version)
	}
	for version, form := range map[string]string{"15.11.0": "^fake.{16}$", "16.0.0": "^glcbt-fake.{16}$"} {
		a := ask(t, playSeed(t, version, work), "", "POST /jobs/request", "token=glrt-group-runner")
		assert.Regexp(t, form, a.object(t)["token"], version)
	}
}

func TestSecretsRepeat(t *testing.T) {
	t.Parallel()
	token := func(seed uint64) any {
		srv := runnerstest.NewServer(t, &runnerstest.Options{RandSeed: seed, Seed: strings.NewReader(acme)})
		return ask(t, srv, "t-root", "POST /user/runners", "runner_type=instance_type").object(t)["token"]
	}
	assert.Equal(t, token(1), token(1))
	assert.NotEqual(t, token(1), token(2))
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	const call = "GET /runners/router/discovery"
	ask(t, srv, "t-root", call).want(t, 403, forbidden)
	ask(t, srv, "t-root", call+"?token=glrt-app-runner-six").want(t, 403, forbidden)
	good := http.Header{"Runner-Token": {"glrt-app-runner-six"}}
	send(t, srv, good, call).want(t, 501, `{"message":"Job Router is not available. Please contact your administrator."}`)
	send(t, play(t, "18.6.0"), good, call).want(t, 404, `{"error":"404 Not Found"}`)
}
