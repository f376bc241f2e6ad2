// Runners, their managers and their jobs, made from specs.

package runnerstest

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-832548de/runners"
)

func (l *loader) runner(spec Runner) *runner {
	r := &runner{
		kind:             l.runnerType(spec),
		description:      spec.Description,
		name:             orNull(spec.Name),
		tokenExpiresAt:   instantOf(l.time("token_expires_at", spec.TokenExpiresAt)),
		rotationDeadline: instantOf(l.time("token_rotation_deadline", spec.TokenRotationDeadline)),
		tagList:          l.tags(spec.TagList),
		paused:           spec.Paused,
		locked:           spec.Locked,
		runUntagged:      orTrue(spec.RunUntagged),
		refProtected:     l.accessLevel(spec.AccessLevel) == runners.RefProtected,
		maximumTimeout:   l.between("maximum_timeout", spec.MaximumTimeout, 600),
		maintenanceNote:  copied(spec.MaintenanceNote),
		createdBy:        l.userNamed("created_by", spec.CreatedBy),
		about: about{
			version: orNull(spec.Version), revision: orNull(spec.Revision), platform: orNull(spec.Platform),
			architecture: orNull(spec.Architecture), ipAddress: orNull(spec.IPAddress),
		}.orNil(),
		queueValue:     spec.QueueValue,
		queueValueMade: instantOf(l.time("queue_value_at", spec.QueueValueAt)),
	}
	if !r.runUntagged && len(r.tagList) == 0 {
		l.faultf("run_untagged", "must not be false without tags")
	}
	eachSpec(l, "managers", spec.Managers, func(m Manager) { l.manager(r, m) })
	l.times(r, spec)
	l.owners(r, spec)
	eachSpec(l, "jobs", spec.Jobs, func(j Job) { l.jobOf(r, j) })
	l.credentials(r, spec)
	if l.err == nil {
		r.id = l.take(&l.runners, spec.ID)
		l.world.linkRunner(r)
	}
	return r
}

// runnerType returns the type that a spec names, or the one that it means.
func (l *loader) runnerType(spec Runner) runners.RunnerType {
	kind := spec.Type
	switch {
	case kind != "":
	case len(spec.Projects) > 0:
		kind = runners.ProjectType
	case len(spec.Groups) > 0:
		kind = runners.GroupType
	default:
		kind = runners.InstanceType
	}
	return runners.RunnerType(l.oneOf("runner_type", string(kind), types()...))
}

func (l *loader) accessLevel(level runners.AccessLevel) runners.AccessLevel {
	return runners.AccessLevel(l.oneOf("access_level",
		string(cmp.Or(level, runners.NotProtected)), accessLevels()...))
}

// tags drops duplicates.
func (l *loader) tags(list []string) []string {
	var tags []string
	for i, tag := range list {
		if strings.TrimSpace(tag) == "" {
			l.faultf(element("tag_list", i), "must not be empty")
		}
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// times sets when a runner was made and heard of.
func (l *loader) times(r *runner, spec Runner) {
	r.contactedAt = instantOf(l.time("contacted_at", spec.ContactedAt))
	if m := r.latestManager(); m != nil && spec.ContactedAt.IsZero() {
		r.contactedAt = m.contactedAt
	}
	r.createdAt = cmp.Or(instantOf(l.time("created_at", spec.CreatedAt)), l.made(r.contactedAt))
	r.updatedAt = cmp.Or(instantOf(l.time("updated_at", spec.UpdatedAt)), r.createdAt)
	r.finished = r.contactedAt != 0
	if spec.CreationFinished != nil {
		r.finished = *spec.CreationFinished
	}
}

// made is when something was made that made this contact.
func (l *loader) made(contacted instant) instant {
	return instantOf(earliest(l.now, contacted.time()))
}

// earliest returns the first of the times that are not zero.
func earliest(now time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if !t.IsZero() && t.Before(now) {
			now = t
		}
	}
	return now
}

// owners ties a runner to its projects or its group.
func (l *loader) owners(r *runner, spec Runner) {
	switch {
	case r.kind != runners.ProjectType && len(spec.Projects) > 0:
		l.faultf("projects", "only a project_type runner has projects")
	case r.kind != runners.GroupType && len(spec.Groups) > 0:
		l.faultf("groups", "only a group_type runner has a group")
	case r.kind == runners.ProjectType && spec.Projects == nil:
		l.faultf("projects", "a project_type runner needs at least one")
	case r.kind == runners.GroupType && len(spec.Groups) != 1:
		l.faultf("groups", "a group_type runner needs exactly one")
	case len(spec.AssignedAt) > 0 && len(spec.AssignedAt) != len(spec.Projects):
		l.faultf("assigned_at", "needs as many times as there are projects")
	}
	for i, id := range spec.Groups {
		if r.group = l.world.groups.get(id); r.group == nil {
			l.faultf(element("groups", i), "no group %d", id)
		}
	}
	for i, id := range spec.Projects {
		since := r.createdAt.time()
		if i < len(spec.AssignedAt) {
			since = cmp.Or(l.time(element("assigned_at", i), spec.AssignedAt[i]), since)
		}
		l.assign(r, i, id, since)
	}
}

// assign ties a project runner to the ith of its projects.
func (l *loader) assign(r *runner, i int, id int64, since time.Time) {
	p := l.world.projects.get(id)
	switch {
	case p == nil:
		l.faultf(element("projects", i), "no project %d", id)
	case r.assignment(p) != nil:
		l.faultf(element("projects", i), "project %d stands here twice", id)
	default:
		r.assignments = append(r.assignments, &assignment{project: p, updatedAt: since})
	}
}

// credentials sets a runner's token, and who made the runner.
func (l *loader) credentials(r *runner, spec Runner) {
	r.createdByUser = spec.Token == "" || strings.HasPrefix(spec.Token, "glrt-")
	if spec.Registered != nil {
		r.createdByUser = !*spec.Registered
	}
	r.token = l.secret(spec.Token, func() string { return l.world.newRunnerToken(r) })
	if spec.Registered == nil {
		r.createdByUser = strings.HasPrefix(r.token, "glrt-")
	}
}

// linkRunner adds a runner with its managers and jobs.
func (w *world) linkRunner(r *runner) {
	w.runners.put(r.id, r)
	w.runnersByToken.put(r.token, r)
	for _, m := range r.managers {
		w.managers.put(m.id, m)
	}
	for _, j := range r.jobs {
		w.jobs.put(j.id, j)
	}
}

// manager makes a manager of r, and does not put it into the world yet.
func (l *loader) manager(r *runner, spec Manager) *manager {
	m := &manager{
		id:       l.take(&l.managers, spec.ID),
		runner:   r,
		systemID: spec.SystemID,
		about: about{
			version: orNull(spec.Version), revision: orNull(spec.Revision), platform: orNull(spec.Platform),
			architecture: orNull(spec.Architecture), ipAddress: orNull(spec.IPAddress),
		},
		executor:    orNull(spec.Executor),
		contactedAt: instantOf(l.time("contacted_at", spec.ContactedAt)),
		unfinished:  !orTrue(spec.CreationFinished),
	}
	m.createdAt = cmp.Or(instantOf(l.time("created_at", spec.CreatedAt)), l.made(m.contactedAt))
	m.updatedAt = cmp.Or(instantOf(l.time("updated_at", spec.UpdatedAt)), m.contactedAt, m.createdAt)
	switch {
	case strings.TrimSpace(spec.SystemID) == "":
		l.faultf("system_id", "is required")
	case utf8.RuneCountInString(spec.SystemID) > maxSystemID:
		l.faultf("system_id", "is longer than %d characters", maxSystemID)
	case r.managerNamed(spec.SystemID) != nil:
		l.faultf("system_id", "%q stands in this runner twice", spec.SystemID)
	}
	if l.err == nil {
		r.managers = insertRow(r.managers, m, func(m *manager) int64 { return m.id })
	}
	return m
}

// insertRow keeps rows in ascending order of their ids.
func insertRow[T any](rows []*T, row *T, id func(*T) int64) []*T {
	i, _ := slices.BinarySearchFunc(rows, id(row), func(other *T, id2 int64) int {
		return cmp.Compare(id(other), id2)
	})
	return slices.Insert(rows, i, row)
}

// managerOf adds a manager to a runner of the world.
func (l *loader) managerOf(runnerID int64, spec Manager) *manager {
	r := l.world.runners.get(runnerID)
	if r == nil {
		l.faultf("", "no runner %d", runnerID)
		return nil
	}
	m := l.manager(r, spec)
	if l.err == nil {
		l.world.managers.put(m.id, m)
		if m.contactedAt > r.contactedAt {
			r.contactedAt, r.finished = m.contactedAt, true
		}
	}
	return m
}

// jobOf makes a job that r took, and does not put it into the world yet.
func (l *loader) jobOf(r *runner, spec Job) *job {
	p := r.owner()
	if spec.ProjectID != 0 {
		p = l.world.projects.get(spec.ProjectID)
	}
	switch {
	case p == nil && spec.ProjectID != 0:
		l.faultf("project_id", "no project %d", spec.ProjectID)
	case p == nil:
		l.faultf("project_id", "is required")
	}
	j := l.job(spec, p, r)
	if l.err == nil {
		r.jobs = insertRow(r.jobs, j, func(j *job) int64 { return j.id })
	}
	return j
}

// jobOfAny adds a job to the runner that its spec names, or to those that
// wait.
func (l *loader) jobOfAny(spec Job) *job {
	var j *job
	if r := l.world.runners.get(spec.RunnerID); r != nil {
		j = l.jobOf(r, spec)
	} else if spec.RunnerID != 0 {
		l.faultf("runner_id", "no runner %d", spec.RunnerID)
	} else if p := l.world.projects.get(spec.ProjectID); p != nil {
		j = l.job(spec, p, nil)
	} else {
		l.faultf("project_id", "no project %d", spec.ProjectID)
	}
	if l.err == nil {
		l.world.jobs.put(j.id, j)
		l.world.wake(j)
	}
	return j
}

func (l *loader) job(spec Job, p *project, r *runner) *job {
	j := &job{
		id:             l.take(&l.jobs, spec.ID),
		status:         l.jobStatus(spec.Status, r),
		stage:          cmp.Or(spec.Stage, "test"),
		name:           cmp.Or(spec.Name, "job"),
		ref:            cmp.Or(spec.Ref, "main"),
		tag:            spec.Tag,
		tagList:        l.tags(spec.TagList),
		project:        p,
		runner:         r,
		systemID:       orNull(spec.SystemID),
		user:           l.userNamed("user", spec.User),
		webURL:         orNull(spec.WebURL),
		coverage:       l.amount("coverage", spec.Coverage),
		allowFailure:   spec.AllowFailure,
		failureReason:  orNull(spec.FailureReason),
		startedAt:      l.time("started_at", spec.StartedAt),
		finishedAt:     l.time("finished_at", spec.FinishedAt),
		duration:       l.amount("duration", spec.Duration),
		queuedDuration: l.amount("queued_duration", spec.QueuedDuration),
		token:          spec.Token,
		traceSize:      *l.between("trace_size", &spec.TraceSize, 0),
	}
	j.createdAt = cmp.Or(l.time("created_at", spec.CreatedAt),
		earliest(l.now, j.startedAt, j.finishedAt))
	j.pipelineID = cmp.Or(spec.PipelineID, j.id)
	if j.pipelineID < 0 || j.pipelineID > maxSpecID {
		l.faultf("pipeline_id", "must be between 1 and %d", int64(maxSpecID))
	}
	switch {
	case j.systemID == nil:
	case r == nil:
		l.faultf("system_id", "is only for the jobs of a runner")
	case r.managerNamed(spec.SystemID) == nil:
		l.faultf("system_id", "no manager %.40q of this runner", spec.SystemID)
	}
	return j
}

func (l *loader) jobStatus(status runners.JobStatus, r *runner) runners.JobStatus {
	if status == "" && r == nil {
		return runners.JobPending
	}
	return runners.JobStatus(l.oneOf("status",
		string(cmp.Or(status, runners.JobCreated)), jobStatuses()...))
}

// copied returns a pointer to a copy.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}
