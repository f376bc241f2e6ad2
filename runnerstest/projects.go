// /projects/{id}/runners: a project's runners, assigning one and taking it
// away, and the project's registration token.

package runnerstest

import (
	"net/http"
	"slices"

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

// mayAddRunners refuses to add a runner where the instance takes none for
// projects, to all but administrators.
func mayAddRunners(q *request) *refusal {
	if q.admin || slices.Contains(q.world.settings.validRegistrars, "project") ||
		!q.edition.has("rule: registrars bind assigning") {
		return nil
	}
	return forbidden("")
}

// assignable refuses a runner that cannot be assigned, or not by the caller.
func assignable(q *request) *refusal {
	switch r := q.runner; {
	case r.kind == runners.GroupType:
		return forbidden("Runner is a group runner")
	case q.admin:
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
	return refuseFaults([]fault{{"assign_to", text}})
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
	locked := q.runner.locked && !q.admin && q.edition.has("rule: locked runners stay assigned")
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
	case owned && !q.admin:
		return forbidden("No access granted")
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
	q.world.projByRegistration[q.project.registrationToken] = q.project
	return showToken(q.project.registrationToken)
}

// showToken replies with a new registration token.
func showToken(token string) (reply, *refusal) {
	return reply{status: http.StatusCreated, body: appendPair(nil, "token", token)}, nil
}
