package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
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

// line is an event in a word or two.
func line(e fleet.Event) string {
	text := fmt.Sprintf("%d %s", e.ID, e.Kind)
	for _, c := range e.Changes {
		text += fmt.Sprintf(" %s=%s", c.Field, c.New)
	}
	return text
}

// watch watches all runners for a time, and returns the events after those of
// the first look, and the errors.
func watch(t *testing.T, w *fleet.Watcher, d time.Duration) (events []string, errs []error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for e, err := range w.Events(ctx) {
		switch {
		case err != nil:
			errs = append(errs, err)
		case !e.First:
			events = append(events, line(e))
		}
	}
	return events, errs
}

func watcher(s *stage, o *fleet.WatchOptions) *fleet.Watcher {
	return fleet.NewWatcher(s.admin, s.admin.Runners.ListAll(nil), o)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		other := s.Client(t)
		ids := s.add(5)
		for after, do := range map[time.Duration]func(){
			10 * time.Minute: func() { s.add(1) },
			20 * time.Minute: func() { _, _ = other.Runners.Pause(t.Context(), ids[0]) },
			30 * time.Minute: func() { _, _ = other.Runners.Resume(t.Context(), ids[0]) },
			40 * time.Minute: func() { _ = other.Runners.Delete(t.Context(), ids[1]) },
			50 * time.Minute: func() {
				_, _ = other.Runners.Update(t.Context(), ids[2], &runners.UpdateOptions{Description: new("tester"), Paused: new(true)})
			},
			4 * time.Hour: func() {
				s.change(ids[3], func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(0) })
			},
		} {
			time.AfterFunc(after, do)
		}
		events, errs := watch(t, watcher(s, nil), 5*time.Hour)
		assert.Empty(t, errs)
		assert.Equal(t, []string{
			"6 appeared", "1 paused", "1 resumed", "2 gone", "3 paused", "3 changed description=tester",
			"1 offline", "3 offline", "4 offline", "5 offline", "6 offline", "4 online",
		}, events)
		events, _ = watch(t, watcher(s, &fleet.WatchOptions{Interval: time.Hour}), 10*day)
		assert.Equal(t, []string{
			"4 offline", "1 stale", "3 stale", "5 stale", "6 stale", "4 stale",
		}, events)
	})
}

func TestWatchDetails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		ids := s.add(3)
		time.AfterFunc(time.Hour, func() {
			s.change(ids[1], func(r *runnerstest.Runner) { r.Paused, r.Description = true, "x" })
			s.change(ids[2], func(r *runnerstest.Runner) { r.Paused = true })
		})
		s.before = first(always, http.MethodGet, "/runners/3", &fault{status: 500})
		for e, err := range watcher(s, &fleet.WatchOptions{Depth: fleet.DepthEvents}).Events(t.Context()) {
			require.NoError(t, err)
			assert.NotNil(t, e.Runner)
			switch {
			case e.First:
				assert.Nil(t, e.Details)
			case e.ID == 2:
				assert.Equal(t, []string{"docker"}, e.Details.TagList)
			default:
				assert.Nil(t, e.Details, "they could not be had")
				assert.Equal(t, 1, s.count("GET /runners/{id}"), "once for two events")
				return
			}
		}
	})
}

// Tokens that expire are told of once for each time of expiry.
func TestWatchExpiries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(2)
		expiries := map[int64]time.Time{1: time.Now().Add(8 * day), 2: time.Now().Add(day), 9: time.Now()}
		failing := false
		w := watcher(s, &fleet.WatchOptions{
			ExpiringWithin: 2 * day, Interval: 30 * time.Minute,
			Expiries: func(context.Context) (map[int64]time.Time, error) {
				if failing {
					return nil, errors.New("no store")
				}
				return expiries, nil
			},
		})
		events, errs := watch(t, w, time.Hour)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"2 token_expiring"}, events)
		s.change(2, func(r *runnerstest.Runner) { r.Description = "x" })
		events, _ = watch(t, w, 40*time.Minute)
		assert.Equal(t, []string{"2 changed description=x"}, events)
		expiries[2] = time.Now().Add(20 * day)
		events, _ = watch(t, w, 7*day)
		assert.Equal(t, []string{"1 offline", "2 offline", "1 token_expiring", "1 stale", "2 stale"}, events)
		failing = true
		events, errs = watch(t, w, time.Minute)
		assert.Empty(t, events)
		assert.Len(t, errs, 1)
	})
}

func TestWatchExpiriesWithinAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(2)
		events, errs := watch(t, watcher(s, &fleet.WatchOptions{
			Expiries: func(context.Context) (map[int64]time.Time, error) {
				return map[int64]time.Time{1: time.Now().Add(8 * day), 2: time.Now().Add(6 * day)}, nil
			},
		}), time.Minute/2)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"2 token_expiring"}, events)
	})
}

// A watch that ends amid the events of a look goes on after the last one, in
// another process.
func TestWatchGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(4)
		var state fleet.WatchState
		var events []string
		for range 11 {
			w := watcher(s, &fleet.WatchOptions{State: &state})
			for e, err := range w.Events(t.Context()) {
				require.NoError(t, err)
				events = append(events, line(e))
				break
			}
			text, err := json.Marshal(w.State())
			require.NoError(t, err)
			state = fleet.WatchState{}
			require.NoError(t, json.Unmarshal(text, &state))
			if len(events) == 4 {
				for id := range int64(3) {
					s.change(id+1, func(r *runnerstest.Runner) { r.Paused, r.Description = true, "x" })
				}
				require.NoError(t, s.Client(t).Runners.Delete(t.Context(), 4))
			}
		}
		assert.Equal(t, []string{
			"1 appeared", "2 appeared", "3 appeared", "4 appeared",
			"1 paused", "1 changed description=x", "2 paused", "2 changed description=x",
			"3 paused", "3 changed description=x", "4 gone",
		}, events)
	})
}

// The next look waits for who handles the events.
func TestWatchWaitsForItsLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(3)
		for e, err := range watcher(s, nil).Events(t.Context()) {
			require.NoError(t, err)
			time.Sleep(time.Hour)
			if e.ID == 3 {
				assert.Equal(t, 1, s.count("GET /runners/all"))
				break
			}
		}
	})
}

// A look that fails tells nothing, and nothing is lost by it.
func TestWatchThroughFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(250)
		w := watcher(s, nil)
		_, errs := watch(t, w, time.Minute/2)
		assert.Empty(t, errs)
		require.NoError(t, s.Client(t).Runners.Delete(t.Context(), 7))
		for _, broken := range []string{"/runners/all", "/runners/7"} {
			s.before = func(r *http.Request) *fault {
				if strings.Contains(r.URL.Path, broken) && r.URL.Query().Get("page") != "1" {
					return &fault{status: 500}
				}
				return nil
			}
			events, errs := watch(t, w, time.Minute)
			assert.Empty(t, events)
			require.NotEmpty(t, errs)
			require.ErrorIs(t, errs[0], runners.ErrServer)
		}
		s.before = limited(http.MethodGet, "", 30*time.Minute)
		events, errs := watch(t, w, time.Hour)
		assert.Equal(t, []string{"7 gone"}, events)
		assert.Empty(t, errs)
	})
}

// A runner that the list lacks is not gone if it is there. If the list lacks
// it again, it has left the list.
func TestWatchMissesRunners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(201)
		w := watcher(s, nil)
		other := s.Client(t)
		_, _ = watch(t, w, time.Minute/2)
		s.before = func(r *http.Request) *fault {
			if r.URL.Query().Get("page") == "2" { // 101 moves to page 1, which was read
				_ = other.Runners.Delete(t.Context(), 1)
			}
			return nil
		}
		events, errs := watch(t, w, time.Hour)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"1 gone"}, events)
		for _, seen := range w.State().Runners {
			assert.False(t, seen.Missed, "all were found again")
		}

		list := s.admin.Runners.ListAll(&runners.ListOptions{TagList: []string{"docker"}})
		w = fleet.NewWatcher(s.admin, list, nil)
		_, _ = watch(t, w, time.Minute/2)
		s.change(9, func(r *runnerstest.Runner) { r.TagList = nil })
		s.before = first(always, http.MethodGet, "/runners/9", &fault{status: 403})
		events, errs = watch(t, w, 10*time.Minute)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"9 gone"}, events)
	})
}

func TestWatchARunnerListedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		w := fleet.NewWatcher(s.admin, s.listedTwice(), nil)
		_, _ = watch(t, w, time.Minute)
		time.AfterFunc(time.Minute, func() { s.change(1, func(r *runnerstest.Runner) { r.Paused = true }) })
		events, errs := watch(t, w, 10*time.Minute)
		assert.Empty(t, errs)
		assert.Equal(t, []string{"1 paused"}, events)
	})
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(1)
		s.latency = time.Hour
		events, errs := watch(t, watcher(s, nil), time.Second)
		assert.Empty(t, events)
		assert.Empty(t, errs)
	})
}

func TestEventLogs(t *testing.T) {
	t.Parallel()
	e := fleet.Event{
		Kind: fleet.EventChanged, ID: 4, Description: "new", ExpiresAt: new(time.Unix(0, 0).UTC()),
		Changes: []fleet.Change{{Field: "description", Old: "old", New: "new"}},
	}
	assert.Equal(t, "[kind=changed id=4 description=new description=[old=old new=new] "+
		"expires_at=1970-01-01 00:00:00 +0000 UTC]", slog.AnyValue(e).Resolve().String())
}
