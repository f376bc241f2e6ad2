package interop_test

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// The command lines that come with the libraries, in their own words.
var commandLines = map[string]struct {
	settings func(url string) (environment, flags []string)
	lines    []commandLine
}{
	"python-gitlab": {
		settings: func(url string) (_, flags []string) {
			return nil, []string{"--server-url", url, "--private-token", "glpat-fake-root"}
		},
		lines: []commandLine{
			{[]string{"--output", "json", "--fields", "id", "runner-all", "list", "--per-page", "1", "--get-all"}, `[{"id": 1}, {"id": 6}, {"id": 40}]`, 0},
			{[]string{"--output", "json", "--fields", "id", "runner-all", "list", "--status", "online", "--tag-list", "docker"}, `[{"id": 1}]`, 0},
			{[]string{"--verbose", "runner", "get", "--id", "6"}, "tag-list: ['ruby', 'mysql']\n", 0},
			{[]string{"runner", "update", "--id", "6", "--tag-list", "a,b", "--active", "false", "--maximum-timeout", "1200"}, "maximum-timeout: 1200\n", 0},
			{[]string{"runner", "update", "--id", "6", "--maximum-timeout", "1"}, "Impossible to update object (400: {'maximum_timeout': ['needs to be at least 10 minutes']})", 1},
			{[]string{"--output", "json", "--fields", "id", "runner-job", "list", "--runner-id", "6", "--status", "running"}, `[{"id": 2}]`, 0},
			{[]string{"project-runner", "create", "--project-id", "acme/site", "--runner-id", "6"}, "id: 6\n", 0},
			{[]string{"project-runner", "delete", "--project-id", "acme/site", "--id", "6"}, "", 0},
			{[]string{"--output", "json", "--fields", "id", "group-runner", "list", "--group-id", "10"}, `[{"id": 1}, {"id": 40}]`, 0},
			{[]string{"runner", "create", "--token", "GR1348941-fake-app", "--tag-list", "q"}, "id: 41\n", 0},
			{[]string{"runner", "verify", "--id", "6", "--token", "glrt-fake-project-runner"}, "", 0},
			{[]string{"runner", "delete", "--id", "40"}, "", 0},
			{[]string{"runner", "get", "--id", "40"}, "Impossible to get object (404: 404 Runner Not Found)", 1},
		},
	},
	"ruby-gitlab": {
		settings: func(url string) (environment, _ []string) {
			return []string{"GITLAB_API_ENDPOINT=" + url + "/api/v4", "GITLAB_API_PRIVATE_TOKEN=glpat-fake-root"}, nil
		},
		lines: []commandLine{
			{[]string{"all_runners", "{type: group_type}", "--json"}, `"description": "acme-wide"`, 0},
			{[]string{"runner", "6", "--json"}, `"maximum_timeout": 3600`, 0},
			{[]string{"update_runner", "6", "{tag_list: [a, b], active: false, maximum_timeout: 1200}", "--json"}, `"maximum_timeout": 1200`, 0},
			{[]string{"update_runner", "6", "{maximum_timeout: 1}"}, "code 400, message: 'maximum_timeout' needs to be at least 10 minutes.", 1},
			{[]string{"register_runner", "GR1348941-fake-app", "--json"}, `"id": 41`, 0},
			{[]string{"delete_runner", "40"}, "", 0},
			{[]string{"runner", "40"}, "code 404, message: 404 Runner Not Found.", 1},
		},
	},
	gitbeaker: {
		settings: func(url string) (environment, _ []string) {
			return []string{"GITBEAKER_HOST=" + url, "GITBEAKER_TOKEN=glpat-fake-root"}, nil
		},
		lines: []commandLine{
			{[]string{"runners", "all", "--type=group_type", "--paused=true"}, `"description": "acme-wide"`, 0},
			{[]string{"runners", "show", "6"}, `"maximum_timeout": 3600`, 0},
			{[]string{"runners", "edit", "6", "--tag-list=a,b", "--active=false", "--maximum-timeout=1200"}, `"maximum_timeout": 1200`, 0},
			{[]string{"runners", "edit", "6", "--maximum-timeout=1"}, `GitbeakerRequestError: {"maximum_timeout":["needs to be at least 10 minutes"]}`, 1},
			{[]string{"runners", "all-jobs", "6", "--status=running"}, `"id": 2,`, 0},
			{[]string{"runners", "enable", "acme/site", "6"}, `"id": 6,`, 0},
			{[]string{"runners", "disable", "acme/site", "6"}, "null", 0},
			{[]string{"runners", "register", "GR1348941-fake-app", "--tag-list=q"}, `"id": 41,`, 0},
			{[]string{"runners", "remove", "--runner-id=40"}, "null", 0},
			{[]string{"runners", "show", "40"}, "GitbeakerRequestError: 404 Runner Not Found", 1},
		},
	},
	"gitlab-api-v4": {
		settings: func(url string) (environment, _ []string) {
			return []string{"GITLAB_API_V4_URL=" + url + "/api/v4", "GITLAB_API_V4_PRIVATE_TOKEN=glpat-fake-root"}, nil
		},
		lines: []commandLine{
			{[]string{"--canonical", "--all", "all_runners", "per_page:1"}, `"description":"acme-wide","id":40,`, 0},
			{[]string{"--canonical", "runner_jobs", "6", "status:running"}, `"id":2,`, 0},
			{[]string{"update_runner", "6", "tag_list:a,b", "active:0", "maximum_timeout:1200"}, `"maximum_timeout":1200`, 0},
			{[]string{"update_runner", "6", "maximum_timeout:1"}, `(HTTP 400): Bad Request {"message":{"maximum_timeout":["needs`, 255},
			{[]string{"enable_project_runner", "acme/site", "runner_id:6"}, `"id":6`, 0},
			{[]string{"disable_project_runner", "acme/site", "6"}, "", 0},
			{[]string{"delete_runner", "40"}, "null", 0},
			{[]string{"runner", "40"}, "null", 0},
		},
	},
}

// gitbeaker is in the folder that npm fills.
const gitbeaker = "testdata/gitbeaker/node_modules/.bin/gitbeaker"

// A commandLine is what somebody types, a part of what it prints, and the
// status that it ends with.
type commandLine struct {
	arguments []string
	prints    string
	ends      int
}

// TestCommandLines types the lines of each program, in their order, and looks
// at what is left of the runners.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	for name, c := range commandLines {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			srv := play(t, "")
			environment, flags := c.settings(srv.URL())
			for _, line := range c.lines {
				cmd := program(t, name, append(flags, line.arguments...)...)
				cmd.Env = append(cmd.Env, environment...)
				cmd.Stdin = strings.NewReader("y\n") // sure
				out, err := cmd.CombinedOutput()
				if failed := (*exec.ExitError)(nil); !errors.As(err, &failed) {
					require.NoError(t, err)
				}
				assert.Equal(t, line.ends, cmd.ProcessState.ExitCode(), "%s\n%s", line.arguments, out)
				assert.Contains(t, string(out), line.prints, line.arguments)
			}
			left := map[int64]runnerstest.Runner{}
			for _, r := range srv.Snapshot().Runners {
				left[r.ID] = r
			}
			assert.NotContains(t, slices.Collect(maps.Keys(left)), int64(40))
			require.Contains(t, left, int64(6))
			assert.Equal(t, []any{[]string{"a", "b"}, true, int64(1200), []int64{9}},
				[]any{left[6].TagList, left[6].Paused, *left[6].MaximumTimeout, left[6].Projects})
		})
	}
}
