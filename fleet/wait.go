// Waiting: for GitLab to take calls again, and between two looks at it.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-832548de/runners"
)

const (
	// longestHold is the longest wait that GitLab can ask for: its periods are
	// of an hour at most, by default.
	longestHold = time.Hour
	// plainHold is the wait after a refusal that does not name one.
	plainHold = time.Minute
	// maxPeriods is for how many periods in succession GitLab may refuse.
	maxPeriods = 5
)

// A gate holds back the calls of one verb while GitLab refuses them for their
// number. Where GitLab does so period after period, it closes for good.
type gate struct {
	mu      sync.Mutex
	until   time.Time
	periods int   // in succession
	refusal error // the last one
}

// pass waits until calls may be made.
func (g *gate) pass(ctx context.Context) error {
	for {
		wait, err := g.state()
		if err == nil {
			err = ctx.Err()
		}
		if wait <= 0 || err != nil {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return fmt.Errorf("no time is left to wait until GitLab takes calls again: %w",
				context.DeadlineExceeded)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// state returns how long to wait, and an error where that is in vain.
func (g *gate) state() (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.periods >= maxPeriods {
		return 0, fmt.Errorf("GitLab refuses again and again: %w", g.refusal)
	}
	return time.Until(g.until), nil
}

// refused reports whether GitLab refused a call that it may take later, and
// then holds back all calls until that time.
func (g *gate) refused(err error) bool {
	wait, refused := askedWait(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !refused {
		g.periods = 0
	}
	if !refused || wait > longestHold {
		return false
	}
	now := time.Now()
	if !now.Before(g.until) {
		g.periods++
	}
	if until := now.Add(wait); until.After(g.until) {
		g.until = until
	}
	g.refusal = err
	return true
}

// do makes a call, and makes it again where GitLab refuses it for now.
func (g *gate) do(ctx context.Context, call func() error) error {
	if err := g.pass(ctx); err != nil {
		return err
	}
	for {
		refusal := call()
		if !g.refused(refusal) {
			return refusal
		}
		if err := g.pass(ctx); err != nil {
			return fmt.Errorf("%w (%w)", refusal, err)
		}
	}
}

// ask makes a call through the gate, and returns its answer.
func ask[T any](ctx context.Context, g *gate, call func(context.Context) (T, error)) (T, error) {
	var answer T
	err := g.do(ctx, func() (err error) {
		answer, err = call(ctx)
		return err
	})
	return answer, err
}

// askedWait returns how long GitLab asks to wait before it takes a call that
// it refused, and whether it refused one. A call that may have been done was
// not refused.
func askedWait(err error) (time.Duration, bool) {
	refusal, ok := errors.AsType[*runners.Error](err)
	limited := errors.Is(err, runners.ErrRateLimited)
	resting := errors.Is(err, runners.ErrUnavailable) && ok && refusal.RetryAfter > 0
	if !ok || !limited && !resting || errors.Is(err, runners.ErrOutcomeUnknown) {
		return 0, false
	}
	if refusal.RetryAfter <= 0 {
		return plainHold, true
	}
	return refusal.RetryAfter, true
}

// passing reports whether an error may be over at another try: of the network
// or the server, and not of the request.
func passing(err error) bool {
	for _, kind := range []error{
		runners.ErrUnavailable, runners.ErrServer, runners.ErrTemporary,
		runners.ErrRateLimited, runners.ErrUnexpectedResponse,
	} {
		if errors.Is(err, kind) {
			return !errors.Is(err, runners.ErrTLS)
		}
	}
	return false
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// about returns a random time within a tenth of d, so that bots that began
// together do not stay together.
func about(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
