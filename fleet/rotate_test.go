package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// A safe is where the tests store tokens.
type safe struct {
	mu     sync.Mutex
	tokens map[int64]string
	puts   int
	before func(ctx context.Context) error
}

func (s *safe) put(ctx context.Context, r fleet.Rotation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.before != nil {
		if err := s.before(ctx); err != nil {
			return err
		}
	}
	if s.tokens == nil {
		s.tokens = map[int64]string{}
	}
	s.tokens[r.RunnerID] = r.Token.Reveal()
	return nil
}

// keeps checks that the safe has the runner's one token.
func (s *safe) keeps(t *testing.T, st *stage, id int64) {
	t.Helper()
	assert.Equal(t, st.runner(id).Token, s.tokens[id])
}

const resetRoute = "POST /runners/{id}/reset_authentication_token"

func TestRotate(t *testing.T) {
	t.Parallel()
	s, keep := newStage(t, ""), &safe{}
	id := s.add(1)[0]
	old := s.runner(id).Token
	unlocked := false
	r := &fleet.Rotator{
		Client: s.admin, Store: keep.put,
		Lock: func(_ context.Context, runner int64) (func(), error) {
			assert.Equal(t, id, runner)
			return func() { unlocked = true; keep.keeps(t, s, id) }, nil
		},
	}
	rotation, err := r.Rotate(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, id, rotation.RunnerID)
	assert.NotEqual(t, old, rotation.Token.Reveal())
	assert.Nil(t, rotation.TokenExpiresAt)
	assert.True(t, unlocked)
	assert.Equal(t, 1, s.count(resetRoute))
	assert.Equal(t, "[id=1 token=[REDACTED]]", slog.AnyValue(*rotation).Resolve().String())
	assert.NotContains(t, fmt.Sprintf("%+v %#v", rotation, *rotation), rotation.Token.Reveal())
}

// A lock may leave nothing to unlock.
func TestRotateWithoutUnlock(t *testing.T) {
	t.Parallel()
	s, keep := newStage(t, ""), &safe{}
	id := s.add(1)[0]
	r := &fleet.Rotator{
		Client: s.admin, Store: keep.put,
		Lock: func(context.Context, int64) (func(), error) { return nil, nil },
	}
	_, err := r.Rotate(t.Context(), id)
	require.NoError(t, err)
	keep.keeps(t, s, id)
}

// Whenever the answers get lost, the safe has the token that the runner has in
// the end.
func TestRotateAfterLostAnswers(t *testing.T) {
	t.Parallel()
	for lost := 1; lost <= 3; lost++ {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			rotateAfter(t, lost)
		})
	}
}

func rotateAfter(t *testing.T, lost int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		id := s.add(1)[0]
		s.after = first(lost, http.MethodPost, "", &fault{status: 502})
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		_, err := r.Rotate(t.Context(), id)
		require.NoError(t, err)
		keep.keeps(t, s, id)
		assert.Equal(t, 1, keep.puts)
		assert.Equal(t, lost+1, s.count(resetRoute))
	})
}

// After too many lost answers the error says what to do; another Rotate mends
// it.
func TestRotateInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		id := s.add(1)[0]
		s.after = first(4, http.MethodPost, "", &fault{status: 502})
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		rotation, err := r.Rotate(t.Context(), id)
		require.ErrorIs(t, err, fleet.ErrTokenLost)
		require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		assert.Nil(t, rotation)
		_, err = r.Rotate(t.Context(), id)
		require.NoError(t, err)
		keep.keeps(t, s, id)
	})
}

// The context ends while the answer is on its way. The token is found and
// stored nevertheless.
func TestRotateGoesOnWithoutItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		id := s.add(1)[0]
		ctx, cancel := context.WithCancel(t.Context())
		s.after = once(http.MethodPost, "", cancel)
		keep.before = func(ctx context.Context) error { return ctx.Err() }
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		_, err := r.Rotate(ctx, id)
		require.NoError(t, err)
		require.Error(t, ctx.Err())
		keep.keeps(t, s, id)

		_, err = r.Rotate(ctx, id)
		require.ErrorIs(t, err, context.Canceled, "nothing was begun")
		keep.keeps(t, s, id)
	})
}

// A store that fails is asked again, and at last the caller has the token.
func TestRotateWithABrokenStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		id := s.add(1)[0]
		full, failures := errors.New("disk full"), 2
		keep.before = func(context.Context) error {
			if failures--; failures >= 0 {
				return full
			}
			return nil
		}
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		_, err := r.Rotate(t.Context(), id)
		require.NoError(t, err)
		keep.keeps(t, s, id)

		failures = 3
		rotation, err := r.Rotate(t.Context(), id)
		require.ErrorIs(t, err, fleet.ErrNotStored)
		require.ErrorIs(t, err, full)
		assert.Equal(t, "runner 1: the new token was not stored: disk full", err.Error())
		assert.Equal(t, s.runner(id).Token, rotation.Token.Reveal())
	})
}

// One runner is never rotated twice at once.
func TestRotateTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		s.latency = time.Second
		ids := s.add(2)
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		outcomes, err := fleet.Each(t.Context(), []int64{ids[0], ids[0], ids[0], ids[1]},
			func(ctx context.Context, id int64) error {
				_, err := r.Rotate(ctx, id)
				return err
			}, nil)
		require.ErrorIs(t, err, fleet.ErrRotating)
		failed := 0
		for _, o := range outcomes[:3] {
			if errors.Is(o.Err, fleet.ErrRotating) {
				failed++
			}
		}
		assert.Equal(t, 2, failed)
		assert.Equal(t, 2, s.count(resetRoute))
		keep.keeps(t, s, ids[0])
		keep.keeps(t, s, ids[1])
	})
}

func TestRotateRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		id := s.add(1)[0]
		old := s.runner(id).Token
		r := &fleet.Rotator{Client: s.as(t, "mia"), Store: keep.put}
		_, err := r.Rotate(t.Context(), id)
		require.ErrorIs(t, err, runners.ErrForbidden)
		assert.NotErrorIs(t, err, fleet.ErrTokenLost)

		taken := errors.New("taken")
		r.Lock = func(context.Context, int64) (func(), error) { return nil, taken }
		_, err = r.Rotate(t.Context(), id)
		require.ErrorIs(t, err, taken)
		assert.Equal(t, old, s.runner(id).Token)
		assert.Zero(t, keep.puts)

		r = &fleet.Rotator{Client: s.admin, Store: keep.put}
		s.before = limited(http.MethodPost, "", 10*time.Minute)
		began := time.Now()
		_, err = r.Rotate(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, 10*time.Minute, time.Since(began))
		keep.keeps(t, s, id)
	})
}

// The runner goes away after a lost answer: there is nothing to recover.
func TestRotateARunnerThatGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		id := s.add(1)[0]
		other := s.Client(t)
		s.after = func(r *http.Request) *fault {
			if s.runner(id) == nil {
				return nil
			}
			_ = other.Runners.Delete(r.Context(), id)
			return &fault{status: 502}
		}
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		_, err := r.Rotate(t.Context(), id)
		require.ErrorIs(t, err, runners.ErrNotFound)
		assert.Zero(t, keep.puts)
	})
}

// expiring adds runners whose tokens expire in so many days; 0 is never.
func expiring(s *stage, days ...int) (held []fleet.Credential) {
	for _, d := range days {
		spec := runnerstest.Runner{Projects: []int64{s.app.ID}}
		if d != 0 {
			spec.TokenExpiresAt = runnerstest.In(time.Duration(d) * day)
		}
		r := s.AddRunner(spec)
		held = append(held, fleet.Credential{RunnerID: r.ID, Token: runners.NewToken(r.Token)})
	}
	return held
}

func TestRotateExpiring(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		held := expiring(s, 30, 0, 6, 1)
		held = append(held, fleet.Credential{RunnerID: s.add(1)[0], ExpiresAt: new(time.Now().Add(-day))})
		interval := int64(40 * 24 * 3600)
		state := s.Snapshot()
		state.Settings.ProjectRunnerTokenExpirationInterval = &interval
		require.NoError(t, s.Restore(state))

		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		report, err := r.RotateExpiring(t.Context(), held, nil)
		require.NoError(t, err)
		var order []int64
		for _, e := range report {
			order = append(order, e.RunnerID)
			assert.False(t, e.Rotated)
			assert.Equal(t, e.RunnerID >= 3, e.Due)
		}
		assert.Equal(t, []int64{5, 4, 3, 1, 2}, order)
		assert.Zero(t, s.count(resetRoute))

		report, err = r.RotateExpiring(t.Context(), held, &fleet.ExpiringOptions{Apply: true, Within: 2 * day})
		require.NoError(t, err)
		assert.Equal(t, 2, s.count(resetRoute))
		for _, e := range report[:2] {
			assert.True(t, e.Rotated)
			assert.WithinDuration(t, time.Now().Add(40*day), *e.Until, time.Second)
			keep.keeps(t, s, e.RunnerID)
			assert.Contains(t, slog.AnyValue(*e.Rotation).Resolve().String(), "token=[REDACTED] token_expires_at=")
		}
		text, err := json.Marshal(report)
		require.NoError(t, err)
		assert.NotContains(t, string(text), keep.tokens[4])
		assert.Contains(t, slog.AnyValue(report[0]).Resolve().String(), "due=true rotated=true expires_at=")
	})
}

func TestRotateExpiringRefusesARunnerHeldTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		held := expiring(s, 1, 2)
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		report, err := r.RotateExpiring(t.Context(), append(held, held[0]), &fleet.ExpiringOptions{Apply: true})
		require.EqualError(t, err, "held[0] and [2] are both of runner 1")
		assert.Nil(t, report)
		assert.Zero(t, s.count(resetRoute))
	})
}

func TestRotateExpiringGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		held := expiring(s, 1, 2, 3, 4)
		held[0].Token = runners.NewToken("glrt-unknown-token")
		held[1].Token = held[3].Token
		s.before = first(always, http.MethodPost, "/runners/4/", &fault{status: 403})
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		report, err := r.RotateExpiring(t.Context(), held, &fleet.ExpiringOptions{Apply: true})
		var partial *fleet.PartialError
		require.ErrorAs(t, err, &partial)
		assert.Len(t, partial.Errs, 3)
		problems := map[int64]string{}
		for _, e := range report {
			problems[e.RunnerID] = e.Problem
		}
		assert.Contains(t, problems[1], "runner 1: the token is not accepted: ")
		assert.Equal(t, "runner 2: the token is that of runner 4", problems[2])
		assert.Empty(t, problems[3])
		assert.Contains(t, problems[4], "403 faked")
		assert.Contains(t, slog.AnyValue(report[1]).Resolve().String(), "403 faked")
		keep.keeps(t, s, 3)
		assert.Equal(t, 1, keep.puts)
	})
}

// What was not begun when the context ends is reported so; what was begun is
// stored.
func TestRotateExpiringEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		held := expiring(s, 1, 2, 3)
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		report, err := r.RotateExpiring(ctx, held, &fleet.ExpiringOptions{Apply: true, Concurrency: 1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, fleet.ErrNotBegun)
		assert.True(t, report[0].Rotated)
		assert.True(t, report[1].Rotated, "its reset was under way")
		keep.keeps(t, s, 1)
		keep.keeps(t, s, 2)
		assert.Equal(t, int64(3), report[2].RunnerID)
		require.ErrorIs(t, report[2].Err, fleet.ErrNotBegun)
		assert.Equal(t, held[2].Token.Reveal(), s.runner(3).Token)
	})
}

// Refusals are waited for, and lost answers made good, for all of them.
func TestRotateExpiringThroughTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		held := expiring(s, 1, 2, 3)
		s.before = limited(http.MethodPost, "", 10*time.Minute)
		s.after = first(3, http.MethodPost, "/reset_authentication_token", &fault{status: 502})
		began := time.Now()
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		report, err := r.RotateExpiring(t.Context(), held, &fleet.ExpiringOptions{Apply: true})
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(began), 10*time.Minute)
		for _, e := range report {
			assert.True(t, e.Rotated)
			keep.keeps(t, s, e.RunnerID)
		}
		assert.Equal(t, 3, keep.puts)
		assert.Equal(t, 6, s.count(resetRoute))
	})
}

// Somebody else rotates one runner, and deletes another.
func TestRotateExpiringTogetherWithOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, keep := newStage(t, ""), &safe{}
		held, other := expiring(s, 1, 2, 3), s.Client(t)
		s.before = once(http.MethodPost, "/runners/verify", func() {
			_, _ = other.Runners.ResetToken(t.Context(), 1)
		})
		s.after = once(http.MethodPost, "/runners/2/", func() {
			_ = other.Runners.Delete(t.Context(), 3)
		})
		r := &fleet.Rotator{Client: s.admin, Store: keep.put}
		report, err := r.RotateExpiring(t.Context(), held, &fleet.ExpiringOptions{Apply: true, Concurrency: 1})
		problems := map[int64]string{}
		for _, e := range report {
			problems[e.RunnerID] = e.Problem
		}
		require.Error(t, err)
		assert.Contains(t, problems[1], "the token is not accepted", "its new token is somebody else's to keep")
		assert.Empty(t, problems[2])
		assert.Contains(t, problems[3], "the token is not accepted")
		assert.Equal(t, 1, keep.puts)
		keep.keeps(t, s, 2)
	})
}
