// /runners: the lists, one runner, its managers and its projects, and how a
// runner, a manager and a project look.

package runnerstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

// shapes are the objects of the answers, as one version shows them.
type shapes struct {
	listed     shape[runner]
	details    shape[runner]
	updated    shape[runner]
	legacy     shape[runner]
	identity   shape[runner] // id and token of the legacy API
	granted    shape[runner] // id, token and its end
	renewed    shape[runner] // token and its end
	manager    shape[manager]
	project    shape[project]
	jobProject shape[project]
	job        shape[job]
	creator    shape[user]
	jobUser    shape[user]
	user       shape[user]
}

func newShapes(e *edition) shapes {
	granted := kept(e, "token", grantedFields())
	details := slices.Concat(listedFields(), detailFields())
	return shapes{
		listed:     kept(e, "runner", listedFields()),
		details:    kept(e, "runner", slices.Clone(details)),
		updated:    kept(e, "updated runner", kept(e, "runner", details)),
		legacy:     kept(e, "legacy runner", legacyFields()),
		identity:   grantedFields()[:2],
		granted:    granted,
		renewed:    granted.without("id"),
		manager:    kept(e, "manager", managerFields()),
		project:    kept(e, "project", projectFields()),
		jobProject: projectFields()[:7],
		job:        kept(e, "job", jobFields()),
		creator:    basicUserFields(),
		jobUser:    jobUserFields(),
		user:       currentUserFields(),
	}
}

// listedFields are what a list shows of a runner.
func listedFields() shape[runner] {
	return shape[runner]{
		number("id", func(r *runner) int64 { return r.id }),
		text("description", func(r *runner) string { return r.description }),
		{name: "ip_address", append: appendAddress},
		flag("active", func(r *runner) bool { return !r.paused }),
		flag("paused", func(r *runner) bool { return r.paused }),
		flag("is_shared", func(r *runner) bool { return r.kind == runners.InstanceType }),
		text("runner_type", func(r *runner) string { return string(r.kind) }),
		maybeText("name", func(r *runner) *string { return r.name }),
		{name: "online", append: appendOnline},
		{name: "created_by", append: appendCreator, when: hasCreator},
		moment("created_at", func(r *runner) time.Time { return r.createdAt.time() }),
		seen("status", func(v *view, r *runner) string { return v.runnerStatus(r) }),
		text("job_execution_status", func(r *runner) string { return executionOf(r.jobs, nil) }),
	}
}

// detailFields are what is shown of one runner beside.
func detailFields() shape[runner] {
	return shape[runner]{
		texts("tag_list", func(r *runner) []string { return r.tagList }),
		flag("run_untagged", func(r *runner) bool { return r.runUntagged }),
		flag("locked", func(r *runner) bool { return r.locked }),
		{name: "maximum_timeout", append: appendTimeout},
		text("access_level", func(r *runner) string { return string(r.accessLevel()) }),
		maybeText("version", func(r *runner) *string { return r.told().version }),
		maybeText("revision", func(r *runner) *string { return r.told().revision }),
		maybeText("platform", func(r *runner) *string { return r.told().platform }),
		maybeText("architecture", func(r *runner) *string { return r.told().architecture }),
		moment("contacted_at", func(r *runner) time.Time { return r.contactedAt.time() }),
		{name: "maintenance_note", append: appendNote},
		{name: "projects", append: appendProjects, when: wantsProjects},
		{name: "groups", append: appendGroups},
		{name: "token", append: appendToken, when: showsToken},
	}
}

// told is what the runner's latest manager tells of itself, or what the runner
// itself told where no manager does.
func (r *runner) told() about {
	if m := r.latestManager(); m != nil {
		return m.about
	}
	if r.about == nil {
		return about{}
	}
	return *r.about
}

// own returns what the runner tells of itself, to be changed.
func (r *runner) own() *about {
	if r.about == nil {
		r.about = &about{}
	}
	return r.about
}

func appendAddress(b []byte, v *view, r *runner) []byte {
	switch {
	case v.rows.addressIsShown:
		return appendMaybe(b, r.told().ipAddress)
	case v.rows.addressIsText:
		return append(b, `""`...)
	default:
		return append(b, "null"...)
	}
}

func appendOnline(b []byte, v *view, r *runner) []byte {
	if r.contactedAt == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendBool(b, v.online(r.contactedAt))
}

func hasCreator(_ *view, r *runner) bool { return r.createdBy != nil }

func appendCreator(b []byte, v *view, r *runner) []byte {
	return appendObject(b, v.edition.shapes.creator, v, r.createdBy)
}

func appendTimeout(b []byte, _ *view, r *runner) []byte {
	if r.maximumTimeout == nil {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, *r.maximumTimeout, 10)
}

func appendNote(b []byte, v *view, r *runner) []byte {
	if v.edition.has("rule: maintenance_note is for updaters") && !v.can(updateRunner, r) {
		return append(b, "null"...)
	}
	return appendMaybe(b, r.maintenanceNote)
}

func wantsProjects(v *view, _ *runner) bool { return !v.withoutProjects }

// appendProjects writes the projects that have the runner, as far as they are
// the caller's business.
func appendProjects(b []byte, v *view, r *runner) []byte {
	return appendArray(b, v.edition.shapes.project, v, v.projectsOf(r, showProject))
}

// projectsOf returns the projects that have a runner and on which the one who
// looks has an ability.
func (v *view) projectsOf(r *runner, a ability) (all []*project) {
	for _, by := range r.assignments {
		if v.canIn(a, by.project) {
			all = append(all, by.project)
		}
	}
	return all
}

func appendGroups(b []byte, v *view, r *runner) []byte {
	if r.group == nil || !v.canOf(showGroup, r.group) {
		return append(b, "[]"...)
	}
	b = strconv.AppendInt(append(b, `[{"id":`...), r.group.id, 10)
	b = appendText(append(b, `,"web_url":`...), v.base+"/groups/"+r.group.fullPath)
	b = appendText(append(b, `,"name":`...), r.group.name)
	return append(b, "}]"...)
}

func showsToken(v *view, r *runner) bool { return v.can(readToken, r) }

func appendToken(b []byte, _ *view, r *runner) []byte { return appendText(b, r.token) }

// executionOf says whether a job runs, on one manager or on any.
func executionOf(jobs []*job, m *manager) string {
	for _, j := range jobs {
		here := m == nil || j.systemID != nil && *j.systemID == m.systemID
		if j.status == runners.JobRunning && here {
			return string(runners.ExecutionActive)
		}
	}
	return string(runners.ExecutionIdle)
}

func managerFields() shape[manager] {
	return shape[manager]{
		number("id", func(m *manager) int64 { return m.id }),
		text("system_id", func(m *manager) string { return m.systemID }),
		maybeText("version", func(m *manager) *string { return m.about.version }),
		maybeText("revision", func(m *manager) *string { return m.about.revision }),
		maybeText("platform", func(m *manager) *string { return m.about.platform }),
		maybeText("architecture", func(m *manager) *string { return m.about.architecture }),
		moment("created_at", func(m *manager) time.Time { return m.createdAt.time() }),
		moment("contacted_at", func(m *manager) time.Time { return m.contactedAt.time() }),
		maybeText("ip_address", func(m *manager) *string { return m.about.ipAddress }),
		seen("status", func(v *view, m *manager) string { return v.managerStatus(m) }),
		text("job_execution_status", func(m *manager) string {
			return executionOf(m.runner.jobs, m)
		}),
	}
}

func idParam() param { return param{name: "id", kind: integerKind, required: true} }

func runnerParams() declared {
	return declared{
		group:  "runner",
		params: []param{idParam(), {name: "include_projects", kind: booleanKind, fallback: true}},
	}
}

func updateParams() declared {
	return declared{
		group: "update",
		params: []param{
			idParam(),
			{name: "description"},
			{name: "active", kind: booleanKind},
			{name: "paused", kind: booleanKind},
			{name: "tag_list", kind: listKind},
			{name: "run_untagged", kind: booleanKind},
			{name: "locked", kind: booleanKind},
			{name: "access_level", values: accessLevels()},
			{name: "maximum_timeout", kind: integerKind, check: fitsColumn},
			{name: "maintenance_note"},
		},
		exclusive: [][2]string{{"active", "paused"}},
		anyOf:     true,
	}
}

func accessLevels() []string {
	return []string{string(runners.NotProtected), string(runners.RefProtected)}
}

// fitsColumn refuses numbers that GitLab's database has no room for.
//
// inferred: that GitLab refuses them as invalid.
func fitsColumn(value any) string {
	if n, _ := value.(int64); n > 1<<31-1 || n < -1<<31 {
		return "is invalid"
	}
	return ""
}

func listOwned(q *request) (reply, *refusal) {
	return q.listRunners(q.world.runners.rows, func(r *runner) bool { return q.can(ownRunner, r) })
}

func listAll(q *request) (reply, *refusal) {
	return q.listRunners(q.world.runners.rows, nil)
}

func getRunner(q *request) (reply, *refusal) {
	include, given := q.boolean("include_projects")
	q.withoutProjects = given && !include
	return show(q, http.StatusOK, q.edition.shapes.details, q.runner)
}

func putRunner(q *request) (reply, *refusal) {
	changed := *q.runner
	q.change(&changed)
	if violations := q.violationsOf(&changed, !slices.Equal(changed.tagList, q.runner.tagList)); violations != nil {
		return reply{}, refuseViolations(violations)
	}
	*q.runner = changed
	q.runner.updatedAt = instantOf(q.now)
	q.tick(q.runner)
	return show(q, http.StatusOK, q.edition.shapes.updated, q.runner)
}

// change applies the parameters of an update. What is not given stays.
func (q *request) change(r *runner) {
	if v, ok := q.boolean("active"); ok {
		r.paused = !v
	}
	if v, ok := q.boolean("paused"); ok {
		r.paused = v
	}
	if v, ok := q.list("tag_list"); ok {
		r.tagList = distinct(v)
	}
	if v, ok := q.boolean("run_untagged"); ok {
		r.runUntagged = v
	}
	if v, ok := q.boolean("locked"); ok {
		r.locked = v
	}
	if v, ok := q.text("access_level"); ok {
		r.refProtected = v == string(runners.RefProtected)
	}
	q.changeNullable(r)
}

// changeNullable applies the parameters that null clears.
//
// inferred: that it clears the description, which is empty then and not null.
func (q *request) changeNullable(r *runner) {
	if v, given := q.args["description"]; given {
		r.description, _ = v.(string)
	}
	if v, given := q.args["maximum_timeout"]; given {
		r.maximumTimeout = nil
		if n, ok := v.(int64); ok {
			r.maximumTimeout = &n
		}
	}
	if v, given := q.args["maintenance_note"]; given {
		r.maintenanceNote = nil
		if s, ok := v.(string); ok {
			r.maintenanceNote = &s
		}
	}
}

// distinct drops what is in a list already.
func distinct(tags []string) []string {
	kept := make([]string, 0, len(tags))
	for _, tag := range tags {
		if !slices.Contains(kept, tag) {
			kept = append(kept, tag)
		}
	}
	return kept
}

// notShared refuses to delete a runner of several projects, to all but
// administrators.
func notShared(q *request) *refusal {
	if len(q.runner.assignments) > 1 {
		return may(deleteShared)(q)
	}
	return nil
}

func destroyRunner(q *request) (reply, *refusal) {
	q.world.removeRunner(q.runner)
	return noContent()
}

func listManagers(q *request) (reply, *refusal) {
	body := appendArray(nil, q.edition.shapes.manager, &q.view, q.runner.managers)
	return reply{status: http.StatusOK, body: body}, nil
}

func listRunnerProjects(q *request) (reply, *refusal) {
	return listed(q, q.edition.shapes.project, pageOf(q), q.projectsOf(q.runner, seeProject), nil)
}

// host returns the host that the caller asked, without a port.
func (v *view) host() string {
	_, host, _ := strings.Cut(v.base, "://")
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}
