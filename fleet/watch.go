// Watching a list of runners: what changes between two looks, as events.

package fleet

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/seed-832548de/runners"
)

// EventKind says what happened to a runner.
type EventKind string

// The kinds of events.
const (
	EventAppeared      EventKind = "appeared" // it is new in the list
	EventGone          EventKind = "gone"     // it was deleted, or left the list
	EventOnline        EventKind = "online"
	EventOffline       EventKind = "offline"
	EventStale         EventKind = "stale"
	EventPaused        EventKind = "paused"
	EventResumed       EventKind = "resumed"
	EventChanged       EventKind = "changed"
	EventTokenExpiring EventKind = "token_expiring"
)

// Event is something that happened to a runner between two looks.
type Event struct {
	Kind        EventKind `json:"kind"`
	At          time.Time `json:"at"` // when the look began that found it
	ID          int64     `json:"id"`
	Description string    `json:"description"`

	// First marks the runners that were there when the watch began. They have
	// appeared only to us.
	First bool `json:"first,omitzero"`

	// Changes are the fields that changed, of an [EventChanged].
	Changes []Change `json:"changes,omitzero"`

	// ExpiresAt is when the token expires, of an [EventTokenExpiring].
	ExpiresAt *time.Time `json:"expires_at,omitzero"`

	// Runner is the runner as the list shows it; nil where it is not there.
	Runner *runners.Runner `json:"runner,omitzero"`

	// Details are all of the runner, where WatchOptions.Details asks for them
	// and they could be had.
	Details *runners.RunnerDetails `json:"-"`
}

// Change is one field of a runner that changed.
type Change struct {
	Field string `json:"field"` // as GitLab calls it
	Old   string `json:"old"`
	New   string `json:"new"`
}

// LogValue shows what happened to which runner.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("kind", string(e.Kind)), slog.Int64("id", e.ID),
		slog.String("description", e.Description),
	}
	for _, c := range e.Changes {
		attrs = append(attrs, slog.Group(c.Field, slog.String("old", c.Old), slog.String("new", c.New)))
	}
	if e.ExpiresAt != nil {
		attrs = append(attrs, slog.Time("expires_at", *e.ExpiresAt))
	}
	return slog.GroupValue(attrs...)
}

// WatchOptions are the choices of a [Watcher].
type WatchOptions struct {
	// Interval is the time from one look to the next, with a tenth more or
	// less. The default is a minute.
	Interval time.Duration

	// Details says to get the details of the runners that events are about,
	// except at the first look: one call each.
	Details bool

	// Expiries, unless nil, returns when which runners' tokens expire. GitLab
	// tells that only to who makes a token or has it.
	Expiries func(context.Context) (map[int64]time.Time, error)

	// ExpiringWithin is how soon a token must expire for an event. The default
	// is a week. There is one event for each time of expiry.
	ExpiringWithin time.Duration

	// State is that of an earlier watch, to go on from there.
	State *WatchState

	// Concurrency is how many calls are made at once. The default is 8.
	Concurrency int
}

// WatchState is what a [Watcher] knows. It marshals, so that another process
// can go on from it.
type WatchState struct {
	At      time.Time      `json:"at"` // of the last look all of whose events were taken
	Runners map[int64]Seen `json:"runners"`
}

// Seen is what a [Watcher] knows of a runner.
type Seen struct {
	Description string             `json:"description"`
	Name        string             `json:"name,omitzero"`
	Type        runners.RunnerType `json:"runner_type,omitzero"`
	IPAddress   string             `json:"ip_address,omitzero"`
	Status      runners.Status     `json:"status,omitzero"` // as if it were not paused
	Paused      bool               `json:"paused,omitzero"`
	Missed      bool               `json:"missed,omitzero"`      // the last look did not find it
	ExpiryTold  *time.Time         `json:"expiry_told,omitzero"` // by an event
}

// Watcher watches the runners of a list. Make one with [NewWatcher], and use
// it from one goroutine at a time.
type Watcher struct {
	client  *runners.Client
	list    *runners.Listing[runners.Runner]
	options WatchOptions
	state   WatchState
}

// NewWatcher returns a Watcher of a list. It sends nothing.
func NewWatcher(
	c *runners.Client, list *runners.Listing[runners.Runner], o *WatchOptions,
) *Watcher {
	w := &Watcher{client: c, list: list, options: deref(o)}
	if w.options.Interval <= 0 {
		w.options.Interval = time.Minute
	}
	if w.options.ExpiringWithin <= 0 {
		w.options.ExpiringWithin = 7 * 24 * time.Hour
	}
	w.state = deref(w.options.State).clone()
	return w
}

func (s WatchState) clone() WatchState {
	if s.Runners = maps.Clone(s.Runners); s.Runners == nil {
		s.Runners = map[int64]Seen{}
	}
	return s
}

// State returns what is known after the last event that Events yielded. A
// Watcher that goes on from there yields what comes after that event, be it of
// the same look.
func (w *Watcher) State() WatchState { return w.state.clone() }

// Events yields what happens to the runners, until the context ends or the loop
// does. The first look is at once; the next one waits for the loop to take the
// events of the last.
//
// A look that fails yields its error and nothing else, and the next one comes
// as usual: what happened meanwhile is not lost, and not told twice. What comes
// and goes between two looks is not seen.
//
// A runner that is missing in the list is looked at by itself, since GitLab's
// pages shift while others are deleted. It is gone if GitLab does not know it,
// or if the list misses it a second time.
func (w *Watcher) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			began := time.Now()
			if !w.lookOnce(ctx, began, yield) ||
				sleep(ctx, about(w.options.Interval)-time.Since(began)) != nil {
				return
			}
		}
	}
}

// lookOnce looks and yields what there is to tell, and reports whether to go on.
func (w *Watcher) lookOnce(
	ctx context.Context, began time.Time, yield func(Event, error) bool,
) bool {
	steps, err := w.look(ctx, began)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		return yield(Event{At: began}, err)
	default:
		return w.take(steps, began, yield)
	}
}

// A step is an event, and what is known of the runner after it.
type step struct {
	event *Event // nil where nobody needs to know
	id    int64
	after *Seen // nil where the runner is gone
}

// take yields the events of a look, and keeps what is known with each.
func (w *Watcher) take(steps []step, began time.Time, yield func(Event, error) bool) bool {
	for _, s := range steps {
		if s.after != nil {
			w.state.Runners[s.id] = *s.after
		} else {
			delete(w.state.Runners, s.id)
		}
		if s.event != nil && !yield(*s.event, nil) {
			return false
		}
	}
	w.state.At = began
	return true
}

// look reads the list and compares it with what is known.
func (w *Watcher) look(ctx context.Context, now time.Time) ([]step, error) {
	g := &gate{}
	rows, err := collect(ctx, g, w.list)
	if err != nil {
		return nil, err
	}
	var expiries map[int64]time.Time
	if w.options.Expiries != nil {
		if expiries, err = w.options.Expiries(ctx); err != nil {
			return nil, err
		}
	}
	l := &look{watcher: w, now: now, found: make(map[int64]bool, len(rows)), expiries: expiries}
	for _, r := range rows {
		l.compare(r)
	}
	if err := l.missing(ctx, g); err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.steps, func(a, b step) int { return cmp.Compare(a.id, b.id) })
	if w.options.Details {
		l.details(ctx, g)
	}
	return l.steps, nil
}

// A look is the work of one look at a list.
type look struct {
	watcher  *Watcher
	now      time.Time
	found    map[int64]bool
	expiries map[int64]time.Time
	steps    []step
}

// add adds a step with an event of a kind about a runner.
func (l *look) add(kind EventKind, r *runners.Runner, after Seen) *Event {
	e := &Event{Kind: kind, At: l.now, ID: r.ID, Description: r.Description, Runner: r}
	l.steps = append(l.steps, step{event: e, id: r.ID, after: &after})
	return e
}

// compare adds the events of one runner.
func (l *look) compare(r *runners.Runner) {
	if l.found[r.ID] {
		return
	}
	l.found[r.ID] = true
	state := &l.watcher.state
	seen, known := state.Runners[r.ID]
	if !known {
		seen = see(r)
		l.add(EventAppeared, r, seen).First = state.At.IsZero()
		l.expiry(r, seen)
		return
	}
	now := see(r)
	if now.Status != seen.Status || seen.Missed {
		kind, told := statusEvents(now.Status)
		told = told && now.Status != seen.Status
		seen.Status, seen.Missed = now.Status, false
		if told {
			l.add(kind, r, seen)
		} else {
			l.steps = append(l.steps, step{id: r.ID, after: new(seen)})
		}
	}
	if now.Paused != seen.Paused {
		seen.Paused = now.Paused
		l.add(pauseEvent(now.Paused), r, seen)
	}
	if changes := seen.changes(now); changes != nil {
		now.ExpiryTold = seen.ExpiryTold
		seen = now
		l.add(EventChanged, r, seen).Changes = changes
	}
	l.expiry(r, seen)
}

// see returns what is to be known of a runner.
func see(r *runners.Runner) Seen {
	return Seen{
		Description: r.Description, Name: r.Name, Type: r.RunnerType,
		IPAddress: r.IPAddress, //nolint:staticcheck // empty since 17.0, and then it stays so
		Status:    contact(r), Paused: r.IsPaused(),
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

// changes returns the fields that no event of their own tells of.
func (s Seen) changes(now Seen) []Change {
	var all []Change
	for _, c := range []Change{
		{"description", s.Description, now.Description},
		{"name", s.Name, now.Name},
		{"runner_type", string(s.Type), string(now.Type)},
		{"ip_address", s.IPAddress, now.IPAddress},
	} {
		if c.Old != c.New {
			all = append(all, c)
		}
	}
	return all
}

// expiry adds the event of a token that expires soon.
func (l *look) expiry(r *runners.Runner, seen Seen) {
	at, known := l.expiries[r.ID]
	told := seen.ExpiryTold != nil && seen.ExpiryTold.Equal(at)
	if !known || told || at.Sub(l.now) > l.watcher.options.ExpiringWithin {
		return
	}
	seen.ExpiryTold = &at
	l.add(EventTokenExpiring, r, seen).ExpiresAt = &at
}

// missing finds out what became of the runners that the list lacks.
func (l *look) missing(ctx context.Context, g *gate) error {
	w := l.watcher
	var lacking []int64
	for id := range w.state.Runners {
		if !l.found[id] {
			lacking = append(lacking, id)
		}
	}
	slices.Sort(lacking)
	get := func(ctx context.Context, id int64) error {
		_, err := ask(ctx, g, func(ctx context.Context) (*runners.RunnerDetails, error) {
			return w.client.Runners.Get(ctx, id, &runners.GetOptions{IncludeProjects: new(false)})
		})
		return err
	}
	i := 0
	for err := range ordered(ctx, lacking, atOnce(w.options.Concurrency), get) {
		gone := errors.Is(err, runners.ErrNotFound)
		if err != nil && !gone && !errors.Is(err, runners.ErrForbidden) {
			return ofRunner(lacking[i], err)
		}
		l.miss(lacking[i], gone)
		i++
	}
	return nil
}

func (l *look) miss(id int64, gone bool) {
	seen := l.watcher.state.Runners[id]
	if !gone && !seen.Missed {
		seen.Missed = true
		l.steps = append(l.steps, step{id: id, after: &seen})
		return
	}
	l.steps = append(l.steps, step{id: id, event: &Event{
		Kind: EventGone, At: l.now, ID: id, Description: seen.Description,
	}})
}

// details gets the details of the runners that events are about.
func (l *look) details(ctx context.Context, g *gate) {
	var wanted []int64
	for _, s := range l.steps {
		again := len(wanted) > 0 && wanted[len(wanted)-1] == s.id
		if s.event != nil && s.event.Runner != nil && !s.event.First && !again {
			wanted = append(wanted, s.id)
		}
	}
	had := make(map[int64]*runners.RunnerDetails, len(wanted))
	o := &DetailsOptions{Concurrency: l.watcher.options.Concurrency, Projects: true}
	for d, err := range detailsOf(ctx, l.watcher.client, g, wanted, o) {
		if err == nil {
			had[d.ID] = d
		}
	}
	for _, s := range l.steps {
		if s.event != nil {
			s.event.Details = had[s.id]
		}
	}
}
