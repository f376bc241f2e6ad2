package interop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// start is when all servers start; their clocks stand still.
var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is a GitLab with a group, two projects and a runner of each type.
const world = `{
  "revision": "abcdef12345", "registration_token": "GR1348941-fake-instance", "settings": {"runner_token_expiration_interval": 86400},
  "users": [{"id": 1, "username": "root", "admin": true, "tokens": [{"token": "glpat-fake-root"}]},
    {"id": 2, "username": "mia", "name": "Mia", "tokens": [{"token": "glpat-fake-mia", "scopes": ["read_api"]}]}],
  "groups": [{"id": 10, "full_path": "acme", "name": "Acme", "runners_token": "GR1348941-fake-acme"}],
  "projects": [
    {"id": 9, "path_with_namespace": "acme/my.app-2", "name": "App", "runners_token": "GR1348941-fake-app", "members": {"mia": "maintainer"}},
    {"id": 12, "path_with_namespace": "acme/site", "runners_token": "GR1348941-fake-site"}],
  "runners": [
    {"id": 1, "description": "shared", "tag_list": ["docker"], "contacted_at": "-1m", "created_at": "-30d", "token": "glrt-fake-shared-runner"},
    {"id": 6, "description": "test-1", "runner_type": "project_type", "projects": [9], "token": "glrt-fake-project-runner",
     "tag_list": ["ruby", "mysql"], "maximum_timeout": 3600, "maintenance_note": "mind the step", "created_at": "-2d",
     "managers": [{"id": 1, "system_id": "s_89e5e9956577", "version": "16.11.1", "revision": "535ced5f", "platform": "linux",
       "architecture": "amd64", "ip_address": "10.0.0.1", "created_at": "-1d", "contacted_at": "-3h"}],
     "jobs": [
       {"id": 1, "status": "success", "stage": "test", "name": "unit", "ref": "main", "user": "mia", "created_at": "-60m",
        "started_at": "-50m", "finished_at": "-48m", "queued_duration": 5.5, "system_id": "s_89e5e9956577"},
       {"id": 2, "status": "running", "started_at": "-2m"}, {"id": 3, "status": "failed"}]},
    {"id": 40, "description": "acme-wide", "runner_type": "group_type", "groups": [10], "paused": true}]
}`

// play starts a server on a loopback port.
func play(t *testing.T, version string) *runnerstest.Server {
	t.Helper()
	srv, err := runnerstest.Start(&runnerstest.Options{
		Version: version, Seed: strings.NewReader(world), Now: func() time.Time { return start },
	})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}
