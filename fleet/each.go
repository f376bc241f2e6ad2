// One thing done to many: bounded, to the end, with an error for each failure.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// defaultConcurrency is how many calls a verb makes at once.
const defaultConcurrency = 8

// EachOptions are the choices of [Each].
type EachOptions struct {
	// Concurrency is how many items are worked on at once. The default is 8.
	Concurrency int

	// Repeatable says that an item can be done again after a refusal with
	// [runners.ErrRateLimited], as it can where one is done with one call.
	// Without it such an item fails, and only the items after it wait.
	Repeatable bool

	// Progress is called when an item has ended, one call at a time.
	Progress func(done, total int)
}

// Outcome is what became of one item.
type Outcome[T any] struct {
	Item T
	Err  error // nil = done
}

// ErrNotBegun is an item that was not begun before the context ended.
var ErrNotBegun = errors.New("not begun")

// Each calls do for each item, for several at once, and returns an outcome for
// each, in the order of the items.
//
// One item's error does not keep the others from being done; the error of Each
// is a [*PartialError] then. Once the context has ended no item is begun: those
// left have [ErrNotBegun], and can be given to Each again.
func Each[T any](
	ctx context.Context, items []T, do func(context.Context, T) error, o *EachOptions,
) ([]Outcome[T], error) {
	e := &each[T]{options: deref(o), items: items, do: do, outcomes: make([]Outcome[T], len(items))}
	var workers sync.WaitGroup
	for range min(atOnce(e.options.Concurrency), len(items)) {
		workers.Go(func() { e.work(ctx) })
	}
	workers.Wait()
	errs := make([]error, len(items))
	for i, outcome := range e.outcomes {
		errs[i] = outcome.Err
	}
	return e.outcomes, partial(errs)
}

// atOnce returns how many calls to make at once.
func atOnce(concurrency int) int {
	if concurrency <= 0 {
		return defaultConcurrency
	}
	return concurrency
}

// deref returns what o points to, or the zero value: options may be nil.
func deref[T any](o *T) T {
	if o == nil {
		var zero T
		return zero
	}
	return *o
}

// each is the work of one [Each].
type each[T any] struct {
	gate     gate
	options  EachOptions
	items    []T
	do       func(context.Context, T) error
	outcomes []Outcome[T]
	begun    atomic.Int64

	mu   sync.Mutex
	done int
}

// work does one item after the other until none is left.
func (e *each[T]) work(ctx context.Context) {
	for {
		i := int(e.begun.Add(1)) - 1
		if i >= len(e.items) {
			return
		}
		e.outcomes[i] = Outcome[T]{Item: e.items[i], Err: e.one(ctx, e.items[i])}
	}
}

func (e *each[T]) one(ctx context.Context, item T) error {
	if err := e.gate.pass(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotBegun, err)
	}
	defer e.progress()
	if e.options.Repeatable {
		return e.gate.do(ctx, func() error { return e.do(ctx, item) })
	}
	err := e.do(ctx, item)
	e.gate.refused(err)
	return err
}

func (e *each[T]) progress() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done++
	if e.options.Progress != nil {
		e.options.Progress(e.done, len(e.items))
	}
}

// PartialError says that some of many failed.
type PartialError struct {
	Total int     // how many there were
	Errs  []error // of those that failed
}

// partial returns a PartialError of the errors that are not nil, or nil.
func partial(errs []error) error {
	var failed []error
	for _, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
	}
	if failed == nil {
		return nil
	}
	return &PartialError{Total: len(errs), Errs: failed}
}

// Error returns one line, with the first error in it.
func (e *PartialError) Error() string {
	if len(e.Errs) == 0 {
		return fmt.Sprintf("none of %d failed", e.Total)
	}
	return fmt.Sprintf("%d of %d failed, first: %v", len(e.Errs), e.Total, e.Errs[0])
}

// Unwrap returns the errors.
func (e *PartialError) Unwrap() []error { return e.Errs }

// RunnerError is an error about one runner.
type RunnerError struct {
	ID  int64
	Err error
}

// ofRunner says which runner an error is about; nil stays nil.
func ofRunner(id int64, err error) error {
	if err == nil {
		return nil
	}
	return &RunnerError{ID: id, Err: err}
}

// Error returns one line.
func (e *RunnerError) Error() string { return fmt.Sprintf("runner %d: %v", e.ID, e.Err) }

// Unwrap returns the error itself.
func (e *RunnerError) Unwrap() error { return e.Err }
