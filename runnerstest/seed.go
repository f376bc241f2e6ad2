// The seed format: what a file, a snapshot and the Add methods say about the
// state of a pretended GitLab.

package runnerstest

import "github.com/seed-832548de/runners"

// State is the whole state of a server: what a seed file says, what
// [Server.Snapshot] returns and what [Server.Restore] takes. Its JSON names
// are those of GitLab's REST API.
//
// Its zero value is an empty GitLab. Secrets stand in it in clear.
//
// Reading it from JSON is strict. An unknown name is an error, unless it
// begins with an underscore (free for comments); null is the same as absent.
type State struct {
	// GitLabVersion is the GitLab that is played, "8.2.0" to "19.1.0".
	// Default: the newest.
	GitLabVersion string `json:"gitlab_version,omitzero"`
	// Revision is what GET /version says. Default: "0000000000".
	Revision string `json:"revision,omitzero"`
	// RegistrationToken registers instance runners. Default: random.
	RegistrationToken string `json:"registration_token,omitzero"`
	// AllowRegistrationToken, where false, makes every registration with a
	// registration token end in 410. Default: true, unlike GitLab's own since
	// 17.0.
	AllowRegistrationToken *bool `json:"allow_runner_registration_token,omitzero"`
	// Settings are those of the instance.
	Settings Settings `json:"settings,omitzero"`
	// PlanLimits are those of the default plan.
	PlanLimits PlanLimits `json:"plan_limits,omitzero"`
	// LicensePlan is "free", "premium" or "ultimate". Default: "free".
	LicensePlan string `json:"license_plan,omitzero"`
	// MigrationBackoff, where true, makes the endpoints that a runner's or a
	// registration token opens answer 429, as during database migrations.
	MigrationBackoff bool `json:"migration_backoff,omitzero"`

	Users    []User    `json:"users,omitzero"`
	Groups   []Group   `json:"groups,omitzero"`
	Projects []Project `json:"projects,omitzero"`
	Runners  []Runner  `json:"runners,omitzero"`

	// LastIDs are the highest ids there ever were, where the objects that had
	// them are gone. Snapshots need them; a seed does not.
	LastIDs LastIDs `json:"last_ids,omitzero"`
}

func (s *State) fields() []specField {
	return []specField{
		{name: "gitlab_version", into: &s.GitLabVersion},
		{name: "revision", into: &s.Revision},
		{name: "registration_token", into: &s.RegistrationToken},
		{name: "allow_runner_registration_token", into: &s.AllowRegistrationToken},
		{name: "settings", into: &s.Settings},
		{name: "plan_limits", into: &s.PlanLimits},
		{name: "license_plan", into: &s.LicensePlan},
		{name: "migration_backoff", into: &s.MigrationBackoff},
		{name: "users", into: records(&s.Users)},
		{name: "groups", into: records(&s.Groups)},
		{name: "projects", into: records(&s.Projects)},
		{name: "runners", into: records(&s.Runners)},
		{name: "last_ids", into: &s.LastIDs},
	}
}

// Settings are the instance settings that bear on runners.
type Settings struct {
	// AdminMode, where true, makes an administrator's token act as one only
	// with the scope admin_mode.
	AdminMode bool `json:"admin_mode,omitzero"`
	// ValidRunnerRegistrars are the kinds of registration token that are
	// accepted, "project" and "group". Default (nil): both.
	ValidRunnerRegistrars []string `json:"valid_runner_registrars,omitzero"`
	// RunnerTokenExpirationInterval is how many seconds the authentication
	// token of an instance runner lives. Default: for ever.
	RunnerTokenExpirationInterval *int64 `json:"runner_token_expiration_interval,omitzero"`
	// GroupRunnerTokenExpirationInterval is the same for group runners.
	GroupRunnerTokenExpirationInterval *int64 `json:"group_runner_token_expiration_interval,omitzero"`
	// ProjectRunnerTokenExpirationInterval is the same for project runners.
	ProjectRunnerTokenExpirationInterval *int64 `json:"project_runner_token_expiration_interval,omitzero"`
}

func (s *Settings) fields() []specField {
	return []specField{
		{name: "admin_mode", into: &s.AdminMode},
		{name: "valid_runner_registrars", into: &s.ValidRunnerRegistrars},
		{name: "runner_token_expiration_interval", into: &s.RunnerTokenExpirationInterval},
		{name: "group_runner_token_expiration_interval", into: &s.GroupRunnerTokenExpirationInterval},
		{name: "project_runner_token_expiration_interval", into: &s.ProjectRunnerTokenExpirationInterval},
	}
}

// PlanLimits say how many runners that are not stale a project and a group may
// have; 0 = no limit. Default: 1000 each.
type PlanLimits struct {
	CIRegisteredProjectRunners *int64 `json:"ci_registered_project_runners,omitzero"`
	CIRegisteredGroupRunners   *int64 `json:"ci_registered_group_runners,omitzero"`
}

func (p *PlanLimits) fields() []specField {
	return []specField{
		{name: "ci_registered_project_runners", into: &p.CIRegisteredProjectRunners},
		{name: "ci_registered_group_runners", into: &p.CIRegisteredGroupRunners},
	}
}

// LastIDs are the highest ids that were ever given, by kind. A new object gets
// a higher one. Default: the highest id in use.
type LastIDs struct {
	Users    int64 `json:"users,omitzero"`
	Groups   int64 `json:"groups,omitzero"`
	Projects int64 `json:"projects,omitzero"`
	Runners  int64 `json:"runners,omitzero"`
	Managers int64 `json:"managers,omitzero"`
	Jobs     int64 `json:"jobs,omitzero"`
}

func (l *LastIDs) fields() []specField {
	return []specField{
		{name: "users", into: &l.Users},
		{name: "groups", into: &l.Groups},
		{name: "projects", into: &l.Projects},
		{name: "runners", into: &l.Runners},
		{name: "managers", into: &l.Managers},
		{name: "jobs", into: &l.Jobs},
	}
}

// A User is someone who may hold access tokens.
type User struct {
	ID       int64  `json:"id,omitzero"` // default: the next free one
	Username string `json:"username"`    // required
	// Name is the display name. Default: the username.
	Name    string `json:"name,omitzero"`
	Admin   bool   `json:"admin,omitzero"`
	Auditor bool   `json:"auditor,omitzero"`
	// State is "active", "blocked" or "blocked_pending_approval".
	// Default: "active".
	State  string        `json:"state,omitzero"`
	Tokens []AccessToken `json:"tokens,omitzero"`
}

func (u *User) fields() []specField {
	return []specField{
		{name: "id", into: (*specID)(&u.ID)},
		{name: "username", into: &u.Username},
		{name: "name", into: &u.Name},
		{name: "admin", into: &u.Admin},
		{name: "auditor", into: &u.Auditor},
		{name: "state", into: &u.State},
		{name: "tokens", into: records(&u.Tokens)},
	}
}

// An AccessToken is a secret that acts for its user.
type AccessToken struct {
	// User is the username of the owner, for [Server.AddToken]. In a seed the
	// token stands below its user instead.
	User string `json:"-"`
	// Token is the secret. It is required in a seed; AddToken makes one where
	// it is empty.
	Token string `json:"token"`
	// Name is what the user calls it. Default: "token".
	Name string `json:"name,omitzero"`
	// Kind is "personal" or "oauth". Default: "personal".
	Kind string `json:"kind,omitzero"`
	// Scopes say what it opens, such as "api" or "read_api". Default: "api".
	Scopes []string `json:"scopes,omitzero"`
	// ExpiresAt is a time, or in a seed a date: the token is good until that
	// day begins (UTC). Default: never.
	ExpiresAt Time `json:"expires_at,omitzero"`
	Revoked   bool `json:"revoked,omitzero"`
}

func (t *AccessToken) fields() []specField {
	return []specField{
		{name: "token", into: &t.Token},
		{name: "name", into: &t.Name},
		{name: "kind", into: &t.Kind},
		{name: "scopes", into: &t.Scopes},
		{name: "expires_at", into: dateOrTime(&t.ExpiresAt)},
		{name: "revoked", into: &t.Revoked},
	}
}

// A Group holds projects and other groups. Its members are also members of
// all that lies below it.
type Group struct {
	ID int64 `json:"id,omitzero"` // default: the next free one
	// Path is the full path, such as "acme/tools". It is required.
	Path string `json:"full_path"`
	// Slug is the last part of the path; no other value is accepted.
	Slug string `json:"path,omitzero"`
	// Name is the display name. Default: the slug.
	Name string `json:"name,omitzero"`
	// ParentID is the group that it lies in. Default: the group whose path is
	// the beginning of this one's, if there is one.
	ParentID int64 `json:"parent_id,omitzero"`
	// Visibility is "private", "internal" or "public". Default: "private".
	Visibility string `json:"visibility,omitzero"`
	// RunnersToken is the group's registration token. Default: random.
	RunnersToken string `json:"runners_token,omitzero"`
	// AllowRegistrationToken, where false, makes registrations with the
	// group's token, and its projects', end in 410. Default: the parent's
	// value, true at the top.
	AllowRegistrationToken *bool `json:"allow_runner_registration_token,omitzero"`
	// SharedRunnersEnabled says whether the group lists instance runners.
	// Default: true.
	SharedRunnersEnabled *bool `json:"shared_runners_enabled,omitzero"`
	// Members are the roles of its direct members, by username.
	Members map[string]Role `json:"members,omitzero"`
	// RunnerTokenExpirationInterval is how many seconds the authentication
	// tokens of its runners live. The smallest interval that applies wins.
	// Default: none.
	RunnerTokenExpirationInterval *int64 `json:"runner_token_expiration_interval,omitzero"`
	// SubgroupRunnerTokenExpirationInterval is the same for the runners of
	// groups below it.
	SubgroupRunnerTokenExpirationInterval *int64 `json:"subgroup_runner_token_expiration_interval,omitzero"`
	// ProjectRunnerTokenExpirationInterval is the same for the runners of
	// projects below it.
	ProjectRunnerTokenExpirationInterval *int64 `json:"project_runner_token_expiration_interval,omitzero"`
}

func (g *Group) fields() []specField {
	return []specField{
		{name: "id", into: (*specID)(&g.ID)},
		{name: "full_path", into: &g.Path},
		{name: "path", into: &g.Slug},
		{name: "name", into: &g.Name},
		{name: "parent_id", into: (*specID)(&g.ParentID)},
		{name: "visibility", into: &g.Visibility},
		{name: "runners_token", into: &g.RunnersToken},
		{name: "allow_runner_registration_token", into: &g.AllowRegistrationToken},
		{name: "shared_runners_enabled", into: &g.SharedRunnersEnabled},
		{name: "members", into: &g.Members},
		{name: "runner_token_expiration_interval", into: &g.RunnerTokenExpirationInterval},
		{name: "subgroup_runner_token_expiration_interval", into: &g.SubgroupRunnerTokenExpirationInterval},
		{name: "project_runner_token_expiration_interval", into: &g.ProjectRunnerTokenExpirationInterval},
	}
}

// A Project lies in a group or in a user's own namespace.
type Project struct {
	ID int64 `json:"id,omitzero"` // default: the next free one
	// Path is the path with its namespace, such as "acme/app". It is
	// required, and the namespace is a group's path or a username.
	Path string `json:"path_with_namespace"`
	// Slug is the last part of the path; no other value is accepted.
	Slug string `json:"path,omitzero"`
	// Name is the display name. Default: the slug.
	Name string `json:"name,omitzero"`
	// Visibility is "private", "internal" or "public". Default: "private".
	Visibility string `json:"visibility,omitzero"`
	// RunnersToken is the project's registration token. Default: random.
	RunnersToken string `json:"runners_token,omitzero"`
	// SharedRunnersEnabled says whether instance runners serve it.
	// Default: true.
	SharedRunnersEnabled *bool `json:"shared_runners_enabled,omitzero"`
	// GroupRunnersEnabled says whether its groups' runners serve it.
	// Default: true.
	GroupRunnersEnabled *bool `json:"group_runners_enabled,omitzero"`
	// Members are the roles of its direct members, by username.
	Members map[string]Role `json:"members,omitzero"`
	// RunnerTokenExpirationInterval is how many seconds the authentication
	// tokens of its runners live. Default: for ever.
	RunnerTokenExpirationInterval *int64 `json:"runner_token_expiration_interval,omitzero"`
	CreatedAt                     Time   `json:"created_at,omitzero"` // default: now
	// OldPaths are those that it had before it was moved. What is read there
	// is redirected.
	OldPaths []string `json:"old_paths,omitzero"`
	// Jobs are those that no runner has taken. Their status is "pending" by
	// default, and they have no ProjectID and no SystemID.
	Jobs []Job `json:"jobs,omitzero"`
}

func (p *Project) fields() []specField {
	return []specField{
		{name: "id", into: (*specID)(&p.ID)},
		{name: "path_with_namespace", into: &p.Path},
		{name: "path", into: &p.Slug},
		{name: "name", into: &p.Name},
		{name: "visibility", into: &p.Visibility},
		{name: "runners_token", into: &p.RunnersToken},
		{name: "shared_runners_enabled", into: &p.SharedRunnersEnabled},
		{name: "group_runners_enabled", into: &p.GroupRunnersEnabled},
		{name: "members", into: &p.Members},
		{name: "runner_token_expiration_interval", into: &p.RunnerTokenExpirationInterval},
		{name: "created_at", into: &p.CreatedAt},
		{name: "old_paths", into: &p.OldPaths},
		{name: "jobs", into: records(&p.Jobs)},
	}
}

// A Runner takes jobs. Its status follows from its times.
type Runner struct {
	ID int64 `json:"id,omitzero"` // default: the next free one
	// Type is inferred where it is empty: a project runner has projects, a
	// group runner has a group, an instance runner has neither.
	Type        runners.RunnerType `json:"runner_type,omitzero"`
	Description string             `json:"description,omitzero"`
	Name        string             `json:"name,omitzero"` // "" = null
	// Token is the authentication token. Default: random, in the form that
	// the version gives to a runner that a user created.
	Token string `json:"token,omitzero"`
	// Registered says whether the runner was registered, and not created by a
	// user. Default: true unless the token begins with "glrt-".
	Registered *bool `json:"registered,omitzero"`
	// TokenExpiresAt is when the token ends. Default: never.
	TokenExpiresAt Time `json:"token_expires_at,omitzero"`
	// TokenRotationDeadline is when the token can be reset no more, with a
	// license from premium up. Default: never.
	TokenRotationDeadline Time `json:"token_rotation_deadline,omitzero"`
	// TagList keeps its order; duplicates are dropped.
	TagList []string `json:"tag_list,omitzero"`
	Paused  bool     `json:"paused,omitzero"`
	Locked  bool     `json:"locked,omitzero"`
	// RunUntagged may be false only with tags. Default: true.
	RunUntagged *bool `json:"run_untagged,omitzero"`
	// AccessLevel has the default "not_protected".
	AccessLevel runners.AccessLevel `json:"access_level,omitzero"`
	// MaximumTimeout is in seconds, at least 600. Default: null.
	MaximumTimeout  *int64  `json:"maximum_timeout,omitzero"`
	MaintenanceNote *string `json:"maintenance_note,omitzero"` // default: null
	// CreatedAt has the default now, or ContactedAt where that is earlier.
	CreatedAt Time `json:"created_at,omitzero"`
	UpdatedAt Time `json:"updated_at,omitzero"` // default: CreatedAt
	// CreatedBy is the creator's username. Default: nobody.
	CreatedBy string `json:"created_by,omitzero"`
	// ContactedAt has the default of its managers' latest contact. [Never]
	// (in JSON, null) says that there was none whatever the managers say.
	ContactedAt Time `json:"contacted_at,omitzero"`
	// CreationFinished says that the runner has asked for a job. Default:
	// whether it made contact.
	CreationFinished *bool `json:"creation_finished,omitzero"`

	// What the runner says of itself, shown where no manager says it; "" =
	// null.
	IPAddress    string `json:"ip_address,omitzero"`
	Version      string `json:"version,omitzero"`
	Revision     string `json:"revision,omitzero"`
	Platform     string `json:"platform,omitzero"`
	Architecture string `json:"architecture,omitzero"`

	// Projects are those of a project runner, by id. The first one owns it.
	// Empty and not nil, with the type named, it makes an orphaned runner.
	Projects []int64 `json:"projects,omitzero"`
	// AssignedAt says when the assignments to Projects last changed, in the
	// same order. Default: CreatedAt.
	AssignedAt []Time `json:"assigned_at,omitzero"`
	// Groups is the one group of a group runner, by id.
	Groups   []int64   `json:"groups,omitzero"`
	Managers []Manager `json:"managers,omitzero"`
	Jobs     []Job     `json:"jobs,omitzero"` // those that it took

	// QueueValue is the last value of X-GitLab-Last-Update, made at
	// QueueValueAt. Default: none yet.
	QueueValue   string `json:"queue_value,omitzero"`
	QueueValueAt Time   `json:"queue_value_at,omitzero"`
}

func (r *Runner) fields() []specField {
	return []specField{
		{name: "id", into: (*specID)(&r.ID)},
		{name: "runner_type", into: (*string)(&r.Type)},
		{name: "description", into: (*anyText)(&r.Description)},
		{name: "name", into: (*anyText)(&r.Name)},
		{name: "token", into: &r.Token},
		{name: "registered", into: &r.Registered},
		{name: "token_expires_at", into: &r.TokenExpiresAt},
		{name: "token_rotation_deadline", into: &r.TokenRotationDeadline},
		{name: "tag_list", into: &r.TagList},
		{name: "paused", into: &r.Paused},
		{name: "locked", into: &r.Locked},
		{name: "run_untagged", into: &r.RunUntagged},
		{name: "access_level", into: (*string)(&r.AccessLevel)},
		{name: "maximum_timeout", into: &r.MaximumTimeout},
		{name: "maintenance_note", into: &r.MaintenanceNote},
		{name: "created_at", into: &r.CreatedAt},
		{name: "updated_at", into: &r.UpdatedAt},
		{name: "created_by", into: &r.CreatedBy},
		{name: "contacted_at", into: &r.ContactedAt},
		{name: "creation_finished", into: &r.CreationFinished},
		{name: "ip_address", into: (*anyText)(&r.IPAddress)},
		{name: "version", into: (*anyText)(&r.Version)},
		{name: "revision", into: (*anyText)(&r.Revision)},
		{name: "platform", into: (*anyText)(&r.Platform)},
		{name: "architecture", into: (*anyText)(&r.Architecture)},
		{name: "projects", into: &r.Projects},
		{name: "assigned_at", into: &r.AssignedAt},
		{name: "groups", into: &r.Groups},
		{name: "managers", into: records(&r.Managers)},
		{name: "jobs", into: records(&r.Jobs)},
		{name: "queue_value", into: &r.QueueValue},
		{name: "queue_value_at", into: &r.QueueValueAt},
	}
}

// A Manager is one machine that works for a runner.
type Manager struct {
	ID int64 `json:"id,omitzero"` // default: the next free one
	// SystemID is the machine's, unique in its runner. It is required.
	SystemID string `json:"system_id"`

	// What the manager says of itself; "" = null.
	Version      string `json:"version,omitzero"`
	Revision     string `json:"revision,omitzero"`
	Platform     string `json:"platform,omitzero"`
	Architecture string `json:"architecture,omitzero"`
	IPAddress    string `json:"ip_address,omitzero"`
	Executor     string `json:"executor,omitzero"`

	// CreatedAt has the default now, or ContactedAt where that is earlier.
	CreatedAt   Time `json:"created_at,omitzero"`
	ContactedAt Time `json:"contacted_at,omitzero"` // default: never
	// UpdatedAt has the default of the last contact, else CreatedAt.
	UpdatedAt Time `json:"updated_at,omitzero"`
	// CreationFinished says whether the manager has asked for a job yet; until
	// then it is shown as never contacted. Default: true.
	CreationFinished *bool `json:"creation_finished,omitzero"`
}

func (m *Manager) fields() []specField {
	return []specField{
		{name: "id", into: (*specID)(&m.ID)},
		{name: "system_id", into: &m.SystemID},
		{name: "version", into: (*anyText)(&m.Version)},
		{name: "revision", into: (*anyText)(&m.Revision)},
		{name: "platform", into: (*anyText)(&m.Platform)},
		{name: "architecture", into: (*anyText)(&m.Architecture)},
		{name: "ip_address", into: (*anyText)(&m.IPAddress)},
		{name: "executor", into: (*anyText)(&m.Executor)},
		{name: "created_at", into: &m.CreatedAt},
		{name: "contacted_at", into: &m.ContactedAt},
		{name: "updated_at", into: &m.UpdatedAt},
		{name: "creation_finished", into: &m.CreationFinished},
	}
}

// A Job belongs to a project, and to the runner that took it.
type Job struct {
	ID int64 `json:"id,omitzero"` // default: the next free one
	// Status has the default "created", and "pending" without a runner.
	Status runners.JobStatus `json:"status,omitzero"`
	Stage  string            `json:"stage,omitzero"` // default: "test"
	Name   string            `json:"name,omitzero"`  // default: "job"
	Ref    string            `json:"ref,omitzero"`   // default: "main"
	Tag    bool              `json:"tag,omitzero"`   // Ref is a tag
	// TagList are the tags that a runner needs to take the job.
	TagList []string `json:"tag_list,omitzero"`
	// ProjectID has the default of the runner's first project.
	ProjectID int64 `json:"project_id,omitzero"`
	// RunnerID is the runner that took the job, for [Server.AddJob]; 0 =
	// none yet. In a seed the job stands below its runner instead.
	RunnerID int64 `json:"-"`
	// SystemID is that of the runner's manager that ran it; "" = null.
	SystemID   string `json:"system_id,omitzero"`
	PipelineID int64  `json:"pipeline_id,omitzero"` // default: the job's id
	// User is the username of whoever started it; "" = null.
	User          string   `json:"user,omitzero"`
	WebURL        string   `json:"web_url,omitzero"`  // default: derived
	Coverage      *float64 `json:"coverage,omitzero"` // percent
	AllowFailure  bool     `json:"allow_failure,omitzero"`
	FailureReason string   `json:"failure_reason,omitzero"` // "" = null
	// CreatedAt has the default now, or StartedAt or FinishedAt where that is
	// earlier.
	CreatedAt  Time `json:"created_at,omitzero"`
	StartedAt  Time `json:"started_at,omitzero"`
	FinishedAt Time `json:"finished_at,omitzero"`
	// Duration and QueuedDuration are in seconds. Default: from the times.
	Duration       *float64 `json:"duration,omitzero"`
	QueuedDuration *float64 `json:"queued_duration,omitzero"`
	// Token is the job's own, with which its runner reports on it.
	Token string `json:"token,omitzero"`
	// TraceSize is how much of its log the runner has sent, in bytes.
	TraceSize int64 `json:"trace_size,omitzero"`
}

func (j *Job) fields() []specField {
	return []specField{
		{name: "id", into: (*specID)(&j.ID)},
		{name: "status", into: (*string)(&j.Status)},
		{name: "stage", into: &j.Stage},
		{name: "name", into: &j.Name},
		{name: "ref", into: &j.Ref},
		{name: "tag", into: &j.Tag},
		{name: "tag_list", into: &j.TagList},
		{name: "project_id", into: (*specID)(&j.ProjectID)},
		{name: "system_id", into: &j.SystemID},
		{name: "pipeline_id", into: (*specID)(&j.PipelineID)},
		{name: "user", into: &j.User},
		{name: "web_url", into: &j.WebURL},
		{name: "coverage", into: &j.Coverage},
		{name: "allow_failure", into: &j.AllowFailure},
		{name: "failure_reason", into: (*anyText)(&j.FailureReason)},
		{name: "created_at", into: &j.CreatedAt},
		{name: "started_at", into: &j.StartedAt},
		{name: "finished_at", into: &j.FinishedAt},
		{name: "duration", into: &j.Duration},
		{name: "queued_duration", into: &j.QueuedDuration},
		{name: "token", into: (*anyText)(&j.Token)},
		{name: "trace_size", into: &j.TraceSize},
	}
}

// A Member is a user's role in one group or one project, for
// [Server.AddMember].
type Member struct {
	User    string // username
	Group   int64  // id; either this or Project
	Project int64  // id
	Role    Role
}
