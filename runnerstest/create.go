// POST /user/runners: a runner that a user creates, and the life of its token.

package runnerstest

import (
	"net/http"
	"time"

	"github.com/seed-832548de/runners"
)

func createParams() declared {
	return declared{
		group: "create",
		params: []param{
			{name: "runner_type", required: true, values: types()},
			{name: "group_id", kind: integerKind, needed: creates(runners.GroupType)},
			{name: "project_id", kind: integerKind, needed: creates(runners.ProjectType)},
			{name: "description"},
			{name: "maintenance_note"},
			{name: "paused", kind: booleanKind},
			{name: "locked", kind: booleanKind},
			{name: "access_level", values: accessLevels()},
			{name: "run_untagged", kind: booleanKind},
			{name: "tag_list", kind: listKind},
			{name: "maximum_timeout", kind: integerKind, check: fitsColumn},
			{name: "token_expires_at", kind: momentKind},
			{name: "token_rotation_deadline", kind: momentKind},
		},
	}
}

// creates reports whether the request asks for a runner of a type.
func creates(kind runners.RunnerType) func(*request) bool {
	return func(q *request) bool {
		asked, _ := q.text("runner_type")
		return asked == string(kind)
	}
}

// findTarget looks up the group or project that shall have the runner.
func findTarget(q *request) *refusal {
	kind, _ := q.text("runner_type")
	group, ofGroup := q.integer("group_id")
	project, ofProject := q.integer("project_id")
	switch forGroup, forProject := kind == string(runners.GroupType), kind == string(runners.ProjectType); {
	case ofGroup && !forGroup:
		return notModelled("group_id together with runner_type " + kind + " is not played.")
	case ofProject && !forProject:
		return notModelled("project_id together with runner_type " + kind + " is not played.")
	case forGroup:
		return q.targetGroup(group)
	case forProject:
		return q.targetProject(project)
	default:
		return nil
	}
}

func (q *request) targetGroup(id int64) *refusal {
	if q.group = q.world.groups.get(id); q.group == nil {
		return refuse(http.StatusBadRequest, "400 Bad request - Missing/invalid group")
	}
	return nil
}

func (q *request) targetProject(id int64) *refusal {
	if q.project = q.world.projects.get(id); q.project == nil {
		return refuse(http.StatusBadRequest, "400 Bad request - Missing/invalid project")
	}
	return nil
}

// The bounds of a life that the caller chooses for a token.
const (
	leastLife = 5 * time.Minute
	mostLife  = 15 * 24 * time.Hour
)

// lifeChosen checks the end and the rotation deadline that the caller chose
// for the token. Without a licence GitLab ignores both.
func lifeChosen(q *request) *refusal {
	if !q.licensed() {
		delete(q.args, "token_expires_at")
		delete(q.args, "token_rotation_deadline")
		return nil
	}
	expiry, deadline := q.moment("token_expires_at"), q.moment("token_rotation_deadline")
	latest := q.latestExpiry()
	text := ""
	switch {
	case expiry.IsZero() && deadline.IsZero():
	case expiry.IsZero():
		text = "token_expires_at is required when token_rotation_deadline is specified"
	case expiry.Before(q.now.Add(leastLife)):
		text = "token_expires_at must be at least 5 minutes in the future"
	case expiry.After(latest):
		text = "token_expires_at is too far in the future (maximum is " + latest.Format(time.RFC3339) + ")"
	case deadline.After(expiry):
		text = "token_rotation_deadline must be less than or equal to token_expires_at"
	case !deadline.IsZero() && deadline.Before(q.now):
		text = "token_rotation_deadline cannot be in the past"
	}
	if text != "" {
		return refuse(http.StatusBadRequest, "400 Bad request - "+text)
	}
	return nil
}

func (v *view) licensed() bool { return v.world.plan == "premium" || v.world.plan == "ultimate" }

// latestExpiry is the latest end that the caller may choose.
func (q *request) latestExpiry() time.Time {
	latest := q.now.Add(mostLife)
	if set := q.tokenExpiry(q.newRunner()); !set.IsZero() && set.Before(latest) {
		return set
	}
	return latest
}

// newRunner returns a runner of the type and for the target that were given.
func (q *request) newRunner() *runner {
	kind, _ := q.text("runner_type")
	r := &runner{kind: runners.RunnerType(kind), group: q.group, createdByUser: true, createdBy: q.user}
	if q.project != nil {
		r.assignments = []*assignment{{project: q.project, updatedAt: q.now}}
	}
	return r
}

func postRunner(q *request) (reply, *refusal) {
	r := q.newRunner()
	q.created(r)
	if violations := append(q.violationsOf(r, true), q.limitViolations(r)...); violations != nil {
		return reply{}, refuse(http.StatusBadRequest, "400 Bad request - "+sentences(violations))
	}
	r.tokenExpiresAt = instantOf(q.tokenExpiry(r))
	if chosen := q.moment("token_expires_at"); !chosen.IsZero() {
		r.tokenExpiresAt = instantOf(chosen)
	}
	r.rotationDeadline = instantOf(q.moment("token_rotation_deadline"))
	q.add(r)
	return show(q, http.StatusCreated, q.edition.shapes.granted, r)
}

// rotatable refuses a new token once the deadline for one has passed.
func rotatable(q *request) *refusal {
	deadline := q.runner.rotationDeadline
	if deadline == 0 || instantOf(q.now) <= deadline || !q.licensed() ||
		!q.edition.has("rule: rotation deadlines") {
		return nil
	}
	return refuseError(http.StatusForbidden, "Token rotation deadline has passed")
}

func resetByID(q *request) (reply, *refusal) {
	q.rotate()
	return show(q, http.StatusCreated, q.edition.shapes.renewed, q.runner)
}

// rotate gives the runner a new token, for which there is no deadline.
func (q *request) rotate() {
	q.newToken(q.runner)
	q.runner.rotationDeadline = 0
	q.runner.updatedAt = instantOf(q.now)
}
