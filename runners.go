// Runners as their owners see them: /runners, /runners/{id} and below, and
// the creation of runners at /user/runners.

package runners

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// RunnersService lists, creates, changes and removes runners, with a user's
// access token.
type RunnersService struct{ client *Client }

// Runner is a runner as lists show it.
type Runner struct {
	ID          int64      `json:"id"`
	Description string     `json:"description"`
	Name        string     `json:"name"`        // what the runner said at registration; "" if nothing
	RunnerType  RunnerType `json:"runner_type"` // "" before GitLab 14
	IsShared    bool       `json:"is_shared"`   // whether it is an instance runner

	// Paused is whether the runner was told to take no new jobs; nil before
	// GitLab 14.8. [Runner.IsPaused] answers for every version.
	Paused *bool `json:"paused"`

	// Active is the opposite of Paused.
	//
	// Deprecated: use [Runner.IsPaused] instead (GitLab 14.8); GitLab's REST
	// API v5 removes this field.
	Active bool `json:"active"`

	// Online is whether the runner made contact in the last two hours; nil
	// if it never did.
	Online *bool `json:"online"`

	Status Status `json:"status"` // "" before GitLab 11

	// JobExecutionStatus is whether the runner has a job that runs. GitLab 18
	// or newer.
	JobExecutionStatus JobExecutionStatus `json:"job_execution_status"`

	// CreatedBy is who created the runner; nil for a registered runner, for
	// users that the caller may not see, and before GitLab 18.
	CreatedBy *User `json:"created_by"`

	CreatedAt *time.Time `json:"created_at"` // nil before GitLab 18

	// IPAddress is where the runner made contact from.
	//
	// Deprecated: use [RunnerManager] instead (GitLab 16.1); it is empty since
	// GitLab 17.0.
	IPAddress string `json:"ip_address"`
}

// IsPaused reports whether the runner was told to take no new jobs, on every
// version of GitLab.
func (r *Runner) IsPaused() bool {
	if r.Paused != nil {
		return *r.Paused
	}
	return !r.Active
}

func (r *Runner) lacks() string {
	if r.ID == 0 {
		return "id"
	}
	return ""
}

// RunnerDetails is all that GitLab tells of a runner.
type RunnerDetails struct {
	Runner

	TagList     []string    `json:"tag_list"`
	RunUntagged bool        `json:"run_untagged"` // takes jobs without tags, too
	Locked      bool        `json:"locked"`       // cannot be assigned to other projects
	AccessLevel AccessLevel `json:"access_level"` // "" before GitLab 10.0

	// MaximumTimeout bounds a job's time, in seconds; nil without a bound.
	MaximumTimeout *int `json:"maximum_timeout"`

	ContactedAt *time.Time `json:"contacted_at"` // nil if it never made contact

	// MaintenanceNote is nil where there is none and, since GitLab 18, where
	// the caller may not update the runner. GitLab 15 or newer.
	MaintenanceNote *string `json:"maintenance_note"`

	// Projects are those the runner is assigned to, as far as the caller may
	// see them. It is nil in answers to updates since GitLab 18.
	Projects []Project `json:"projects"`

	Groups []Group `json:"groups"` // the group of a group runner

	// Token is the authentication token, which GitLab showed before 13.0.
	Token Token `json:"token"`

	// Version, Revision, Platform and Architecture are those of the runner
	// manager that made contact last.
	//
	// Deprecated: use [RunnersService.Managers] instead (GitLab 17.0);
	// GitLab's REST API v5 removes these fields.
	Version      string `json:"version"`
	Revision     string `json:"revision"`
	Platform     string `json:"platform"`
	Architecture string `json:"architecture"`
}

// LogValue shows what identifies the runner.
func (d RunnerDetails) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", d.ID), slog.String("description", d.Description),
		slog.String("type", string(d.RunnerType)), slog.String("status", string(d.Status)))
}

// NewRunner is a runner that was just created or registered. It is the only
// time that GitLab shows the authentication token: store it.
type NewRunner struct {
	ID             int64      `json:"id"`
	Token          Token      `json:"token"`
	TokenExpiresAt *time.Time `json:"token_expires_at"` // nil = never
}

func (r NewRunner) lacks() string { return r.Token.lacks() }

// LogValue shows the runner without its token.
func (r NewRunner) LogValue() slog.Value {
	return credentialsValue(r.ID, r.Token, r.TokenExpiresAt)
}

// UnmarshalJSON also reads ids that are strings, as GitLab's documentation of
// 2021 shows them: a runner that exists already must not be lost over that.
func (r *NewRunner) UnmarshalJSON(data []byte) error {
	type newRunner struct { // named, since errors show it
		ID             json.Number `json:"id"`
		Token          Token       `json:"token"`
		TokenExpiresAt *time.Time  `json:"token_expires_at"`
	}
	var wire newRunner
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*r = NewRunner{Token: wire.Token, TokenExpiresAt: wire.TokenExpiresAt}
	if wire.ID == "" {
		return nil
	}
	var err error
	r.ID, err = wire.ID.Int64()
	return err
}

// AuthenticationToken is a runner's token after a reset. It is the only time
// that GitLab shows it: store it.
type AuthenticationToken struct {
	Token          Token      `json:"token"`
	TokenExpiresAt *time.Time `json:"token_expires_at"` // nil = never
}

func (t AuthenticationToken) lacks() string { return t.Token.lacks() }

// LogValue shows when the token expires.
func (t AuthenticationToken) LogValue() slog.Value {
	return credentialsValue(0, t.Token, t.TokenExpiresAt)
}

func credentialsValue(id int64, token Token, expires *time.Time) slog.Value {
	attrs := []slog.Attr{slog.Any("token", token)}
	if id != 0 {
		attrs = append(attrs, slog.Int64("id", id))
	}
	if expires != nil {
		attrs = append(attrs, slog.Time("token_expires_at", *expires))
	}
	return slog.GroupValue(attrs...)
}

// registrationToken is the answer to a reset of a registration token.
type registrationToken struct {
	Token Token `json:"token"`
}

func (t registrationToken) lacks() string { return t.Token.lacks() }

// RunnerManager is one of the processes that run with a runner's token.
type RunnerManager struct {
	ID           int64      `json:"id"`
	SystemID     string     `json:"system_id"` // such as "s_89e5e9956577"
	Version      string     `json:"version"`
	Revision     string     `json:"revision"`
	Platform     string     `json:"platform"`
	Architecture string     `json:"architecture"`
	IPAddress    string     `json:"ip_address"`
	CreatedAt    *time.Time `json:"created_at"`
	ContactedAt  *time.Time `json:"contacted_at"` // nil if it never made contact
	Status       Status     `json:"status"`       // never paused

	// JobExecutionStatus is whether the manager has a job that runs. GitLab 18
	// or newer.
	JobExecutionStatus JobExecutionStatus `json:"job_execution_status"`
}

// ListOptions filter a list of runners. All that are set must hold.
type ListOptions struct {
	Type   RunnerType `url:"type,omitempty"`   // GitLab 11.4 or newer
	Status Status     `url:"status,omitempty"` // GitLab 11.4 or newer

	// Paused selects the runners that are paused, or those that are not.
	// GitLab 14.8 or newer.
	Paused *bool `url:"paused,omitempty"`

	// TagList selects the runners that have all these tags. GitLab 11.4 or
	// newer.
	TagList []string `url:"tag_list,comma,omitempty"`

	// VersionPrefix selects the runners with a manager of this version, given
	// in whole components: "16", "16.1" or "16.1.241". GitLab 17 or newer.
	VersionPrefix string `url:"version_prefix,omitempty"`

	// Scope is the filter that older versions of GitLab have.
	//
	// Deprecated: use Type, Status and Paused instead; GitLab's REST API v5
	// removes scopes.
	Scope Scope `url:"scope,omitempty"`

	Page    int `url:"-"` // where All and Pages start; the default is 1
	PerPage int `url:"-"` // rows a page; the default and the most is 100
}

func (o ListOptions) paging() paging { return paging{page: o.Page, perPage: o.PerPage} }

// List lists the runners that the user may manage: those of projects as a
// Maintainer, and those of groups as an Owner. Instance runners are not among
// them, not even for an administrator.
//
// The scopes specific, shared and the names of types are [ErrInvalid] here.
//
// GitLab 8.5 or newer: [GET /runners].
//
// [GET /runners]: https://docs.gitlab.com/api/runners/#list-all-available-runners
func (s *RunnersService) List(o *ListOptions) *Listing[Runner] {
	return list[Runner](s.client,
		read("GET /runners").with(deref(o)).reject(tagFault(deref(o).TagList)), deref(o).paging())
}

// ListAll lists all runners of the instance.
//
// The caller must be an administrator or, since GitLab 19, an auditor;
// otherwise the error is [ErrForbidden].
//
// GitLab 8.5 or newer: [GET /runners/all].
//
// [GET /runners/all]: https://docs.gitlab.com/api/runners/#list-all-runners
func (s *RunnersService) ListAll(o *ListOptions) *Listing[Runner] {
	return list[Runner](s.client,
		read("GET /runners/all").with(deref(o)).reject(tagFault(deref(o).TagList)), deref(o).paging())
}

// GetOptions are the choices of [RunnersService.Get].
type GetOptions struct {
	// IncludeProjects is whether RunnerDetails.Projects is filled in. The
	// default is true; false spares the server much work for runners with
	// many projects. GitLab 18 or newer, which else ignores it.
	IncludeProjects *bool `url:"include_projects,omitempty"`
}

// Get returns one runner with its tags, projects and groups. At most one
// GetOptions is used.
//
// Everybody may see an instance runner. For others the caller needs the
// Maintainer role in the runner's group or in one of its projects; otherwise
// the error is [ErrForbidden].
//
// GitLab 8.5 or newer: [GET /runners/:id].
//
// [GET /runners/:id]: https://docs.gitlab.com/api/runners/#get-runners-details
func (s *RunnersService) Get(ctx context.Context, id int64, o ...*GetOptions) (*RunnerDetails, error) {
	e := read("GET /runners/{id}", id)
	if len(o) > 0 {
		e = e.with(last(o))
	}
	return call[*RunnerDetails](ctx, s.client, e, nil)
}

// Owner says whom a new runner serves. Make one with [ForInstance],
// [ForGroup] or [ForProject].
type Owner struct {
	kind RunnerType
	id   int64
}

// ForInstance is the owner of a runner that serves the whole instance.
func ForInstance() Owner { return Owner{kind: InstanceType} }

// ForGroup is the owner of a runner that serves a group and all below it.
func ForGroup(id int64) Owner { return Owner{kind: GroupType, id: id} }

// ForProject is the owner of a runner that serves a project.
func ForProject(id int64) Owner { return Owner{kind: ProjectType, id: id} }

// CreateOptions are the settings that a new runner can start with. GitLab's
// default holds for what is not set.
type CreateOptions struct {
	Description     string      `json:"description,omitzero"`      // at most 1024 characters
	MaintenanceNote string      `json:"maintenance_note,omitzero"` // at most 1024 characters
	TagList         []string    `json:"tag_list,omitzero"`         // at most 50
	Paused          *bool       `json:"paused,omitzero"`           // default: false
	Locked          *bool       `json:"locked,omitzero"`           // default: false
	RunUntagged     *bool       `json:"run_untagged,omitzero"`     // default: true
	AccessLevel     AccessLevel `json:"access_level,omitzero"`     // default: not_protected
	MaximumTimeout  *int        `json:"maximum_timeout,omitzero"`  // seconds, at least 600

	// TokenExpiresAt is when the authentication token expires: in 5 minutes
	// at the earliest, in 15 days at the latest. GitLab 18.10 or newer,
	// Premium.
	TokenExpiresAt time.Time `json:"token_expires_at,omitzero"`

	// TokenRotationDeadline is from when on the token cannot be reset any
	// more; it needs TokenExpiresAt, and cannot lie after it. GitLab 18.10 or
	// newer, Premium.
	TokenRotationDeadline time.Time `json:"token_rotation_deadline,omitzero"`
}

// Create creates a runner. Its token is in the answer, and nowhere else.
//
// The caller needs the scope create_runner or api and, for an instance runner,
// to be an administrator; for a group's, the Owner role; for a project's, the
// Maintainer role. Otherwise the error is [ErrForbidden]. A group or project
// that does not exist is [ErrInvalid].
//
// A request that may have been done is not sent again: the error is then
// [ErrOutcomeUnknown], and a runner may exist whose token nobody has:
// [FindCreated] finds it.
//
// GitLab 15.11 or newer: [POST /user/runners].
//
// [POST /user/runners]: https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user
func (s *RunnersService) Create(ctx context.Context, owner Owner, o *CreateOptions) (*NewRunner, error) {
	body := struct {
		RunnerType RunnerType `json:"runner_type"`
		GroupID    int64      `json:"group_id,omitzero"`
		ProjectID  int64      `json:"project_id,omitzero"`
		CreateOptions
	}{RunnerType: owner.kind, CreateOptions: deref(o)}
	switch owner.kind {
	case GroupType:
		body.GroupID = owner.id
	case ProjectType:
		body.ProjectID = owner.id
	case InstanceType:
	}
	e := create("POST /user/runners").reject(owner.fault()).reject(tagFault(body.TagList))
	return call[*NewRunner](ctx, s.client, e.makes(owner, body.CreateOptions), body)
}

// fault says why a runner cannot have this owner, or nil.
func (o Owner) fault() *Error {
	switch {
	case o.kind == "":
		return invalid("owner", "owner is empty: use ForInstance, ForGroup or ForProject")
	case o.kind != InstanceType && o.id <= 0:
		return invalid(strings.TrimSuffix(string(o.kind), "type")+"id", "not a positive number")
	default:
		return nil
	}
}

// UpdateOptions are changes to a runner. What is not set stays as it is.
type UpdateOptions struct {
	Description    *string       `json:"description,omitzero"`     // at most 1024 characters
	Paused         *bool         `json:"paused,omitzero"`          // GitLab 14.8 or newer
	TagList        *[]string     `json:"tag_list,omitzero"`        // takes the place of all tags
	RunUntagged    *bool         `json:"run_untagged,omitzero"`    // false needs a tag
	Locked         *bool         `json:"locked,omitzero"`          // no other projects
	AccessLevel    AccessLevel   `json:"access_level,omitzero"`    // GitLab 10.0 or newer
	MaximumTimeout Nullable[int] `json:"maximum_timeout,omitzero"` // seconds, at least 600

	// MaintenanceNote has at most 1024 characters. GitLab 15 or newer.
	MaintenanceNote Nullable[string] `json:"maintenance_note,omitzero"`

	// Active is the opposite of Paused. A GitLab that knows both refuses both,
	// with [ErrInvalid]; an older one takes this one.
	//
	// Deprecated: use Paused instead (GitLab 14.8); GitLab's REST API v5
	// removes this parameter.
	Active *bool `json:"active,omitzero"`
}

// Update changes a runner. GitLab wants at least one change.
//
// The caller must be an administrator for an instance runner, and otherwise
// needs the Owner role in the runner's group, or the Maintainer role in the
// project that owns it; otherwise the error is [ErrForbidden]. What GitLab has
// against a value is in [Error.Fields].
//
// GitLab 8.5 or newer: [PUT /runners/:id].
//
// [PUT /runners/:id]: https://docs.gitlab.com/api/runners/#update-runners-details
func (s *RunnersService) Update(ctx context.Context, id int64, o *UpdateOptions) (*RunnerDetails, error) {
	body := deref(o)
	if body.TagList != nil && *body.TagList == nil {
		body.TagList = &[]string{}
	}
	e := put("PUT /runners/{id}", id).reject(tagFault(deref(body.TagList)))
	return call[*RunnerDetails](ctx, s.client, e, body)
}

// Pause tells a runner to take no new jobs. Jobs that run go on.
//
// On a GitLab older than 14.8 it uses the parameter active. Rights and errors
// are those of [RunnersService.Update].
//
// GitLab 8.5 or newer: [PUT /runners/:id].
//
// [PUT /runners/:id]: https://docs.gitlab.com/api/runners/#pause-a-runner
func (s *RunnersService) Pause(ctx context.Context, id int64) (*RunnerDetails, error) {
	return s.setPaused(ctx, id, true)
}

// Resume tells a paused runner to take jobs again. See [RunnersService.Pause].
//
// GitLab 8.5 or newer: [PUT /runners/:id].
//
// [PUT /runners/:id]: https://docs.gitlab.com/api/runners/#pause-a-runner
func (s *RunnersService) Resume(ctx context.Context, id int64) (*RunnerDetails, error) {
	return s.setPaused(ctx, id, false)
}

// setPaused asks in GitLab's newer words first, and in the older ones where
// the answer shows that they were not understood.
func (s *RunnersService) setPaused(ctx context.Context, id int64, paused bool) (*RunnerDetails, error) {
	old := s.client.predates(14, 8)
	if !old {
		d, err := s.Update(ctx, id, &UpdateOptions{Paused: &paused})
		if old = ignored(err) || err == nil && d.Paused == nil; !old {
			return checkPaused(d, err, paused)
		}
	}
	active := !paused
	d, err := s.Update(ctx, id, &UpdateOptions{Active: &active})
	return checkPaused(d, err, paused)
}

// ignored reports whether a server saw nothing in a request that it knows.
func ignored(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.StatusCode == http.StatusBadRequest &&
		strings.HasSuffix(e.Message, "at least one parameter must be provided")
}

// checkPaused makes sure that the server did as it was told.
func checkPaused(d *RunnerDetails, err error, paused bool) (*RunnerDetails, error) {
	if err != nil || d.IsPaused() == paused {
		return d, err
	}
	return nil, &Error{
		Method: http.MethodPut, Route: "/runners/{id}", Class: ClassPut,
		Phase: PhaseAnswered, Attempts: 1, StatusCode: http.StatusOK,
		Message: "the answer shows the runner as it was before",
		kinds:   []error{ErrUnexpectedResponse},
	}
}

// DeleteOptions are the choices of the calls that delete.
type DeleteOptions struct {
	// IfUnmodifiedSince, unless zero, makes GitLab refuse with
	// [ErrPreconditionFailed] what was changed later. It counts in seconds.
	IfUnmodifiedSince time.Time
}

// Delete removes a runner. At most one DeleteOptions is used.
//
// The caller must be an administrator for an instance runner, or for a runner
// with several projects, and otherwise needs the Owner role in the runner's
// group or the Maintainer role in its project; otherwise the error is
// [ErrForbidden]. A runner that is not there is [ErrNotFound], unless an
// attempt of this call may have removed it.
//
// GitLab 8.5 or newer: [DELETE /runners/:id].
//
// [DELETE /runners/:id]: https://docs.gitlab.com/api/runners/#delete-a-runner
func (s *RunnersService) Delete(ctx context.Context, id int64, o ...*DeleteOptions) error {
	e := remove("DELETE /runners/{id}", id).since(last(o).IfUnmodifiedSince)
	_, err := call[none](ctx, s.client, e, nil)
	return err
}

// Managers lists the processes that run with the runner's token, all at once.
//
// Rights and errors are those of [RunnersService.Get].
//
// GitLab 17.2 or newer: [GET /runners/:id/managers].
//
// [GET /runners/:id/managers]: https://docs.gitlab.com/api/runners/#list-all-of-a-runners-managers
func (s *RunnersService) Managers(ctx context.Context, id int64) ([]RunnerManager, error) {
	return call[[]RunnerManager](ctx, s.client, read("GET /runners/{id}/managers", id), nil)
}

// PageOptions are the choices of a list that has no filters.
type PageOptions struct {
	Page    int // where All and Pages start; the default is 1
	PerPage int // rows a page; the default and the most is 100
}

// Projects lists the projects that a project runner is assigned to, as far as
// the caller may see them.
//
// Rights and errors are those of [RunnersService.Get].
//
// GitLab 18 or newer: [GET /runners/:id/projects].
//
// [GET /runners/:id/projects]: https://docs.gitlab.com/api/runners/
func (s *RunnersService) Projects(id int64, o *PageOptions) *Listing[Project] {
	return list[Project](s.client, read("GET /runners/{id}/projects", id), deref(o).paging())
}

func (o PageOptions) paging() paging { return paging{page: o.Page, perPage: o.PerPage} }

// ResetToken gives a runner a new authentication token. The old one stops
// working at once; the new one is in the answer, and nowhere else.
//
// Rights are those of [RunnersService.Update]. Past the token's rotation
// deadline the error is [ErrForbidden].
//
// A request that may have been done is not sent again: the error is then
// [ErrOutcomeUnknown], and another ResetToken recovers.
//
// GitLab 14.6 or newer: [POST /runners/:id/reset_authentication_token].
//
// [POST /runners/:id/reset_authentication_token]: https://docs.gitlab.com/api/runners/#reset-a-runners-authentication-token-by-using-the-runner-id
func (s *RunnersService) ResetToken(ctx context.Context, id int64) (*AuthenticationToken, error) {
	return call[*AuthenticationToken](ctx, s.client, rotate("POST /runners/{id}/reset_authentication_token", id), nil)
}

// ResetRegistrationToken makes a new registration token for the instance. The
// old one stops working at once.
//
// The caller must be an administrator, and registration tokens must be
// switched on; otherwise the error is [ErrForbidden].
//
// GitLab 14 or newer: [POST /runners/reset_registration_token].
//
// Deprecated: create runners with [RunnersService.Create] instead (GitLab
// 15.6); GitLab 20.0 removes registration tokens.
//
// [POST /runners/reset_registration_token]: https://docs.gitlab.com/api/runners/#reset-instances-runner-registration-token
func (s *RunnersService) ResetRegistrationToken(ctx context.Context) (Token, error) {
	t, err := call[registrationToken](ctx, s.client, rotate("POST /runners/reset_registration_token"), nil)
	return t.Token, err
}

// tagFault says what is wrong with a list of tags, or nil. GitLab splits tags
// at commas, and would make two of one.
func tagFault(tags []string) *Error {
	for _, tag := range tags {
		if strings.TrimSpace(tag) == "" {
			return invalid("tag_list", "has an empty tag")
		}
		if strings.Contains(tag, ",") {
			return invalid("tag_list", "a tag cannot have a comma")
		}
	}
	return nil
}
