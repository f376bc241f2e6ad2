// POST /user/runners.

package runnerstest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-mia", "POST /user/runners", `{"runner_type":"project_type","project_id":9,`+
		`"description":"new","maintenance_note":"n","paused":true,"locked":true,"access_level":"ref_protected",`+
		`"run_untagged":false,"tag_list":["a","b"],"maximum_timeout":3600}`)
	require.Equal(t, 201, a.status, a.body)
	assert.Equal(t, []string{"id", "token", "token_expires_at"}, keysOf(a.object(t)))
	assert.EqualValues(t, 61, a.object(t)["id"])
	assert.Nil(t, a.object(t)["token_expires_at"])
	assert.Regexp(t, "^glrt-t3_fake", a.object(t)["token"])
	got := ask(t, srv, "t-mia", "GET /runners/61").object(t)
	for name, want := range map[string]any{
		"description": "new", "maintenance_note": "n", "paused": true, "locked": true,
		"access_level": "ref_protected", "run_untagged": false, "tag_list": []any{"a", "b"},
		"maximum_timeout": 3600.0, "status": "never_contacted", "contacted_at": nil, "runner_type": "project_type",
	} {
		assert.Equal(t, want, got[name], name)
	}
	creator, _ := got["created_by"].(map[string]any)
	assert.Equal(t, "mia", creator["username"])
	assert.Equal(t, "[]", ask(t, srv, "t-mia", "GET /runners/61/managers").body)
	assert.Contains(t, ask(t, srv, "t-mia", "GET /runners").ids(t), 61)
}

// TestCreateDropsBlanks gives parameters that count as not given.
func TestCreateDropsBlanks(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-root", "POST /user/runners", `{"runner_type":"instance_type","description":"","tag_list":[],`+
		`"maximum_timeout":"","maintenance_note":" ","run_untagged":null,"group_id":null}`)
	require.Equal(t, 201, a.status, a.body)
	got := ask(t, srv, "t-root", "GET /runners/61").object(t)
	assert.Nil(t, got["maximum_timeout"])
	assert.Nil(t, got["maintenance_note"])
	assert.Equal(t, true, got["run_untagged"])
	assert.Equal(t, false, got["locked"])
}

func TestWhoMayCreate(t *testing.T) {
	t.Parallel()
	const insufficient = `{"message":"403 Forbidden - Insufficient permissions"}`
	for _, c := range []struct {
		token, body string
		want        string // empty = created
	}{
		{"t-root", "runner_type=instance_type", ""},
		{"t-olga", "runner_type=instance_type", insufficient},
		{"t-audrey", "runner_type=instance_type", insufficient},
		{"t-root", "runner_type=group_type&group_id=10", ""},
		{"t-olga", "runner_type=group_type&group_id=10", ""},
		{"t-olga", "runner_type=group_type&group_id=11", ""},
		{"t-gil", "runner_type=group_type&group_id=10", insufficient},
		{"t-sam", "runner_type=group_type&group_id=20", insufficient},
		{"t-mia", "runner_type=project_type&project_id=9", ""},
		{"t-gil", "runner_type=project_type&project_id=9", ""},
		{"t-dev", "runner_type=project_type&project_id=9", insufficient},
		{"t-sam", "runner_type=project_type&project_id=9", insufficient},
		{"t-sam", "runner_type=project_type&project_id=50", ""},
	} {
		a := ask(t, play(t, ""), c.token, "POST /user/runners", c.body)
		if c.want == "" {
			assert.Equal(t, 201, a.status, "%v %s", c, a.body)
			continue
		}
		a.want(t, 403, c.want)
	}
}

func TestRegistrarsBindCreating(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"settings":{"valid_runner_registrars":["group"]}`))
	assert.Equal(t, 403, ask(t, srv, "t-mia", "POST /user/runners", "runner_type=project_type&project_id=9").status)
	assert.Equal(t, 201, ask(t, srv, "t-root", "POST /user/runners", "runner_type=project_type&project_id=9").status)
	assert.Equal(t, 201, ask(t, srv, "t-olga", "POST /user/runners", "runner_type=group_type&group_id=10").status)
}

func TestDisabledTokensDoNotBindCreating(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"allow_runner_registration_token":false`))
	assert.Equal(t, 201, ask(t, srv, "t-root", "POST /user/runners", "runner_type=instance_type").status)
}

func TestCreateFaults(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"plan_limits":{"ci_registered_project_runners":3,"ci_registered_group_runners":1}`))
	const bad = `{"message":"400 Bad request - `
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{"", 400, `{"error":"runner_type is missing, runner_type does not have a valid value"}`},
		{"runner_type=x", 400, `{"error":"runner_type does not have a valid value"}`},
		{`{"runner_type":null}`, 400, `{"error":"runner_type does not have a valid value"}`},
		{"runner_type=group_type", 400, `{"error":"group_id is missing"}`},
		{"runner_type=project_type", 400, `{"error":"project_id is missing"}`},
		{"runner_type=group_type&access_level=x", 400, `{"error":"group_id is missing, access_level does not have a valid value"}`},
		{"runner_type=project_type&paused=x", 400, `{"error":"project_id is missing, paused is invalid"}`},
		{"runner_type=x&access_level=x", 400, `{"error":"runner_type does not have a valid value, access_level does not have a valid value"}`},
		{`{"runner_type":"group_type","group_id":null}`, 400, bad + `Missing/invalid group"}`},
		{
			"runner_type=group_type&group_id=10&project_id=9", 501,
			`{"message":"501 Not Implemented - project_id together with runner_type group_type is not played."}`,
		},
		{"runner_type=project_type&project_id=acme/app", 400, `{"error":"project_id is invalid"}`},
		{"runner_type=group_type&group_id=99", 400, bad + `Missing/invalid group"}`},
		{"runner_type=project_type&project_id=99", 400, bad + `Missing/invalid project"}`},
		{
			"runner_type=instance_type&group_id=10", 501,
			`{"message":"501 Not Implemented - group_id together with runner_type instance_type is not played."}`,
		},
		{
			"runner_type=instance_type&run_untagged=false", 400,
			bad + `Tags list can not be empty when runner is not allowed to pick untagged jobs"}`,
		},
		{
			"runner_type=instance_type&run_untagged=false&maximum_timeout=1", 400,
			bad + `Maximum timeout needs to be at least 10 minutes and Tags list can not be empty when runner is not allowed to pick untagged jobs"}`,
		},
		{
			"runner_type=instance_type&run_untagged=false&maximum_timeout=1&description=" + strings.Repeat("x", 1025), 400,
			bad + `Maximum timeout needs to be at least 10 minutes, Description is too long (maximum is 1024 characters), ` +
				`and Tags list can not be empty when runner is not allowed to pick untagged jobs"}`,
		},
		{
			"runner_type=instance_type&tag_list=" + tags(51), 400,
			bad + `Tags list Too many tags specified. Please limit the number of tags to 50"}`,
		},
		{
			"runner_type=project_type&project_id=9", 400,
			bad + `Runner projects base Maximum number of ci registered project runners (3) exceeded"}`,
		},
		{
			"runner_type=group_type&group_id=11", 400,
			bad + `Runner namespaces base Maximum number of ci registered group runners (1) exceeded"}`,
		},
		{"runner_type=group_type&group_id=10", 201, ""},
	} {
		a := ask(t, srv, "t-root", "POST /user/runners", c.body)
		require.Equal(t, c.status, a.status, a.body)
		if c.want != "" {
			assert.Equal(t, c.want, a.body)
		}
	}
}

func TestChosenLife(t *testing.T) {
	t.Parallel()
	const bad = `{"message":"400 Bad request - `
	now := time.Date(2024, 10, 17, 8, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	const day = 24 * time.Hour
	for _, c := range []struct {
		name, plan, version, expires, deadline string
		want                                   string
	}{
		{"both", "premium", "", at(day), at(day), at(day)},
		{"no deadline", "ultimate", "", at(5 * time.Minute), "", at(5 * time.Minute)},
		{"the latest", "premium", "", at(10 * day), "", at(10 * day)},
		{"free", "free", "", at(time.Minute), at(day), "null"},
		{"old", "premium", "18.9.0", at(time.Minute), at(day), "null"},
		{"too soon", "premium", "", at(4 * time.Minute), "", bad + `token_expires_at must be at least 5 minutes in the future"}`},
		{"too late", "premium", "", at(16 * day), "", bad + `token_expires_at is too far in the future (maximum is ` + at(15*day) + `)"}`},
		{"deadline alone", "premium", "", "", at(day), bad + `token_expires_at is required when token_rotation_deadline is specified"}`},
		{"deadline too late", "premium", "", at(day), at(2 * day), bad + `token_rotation_deadline must be less than or equal to token_expires_at"}`},
		{"deadline past", "premium", "", at(day), at(-time.Minute), bad + `token_rotation_deadline cannot be in the past"}`},
		{"no time", "premium", "", "soon", "", `{"error":"token_expires_at is invalid"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := runnerstest.NewServer(t, &runnerstest.Options{
				Version: c.version, Now: func() time.Time { return now }, Lenient: true,
				Seed: strings.NewReader(with(`"license_plan":"` + c.plan + `"`)),
			})
			body := "runner_type=instance_type"
			if c.expires != "" {
				body += "&token_expires_at=" + c.expires
			}
			if c.deadline != "" {
				body += "&token_rotation_deadline=" + c.deadline
			}
			a := ask(t, srv, "t-root", "POST /user/runners", body)
			if strings.HasPrefix(c.want, "{") {
				a.want(t, 400, c.want)
				return
			}
			require.Equal(t, 201, a.status, a.body)
			want := any(nil)
			if c.want != "null" {
				want = strings.TrimSuffix(c.want, "Z") + ".000Z"
			}
			assert.Equal(t, want, a.object(t)["token_expires_at"])
		})
	}
}

func TestChosenLifeWithinTheSetting(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"license_plan":"premium","settings":{"runner_token_expiration_interval":3600}`))
	late := srv.Now().Add(2 * time.Hour).Format(time.RFC3339)
	a := ask(t, srv, "t-root", "POST /user/runners", "runner_type=instance_type&token_expires_at="+late)
	assert.Equal(t, 400, a.status)
	assert.Contains(t, a.body, "too far in the future")
}
