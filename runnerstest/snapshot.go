// A world becomes specs again: snapshots, and what the Add methods return.

package runnerstest

import (
	"slices"
	"time"

	"github.com/seed-832548de/runners"
)

// Snapshot returns the whole state, with absolute times. Secrets stand in it
// in clear.
func (s *Server) Snapshot() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready()
	return s.world.state()
}

// Restore puts state in place of all that the server knows, its version
// included. Offsets count from the server's present time. After an error the
// server is as it was.
func (s *Server) Restore(state State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready()
	w := newWorld()
	w.rng = s.world.rng
	if err := load(state, s.now(), w); err != nil {
		return err
	}
	s.world = w
	return nil
}

// state describes the whole world.
func (w *world) state() State {
	waiting := w.waitingJobs()
	projects := func(p *project) Project { return w.projectSpec(p, waiting[p]) }
	return State{
		GitLabVersion:          w.version.String(),
		Revision:               w.revision,
		RegistrationToken:      w.registrationToken,
		AllowRegistrationToken: new(w.registrationAllowed),
		Settings: Settings{
			AdminMode:                            w.settings.adminMode,
			ValidRunnerRegistrars:                append([]string{}, w.settings.validRegistrars...),
			RunnerTokenExpirationInterval:        copied(w.settings.instanceTokenInterval),
			GroupRunnerTokenExpirationInterval:   copied(w.settings.groupTokenInterval),
			ProjectRunnerTokenExpirationInterval: copied(w.settings.projectTokenInterval),
		},
		PlanLimits: PlanLimits{
			CIRegisteredProjectRunners: new(int64(w.limits.projectRunners)),
			CIRegisteredGroupRunners:   new(int64(w.limits.groupRunners)),
		},
		LicensePlan:      w.plan,
		MigrationBackoff: w.migrationBackoff,
		Users:            specsOf(w.users.rows, w.userSpec),
		Groups:           specsOf(w.groups.rows, w.groupSpec),
		Projects:         specsOf(w.projects.rows, projects),
		Runners:          specsOf(w.runners.rows, w.runnerSpec),
		LastIDs: LastIDs{
			Users: w.users.gone(), Groups: w.groups.gone(), Projects: w.projects.gone(),
			Runners: w.runners.gone(), Managers: w.managers.gone(), Jobs: w.jobs.gone(),
		},
	}
}

// gone returns the highest id there ever was if its row is gone, else 0.
func (t *table[T]) gone() int64 {
	if t.get(t.last) != nil {
		return 0
	}
	return t.last
}

// specsOf describes rows; it returns nil for none.
func specsOf[R, S any](rows []*R, spec func(*R) S) []S {
	var all []S
	for _, row := range rows {
		all = append(all, spec(row))
	}
	return all
}

// waitingJobs are those that no runner has, by project.
func (w *world) waitingJobs() map[*project][]*job {
	waiting := map[*project][]*job{}
	for _, j := range w.jobs.rows {
		if j.runner == nil {
			waiting[j.project] = append(waiting[j.project], j)
		}
	}
	return waiting
}

func (w *world) userSpec(u *user) User {
	return User{
		ID:       u.id,
		Username: u.username,
		Name:     u.name,
		Admin:    u.admin,
		Auditor:  u.auditor,
		State:    u.state,
		Tokens:   specsOf(u.tokens, w.tokenSpec),
	}
}

func (w *world) tokenSpec(t *accessToken) AccessToken {
	return AccessToken{
		User:      t.user.username,
		Token:     t.secret,
		Name:      t.name,
		Kind:      string(t.kind),
		Scopes:    slices.Clone(t.scopes),
		ExpiresAt: timeSpec(t.expiresAt),
		Revoked:   t.revoked,
	}
}

func (w *world) groupSpec(g *group) Group {
	spec := Group{
		ID:                                    g.id,
		Path:                                  g.fullPath,
		Slug:                                  g.path,
		Name:                                  g.name,
		Visibility:                            g.visibility,
		RunnersToken:                          g.registrationToken,
		AllowRegistrationToken:                copied(g.registrationAllowed),
		SharedRunnersEnabled:                  new(g.sharedRunners),
		Members:                               w.roles(g.members),
		RunnerTokenExpirationInterval:         copied(g.tokenInterval),
		SubgroupRunnerTokenExpirationInterval: copied(g.subgroupInterval),
		ProjectRunnerTokenExpirationInterval:  copied(g.projectTokenInterval),
	}
	if g.parent != nil {
		spec.ParentID = g.parent.id
	}
	return spec
}

// roles names members by username; it returns nil for none.
func (w *world) roles(members map[int64]Role) map[string]Role {
	if len(members) == 0 {
		return nil
	}
	roles := make(map[string]Role, len(members))
	for id, role := range members {
		roles[w.users.get(id).username] = role
	}
	return roles
}

func (w *world) projectSpec(p *project, waiting []*job) Project {
	return Project{
		ID:                            p.id,
		Path:                          p.fullPath,
		Slug:                          p.path,
		Name:                          p.name,
		Visibility:                    p.visibility,
		RunnersToken:                  p.registrationToken,
		SharedRunnersEnabled:          new(p.sharedRunners),
		GroupRunnersEnabled:           new(p.groupRunners),
		Members:                       w.roles(p.members),
		RunnerTokenExpirationInterval: copied(p.tokenInterval),
		CreatedAt:                     timeSpec(p.createdAt),
		OldPaths:                      slices.Clone(p.oldPaths),
		Jobs: specsOf(waiting, func(j *job) Job {
			spec := w.jobSpec(j)
			spec.ProjectID = 0
			return spec
		}),
	}
}

func (w *world) runnerSpec(r *runner) Runner {
	told := about{}
	if r.about != nil {
		told = *r.about
	}
	spec := Runner{
		ID:                    r.id,
		Type:                  r.kind,
		Description:           r.description,
		Name:                  orEmpty(r.name),
		Token:                 r.token,
		Registered:            new(!r.createdByUser),
		TokenExpiresAt:        timeSpec(r.tokenExpiresAt.time()),
		TokenRotationDeadline: timeSpec(r.rotationDeadline.time()),
		TagList:               slices.Clone(r.tagList),
		Paused:                r.paused,
		Locked:                r.locked,
		RunUntagged:           new(r.runUntagged),
		AccessLevel:           r.accessLevel(),
		MaximumTimeout:        copied(r.maximumTimeout),
		MaintenanceNote:       copied(r.maintenanceNote),
		CreatedAt:             timeSpec(r.createdAt.time()),
		UpdatedAt:             timeSpec(r.updatedAt.time()),
		ContactedAt:           At(r.contactedAt.time()),
		CreationFinished:      new(r.finished),
		IPAddress:             orEmpty(told.ipAddress),
		Version:               orEmpty(told.version),
		Revision:              orEmpty(told.revision),
		Platform:              orEmpty(told.platform),
		Architecture:          orEmpty(told.architecture),
		Managers:              specsOf(r.managers, w.managerSpec),
		Jobs:                  specsOf(r.jobs, w.jobSpec),
		QueueValue:            r.queueValue,
		QueueValueAt:          timeSpec(r.queueValueMade.time()),
	}
	if r.createdBy != nil {
		spec.CreatedBy = r.createdBy.username
	}
	r.describeOwners(&spec)
	return spec
}

// describeOwners names a runner's projects or its group.
func (r *runner) describeOwners(spec *Runner) {
	switch r.kind {
	case runners.ProjectType:
		spec.Projects = []int64{}
		for _, a := range r.assignments {
			spec.Projects = append(spec.Projects, a.project.id)
			spec.AssignedAt = append(spec.AssignedAt, At(a.updatedAt))
		}
	case runners.GroupType:
		spec.Groups = []int64{r.group.id}
	case runners.InstanceType:
	}
}

func (w *world) managerSpec(m *manager) Manager {
	return Manager{
		ID:           m.id,
		SystemID:     m.systemID,
		Version:      orEmpty(m.about.version),
		Revision:     orEmpty(m.about.revision),
		Platform:     orEmpty(m.about.platform),
		Architecture: orEmpty(m.about.architecture),
		IPAddress:    orEmpty(m.about.ipAddress),
		Executor:     orEmpty(m.executor),
		CreatedAt:    timeSpec(m.createdAt.time()),
		ContactedAt:  timeSpec(m.contactedAt.time()),
		UpdatedAt:    timeSpec(m.updatedAt.time()),

		CreationFinished: new(!m.unfinished),
	}
}

func (w *world) jobSpec(j *job) Job {
	spec := Job{
		ID:             j.id,
		Status:         j.status,
		Stage:          j.stage,
		Name:           j.name,
		Ref:            j.ref,
		Tag:            j.tag,
		TagList:        slices.Clone(j.tagList),
		ProjectID:      j.project.id,
		SystemID:       orEmpty(j.systemID),
		PipelineID:     j.pipelineID,
		WebURL:         orEmpty(j.webURL),
		Coverage:       copied(j.coverage),
		AllowFailure:   j.allowFailure,
		FailureReason:  orEmpty(j.failureReason),
		CreatedAt:      timeSpec(j.createdAt),
		StartedAt:      timeSpec(j.startedAt),
		FinishedAt:     timeSpec(j.finishedAt),
		Duration:       copied(j.duration),
		QueuedDuration: copied(j.queuedDuration),
		Token:          j.token,
		TraceSize:      j.traceSize,
	}
	if j.runner != nil {
		spec.RunnerID = j.runner.id
	}
	if j.user != nil {
		spec.User = j.user.username
	}
	return spec
}

// timeSpec describes a time that is left out where there is none.
func timeSpec(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return At(t)
}

// orEmpty is what p points to, "" for nil.
func orEmpty(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
