package fleet_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
)

// details reads all that Details yields.
func details(
	ctx context.Context, s *stage, o *fleet.DetailsOptions,
) (ids []int64, errs []error) {
	for d, err := range fleet.Details(ctx, s.admin, s.admin.Runners.ListAll(nil), o) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids = append(ids, d.ID)
	}
	return ids, errs
}

// The time is that of the pages one after the other, and of the runners as many
// at once as was asked for.
func TestDetails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.latency = 20 * time.Millisecond
		want := s.add(250)
		began := time.Now()
		got, errs := details(t.Context(), s, &fleet.DetailsOptions{Concurrency: 16})
		assert.Empty(t, errs)
		assert.Equal(t, want, got)
		assert.Equal(t, 16, s.peak)
		assert.LessOrEqual(t, time.Since(began), s.listTime(250)+16*s.latency)
		assert.Equal(t, 3, s.count("GET /runners/all"))
		assert.Equal(t, 250, s.count("GET /runners/{id}"))
	})
}

func TestDetailsWithProjects(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := s.add(1)[0]
	for _, with := range []bool{false, true} {
		for d, err := range fleet.DetailsOf(t.Context(), s.admin, []int64{id}, &fleet.DetailsOptions{Projects: with}) {
			require.NoError(t, err)
			assert.Equal(t, with, len(d.Projects) == 1)
			assert.Equal(t, []string{"docker"}, d.TagList)
		}
	}
}

// What fails for one runner stands in its place; one that is gone is left out.
func TestDetailsGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	ids := s.add(5)
	s.before = func(r *http.Request) *fault {
		switch r.URL.Path {
		case "/api/v4/runners/3":
			return &fault{status: http.StatusForbidden}
		case "/api/v4/runners/1":
			_ = s.Client(t).Runners.Delete(t.Context(), 4)
		}
		return nil
	}
	got, errs := details(t.Context(), s, &fleet.DetailsOptions{Concurrency: 1})
	assert.Equal(t, []int64{ids[0], ids[1], ids[4]}, got)
	require.Len(t, errs, 1)
	var of *fleet.RunnerError
	require.ErrorAs(t, errs[0], &of)
	assert.Equal(t, ids[2], of.ID)
	require.ErrorIs(t, errs[0], runners.ErrForbidden)
	assert.Equal(t, "runner 3: runners: GET /runners/{id}: 403 faked", errs[0].Error())
}

// Details of another runner, as from a cache in between, are not taken for those
// that were asked for.
func TestDetailsOfAnotherRunner(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.add(2)
	s.before = func(r *http.Request) *fault {
		r.URL.Path = strings.Replace(r.URL.Path, "/runners/1", "/runners/2", 1)
		return nil
	}
	got, errs := details(t.Context(), s, nil)
	assert.Equal(t, []int64{2}, got)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], runners.ErrUnexpectedResponse)
	assert.Equal(t, "runner 1: unexpected response: it is about runner 2", errs[0].Error())
}

func TestDetailsOfAListThatFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.before = first(always, http.MethodGet, "/runners/all", &fault{status: 403})
	got, errs := details(t.Context(), s, nil)
	assert.Empty(t, got)
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], runners.ErrForbidden)
}

func TestDetailsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.latency = time.Second
		s.add(50)
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		got, errs := details(ctx, s, nil)
		assert.Len(t, got, 16)
		require.Len(t, errs, 1, "it is the last")
		assert.ErrorIs(t, errs[0], context.DeadlineExceeded)
	})
}

func TestDetailsStopsWithItsLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.latency = time.Second
		s.add(500)
		for _, err := range fleet.Details(t.Context(), s.admin, s.admin.Runners.ListAll(nil), nil) {
			require.NoError(t, err)
			break
		}
		assert.LessOrEqual(t, s.count("GET /runners/{id}"), 16, "and the bubble has no goroutine left")
	})
}

// Every page and every runner is had once, however often GitLab refuses.
func TestDetailsWaitsAsGitLabAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		want := s.add(550)
		budget, window := 100, time.Now()
		s.before = func(*http.Request) *fault {
			s.mu.Lock()
			defer s.mu.Unlock()
			if time.Since(window) >= 10*time.Minute {
				budget, window = 100, time.Now()
			}
			if budget == 0 {
				return &fault{429, 10*time.Minute - time.Since(window)}
			}
			budget--
			return nil
		}
		got, errs := details(t.Context(), s, nil)
		assert.Empty(t, errs)
		assert.Equal(t, want, got)
		assert.Equal(t, 6, s.count("GET /runners/all"))
		assert.Equal(t, 550, s.count("GET /runners/{id}"))
	})
}

// A list is read on from the page that was refused.
func TestDetailsGoesOnAmongThePages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		want := s.add(350)
		refused := map[string]bool{}
		s.before = func(r *http.Request) *fault {
			if p := r.URL.Query().Get("page"); (p == "1" || p == "3") && !refused[p] {
				refused[p] = true
				return &fault{429, 5 * time.Minute}
			}
			return nil
		}
		began := time.Now()
		got, errs := details(t.Context(), s, nil)
		assert.Empty(t, errs)
		assert.Equal(t, want, got)
		assert.Equal(t, 10*time.Minute, time.Since(began))
		// Page 4 may have been read ahead before page 3 was refused.
		assert.LessOrEqual(t, s.count("GET /runners/all"), 5)
	})
}

func TestDetailsAfterLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		want := s.add(20)
		s.after = first(3, http.MethodGet, "/runners/1", &fault{status: 502})
		got, errs := details(t.Context(), s, nil)
		assert.Empty(t, errs)
		assert.Equal(t, want, got)
	})
}

// Who deletes while reading misses none.
func TestDetailsWhileDeleting(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.add(250)
	for d, err := range fleet.Details(t.Context(), s.admin, s.admin.Runners.ListAll(nil), nil) {
		require.NoError(t, err)
		require.NoError(t, s.admin.Runners.Delete(t.Context(), d.ID))
	}
	assert.Empty(t, s.Snapshot().Runners)
}

func TestDetailsOfARunnerListedTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	list := s.listedTwice()
	rows, err := list.Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, rows, 2)
	n := 0
	for _, err := range fleet.Details(t.Context(), s.admin, list, nil) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 1, n)
}
