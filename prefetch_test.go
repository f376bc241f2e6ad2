// Lists that are read ahead: all that holds for a plain loop holds for them,
// whatever the order in which their pages come.

package runners_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// A canned list answers with pages of two rows each, and counts.
type cannedList struct {
	pages   int
	counted bool                              // tells totals
	takes   func(page int) time.Duration      // how long a page takes
	instead func(page, attempt int) (do step) // nil = the page itself
	next    func(page int) (number int)       // nil = page + 1

	mu       sync.Mutex
	asked    map[int]int
	requests int
	running  int
	most     int
}

func (l *cannedList) enter(page int) (attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil {
		l.asked = map[int]int{}
	}
	l.asked[page]++
	l.requests++
	l.running++
	l.most = max(l.most, l.running)
	return l.asked[page]
}

func (l *cannedList) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
}

// RoundTrip answers after the time that the page takes.
func (l *cannedList) RoundTrip(req *http.Request) (*http.Response, error) {
	page, err := strconv.Atoi(req.URL.Query().Get("page"))
	if err != nil {
		return nil, err
	}
	attempt := l.enter(page)
	defer l.leave()
	wait := time.Second
	if l.takes != nil {
		wait = l.takes(page)
	}
	select {
	case <-time.After(wait):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if l.instead != nil {
		if do := l.instead(page, attempt); do != nil {
			return do(req)
		}
	}
	return l.page(page)(req)
}

func (l *cannedList) page(page int) step {
	if page > l.pages {
		return reply(200, `[]`, "X-Per-Page", "2", "X-Next-Page", "")
	}
	next := ""
	if page < l.pages {
		next = strconv.Itoa(page + 1)
		if l.next != nil {
			next = strconv.Itoa(l.next(page))
		}
	}
	header := []string{"X-Per-Page", "2", "X-Next-Page", next}
	if l.counted {
		header = append(header, "X-Total-Pages", strconv.Itoa(l.pages))
	}
	return reply(200, rows(2*page-1, 2), header...)
}

func (l *cannedList) list(t *testing.T, n int) *runners.Listing[runners.Runner] {
	t.Helper()
	return client(t, l, nil).Runners.List(&runners.ListOptions{PerPage: 2}).Prefetch(n)
}

// upTo are the ids of a whole list of so many rows.
func upTo(count int) []int64 {
	var all []int64
	for id := range int64(count) {
		all = append(all, id+1)
	}
	return all
}

// collected are the ids of what a list yields.
func collected(t *testing.T, l *runners.Listing[runners.Runner]) ([]int64, error) {
	t.Helper()
	rows, err := l.Collect(t.Context())
	var all []int64
	for _, r := range rows {
		all = append(all, r.ID)
	}
	return all, err
}

// TestPrefetch: a list takes as long as its pages in rounds of k, after the
// first, and asks for nothing more than there is.
func TestPrefetch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pages, k, most, seconds int }{
		{1, 6, 1, 1},
		{2, 6, 1, 2},
		{3, 6, 2, 2},
		{7, 6, 6, 2},
		{8, 6, 6, 3},
		{100, 8, 8, 14},
		{100, 0, 6, 18},
		{30, 1000, 29, 2},
		{100, 1000, 64, 3},
		{5, 1, 1, 5},
		{5, 2, 2, 3},
	} {
		inBubble(t, fmt.Sprint(c), func(t *testing.T) {
			l := &cannedList{pages: c.pages, counted: true}
			began := time.Now()
			ids, err := collected(t, l.list(t, c.k))
			require.NoError(t, err)
			assert.Equal(t, upTo(2*c.pages), ids)
			assert.Equal(t, time.Duration(c.seconds)*time.Second, time.Since(began))
			assert.Equal(t, []int{c.pages, c.most}, []int{l.requests, l.most})
		})
	}
}

// TestPrefetch_uncounted: without totals, a few pages are asked for in vain.
func TestPrefetch_uncounted(t *testing.T) {
	t.Parallel()
	for _, pages := range []int{1, 2, 3, 6, 7, 8, 20, 101} {
		for _, k := range []int{1, 2, 6, 8} {
			inBubble(t, fmt.Sprintf("%d pages, %d at once", pages, k), func(t *testing.T) {
				l := &cannedList{pages: pages}
				began := time.Now()
				ids, err := collected(t, l.list(t, k))
				require.NoError(t, err)
				assert.Equal(t, upTo(2*pages), ids)
				assert.LessOrEqual(t, l.requests, pages+k)
				bound := 1 + (pages+k-2)/k
				assert.Equal(t, time.Duration(bound)*time.Second, time.Since(began))
			})
		}
	}
}

// TestPrefetch_jitter: pages that take longer hold up the others as little as
// the look-ahead can help.
func TestPrefetch_jitter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		inBubble(t, fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			times := make([]time.Duration, 200)
			var sum time.Duration
			for i := range times {
				times[i] = 20*time.Millisecond + time.Duration(random.Int64N(int64(60*time.Millisecond)))
				if i < 101 {
					sum += times[i]
				}
			}
			l := &cannedList{pages: 100, counted: seed%2 == 0, takes: func(page int) time.Duration { return times[page] }}
			began := time.Now()
			ids, err := collected(t, l.list(t, 8))
			require.NoError(t, err)
			assert.Equal(t, upTo(200), ids)
			assert.LessOrEqual(t, l.requests, 108)
			assert.LessOrEqual(t, l.most, 8)
			bound := 14 * sum / 101
			assert.Less(t, float64(time.Since(began))/float64(bound), 1.25)
		})
	}
}

// TestPrefetch_totalsLie: what a page says of the next one counts, not totals.
func TestPrefetch_totalsLie(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{"too few": "2", "far too many": "1000000", "none": "0"} {
		inBubble(t, name, func(t *testing.T) {
			l := &cannedList{pages: 20}
			began := time.Now()
			l.instead = func(page, _ int) step {
				return func(req *http.Request) (*http.Response, error) {
					res, err := l.page(page)(req)
					res.Header.Set("X-Total-Pages", said)
					return res, err
				}
			}
			ids, err := collected(t, l.list(t, 6))
			require.NoError(t, err)
			assert.Equal(t, upTo(40), ids)
			assert.LessOrEqual(t, l.requests, 26)
			assert.LessOrEqual(t, time.Since(began), 6*time.Second)
		})
	}
}

// TestPrefetch_grows: a list that gets longer while it is read is read to its
// new end.
func TestPrefetch_grows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 30, counted: true}
		began := time.Now()
		l.instead = func(page, _ int) step {
			if time.Since(began) > 2*time.Second {
				return nil
			}
			return func(req *http.Request) (*http.Response, error) {
				short := &cannedList{pages: 5, counted: true}
				return short.page(page)(req)
			}
		}
		// The fifth page was the last one when it was asked for.
		ids, err := collected(t, l.list(t, 3))
		require.NoError(t, err)
		assert.Equal(t, upTo(60), ids)
	})
}

// TestPrefetch_leavesOut: a list may lead past some numbers.
func TestPrefetch_leavesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 31, next: func(page int) int { return page + 3 }}
		ids, err := collected(t, l.list(t, 4))
		require.NoError(t, err)
		var want []int64
		for page := int64(1); page <= 31; page += 3 {
			want = append(want, 2*page-1, 2*page)
		}
		assert.Equal(t, want, ids)
	})
}

// TestPrefetch_loop: a list that leads back ends where it would in a loop.
func TestPrefetch_loop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 100, next: func(page int) int { return min(page+1, 9) }}
		ids, err := collected(t, l.list(t, 6))
		require.ErrorIs(t, err, runners.ErrPaginationLoop)
		assert.Equal(t, upTo(18), ids)
		assert.LessOrEqual(t, l.requests, 15)
	})
}

// TestPrefetch_shifted: rows that moved to the next page are not shown again,
// and no other row is dropped for it.
func TestPrefetch_shifted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages []string
		want  []int64
	}{
		"one":        {[]string{`[{"id":1},{"id":2}]`, `[{"id":2},{"id":3}]`, `[{"id":4}]`}, []int64{1, 2, 3, 4}},
		"all":        {[]string{`[{"id":1},{"id":2}]`, `[{"id":1},{"id":2}]`, `[{"id":2},{"id":3}]`}, []int64{1, 2, 3}},
		"empty":      {[]string{`[{"id":1},{"id":2}]`, `[]`, `[{"id":2},{"id":3}]`}, []int64{1, 2, 3}},
		"descending": {[]string{`[{"id":9},{"id":8}]`, `[{"id":8},{"id":7}]`, `[{"id":6}]`}, []int64{9, 8, 7, 6}},
		"no order":   {[]string{`[{"id":5},{"id":9}]`, `[{"id":1},{"id":2}]`, `[{"id":7}]`}, []int64{5, 9, 1, 2, 7}},
		"no ids":     {[]string{`[{},{}]`, `[{},{}]`, `[{}]`}, []int64{0, 0, 0, 0, 0}},
	} {
		for _, k := range []int{1, 6} {
			inBubble(t, fmt.Sprintf("%s, %d at once", name, k), func(t *testing.T) {
				l := &cannedList{pages: 3, counted: true}
				l.instead = func(page, _ int) step {
					next := strconv.Itoa(page + 1)
					if page == 3 {
						next = ""
					}
					return reply(200, c.pages[page-1], "X-Next-Page", next)
				}
				ids, err := collected(t, l.list(t, k))
				require.NoError(t, err)
				assert.Equal(t, c.want, ids)
			})
		}
	}
}

// TestPrefetch_error: the rows before a page that fails are shown, whatever
// comes first, and no page after it is.
func TestPrefetch_error(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]step{
		"refused": reply(403, `{}`), "strange": reply(200, `<html>`), "null": reply(200, `null`),
	} {
		for failing := 1; failing <= 9; failing++ {
			inBubble(t, fmt.Sprintf("page %d %s", failing, name), func(t *testing.T) {
				l := &cannedList{pages: 40, counted: failing%2 == 0}
				l.takes = func(page int) time.Duration {
					if page == failing {
						return time.Millisecond
					}
					return time.Second
				}
				l.instead = func(page, _ int) step {
					if page == failing {
						return do
					}
					return nil
				}
				ids, err := collected(t, l.list(t, 6))
				require.Error(t, err)
				assert.Equal(t, upTo(2*failing-2), ids)
				assert.LessOrEqual(t, l.requests, failing+12)
			})
		}
	}
}

// TestPrefetch_retries: each page is tried again by itself, and waits as long
// as GitLab asks.
func TestPrefetch_retries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var early atomic.Int32
		refused := map[int]time.Time{}
		l := &cannedList{pages: 30, counted: true}
		l.instead = func(page, attempt int) step {
			l.mu.Lock()
			defer l.mu.Unlock()
			switch {
			case page%4 == 0 && attempt == 1:
				refused[page] = time.Now()
				return reply(429, `{}`, "Retry-After", "7")
			case page%4 == 0 && time.Since(refused[page]) < 7*time.Second:
				early.Add(1)
			case page%7 == 0 && attempt <= 2:
				return fail(errReset)
			}
			return nil
		}
		ids, err := collected(t, l.list(t, 6))
		require.NoError(t, err)
		assert.Equal(t, upTo(60), ids)
		assert.Zero(t, early.Load())
	})
}

// TestPrefetch_break: who takes one row pays for three pages at most, and
// nothing goes on after the loop. (A goroutine left would fail the bubble.)
func TestPrefetch_break(t *testing.T) {
	t.Parallel()
	for rows := 1; rows <= 20; rows++ {
		inBubble(t, fmt.Sprint(rows), func(t *testing.T) {
			l := &cannedList{pages: 100, counted: rows%2 == 0}
			left := rows
			for _, err := range l.list(t, 0).All(t.Context()) {
				require.NoError(t, err)
				if left--; left == 0 {
					synctest.Wait()
					break
				}
			}
			assert.Zero(t, l.running)
			if rows <= 2 {
				assert.LessOrEqual(t, l.requests, 3)
			}
			assert.LessOrEqual(t, l.requests, (rows+1)/2+12)
		})
	}
}

// TestPrefetch_slow: a loop that takes its time is not run away from.
func TestPrefetch_slow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 200}
		pages := 0
		for _, err := range l.list(t, 4).Pages(t.Context()) {
			require.NoError(t, err)
			pages++
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.LessOrEqual(t, l.requests, min(pages+8, 204))
			assert.GreaterOrEqual(t, l.requests, min(pages, 200))
		}
		assert.Equal(t, 200, pages)
	})
}

// TestPrefetch_cancelled: a context that ends is the end of the list at once,
// also where pages are at hand.
func TestPrefetch_cancelled(t *testing.T) {
	t.Parallel()
	for cancelAt := 1; cancelAt <= 30; cancelAt += 3 {
		inBubble(t, fmt.Sprint(cancelAt), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := &cannedList{pages: 100}
			var rows int
			var errs []error
			for _, err := range l.list(t, 6).All(ctx) {
				if err != nil {
					errs = append(errs, err)
					continue
				}
				if rows++; rows == cancelAt {
					synctest.Wait()
					cancel()
				}
			}
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], context.Canceled)
			assert.Equal(t, cancelAt+cancelAt%2, rows, "to the end of the page")
			assert.Zero(t, l.running)
		})
	}
}

// TestPrefetch_deadline: a deadline while pages are on their way ends them.
func TestPrefetch_deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		l := &cannedList{pages: 100}
		began := time.Now()
		rows, err := l.list(t, 6).Collect(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Len(t, rows, 14)
		assert.Equal(t, 2500*time.Millisecond, time.Since(began))
	})
}

// TestPrefetch_panic: a panic in the loop passes through it, and so does one
// in what the client calls, from whatever goroutine.
func TestPrefetch_panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 100}
		assert.PanicsWithValue(t, "mine", func() {
			for r, err := range l.list(t, 6).All(t.Context()) {
				require.NoError(t, err)
				if r.ID == 5 {
					panic("mine")
				}
			}
		})
		assert.Zero(t, l.running)
		l.instead = func(page, _ int) step {
			if page == 4 {
				panic("the transport's")
			}
			return nil
		}
		var ids []int64
		assert.PanicsWithValue(t, "the transport's", func() {
			for r, err := range l.list(t, 6).All(t.Context()) {
				assert.NoError(t, err)
				ids = append(ids, r.ID)
			}
		})
		assert.Equal(t, upTo(6), ids)
		assert.Zero(t, l.running)
	})
}

// TestPrefetch_goexit: what ends its goroutine ends the loop's, as t.FailNow
// does.
func TestPrefetch_goexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 100, instead: func(page, _ int) step {
			if page == 3 {
				runtime.Goexit()
			}
			return nil
		}}
		var ids []int64
		var group sync.WaitGroup
		group.Go(func() {
			for r, err := range l.list(t, 6).All(t.Context()) {
				assert.NoError(t, err)
				ids = append(ids, r.ID)
			}
			assert.Fail(t, "the loop went on")
		})
		group.Wait()
		assert.Equal(t, upTo(4), ids)
	})
}

// TestPrefetch_again: one list serves many loops, at once and after a break.
func TestPrefetch_again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &cannedList{pages: 20, counted: true}
		list := l.list(t, 6)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				for _, err := range list.All(t.Context()) {
					assert.NoError(t, err)
					break
				}
				ids, err := collected(t, list)
				assert.NoError(t, err)
				assert.Equal(t, upTo(40), ids)
			})
		}
		group.Wait()
		assert.Zero(t, l.running)
	})
}

// TestPrefetch_refused: a bad bound is told where a bad id is.
func TestPrefetch_refused(t *testing.T) {
	t.Parallel()
	c := client(t, fails{t}, nil)
	_, err := c.Runners.List(nil).Prefetch(-1).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: GET /runners: prefetch: negative", err.Error())
}

// TestPrefetch_connections: lists over TCP share connections, and a break
// costs no more than those of the pages that it cuts off.
//
//nolint:paralleltest // it counts goroutines
func TestPrefetch_connections(t *testing.T) {
	const k = 6
	l := &cannedList{pages: 20, counted: true}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		page, _ := strconv.Atoi(req.URL.Query().Get("page"))
		res, _ := l.page(page)(req)
		defer func() { _ = res.Body.Close() }()
		maps.Copy(w.Header(), res.Header)
		_, _ = io.Copy(w, res.Body)
	}))
	opened := countOpened(server)
	server.Start()
	t.Cleanup(server.Close)
	before := runtime.NumGoroutine()
	transport := &http.Transport{MaxIdleConnsPerHost: k}
	list := dial(t, server.URL, &runners.Options{Transport: transport}).Runners.List(&runners.ListOptions{PerPage: 2}).Prefetch(k)
	for range 20 {
		ids, err := collected(t, list)
		require.NoError(t, err)
		require.Equal(t, upTo(40), ids)
	}
	// net/http may dial while a connection is just getting free.
	assert.LessOrEqual(t, opened.Load(), int32(2*k), "of 400 requests")
	opened.Store(0)
	for range 20 {
		for _, err := range list.All(t.Context()) {
			assert.NoError(t, err)
			break
		}
	}
	assert.LessOrEqual(t, opened.Load(), int32(2*20))
	transport.CloseIdleConnections()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 },
		5*time.Second, 5*time.Millisecond, "goroutines are left")
}
