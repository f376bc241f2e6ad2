package fleet_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
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

func TestWatchAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(10_000)
		s.latency = 20 * time.Millisecond
		began, n := time.Now(), 0
		for e, err := range watcher(s, &fleet.WatchOptions{Details: true}).Events(t.Context()) {
			require.NoError(t, err)
			assert.True(t, e.First)
			assert.Equal(t, fleet.EventAppeared, e.Kind)
			if n++; n == 10_000 {
				break
			}
		}
		assert.LessOrEqual(t, time.Since(began), 100*20*time.Millisecond)
		assert.Len(t, s.Requests(), 100)
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
		for e, err := range watcher(s, &fleet.WatchOptions{Details: true}).Events(t.Context()) {
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

// GitLab shows a runner once for each manager that a version filter matches.
func TestWatchARunnerListedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(1, func(r *runnerstest.Runner) {
			r.Managers = []runnerstest.Manager{{SystemID: "a", Version: "17.1.0"}, {SystemID: "b", Version: "17.2.0"}}
		})
		list := s.admin.Runners.ListAll(&runners.ListOptions{VersionPrefix: "17"})
		w := fleet.NewWatcher(s.admin, list, nil)
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

// A week is one in the life of a fleet: people and runners do what they do,
// and once an hour GitLab has trouble.
type week struct {
	*stage
	rng     *rand.Rand
	began   time.Time
	last    []runnerstest.Runner // at the last look that counted
	lastAt  time.Time
	pending []runnerstest.Runner // at the last look
	at      time.Time
	want    []string
}

// trouble spoils each list, and each look at a single runner, for the first
// minutes of an hour, in one of several ways.
func (w *week) trouble(before bool) *fault {
	since := time.Since(w.began)
	if since%time.Hour > 12*time.Minute || since < time.Hour {
		return nil
	}
	switch kind := int(since/time.Hour) % 5; {
	case before && kind == 0:
		return &fault{status: http.StatusBadGateway}
	case before && kind == 1:
		return &fault{status: http.StatusTooManyRequests, wait: 100 * time.Second}
	case before && kind == 2:
		return &fault{status: http.StatusForbidden}
	case !before && kind == 3:
		return &fault{status: http.StatusInternalServerError}
	case !before && kind == 4:
		return &fault{status: http.StatusOK} // not a list
	}
	return nil
}

// looked keeps what was there when a list was answered.
func (w *week) looked(r *http.Request) *fault {
	if f := w.trouble(false); f != nil {
		return f
	}
	if strings.HasSuffix(r.URL.Path, "/runners/all") {
		w.commit()
		w.pending, w.at = w.Snapshot().Runners, time.Now()
	}
	return nil
}

// commit adds what a comparison of two snapshots tells.
func (w *week) commit() {
	if w.pending == nil {
		return
	}
	was := map[int64]runnerstest.Runner{}
	for _, r := range w.last {
		was[r.ID] = r
	}
	type told struct {
		id   int64
		text string
	}
	var all []told
	tell := func(id int64, text string) { all = append(all, told{id, fmt.Sprintf("%d %s", id, text)}) }
	for _, r := range w.pending {
		old, known := was[r.ID]
		delete(was, r.ID)
		if !known {
			tell(r.ID, "appeared")
			continue
		}
		if now := statusAt(r, w.at); now != statusAt(old, w.lastAt) {
			tell(r.ID, now)
		}
		if r.Paused != old.Paused {
			tell(r.ID, map[bool]string{true: "paused", false: "resumed"}[r.Paused])
		}
		if r.Description != old.Description {
			tell(r.ID, "changed description="+r.Description)
		}
	}
	for id := range was {
		tell(id, "gone")
	}
	slices.SortStableFunc(all, func(a, b told) int { return cmp.Compare(a.id, b.id) })
	for _, one := range all {
		w.want = append(w.want, one.text)
	}
	w.last, w.lastAt, w.pending = w.pending, w.at, nil
}

// failed forgets what a look saw that told nothing.
func (w *week) failed(began time.Time) {
	if w.at.Before(began) {
		w.commit() // it is of the look before
	}
	w.pending = nil
}

// statusAt is a runner's status at a time, as GitLab has it.
func statusAt(r runnerstest.Runner, at time.Time) string {
	created, contacted := r.CreatedAt.Time(), r.ContactedAt.Time()
	switch {
	case at.Sub(created) >= 7*day && at.Sub(contacted) >= 7*day:
		return "stale"
	case at.Sub(contacted) < 2*time.Hour:
		return "online"
	default:
		return "offline"
	}
}

// live is what happens every few minutes.
func (w *week) live(ctx context.Context, other *runners.Client) {
	for sleeping := time.NewTicker(17 * time.Minute); ctx.Err() == nil; {
		select {
		case <-sleeping.C:
		case <-ctx.Done():
			return
		}
		all := w.Snapshot().Runners
		id := all[1+w.rng.IntN(len(all)-1)].ID // nobody cares for the first
		switch w.rng.IntN(12) {
		case 0:
			w.add(1)
		case 1:
			_ = other.Runners.Delete(ctx, id)
		case 2:
			_, _ = other.Runners.Pause(ctx, id)
		case 3:
			_, _ = other.Runners.Resume(ctx, id)
		case 4:
			name := fmt.Sprint("builder ", w.rng.Uint32())
			_, _ = other.Runners.Update(ctx, id, &runners.UpdateOptions{Description: &name})
		default:
			w.change(id, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(0) })
		}
	}
}

// The events of a week, with trouble every hour, are those that a comparison of
// what was there at each look gives: none is missing, none is told twice.
func TestWatchForAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &week{stage: newStage(t, ""), rng: rand.New(rand.NewPCG(1, 2)), began: time.Now()}
		for i := range 30 {
			w.add(1, func(r *runnerstest.Runner) {
				r.ContactedAt = runnerstest.Ago(time.Duration(i) * 5 * time.Hour)
			})
		}
		w.before = func(*http.Request) *fault { return w.trouble(true) }
		w.after = w.looked
		ctx, cancel := context.WithTimeout(t.Context(), 7*day+30*time.Minute)
		defer cancel()
		go w.live(ctx, w.Client(t))

		var got []string
		failures := 0
		for e, err := range watcher(w.stage, &fleet.WatchOptions{Interval: 10 * time.Minute}).Events(ctx) {
			if err != nil {
				failures++
				w.failed(e.At)
			} else {
				got = append(got, line(e))
			}
		}
		w.commit()
		for i := range min(len(got), len(w.want)) {
			require.Equal(t, w.want[i], got[i], "event %d", i)
		}
		assert.Len(t, got, len(w.want))
		assert.Greater(t, len(got), 300)
		assert.Greater(t, failures, 100)
		for _, kind := range []string{"appeared", "gone", "online", "offline", "stale", "paused", "resumed", "changed"} {
			assert.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, kind) }), kind)
		}
	})
}
