// Who we are to GitLab: credentials of a client, and Token, a secret that does
// not print itself.

package runners

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/seed-832548de/runners/internal/tokenform"
)

// redacted is what a secret looks like to whoever prints it.
const redacted = "[REDACTED]"

// Auth adds a credential to a request. A value is used by many goroutines at
// once.
//
// An Auth may also have a method Refresh(context.Context) error. The client
// calls it after an answer 401, once for all calls that share the client, and
// then sends the request again, once.
//
// Authenticate is called for each attempt of a call, and only for requests to
// the origin that the client was made for. Both methods have to end with their
// context, the request's or the one that they are given: it ends with the
// call's, and after Options.AttemptTimeout at the latest.
type Auth interface {
	Authenticate(*http.Request) error
}

// PrivateToken authenticates with a personal, project or group access token,
// in the header PRIVATE-TOKEN.
func PrivateToken(token string) Auth {
	return &headerAuth{header: "Private-Token", token: NewToken(token)}
}

// Bearer authenticates with an OAuth access token, in the header
// Authorization. GitLab takes personal access tokens there as well.
func Bearer(token string) Auth {
	return &headerAuth{header: "Authorization", prefix: "Bearer ", token: NewToken(token)}
}

// BearerSource authenticates with OAuth access tokens that expire. It calls
// fetch for the first token, and for another one when GitLab answers 401.
// Calls of fetch never overlap, and have to end with their context.
func BearerSource(fetch func(context.Context) (string, error)) Auth {
	return &sourceAuth{fetch: fetch, turn: make(chan struct{}, 1)}
}

// Anonymous sends no credential. It serves the endpoints that need none of
// their own: those of [TokensService] and the registration of
// [LegacyService].
func Anonymous() Auth { return anonymous{} }

type anonymous struct{}

// Authenticate leaves the request as it is.
func (anonymous) Authenticate(*http.Request) error { return nil }

type headerAuth struct {
	header, prefix string
	token          Token
}

// Authenticate sets the header.
func (a *headerAuth) Authenticate(req *http.Request) error {
	req.Header.Set(a.header, a.prefix+a.token.Reveal())
	return nil
}

// sourceAuth is a bearer token that can be had anew.
type sourceAuth struct {
	fetch   func(context.Context) (string, error)
	turn    chan struct{} // holds one value while somebody fetches
	current atomic.Pointer[headerAuth]
}

// Authenticate sets the header, fetching the first token where there is none.
func (s *sourceAuth) Authenticate(req *http.Request) error {
	if s.current.Load() == nil {
		if err := s.renew(req.Context(), nil); err != nil {
			return err
		}
	}
	return s.current.Load().Authenticate(req)
}

// Refresh fetches another token.
func (s *sourceAuth) Refresh(ctx context.Context) error {
	return s.renew(ctx, s.current.Load())
}

// renew fetches a token, unless another goroutine has replaced stale already.
func (s *sourceAuth) renew(ctx context.Context, stale *headerAuth) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.current.Load() != stale {
		return nil
	}
	secret, err := s.fetch(ctx)
	if err != nil {
		return fmt.Errorf("token source: %w", err)
	}
	token := NewToken(secret)
	if fault := accessTokenFault(token); fault != "" {
		return errors.New("token source: " + fault)
	}
	s.current.Store(&headerAuth{header: "Authorization", prefix: "Bearer ", token: token})
	return nil
}

// renewal lets one goroutine at a time renew the credential, and the others
// see that it was renewed.
type renewal struct {
	refresh func(context.Context) error // nil where the Auth has no Refresh
	turn    chan uint64                 // holds the number of renewals so far
}

func newRenewal(auth Auth) renewal {
	r := renewal{turn: make(chan uint64, 1)}
	r.turn <- 0
	if a, ok := auth.(interface{ Refresh(context.Context) error }); ok {
		r.refresh = a.Refresh
	}
	return r
}

// count returns how often the credential was renewed so far.
func (r renewal) count(ctx context.Context) (uint64, error) {
	select {
	case n := <-r.turn:
		r.turn <- n
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// renew renews the credential, unless that was done since seen.
func (r renewal) renew(ctx context.Context, seen uint64) error {
	select {
	case n := <-r.turn:
		defer func() { r.turn <- n }()
		if n != seen {
			return nil
		}
		if err := r.refresh(ctx); err != nil {
			return err
		}
		n++
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// authFault says what is wrong with an Auth, or "".
func authFault(auth Auth) string {
	switch a := auth.(type) {
	case nil:
		return "auth is nil: use Anonymous for a client without a token"
	case *headerAuth:
		return accessTokenFault(a.token)
	case *sourceAuth:
		if a.fetch == nil {
			return "the token source is nil"
		}
	}
	return ""
}

// accessTokenFault says why t cannot be a user's access token, or "".
func accessTokenFault(t Token) string {
	return useFault(t, "no access token", tokenform.Runner,
		"runner and registration tokens go to the methods of Client.Tokens")
}

// runnerTokenFault says why t cannot be a runner's token, or "".
func runnerTokenFault(t Token) string {
	return useFault(t, "no runner's token", tokenform.Access, "access tokens go to New")
}

// useFault says why t cannot be used here, or "". The tokens of the other use
// have a place of their own.
func useFault(t Token, whatItIs string, other tokenform.Use, place string) string {
	if fault := tokenFault(t); fault != "" {
		return fault
	}
	use, prefix := tokenform.Of(t.Reveal())
	fault := "a token that begins with " + prefix + " is " + whatItIs
	if use == other {
		return fault + ": " + place
	}
	if use == tokenform.Other {
		return fault
	}
	return ""
}

// tokenFault says why t cannot be any token, or "". It never shows the token.
func tokenFault(t Token) string {
	secret := t.Reveal()
	switch {
	case secret == "":
		return "token is empty"
	case strings.TrimSpace(secret) != secret:
		return "token has surrounding whitespace"
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "token has a character that no token has"
	default:
		return ""
	}
}

// Token is a secret: an authentication token of a runner, or a registration
// token. No verb of fmt, no logger and no error shows it, nor does reflection;
// [Token.Reveal] does. Marshalling one is an error, so that a token that is
// shown only once is neither leaked nor lost without notice.
//
// The zero Token holds nothing, and marshals as null.
type Token struct {
	_      [0]func() // not comparable: == would compare the wrong thing
	secret *secret
}

// secret hides a string from reflection, which looks through pointers and
// unexported fields, but not into a closure.
type secret struct{ reveal func() string }

// NewToken returns a Token that holds s.
func NewToken(s string) Token {
	if s == "" {
		return Token{}
	}
	return Token{secret: &secret{reveal: func() string { return s }}}
}

// Reveal returns the secret.
func (t Token) Reveal() string {
	if t.secret == nil {
		return ""
	}
	return t.secret.reveal()
}

// Equal reports whether t and other hold the same secret.
func (t Token) Equal(other Token) bool { return t.Reveal() == other.Reveal() }

// IsZero reports whether t holds nothing.
func (t Token) IsZero() bool { return t.secret == nil }

func (t Token) lacks() string {
	if t.IsZero() {
		return "token"
	}
	return ""
}

// String returns a placeholder, or "" for the zero Token.
func (t Token) String() string {
	if t.IsZero() {
		return ""
	}
	return redacted
}

// Format writes what String returns, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue returns what String returns.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

var errMarshalToken = errors.New("runners: a Token does not marshal: store what Reveal returns")

// MarshalJSON fails for a Token that holds something.
func (t Token) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return nil, errMarshalToken
}

// MarshalText fails for a Token that holds something.
func (t Token) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, nil
	}
	return nil, errMarshalToken
}

// UnmarshalJSON reads a string or null.
func (t *Token) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return errors.New("runners: a token is no string")
	}
	*t = NewToken(s)
	return nil
}
