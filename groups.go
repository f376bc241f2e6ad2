// Runners of a group: /groups/{id}/runners and below; and groups as runners
// show them.

package runners

import "context"

// GroupsService lists a group's runners.
type GroupsService struct{ client *Client }

// Group is a group as runners show it.
type Group struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	WebURL string `json:"web_url"`
}

// GroupListOptions filter the list of a group's runners. All that are set must
// hold. Unlike other lists, this one has no scope.
type GroupListOptions struct {
	Type   RunnerType `url:"type,omitempty"` // project_type selects none
	Status Status     `url:"status,omitempty"`

	// Paused selects the runners that are paused, or those that are not.
	// GitLab 14.8 or newer.
	Paused *bool `url:"paused,omitempty"`

	// TagList selects the runners that have all these tags.
	TagList []string `url:"tag_list,comma,omitempty"`

	// VersionPrefix selects the runners with a manager of this version, given
	// in whole components: "16", "16.1" or "16.1.241". GitLab 17 or newer.
	VersionPrefix string `url:"version_prefix,omitempty"`

	Page    int `url:"-"` // where All and Pages start; the default is 1
	PerPage int `url:"-"` // rows a page; the default and the most is 100
}

// List lists the runners of a group and of the groups above it and, since
// GitLab 14, the instance's, where the group has them switched on.
//
// The caller needs the Maintainer role in the group (before GitLab 14, the
// Owner role); otherwise the error is [ErrForbidden], or [ErrNotFound] for a
// group that the caller cannot see.
//
// GitLab 12 or newer: [GET /groups/:id/runners].
//
// [GET /groups/:id/runners]: https://docs.gitlab.com/api/runners/#list-all-of-a-groups-runners
func (s *GroupsService) List(group Ref, o *GroupListOptions) *Listing[Runner] {
	f := deref(o)
	e := read("GET /groups/{id}/runners", group).with(f).reject(tagFault(f.TagList))
	return list[Runner](s.client, e, paging{page: f.Page, perPage: f.PerPage})
}

// ResetRegistrationToken makes a new registration token for a group. The old
// one stops working at once.
//
// The caller needs the Owner role in the group, and registration tokens must
// be switched on; otherwise the error is [ErrForbidden].
//
// GitLab 14 or newer: [POST /groups/:id/runners/reset_registration_token].
//
// Deprecated: create runners with [RunnersService.Create] instead (GitLab
// 15.6); GitLab 20.0 removes registration tokens.
//
// [POST /groups/:id/runners/reset_registration_token]: https://docs.gitlab.com/api/runners/#reset-groups-runner-registration-token
func (s *GroupsService) ResetRegistrationToken(ctx context.Context, group Ref) (Token, error) {
	e := rotate("POST /groups/{id}/runners/reset_registration_token", group)
	t, err := call[registrationToken](ctx, s.client, e, nil)
	return t.Token, err
}
