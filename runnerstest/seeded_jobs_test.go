// Jobs of a seed: each field that they have is seen from outside.

package runnerstest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const jobsSeed = `{
  "users": [{"id": 1, "username": "root", "admin": true, "tokens": [{"token": "t-root"}]}],
  "groups": [{"id": 1, "full_path": "acme"}],
  "projects": [{"id": 1, "path_with_namespace": "acme/app", "jobs": [{"id": 8, "ref": "v1.0", "tag": true}]}],
  "runners": [{"projects": [1], "token": "glrt-the-only-runner", "managers": [{"system_id": "s_1"}], "jobs": [{
    "id": 7, "status": "failed", "stage": "build", "name": "lint", "ref": "v0.9", "tag": true, "pipeline_id": 4,
    "user": "root", "system_id": "s_1", "web_url": "https://elsewhere.test/7", "coverage": 91.5, "allow_failure": true,
    "failure_reason": "stuck_or_timeout_failure", "created_at": "2024-10-17T08:00:00Z",
    "started_at": "2024-10-17T08:01:00Z", "finished_at": "2024-10-17T08:03:00Z", "duration": 119.5, "queued_duration": 3
  }]}]
}`

func TestSeededJobIsShown(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", jobsSeed)
	got := ask(t, srv, "t-root", "GET /runners/1/jobs?system_id=s_1").list(t)
	require.Len(t, got, 1)
	for name, want := range map[string]any{
		"id": 7.0, "status": "failed", "stage": "build", "name": "lint", "ref": "v0.9", "tag": true,
		"web_url": "https://elsewhere.test/7", "coverage": 91.5, "allow_failure": true,
		"failure_reason": "stuck_or_timeout_failure", "created_at": "2024-10-17T08:00:00.000Z",
		"started_at": "2024-10-17T08:01:00.000Z", "finished_at": "2024-10-17T08:03:00.000Z",
		"duration": 119.5, "queued_duration": 3.0, "erased_at": nil,
	} {
		assert.Equal(t, want, got[0][name], name)
	}
	assert.Equal(t, "root", member(t, got[0], "user")["username"])
	assert.EqualValues(t, 4, member(t, got[0], "pipeline")["id"])
}

// TestJobOfATag hands out a job whose ref is a tag.
func TestJobOfATag(t *testing.T) {
	t.Parallel()
	a := ask(t, playSeed(t, "", jobsSeed), "", "POST /jobs/request", "token=glrt-the-only-runner")
	require.Equal(t, 201, a.status, a.body)
	var work struct {
		GitInfo struct {
			Ref     string
			RefType string `json:"ref_type"`
		} `json:"git_info"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &work))
	assert.Equal(t, []string{"v1.0", "tag"}, []string{work.GitInfo.Ref, work.GitInfo.RefType})
}
