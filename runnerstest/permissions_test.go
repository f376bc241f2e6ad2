// Who may do what, cell by cell: every call × credential × scope × role ×
// place × visibility. What is expected stands here in words of its own.

package runnerstest_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// A rule says who may make a call. The calls are such that whoever may gets an
// answer that changes nothing but tokens.
type rule struct {
	call, body string
	scopes     string // each of which opens the route
	who        string
	done       int    // the status for those who may
	refusal    string // what the others read
}

const (
	runnerScopes = "api read_api manage_runner"
	changeScopes = "api manage_runner"
	noCreating   = `{"message":"403 Forbidden - Insufficient permissions"}`
	manyProjects = `{"message":"403 Forbidden - Runner associated with more than one project"}`

	// What they stand for is around a project in a group in a top group.
	aboutProject = "/projects/PROJECT/runners"
	aboutGroup   = "/groups/GROUP/runners"
)

// rules are the whole of it, in GitLab's words.
var rules = []rule{
	{"GET /version", "", "api read_api read_user", "anyone", 200, ""},
	{"GET /metadata", "", "api read_api read_user", "anyone", 200, ""},
	{"GET /user", "", "api read_api read_user", "anyone", 200, ""},

	{"GET /runners", "", "api read_api", "anyone", 200, ""},
	{"GET /runners/all", "", "api read_api", "administrators, auditors", 200, forbidden},
	{"POST /runners/reset_registration_token", "", "api", "administrators", 201, forbidden},

	{"GET " + aboutProject, "", "api read_api", "administrators, auditors, project maintainers", 200, forbidden},
	{"POST " + aboutProject, "runner_id=RUNNER-OF-PROJECT", "api", "administrators, project maintainers", 400, forbidden},
	{"POST " + aboutProject, "runner_id=RUNNER-OF-TWO", "api", "administrators, project maintainers", 400, forbidden},
	{"DELETE " + aboutProject + "/RUNNER-OF-TWO", "", "api", "administrators, project maintainers", 412, forbidden},
	{"POST " + aboutProject + "/reset_registration_token", "", "api", "administrators, project maintainers", 201, forbidden},
	{"GET " + aboutGroup, "", "api read_api", "administrators, auditors, group maintainers", 200, forbidden},
	{"POST " + aboutGroup + "/reset_registration_token", "", "api", "administrators, group owners", 201, forbidden},

	{"POST /user/runners", "runner_type=instance_type&maximum_timeout=1", "api create_runner", "administrators", 400, noCreating},
	{
		"POST /user/runners", "runner_type=group_type&group_id=GROUP&maximum_timeout=1", "api create_runner",
		"administrators, group owners", 400, noCreating,
	},
	{
		"POST /user/runners", "runner_type=project_type&project_id=PROJECT&maximum_timeout=1", "api create_runner",
		"administrators, project maintainers", 400, noCreating,
	},

	{"GET /runners/INSTANCE-RUNNER", "", runnerScopes, "anyone", 200, ""},
	{"GET /runners/INSTANCE-RUNNER/managers", "", runnerScopes, "anyone", 200, ""},
	{"GET /runners/INSTANCE-RUNNER/projects", "", runnerScopes, "anyone", 200, ""},
	{"GET /runners/INSTANCE-RUNNER/jobs", "", runnerScopes, "administrators, auditors", 200, noAccess},
	{"PUT /runners/INSTANCE-RUNNER", "maximum_timeout=1", changeScopes, "administrators", 400, noAccess},
	{"DELETE /runners/INSTANCE-RUNNER", "", changeScopes, "administrators", 412, noAccess},
	{"POST /runners/INSTANCE-RUNNER/reset_authentication_token", "", changeScopes, "administrators", 201, noAccess},

	{"GET /runners/RUNNER-OF-GROUP", "", runnerScopes, "administrators, auditors, group maintainers, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-GROUP/managers", "", runnerScopes, "administrators, auditors, group maintainers, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-GROUP/projects", "", runnerScopes, "administrators, auditors, group maintainers, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-GROUP/jobs", "", runnerScopes, "administrators, auditors, group maintainers", 200, noAccess},
	{"PUT /runners/RUNNER-OF-GROUP", "maximum_timeout=1", changeScopes, "administrators, group owners", 400, noAccess},
	{"DELETE /runners/RUNNER-OF-GROUP", "", changeScopes, "administrators, group owners", 412, noAccess},
	{"POST /runners/RUNNER-OF-GROUP/reset_authentication_token", "", changeScopes, "administrators, group owners", 201, noAccess},

	{"GET /runners/RUNNER-OF-PROJECT", "", runnerScopes, "administrators, auditors, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-PROJECT/managers", "", runnerScopes, "administrators, auditors, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-PROJECT/projects", "", runnerScopes, "administrators, auditors, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-PROJECT/jobs", "", runnerScopes, "administrators, auditors, project maintainers", 200, noAccess},
	{"PUT /runners/RUNNER-OF-PROJECT", "maximum_timeout=1", changeScopes, "administrators, project maintainers", 400, noAccess},
	{"DELETE /runners/RUNNER-OF-PROJECT", "", changeScopes, "administrators, project maintainers", 412, noAccess},
	{"POST /runners/RUNNER-OF-PROJECT/reset_authentication_token", "", changeScopes, "administrators, project maintainers", 201, noAccess},

	{"GET /runners/RUNNER-OF-TWO", "", runnerScopes, "administrators, auditors, project maintainers", 200, noAccess},
	{"GET /runners/RUNNER-OF-TWO/jobs", "", runnerScopes, "administrators, auditors, project maintainers", 200, noAccess},
	{"PUT /runners/RUNNER-OF-TWO", "maximum_timeout=1", changeScopes, "administrators, project maintainers", 400, noAccess},
	{"DELETE /runners/RUNNER-OF-TWO", "", changeScopes, "administrators", 412, manyProjects},
	{"POST /runners/RUNNER-OF-TWO/reset_authentication_token", "", changeScopes, "administrators, project maintainers", 201, noAccess},
}

// A person has one role in one place; nobody has none.
type person struct {
	name  string
	place string // "project", its "group", the "top" group above, "elsewhere"
	role  runnerstest.Role
}

func everybody() []person {
	all := []person{{name: "nobody"}, {name: "admin"}, {name: "auditor"}}
	for _, place := range []string{"project", "group", "top", "elsewhere"} {
		for _, role := range []runnerstest.Role{
			runnerstest.Guest, runnerstest.Reporter, runnerstest.Developer, runnerstest.Maintainer, runnerstest.Owner,
		} {
			all = append(all, person{role.String() + "-" + place, place, role})
		}
	}
	return all
}

// in returns the person's role in the project or in its group: roles go down,
// never up.
func (p person) in(what string) runnerstest.Role {
	if p.place == "top" || p.place == "group" || p.place == what {
		return p.role
	}
	return 0
}

// A cell is one way to make a call.
type cell struct {
	person     person
	credential string
	scopes     string
	visibility string
	adminMode  bool
}

// good are the credentials that sign somebody in.
var good = []string{"personal", "oauth"}

// bad are the others, with what they get.
var bad = map[string]struct {
	status int
	body   string
}{
	"none":             {401, unauthorized},
	"unknown":          {401, unauthorized},
	"oauth as private": {401, unauthorized},
	"runner token":     {401, unauthorized},
	"job token":        {401, unauthorized},
	"expired":          {401, expired},
	"revoked":          {401, revoked},
	"blocked":          {403, `{"message":"403 Forbidden - Your account has been blocked."}`},
	"pending": {403, `{"message":"403 Forbidden - Your account is pending approval from your administrator ` +
		`and hence blocked."}`},
}

// scopeSets are what tokens have.
var scopeSets = []string{
	"api", "read_api", "read_user", "create_runner", "manage_runner", "admin_mode", "email",
	"api admin_mode", "read_api admin_mode", "manage_runner admin_mode",
}

// expected says in order what GitLab looks at.
func (r rule) expected(c cell) (status int, body string) {
	if b, ok := bad[c.credential]; ok {
		return b.status, b.body
	}
	scopes := strings.Fields(c.scopes)
	if !slices.ContainsFunc(strings.Fields(r.scopes), func(s string) bool { return slices.Contains(scopes, s) }) {
		return 403, insufficient(r.allScopes())
	}
	isAdmin := c.person.name == "admin" && (!c.adminMode || slices.Contains(scopes, "admin_mode"))
	seen := isAdmin || c.person.name == "auditor" || c.visibility != "private" || c.person.in("project") > 0
	switch {
	case strings.Contains(r.call, aboutProject) && !seen:
		return 404, noProject
	case strings.Contains(r.call, aboutGroup) && !seen:
		return 404, noGroup
	case !r.allows(c.person, isAdmin):
		return 403, r.refusal
	default:
		return r.done, ""
	}
}

// allScopes are those that GitLab names, whichever the method.
func (r rule) allScopes() string {
	switch {
	case strings.Contains(r.scopes, "read_user"):
		return "read_user api read_api"
	case strings.Contains(r.scopes, "create_runner"):
		return "create_runner api read_api"
	default:
		return "manage_runner api read_api"
	}
}

func (r rule) allows(p person, isAdmin bool) bool {
	for who := range strings.SplitSeq(r.who, ", ") {
		if p.isOneOf(who, isAdmin) {
			return true
		}
	}
	return false
}

func (p person) isOneOf(who string, isAdmin bool) bool {
	switch who {
	case "anyone":
		return true
	case "administrators":
		return isAdmin
	case "auditors":
		return p.name == "auditor"
	case "project maintainers":
		return p.in("project") >= runnerstest.Maintainer
	case "group maintainers":
		return p.in("group") >= runnerstest.Maintainer
	case "group owners":
		return p.in("group") >= runnerstest.Owner
	default:
		panic(who)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	srv, strict := permissionWorld(t, false), permissionWorld(t, true)
	for _, r := range rules {
		t.Run(r.call+" "+r.body, func(t *testing.T) {
			t.Parallel()
			for _, visibility := range r.visibilities() {
				call, body := named(r.call, visibility), named(r.body, visibility)
				for _, c := range cells(visibility) {
					r.check(t, srv, c, call, body)
				}
				for _, scopes := range scopeSets {
					c := cell{person{name: "admin"}, "personal", scopes, visibility, true}
					r.check(t, strict, c, call, body)
				}
			}
		})
	}
}

// visibilities are those that make a difference to the call.
func (r rule) visibilities() []string {
	all := []string{"private", "internal", "public"}
	if named(r.call+r.body, all[0]) == named(r.call+r.body, all[1]) {
		return all[:1]
	}
	return all
}

// cells are all the ways for everybody to make a call.
func cells(visibility string) (all []cell) {
	for _, p := range everybody() {
		for _, credential := range good {
			for _, scopes := range scopeSets {
				all = append(all, cell{p, credential, scopes, visibility, false})
			}
		}
		for credential := range bad {
			all = append(all, cell{p, credential, "api", visibility, false})
		}
	}
	return all
}

// check makes the call of one cell.
func (r rule) check(t *testing.T, srv *runnerstest.Server, c cell, call, body string) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	q := httptest.NewRequestWithContext(t.Context(), method, "http://gitlab.test/api/v4"+path,
		strings.NewReader(body))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")
	if name, secret := c.shown(); name != "" {
		q.Header.Set(name, secret)
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, q)
	status, text := r.expected(c)
	if w.Code != status || text != "" && w.Body.String() != text {
		t.Errorf("%s, %s: %d %s, want %d %s", c, r.call, w.Code, w.Body, status, text)
	}
}

func (c cell) String() string {
	return fmt.Sprintf("%s with %s (%s), all %s, admin mode %t",
		c.person.name, c.credential, c.scopes, c.visibility, c.adminMode)
}

// shown returns the header that shows the cell's credential.
func (c cell) shown() (name, secret string) {
	switch c.credential {
	case "none":
		return "", ""
	case "unknown":
		return "Private-Token", "glpat-nobodys"
	case "runner token":
		return "Private-Token", "glrt-of-some-runner"
	case "job token":
		return "Job-Token", "glcbt-of-some-job"
	case "oauth":
		return "Authorization", "Bearer " + secretOf(c.person.name, "oauth", c.scopes)
	case "oauth as private":
		return "Private-Token", secretOf(c.person.name, "oauth", c.scopes)
	default:
		return "Private-Token", secretOf(c.person.name, c.credential, c.scopes)
	}
}

func secretOf(name, credential, scopes string) string {
	return "t/" + name + "/" + credential + "/" + strings.ReplaceAll(scopes, " ", "+")
}

// named puts the ids of the things of one visibility into a call.
func named(call, visibility string) string {
	base := map[string]string{"private": "1", "internal": "2", "public": "3"}[visibility]
	return strings.NewReplacer(
		"INSTANCE-RUNNER", "1", "RUNNER-OF-GROUP", base+"1", "RUNNER-OF-PROJECT", base+"2",
		"RUNNER-OF-TWO", base+"3", "PROJECT", base+"1", "GROUP", base+"2",
	).Replace(call)
}

// permissionWorld starts a server with everybody, and with what they may or
// may not touch once in each visibility.
func permissionWorld(t *testing.T, adminMode bool) *runnerstest.Server {
	t.Helper()
	state := runnerstest.State{
		Settings: runnerstest.Settings{AdminMode: adminMode},
		Groups:   []runnerstest.Group{{ID: 1, Path: "elsewhere"}},
		Runners:  []runnerstest.Runner{{ID: 1}, {ID: 2, Token: "glrt-of-some-runner"}},
	}
	members := map[string]map[string]runnerstest.Role{"project": {}, "group": {}, "top": {}, "elsewhere": {}}
	for _, p := range everybody() {
		for _, standing := range []string{"active", "blocked", "blocked_pending_approval"} {
			u := p.user(standing)
			state.Users = append(state.Users, u)
			if p.place != "" {
				members[p.place][u.Username] = p.role
			}
		}
	}
	state.Groups[0].Members = members["elsewhere"]
	for i, visibility := range []string{"private", "internal", "public"} {
		base := int64(10 * (i + 1))
		top := "top-" + visibility
		state.Groups = append(state.Groups,
			runnerstest.Group{ID: base + 1, Path: top, Visibility: visibility, Members: members["top"]},
			runnerstest.Group{ID: base + 2, Path: top + "/group", Visibility: visibility, Members: members["group"]},
			runnerstest.Group{ID: base + 3, Path: "others-" + visibility, Visibility: visibility})
		state.Projects = append(state.Projects,
			runnerstest.Project{ID: base + 1, Path: top + "/group/app", Visibility: visibility, Members: members["project"]},
			runnerstest.Project{ID: base + 2, Path: "others-" + visibility + "/lib", Visibility: visibility})
		state.Runners = append(state.Runners,
			runnerstest.Runner{ID: base + 1, Groups: []int64{base + 2}},
			runnerstest.Runner{ID: base + 2, Projects: []int64{base + 1}},
			runnerstest.Runner{ID: base + 3, Projects: []int64{base + 2, base + 1}})
	}
	state.Runners[3].Jobs = []runnerstest.Job{{Status: "running", Token: "glcbt-of-some-job"}}
	srv := runnerstest.NewServer(t, nil)
	require.NoError(t, srv.Restore(state))
	return srv
}

// user makes an account of the person, with a token of each sort.
func (p person) user(state string) runnerstest.User {
	u := runnerstest.User{Username: p.name, State: state, Admin: p.name == "admin", Auditor: p.name == "auditor"}
	if state != "active" {
		credential := map[string]string{"blocked": "blocked", "blocked_pending_approval": "pending"}[state]
		u.Username += "-" + credential
		u.Tokens = []runnerstest.AccessToken{{Token: secretOf(p.name, credential, "api")}}
		return u
	}
	for _, scopes := range scopeSets {
		for _, kind := range good {
			u.Tokens = append(u.Tokens, runnerstest.AccessToken{
				Token: secretOf(p.name, kind, scopes), Kind: kind, Scopes: strings.Fields(scopes),
			})
		}
	}
	u.Tokens = append(u.Tokens,
		runnerstest.AccessToken{Token: secretOf(p.name, "expired", "api"), ExpiresAt: runnerstest.Ago(time.Hour)},
		runnerstest.AccessToken{Token: secretOf(p.name, "revoked", "api"), Revoked: true})
	return u
}
