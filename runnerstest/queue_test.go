// POST /jobs/request and PUT /jobs/{id}: an idle runner, and one with work.

package runnerstest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const work = `{
  "users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],
  "groups":[{"id":1,"full_path":"g"}],
  "projects":[
    {"id":1,"path_with_namespace":"g/p","jobs":[
      {"id":1,"tag_list":["docker"]},{"id":2,"ref":"feature"},{"id":3,"status":"created"}]},
    {"id":2,"path_with_namespace":"g/q","shared_runners_enabled":false,"group_runners_enabled":false,
     "jobs":[{"id":4}]}],
  "runners":[
    {"id":1,"token":"glrt-instance-runner","tag_list":["docker"]},
    {"id":2,"token":"glrt-tagged-runner","tag_list":["docker","x"],"run_untagged":false},
    {"id":3,"token":"glrt-paused-runner","tag_list":["docker"],"paused":true},
    {"id":4,"token":"glrt-protected-runner","access_level":"ref_protected"},
    {"id":5,"token":"glrt-project-runner","runner_type":"project_type","projects":[2]},
    {"id":6,"token":"glrt-group-runner","runner_type":"group_type","groups":[1]}]}`

func TestIdle(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	const call = "POST /jobs/request"
	ask(t, srv, "", call).want(t, 400, `{"error":"token is missing"}`)
	ask(t, srv, "", call, "token=nope").want(t, 403, forbidden)
	a := ask(t, srv, "", call, `{"token":"glrt-app-runner-six","system_id":"s_6","info":{"version":"17.5.0",`+
		`"revision":"r","platform":"linux","architecture":"amd64","executor":"docker"}}`)
	a.want(t, 204, "")
	value := a.header.Get("X-Gitlab-Last-Update")
	assert.Regexp(t, `^[0-9a-f]{32}$`, value)
	for _, last := range []string{"", "stale", value} {
		again := ask(t, srv, "", call, "token=glrt-app-runner-six&system_id=s_6&last_update="+last)
		assert.Equal(t, value, again.header.Get("X-Gitlab-Last-Update"))
	}
	got := ask(t, srv, "t-root", "GET /runners/6").object(t)
	assert.Equal(t, []any{"online", "17.5.0", "r", "linux", "amd64"},
		[]any{got["status"], got["version"], got["revision"], got["platform"], got["architecture"]})
	managers := ask(t, srv, "t-root", "GET /runners/6/managers").list(t)
	require.Len(t, managers, 1)
	assert.Equal(t, "online", managers[0]["status"])
}

func TestQueueValueChanges(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	value := func() string {
		return ask(t, srv, "", "POST /jobs/request", "token=glrt-app-runner-six").header.Get("X-Gitlab-Last-Update")
	}
	first := value()
	ask(t, srv, "t-root", "PUT /runners/6", "paused=true")
	second := value()
	assert.NotEqual(t, first, second, "an update wakes the runner")
	assert.Equal(t, second, value())
	srv.Advance(time.Hour)
	assert.NotEqual(t, second, value(), "a value lives for an hour")
}

func TestWork(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]any{
		"glrt-instance-runner":  1.0,
		"glrt-tagged-runner":    1.0,
		"glrt-paused-runner":    nil,
		"glrt-protected-runner": nil,
		"glrt-project-runner":   4.0,
		"glrt-group-runner":     2.0,
	} {
		a := ask(t, playSeed(t, "", work), "", "POST /jobs/request", "token="+token)
		if want == nil {
			a.want(t, 204, "")
			continue
		}
		require.Equal(t, 201, a.status)
		assert.NotContains(t, a.header, "X-Gitlab-Last-Update")
		assert.Equal(t, want, a.object(t)["id"], token)
	}
}

func TestCancelingIsIdle(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{"running": "active", "canceling": "idle", "pending": "idle"} {
		srv := playSeed(t, "", replace(acme, `{"id": 5, "status": "running"`, `{"id": 5, "status": "`+status+`"`))
		assert.Equal(t, want, ask(t, srv, "t-root", "GET /runners/7").object(t)["job_execution_status"], status)
	}
}

func TestWorkIsDone(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", work)
	a := ask(t, srv, "", "POST /jobs/request", "token=glrt-group-runner&system_id=s_1")
	require.Equal(t, 201, a.status)
	token, _ := a.object(t)["token"].(string)
	assert.Regexp(t, "^glcbt-fake", token)
	running := ask(t, srv, "t-root", "GET /runners/6/jobs?system_id=s_1&status=running")
	assert.Equal(t, []int{2}, running.ids(t))
	assert.Equal(t, "active", ask(t, srv, "t-root", "GET /runners/6").object(t)["job_execution_status"])

	ask(t, srv, "", "PUT /jobs/2", "token=wrong&state=success").want(t, 403, forbidden)
	ask(t, srv, "", "PUT /jobs/99", "token="+token+"&state=success").want(t, 403, forbidden)
	ask(t, srv, "", "PUT /jobs/2").want(t, 400, `{"error":"token is missing"}`)
	ask(t, srv, "", "PUT /jobs/2", "token="+token+"&state=running").want(t, 200, "200")
	ask(t, srv, "", "PUT /jobs/2", "token="+token+"&state=failed&failure_reason=runner_system_failure").want(t, 200, "200")
	ask(t, srv, "", "PUT /jobs/2", "token="+token+"&state=success").want(t, 403, `{"message":"403 Forbidden - Job is not processing on runner"}`)
	got := ask(t, srv, "t-root", "GET /runners/6/jobs").list(t)[0]
	assert.Equal(t, []any{"failed", "runner_system_failure"}, []any{got["status"], got["failure_reason"]})
	assert.Equal(t, 204, ask(t, srv, "", "POST /jobs/request", "token=glrt-group-runner").status, "one job only")
}
