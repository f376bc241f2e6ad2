// /groups/{id}/runners: a group's runners, and its registration token.

package runnerstest

import "github.com/seed-832548de/runners"

func listOfGroup(q *request) (reply, *refusal) {
	g := q.group
	return q.listRunners(q.world.runners.rows, func(r *runner) bool {
		switch r.kind {
		case runners.InstanceType:
			return g.sharedRunners
		case runners.GroupType:
			return r.group != nil && r.group.contains(g)
		case runners.ProjectType:
			return false
		default:
			return false
		}
	})
}

// groupRegisters refuses to reset a token that nobody can register with.
func groupRegisters(q *request) *refusal {
	if err := instanceRegisters(q); err != nil {
		return err
	}
	if !q.group.registers() && q.edition.has("rule: registration can be switched off") {
		return forbidden("")
	}
	return nil
}

func resetGroupRegistration(q *request) (reply, *refusal) {
	delete(q.world.groupsByRegistration, q.group.registrationToken)
	q.group.registrationToken = q.world.newRegistrationToken(runners.GroupType)
	q.world.groupsByRegistration.put(q.group.registrationToken, q.group)
	return showToken(q.group.registrationToken)
}
