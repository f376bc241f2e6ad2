package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// deeper changes a field of the runner's that the list shows, and many that only
// its details do.
func deeper(r *runnerstest.Runner) {
	r.Description, r.Paused = "x", true
	r.TagList, r.AccessLevel = []string{"linux", "docker"}, runners.RefProtected
	r.RunUntagged, r.Locked = new(false), true
	r.MaximumTimeout, r.MaintenanceNote = new(int64(3600)), new("mine")
	r.Projects, r.AssignedAt, r.Version = []int64{1, 2}, nil, "18.5.0"
}

// deeperLine is what is told of it.
const deeperLine = "changed description=x access_level=ref_protected locked=true maintenance_note=mine " +
	"maximum_timeout=3600 projects=acme/app, acme/site run_untagged=false tag_list=docker, linux version=18.5.0"

func TestWatchAllDetails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(3)
		w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthAll})
		for e, err := range w.Events(t.Context()) {
			require.NoError(t, err)
			assert.True(t, e.First)
			assert.Equal(t, []string{"docker"}, e.Details.TagList)
			if e.ID == 3 {
				break
			}
		}
		s.change(ids[1], deeper)
		s.change(ids[2], func(r *runnerstest.Runner) { r.TagList = nil })
		events, errs := watch(t, w, time.Hour)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"2 paused", "2 " + deeperLine, "3 changed tag_list="}, events)
	})
}

// Without a change in the list nobody looks at the details; with one, all is
// told that has changed since they were read the last time.
func TestWatchDetailsOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := s.add(2)[0]
		w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthEvents})
		_, _ = watch(t, w, time.Minute/2)
		rename := func(name string) []string {
			s.change(id, func(r *runnerstest.Runner) { r.Description = name })
			events, errs := watch(t, w, time.Minute/2)
			assert.Empty(t, errs)
			return events
		}
		assert.Equal(t, []string{"1 changed description=a"}, rename("a"))
		s.change(id, func(r *runnerstest.Runner) { r.TagList = []string{"arm"} })
		events, _ := watch(t, w, time.Minute/2)
		assert.Empty(t, events)
		assert.Equal(t, []string{"1 changed description=b tag_list=arm"}, rename("b"))
		assert.Equal(t, []string{"1 changed description=c"}, rename("c"))
		assert.Equal(t, 3, s.count("GET /runners/{id}"))
	})
}

// Details that cannot be had are told of, and what changed in them later.
func TestWatchDetailsThroughFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(3)
		w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthAll, Interval: time.Hour})
		_, errs := watch(t, w, time.Minute)
		assert.Empty(t, errs)
		s.change(ids[1], deeper)
		s.change(ids[2], deeper)
		for _, status := range []int{500, 403, 200} {
			s.before = first(always, http.MethodGet, "/runners/2", &fault{status: status})
			events, errs := watch(t, w, time.Minute)
			assert.Equal(t, map[int][]string{
				500: {"2 paused", "2 changed description=x", "3 paused", "3 " + deeperLine},
			}[status], events)
			require.Len(t, errs, 1)
			var partial *fleet.PartialError
			require.ErrorAs(t, errs[0], &partial)
			assert.Equal(t, 3, partial.Total)
			var of *fleet.RunnerError
			require.ErrorAs(t, partial.Errs[0], &of)
			assert.Equal(t, ids[1], of.ID)
		}
		s.before = nil
		events, errs := watch(t, w, time.Minute)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"2 " + strings.Replace(deeperLine, " description=x", "", 1)}, events)
	})
}

// A watch that ends amid the events of a look, or before an error that follows
// them, goes on after the last one, in another process.
func TestWatchDetailsGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(3)
		var state fleet.WatchState
		var events []string
		for range 9 {
			w := watcher(s, &fleet.WatchOptions{State: &state, Depth: fleet.DepthAll})
			for e, err := range w.Events(t.Context()) {
				require.NoError(t, err)
				events = append(events, line(e))
				break
			}
			text, err := json.Marshal(w.State())
			require.NoError(t, err)
			state = fleet.WatchState{}
			require.NoError(t, json.Unmarshal(text, &state))
			if len(events) == 3 {
				s.before = first(1, http.MethodGet, "/runners/3", &fault{status: 403})
				for _, id := range ids {
					s.change(id, deeper)
				}
			}
		}
		assert.Equal(t, []string{
			"1 appeared", "2 appeared", "3 appeared",
			"1 paused", "1 " + deeperLine, "2 paused", "2 " + deeperLine, "3 paused", "3 " + deeperLine,
		}, events)
	})
}

// The same where only the details of events are read: they are read until what
// changed in them was told.
func TestWatchDetailsOfEventsGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := s.add(3)[0]
		state := fleet.WatchState{}
		next := func(n int) (events []string) {
			w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthEvents, State: &state})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute/2)
			defer cancel()
			for e, err := range w.Events(ctx) {
				if err != nil {
					events = append(events, "partly")
				} else {
					events = append(events, line(e))
				}
				if len(events) == n {
					break
				}
			}
			state = w.State()
			return events
		}
		assert.Len(t, next(0), 3)
		s.change(id, func(r *runnerstest.Runner) { r.Description = "a" })
		assert.Equal(t, []string{"1 changed description=a"}, next(0), "and its details are known from now on")

		s.change(id, func(r *runnerstest.Runner) { r.Paused, r.TagList = true, []string{"arm"} })
		assert.Equal(t, []string{"1 paused"}, next(1))
		assert.Equal(t, []string{"1 changed tag_list=arm"}, next(0))

		s.change(id, func(r *runnerstest.Runner) { r.Paused, r.TagList = false, []string{"b"} })
		s.before = first(4, http.MethodGet, "/runners/1", &fault{status: 500})
		assert.Equal(t, []string{"1 resumed", "partly"}, next(0))
		assert.Equal(t, []string{"1 changed tag_list=b"}, next(0))

		s.change(id, func(r *runnerstest.Runner) { r.Paused, r.TagList = true, []string{"a"} })
		s.before = first(1, http.MethodGet, "/runners/1", &fault{status: 403})
		assert.Equal(t, []string{"1 paused", "partly"}, next(0))
		n := s.count("GET /runners/{id}")
		assert.Empty(t, next(0), "who may not see them asks no more")
		assert.Equal(t, n, s.count("GET /runners/{id}"))
	})
}

// A state of a watch that read less is one to go on from, and the other way
// round.
func TestWatchGoesDeeper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := s.add(2)[0]
		state := fleet.WatchState{}
		look := func(depth fleet.Depth) []string {
			w := watcher(s, &fleet.WatchOptions{Depth: depth, State: &state})
			events, errs := watch(t, w, time.Minute/2)
			assert.Empty(t, errs)
			state = w.State()
			return events
		}
		tag := func(name string) {
			s.change(id, func(r *runnerstest.Runner) { r.TagList = []string{name} })
		}
		assert.Empty(t, look(fleet.DepthList))
		tag("a")
		assert.Empty(t, look(fleet.DepthAll), "nobody knows what it was")
		tag("b")
		assert.Empty(t, look(fleet.DepthList))
		assert.Equal(t, []string{"1 changed tag_list=b"}, look(fleet.DepthAll))
		delete(state.Runners[id].Details, "tag_list") // of a version that did not know the field
		tag("c")
		assert.Empty(t, look(fleet.DepthAll))
		tag("d")
		assert.Equal(t, []string{"1 changed tag_list=d"}, look(fleet.DepthAll))
	})
}

// What is kept of a runner is bounded, and still tells of a change at the end of
// what is not kept.
func TestWatchStateIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		long := strings.Repeat("ü", 120)
		id := s.add(1, func(r *runnerstest.Runner) {
			r.Projects, r.TagList, r.MaintenanceNote = nil, nil, new(strings.Repeat("x", 1000))
			for i := range 300 {
				path := fmt.Sprintf("acme/a-project-with-quite-a-long-name-%d", i)
				r.Projects = append(r.Projects, s.AddProject(runnerstest.Project{Path: path}).ID)
			}
			for i := range 50 {
				r.TagList = append(r.TagList, fmt.Sprint(i, long))
			}
		})[0]
		w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthAll})
		_, _ = watch(t, w, time.Minute/2)
		text, err := json.Marshal(w.State().Runners[id].Details)
		require.NoError(t, err)
		assert.Less(t, len(text), 4<<10)
		s.change(id, func(r *runnerstest.Runner) { r.MaintenanceNote = new(strings.Repeat("x", 999) + "y") })
		events, errs := watch(t, w, time.Minute/2)
		assert.Empty(t, errs)
		require.Len(t, events, 1)
		assert.Regexp(t, `^1 changed maintenance_note=x{196}… \(1000 bytes, SHA-256 [0-9a-f]{16}\)$`, events[0])
	})
}

// Each look tells when it begins, how far it is, and when it has ended.
func TestWatchProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(150)
		s.add(2, func(r *runnerstest.Runner) { r.Description = "last" })
		var seen []string
		w := watcher(s, &fleet.WatchOptions{Depth: fleet.DepthAll, Concurrency: 1, Progress: func(p fleet.WatchProgress) {
			text := slog.AnyValue(p).Resolve().String()
			if p.Details == 0 || p.Details > 150 {
				seen = append(seen, text)
			}
			assert.Equal(t, time.Now(), p.At)
		}})
		_, errs := watch(t, w, time.Minute/2)
		assert.Empty(t, errs)
		assert.Equal(t, []string{
			"[rows=0 rows_total=0 done=false]",
			"[rows=100 rows_total=152 done=false]",
			"[rows=152 rows_total=152 done=false]",
			"[rows=152 rows_total=152 details=151 details_total=152 done=false]",
			"[rows=152 rows_total=152 details=152 details_total=152 done=false]",
			"[rows=152 rows_total=152 details=152 details_total=152 done=true]",
		}, seen)

		seen = nil
		s.before = first(always, http.MethodGet, "/runners/all", &fault{status: 403})
		_, errs = watch(t, w, time.Minute/2)
		require.Len(t, errs, 1)
		assert.Equal(t, []string{
			"[rows=0 rows_total=0 done=false]",
			"[rows=0 rows_total=0 done=true error=" + errs[0].Error() + "]",
		}, seen)
	})
}
