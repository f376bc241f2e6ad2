// From a list to all that GitLab tells of each runner in it.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/seed-832548de/runners"
)

// DetailsOptions are the choices of [Details] and [DetailsOf].
type DetailsOptions struct {
	// Concurrency is how many runners are asked for at once. The default is 8.
	Concurrency int

	// Projects says whether RunnerDetails.Projects is wanted. It costs much
	// for runners with many projects. Before GitLab 18 they come anyway.
	Projects bool
}

// Details yields the details of each runner of a list, in its order.
//
// The list is read to its end first, so that runners may be deleted or changed
// while Details goes on; one that is gone by then is left out. An error that
// is about one runner is a [*RunnerError], and the next runners follow it. An
// error of the list, or the context's, is the last.
func Details(
	ctx context.Context, c *runners.Client, list *runners.Listing[runners.Runner], o *DetailsOptions,
) iter.Seq2[*runners.RunnerDetails, error] {
	return func(yield func(*runners.RunnerDetails, error) bool) {
		g := &gate{}
		rows, err := collect(ctx, g, list)
		if err != nil {
			yield(nil, err)
			return
		}
		detailsOf(ctx, c, g, ids(once(rows)), o)(yield)
	}
}

// DetailsOf is [Details] for runners of which the ids are known.
func DetailsOf(
	ctx context.Context, c *runners.Client, ids []int64, o *DetailsOptions,
) iter.Seq2[*runners.RunnerDetails, error] {
	return detailsOf(ctx, c, &gate{}, ids, o)
}

func detailsOf(
	ctx context.Context, c *runners.Client, g *gate, ids []int64, o *DetailsOptions,
) iter.Seq2[*runners.RunnerDetails, error] {
	return func(yield func(*runners.RunnerDetails, error) bool) {
		for _, a := range answersOf(ctx, c, g, ids, o) {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !errors.Is(a.err, runners.ErrNotFound) && !yield(a.value, a.err) {
				return
			}
		}
	}
}

// answersOf yields the place of each runner, and its details or why they could
// not be had.
func answersOf(
	ctx context.Context, c *runners.Client, g *gate, ids []int64, o *DetailsOptions,
) iter.Seq2[int, answer[*runners.RunnerDetails]] {
	options := deref(o)
	one := func(ctx context.Context, id int64) answer[*runners.RunnerDetails] {
		d, err := get(ctx, c, g, id, options.Projects)
		return answer[*runners.RunnerDetails]{d, ofRunner(id, err)}
	}
	return ordered(ctx, ids, atOnce(options.Concurrency), one)
}

// get returns the details of one runner. Those of another are an error.
func get(
	ctx context.Context, c *runners.Client, g *gate, id int64, projects bool,
) (*runners.RunnerDetails, error) {
	d, err := ask(ctx, g, func(ctx context.Context) (*runners.RunnerDetails, error) {
		return c.Runners.Get(ctx, id, &runners.GetOptions{IncludeProjects: &projects})
	})
	if err == nil && d.ID != id {
		return nil, fmt.Errorf("%w: it is about runner %d", runners.ErrUnexpectedResponse, d.ID)
	}
	return d, err
}

// An answer is a value or an error.
type answer[T any] struct {
	value T
	err   error
}

// aheadOf is how many results may wait for an earlier one, per call at a time.
const aheadOf = 4

// ordered yields the place of each item and what do returns for it, in their
// order, with at most k calls at once. No call is left when it ends.
func ordered[T, R any](
	ctx context.Context, items []T, k int, do func(context.Context, T) R,
) iter.Seq2[int, R] {
	return func(yield func(int, R) bool) {
		ctx, cancel := context.WithCancel(ctx)
		q := &queue[R]{results: make([]chan R, min(aheadOf*k, len(items)))}
		q.todo = make(chan int, len(q.results))
		var workers sync.WaitGroup
		defer workers.Wait()
		defer close(q.todo)
		defer cancel()
		for i := range q.results {
			q.results[i] = make(chan R, 1)
			q.todo <- i
		}
		for range min(k, len(items)) {
			workers.Go(func() { q.work(func(i int) R { return do(ctx, items[i]) }) })
		}
		for i := range items {
			result := <-q.result(i)
			if next := i + len(q.results); next < len(items) {
				q.todo <- next
			}
			if !yield(i, result) {
				return
			}
		}
	}
}

// A queue is a ring of results, and the numbers of the items to work on.
type queue[R any] struct {
	results []chan R
	todo    chan int
}

func (q *queue[R]) result(i int) chan R { return q.results[i%len(q.results)] }

func (q *queue[R]) work(do func(int) R) {
	for i := range q.todo {
		q.result(i) <- do(i)
	}
}

// collect reads a list to its end.
func collect[T any](ctx context.Context, g *gate, list *runners.Listing[T]) ([]*T, error) {
	var rows []*T
	err := eachPage(ctx, g, list, func(page *runners.Page[T]) {
		for i := range page.Items {
			rows = append(rows, &page.Items[i])
		}
	})
	return rows, err
}

// eachPage calls do with each page of a list. Where GitLab refuses one for now,
// it goes on from there.
func eachPage[T any](
	ctx context.Context, g *gate, list *runners.Listing[T], do func(*runners.Page[T]),
) error {
	next := 0
	add := func(page *runners.Page[T]) {
		do(page)
		next = page.NextPage
	}
	err := g.do(ctx, func() error {
		for page, err := range list.Pages(ctx) {
			if err != nil && next != 0 && g.refused(err) {
				return nil
			}
			if err != nil {
				return err
			}
			add(page)
		}
		return nil
	})
	for err == nil && next != 0 {
		var page *runners.Page[T]
		page, err = ask(ctx, g, func(ctx context.Context) (*runners.Page[T], error) {
			return list.Page(ctx, next)
		})
		if err == nil {
			add(page)
		}
	}
	return err
}

// once drops the rows of runners that are in the list before.
func once(rows []*runners.Runner) []*runners.Runner {
	seen := make(map[int64]bool, len(rows))
	return slices.DeleteFunc(rows, func(r *runners.Runner) bool {
		again := seen[r.ID]
		seen[r.ID] = true
		return again
	})
}

func ids(rows []*runners.Runner) []int64 {
	all := make([]int64, len(rows))
	for i, r := range rows {
		all[i] = r.ID
	}
	return all
}
