package interop_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// curl runs the real one, and returns the status and the body.
func curl(t *testing.T, arguments ...string) (status int, body string) {
	t.Helper()
	arguments = append([]string{"--silent", "--show-error", "--write-out", "\n%{http_code}"}, arguments...)
	out, err := program(t, "curl", arguments...).Output()
	require.NoError(t, err)
	end := strings.LastIndexByte(string(out), '\n')
	status, err = strconv.Atoi(string(out[end+1:]))
	require.NoError(t, err)
	return status, string(out[:end])
}

// TestCurl runs the commands of GitLab's documentation, each on its own
// server, and looks at some values of the answer.
func TestCurl(t *testing.T) {
	t.Parallel()
	me := []string{"--header", "PRIVATE-TOKEN: glpat-fake-root"}
	form := func(pairs ...string) (arguments []string) {
		for _, pair := range pairs {
			arguments = append(arguments, "--form", pair)
		}
		return arguments
	}
	for name, c := range map[string]struct {
		method, path string
		flags        [][]string
		status       int
		want         map[string]any // nil = no body; of a list, the last row
	}{
		"list":            {"", "/runners", [][]string{{"--header", "PRIVATE-TOKEN: glpat-fake-mia"}}, 200, map[string]any{"id": 6.0, "status": "offline"}},
		"bearer":          {"", "/runners", [][]string{{"--header", "Authorization: Bearer glpat-fake-mia"}}, 200, map[string]any{"id": 6.0}},
		"token in query":  {"", "/runners/all?private_token=glpat-fake-root", nil, 200, map[string]any{"id": 40.0}},
		"all":             {"", "/runners/all", [][]string{me}, 200, map[string]any{"id": 40.0, "paused": true, "active": false}},
		"filter":          {"", "/runners/all?status=online&tag_list=docker", [][]string{me}, 200, map[string]any{"id": 1.0, "online": true}},
		"details":         {"", "/runners/6", [][]string{me}, 200, map[string]any{"maximum_timeout": 3600.0, "tag_list": []any{"ruby", "mysql"}}},
		"update":          {"PUT", "/runners/6", [][]string{me, form("description=test-1-20150125-test", "tag_list=ruby,mysql,tag1,tag2")}, 200, map[string]any{"description": "test-1-20150125-test", "tag_list": []any{"ruby", "mysql", "tag1", "tag2"}}},
		"pause":           {"PUT", "/runners/6", [][]string{me, form("paused=true")}, 200, map[string]any{"paused": true}},
		"pause, of old":   {"PUT", "/runners/6", [][]string{me, form("active=false")}, 200, map[string]any{"paused": true}},
		"jobs":            {"", "/runners/6/jobs?status=running", [][]string{me}, 200, map[string]any{"id": 2.0, "status": "running"}},
		"managers":        {"", "/runners/6/managers", [][]string{me}, 200, map[string]any{"system_id": "s_89e5e9956577"}},
		"projects":        {"", "/runners/6/projects", [][]string{me}, 200, map[string]any{"path_with_namespace": "acme/my.app-2"}},
		"project's":       {"", "/projects/9/runners", [][]string{me}, 200, map[string]any{"id": 40.0}},
		"project's, path": {"", "/projects/acme%2Fmy.app-2/runners?type=project_type", [][]string{me}, 200, map[string]any{"id": 6.0}},
		"group's":         {"", "/groups/10/runners", [][]string{me}, 200, map[string]any{"id": 40.0}},
		"assign":          {"POST", "/projects/12/runners", [][]string{me, form("runner_id=6")}, 201, map[string]any{"id": 6.0}},
		"unassign":        {"DELETE", "/projects/9/runners/6", [][]string{me}, 403, map[string]any{"message": "403 Forbidden - You cannot unassign a runner from the owner project. Delete the runner instead"}},
		"delete":          {"DELETE", "/runners/6", [][]string{me}, 204, nil},
		"create":          {"POST", "/user/runners", [][]string{me, {"--data", "runner_type=instance_type"}}, 201, map[string]any{"id": 41.0, "token_expires_at": "2026-03-02T12:00:00.000Z"}},
		"register":        {"POST", "/runners", [][]string{form("token=GR1348941-fake-app", "description=test-1-20150125-test", "tag_list=ruby,mysql,tag1,tag2")}, 201, map[string]any{"id": 41.0}},
		"verify":          {"POST", "/runners/verify", [][]string{form("token=glrt-fake-project-runner")}, 200, map[string]any{"id": 6.0, "token": "glrt-fake-project-runner"}},
		"verify nothing":  {"POST", "/runners/verify", [][]string{form("token=nothing")}, 403, map[string]any{"message": "403 Forbidden"}},
		"unregister":      {"DELETE", "/runners", [][]string{form("token=glrt-fake-project-runner")}, 204, nil},
		"reset by id":     {"POST", "/runners/6/reset_authentication_token", [][]string{me}, 201, map[string]any{"token_expires_at": nil}},
		"reset by token":  {"POST", "/runners/reset_authentication_token", [][]string{form("token=glrt-fake-shared-runner")}, 201, map[string]any{"token_expires_at": "2026-03-02T12:00:00.000Z"}},
		"reset, instance": {"POST", "/runners/reset_registration_token", [][]string{me}, 201, map[string]any{}},
		"reset, project":  {"POST", "/projects/9/runners/reset_registration_token", [][]string{me}, 201, map[string]any{}},
		"reset, group":    {"POST", "/groups/10/runners/reset_registration_token", [][]string{me}, 201, map[string]any{}},
		"nobody":          {"", "/runners", nil, 401, map[string]any{"message": "401 Unauthorized"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arguments := []string{play(t, "").URL() + "/api/v4" + c.path}
			if c.method != "" {
				arguments = append(arguments, "--request", c.method)
			}
			for _, flags := range c.flags {
				arguments = append(arguments, flags...)
			}
			status, body := curl(t, arguments...)
			require.Equal(t, c.status, status, body)
			if c.want == nil {
				assert.Empty(t, body)
				return
			}
			got := lastRow(t, body)
			for key, want := range c.want {
				assert.Contains(t, got, key)
				assert.Equal(t, want, got[key], key)
			}
		})
	}
}

// lastRow decodes an object, or the last one of a list.
func lastRow(t *testing.T, body string) (row map[string]any) {
	t.Helper()
	if strings.HasPrefix(body, "[") {
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &rows))
		require.NotEmpty(t, rows)
		return rows[len(rows)-1]
	}
	require.NoError(t, json.Unmarshal([]byte(body), &row), body)
	return row
}

// TestCurlOfOld runs the commands of the GitLab 8 documentation.
func TestCurlOfOld(t *testing.T) {
	t.Parallel()
	url := play(t, "8.2.0").URL() + "/ci/api/v1/runners"
	status, body := curl(t, url, "--header", "PRIVATE-TOKEN: glpat-fake-root")
	require.Equal(t, 200, status)
	assert.Equal(t, 40.0, lastRow(t, body)["id"])
	status, body = curl(t, url+"/register", "--form", "token=GR1348941-fake-app", "--form", "description=old")
	require.Equal(t, 201, status)
	token, _ := lastRow(t, body)["token"].(string)
	assert.NotEmpty(t, token)
	status, body = curl(t, url+"/delete", "--request", "DELETE", "--form", "token="+token)
	require.Equal(t, 200, status)
	assert.Equal(t, "old", lastRow(t, body)["description"])
}
