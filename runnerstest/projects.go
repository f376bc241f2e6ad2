// /projects/{id}/runners: a project's runners, assigning one and taking it
// away, and the project's registration token.

package runnerstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

func listOfProject(q *request) (reply, *refusal) {
	p := q.project
	return q.listRunners(q.world.runners.rows, func(r *runner) bool {
		switch r.kind {
		case runners.InstanceType:
			return p.sharedRunners
		case runners.GroupType:
			return p.groupRunners && r.group != nil && p.group != nil && r.group.contains(p.group)
		case runners.ProjectType:
			return r.assignment(p) != nil
		default:
			return false
		}
	})
}

// assignable refuses a runner that cannot be assigned, or not by the caller.
func assignable(q *request) *refusal {
	switch r := q.runner; {
	case r.kind == runners.GroupType:
		return forbidden("Runner is a group runner")
	case q.can(assignFreely, r):
		return nil
	case r.locked:
		return forbidden("Runner is locked")
	default:
		return may(assignRunner)(q)
	}
}

// assign ties the runner to the project.
//
// inferred: the texts of what GitLab refuses here, and that an administrator
// who assigns an instance runner sees an internal error.
func assign(q *request) (reply, *refusal) {
	r := q.runner
	if r.kind == runners.InstanceType && !q.edition.has("rule: assigning converts instance runners") {
		return reply{}, refuse(http.StatusInternalServerError, "500 Internal Server Error")
	}
	switch {
	case r.assignment(q.project) != nil:
		return reply{}, q.assignFault("Validation failed: Runner projects runner has already been taken")
	case q.edition.has("rule: plan limits") && q.projectIsFull(q.project):
		return reply{}, q.assignFault("Validation failed: " + q.projectLimitText())
	case r.kind == runners.ProjectType && len(r.assignments) == 0:
		return reply{}, q.assignFault("Taking over an orphaned project runner is not allowed")
	}
	r.kind = runners.ProjectType
	r.assignments = append(r.assignments, &assignment{project: q.project, updatedAt: q.now})
	q.tick(r)
	return show(q, http.StatusCreated, q.edition.shapes.listed, r)
}

func (q *request) assignFault(text string) *refusal {
	if q.edition.has("rule: assigning fails with a text") {
		return refuse(http.StatusBadRequest, "Assign to "+text+" - runner_error")
	}
	return refuseViolations([]violation{{"assign_to", text}})
}

// findAssigned looks up the runner among those of the project.
func findAssigned(q *request) *refusal {
	id, _ := q.integer("runner_id")
	r := q.world.runners.get(id)
	if r == nil || r.assignment(q.project) == nil {
		return refuse(http.StatusNotFound, "404 Runner Not Found")
	}
	q.runner = r
	return nil
}

// unassignable refuses to take a runner away as its version does: first the
// last project kept its runner, then the owner project did, then a right on
// the runner was asked for too.
func unassignable(q *request) *refusal {
	owned := q.runner.owner() == q.project
	locked := q.runner.locked && !q.can(assignFreely, q.runner) && q.edition.has("rule: locked runners stay assigned")
	switch {
	case q.edition.has("rule: unassigning needs a right on the runner"):
		return q.unassignableByRight(owned, locked)
	case !q.edition.has("rule: owner projects stay assigned") && len(q.runner.assignments) == 1:
		return forbidden("Only one project associated with the runner. Please remove the runner instead")
	case locked:
		return forbidden("User not allowed to assign runner")
	case owned && q.edition.has("rule: owner projects stay assigned"):
		return ownerStays()
	default:
		return nil
	}
}

func (q *request) unassignableByRight(owned, locked bool) *refusal {
	switch {
	case locked:
		return forbidden("Runner is locked")
	case owned && !q.can(assignFreely, q.runner):
		return forbidden(denied)
	case owned:
		return ownerStays()
	default:
		return nil
	}
}

func ownerStays() *refusal {
	return forbidden("You cannot unassign a runner from the owner project. Delete the runner instead")
}

func unassign(q *request) (reply, *refusal) {
	q.runner.assignments = slices.DeleteFunc(q.runner.assignments, func(a *assignment) bool {
		return a.project == q.project
	})
	q.tick(q.runner)
	return noContent()
}

// projectRegisters refuses to reset a token that nobody can register with.
func projectRegisters(q *request) *refusal {
	if err := instanceRegisters(q); err != nil {
		return err
	}
	if !q.project.group.registers() && q.edition.has("rule: registration can be switched off") {
		return forbidden("")
	}
	return nil
}

func resetProjectRegistration(q *request) (reply, *refusal) {
	delete(q.world.projByRegistration, q.project.registrationToken)
	q.project.registrationToken = q.world.newRegistrationToken(runners.ProjectType)
	q.world.projByRegistration.put(q.project.registrationToken, q.project)
	return showToken(q.project.registrationToken)
}

// showToken replies with a new registration token.
func showToken(token string) (reply, *refusal) {
	return reply{status: http.StatusCreated, body: appendPair(nil, "token", token)}, nil
}

// projectFields are what is shown of a project besides its runners.
func projectFields() shape[project] {
	return shape[project]{
		number("id", func(p *project) int64 { return p.id }),
		fixed[project]("description", "null"),
		text("name", func(p *project) string { return p.name }),
		text("name_with_namespace", (*project).nameWithNamespace),
		text("path", func(p *project) string { return p.path }),
		text("path_with_namespace", func(p *project) string { return p.fullPath }),
		moment("created_at", func(p *project) time.Time { return p.createdAt }),
		{name: "default_branch", when: readsCode, append: fixed[project]("", `"main"`).append},
		fixed[project]("tag_list", "[]"),
		fixed[project]("topics", "[]"),
		seen("ssh_url_to_repo", func(v *view, p *project) string {
			return "git@" + v.host() + ":" + p.fullPath + ".git"
		}),
		seen("http_url_to_repo", func(v *view, p *project) string {
			return v.base + "/" + p.fullPath + ".git"
		}),
		seen("web_url", func(v *view, p *project) string { return v.base + "/" + p.fullPath }),
		{name: "readme_url", when: readsCode, append: fixed[project]("", "null").append},
		{name: "forks_count", when: readsCode, append: fixed[project]("", "0").append},
		fixed[project]("avatar_url", "null"),
		fixed[project]("star_count", "0"),
		moment("last_activity_at", func(p *project) time.Time { return p.createdAt }),
		{name: "namespace", append: appendNamespace},
	}
}

func readsCode(v *view, p *project) bool { return v.canIn(readCode, p) }

func (p *project) nameWithNamespace() string {
	name := p.name
	for above := range p.group.withAncestors {
		name = above.name + " / " + name
	}
	if p.owner != nil {
		name = p.owner.name + " / " + name
	}
	return name
}

func appendNamespace(b []byte, v *view, p *project) []byte {
	id, name, path, kind, address := int64(0), "", p.namespacePath(), "user", v.base+"/"
	var parent *group
	switch {
	case p.group != nil:
		id, name, kind, address = p.group.id, p.group.name, "group", v.base+"/groups/"
		parent = p.group.parent
	case p.owner != nil:
		id, name = p.owner.id, p.owner.name
	}
	b = strconv.AppendInt(append(b, `{"id":`...), id, 10)
	b = appendText(append(b, `,"name":`...), name)
	b = appendText(append(b, `,"path":`...), path[strings.LastIndexByte(path, '/')+1:])
	b = appendText(append(b, `,"kind":`...), kind)
	b = appendText(append(b, `,"full_path":`...), path)
	b = append(b, `,"parent_id":`...)
	if parent != nil {
		b = strconv.AppendInt(b, parent.id, 10)
	} else {
		b = append(b, "null"...)
	}
	b = appendText(append(b, `,"avatar_url":null,"web_url":`...), address+path)
	return append(b, '}')
}
