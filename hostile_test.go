// What a hostile server can cost, and what calls leave behind: memory, time,
// goroutines and connections.

package runners_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// endless writes text until the other side has enough.
func endless(w io.Writer, text string) {
	chunk := []byte(strings.Repeat(text, 1+(32<<10)/len(text)))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// says answers with a text.
func says(text string) func(net.Conn) {
	data := []byte(text) // made before anybody counts
	return func(conn net.Conn) { _, _ = conn.Write(data) }
}

// goesOn answers with a beginning, and then goes on.
func goesOn(head, text string) func(net.Conn) {
	return func(conn net.Conn) { write(conn, head); endless(conn, text) }
}

// unending are servers that only we can stop.
func unending() map[string]func(net.Conn) {
	return map[string]func(net.Conn){
		"endless body":       goesOn(rawHead+"\r\n", `{"id":6,`),
		"endless list":       goesOn(rawHead+"\r\n[", `{"id":6,"description":"some runner of ours"},`),
		"endless space":      goesOn(rawHead+"\r\n", " "),
		"endless error":      goesOn("HTTP/1.1 500 No\r\n\r\n", `{"message":"no"}`),
		"endless redirect":   goesOn("HTTP/1.1 302 No\r\nLocation: /x\r\n\r\n", "x"),
		"endless header":     goesOn("HTTP/1.1 200 OK\r\nX-A: ", "a"),
		"endless headers":    goesOn("HTTP/1.1 200 OK\r\n", "X-A: a\r\n"),
		"endless 1xx":        goesOn("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
		"endless status":     goesOn("HTTP/1.1 200 ", "O"),
		"endless retry time": goesOn("HTTP/1.1 429 No\r\nRetry-After: ", "9"),
		"large length":       goesOn(rawHead+"Content-Length: 99999999999\r\n\r\n", " "),
		"no HTTP":            goesOn("", "\x00\xff"),
	}
}

// hostile are servers that want to cost us something; some answers are closed
// by us, and some by the server.
func hostile() map[string]func(net.Conn) {
	whole := func(body string) func(net.Conn) {
		return says(rawHead + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	}
	all := map[string]func(net.Conn){
		"length too long":   says(rawHead + "Content-Length: 9000000\r\n\r\n{}"),
		"string":            whole(`"` + strings.Repeat("x", 9<<20) + `"`),
		"description":       whole(`{"id":6,"description":"` + strings.Repeat("x", 4<<20) + `"}`),
		"many objects":      whole(`{"projects":[` + strings.Repeat("{},", 3<<20) + `{}]}`),
		"many strings":      whole(`{"tag_list":[` + strings.Repeat(`"",`, 3<<20) + `""]}`),
		"many keys":         whole(`{` + strings.Repeat(`"a":{},`, 1<<20) + `"a":{}}`),
		"nested":            whole(strings.Repeat("[", 9<<20)),
		"nested objects":    whole(strings.Repeat(`{"groups":`, 900_000)),
		"links":             says(rawHead + "Content-Length: 2\r\nLink: " + strings.Repeat("<a>;b,", 100_000) + "\r\n\r\n{}"),
		"status 000":        says("HTTP/1.1 000 No\r\n\r\n"),
		"status 999":        says("HTTP/1.1 999 No\r\n\r\n"),
		"bad status line":   says("HTTP/1.1 two hundred\r\n\r\n"),
		"gzip bomb":         bomb(),
		"gzip that is none": says(rawHead + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
		"bad chunks":        says(rawHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
		"chunks cut off":    says(rawHead + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
		"length and chunks": says(rawHead + "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"),
		"unknown encoding":  says(rawHead + "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n\x1b\x00"),
		"negative length":   says(rawHead + "Content-Length: -1\r\n\r\n{}"),
		"two lengths":       says(rawHead + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
	}
	maps.Copy(all, unending())
	return all
}

// bomb answers with gigabytes, packed: a megabyte, again and again.
func bomb() func(net.Conn) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, strings.Repeat(`{"id":6}                        `, 32<<10))
	_ = w.Close()
	return func(conn net.Conn) {
		write(conn, rawHead+"Content-Encoding: gzip\r\n\r\n")
		endless(conn, packed.String())
	}
}

// TestHostile_default: the client's own transport has bounds as well.
func TestHostile_default(t *testing.T) {
	t.Parallel()
	for name, serve := range unending() {
		if !strings.Contains(name, "header") && !strings.Contains(name, "1xx") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := dial(t, "http://"+listenOnce(t, serve), nil).Runners.Get(t.Context(), 6)
			require.ErrorIs(t, err, runners.ErrResponseTooLarge)
			assert.Equal(t, 1, failure(t, err).Attempts)
		})
	}
}

// TestHostile_wait: that a wait is too long is known in less than a
// millisecond, at the first try or one more: other tests may have the machine.
func TestHostile_wait(t *testing.T) {
	t.Parallel()
	best := time.Hour
	for i := 0; i < 20 && best >= time.Millisecond; i++ {
		c := client(t, play(reply(429, `{"message":"Retry later"}`, "Retry-After", "9223372037")), nil)
		began := time.Now()
		require.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), runners.ErrRateLimited)
		best = min(best, time.Since(began))
	}
	assert.Less(t, best, time.Millisecond)
}

// TestHostile_dense: a body of many values is refused by what it would become,
// and what GitLab sends is not.
func TestHostile_dense(t *testing.T) {
	t.Parallel()
	row := `{"active":true,"description":"test-1-20150125","id":6,"is_shared":false,"name":null,"online":true,"status":"online"},`
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"runners of GitLab 10": {`[` + strings.Repeat(row, 9000) + row[:len(row)-1] + `]`, true},
		"few, and small":       {`[` + strings.Repeat(`{},`, 10_000) + `{}]`, true},
		"many, and small":      {`[` + strings.Repeat(`{},`, 30_000) + `{}]`, false},
		"many commas":          {`[{"id":1,"description":"` + strings.Repeat(`,`, 300_000) + `"}]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, play(reply(200, c.body, "X-Next-Page", "")), nil).Runners.List(nil).Collect(t.Context())
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, runners.ErrResponseTooLarge)
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			assert.ErrorContains(t, err, "body and its values take more memory than Options.MaxBodyBytes allows")
		})
	}
}

// TestHostile_pages: a list that goes on without rows ends, as does one whose
// cursors are long and come again. (Bad input 44.)
func TestHostile_pages(t *testing.T) {
	t.Parallel()
	s := play(func(req *http.Request) (*http.Response, error) {
		page, _ := strconv.Atoi(req.URL.Query().Get("page"))
		return reply(200, `[]`, "X-Next-Page", strconv.Itoa(page+1))(req)
	})
	_, err := client(t, s, nil).Runners.List(nil).Prefetch(1).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrPaginationLoop)
	assert.ErrorContains(t, err, "the list does not end: 100 pages on end have no rows")
	assert.Len(t, s.requests(), 100)

	long := strings.Repeat("c", 20_000)
	s = play(cursors(map[string]string{"": long, long: long + "d", long + "d": long}))
	_, err = client(t, s, nil).Runners.Jobs(6, &runners.JobsOptions{Keyset: true}).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrPaginationLoop)
	assert.Len(t, s.requests(), 3)

	s = play(reply(200, rows(1, 1), "Link", link("/x?page=2&y="+strings.Repeat("y", 1<<20), "next")))
	all, err := client(t, s, nil).Runners.List(nil).Collect(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 1, "such a link is none")
}

// TestHostile_heap: ten thousand calls that fail leave nothing behind.
func TestHostile_heap(t *testing.T) { //nolint:paralleltest // it measures the heap of the process
	steps := []step{reply(502, `{"message":"down"}`), fail(errReset), reply(200, `<html>`), truncated(200, `{"id"`), reply(429, `{}`, "Retry-After", "x")}
	n := 0
	c := client(t, nil, &runners.Options{MaxAttempts: 1, HTTPClient: &http.Client{
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			n++
			return steps[n%len(steps)](req)
		}),
	}})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range 10_000 {
		_, err := c.Runners.Get(t.Context(), 6)
		require.Error(t, err)
	}
	assert.Less(t, float64(heap())-float64(before), float64(5<<20))
}

// pipes is a network of one server, in memory, which lives in a bubble.
type pipes struct {
	dialed, open atomic.Int32
	unreachable  bool
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.unreachable {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	p.dialed.Add(1)
	p.open.Add(1)
	here, there := net.Pipe()
	go func() {
		defer p.open.Add(-1)
		defer func() { _ = there.Close() }()
		p.serve(there)
	}()
	return here, nil
}

// serve answers by the path of each request, until the connection ends.
func (p *pipes) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		switch req.URL.Path {
		case "/api/v4/runners/1": // no answer
		case "/api/v4/runners/2":
			write(conn, rawHead+"Content-Length: 100\r\n\r\n{")
		case "/api/v4/runners/3":
			write(conn, "HTTP/1.1 503 No\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}")
		case "/api/v4/runners/4":
			write(conn, "HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}")
		default:
			write(conn, rawRunner)
		}
	}
}

// TestCancel_phases: a thousand calls are cancelled in each phase. No goroutine
// is left, or the bubble would not end, and no more connections are open than
// may be idle.
func TestCancel_phases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id   int64
		auth func() runners.Auth
		far  bool
	}{
		"connecting":      {6, runners.Anonymous, true},
		"sent":            {1, runners.Anonymous, false},
		"reading":         {2, runners.Anonymous, false},
		"before retry":    {3, runners.Anonymous, false},
		"before its turn": {4, runners.Anonymous, false},
	} {
		inBubble(t, name, func(t *testing.T) {
			const idle = 16
			network := &pipes{unreachable: c.far}
			transport := &http.Transport{DialContext: network.dial, MaxIdleConnsPerHost: idle}
			gitlab, err := runners.New("http://gitlab.test", c.auth(), &runners.Options{
				Transport: transport, AllowInsecure: true, NoRetryBudget: true,
			})
			require.NoError(t, err)
			var group sync.WaitGroup
			for i := range 50 {
				group.Go(func() {
					for j := range 20 {
						ctx, cancel := context.WithCancel(t.Context())
						time.AfterFunc(time.Duration(100+i+j)*time.Millisecond, cancel)
						err := one(gitlab.Runners.Get(ctx, c.id))
						assert.ErrorIs(t, err, context.Canceled)
						cancel()
					}
				})
			}
			group.Wait()
			synctest.Wait()
			assert.LessOrEqual(t, network.open.Load(), int32(idle))
			transport.CloseIdleConnections()
			synctest.Wait()
			assert.Zero(t, network.open.Load())
		})
	}
}

// TestPool: many goroutines share as many connections, and failures of others
// close none of them.
func TestPool(t *testing.T) {
	t.Parallel()
	const together, calls = 32, 5
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/7") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, strings.Repeat(" ", 8<<10)) // is read to its end
			return
		}
		_, _ = io.WriteString(w, aRunner)
	}))
	opened := countOpened(srv)
	srv.Start()
	defer srv.Close()
	c := dial(t, srv.URL, nil)
	var group sync.WaitGroup
	for range together {
		group.Go(func() {
			for range calls {
				assert.NoError(t, one(c.Runners.Get(t.Context(), 6)))
				assert.ErrorIs(t, one(c.Runners.Get(t.Context(), 7)), runners.ErrNotFound)
			}
		})
	}
	group.Wait()
	assert.LessOrEqual(t, opened.Load(), int32(2*together), "of %d requests", 2*together*calls)
}
