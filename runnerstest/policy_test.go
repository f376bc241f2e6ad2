// Who may do what with a runner: every ability on every type of runner, for
// everybody who stands to it in some way.

package runnerstest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// people are those who ask, in the order of the columns below.
var people = []string{"root", "audrey", "olga", "gil", "mia", "cli", "dev", "gus", "sam"}

// TestAbilities walks ability, type of runner and person. olga owns the group
// acme and gil maintains it; mia maintains acme/app, where dev and gus have
// lower roles, and other/web; cli maintains acme/tools/cli; sam is nobody.
func TestAbilities(t *testing.T) {
	t.Parallel()
	calls := map[string]struct{ call, body string }{
		"read":     {"GET /runners/ID", ""},
		"managers": {"GET /runners/ID/managers", ""},
		"projects": {"GET /runners/ID/projects", ""},
		"jobs":     {"GET /runners/ID/jobs", ""},
		"update":   {"PUT /runners/ID", "description=x"},
		"reset":    {"POST /runners/ID/reset_authentication_token", ""},
		"delete":   {"DELETE /runners/ID", ""},
		"assign":   {"POST /projects/31/runners", "runner_id=ID"},
	}
	for _, c := range []struct {
		ability, runner, may string // one letter for each of the people: y or n
	}{
		{"read", "instance", "yyyyyyyyy"},
		{"jobs", "instance", "yynnnnnnn"},
		{"update", "instance", "ynnnnnnnn"},
		{"delete", "instance", "ynnnnnnnn"},
		{"assign", "instance", "nnnnnnnnn"},

		{"read", "group", "yyyyyynnn"},
		{"jobs", "group", "yyyynnnnn"},
		{"update", "group", "ynynnnnnn"},
		{"delete", "group", "ynynnnnnn"},
		{"assign", "group", "nnnnnnnnn"},

		{"read", "subgroup", "yyyynynnn"},
		{"jobs", "subgroup", "yyyynnnnn"},
		{"update", "subgroup", "ynynnnnnn"},
		{"delete", "subgroup", "ynynnnnnn"},

		{"read", "group without below", "yynnnnnnn"},

		{"read", "project", "yyyyynnnn"},
		{"jobs", "project", "yyyyynnnn"},
		{"update", "project", "ynyyynnnn"},
		{"delete", "project", "ynyyynnnn"},
		{"assign", "project", "ynyyynnnn"},

		{"read", "two projects", "yyyyyynnn"},
		{"jobs", "two projects", "yyyyyynnn"},
		{"update", "two projects", "ynyyyynnn"},
		{"delete", "two projects", "ynnnnnnnn"},
		{"assign", "two projects", "ynyyyynnn"},

		{"assign", "locked", "ynnnnnnnn"},

		{"read", "orphan", "yynnnnnnn"},
		{"jobs", "orphan", "yynnnnnnn"},
		{"update", "orphan", "ynnnnnnnn"},
		{"delete", "orphan", "ynnnnnnnn"},
		{"assign", "orphan", "nnnnnnnnn"},
	} {
		alike := map[string][]string{
			"read": {"read", "managers", "projects"}, "update": {"update", "reset"},
		}[c.ability]
		if alike == nil {
			alike = []string{c.ability}
		}
		for _, name := range alike {
			t.Run(name+" "+c.runner, func(t *testing.T) {
				t.Parallel()
				walk(t, calls[name].call, calls[name].body, c.runner, c.may)
			})
		}
	}
}

// walk lets everybody try one call on one runner.
func walk(t *testing.T, call, body, runner, may string) {
	t.Helper()
	id := map[string]string{
		"instance": "1", "group": "40", "subgroup": "41", "group without below": "70",
		"project": "6", "two projects": "7", "locked": "60", "orphan": "71",
	}[runner]
	more := `"runners": [
	  {"id": 70, "runner_type": "group_type", "groups": [20]},
	  {"id": 71, "runner_type": "project_type", "projects": []},`
	everybodyMaintains := `"path_with_namespace": "open/site", "members": {"olga": "maintainer", "gil": "maintainer",
	  "mia": "maintainer", "cli": "maintainer", "dev": "maintainer", "gus": "maintainer", "sam": "maintainer"},`
	seed := replace(replace(acme, `"runners": [`, more), `"path_with_namespace": "open/site",`, everybodyMaintains)
	for i, person := range people {
		a := ask(t, playSeed(t, "", seed), "t-"+person, replace(call, "ID", id), replace(body, "ID", id))
		if may[i] == 'y' {
			assert.Contains(t, []int{200, 201, 204}, a.status, "%s %s", person, a.body)
		} else {
			assert.Contains(t, []int{400, 403, 500}, a.status, "%s %s", person, a.body)
		}
	}
}

// TestVisibility asks who sees groups and projects: what is not seen is a 404,
// what is seen and not maintained a 403.
func TestVisibility(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", `{
	  "users": [{"username":"in","tokens":[{"token":"t-in"}]},{"username":"deep","tokens":[{"token":"t-deep"}]}],
	  "groups": [
	    {"id":1,"full_path":"private"},{"id":2,"full_path":"internal","visibility":"internal"},
	    {"id":3,"full_path":"public","visibility":"public"},{"id":4,"full_path":"private/sub"}],
	  "projects": [
	    {"id":1,"path_with_namespace":"private/p"},
	    {"id":2,"path_with_namespace":"internal/p","visibility":"internal"},
	    {"id":3,"path_with_namespace":"public/p","visibility":"public"},
	    {"id":4,"path_with_namespace":"private/sub/p","members":{"deep":"guest"}}]}`)
	for path, want := range map[string]string{
		"/groups/1/runners": "404 403", "/groups/2/runners": "403 403", "/groups/3/runners": "403 403",
		"/groups/4/runners": "404 403", "/projects/1/runners": "404 404", "/projects/2/runners": "403 403",
		"/projects/3/runners": "403 403", "/projects/4/runners": "404 403",
	} {
		got := ""
		for _, token := range []string{"t-in", "t-deep"} {
			got += " " + map[int]string{200: "200", 403: "403", 404: "404"}[ask(t, srv, token, "GET "+path).status]
		}
		assert.Equal(t, want, got[1:], path)
	}
}
