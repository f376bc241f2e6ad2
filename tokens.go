// What a runner does for itself: whatever is authenticated by a token in the
// request's body, be it a registration token or the runner's own.

package runners

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// TokensService registers, verifies, rotates and removes a runner with a token
// that says by itself which runner is meant. It never sends the client's own
// credential, so that an [Anonymous] client will do.
type TokensService struct{ client *Client }

// RegisterOptions are the settings that a registered runner can start with.
// GitLab's default holds for what is not set.
type RegisterOptions struct {
	Description     string      `json:"description,omitzero"`      // at most 1024 characters
	Info            *RunnerInfo `json:"info,omitzero"`             // what runs there
	Paused          *bool       `json:"paused,omitzero"`           // GitLab 15.0 or newer
	Locked          *bool       `json:"locked,omitzero"`           // default: false
	RunUntagged     *bool       `json:"run_untagged,omitzero"`     // default: true
	TagList         []string    `json:"tag_list,omitzero"`         // at most 50
	AccessLevel     AccessLevel `json:"access_level,omitzero"`     // default: not_protected
	MaximumTimeout  *int        `json:"maximum_timeout,omitzero"`  // seconds, at least 600
	MaintenanceNote string      `json:"maintenance_note,omitzero"` // GitLab 14.8 or newer

	// Active is the opposite of Paused. A GitLab that knows both refuses both,
	// with [ErrInvalid]; an older one takes this one.
	//
	// Deprecated: use Paused instead (GitLab 15.0); GitLab's REST API v5
	// removes this parameter.
	Active *bool `json:"active,omitzero"`

	// MaintainerNote is what MaintenanceNote was called. A GitLab that knows
	// both refuses both, with [ErrInvalid].
	//
	// Deprecated: use MaintenanceNote instead (GitLab 14.8); GitLab's REST API
	// v5 removes this parameter.
	MaintainerNote string `json:"maintainer_note,omitzero"`
}

// RunnerInfo is what a runner tells of itself.
type RunnerInfo struct {
	Name         string `json:"name,omitzero"` // at most 256 characters
	Version      string `json:"version,omitzero"`
	Revision     string `json:"revision,omitzero"`
	Platform     string `json:"platform,omitzero"`
	Architecture string `json:"architecture,omitzero"`
}

// Register makes a new runner with a registration token of the instance, of a
// group or of a project. Its authentication token is in the answer, and
// nowhere else.
//
// An unknown token is [ErrForbidden]; where registration tokens are switched
// off, as they are by default since GitLab 17.0, the error is [ErrGone]. What
// GitLab has against a value is in [Error.Fields].
//
// A request that may have been done is not sent again: the error is then
// [ErrOutcomeUnknown], and a runner may exist whose token nobody has.
//
// GitLab 9.0 or newer: [POST /runners].
//
// Deprecated: create runners with [RunnersService.Create] instead (GitLab
// 15.6); GitLab 20.0 removes registration tokens.
//
// [POST /runners]: https://docs.gitlab.com/api/runners/#create-a-runner
func (s *TokensService) Register(ctx context.Context, token Token, o *RegisterOptions) (*NewRunner, error) {
	body := struct {
		Token string `json:"token"`
		RegisterOptions
	}{token.Reveal(), deref(o)}
	e := create("POST /runners").by(token).reject(tagFault(body.TagList))
	return call[*NewRunner](ctx, s.client, e, body)
}

// VerifyOptions are the choices of [TokensService.Verify].
type VerifyOptions struct {
	// SystemID names the runner manager that asks, such as
	// "s_89e5e9956577". GitLab then knows of it. GitLab 15.8 or newer.
	SystemID string `json:"system_id,omitzero"`
}

// Verification is what GitLab says of a valid token.
type Verification struct {
	ID             int64      `json:"id"`               // 0 before GitLab 15.10
	Token          Token      `json:"token"`            // zero before GitLab 15.10
	TokenExpiresAt *time.Time `json:"token_expires_at"` // nil = never, or before 15.10
}

// LogValue shows the runner without its token.
func (v Verification) LogValue() slog.Value {
	return credentialsValue(v.ID, v.Token, v.TokenExpiresAt)
}

// UnmarshalJSON also reads the bare status that GitLab answered with before
// 15.10.
func (v *Verification) UnmarshalJSON(data []byte) error {
	if bytes.Equal(bytes.Trim(data, `"`), []byte("200")) {
		*v = Verification{}
		return nil
	}
	var r NewRunner
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	*v = Verification(r)
	return nil
}

// Verify asks whether a runner's authentication token is valid, and counts as
// contact with the runner.
//
// A token that is unknown or has expired is [ErrForbidden].
//
// GitLab 9.0 or newer: [POST /runners/verify].
//
// [POST /runners/verify]: https://docs.gitlab.com/api/runners/#verify-authentication-for-a-registered-runner
func (s *TokensService) Verify(ctx context.Context, token Token, o *VerifyOptions) (*Verification, error) {
	body := struct {
		Token string `json:"token"`
		VerifyOptions
	}{token.Reveal(), deref(o)}
	return call[*Verification](ctx, s.client, verify("POST /runners/verify").by(token), body)
}

// Reset gives a runner a new authentication token, by its current one. The
// current one stops working at once; the new one is in the answer, and nowhere
// else.
//
// A token that is unknown or has expired, or whose rotation deadline has
// passed, is [ErrForbidden].
//
// A request that may have been done is not sent again: the error is then
// [ErrOutcomeUnknown]. If [TokensService.Verify] refuses the old token, the
// new one is lost, and [RunnersService.ResetToken] makes another.
//
// GitLab 14.6 or newer: [POST /runners/reset_authentication_token].
//
// [POST /runners/reset_authentication_token]: https://docs.gitlab.com/api/runners/#reset-a-runners-authentication-token-by-using-the-current-token
func (s *TokensService) Reset(ctx context.Context, token Token) (*AuthenticationToken, error) {
	body := struct {
		Token string `json:"token"`
	}{token.Reveal()}
	return call[*AuthenticationToken](ctx, s.client, rotate("POST /runners/reset_authentication_token").by(token), body)
}

// Delete removes a runner, whole, by its authentication token. At most one
// DeleteOptions is used.
//
// A token that is unknown or has expired is [ErrForbidden], unless an attempt
// of this call may have removed the runner.
//
// GitLab 9.0 or newer: [DELETE /runners].
//
// [DELETE /runners]: https://docs.gitlab.com/api/runners/#delete-a-runner
func (s *TokensService) Delete(ctx context.Context, token Token, o ...*DeleteOptions) error {
	body := struct {
		Token string `json:"token"`
	}{token.Reveal()}
	e := remove("DELETE /runners").by(token).since(last(o).IfUnmodifiedSince)
	e.goneToo = http.StatusForbidden
	_, err := call[none](ctx, s.client, e, body)
	return err
}

// DeleteManager removes one of a runner's managers; the runner stays. At most
// one DeleteOptions is used.
//
// A token that is unknown or has expired is [ErrForbidden]; a manager that is
// not there is [ErrNotFound], unless an attempt of this call may have removed
// it.
//
// GitLab 16.0 or newer: [DELETE /runners/managers].
//
// [DELETE /runners/managers]: https://docs.gitlab.com/api/runners/
func (s *TokensService) DeleteManager(ctx context.Context, token Token, systemID string, o ...*DeleteOptions) error {
	body := struct {
		Token    string `json:"token"`
		SystemID string `json:"system_id"`
	}{token.Reveal(), systemID}
	e := remove("DELETE /runners/managers").by(token).since(last(o).IfUnmodifiedSince)
	if systemID == "" {
		e = e.reject(invalid("system_id", "system_id is empty"))
	}
	_, err := call[none](ctx, s.client, e, body)
	return err
}
