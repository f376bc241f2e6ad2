// Contacts: what each call of a runner process leaves on its runner and
// manager, and when its queue value changes.

package runnerstest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// TestContacts makes each call on a runner that was never heard of.
func TestContacts(t *testing.T) {
	t.Parallel()
	const body = "token=glrt-all-alone-here&system_id=s_1"
	for _, c := range []struct {
		call, body string
		contacted  bool
		managers   string // with their statuses
	}{
		{"POST /runners", "token=reg", false, ""},
		{"POST /runners/verify", body, true, "s_1 never_contacted"},
		{"POST /jobs/request", body, true, "s_1 online"},
		{"POST /runners/reset_authentication_token", body, true, "s_1 never_contacted"},
		{"POST /runners/reset_authentication_token", "token=glrt-all-alone-here", true, "<legacy> never_contacted"},
		{"GET /runners/router/discovery", "", false, ""},
		{"GET /runners/1", "", false, ""},
	} {
		srv := playSeed(t, "", replace(alone(""), "{", `{"registration_token":"reg",`))
		header := http.Header{"Runner-Token": {"glrt-all-alone-here"}, "Private-Token": {"t-root"}}
		send(t, srv, header, c.call, c.body)
		contacted := ask(t, srv, "t-root", "GET /runners/1").object(t)["contacted_at"] != nil
		assert.Equal(t, c.contacted, contacted, c.call)
		managers := ""
		for _, m := range ask(t, srv, "t-root", "GET /runners/1/managers").list(t) {
			id, _ := m["system_id"].(string)
			status, _ := m["status"].(string)
			managers += id + " " + status
		}
		assert.Equal(t, c.managers, managers, c.call)
	}
}

// TestManagerRemovalIsNoContact removes one of two managers.
func TestManagerRemovalIsNoContact(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	before := ask(t, srv, "t-root", "GET /runners/1").object(t)["contacted_at"]
	ask(t, srv, "", "DELETE /runners/managers", "token=glrt-shared-runner-one&system_id=r_2").want(t, 204, "")
	assert.Equal(t, before, ask(t, srv, "t-root", "GET /runners/1").object(t)["contacted_at"])
}

// TestInfoStays contacts with what the process tells of itself, then without.
func TestInfoStays(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	const call, token = "POST /jobs/request", `{"token":"glrt-app-runner-six","system_id":"s_6"`
	ask(t, srv, "", call, token+`,"info":{"version":"17.5.0","platform":"linux"}}`)
	for _, without := range []string{token + "}", token + `,"info":{}}`, token + `,"info":null}`} {
		require.Equal(t, 204, ask(t, srv, "", call, without).status)
		m := ask(t, srv, "t-root", "GET /runners/6/managers").list(t)[0]
		assert.Equal(t, []any{"17.5.0", "linux", "127.0.0.1"}, []any{m["version"], m["platform"], m["ip_address"]})
	}
	ask(t, srv, "", call, token+`,"info":{"version":"17.6.0"}}`)
	assert.Equal(t, "17.6.0", ask(t, srv, "t-root", "GET /runners/6").object(t)["version"])
}

// TestPausedRunnerIsHeard asks for work and verifies while paused.
func TestPausedRunnerIsHeard(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"POST /runners/verify", "POST /jobs/request"} {
		srv := playSeed(t, "", alone(`"paused":true`))
		a := ask(t, srv, "", call, "token=glrt-all-alone-here")
		assert.Contains(t, []int{200, 204}, a.status, call)
		got := ask(t, srv, "t-root", "GET /runners/1").object(t)
		assert.Equal(t, []any{"paused", true}, []any{got["status"], got["online"]})
	}
}

// TestResetKeeps resets a token whose end somebody chose.
func TestResetKeeps(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", alone(`"token_expires_at":"+1h","managers":[{"id":7,"system_id":"s_7"}]`))
	a := ask(t, srv, "", "POST /runners/reset_authentication_token", "token=glrt-all-alone-here&system_id=s_7")
	require.Equal(t, 201, a.status)
	assert.Nil(t, a.object(t)["token_expires_at"], "the end is reckoned anew")
	token, _ := a.object(t)["token"].(string)
	assert.Equal(t, 1.0, ask(t, srv, "", "POST /runners/verify", "token="+token+"&system_id=s_7").object(t)["id"])
	assert.Equal(t, []int{7}, ask(t, srv, "t-root", "GET /runners/1/managers").ids(t))
}

// TestChangesMoveUpdatedAt changes runners, and deletes them unless changed
// since before.
func TestChangesMoveUpdatedAt(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	before := srv.Now().Add(time.Minute)
	srv.Advance(time.Hour)
	ask(t, srv, "t-root", "PUT /runners/6", "description=x")
	ask(t, srv, "t-root", "POST /runners/8/reset_authentication_token")
	header := http.Header{"Private-Token": {"t-root"}, "If-Unmodified-Since": {before.Format(http.TimeFormat)}}
	send(t, srv, header, "DELETE /runners/6").want(t, 412, `{"message":"412 Precondition Failed"}`)
	send(t, srv, header, "DELETE /runners/8").want(t, 412, `{"message":"412 Precondition Failed"}`)
	send(t, srv, header, "DELETE /runners/7").want(t, 204, "")
}

// TestNewJobWakesRunners adds a job while runners know that there is none.
func TestNewJobWakesRunners(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	request := func(token, last string) answer {
		return ask(t, srv, "", "POST /jobs/request", "token="+token+"&last_update="+last)
	}
	const app, shared = "glrt-app-runner-six", "glrt-shared-runner-one"
	appValue := request(app, "").header.Get("X-Gitlab-Last-Update")
	sharedValue := request(shared, "").header.Get("X-Gitlab-Last-Update")
	srv.AddJob(runnerstest.Job{ID: 77, ProjectID: 9, TagList: []string{"ruby"}})
	assert.Equal(t, 204, request(shared, sharedValue).status, "it has not the tag")
	assert.Equal(t, sharedValue, request(shared, "").header.Get("X-Gitlab-Last-Update"))
	got := request(app, appValue)
	require.Equal(t, 201, got.status, got.body)
	assert.Equal(t, 77.0, got.object(t)["id"])

	current := request(app, "").header.Get("X-Gitlab-Last-Update")
	srv.AddJob(runnerstest.Job{ID: 78, ProjectID: 9, Status: "created"})
	assert.Equal(t, current, request(app, current).header.Get("X-Gitlab-Last-Update"), "nothing waits")

	srv.AddProject(runnerstest.Project{Path: "acme/new", Jobs: []runnerstest.Job{{ID: 79}}})
	got = request(shared, sharedValue)
	require.Equal(t, 201, got.status, "a new project may bring jobs")
	assert.Equal(t, 79.0, got.object(t)["id"])
}

// TestKnownValueIsNotSearched shows the value that is current while a job
// waits: GitLab does not look for one.
func TestKnownValueIsNotSearched(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", replace(work, `{"id":6,`, `{"id":6,"queue_value":"0123","queue_value_at":"-1m",`))
	a := ask(t, srv, "", "POST /jobs/request", "token=glrt-group-runner&last_update=0123")
	a.want(t, 204, "")
	assert.Equal(t, "0123", a.header.Get("X-Gitlab-Last-Update"))
	assert.Equal(t, 201, ask(t, srv, "", "POST /jobs/request", "token=glrt-group-runner&last_update=4567").status)
}
