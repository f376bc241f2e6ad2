// The CI API of GitLab 8 and 9, /ci/api/v1/runners, which GitLab 10.0 removed.

package runners

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// legacyRoot is where the legacy API begins; it does not lie below /api/v4.
const legacyRoot = "/ci/api/v1/"

// LegacyService speaks the CI API of GitLab 8 and 9.
//
// Deprecated: use [RunnersService] and [TokensService] instead (GitLab 9.0);
// GitLab 10.0 removed this API.
type LegacyService struct{ client *Client }

// LegacyRunner is a runner as the legacy API shows it: its id and its
// authentication token, and all else only when it was deleted.
type LegacyRunner struct {
	ID           int64       `json:"id"`
	Token        Token       `json:"token"`
	CreatedAt    *time.Time  `json:"created_at"`
	UpdatedAt    *time.Time  `json:"updated_at"`
	ContactedAt  *time.Time  `json:"contacted_at"` // nil if it never made contact
	Description  string      `json:"description"`
	Active       bool        `json:"active"`
	IsShared     bool        `json:"is_shared"`
	Name         string      `json:"name"`
	Version      string      `json:"version"`
	Revision     string      `json:"revision"`
	Platform     string      `json:"platform"`
	Architecture string      `json:"architecture"`
	RunUntagged  bool        `json:"run_untagged"` // GitLab 8.9 or newer
	Locked       bool        `json:"locked"`       // GitLab 8.10 or newer
	AccessLevel  AccessLevel `json:"access_level"`
}

func (r LegacyRunner) lacks() string { return r.Token.lacks() }

// LogValue shows what identifies the runner.
func (r LegacyRunner) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", r.ID), slog.Any("token", r.Token),
		slog.String("description", r.Description))
}

// List lists all runners with their tokens.
//
// Any user may ask. The client's credential must be a [PrivateToken].
//
// GitLab 8.0 to 8.3: [GET /ci/runners].
//
// [GET /ci/runners]: https://docs.gitlab.com/api/runners/
func (s *LegacyService) List(ctx context.Context) ([]LegacyRunner, error) {
	e := read("GET /ci/api/v1/runners").with(struct {
		URL string `url:"url"` // the stand-alone CI server wanted it
	}{s.client.base.String()})
	return call[[]LegacyRunner](ctx, s.client, e, nil)
}

// LegacyRegisterOptions are the settings that a runner can start with.
type LegacyRegisterOptions struct {
	Description string      `json:"description,omitzero"`
	TagList     []string    `json:"-"`
	RunUntagged *bool       `json:"run_untagged,omitzero"` // GitLab 8.9 or newer
	Locked      *bool       `json:"locked,omitzero"`       // GitLab 8.10 or newer
	Info        *RunnerInfo `json:"info,omitzero"`
}

// Register makes a new runner with the instance's or a project's registration
// token. Its authentication token is in the answer.
//
// An unknown token is [ErrForbidden]. A request that may have been done is not
// sent again: the error is then [ErrOutcomeUnknown].
//
// GitLab 8.0 to 9.5: [POST /ci/runners/register].
//
// [POST /ci/runners/register]: https://docs.gitlab.com/api/runners/
func (s *LegacyService) Register(ctx context.Context, token Token, o *LegacyRegisterOptions) (*LegacyRunner, error) {
	body := struct {
		Token   string `json:"token"`
		TagList string `json:"tag_list,omitzero"`
		LegacyRegisterOptions
	}{token.Reveal(), strings.Join(deref(o).TagList, ", "), deref(o)}
	e := create("POST /ci/api/v1/runners/register").by(token).reject(tagFault(deref(o).TagList))
	return call[*LegacyRunner](ctx, s.client, e, body)
}

// Delete removes a runner by its authentication token, and returns it as it
// was; nil if an attempt of this call had removed it before.
//
// An unknown token is [ErrForbidden].
//
// GitLab 8.0 to 9.5: [DELETE /ci/runners/delete].
//
// [DELETE /ci/runners/delete]: https://docs.gitlab.com/api/runners/
func (s *LegacyService) Delete(ctx context.Context, token Token) (*LegacyRunner, error) {
	body := struct {
		Token string `json:"token"`
	}{token.Reveal()}
	e := remove("DELETE /ci/api/v1/runners/delete").by(token)
	e.goneToo = http.StatusForbidden
	return call[*LegacyRunner](ctx, s.client, e, body)
}
