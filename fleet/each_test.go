package fleet_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
)

// pause is what the tests do to each runner.
func pause(s *stage) func(context.Context, int64) error {
	return func(ctx context.Context, id int64) error {
		_, err := s.admin.Runners.Pause(ctx, id)
		return err
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.latency = 20 * time.Millisecond
		ids := s.add(40)
		var progress []int
		began := time.Now()
		outcomes, err := fleet.Each(t.Context(), ids, pause(s), &fleet.EachOptions{
			Concurrency: 10,
			Progress: func(done, total int) {
				assert.Equal(t, 40, total)
				progress = append(progress, done)
			},
		})
		require.NoError(t, err)
		require.Len(t, outcomes, 40)
		for i, o := range outcomes {
			assert.Equal(t, ids[i], o.Item)
			assert.NoError(t, o.Err)
			assert.True(t, s.runner(o.Item).Paused)
		}
		assert.Equal(t, 10, s.peak)
		assert.Equal(t, 4*20*time.Millisecond, time.Since(began))
		assert.Equal(t, 1, progress[0])
		assert.Equal(t, 40, progress[39])
	})
}

func TestEachOfNone(t *testing.T) {
	t.Parallel()
	outcomes, err := fleet.Each(t.Context(), nil, func(context.Context, int) error { return nil }, nil)
	require.NoError(t, err)
	assert.Empty(t, outcomes)
}

func TestEachGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	ids := []int64{s.add(1)[0], 4711, s.add(1)[0], -1}
	outcomes, err := fleet.Each(t.Context(), ids, pause(s), nil)
	var partial *fleet.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Equal(t, 4, partial.Total)
	assert.Len(t, partial.Errs, 2)
	require.ErrorIs(t, err, runners.ErrNotFound)
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "2 of 4 failed, first: runners: PUT /runners/{id}: 404 Runner Not Found", err.Error())
	assert.NoError(t, outcomes[0].Err)
	assert.ErrorIs(t, outcomes[1].Err, runners.ErrNotFound)
	assert.NoError(t, outcomes[2].Err)
	assert.True(t, s.runner(ids[2]).Paused)
	assert.Equal(t, "none of 3 failed", (&fleet.PartialError{Total: 3}).Error())
}

func TestEachEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		ids := s.add(10)
		outcomes, err := fleet.Each(ctx, ids, pause(s), &fleet.EachOptions{Concurrency: 2})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var begun, done int
		for _, o := range outcomes {
			if !errors.Is(o.Err, fleet.ErrNotBegun) {
				begun++
			}
			if o.Err == nil {
				done++
			}
		}
		assert.Equal(t, 6, begun)
		assert.Equal(t, 4, done)
	})
}

// A refusal for the number of calls holds back the items that are not begun,
// and the refused one where it can be repeated.
func TestEachWaitsAsGitLabAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(9)
		s.before = limited(http.MethodPut, "/runners/", 10*time.Minute)
		began := time.Now()
		_, err := fleet.Each(t.Context(), ids, pause(s), &fleet.EachOptions{Concurrency: 3})
		require.ErrorIs(t, err, runners.ErrRateLimited)
		var partial *fleet.PartialError
		require.ErrorAs(t, err, &partial)
		assert.LessOrEqual(t, len(partial.Errs), 3, "those that were under way")
		assert.Equal(t, 10*time.Minute, time.Since(began))

		s.before = limited(http.MethodPut, "/runners/", 10*time.Minute)
		_, err = fleet.Each(t.Context(), ids, pause(s), &fleet.EachOptions{Concurrency: 3, Repeatable: true})
		require.NoError(t, err)
		assert.Equal(t, 20*time.Minute, time.Since(began))
	})
}

// Nobody waits for a time that lies behind the deadline, is absurd, or never
// comes.
func TestEachGivesUpWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(3)
		refuse := func(wait time.Duration) {
			s.before = first(always, http.MethodPut, "/runners/", &fault{429, wait})
			s.admin = s.as(t, "root") // one that no refusal holds back yet
		}
		each := func(ctx context.Context) error {
			_, err := fleet.Each(ctx, ids, pause(s), &fleet.EachOptions{Repeatable: true})
			require.ErrorIs(t, err, runners.ErrRateLimited)
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		began := time.Now()
		refuse(10 * time.Minute)
		require.ErrorIs(t, each(ctx), context.DeadlineExceeded)
		assert.Zero(t, time.Since(began))

		refuse(100 * time.Hour)
		ids = ids[:1] // the client holds the others back for an hour at most
		_ = each(t.Context())
		assert.Zero(t, time.Since(began))

		refuse(time.Hour)
		_ = each(t.Context())
		assert.Equal(t, 4*time.Hour, time.Since(began))
	})
}

// An item that waits for others' refusals does not wait past the deadline.
func TestEachDoesNotWaitInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(3)
		s.before = limited(http.MethodPut, "/runners/", 10*time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		began := time.Now()
		outcomes, err := fleet.Each(ctx, ids, pause(s), &fleet.EachOptions{Concurrency: 1})
		require.ErrorIs(t, err, runners.ErrRateLimited)
		assert.Zero(t, time.Since(began))
		assert.ErrorIs(t, outcomes[2].Err, fleet.ErrNotBegun)
		assert.ErrorIs(t, outcomes[2].Err, context.DeadlineExceeded)
	})
}

// A put that may have been done is sent again by the client; what the item does
// is called once.
func TestEachWithLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(5)
		s.after = first(2, http.MethodPut, "/runners/", &fault{status: 502})
		var calls atomic.Int64
		_, err := fleet.Each(t.Context(), ids, func(ctx context.Context, id int64) error {
			calls.Add(1)
			return pause(s)(ctx, id)
		}, nil)
		require.NoError(t, err)
		assert.Equal(t, int64(5), calls.Load())
		assert.Equal(t, 7, s.count("PUT /runners/{id}"))
	})
}

// A create that may have been done is not repeated, not even where the item
// can be.
func TestEachCreatesNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.after = first(always, http.MethodPost, "/user/runners", &fault{503, time.Second})
		_, err := fleet.Each(t.Context(), make([]struct{}, 3), func(ctx context.Context, _ struct{}) error {
			_, err := s.admin.Runners.Create(ctx, runners.ForInstance(), nil)
			return err
		}, &fleet.EachOptions{Repeatable: true})
		require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		assert.Len(t, s.Snapshot().Runners, 3)
	})
}

// A runner that is deleted meanwhile is one failure.
func TestEachWhileOthersDelete(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	ids := s.add(4)
	s.before = once(http.MethodPut, "/runners/", func() {
		_ = s.Client(t).Runners.Delete(t.Context(), ids[3])
	})
	outcomes, err := fleet.Each(t.Context(), ids, pause(s), &fleet.EachOptions{Concurrency: 1})
	require.ErrorIs(t, err, runners.ErrNotFound)
	assert.NoError(t, outcomes[2].Err)
	assert.Error(t, outcomes[3].Err)
}
