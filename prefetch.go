// Reading ahead: the pages that a loop over a list will come to are asked for
// before it does, several at once, and handed out in order.

package runners

import (
	"context"
	"math"
	"runtime"
	"sync"
)

const (
	defaultPrefetch = 6
	maxPrefetch     = 64 // as many connections as our transport keeps idle
	firstAhead      = 2  // pages asked for before the loop has asked for a second one
)

// Prefetch returns the list with another bound on how many pages [Listing.All],
// [Listing.Pages] and [Listing.Collect] ask for at the same time. The default,
// for which 0 stands as well, is 6; more than 64 is 64.
//
// Pages and errors come in order all the same, and reading follows the loop:
// beyond the first page, two are asked for at once, the others when the loop
// goes on. What was asked for in vain is cancelled when the loop ends, and
// nothing runs on after it. With 1, each page is asked for when the loop comes
// to it. Keyset lists are read in that way always.
func (l *Listing[T]) Prefetch(n int) *Listing[T] {
	own := *l
	if n < 0 {
		own.endpoint = own.endpoint.reject(invalid("prefetch", "negative"))
	}
	setDefault(&n, defaultPrefetch)
	own.prefetch = min(n, maxPrefetch)
	return &own
}

// reader returns what reads the pages of one loop, and what ends its work.
func (l *Listing[T]) reader(ctx context.Context) (
	read func(paging) (*Page[T], error), stop func(),
) {
	if l.prefetch == 1 || l.paging.keyset || ctx == nil {
		return func(at paging) (*Page[T], error) { return l.fetch(ctx, l.endpoint, at) }, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead[T]{fetch: func(at paging) (*Page[T], error) { return l.fetch(ctx, l.endpoint, at) }}
	a.atOnce, a.ended = l.prefetch, func() bool { return ctx.Err() != nil }
	return a.read, func() {
		cancel()
		a.workers.Wait()
	}
}

// ahead reads ahead of one loop. It takes pages up by number and without a
// gap, so that those which wait for the loop are a queue.
type ahead[T any] struct {
	fetch   func(paging) (*Page[T], error)
	ended   func() bool
	atOnce  int
	workers sync.WaitGroup

	mu      sync.Mutex
	queue   []*pending[T] // taken up, and not handed out
	working int           // workers that have a page in hand
	next    int           // the page that is taken up next; 0 before the first one
	horizon int           // how far the loop has let us look
	counted int           // the last page, by what the last one handed out says
	end     int           // the last page, by what one in the queue says
}

// A pending page was asked for.
type pending[T any] struct {
	at       paging
	done     chan struct{}
	page     *Page[T]
	err      error
	panicked any
}

// read returns the page at a place of the list, as a rule one that was asked
// for already.
func (a *ahead[T]) read(at paging) (page *Page[T], err error) {
	p := a.take(at)
	if p == nil || a.ended() {
		page, err = a.fetch(at)
	} else {
		page, err = p.wait()
	}
	if err == nil {
		a.believe(page, at)
	}
	return page, err
}

// take takes a page from the queue; nil if it is not there.
func (a *ahead[T]) take(at paging) *pending[T] {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.horizon = at.page + 2*a.atOnce
	if a.next == 0 {
		a.horizon = at.page + firstAhead
	}
	for len(a.queue) > 0 && a.queue[0].at.page < at.page { // the list leaves pages out
		a.queue = a.queue[1:]
	}
	if len(a.queue) == 0 {
		a.next, a.end = at.page+1, math.MaxInt
		return nil
	}
	p := a.queue[0]
	a.queue = a.queue[1:]
	a.employ(at)
	return p
}

// believe takes over what a page says about the rest of the list, until the
// next page says otherwise.
func (a *ahead[T]) believe(p *Page[T], at paging) {
	if p.NextPage <= at.page {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		a.next = p.NextPage
	}
	a.counted = math.MaxInt
	if p.TotalPages != nil && *p.TotalPages >= p.NextPage {
		a.counted = *p.TotalPages
	}
	a.employ(at)
}

// employ gives pages to workers that have none. The caller holds the lock.
func (a *ahead[T]) employ(at paging) {
	for a.working < a.atOnce {
		p := a.takeUp(at)
		if p == nil {
			return
		}
		a.working++
		a.workers.Go(func() { a.work(p) })
	}
}

// takeUp puts the next page into the queue; nil if there is none for now. The
// caller holds the lock.
func (a *ahead[T]) takeUp(at paging) *pending[T] {
	if a.next > min(a.horizon, a.counted, a.end) || a.ended() {
		return nil
	}
	at.page = a.next
	p := &pending[T]{at: at, done: make(chan struct{})}
	a.queue = append(a.queue, p)
	a.next++
	return p
}

// work asks for a page, and for others as long as there are some to take up.
func (a *ahead[T]) work(p *pending[T]) {
	for p != nil {
		p.ask(a.fetch)
		a.mu.Lock()
		if p.page == nil || p.page.NextPage <= p.at.page {
			a.end = min(a.end, p.at.page)
		}
		at := p.at
		if p = a.takeUp(at); p == nil {
			a.working--
		}
		a.mu.Unlock()
	}
}

// ask asks for the page. A panic is kept for the loop, whose it is.
func (p *pending[T]) ask(fetch func(paging) (*Page[T], error)) {
	defer close(p.done)
	defer func() { p.panicked = recover() }()
	p.page, p.err = fetch(p.at)
}

// wait returns the page when it is there.
func (p *pending[T]) wait() (*Page[T], error) {
	<-p.done
	switch {
	case p.panicked != nil:
		panic(p.panicked)
	case p.page == nil && p.err == nil:
		runtime.Goexit() // as the goroutine did that asked for the page
	}
	return p.page, p.err
}
