// One look of a watch: it reads the list, and details where they are wanted, and
// compares them with what is known.

package fleet

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-832548de/runners"
)

// A look is the work of one look at a list.
type look struct {
	watcher  *Watcher
	gate     gate
	progress WatchProgress
	rows     []*runners.Runner // by ascending id, each once
	expiries map[int64]time.Time
	details  map[int64]*runners.RunnerDetails
	pending  map[int64]bool // another try may bring their details
	steps    []step         // by ascending id
	unread   error          // of the details that could not be had
}

// run looks. What it finds are its steps.
func (l *look) run(ctx context.Context) error {
	l.report()
	err := l.read(ctx)
	if err == nil {
		l.compareAll()
		err = l.deepen(ctx)
	}
	if err == nil {
		err = l.missing(ctx)
	}
	slices.SortStableFunc(l.steps, func(a, b step) int { return cmp.Compare(a.id, b.id) })
	l.progress.Done, l.progress.Err = true, cmp.Or(err, l.unread)
	l.report()
	return err
}

// report tells who wants to know how far the look is.
func (l *look) report() {
	if l.watcher.options.Progress != nil {
		l.watcher.options.Progress(l.progress)
	}
}

// read reads the list, and the times of expiry.
func (l *look) read(ctx context.Context) error {
	err := eachPage(ctx, &l.gate, l.watcher.list, func(page *runners.Page[runners.Runner]) {
		for i := range page.Items {
			l.rows = append(l.rows, &page.Items[i])
		}
		l.progress.Rows, l.progress.RowsTotal = len(l.rows), deref(page.Total)
		l.report()
	})
	if err != nil {
		return err
	}
	l.rows = once(l.rows)
	slices.SortFunc(l.rows, func(a, b *runners.Runner) int { return cmp.Compare(a.ID, b.ID) })
	if expiries := l.watcher.options.Expiries; expiries != nil {
		l.expiries, err = expiries(ctx)
	}
	return err
}

// deepen gets details as the depth says, and compares with these, too.
func (l *look) deepen(ctx context.Context) error {
	wanted := l.wanted()
	if len(wanted) == 0 {
		return nil
	}
	l.details, l.pending = make(map[int64]*runners.RunnerDetails, len(wanted)), map[int64]bool{}
	l.progress.DetailsTotal = len(wanted)
	errs := make([]error, len(wanted))
	o := &DetailsOptions{Concurrency: l.watcher.options.Concurrency, Projects: true}
	for i, a := range answersOf(ctx, l.watcher.client, &l.gate, wanted, o) {
		switch {
		case a.err == nil:
			l.details[wanted[i]] = a.value
		case !errors.Is(a.err, runners.ErrNotFound): // the next look will find it gone
			errs[i], l.pending[wanted[i]] = a.err, passing(a.err)
		}
		l.progress.Details++
		l.report()
	}
	l.unread = partial(errs)
	l.compareAll()
	return ctx.Err()
}

// wanted returns the ids of the runners whose details are read.
func (l *look) wanted() []int64 {
	var all []int64
	switch l.watcher.options.Depth {
	case DepthList:
	case DepthAll:
		all = ids(l.rows)
	case DepthEvents:
		told := map[int64]bool{}
		for _, s := range l.steps {
			told[s.id] = told[s.id] || s.event != nil && !s.event.First
		}
		for _, r := range l.rows {
			if told[r.ID] || l.watcher.state.Runners[r.ID].Pending {
				all = append(all, r.ID)
			}
		}
	}
	return all
}

// compareAll adds the events of the runners in the list.
func (l *look) compareAll() {
	l.steps = nil
	for _, r := range l.rows {
		l.compare(r)
	}
}

// add adds a step with an event of a kind about a runner.
func (l *look) add(kind EventKind, r *runners.Runner, after Seen) *Event {
	e := &Event{
		Kind: kind, At: l.progress.At, ID: r.ID, Description: r.Description,
		Runner: r, Details: l.details[r.ID],
	}
	l.steps = append(l.steps, step{event: e, id: r.ID, after: &after})
	return e
}

// note adds a step of which nobody needs to know.
func (l *look) note(id int64, after Seen) {
	l.steps = append(l.steps, step{id: id, after: &after})
}

// compare adds the events of one runner.
func (l *look) compare(r *runners.Runner) {
	seen, known := l.watcher.state.Runners[r.ID]
	now := see(r)
	now.Details, now.Pending, now.ExpiryTold = seen.Details, seen.Pending, seen.ExpiryTold
	if d := l.details[r.ID]; d != nil {
		now.Details, now.Pending = seeDetails(d), false
	} else if l.pending[r.ID] {
		now.Pending = true
	}
	if !known {
		l.add(EventAppeared, r, now).First = l.watcher.state.At.IsZero()
		l.expiry(r, now)
		return
	}
	changes := seen.changes(now)
	caughtUp := maps.Equal(seen.Details, now.Details) && seen.Pending == now.Pending
	seen.Pending = seen.Pending || changes != nil // who leaves before they are told
	l.compareStatus(r, &seen, now)
	if now.Paused != seen.Paused {
		seen.Paused = now.Paused
		l.add(pauseEvent(now.Paused), r, seen)
	}
	switch {
	case changes != nil:
		l.add(EventChanged, r, now).Changes = changes
	case !caughtUp:
		l.note(r.ID, now) // of which there is nothing to tell
	}
	l.expiry(r, now)
}

func (l *look) compareStatus(r *runners.Runner, seen *Seen, now Seen) {
	if now.Status == seen.Status && !seen.Missed {
		return
	}
	kind, told := statusEvents(now.Status)
	told = told && now.Status != seen.Status
	seen.Status, seen.Missed = now.Status, false
	if told {
		l.add(kind, r, *seen)
	} else {
		l.note(r.ID, *seen)
	}
}

// statusEvents returns the event of a new status, if there is one.
func statusEvents(s runners.Status) (EventKind, bool) {
	kinds := map[runners.Status]EventKind{
		runners.StatusOnline:  EventOnline,
		runners.StatusOffline: EventOffline,
		runners.StatusStale:   EventStale,
	}
	kind, ok := kinds[s]
	return kind, ok
}

func pauseEvent(paused bool) EventKind {
	if paused {
		return EventPaused
	}
	return EventResumed
}

// expiry adds the event of a token that expires soon.
func (l *look) expiry(r *runners.Runner, seen Seen) {
	at, known := l.expiries[r.ID]
	told := seen.ExpiryTold != nil && seen.ExpiryTold.Equal(at)
	if !known || told || at.Sub(l.progress.At) > l.watcher.options.ExpiringWithin {
		return
	}
	seen.ExpiryTold = &at
	l.add(EventTokenExpiring, r, seen).ExpiresAt = &at
}

// missing finds out what became of the runners that the list lacks.
func (l *look) missing(ctx context.Context) error {
	w := l.watcher
	lacking := slices.Sorted(maps.Keys(w.state.Runners))
	lacking = slices.DeleteFunc(lacking, func(id int64) bool {
		_, found := slices.BinarySearchFunc(l.rows, id, func(r *runners.Runner, id int64) int {
			return cmp.Compare(r.ID, id)
		})
		return found
	})
	exists := func(ctx context.Context, id int64) error {
		_, err := get(ctx, w.client, &l.gate, id, false)
		return err
	}
	for i, err := range ordered(ctx, lacking, atOnce(w.options.Concurrency), exists) {
		gone := errors.Is(err, runners.ErrNotFound)
		if err != nil && !gone && !errors.Is(err, runners.ErrForbidden) {
			return ofRunner(lacking[i], err)
		}
		l.miss(lacking[i], gone)
	}
	return nil
}

func (l *look) miss(id int64, gone bool) {
	seen := l.watcher.state.Runners[id]
	if !gone && !seen.Missed {
		seen.Missed = true
		l.note(id, seen)
		return
	}
	l.steps = append(l.steps, step{id: id, event: &Event{
		Kind: EventGone, At: l.progress.At, ID: id, Description: seen.Description,
	}})
}
