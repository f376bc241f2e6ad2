// Who may do what: roles, scopes and how a user stands to a runner, as tables
// that the routes read.

package runnerstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-832548de/runners"
)

// An ability is something that a user may do with a runner.
type ability string

// The abilities.
const (
	readRunner   ability = "read a runner, its managers and its projects"
	readJobs     ability = "read a runner's jobs"
	updateRunner ability = "update a runner and reset its token"
	deleteRunner ability = "delete a runner"
	assignRunner ability = "assign a runner to one more project"
)

// A relation is a way in which a user can stand to a runner.
type relation func(*view, *runner) bool

// abilities says which relations give an ability on a type of runner. One of
// them is enough; no relation means nobody.
var abilities = map[ability]map[runners.RunnerType][]relation{
	readRunner: {
		runners.InstanceType: {anyone},
		runners.GroupType:    {administrator, auditor, groupMaintainer, maintainerBelow},
		runners.ProjectType:  {administrator, auditor, anyMaintainer},
	},
	readJobs: {
		runners.InstanceType: {administrator, auditor},
		runners.GroupType:    {administrator, auditor, groupMaintainer},
		runners.ProjectType:  {administrator, auditor, ownerMaintainer, sharedMaintainer},
	},
	updateRunner: {
		runners.InstanceType: {administrator},
		runners.GroupType:    {administrator, groupOwner},
		runners.ProjectType:  {administrator, ownerMaintainer, sharedMaintainer},
	},
	deleteRunner: {
		runners.InstanceType: {administrator},
		runners.GroupType:    {administrator, groupOwner},
		runners.ProjectType:  {administrator, soleMaintainer},
	},
	assignRunner: {
		runners.InstanceType: {},
		runners.GroupType:    {},
		runners.ProjectType:  {administrator, ownerMaintainer, sharedMaintainer},
	},
}

// can reports whether the one who looks has an ability on a runner.
func (v *view) can(a ability, r *runner) bool {
	for _, stands := range abilities[a][r.kind] {
		if stands(v, r) {
			return true
		}
	}
	return false
}

// anyone is every user who is signed in.
func anyone(v *view, _ *runner) bool { return v.user != nil }

func administrator(v *view, _ *runner) bool { return v.admin }

// auditor is a user who may read everything and change nothing.
func auditor(v *view, _ *runner) bool { return v.user != nil && v.user.auditor }

// groupMaintainer is a maintainer of the runner's group, or of one above it.
func groupMaintainer(v *view, r *runner) bool { return v.roleIn(r.group) >= Maintainer }

// groupOwner is an owner of the runner's group, or of one above it.
func groupOwner(v *view, r *runner) bool { return v.roleIn(r.group) >= Owner }

// maintainerBelow is a maintainer of a project below the runner's group that
// uses its groups' runners.
func maintainerBelow(v *view, r *runner) bool {
	return anyProjectBelow(r.group, func(p *project) bool {
		return p.groupRunners && v.roleInProject(p) >= Maintainer
	})
}

// anyMaintainer is a maintainer of any project that has the runner.
func anyMaintainer(v *view, r *runner) bool {
	for _, a := range r.assignments {
		if v.roleInProject(a.project) >= Maintainer {
			return true
		}
	}
	return false
}

// ownerMaintainer is a maintainer of the project that owns the runner.
func ownerMaintainer(v *view, r *runner) bool {
	owner := r.owner()
	return owner != nil && v.roleInProject(owner) >= Maintainer
}

// sharedMaintainer is a maintainer of any of the several projects that have
// the runner.
func sharedMaintainer(v *view, r *runner) bool {
	return len(r.assignments) > 1 && anyMaintainer(v, r)
}

// soleMaintainer is a maintainer of the only project that has the runner.
func soleMaintainer(v *view, r *runner) bool {
	return len(r.assignments) == 1 && anyMaintainer(v, r)
}

// roleIn returns the role in a group, inherited from the groups above it or
// given there; 0 for none.
func (v *view) roleIn(g *group) (role Role) {
	if v.user == nil {
		return 0
	}
	for above := range g.withAncestors {
		role = max(role, above.members[v.user.id])
	}
	return role
}

// roleInProject returns the role in a project, the groups above it included.
// The user whose namespace it lies in owns it.
func (v *view) roleInProject(p *project) Role {
	switch {
	case v.user == nil:
		return 0
	case p.owner == v.user:
		return Owner
	default:
		return max(p.members[v.user.id], v.roleIn(p.group))
	}
}

// readsAll reports whether the one who looks may see every group and project.
func (v *view) readsAll() bool { return administrator(v, nil) || auditor(v, nil) }

// seesProject reports whether a project is visible; what is not answers 404.
func (v *view) seesProject(p *project) bool {
	return isOpen(v, p.visibility) || v.readsAll() || v.roleInProject(p) > 0
}

// seesGroup reports whether a group is visible, which a visible project below
// it is enough for.
func (v *view) seesGroup(g *group) bool {
	return isOpen(v, g.visibility) || v.readsAll() || v.roleIn(g) > 0 ||
		anyProjectBelow(g, func(p *project) bool { return v.roleInProject(p) > 0 })
}

func isOpen(v *view, visibility string) bool {
	return visibility == "public" || visibility == "internal" && v.user != nil
}

// anyProjectBelow reports whether a project of g or of a group below it is as
// wanted.
func anyProjectBelow(g *group, wanted func(*project) bool) bool {
	if g == nil {
		return false
	}
	return slices.ContainsFunc(g.projects, wanted) ||
		slices.ContainsFunc(g.sub, func(sub *group) bool { return anyProjectBelow(sub, wanted) })
}

// A grant is a scope of access tokens that opens routes of a class.
type grant struct {
	scope string
	when  func(*request) bool // nil = always
}

// A scopeClass is the scopes that open the routes of one class, in the order
// in which GitLab names them to a token that has none of them.
type scopeClass []grant

// The classes of routes. The scopes of a route are its entry's in routes.go.
var (
	userScopes   = scopeClass{{"read_user", isRead}, {"api", nil}, {"read_api", isRead}}
	runnerScopes = scopeClass{{"manage_runner", namesRunner}, {"api", nil}, {"read_api", isRead}}
	createScopes = scopeClass{{"create_runner", nil}, {"api", nil}, {"read_api", isRead}}
	legacyScopes = scopeClass{}
)

// isRead is the condition of the scope read_api.
func isRead(q *request) bool {
	return q.Method == http.MethodGet || q.Method == http.MethodHead
}

// namesRunner is the condition of the scope manage_runner.
func namesRunner(q *request) bool {
	return q.sent("id") && strings.HasPrefix(q.URL.Path, "/api/v4/runners/")
}

// opens reports whether a token has a scope that a route of the class wants.
// A class without scopes takes any token.
func (c scopeClass) opens(q *request, t *accessToken) bool {
	for _, g := range c {
		if q.edition.has("scope: "+g.scope) && t.hasScope(g.scope) && (g.when == nil || g.when(q)) {
			return true
		}
	}
	return len(c) == 0
}

// names lists the scopes that a version knows.
func (c scopeClass) names(e *edition) string {
	var names []string
	for _, g := range c {
		if e.has("scope: " + g.scope) {
			names = append(names, g.scope)
		}
	}
	return strings.Join(names, " ")
}

// Role is a member's role in a group or project. Its value is GitLab's access
// level.
type Role int

// The roles.
const (
	Guest      Role = 10
	Reporter   Role = 20
	Developer  Role = 30
	Maintainer Role = 40
	Owner      Role = 50
)

// String returns the role's name in lower case.
func (r Role) String() string {
	switch r {
	case Guest:
		return "guest"
	case Reporter:
		return "reporter"
	case Developer:
		return "developer"
	case Maintainer:
		return "maintainer"
	case Owner:
		return "owner"
	default:
		return fmt.Sprintf("role %d", int(r))
	}
}

// MarshalJSON writes the role's name.
func (r Role) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }

// UnmarshalJSON reads a role's name, or its access level.
func (r *Role) UnmarshalJSON(data []byte) error {
	for _, role := range []Role{Guest, Reporter, Developer, Maintainer, Owner} {
		if s := string(data); s == `"`+role.String()+`"` || s == fmt.Sprint(int(role)) {
			*r = role
			return nil
		}
	}
	return fmt.Errorf("no role %s", data)
}
