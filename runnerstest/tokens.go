// Whatever a token in the request authenticates: registering, verifying,
// resetting and deleting a runner, deleting one of its managers, and the
// contacts that come with it.

package runnerstest

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-832548de/runners"
)

// legacySystemID is the system id of a runner process that names none.
const legacySystemID = "<legacy>"

// maxSystemID bounds a system id, in characters.
const maxSystemID = 64

// grantedFields are what whoever makes a runner learns.
func grantedFields() shape[runner] {
	return shape[runner]{
		number("id", func(r *runner) int64 { return r.id }),
		text("token", func(r *runner) string { return r.token }),
		moment("token_expires_at", func(r *runner) time.Time { return r.tokenExpiresAt.time() }),
	}
}

func tokenParam() param { return param{name: "token", required: true} }

func registerParams() declared {
	return declared{
		group: "register",
		params: []param{
			tokenParam(),
			{name: "description"},
			{name: "maintainer_note"},
			{name: "maintenance_note"},
			{name: "info", kind: hashKind},
			{name: "active", kind: booleanKind},
			{name: "paused", kind: booleanKind},
			{name: "locked", kind: booleanKind},
			{name: "access_level", values: accessLevels()},
			{name: "run_untagged", kind: booleanKind},
			{name: "tag_list", kind: listKind},
			{name: "maximum_timeout", kind: integerKind, check: fitsColumn},
		},
		exclusive: [][2]string{{"maintainer_note", "maintenance_note"}, {"active", "paused"}},
	}
}

// registrable refuses a registration token that is unknown or switched off,
// and finds the group or project that it registers for.
func registrable(q *request) *refusal {
	secret, _ := q.text("token")
	switchable := q.edition.has("rule: registration can be switched off")
	switch {
	case secret == "":
		return q.invalidRegistration()
	case switchable && !q.world.registrationAllowed:
		return registrationGone()
	case secret == q.world.registrationToken:
		return nil
	}
	q.group = q.world.groupsByRegistration[secret]
	q.project = q.world.projByRegistration[secret]
	switch {
	case !q.registers():
		return q.invalidRegistration()
	case switchable && !q.targetRegisters():
		return registrationGone()
	default:
		return nil
	}
}

// registers reports whether the instance takes registrations for what the
// token is of.
func (q *request) registers() bool {
	return q.group != nil && q.world.registers("group") && q.edition.has("rule: group runners") ||
		q.project != nil && q.world.registers("project")
}

// targetRegisters reports whether the group, or the one that the project lies
// in, takes registrations.
func (q *request) targetRegisters() bool {
	if q.project != nil {
		return q.project.group.registers()
	}
	return q.group.registers()
}

// registers reports whether a group takes registrations; its parent's word
// counts where it says nothing itself.
func (g *group) registers() bool {
	for above := range g.withAncestors {
		if above.registrationAllowed != nil {
			return *above.registrationAllowed
		}
	}
	return true
}

func (q *request) invalidRegistration() *refusal {
	if q.edition.has("rule: a refused registration says why") {
		return forbidden("invalid token supplied")
	}
	return forbidden("")
}

func registrationGone() *refusal {
	return refuse(http.StatusGone, "410 Gone - runner registration disallowed")
}

func registerRunner(q *request) (reply, *refusal) {
	r := q.registered()
	if v, ok := q.boolean("active"); ok {
		r.paused = !v
	}
	if violations := append(q.violationsOf(r, true), q.limitViolations(r)...); violations != nil {
		return reply{}, refuseViolations(violations)
	}
	r.tokenExpiresAt = instantOf(q.tokenExpiry(r))
	q.add(r)
	return show(q, http.StatusCreated, q.edition.shapes.granted, r)
}

// registered returns the runner that the parameters describe, of the type that
// the registration token gives it.
func (q *request) registered() *runner {
	r := &runner{kind: runners.InstanceType, group: q.group}
	switch {
	case q.group != nil:
		r.kind = runners.GroupType
	case q.project != nil:
		r.kind = runners.ProjectType
		r.assignments = []*assignment{{project: q.project, updatedAt: q.now}}
	}
	q.created(r)
	if v, ok := q.presentText("maintainer_note"); ok && r.maintenanceNote == nil {
		r.maintenanceNote = &v
	}
	info := q.info()
	r.name = info.text("name")
	if q.edition.has("rule: registering stores all of info") {
		told := info.about()
		told.ipAddress = q.address()
		r.about = told.orNil()
	}
	return r
}

// info returns what the process tells of itself. Most routes read it without
// declaring it.
func (q *request) info() given {
	info, _ := toHash(q.given["info"])
	hash, _ := info.(given)
	return hash
}

// text returns one of the texts, nil where there is none.
func (g given) text(name string) *string {
	if s, ok := g[name].(string); ok && s != "" {
		return &s
	}
	return nil
}

func (g given) about() about {
	return about{
		version: g.text("version"), revision: g.text("revision"),
		platform: g.text("platform"), architecture: g.text("architecture"),
	}
}

// address returns the caller's address, nil where there is none.
func (q *request) address() *string {
	host, _, err := net.SplitHostPort(q.RemoteAddr)
	if err != nil {
		return nil
	}
	return &host
}

// contact notes that a runner process was heard of: on the runner, on its
// manager, or on both.
func (q *request) contact(onRunner bool) *refusal {
	if onRunner {
		q.runner.contactedAt = instantOf(q.now)
	}
	if !q.edition.has("rule: runners have managers") {
		q.tell(q.runner.own())
		return nil
	}
	if err := q.findOrAddManager(); err != nil {
		return err
	}
	q.manager.contactedAt, q.manager.updatedAt = instantOf(q.now), instantOf(q.now)
	q.tell(&q.manager.about)
	if executor := q.info().text("executor"); executor != nil {
		q.manager.executor = executor
	}
	return nil
}

// tell stores what the process tells of itself: the address always, the rest
// where there is any.
func (q *request) tell(a *about) {
	if info := q.info(); len(info) > 0 {
		*a = info.about()
	}
	a.ipAddress = q.address()
}

// findOrAddManager finds the manager of the runner that asks by its system id.
//
// inferred: the answer to a system id that is blank or too long.
func (q *request) findOrAddManager() *refusal {
	id, given := q.given["system_id"].(string)
	switch {
	case !given:
		id = legacySystemID
	case strings.TrimSpace(id) == "":
		return refuseViolations([]violation{{"system_xid", "can't be blank"}})
	case utf8.RuneCountInString(id) > maxSystemID:
		return refuseViolations(tooLong("system_xid", &id, maxSystemID))
	}
	if q.manager = q.runner.managerNamed(id); q.manager != nil {
		return nil
	}
	m := &manager{
		id: q.world.managers.next(), runner: q.runner, systemID: id,
		createdAt: instantOf(q.now), unfinished: true,
	}
	q.world.managers.put(m.id, m)
	q.runner.managers = append(q.runner.managers, m)
	q.manager = m
	return nil
}

// notOrphaned refuses runners without an owner, as a few versions did.
func notOrphaned(q *request) *refusal {
	r := q.runner
	orphan := r.kind == runners.ProjectType && len(r.assignments) == 0 ||
		r.kind == runners.GroupType && r.group == nil
	if orphan && q.edition.has("rule: orphans do not verify") {
		return forbidden("Runner is orphaned")
	}
	return nil
}

func verifyRunner(q *request) (reply, *refusal) {
	silent := q.runner.createdByUser &&
		q.edition.has("rule: verifying a created runner is no contact")
	if err := q.contact(!silent); err != nil {
		return reply{}, err
	}
	if !q.edition.has("rule: verify answers an object") {
		return reply{status: http.StatusOK, body: []byte("200")}, nil
	}
	return show(q, http.StatusOK, q.edition.shapes.granted, q.runner)
}

func resetByToken(q *request) (reply, *refusal) {
	if err := q.contact(true); err != nil {
		return reply{}, err
	}
	q.rotate()
	return show(q, http.StatusCreated, q.edition.shapes.renewed, q.runner)
}

// findManager looks up the manager of the runner that the system id names.
func findManager(q *request) *refusal {
	id, _ := q.text("system_id")
	if q.manager = q.runner.managerNamed(id); q.manager == nil {
		return refuse(http.StatusNotFound, "404 Runner manager not found Not Found")
	}
	return nil
}

func destroyManager(q *request) (reply, *refusal) {
	q.world.managers.remove(q.manager.id)
	q.runner.managers = slices.DeleteFunc(q.runner.managers, func(m *manager) bool {
		return m == q.manager
	})
	for _, j := range q.runner.jobs {
		if j.systemID != nil && *j.systemID == q.manager.systemID {
			j.systemID = nil // inferred: what it ran is no longer tied to it
		}
	}
	if len(q.runner.managers) == 0 {
		q.runner.contactedAt = 0
	}
	return noContent()
}
