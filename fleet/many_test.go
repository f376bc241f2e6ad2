//go:build !race

// What the race detector makes slow: ten thousand runners, and weeks of them.

package fleet_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// A week with all details, of which some cannot be had now and then.
func TestWatchDetailsForAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &week{}
		got := w.watch(t, &fleet.WatchOptions{Interval: 25 * time.Minute, Depth: fleet.DepthAll})
		w.isTold(t, got.events)
		assert.Greater(t, got.failed, 20)
		assert.Greater(t, got.partly, 20)
		fields := map[string]int{}
		for _, e := range got.events {
			for word := range strings.FieldsSeq(e) {
				if field, _, change := strings.Cut(word, "="); change {
					fields[field]++
				}
			}
		}
		assert.Equal(t, []string{
			"access_level", "description", "locked", "maintenance_note", "maximum_timeout", "projects",
			"run_untagged", "tag_list", "version",
		}, slices.Sorted(maps.Keys(fields)))
	})
}

// Ten thousand runners take no longer than their pages, and the runners, as many
// at once as was asked for.
func TestDetailsOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		want := s.add(10_000)
		s.latency = 20 * time.Millisecond
		took := map[int]time.Duration{}
		for _, k := range []int{1, 16} {
			began := time.Now()
			got, errs := details(t.Context(), s, &fleet.DetailsOptions{Concurrency: k})
			took[k] = time.Since(began)
			assert.Empty(t, errs)
			assert.Equal(t, want, got)
			assert.LessOrEqual(t, took[k], s.listTime(10_000)+10_000/time.Duration(k)*s.latency)
		}
		assert.GreaterOrEqual(t, took[1], 11*took[16])
	})
}

// Of 10,000 runners, those that are not stale cost nothing but their page.
func TestSweepPlansForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(9840)
		s.add(160, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(30 * day) })
		s.latency = 20 * time.Millisecond
		began := time.Now()
		plan, err := fleet.PlanSweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil),
			&fleet.SweepOptions{Concurrency: 16})
		require.NoError(t, err)
		assert.Len(t, plan.Items, 160)
		assert.Equal(t, 10_000, plan.Seen)
		assert.Equal(t, 160, s.count("GET /runners/{id}"))
		assert.LessOrEqual(t, time.Since(began), s.listTime(10_000)+160/16*s.latency)
	})
}

func TestWatchAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(10_000)
		s.latency = 20 * time.Millisecond
		began, n := time.Now(), 0
		for e, err := range watcher(s, &fleet.WatchOptions{Depth: fleet.DepthEvents}).Events(t.Context()) {
			require.NoError(t, err)
			assert.True(t, e.First)
			assert.Equal(t, fleet.EventAppeared, e.Kind)
			if n++; n == 10_000 {
				break
			}
		}
		assert.LessOrEqual(t, time.Since(began), s.listTime(10_000))
		assert.Len(t, s.Requests(), 100)
	})
}

func TestWatchAllDetailsAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(10_000)
		s.latency = 20 * time.Millisecond
		w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthAll, Concurrency: 16})
		began := time.Now()
		for e, err := range w.Events(t.Context()) {
			require.NoError(t, err)
			assert.NotNil(t, e.Details)
			break
		}
		assert.LessOrEqual(t, time.Since(began), s.listTime(10_000)+10_000/16*s.latency)
	})
}
