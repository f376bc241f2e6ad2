package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// A week is one in the life of a fleet: people and runners do what they do,
// and once an hour GitLab has trouble.
type week struct {
	*stage
	rng   *rand.Rand
	began time.Time
	deep  bool // whether details are read, too

	told  sight // what the events so far tell
	found sight // what the last look found; nil where it told nothing
	want  []string

	read   map[int64]runnerstest.Runner // at the time of a look at details
	readAt time.Time
}

// A sight is what there was to see at a look: all runners when the list was
// answered, and each whose details were read when these were.
type sight struct {
	at      time.Time
	rows    []runnerstest.Runner
	details map[int64]runnerstest.Runner
}

// trouble spoils each list, and each look at a single runner, for the first
// minutes of an hour, in one of several ways. Where details are read, it is only
// they that are spoiled in every other hour: not those of all runners, and not
// the answer that one is gone, which a refusal would delay.
func (w *week) trouble(r *http.Request, before bool) *fault {
	since := time.Since(w.began)
	if since%time.Hour > 12*time.Minute || since < time.Hour {
		return nil
	}
	if id := idIn(r); w.deep && int(since/time.Hour)%2 == 1 && (id%10 == 3 || w.runner(id) == nil) {
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
		return &fault{status: http.StatusOK} // not a list, and no runner
	}
	return nil
}

// looked keeps what was there when a list was answered, or details were.
func (w *week) looked(r *http.Request) *fault {
	if f := w.trouble(r, false); f != nil {
		return f
	}
	if strings.HasSuffix(r.URL.Path, "/runners/all") {
		w.commit()
		w.found = sight{at: time.Now(), rows: w.Snapshot().Runners, details: map[int64]runnerstest.Runner{}}
		return nil
	}
	if !w.deep || w.found.rows == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.readAt.Equal(time.Now()) {
		w.readAt, w.read = time.Now(), map[int64]runnerstest.Runner{}
		for _, r := range w.Snapshot().Runners {
			w.read[r.ID] = r
		}
	}
	if one, there := w.read[idIn(r)]; there {
		w.found.details[one.ID] = one
	}
	return nil
}

// idIn returns the id of the runner that a request is about; 0 for a list.
func idIn(r *http.Request) (id int64) {
	_, _ = fmt.Sscanf(r.URL.Path, "/api/v4/runners/%d", &id)
	return id
}

// commit adds what a comparison of two sights tells.
func (w *week) commit() {
	if w.found.rows == nil {
		return
	}
	all := map[int64][]string{}
	was := map[int64]runnerstest.Runner{}
	for _, r := range w.told.rows {
		was[r.ID] = r
		all[r.ID] = []string{"gone"}
	}
	for _, now := range w.found.rows {
		all[now.ID] = []string{"appeared"}
		if old, known := was[now.ID]; known {
			all[now.ID] = w.compare(old, now)
		}
		if _, read := w.found.details[now.ID]; !read && w.told.details[now.ID].ID != 0 {
			w.found.details[now.ID] = w.told.details[now.ID]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		for _, text := range all[id] {
			w.want = append(w.want, fmt.Sprintf("%d %s", id, text))
		}
	}
	w.told, w.found = w.found, sight{}
}

// compare returns what happened to a runner from one sight to the next.
func (w *week) compare(old, now runnerstest.Runner) (events []string) {
	if status := statusAt(now, w.found.at); status != statusAt(old, w.told.at) {
		events = append(events, status)
	}
	if now.Paused != old.Paused {
		events = append(events, map[bool]string{true: "paused", false: "resumed"}[now.Paused])
	}
	changes := ""
	if now.Description != old.Description {
		changes = " description=" + now.Description
	}
	before, known := w.told.details[now.ID]
	if after, read := w.found.details[now.ID]; read && known {
		changes += differences(before, after)
	}
	if changes != "" {
		events = append(events, "changed"+changes)
	}
	return events
}

// differences are those between two states of a runner that only details show.
func differences(old, now runnerstest.Runner) string {
	text := ""
	for _, c := range [][3]string{
		{"access_level", string(old.AccessLevel), string(now.AccessLevel)},
		{"locked", fmt.Sprint(old.Locked), fmt.Sprint(now.Locked)},
		{"maintenance_note", nullable(old.MaintenanceNote), nullable(now.MaintenanceNote)},
		{"maximum_timeout", nullable(old.MaximumTimeout), nullable(now.MaximumTimeout)},
		{"projects", paths(old.Projects), paths(now.Projects)},
		{"run_untagged", nullable(old.RunUntagged), nullable(now.RunUntagged)},
		{"tag_list", sorted(old.TagList), sorted(now.TagList)},
		{"version", old.Version, now.Version},
	} {
		if c[1] != c[2] {
			text += fmt.Sprintf(" %s=%s", c[0], c[2])
		}
	}
	return text
}

func nullable[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

func sorted(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), ", ") }

func paths(projects []int64) string {
	names := map[int64]string{1: "acme/app", 2: "acme/site"}
	var all []string
	for _, id := range projects {
		all = append(all, names[id])
	}
	return sorted(all)
}

// failed forgets what a look saw that told nothing.
func (w *week) failed(began time.Time) {
	if w.found.at.Before(began) {
		w.commit() // it is of the look before
	}
	w.found = sight{}
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
		if w.deep {
			w.adjust(ctx, other, all[w.rng.IntN(len(all))].ID)
		}
	}
}

// adjust changes something that only details show.
func (w *week) adjust(ctx context.Context, other *runners.Client, id int64) {
	n := w.rng.IntN(1000)
	update := func(o *runners.UpdateOptions) { _, _ = other.Runners.Update(ctx, id, o) }
	switch w.rng.IntN(8) {
	case 0:
		update(&runners.UpdateOptions{TagList: &[]string{"docker", fmt.Sprint("tag ", n)}})
	case 1:
		update(&runners.UpdateOptions{RunUntagged: new(n%2 == 0), Locked: new(n%3 == 0)})
	case 2:
		update(&runners.UpdateOptions{AccessLevel: []runners.AccessLevel{runners.RefProtected, runners.NotProtected}[n%2]})
	case 3:
		update(&runners.UpdateOptions{MaximumTimeout: runners.Value(600 + n)})
	case 4:
		update(&runners.UpdateOptions{MaximumTimeout: runners.Null[int](), MaintenanceNote: runners.Value(fmt.Sprint("note ", n))})
	case 5:
		_, _ = other.Projects.Assign(ctx, runners.Path("acme/site"), id)
	case 6:
		_ = other.Projects.Unassign(ctx, runners.Path("acme/site"), id)
	case 7:
		w.change(id, func(r *runnerstest.Runner) { r.Version = fmt.Sprintf("18.%d.0", n%12) })
	}
}

// watched is what a watch of the week told.
type watched struct {
	events []string
	failed int // looks
	partly int // looks that lacked some details
}

// watch lives the week and watches it.
func (w *week) watch(t *testing.T, o *fleet.WatchOptions) watched {
	t.Helper()
	w.stage, w.rng, w.began = newStage(t, ""), rand.New(rand.NewPCG(1, 2)), time.Now()
	w.deep = o.Depth == fleet.DepthAll
	for i := range 30 {
		w.add(1, func(r *runnerstest.Runner) {
			r.ContactedAt = runnerstest.Ago(time.Duration(i) * 5 * time.Hour)
		})
	}
	w.before = func(r *http.Request) *fault { return w.trouble(r, true) }
	w.after = w.looked
	ctx, cancel := context.WithTimeout(t.Context(), 7*day+30*time.Minute)
	defer cancel()
	go w.live(ctx, w.Client(t))

	var got watched
	for e, err := range watcher(w.stage, o).Events(ctx) {
		_, partly := errors.AsType[*fleet.PartialError](err)
		switch {
		case partly:
			got.partly++
		case err != nil:
			got.failed++
			w.failed(e.At)
		default:
			got.events = append(got.events, line(e))
		}
	}
	w.commit()
	return got
}

// isTold checks that the events are those that a comparison of what was there at
// each look gives: none is missing, none is told twice.
func (w *week) isTold(t *testing.T, got []string) {
	t.Helper()
	for i := range min(len(got), len(w.want)) {
		require.Equal(t, w.want[i], got[i], "event %d", i)
	}
	assert.Len(t, got, len(w.want))
}

func TestWatchForAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &week{}
		got := w.watch(t, &fleet.WatchOptions{Interval: 10 * time.Minute})
		w.isTold(t, got.events)
		assert.Greater(t, len(got.events), 300)
		assert.Greater(t, got.failed, 100)
		for _, kind := range []string{"appeared", "gone", "online", "offline", "stale", "paused", "resumed", "changed"} {
			assert.True(t, slices.ContainsFunc(got.events, func(s string) bool { return strings.Contains(s, kind) }), kind)
		}
	})
}
