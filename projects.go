// Runners of a project: /projects/{id}/runners and below; and projects as
// runners show them.

package runners

import (
	"context"
	"time"
)

// ProjectsService lists a project's runners, and assigns runners to it.
type ProjectsService struct{ client *Client }

// Project is a project as runners and jobs show it. GitLab fills in the first
// five fields always, and the others according to its version, the endpoint
// and the caller's rights.
type Project struct {
	ID                int64      `json:"id"`
	Name              string     `json:"name"`
	NameWithNamespace string     `json:"name_with_namespace"` // "Group / App"
	Path              string     `json:"path"`
	PathWithNamespace string     `json:"path_with_namespace"` // "group/app"
	Description       string     `json:"description"`
	CreatedAt         *time.Time `json:"created_at"`
	DefaultBranch     string     `json:"default_branch"`
	TagList           []string   `json:"tag_list"` // GitLab's older name of Topics
	Topics            []string   `json:"topics"`
	SSHURLToRepo      string     `json:"ssh_url_to_repo"`
	HTTPURLToRepo     string     `json:"http_url_to_repo"`
	WebURL            string     `json:"web_url"`
	ReadmeURL         string     `json:"readme_url"`
	ForksCount        int        `json:"forks_count"`
	AvatarURL         string     `json:"avatar_url"`
	StarCount         int        `json:"star_count"`
	LastActivityAt    *time.Time `json:"last_activity_at"`
	Namespace         *Namespace `json:"namespace"`
}

// Namespace is the group or the user that a project belongs to.
type Namespace struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Path      string `json:"path"`
	Kind      string `json:"kind"` // "group" or "user"
	FullPath  string `json:"full_path"`
	ParentID  *int64 `json:"parent_id"` // nil at the top
	AvatarURL string `json:"avatar_url"`
	WebURL    string `json:"web_url"`
}

// List lists the runners that serve a project: its own, those of the groups
// above it and the instance's, as far as the project has them switched on.
//
// The caller needs the Maintainer role in the project; otherwise the error is
// [ErrForbidden], or [ErrNotFound] for a project that the caller cannot see.
//
// GitLab 8.5 or newer: [GET /projects/:id/runners].
//
// [GET /projects/:id/runners]: https://docs.gitlab.com/api/runners/#list-all-of-a-projects-runners
func (s *ProjectsService) List(project Ref, o *ListOptions) *Listing[Runner] {
	e := read("GET /projects/{id}/runners", project).with(deref(o)).reject(tagFault(deref(o).TagList))
	return list[Runner](s.client, e, deref(o).paging())
}

// Assign makes a project runner serve another project as well.
//
// The caller needs the Maintainer role in the project and in the one that owns
// the runner; otherwise, and for a locked runner or one of a group, the error
// is [ErrForbidden]. A runner that serves the project already is [ErrInvalid].
//
// A request that may have been done is not sent again: the error is then
// [ErrOutcomeUnknown].
//
// GitLab 8.5 or newer: [POST /projects/:id/runners].
//
// [POST /projects/:id/runners]: https://docs.gitlab.com/api/runners/#assign-a-runner-to-project
func (s *ProjectsService) Assign(ctx context.Context, project Ref, runnerID int64) (*Runner, error) {
	body := struct {
		RunnerID int64 `json:"runner_id"`
	}{runnerID}
	e := create("POST /projects/{id}/runners", project).reject(idFault("runner_id", runnerID))
	return call[*Runner](ctx, s.client, e, body)
}

// Unassign makes a project runner serve a project no longer. At most one
// DeleteOptions is used.
//
// The caller needs the Maintainer role in the project. A runner's last project
// cannot be taken from it, nor, since GitLab 17.9, the one that owns it: the
// error is [ErrForbidden] then, as it is for a locked runner.
//
// GitLab 8.5 or newer: [DELETE /projects/:id/runners/:runner_id].
//
// [DELETE /projects/:id/runners/:runner_id]: https://docs.gitlab.com/api/runners/#unassign-a-runner-from-project
func (s *ProjectsService) Unassign(ctx context.Context, project Ref, runnerID int64, o ...*DeleteOptions) error {
	e := remove("DELETE /projects/{id}/runners/{runner_id}", project, runnerID).since(last(o).IfUnmodifiedSince)
	_, err := call[none](ctx, s.client, e, nil)
	return err
}

// ResetRegistrationToken makes a new registration token for a project. The old
// one stops working at once.
//
// The caller needs the Maintainer role in the project, and registration tokens
// must be switched on; otherwise the error is [ErrForbidden].
//
// GitLab 14 or newer: [POST /projects/:id/runners/reset_registration_token].
//
// Deprecated: create runners with [RunnersService.Create] instead (GitLab
// 15.6); GitLab 20.0 removes registration tokens.
//
// [POST /projects/:id/runners/reset_registration_token]: https://docs.gitlab.com/api/runners/#reset-projects-runner-registration-token
func (s *ProjectsService) ResetRegistrationToken(ctx context.Context, project Ref) (Token, error) {
	e := rotate("POST /projects/{id}/runners/reset_registration_token", project)
	t, err := call[registrationToken](ctx, s.client, e, nil)
	return t.Token, err
}

// idFault says what is wrong with an id in a body, or nil.
func idFault(field string, id int64) *Error {
	if id <= 0 {
		return invalid(field, "not a positive number")
	}
	return nil
}
