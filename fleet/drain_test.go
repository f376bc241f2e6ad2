package fleet_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// busy adds a runner with a job that ends after a time. Another of its managers
// has a job that does not end.
func busy(s *stage, d time.Duration) int64 {
	job := runnerstest.Job{
		Status: runners.JobRunning, StartedAt: runnerstest.Ago(time.Minute), SystemID: "s_a",
	}
	id := s.add(1, func(r *runnerstest.Runner) {
		r.Managers = []runnerstest.Manager{{SystemID: "s_a"}, {SystemID: "s_b"}}
		r.Jobs = []runnerstest.Job{job}
	})[0]
	time.AfterFunc(d, func() {
		s.change(id, func(r *runnerstest.Runner) { r.Jobs[0].Status = runners.JobSuccess })
	})
	return id
}

func TestDrain(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"19.1.0", "17.5.0", "15.0.0", "13.10.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			drainUntilIdle(t, version)
		})
	}
}

func drainUntilIdle(t *testing.T, version string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, version)
		id := busy(s, time.Minute)
		var looks []fleet.DrainProgress
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{
			Progress: func(p fleet.DrainProgress) { looks = append(looks, p) },
		})
		require.NoError(t, err)
		assert.True(t, d.Idle)
		assert.False(t, d.WasPaused)
		assert.False(t, d.Resumed)
		assert.InDelta(t, time.Minute, d.Elapsed, float64(15*time.Second))
		assert.True(t, s.runner(id).Paused)
		assert.InDelta(t, 6, len(looks), 1)
		assert.Equal(t, id, looks[0].ID)
		assert.Zero(t, looks[0].Elapsed)
	})
}

// GitLab says how many jobs there are only where one has to ask for the jobs.
func TestDrainCountsJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "17.5.0")
		id := busy(s, time.Second)
		_, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{
			Progress: func(p fleet.DrainProgress) {
				assert.Equal(t, 1, p.Jobs)
				assert.Equal(t, "[id=1 elapsed=0s jobs=1]", slog.AnyValue(p).Resolve().String())
			},
		})
		require.NoError(t, err)
	})
}

// A job may have been handed out just when the runner was paused.
func TestDrainLooksTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := s.add(1)[0]
		d, err := fleet.Drain(t.Context(), s.admin, id, nil)
		require.NoError(t, err)
		assert.Equal(t, time.Second, d.Elapsed)

		d, err = fleet.Drain(t.Context(), s.admin, id, nil)
		require.NoError(t, err)
		assert.True(t, d.WasPaused)
		assert.Zero(t, d.Elapsed)
		assert.Equal(t, 1, s.count("PUT /runners/{id}"))
	})
}

// Only one manager's jobs count, where GitLab tells them apart.
func TestDrainManager(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"19.1.0", "17.5.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			drainManager(t, version)
		})
	}
}

func drainManager(t *testing.T, version string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, version)
		id := busy(s, time.Hour)
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{SystemID: "s_b"})
		require.NoError(t, err)
		assert.Equal(t, time.Second, d.Elapsed)
		d, err = fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{SystemID: "s_a"})
		require.NoError(t, err)
		assert.InDelta(t, time.Hour, d.Elapsed, float64(time.Minute))
	})
}

// Before 17.1 there are no managers to be seen: all jobs count.
func TestDrainManagerOnOldGitLab(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "15.0.0")
		id := busy(s, time.Hour)
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{SystemID: "s_b"})
		require.NoError(t, err)
		assert.InDelta(t, time.Hour, d.Elapsed, float64(time.Minute))
	})
}

func TestDrainUnknownManager(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := s.add(1)[0]
	_, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{SystemID: "s_x"})
	require.ErrorIs(t, err, fleet.ErrNoManager)
	assert.Equal(t, `runner 1: no such runner manager: "s_x"`, err.Error())
	assert.False(t, s.runner(id).Paused)
}

// A manager that goes away has no jobs.
func TestDrainManagerThatGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, time.Hour)
		time.AfterFunc(time.Minute, func() {
			s.change(id, func(r *runnerstest.Runner) { r.Managers = r.Managers[1:]; r.Jobs[0].SystemID = "" })
		})
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{SystemID: "s_a"})
		require.NoError(t, err)
		assert.InDelta(t, time.Minute, d.Elapsed, float64(15*time.Second))
	})
}

// What does not get idle in time is resumed if that was asked for, although
// the time is over.
func TestDrainNotInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, 100*time.Hour)
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{Timeout: time.Minute})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, "runner 1: not idle in time: context deadline exceeded", err.Error())
		assert.False(t, d.Idle)
		assert.Equal(t, time.Minute, d.Elapsed)
		assert.True(t, s.runner(id).Paused)

		for _, wasPaused := range []bool{true, false} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			s.change(id, func(r *runnerstest.Runner) { r.Paused = wasPaused })
			d, err = fleet.Drain(ctx, s.admin, id, &fleet.DrainOptions{ResumeOnFailure: true})
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, !wasPaused, d.Resumed)
			assert.Equal(t, wasPaused, s.runner(id).Paused)
		}
	})
}

// A look that fails is followed by others, unless they would fail too.
func TestDrainThroughFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, time.Hour)
		began := time.Now()
		s.before = func(*http.Request) *fault {
			if e := time.Since(began); e > time.Minute && e < 2*time.Minute {
				return &fault{status: http.StatusBadGateway}
			}
			return nil
		}
		var failed []fleet.DrainProgress
		_, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{
			Progress: func(p fleet.DrainProgress) {
				if p.Err != nil {
					failed = append(failed, p)
				}
			},
		})
		require.NoError(t, err)
		require.NotEmpty(t, failed)
		require.ErrorIs(t, failed[0].Err, runners.ErrServer)
		assert.Contains(t, slog.AnyValue(failed[0]).Resolve().String(), "502 faked")

		s.change(id, func(r *runnerstest.Runner) { r.Paused = false; r.Jobs[0].Status = runners.JobRunning })
		s.before = first(always, http.MethodGet, "/runners/1", &fault{status: 403})
		_, err = fleet.Drain(t.Context(), s.admin, id, nil)
		require.ErrorIs(t, err, runners.ErrForbidden)
		s.before = first(always, http.MethodPut, "/runners/1", &fault{status: 403})
		_, err = fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{ResumeOnFailure: true})
		require.ErrorIs(t, err, runners.ErrForbidden)
		assert.False(t, s.runner(id).Paused)
	})
}

// No other look helps where GitLab's certificate does not hold.
func TestDrainWithoutTrust(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, time.Hour)
		untrusted := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, x509.UnknownAuthorityError{}
		}}
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{
			Timeout:  time.Hour,
			Progress: func(fleet.DrainProgress) { s.gitlab = untrusted },
		})
		require.ErrorIs(t, err, runners.ErrTLS)
		assert.Less(t, d.Elapsed, time.Minute)
	})
}

// If it fails and cannot be resumed, the error says both.
func TestDrainNotResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, 100*time.Hour)
		began := time.Now()
		s.before = func(r *http.Request) *fault {
			if r.Method == http.MethodPut && time.Since(began) > 30*time.Second {
				return &fault{status: 500}
			}
			return nil
		}
		d, err := fleet.Drain(t.Context(), s.admin, id,
			&fleet.DrainOptions{Timeout: time.Minute, ResumeOnFailure: true})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, runners.ErrServer)
		assert.False(t, d.Resumed)
	})
}

func TestDrainWaitsAsGitLabAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, time.Second)
		s.before = limited(http.MethodPut, "", 10*time.Minute)
		d, err := fleet.Drain(t.Context(), s.admin, id, nil)
		require.NoError(t, err)
		assert.Equal(t, 10*time.Minute+time.Second, d.Elapsed)
		assert.Equal(t, 1, s.count("PUT /runners/{id}"))
	})
}

// A wait goes on after a look that GitLab refused again and again.
func TestDrainOutlastsRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, time.Hour)
		began, failed := time.Now(), 0
		s.before = func(*http.Request) *fault {
			if e := time.Since(began); e > time.Minute && e < 12*time.Hour {
				return &fault{http.StatusTooManyRequests, time.Hour}
			}
			return nil
		}
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{
			Timeout: 20 * time.Hour,
			Progress: func(p fleet.DrainProgress) {
				if p.Err != nil {
					failed++
					assert.ErrorIs(t, p.Err, runners.ErrRateLimited)
				}
			},
		})
		require.NoError(t, err)
		assert.True(t, d.Idle)
		assert.Positive(t, failed)
	})
}

// The answers to the pause, and to some looks, are lost.
func TestDrainAfterLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := busy(s, time.Minute)
		s.after = first(3, http.MethodPut, "", &fault{status: 502})
		d, err := fleet.Drain(t.Context(), s.admin, id, nil)
		require.NoError(t, err)
		assert.True(t, d.Idle)

		s.change(id, func(r *runnerstest.Runner) { r.Paused = false })
		s.after = first(4, http.MethodPut, "", &fault{status: 502})
		d, err = fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{ResumeOnFailure: true})
		require.ErrorIs(t, err, runners.ErrServer)
		assert.True(t, d.Resumed, "it may have been paused")
		assert.False(t, s.runner(id).Paused)
	})
}

// Somebody resumes the runner, or deletes it.
func TestDrainAgainstOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		other := s.Client(t)
		id := busy(s, 100*time.Hour)
		time.AfterFunc(time.Minute, func() { _, _ = other.Runners.Resume(t.Context(), id) })
		d, err := fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{ResumeOnFailure: true})
		require.ErrorIs(t, err, fleet.ErrResumed)
		assert.False(t, d.Resumed, "not by us")

		time.AfterFunc(time.Minute, func() { _ = other.Runners.Delete(t.Context(), id) })
		_, err = fleet.Drain(t.Context(), s.admin, id, &fleet.DrainOptions{ResumeOnFailure: true})
		require.ErrorIs(t, err, runners.ErrNotFound)
		_, err = fleet.Drain(t.Context(), s.admin, id, nil)
		require.ErrorIs(t, err, runners.ErrNotFound)
	})
}
