package runnerstest_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/seed-832548de/runners/runnerstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everySeed says something of each field, and nothing of it is a default.
const everySeed = `{
  "gitlab_version": "16.11.0", "revision": "abc", "registration_token": "reg", "allow_runner_registration_token": false,
  "settings": {"admin_mode": true, "valid_runner_registrars": [], "runner_token_expiration_interval": 1,
    "group_runner_token_expiration_interval": 2, "project_runner_token_expiration_interval": 3},
  "plan_limits": {"ci_registered_project_runners": 4, "ci_registered_group_runners": 0},
  "license_plan": "ultimate", "migration_backoff": true,
  "users": [{"id": 1, "username": "mia", "name": "Mia", "admin": true, "auditor": true, "state": "blocked",
    "tokens": [{"token": "t", "name": "n", "kind": "oauth", "scopes": ["sudo"], "expires_at": "+24h", "revoked": true}]}],
  "groups": [{"id": 1, "full_path": "a", "path": "a", "name": "A", "visibility": "public", "runners_token": "g",
    "allow_runner_registration_token": false, "shared_runners_enabled": false, "members": {"mia": "owner"},
    "runner_token_expiration_interval": 5, "subgroup_runner_token_expiration_interval": 6,
    "project_runner_token_expiration_interval": 7},
    {"id": 2, "full_path": "a/b", "path": "b", "name": "B", "parent_id": 1, "visibility": "private", "runners_token": "g2"}],
  "projects": [{"id": 1, "path_with_namespace": "a/p", "path": "p", "name": "P", "visibility": "internal", "runners_token": "p",
    "shared_runners_enabled": false, "group_runners_enabled": false, "members": {"mia": "guest"},
    "runner_token_expiration_interval": 8, "created_at": "-216h", "old_paths": ["b/p"], "jobs": [{"id": 5, "status": "manual"}]},
    {"id": 2, "path_with_namespace": "mia/q", "runners_token": "q"}],
  "runners": [{"id": 1, "runner_type": "project_type", "description": "d", "name": "n", "token": "glrt-t", "registered": true,
    "token_expires_at": "+48h", "token_rotation_deadline": "+24h", "tag_list": ["z", "a"], "paused": true, "locked": true,
    "run_untagged": false, "access_level": "ref_protected", "maximum_timeout": 600, "maintenance_note": "",
    "created_at": "-192h", "updated_at": "-168h", "created_by": "mia", "contacted_at": "-144h", "creation_finished": false,
    "ip_address": "1", "version": "2", "revision": "3", "platform": "4", "architecture": "5",
    "projects": [2, 1], "assigned_at": ["-120h", "-96h"],
    "managers": [{"id": 3, "system_id": "s", "version": "2", "revision": "3", "platform": "4", "architecture": "5",
      "ip_address": "1", "executor": "shell", "created_at": "-72h", "contacted_at": "-48h", "updated_at": "-24h",
      "creation_finished": false}],
    "jobs": [{"id": 9, "status": "failed", "stage": "s", "name": "n", "ref": "r", "tag": true, "tag_list": ["z"],
      "project_id": 1, "system_id": "s", "pipeline_id": 4, "user": "mia", "web_url": "http://x", "coverage": 0.5,
      "allow_failure": true, "failure_reason": "f", "created_at": "-4h", "started_at": "-3h", "finished_at": "-2h",
      "duration": 1.5, "queued_duration": 2, "token": "j", "trace_size": 11}],
    "queue_value": "v", "queue_value_at": "-1h"}, {"id": 2, "groups": [2], "token": "t2", "contacted_at": "-1h"}],
  "last_ids": {"users": 11, "groups": 12, "projects": 13, "runners": 14, "managers": 15, "jobs": 16}
}`

// TestEverySeed holds everySeed to its name.
func TestEverySeed(t *testing.T) {
	t.Parallel()
	var state runnerstest.State
	require.NoError(t, json.Unmarshal([]byte(everySeed), &state))
	r, j := state.Runners[0], state.Runners[0].Jobs[0]
	r.Groups = state.Runners[1].Groups
	g := state.Groups[0]
	g.ParentID = state.Groups[1].ParentID
	for _, spec := range []any{
		state, state.Settings, state.PlanLimits, state.LastIDs, state.Users[0], state.Users[0].Tokens[0],
		g, state.Projects[0], r, r.Managers[0], j,
	} {
		v := reflect.ValueOf(spec)
		for field, value := range v.Fields() {
			if field.Tag.Get("json") != "-" {
				assert.False(t, value.IsZero(), "%T.%s", spec, field.Name)
			}
		}
	}
}

// TestSnapshotLosesNothing compares JSON trees: what the seed says, with its
// offsets counted, is what the snapshot says.
func TestSnapshotLosesNothing(t *testing.T) {
	t.Parallel()
	var said, kept any
	require.NoError(t, json.Unmarshal([]byte(everySeed), &said))
	require.NoError(t, json.Unmarshal([]byte(marshalled(t, snapshot(t, everySeed))), &kept))
	assertWithin(t, "", said, kept)
}

// assertWithin checks that all that said says, kept says too.
func assertWithin(t *testing.T, path string, said, kept any) {
	t.Helper()
	switch said := said.(type) {
	case map[string]any:
		object, _ := kept.(map[string]any)
		for name, value := range said {
			assertWithin(t, path+"."+name, value, object[name])
		}
	case []any:
		array, _ := kept.([]any)
		if !assert.Len(t, array, len(said), path) {
			return
		}
		for i, value := range said {
			assertWithin(t, path+"[]", value, array[i])
		}
	case string:
		if d, err := time.ParseDuration(said); err == nil {
			said = start.Add(d).Format("2006-01-02T15:04:05.000Z")
		}
		assert.Equal(t, said, kept, path)
	default:
		assert.Equal(t, said, kept, path)
	}
}

func TestSnapshotRestoreSnapshot(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string]string{
		"empty": `{}`, "documented": documentedSeed, "every field": everySeed,
		"an orphan":      `{"runners": [{"runner_type": "project_type", "projects": []}]}`,
		"contact denied": `{"runners": [{"contacted_at": null, "managers": [{"system_id": "a", "contacted_at": "-2h"}]}]}`,
		"no parent":      `{"groups": [{"full_path": "a/b"}, {"full_path": "c"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := marshalled(t, snapshot(t, seed))
			var state runnerstest.State
			require.NoError(t, json.Unmarshal([]byte(first), &state))

			other, err := seeded(t, `{"gitlab_version": "10.0.0", "users": [{"username": "eve"}]}`)
			require.NoError(t, err)
			other.Advance(time.Hour)
			require.NoError(t, other.Restore(state))
			assert.Equal(t, first, marshalled(t, other.Snapshot()))
		})
	}
}

// The real clock has more digits than a snapshot in JSON.
func TestSnapshotAtAnyTime(t *testing.T) {
	t.Parallel()
	srv, err := runnerstest.Start(nil)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	srv.AddRunner(runnerstest.Runner{Managers: []runnerstest.Manager{{SystemID: "s", ContactedAt: runnerstest.Ago(1)}}})
	first := srv.Snapshot()
	require.NoError(t, srv.Restore(first))
	assert.Equal(t, first, srv.Snapshot(), "values keep all digits")
	var state runnerstest.State
	require.NoError(t, json.Unmarshal([]byte(marshalled(t, first)), &state))
	require.NoError(t, srv.Restore(state))
	assert.Equal(t, marshalled(t, first), marshalled(t, srv.Snapshot()))
}

func TestRestoreFailureChangesNothing(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, documentedSeed)
	require.NoError(t, err)
	state := srv.Snapshot()
	err = srv.Restore(runnerstest.State{Runners: []runnerstest.Runner{{}, {Projects: []int64{9}}}})
	require.EqualError(t, err, "runners[1].projects[0]: no project 9")
	assert.Equal(t, state, srv.Snapshot())
}

// A state is a value: neither the server nor its caller sees the other's
// later changes.
func TestSnapshotIsACopy(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, everySeed)
	require.NoError(t, err)
	want := marshalled(t, srv.Snapshot())
	spoil := func(state runnerstest.State) {
		*state.AllowRegistrationToken = true
		*state.Settings.RunnerTokenExpirationInterval = 99
		state.Users[0].Tokens[0].Scopes[0] = "api"
		state.Groups[0].Members["mia"] = runnerstest.Guest
		*state.Groups[0].AllowRegistrationToken = true
		state.Runners[0].TagList[0] = "spoilt"
		*state.Runners[0].MaximumTimeout = 999
		*state.Runners[0].MaintenanceNote = "spoilt"
		state.Runners[0].Projects[0] = 1
		state.Runners[0].Jobs[0].TagList[0] = "spoilt"
		*state.Runners[0].Jobs[0].Coverage = 99
	}
	spoil(srv.Snapshot())
	assert.Equal(t, want, marshalled(t, srv.Snapshot()))

	state := srv.Snapshot()
	require.NoError(t, srv.Restore(state))
	spoil(state)
	assert.Equal(t, want, marshalled(t, srv.Snapshot()))
}

// Restoring numbers what has no id, and leaves the caller's state alone.
func TestRestoreLeavesItsArgument(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, `{}`)
	require.NoError(t, err)
	state := runnerstest.State{Groups: []runnerstest.Group{{Path: "a"}}, Runners: []runnerstest.Runner{{}}}
	require.NoError(t, srv.Restore(state))
	assert.Zero(t, state.Groups[0].ID)
	assert.Zero(t, state.Runners[0].ID)
	assert.Equal(t, int64(1), srv.Snapshot().Groups[0].ID)
}

// Ids that were given out are not given again.
func TestLastIDs(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, everySeed)
	require.NoError(t, err)
	assert.Equal(t, int64(12), srv.AddUser(runnerstest.User{Username: "zoe"}).ID)
	assert.Equal(t, int64(15), srv.AddRunner(runnerstest.Runner{}).ID)
	assert.Equal(t, runnerstest.LastIDs{Groups: 12, Projects: 13, Managers: 15, Jobs: 16}, srv.Snapshot().LastIDs)
}
