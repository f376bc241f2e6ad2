// New authentication tokens for runners, none of which may get lost.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-832548de/runners"
)

// Rotation is a runner's new token.
type Rotation struct {
	RunnerID       int64
	Token          runners.Token
	TokenExpiresAt *time.Time // nil = never
}

// LogValue shows the runner and when its token expires.
func (r Rotation) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int64("id", r.RunnerID), slog.Any("token", r.Token)}
	if r.TokenExpiresAt != nil {
		attrs = append(attrs, slog.Time("token_expires_at", *r.TokenExpiresAt))
	}
	return slog.GroupValue(attrs...)
}

// Rotator gives runners new tokens. Client and Store are required; one Rotator
// may be used by many goroutines.
type Rotator struct {
	Client *runners.Client

	// Store keeps a new token. It is called with it before anything else is
	// done, and with a context that goes on where the caller's has ended:
	// when it is called, the runner's old token is dead. Where it fails it is
	// called again, three times in all.
	Store func(context.Context, Rotation) error

	// Lock, unless nil, is called before a runner's token is reset, and what
	// it returns after the new one was stored. A Rotator never rotates one
	// runner twice at the same time; Lock can see to it that several do not.
	Lock func(ctx context.Context, runnerID int64) (unlock func(), err error)

	mu   sync.Mutex
	busy map[int64]bool
}

var (
	// ErrRotating is a runner whose token is being rotated already.
	ErrRotating = errors.New("rotating already")
	// ErrNotStored is a new token that Store did not take. The Rotation that
	// comes with it holds the token.
	ErrNotStored = errors.New("the new token was not stored")
	// ErrTokenLost is a token that may have been reset, while the new one is
	// not known. Rotating once more recovers.
	ErrTokenLost = errors.New("the runner may be without a token")
)

const (
	// rescue is for how long a rotation that has begun goes on, whatever
	// becomes of the context.
	rescue = 2 * time.Minute
	// resets is how often a token is reset where the answers get lost.
	resets = 4
	// stores is how often Store is called.
	stores = 3
)

// Rotate gives a runner a new token and stores it.
//
// Where the answer to the reset is lost, the old token may be dead and nobody
// has the new one. Rotate resets the token again then, also if the context has
// ended meanwhile, for two minutes at most. The error is [ErrTokenLost] where
// that did not help, [ErrNotStored], [ErrRotating], or what the client says of
// a token that is as it was. It is a [*RunnerError].
//
// GitLab 14.6 or newer; the caller needs the right to update the runner. Once
// the token's rotation deadline has passed, the error is
// [runners.ErrForbidden].
func (r *Rotator) Rotate(ctx context.Context, runnerID int64) (*Rotation, error) {
	rotation, err := r.rotate(ctx, &gate{}, runnerID)
	return rotation, ofRunner(runnerID, err)
}

func (r *Rotator) rotate(ctx context.Context, g *gate, id int64) (*Rotation, error) {
	if !r.begin(id) {
		return nil, ErrRotating
	}
	defer r.end(id)
	if r.Lock != nil {
		unlock, err := r.Lock(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("not locked: %w", err)
		}
		if unlock != nil {
			defer unlock()
		}
	}
	token, err := r.reset(ctx, g, id)
	if err != nil {
		return nil, err
	}
	rotation := &Rotation{RunnerID: id, Token: token.Token, TokenExpiresAt: token.TokenExpiresAt}
	return rotation, r.store(ctx, *rotation)
}

// begin reports whether no rotation of the runner is under way, and marks one.
func (r *Rotator) begin(id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[id] {
		return false
	}
	if r.busy == nil {
		r.busy = map[int64]bool{}
	}
	r.busy[id] = true
	return true
}

func (r *Rotator) end(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, id)
}

// reset resets the token, and again where the answer was lost: by id, with the
// access token, that is right however the first reset ended.
func (r *Rotator) reset(ctx context.Context, g *gate, id int64) (*runners.AuthenticationToken, error) {
	again := func(ctx context.Context) (*runners.AuthenticationToken, error) {
		return ask(ctx, g, func(ctx context.Context) (*runners.AuthenticationToken, error) {
			return r.Client.Runners.ResetToken(ctx, id)
		})
	}
	token, err := again(ctx)
	if !errors.Is(err, runners.ErrOutcomeUnknown) {
		return token, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rescue)
	defer cancel()
	for try := 1; try < resets; try++ {
		if sleep(ctx, about(time.Second<<try)) != nil {
			break
		}
		if token, err = again(ctx); err == nil {
			return token, nil
		}
		if !passing(err) {
			break
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrTokenLost, err)
}

// store hands a new token to the store, whatever has become of the context.
func (r *Rotator) store(ctx context.Context, rotation Rotation) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rescue)
	defer cancel()
	var err error
	for try := range stores {
		if try > 0 && sleep(ctx, about(time.Second<<try)) != nil {
			break
		}
		if err = r.Store(ctx, rotation); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrNotStored, err)
}

// Credential is what the caller knows of a runner's token. GitLab tells when a
// token expires only to who makes it or has it.
type Credential struct {
	RunnerID  int64
	ExpiresAt *time.Time // nil = never, or not known

	// Token, unless zero, is shown to GitLab to learn when it expires, where
	// ExpiresAt is nil. GitLab takes that as contact of the runner. GitLab
	// 15.10 or newer; older ones do not tell.
	Token runners.Token
}

// ExpiringOptions are the choices of [Rotator.RotateExpiring].
type ExpiringOptions struct {
	// Within is how soon a token must expire to be rotated. The default is a
	// week.
	Within time.Duration

	// Apply says to rotate. Without it the report only says what is due.
	Apply bool

	// Concurrency is how many runners are worked on at once. The default is 8.
	Concurrency int
}

// Expiry is when a runner's token expires, and what was done about it.
type Expiry struct {
	RunnerID  int64      `json:"runner_id"`
	ExpiresAt *time.Time `json:"expires_at"`       // nil = never
	Due       bool       `json:"due"`              // it expires soon, or has expired
	Rotated   bool       `json:"rotated"`          // and the new token is stored
	Until     *time.Time `json:"until,omitzero"`   // when the new one expires
	Problem   string     `json:"problem,omitzero"` // why it is not known or not rotated
	Rotation  *Rotation  `json:"-"`                // the new token
	Err       error      `json:"-"`                // what Problem says
}

// LogValue shows what is marshalled.
func (e Expiry) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.Int64("id", e.RunnerID), slog.Bool("due", e.Due), slog.Bool("rotated", e.Rotated),
	}
	if e.ExpiresAt != nil {
		attrs = append(attrs, slog.Time("expires_at", *e.ExpiresAt))
	}
	if e.Problem != "" {
		attrs = append(attrs, slog.String("problem", e.Problem))
	}
	return slog.GroupValue(attrs...)
}

// RotateExpiring rotates the tokens that expire soon, if the options say Apply,
// and reports on all of them, the soonest first and those that never expire
// last.
//
// What fails for one runner does not keep the others from being rotated; the
// error is a [*PartialError] then. A runner that is held twice is an error, and
// nothing is done: to rotate its token twice would void the first new one.
func (r *Rotator) RotateExpiring(
	ctx context.Context, held []Credential, o *ExpiringOptions,
) ([]Expiry, error) {
	options := deref(o)
	if options.Within <= 0 {
		options.Within = 7 * 24 * time.Hour
	}
	report, g := make([]Expiry, len(held)), &gate{}
	places, seen := make([]int, len(held)), map[int64]int{}
	for i, h := range held {
		if first, twice := seen[h.RunnerID]; twice {
			return nil, fmt.Errorf("held[%d] and [%d] are both of runner %d", first, i, h.RunnerID)
		}
		places[i], seen[h.RunnerID] = i, i
		report[i] = Expiry{RunnerID: h.RunnerID, ExpiresAt: h.ExpiresAt}
	}
	outcomes, err := Each(ctx, places, func(ctx context.Context, i int) error {
		return ofRunner(held[i].RunnerID, r.expire(ctx, g, held[i].Token, options, &report[i]))
	}, &EachOptions{Concurrency: options.Concurrency})
	for i, outcome := range outcomes {
		if outcome.Err != nil {
			report[i].Err, report[i].Problem = outcome.Err, outcome.Err.Error()
		}
	}
	slices.SortStableFunc(report, func(a, b Expiry) int { return compareTimes(a.ExpiresAt, b.ExpiresAt) })
	return report, err
}

// expire looks at one token, and rotates it where that is due.
func (r *Rotator) expire(
	ctx context.Context, g *gate, token runners.Token, o ExpiringOptions, e *Expiry,
) error {
	if e.ExpiresAt == nil && !token.IsZero() {
		v, err := ask(ctx, g, func(ctx context.Context) (*runners.Verification, error) {
			return r.Client.Tokens.Verify(ctx, token, nil)
		})
		if err != nil {
			return fmt.Errorf("the token is not accepted: %w", err)
		}
		if v.ID != 0 && v.ID != e.RunnerID {
			return fmt.Errorf("the token is that of runner %d", v.ID)
		}
		e.ExpiresAt = v.TokenExpiresAt
	}
	e.Due = e.ExpiresAt != nil && time.Until(*e.ExpiresAt) <= o.Within
	if !e.Due || !o.Apply {
		return nil
	}
	rotation, err := r.rotate(ctx, g, e.RunnerID)
	e.Rotation = rotation
	if rotation != nil {
		e.Rotated, e.Until = err == nil, rotation.TokenExpiresAt
	}
	return err
}

// compareTimes orders times; nil is later than all.
func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	default:
		return a.Compare(*b)
	}
}
