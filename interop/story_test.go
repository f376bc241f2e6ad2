package interop_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// program makes a command of a program that others wrote: it knows nothing of
// the caller's settings, and reaches the server without a proxy.
func program(t *testing.T, name string, arguments ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "this test needs %s; README.md says where it comes from", name)
	cmd := exec.CommandContext(t.Context(), path, arguments...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8", "no_proxy=127.0.0.1"}
	return cmd
}

// A step is a part of the story that the programs in testdata tell, each with
// the library of its language.
type step struct {
	name  string
	says  string   // what the library makes of the answers, as JSON
	asked []string // the routes, with the statuses of their answers
}

// story is told by every program in this order. Where a library has no call
// for a step, its program leaves it out; where a library has a way of its own,
// an entry beside the program says which.
var story = []step{
	{"user", `"root"`, []string{"GET /user 200"}},
	{"version", `"abcdef12345"`, []string{"GET /version 200"}},

	{"pages", `[1, 6, 40]`, []string{"GET /runners/all 200", "GET /runners/all 200", "GET /runners/all 200"}},
	{"filtered", `[40]`, []string{"GET /runners/all 200"}},
	{"tagged", `[6]`, []string{"GET /runners/all 200"}},
	{"mine", `[6]`, []string{"GET /runners 200"}},
	{"project", `[1, 6, 40]`, []string{"GET /projects/{id}/runners 200", "GET /projects/{id}/runners 200"}},
	{"group", `[1]`, []string{"GET /groups/{id}/runners 200"}},

	{"details", `["test-1", 3600, ["ruby", "mysql"], "acme/my.app-2", "2026-03-01T09:00:00.000Z"]`, []string{"GET /runners/{id} 200"}},
	{"jobs", `[1, 2, 3]`, []string{"GET /runners/{id}/jobs 200"}},
	{"running", `[2]`, []string{"GET /runners/{id}/jobs 200"}},
	{"managers", `["s_89e5e9956577"]`, []string{"GET /runners/{id}/managers 200"}},
	{"update", `["renamed", 700, ["a", "b"], false]`, []string{"PUT /runners/{id} 200"}},
	{"pause", `true`, []string{"PUT /runners/{id} 200"}},

	{"assign", `6`, []string{"POST /projects/{id}/runners 201"}},
	{"assigned", `[1, 6, 40]`, []string{"GET /projects/{id}/runners 200"}},
	{"unassigned", `[1, 40]`, []string{"DELETE /projects/{id}/runners/{runner_id} 204", "GET /projects/{id}/runners 200"}},

	{"create", `true`, []string{"POST /user/runners 201"}},
	{"register", `["id", "token", "token_expires_at"]`, []string{"POST /runners 201"}},
	{"registered", `["registered", "story", ["d"], false, true, 900]`, []string{"GET /runners/{id} 200"}},
	{"verify", `null`, []string{"POST /runners/verify 200"}},
	{"unregister", `null`, []string{"DELETE /runners 204"}},
	{"unregistered", `[403, "403 Forbidden"]`, []string{"POST /runners/verify 403"}},
	{"reset", `true`, []string{"POST /runners/{id}/reset_authentication_token 201"}},
	{"reset by token", `true`, []string{"POST /runners/reset_authentication_token 201"}},
	{"reset registration", `[true, true, true]`, []string{
		"POST /runners/reset_registration_token 201",
		"POST /projects/{id}/runners/reset_registration_token 201",
		"POST /groups/{id}/runners/reset_registration_token 201",
	}},
	{"reset of nothing", `[404, "404 Not Found"]`, []string{" 404"}},
	{"delete", `null`, []string{"DELETE /runners/{id} 204"}},

	{"missing", `[404, "404 Runner Not Found"]`, []string{"GET /runners/{id} 404"}},
	{"forbidden", `[403, "403 Forbidden"]`, []string{"GET /runners/all 403"}},
	{"owner", `[403, "403 Forbidden - You cannot unassign a runner from the owner project. Delete the runner instead"]`, []string{"DELETE /projects/{id}/runners/{runner_id} 403"}},
	{"invalid", `[400, "{\"maximum_timeout\":[\"needs to be at least 10 minutes\"]}"]`, []string{"PUT /runners/{id} 400"}},
	{"no value", `[400, "type does not have a valid value"]`, []string{"GET /runners/all 400"}},
	{"nobody", `[401, "401 Unauthorized"]`, []string{"GET /runners 401"}},
}

// A teller is a program that tells the story.
type teller struct {
	command []string
	cannot  []string            // the steps that its library has no call for
	says    map[string]string   // where it is not what the story says
	asked   map[string][]string // the same
}

var tellers = map[string]teller{
	"python-gitlab": {
		command: []string{"/usr/bin/python3", "testdata/story.py"},
		cannot:  []string{"reset of nothing"},
		says: map[string]string{
			"unregistered": `[403, "GitlabVerifyError", "403: 403 Forbidden"]`,
			"missing":      `[404, "GitlabGetError", "404: 404 Runner Not Found"]`,
			"forbidden":    `[403, "GitlabListError", "403: 403 Forbidden"]`,
			"owner":        `[403, "GitlabDeleteError", "403: 403 Forbidden - You cannot unassign a runner from the owner project. Delete the runner instead"]`,
			"invalid":      `[400, "GitlabUpdateError", "400: {'maximum_timeout': ['needs to be at least 10 minutes']}"]`,
			"no value":     `[400, "GitlabListError", "400: type does not have a valid value"]`,
			"nobody":       `[401, "GitlabAuthenticationError", "401: 401 Unauthorized"]`,
		},
	},
	"gitlab (Ruby)": {
		command: []string{"/usr/bin/ruby", "testdata/story.rb"},
		cannot:  []string{"reset of nothing"},
		says: map[string]string{
			"unregistered": `[403, "Gitlab::Error::Forbidden", "403 Forbidden"]`,
			"missing":      `[404, "Gitlab::Error::NotFound", "404 Runner Not Found"]`,
			"forbidden":    `[403, "Gitlab::Error::Forbidden", "403 Forbidden"]`,
			"owner":        `[403, "Gitlab::Error::Forbidden", "403 Forbidden - You cannot unassign a runner from the owner project. Delete the runner instead"]`,
			"invalid":      `[400, "Gitlab::Error::BadRequest", "'maximum_timeout' needs to be at least 10 minutes"]`,
			"no value":     `[400, "Gitlab::Error::BadRequest", "type does not have a valid value"]`,
			"nobody":       `[401, "Gitlab::Error::Unauthorized", "401 Unauthorized"]`,
		},
	},
	"GitLab::API::v4 (Perl)": {
		command: []string{"/usr/bin/perl", "testdata/story.pl"},
		cannot: []string{
			"group", "managers", "create", "register", "registered", "verify", "unregister", "unregistered",
			"reset", "reset by token", "reset registration", "reset of nothing",
		},
		says: map[string]string{ // what is missing is undef to it, and it cuts long answers short
			"missing":   `null`,
			"forbidden": `[403, "Forbidden {\"message\":\"403 Forbidden\"}"]`,
			"owner":     `[403, "Forbidden {\"message\":\"403 Forbidden - You cannot unassign a ..."]`,
			"invalid":   `[400, "Bad Request {\"message\":{\"maximum_timeout\":[\"needs to be at lea..."]`,
			"no value":  `[400, "Bad Request {\"error\":\"type does not have a valid value\"}"]`,
			"nobody":    `[401, "Unauthorized {\"message\":\"401 Unauthorized\"}"]`,
		},
		asked: map[string][]string{ // only a page that is not full is the last
			"pages": {"GET /runners/all 200", "GET /runners/all 200", "GET /runners/all 200", "GET /runners/all 200"},
		},
	},
	"@gitbeaker/rest (JavaScript)": {
		command: []string{"node", "testdata/gitbeaker/story.mjs"},
		cannot:  []string{"managers", "reset", "reset by token"},
		says:    map[string]string{"reset registration": `true`},
		asked: map[string][]string{
			"version":            {"GET /metadata 200"},
			"reset registration": {"POST /runners/reset_registration_token 201"},
		},
	},
}

// TestStory lets each program tell the story to a server of its own, and holds
// what it says, what it asked and what it leaves behind to it.
func TestStory(t *testing.T) {
	t.Parallel()
	for name, by := range tellers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := play(t, "")
			cmd := program(t, by.command[0], append(by.command[1:], srv.URL())...)
			var complaints strings.Builder
			cmd.Stderr = &complaints
			out, err := cmd.Output()
			require.NoError(t, err, "%s%s", out, &complaints)
			assert.Empty(t, complaints.String())
			asked := by.tells(t, string(out))
			assert.Equal(t, asked, routesOf(srv.Requests()))
			by.leaves(t, srv.Snapshot().Runners)
		})
	}
}

// tells compares what was told to the story, and returns what the story says
// was asked.
func (by teller) tells(t *testing.T, out string) (asked []string) {
	t.Helper()
	told := map[string]string{}
	for line := range strings.Lines(out) {
		step, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		told[step] = value
	}
	var cannot []string
	for _, s := range story {
		value, does := told[s.name]
		if !does {
			cannot = append(cannot, s.name)
			continue
		}
		if other, differs := by.says[s.name]; differs {
			s.says = other
		}
		if other, differs := by.asked[s.name]; differs {
			s.asked = other
		}
		assert.JSONEq(t, s.says, value, s.name)
		asked = append(asked, s.asked...)
		delete(told, s.name)
	}
	assert.Empty(t, told, "no part of the story")
	assert.ElementsMatch(t, by.cannot, cannot)
	return asked
}

func routesOf(requests []runnerstest.Request) (routes []string) {
	for _, r := range requests {
		routes = append(routes, fmt.Sprintf("%s %d", r.Route, r.Status))
	}
	return routes
}

// leaves checks the runners after the story.
func (by teller) leaves(t *testing.T, left []runnerstest.Runner) {
	t.Helper()
	require.NotEmpty(t, left)
	assert.Equal(t, "shared", left[0].Description)
	renamed := left[1]
	assert.Equal(t, []any{int64(6), "renamed", int64(700), []string{"a", "b"}, false, true, []int64{9}}, []any{
		renamed.ID, renamed.Description, *renamed.MaximumTimeout, renamed.TagList, *renamed.RunUntagged, renamed.Paused, renamed.Projects,
	})
	if len(left) == 2 {
		assert.Contains(t, by.cannot, "create")
		return
	}
	require.Len(t, left, 3)
	made := left[2]
	assert.Equal(t, []any{int64(41), "made", runners.ProjectType, []string{"c"}, []int64{9}, "root"},
		[]any{made.ID, made.Description, made.Type, made.TagList, made.Projects, made.CreatedBy})
}
