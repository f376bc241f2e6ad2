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

// An ability is something that a user may do.
type ability string

// The abilities, by what they are about: the instance, a project, a group or a
// runner.
const (
	listAllRunners ability = "list all runners of the instance"
	resetInstance  ability = "reset the instance's registration token"
	createRunner   ability = "create a runner in the instance, a group or a project"

	seeProject    ability = "know that a project exists"
	listProject   ability = "list a project's runners"
	changeProject ability = "assign, unassign, and reset a project's registration token"
	addRunner     ability = "add a runner to a project"
	showJobs      ability = "see a project's jobs among those of a runner"
	showProject   ability = "see a project in the details of a runner"
	readCode      ability = "read a project's repository"

	seeGroup   ability = "know that a group exists"
	listGroup  ability = "list a group's runners"
	resetGroup ability = "reset a group's registration token"
	showGroup  ability = "see a group in the details of a runner"

	ownRunner    ability = "find a runner in the list of one's own"
	readRunner   ability = "read a runner, its managers and its projects"
	readJobs     ability = "read a runner's jobs"
	readToken    ability = "read a runner's token, in versions that show it"
	updateRunner ability = "update a runner and reset its token"
	deleteRunner ability = "delete a runner"
	deleteShared ability = "delete a runner of several projects"
	assignRunner ability = "assign a runner to one more project"
	assignFreely ability = "assign and unassign a runner that is locked or another's"
)

// An object is a kind of thing that abilities are about. Those of runners are
// spelled as their types.
type object string

// The objects.
const (
	theInstance    object = "the instance"
	aProject       object = "a project"
	aGroup         object = "a group"
	instanceRunner        = object(runners.InstanceType)
	groupRunner           = object(runners.GroupType)
	projectRunner         = object(runners.ProjectType)
)

// A relation is a way in which a user can stand to a thing.
type relation func(*view, thing) bool

// A thing is one object: a runner, a group, a project, or the instance, for
// which nothing is set.
type thing struct {
	runner  *runner
	group   *group
	project *project
}

// A right says who has an ability. One of the relations is enough; no relation
// means nobody.
type right struct {
	refusal string // what GitLab tells the others, after 403 Forbidden
	of      map[object][]relation
}

// denied is what GitLab says of a runner.
const denied = "No access granted"

// permissions says who may do what. Who may use a token for it, the scopes of
// the route say.
var permissions = map[ability]right{
	listAllRunners: {of: map[object][]relation{theInstance: {administrator, listingAuditor}}},
	resetInstance:  {of: map[object][]relation{theInstance: {administrator}}},
	createRunner: {"Insufficient permissions", map[object][]relation{
		theInstance: {administrator},
		aGroup:      {administrator, creatingOwner},
		aProject:    {administrator, creatingMaintainer},
	}},

	seeProject: {of: map[object][]relation{
		aProject: {administrator, auditor, visitor, projectMember},
	}},
	listProject:   {of: map[object][]relation{aProject: {administrator, auditor, projectMaintainer}}},
	changeProject: {of: map[object][]relation{aProject: {administrator, projectMaintainer}}},
	addRunner:     {of: map[object][]relation{aProject: {administrator, registrar}}},
	showJobs:      {of: map[object][]relation{aProject: {administrator, auditor, projectReporter}}},
	showProject:   {of: map[object][]relation{aProject: {administrator, auditor, projectMember}}},
	readCode: {of: map[object][]relation{
		aProject: {administrator, auditor, visitor, projectReporter},
	}},

	seeGroup: {of: map[object][]relation{
		aGroup: {administrator, auditor, visitor, groupMember, memberBelow},
	}},
	listGroup:  {of: map[object][]relation{aGroup: {administrator, auditor, listingMember}}},
	resetGroup: {of: map[object][]relation{aGroup: {administrator, groupOwner}}},
	showGroup:  {of: map[object][]relation{aGroup: {administrator, auditor, groupMember}}},

	ownRunner: {of: map[object][]relation{
		instanceRunner: {},
		groupRunner:    {groupOwner},
		projectRunner:  {anyMaintainer},
	}},
	readRunner: {denied, map[object][]relation{
		instanceRunner: {anyone},
		groupRunner:    {administrator, auditor, groupMaintainer, maintainerBelow},
		projectRunner:  {administrator, auditor, anyMaintainer},
	}},
	readJobs: {denied, map[object][]relation{
		instanceRunner: {administrator, auditor},
		groupRunner:    {administrator, auditor, groupMaintainer},
		projectRunner:  {administrator, auditor, ownerMaintainer, sharedMaintainer},
	}},
	readToken: {of: map[object][]relation{
		instanceRunner: {administrator},
		groupRunner:    {anyone},
		projectRunner:  {anyone},
	}},
	updateRunner: {denied, map[object][]relation{
		instanceRunner: {administrator},
		groupRunner:    {administrator, groupOwner},
		projectRunner:  {administrator, ownerMaintainer, sharedMaintainer},
	}},
	deleteRunner: {denied, map[object][]relation{
		instanceRunner: {administrator},
		groupRunner:    {administrator, groupOwner},
		projectRunner:  {administrator, soleMaintainer},
	}},
	deleteShared: {"Runner associated with more than one project", map[object][]relation{
		projectRunner: {administrator},
	}},
	assignRunner: {denied, map[object][]relation{
		instanceRunner: {},
		groupRunner:    {},
		projectRunner:  {administrator, ownerMaintainer, sharedMaintainer},
	}},
	assignFreely: {denied, map[object][]relation{
		instanceRunner: {administrator},
		groupRunner:    {},
		projectRunner:  {administrator},
	}},
}

// can reports whether the one who looks has an ability on a runner.
func (v *view) can(a ability, r *runner) bool {
	return v.stands(a, object(r.kind), thing{runner: r, group: r.group})
}

// canIn reports whether the one who looks has an ability on a project.
func (v *view) canIn(a ability, p *project) bool {
	return v.stands(a, aProject, thing{project: p})
}

// canOf reports whether the one who looks has an ability on a group.
func (v *view) canOf(a ability, g *group) bool {
	return v.stands(a, aGroup, thing{group: g})
}

func (v *view) stands(a ability, o object, t thing) bool {
	for _, stands := range permissions[a].of[o] {
		if stands(v, t) {
			return true
		}
	}
	return false
}

// allowed reports whether the caller has an ability on what the request is
// about: of the things found, the first that the ability knows.
func (q *request) allowed(a ability) bool {
	of := permissions[a].of
	switch {
	case q.runner != nil && of[object(q.runner.kind)] != nil:
		return q.can(a, q.runner)
	case q.project != nil && of[aProject] != nil:
		return q.canIn(a, q.project)
	case q.group != nil && of[aGroup] != nil:
		return q.canOf(a, q.group)
	default:
		return q.stands(a, theInstance, thing{})
	}
}

// anyone is every user who is signed in.
func anyone(v *view, _ thing) bool { return v.user != nil }

func administrator(v *view, _ thing) bool { return v.admin }

// auditor is a user who may read everything and change nothing.
func auditor(v *view, _ thing) bool { return v.user != nil && v.user.auditor }

// listingAuditor is an auditor in the versions that let them list all runners.
func listingAuditor(v *view, t thing) bool {
	return auditor(v, t) && v.edition.has("rule: auditors list all runners")
}

// visitor is someone for whom a project or group is open.
func visitor(v *view, t thing) bool {
	visibility := ""
	switch {
	case t.project != nil:
		visibility = t.project.visibility
	case t.group != nil:
		visibility = t.group.visibility
	}
	return visibility == "public" || visibility == "internal" && v.user != nil
}

func projectMember(v *view, t thing) bool { return v.roleInProject(t.project) > 0 }

func projectReporter(v *view, t thing) bool { return v.roleInProject(t.project) >= Reporter }

func projectMaintainer(v *view, t thing) bool { return v.roleInProject(t.project) >= Maintainer }

func groupMember(v *view, t thing) bool { return v.roleIn(t.group) > 0 }

// memberBelow is a member of a project below the group.
func memberBelow(v *view, t thing) bool {
	return anyProjectBelow(t.group, func(p *project) bool { return v.roleInProject(p) > 0 })
}

// groupMaintainer is a maintainer of the group, or of one above it.
func groupMaintainer(v *view, t thing) bool { return v.roleIn(t.group) >= Maintainer }

// groupOwner is an owner of the group, or of one above it.
func groupOwner(v *view, t thing) bool { return v.roleIn(t.group) >= Owner }

// listingMember is a maintainer of the group, in old versions an owner.
func listingMember(v *view, t thing) bool {
	if v.edition.has("rule: maintainers list a group's runners") {
		return groupMaintainer(v, t)
	}
	return groupOwner(v, t)
}

// creatingOwner is an owner of the group where groups may have new runners.
func creatingOwner(v *view, t thing) bool { return groupOwner(v, t) && v.world.registers("group") }

// creatingMaintainer is a maintainer of the project where projects may have
// new runners.
func creatingMaintainer(v *view, t thing) bool {
	return projectMaintainer(v, t) && v.world.registers("project")
}

// registrar is everyone where projects may have new runners.
func registrar(v *view, _ thing) bool {
	return v.world.registers("project") || !v.edition.has("rule: registrars bind assigning")
}

// registers reports whether the instance takes new runners for "project" or
// "group".
func (w *world) registers(kind string) bool {
	return slices.Contains(w.settings.validRegistrars, kind)
}

// maintainerBelow is a maintainer of a project below the runner's group that
// uses its groups' runners.
func maintainerBelow(v *view, t thing) bool {
	return anyProjectBelow(t.group, func(p *project) bool {
		return p.groupRunners && v.roleInProject(p) >= Maintainer
	})
}

// anyMaintainer is a maintainer of any project that has the runner.
func anyMaintainer(v *view, t thing) bool {
	for _, a := range t.runner.assignments {
		if v.roleInProject(a.project) >= Maintainer {
			return true
		}
	}
	return false
}

// ownerMaintainer is a maintainer of the project that owns the runner.
func ownerMaintainer(v *view, t thing) bool {
	owner := t.runner.owner()
	return owner != nil && v.roleInProject(owner) >= Maintainer
}

// sharedMaintainer is a maintainer of any of the several projects that have
// the runner.
func sharedMaintainer(v *view, t thing) bool {
	return len(t.runner.assignments) > 1 && anyMaintainer(v, t)
}

// soleMaintainer is a maintainer of the only project that has the runner.
func soleMaintainer(v *view, t thing) bool {
	return len(t.runner.assignments) == 1 && anyMaintainer(v, t)
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
