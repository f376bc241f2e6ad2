// What to do when nobody knows whether a call was done: the way out of each
// endpoint, and the search for a runner that may have been created.

package runners

import (
	"context"
	"errors"
	"slices"
	"time"
)

// wayOut says what settles an unknown outcome, or recovers from it.
func (e endpoint) wayOut() string {
	switch e.route {
	case "/user/runners":
		return "the runner may exist; FindCreated looks for it, and Runners.ResetToken gives it a token"
	case "/projects/{id}/runners":
		return "the runner may be assigned; Runners.Get tells, and Assign says so when it is"
	case "/runners", "/ci/api/v1/runners/register":
		return "a runner may exist whose token nobody has; look for its description before you register again"
	case "/runners/{id}/reset_authentication_token":
		return "if the token was reset, the new one is lost; Runners.ResetToken makes another"
	case "/runners/reset_authentication_token":
		return "if Tokens.Verify refuses the old token, the new one is lost; " +
			"Runners.ResetToken makes another, by id and with an access token"
	}
	if e.class == ClassRotate {
		return "if the token was reset, the new one is lost; reset it again"
	}
	return "it may have been done; look before you try again"
}

// A creation is what a new runner can be known by.
type creation struct {
	owner       Owner
	description string
	tags        []string
	asked       time.Time
}

// makes says what the endpoint creates.
func (e endpoint) makes(owner Owner, o CreateOptions) endpoint {
	e.creates = &creation{owner, o.Description, slices.Clone(o.TagList), time.Now()}
	return e
}

// clockSkew is how far GitLab's clock may be behind ours.
const clockSkew = 5 * time.Minute

// FindCreated returns the runners that a call of [RunnersService.Create] may
// have made, whose error err is, matching [ErrOutcomeUnknown]: those of the
// same owner, with the same description and with all its tags, that were
// created since and never made contact.
//
// Several match if others were created alike, so that a description of its own
// for each runner makes the answer sure. [RunnersService.ResetToken] gives the
// one found a token. None found means that there is none yet: a request that
// got lost in a timeout may still be under way.
//
// It is one list, with the rights and errors of [RunnersService.ListAll],
// [GroupsService.List] or [ProjectsService.List]. Another err is [ErrInvalid].
func FindCreated(ctx context.Context, c *Client, err error) ([]*Runner, error) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.created == nil {
		return nil, invalid("err", "not an unknown outcome of Runners.Create")
	}
	var found []*Runner
	for r, err := range e.created.candidates(c).All(ctx) {
		if err != nil {
			return found, err
		}
		if e.created.matches(r) {
			found = append(found, r)
		}
	}
	return found, nil
}

// candidates lists the runners of the owner that have the tags.
func (n *creation) candidates(c *Client) *Listing[Runner] {
	filter := &ListOptions{Type: n.owner.kind, TagList: n.tags}
	switch n.owner.kind {
	case ProjectType:
		return c.Projects.List(ID(n.owner.id), filter)
	case GroupType:
		return c.Groups.List(ID(n.owner.id), &GroupListOptions{Type: GroupType, TagList: n.tags})
	case InstanceType:
	}
	return c.Runners.ListAll(filter)
}

// matches reports whether r may be the runner. Before GitLab 18, when lists do
// not tell when a runner was created, only a description will do.
func (n *creation) matches(r *Runner) bool {
	if r.Online != nil || r.Description != n.description {
		return false
	}
	if r.CreatedAt == nil {
		return n.description != ""
	}
	return !r.CreatedAt.Before(n.asked.Add(-clockSkew))
}
