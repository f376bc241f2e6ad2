// Watching a list of runners: what changes between two looks, as events. How
// one look finds that out is in look.go, what is kept from it in seen.go.

package fleet

import (
	"context"
	"iter"
	"log/slog"
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

	// Changes are the fields that changed, of an [EventChanged]: those of the
	// list that have no event of their own and, as far as WatchOptions.Depth
	// goes, those that only the details show.
	Changes []Change `json:"changes,omitzero"`

	// ExpiresAt is when the token expires, of an [EventTokenExpiring].
	ExpiresAt *time.Time `json:"expires_at,omitzero"`

	// Runner is the runner as the list shows it; nil where it is not there.
	Runner *runners.Runner `json:"runner,omitzero"`

	// Details are all of the runner, where WatchOptions.Depth asks for them
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

// Depth says how much of the runners a [Watcher] reads.
type Depth int

const (
	// DepthList is the list alone: a call for each hundred runners.
	DepthList Depth = iota

	// DepthEvents is also the details of the runners that events are about, but
	// not at the first look: a call for each of these. What changed in them
	// since they were read the last time is told, too. Those that could not be
	// had for now are asked for again at the next look.
	DepthEvents

	// DepthAll is the details of all runners at each look: a call for each
	// runner. All that changed is told.
	DepthAll
)

// WatchProgress is how far a look of a [Watcher] is.
type WatchProgress struct {
	At   time.Time // when the look began
	Rows int       // how many runners of the list were read

	// RowsTotal is how many runners the list has: 0 before the first page, and
	// where GitLab does not count them.
	RowsTotal int

	Details      int // how many runners' details were asked for
	DetailsTotal int // and of how many they are wanted; 0 before that is known

	Done bool  // the look has ended, and its events come
	Err  error // why it failed
}

// LogValue shows the numbers, or the error.
func (p WatchProgress) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("rows", p.Rows), slog.Int("rows_total", p.RowsTotal)}
	if p.DetailsTotal > 0 {
		attrs = append(attrs, slog.Int("details", p.Details), slog.Int("details_total", p.DetailsTotal))
	}
	attrs = append(attrs, slog.Bool("done", p.Done))
	if p.Err != nil {
		attrs = append(attrs, slog.Any("error", p.Err))
	}
	return slog.GroupValue(attrs...)
}

// WatchOptions are the choices of a [Watcher].
type WatchOptions struct {
	// Interval is the time from one look to the next, with a tenth more or
	// less. The default is a minute.
	Interval time.Duration

	// Depth says how much of the runners is read. The default is the list.
	Depth Depth

	// Progress, unless nil, is called when a look begins, after each page and
	// each runner whose details were asked for, and when the look has ended.
	Progress func(WatchProgress)

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

// State returns what is known after the last event that Events yielded. A
// Watcher that goes on from there yields what comes after that event, be it of
// the same look.
func (w *Watcher) State() WatchState { return w.state.clone() }

// Events yields what happens to the runners, until the context ends or the loop
// does. The first look is at once; the next one waits for the loop to take the
// events of the last.
//
// A look that fails yields its error and nothing else, and the next one comes
// as usual: what happened meanwhile is not lost, and not told twice. Where only
// the details of some runners cannot be had, a [*PartialError] follows the
// events of the look, and a later look tells what changed in them. What comes
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
	l := &look{watcher: w, progress: WatchProgress{At: began}}
	err := l.run(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		return yield(Event{At: began}, err)
	case !w.take(l.steps, began, yield):
		return false
	case l.unread != nil:
		return yield(Event{At: began}, l.unread)
	default:
		return true
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
