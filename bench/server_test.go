// The server that both clients are measured against. It runs in a process of
// its own, so that what it costs is not theirs: the test's program, started
// again. How it behaves stands in the path of its base URL.

package bench_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serverVariable makes the program the server.
const serverVariable = "RUNNERS_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

// A behaviour is how the server answers below one base URL.
type behaviour struct {
	Latency   time.Duration
	Jitter    time.Duration // up to so much more
	Rows      int
	Countless bool          // no totals, as GitLab has none above 10,000 rows
	Limit     int           // what RateLimit-Limit says; 0 = nothing
	Window    time.Duration // the period of a limit that is enforced; 0 = it is not
}

func (b behaviour) path() string {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("/%x", text)
}

// stats are what the server counted since it was asked last.
type stats struct {
	Requests, Refused, Connections int64
}

// A canned server answers with runners that all look alike.
type canned struct {
	requests, refused, connections atomic.Int64
	pages                          sync.Map // bodies, by their first and last row

	mu     sync.Mutex
	window time.Time // in which used were answered
	used   int
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	c := &canned{}
	server := &http.Server{Handler: c, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.connections.Add(1)
		}
	}}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends with its parent
		os.Exit(0)
	}()
	fmt.Println("http://" + listener.Addr().String())
	_ = server.Serve(listener)
}

// ServeHTTP answers after the latency of the base URL.
func (c *canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, route, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if first == "stats" {
		counts := stats{c.requests.Swap(0), c.refused.Swap(0), c.connections.Swap(0)}
		if err := json.NewEncoder(w).Encode(counts); err != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	var b behaviour
	var text []byte
	_, _ = fmt.Sscanf(first, "%x", &text)
	if json.Unmarshal(text, &b) != nil {
		http.NotFound(w, r)
		return
	}
	c.requests.Add(1)
	wait := b.Latency
	if b.Jitter > 0 {
		wait += rand.N(b.Jitter)
	}
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if !c.admit(w, b) {
		return
	}
	if strings.HasSuffix(route, "/all") || strings.HasSuffix(route, "/runners") {
		c.list(w, r, b)
		return
	}
	_, _ = io.WriteString(w, details)
}

// admit tells the limit, and keeps it where it is enforced.
func (c *canned) admit(w http.ResponseWriter, b behaviour) bool {
	if b.Limit == 0 {
		return true
	}
	remaining, reset := b.Limit-1, time.Now().Add(time.Minute)
	if b.Window > 0 {
		c.mu.Lock()
		if now := time.Now().Truncate(b.Window); !now.Equal(c.window) {
			c.window, c.used = now, 0
		}
		c.used++
		remaining, reset = b.Limit-c.used, c.window.Add(b.Window)
		c.mu.Unlock()
	}
	w.Header().Set("Ratelimit-Limit", strconv.Itoa(b.Limit))
	w.Header().Set("Ratelimit-Remaining", strconv.Itoa(max(0, remaining)))
	w.Header().Set("Ratelimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if remaining >= 0 {
		return true
	}
	c.refused.Add(1)
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(time.Until(reset).Seconds())+1)))
	w.WriteHeader(http.StatusTooManyRequests)
	return false
}

func (c *canned) list(w http.ResponseWriter, r *http.Request, b behaviour) {
	page, _ := strconv.Atoi(r.FormValue("page"))
	size, _ := strconv.Atoi(r.FormValue("per_page"))
	page, size = max(1, page), max(1, size)
	from, to := min((page-1)*size, b.Rows), min(page*size, b.Rows)
	h := w.Header()
	h.Set("X-Page", strconv.Itoa(page))
	h.Set("X-Per-Page", strconv.Itoa(size))
	h.Set("X-Next-Page", "")
	if to < b.Rows {
		h.Set("X-Next-Page", strconv.Itoa(page+1))
	}
	if !b.Countless {
		h.Set("X-Total", strconv.Itoa(b.Rows))
		h.Set("X-Total-Pages", strconv.Itoa((b.Rows+size-1)/size))
	}
	_, _ = w.Write(c.rows(from, to))
}

func (c *canned) rows(from, to int) []byte {
	key := [2]int{from, to}
	if body, ok := c.pages.Load(key); ok {
		return body.([]byte) //nolint:errcheck // nothing else is stored
	}
	body := []byte{'['}
	for id := from + 1; id <= to; id++ {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, row, id, id)
	}
	body = append(body, ']')
	c.pages.Store(key, body)
	return body
}

// What GitLab 17.5 shows of a runner, in a list and alone.
const (
	row = `{"id":%d,"description":"runner-%d","ip_address":"","active":true,"paused":false,` +
		`"is_shared":false,"runner_type":"project_type","name":"gitlab-runner","online":true,"status":"online"}`
	details = `{"active":true,"paused":false,"architecture":null,"description":"test-1-20150125","id":6,` +
		`"ip_address":"","is_shared":false,"runner_type":"project_type","contacted_at":"2016-01-25T16:39:48.066Z",` +
		`"maintenance_note":null,"name":null,"online":true,"status":"online","platform":null,"projects":[{"id":1,` +
		`"name":"GitLab Community Edition","name_with_namespace":"GitLab.org / GitLab Community Edition",` +
		`"path":"gitlab-foss","path_with_namespace":"gitlab-org/gitlab-foss"}],"revision":null,` +
		`"tag_list":["ruby","mysql"],"version":null,"access_level":"ref_protected","maximum_timeout":3600}`
)

// A server is the process, seen from the one that measures.
type server struct{ address string }

func startServer(tb testing.TB) *server {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	child := exec.Command(program)
	child.Env = append(os.Environ(), serverVariable+"=1")
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := child.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = child.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return &server{address: strings.TrimSpace(line)}
}

func (s *server) url(b behaviour) string { return s.address + b.path() }

func (s *server) stats(tb testing.TB) (all stats) {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.address + "/stats")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		tb.Fatal(err)
	}
	all.Connections-- // the one that asked
	return all
}
