// The world that most tests play in, and how they ask it.

package runnerstest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// acme is a company with two groups, three projects and a runner of each sort.
// Each user's token is the user's name with a "t-" before it.
const acme = `{
  "registration_token": "reg-instance",
  "users": [
    {"id": 1, "username": "root", "name": "Root", "admin": true, "tokens": [
      {"token": "t-root", "scopes": ["api"]},
      {"token": "t-root-read", "scopes": ["read_api"]},
      {"token": "t-root-manage", "scopes": ["manage_runner"]},
      {"token": "t-root-create", "scopes": ["create_runner"]},
      {"token": "t-root-user", "scopes": ["read_user"]},
      {"token": "t-root-mode", "scopes": ["api", "admin_mode"]},
      {"token": "t-oauth", "kind": "oauth"},
      {"token": "t-expired", "expires_at": "-1d"},
      {"token": "t-ending", "expires_at": "+1h"},
      {"token": "t-revoked", "revoked": true}]},
    {"id": 2, "username": "audrey", "auditor": true, "tokens": [{"token": "t-audrey"}]},
    {"id": 3, "username": "olga", "name": "Olga", "tokens": [{"token": "t-olga"}]},
    {"id": 4, "username": "gil", "tokens": [{"token": "t-gil"}]},
    {"id": 5, "username": "mia", "name": "Mia", "tokens": [
      {"token": "t-mia"}, {"token": "t-mia-manage", "scopes": ["manage_runner"]}]},
    {"id": 6, "username": "dev", "tokens": [{"token": "t-dev"}]},
    {"id": 7, "username": "sam", "tokens": [{"token": "t-sam"}]},
    {"id": 8, "username": "bob", "state": "blocked", "tokens": [{"token": "t-bob"}]},
    {"id": 9, "username": "cli", "tokens": [{"token": "t-cli"}]},
    {"id": 10, "username": "gus", "tokens": [{"token": "t-gus"}]}
  ],
  "groups": [
    {"id": 10, "full_path": "acme", "name": "Acme", "runners_token": "reg-acme",
     "members": {"olga": "owner", "gil": "maintainer"}},
    {"id": 11, "full_path": "acme/tools", "name": "Tools", "runners_token": "reg-tools"},
    {"id": 20, "full_path": "other", "runners_token": "reg-other", "shared_runners_enabled": false},
    {"id": 30, "full_path": "open", "visibility": "public"}
  ],
  "projects": [
    {"id": 9, "path_with_namespace": "acme/app", "name": "App", "runners_token": "reg-app",
     "members": {"mia": "maintainer", "dev": "developer", "gus": "guest"}},
    {"id": 12, "path_with_namespace": "acme/tools/cli", "runners_token": "reg-cli",
     "members": {"cli": "maintainer"}},
    {"id": 21, "path_with_namespace": "other/web", "runners_token": "reg-web",
     "shared_runners_enabled": false, "group_runners_enabled": false,
     "members": {"mia": "maintainer"}},
    {"id": 31, "path_with_namespace": "open/site", "visibility": "public"},
    {"id": 50, "path_with_namespace": "sam/own"}
  ],
  "runners": [
    {"id": 1, "description": "shared", "tag_list": ["docker", "linux"], "token": "glrt-shared-runner-one",
     "created_at": "-30d", "maintenance_note": "keep off",
     "managers": [
       {"id": 1, "system_id": "s_1", "version": "16.11.1", "revision": "535ced5f", "platform": "linux",
        "architecture": "amd64", "ip_address": "10.0.0.1", "created_at": "-20d", "contacted_at": "-1m"},
       {"id": 2, "system_id": "r_2", "version": "16.1.241", "contacted_at": "-3h", "created_at": "-2d"}],
     "jobs": [
       {"id": 1, "status": "success", "project_id": 9, "user": "mia", "created_at": "-1h",
        "started_at": "-50m", "finished_at": "-48m", "system_id": "s_1"},
       {"id": 2, "status": "running", "project_id": 21, "started_at": "-2m", "system_id": "s_1"}]},
    {"id": 2, "description": "resting", "paused": true, "contacted_at": "-1m", "tag_list": ["docker"]},
    {"id": 6, "runner_type": "project_type", "description": "app", "projects": [9], "token": "glrt-app-runner-six",
     "tag_list": ["ruby", "mysql"], "maximum_timeout": 3600, "contacted_at": "-3h", "created_by": "mia",
     "created_at": "-1d", "maintenance_note": "mia's"},
    {"id": 7, "runner_type": "project_type", "description": "two", "projects": [9, 12], "created_at": "-2d",
     "jobs": [
       {"id": 3, "status": "failed", "project_id": 9, "started_at": "-5m", "finished_at": "-4m"},
       {"id": 4, "status": "success", "project_id": 12},
       {"id": 5, "status": "running", "project_id": 9, "started_at": "-1m"}]},
    {"id": 8, "runner_type": "project_type", "description": "web", "projects": [21], "contacted_at": "-10d",
     "managers": [{"system_id": "s_8", "version": "15.0.0", "contacted_at": "-10d", "created_at": "-11d"}]},
    {"id": 40, "runner_type": "group_type", "description": "acme-wide", "groups": [10], "created_at": "-8d"},
    {"id": 41, "runner_type": "group_type", "description": "tools", "groups": [11], "contacted_at": "-1m",
     "locked": true},
    {"id": 60, "runner_type": "project_type", "description": "locked", "projects": [9, 12], "locked": true,
     "contacted_at": "-1m"}
  ]
}`

// play starts a server with the company's world.
func play(t *testing.T, version string) *runnerstest.Server {
	t.Helper()
	return playSeed(t, version, acme)
}

func playSeed(t *testing.T, version, seed string) *runnerstest.Server {
	t.Helper()
	return runnerstest.NewServer(t, &runnerstest.Options{
		Version: version, Seed: strings.NewReader(seed), Lenient: true,
	})
}

// with returns the company's seed with more settings in front.
func with(settings string) string { return "{" + settings + "," + acme[1:] }

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends one request, such as "GET /runners/6", with a user's token unless
// that is empty. Paths are below /api/v4 unless they begin with /ci or /api.
// A body that begins with a brace is JSON, any other a form.
func ask(t *testing.T, srv *runnerstest.Server, token, call string, body ...string) answer {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Private-Token", token)
	}
	return send(t, srv, header, call, body...)
}

func send(t *testing.T, srv *runnerstest.Server, header http.Header, call string, body ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	if !strings.HasPrefix(path, "/ci") && !strings.HasPrefix(path, "/api") {
		path = "/api/v4" + path
	}
	text := strings.Join(body, "")
	r, err := http.NewRequestWithContext(t.Context(), method, "http://gitlab.test"+path, strings.NewReader(text))
	require.NoError(t, err)
	r.Header = header.Clone()
	if header == nil {
		r.Header = http.Header{}
	}
	if text != "" && header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if text[0] == '{' {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	resp, err := srv.HTTPClient().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(got)}
}

// want checks status and body.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	assert.Equal(t, status, a.status)
	assert.Equal(t, body, a.body)
}

// object decodes a body that is an object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// list decodes a body that is a list of objects.
func (a answer) list(t *testing.T) []map[string]any {
	t.Helper()
	var v []map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// ids returns the ids of a list.
func (a answer) ids(t *testing.T) []int {
	t.Helper()
	ids := []int{}
	for _, row := range a.list(t) {
		id, ok := row["id"].(float64)
		require.True(t, ok, a.body)
		ids = append(ids, int(id))
	}
	return ids
}

// member returns an object within an object.
func member(t *testing.T, object map[string]any, name string) map[string]any {
	t.Helper()
	inner, ok := object[name].(map[string]any)
	require.True(t, ok, name)
	return inner
}

func keysOf(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// The bodies of errors that many routes share.
const (
	unauthorized = `{"message":"401 Unauthorized"}`
	forbidden    = `{"message":"403 Forbidden"}`
	noAccess     = `{"message":"403 Forbidden - No access granted"}`
	noRunner     = `{"message":"404 Runner Not Found"}`
	noProject    = `{"message":"404 Project Not Found"}`
	noGroup      = `{"message":"404 Group Not Found"}`
)

// replace replaces the first occurrence of old, if any.
func replace(s, old, with string) string { return strings.Replace(s, old, with, 1) }
