// Every ratio that this module promises: GitLab's own client and ours, or the
// fake and an empty server, in turn, in one run. Run it with
//
//	go test -run Ratios -v .
//
// It fails on no figure: what a busy machine shows is no verdict.

package bench_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// scale is how much is measured.
type scale struct {
	rounds, rows, many, calls int
	latency                   time.Duration
}

func TestRatios(t *testing.T) {
	s := scale{rounds: 1, rows: 1000, many: 2000, calls: 20, latency: time.Millisecond}
	if asked("Ratios") {
		s = scale{rounds: 5, rows: 10_000, many: 100_000, calls: 200, latency: 20 * time.Millisecond}
	}
	r := &report{}
	gitlab := startServer(t)
	s.inventory(t, gitlab, r)
	s.countless(t, gitlab, r)
	s.withoutLatency(t, gitlab, r)
	s.memory(t, gitlab, r)
	s.limits(t, gitlab, r)
	s.breaks(t, gitlab, r)
	s.call(t, gitlab, r)
	s.details(t, gitlab, r)
	s.deadlines(t, gitlab, r)
	s.fake(t, r)
	s.fakes(t, r)
	s.world(t, r)
	s.virtualHour(t, r)
	s.binaries(t, r)
	r.print(t)
}

// inventory is goals 1 and 2.
func (s scale) inventory(t *testing.T, gitlab *server, r *report) {
	url := gitlab.url(behaviour{Latency: s.latency, Rows: s.rows})
	c, other := ours(t, url), theirs(t, url)
	list := func(k int) func() { return func() { listOurs(t, c, k) } }
	list(8)()
	times := alternate(s.rounds, func() { listTheirs(t, other) }, list(1), list(0), list(8), list(16))
	r.add("1", "10,000 runners at 20 ms: times faster, default", "≥ 5", over(times[0], times[2])...)
	r.add("1", "the same, 8 at once", "≥ 6.5", over(times[0], times[3])...)
	r.add("1", "the same, 16 at once", "≥ 10", over(times[0], times[4])...)
	pages := s.rows / 100
	for i, k := range []int{6, 8, 16} {
		r.add("2", fmt.Sprintf("time over the bound, %d at once", k), "≤ 1.10",
			over(times[2+i], scaled(times[1], bound(pages, k)/float64(pages)))...)
	}
}

// bound is how many pages one after the other a list takes at least.
func bound(pages, k int) float64 { return float64(1 + (pages+k-2)/k) }

func scaled(values []float64, factor float64) []float64 {
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = v * factor
	}
	return all
}

// countless is goal 3.
func (s scale) countless(t *testing.T, gitlab *server, r *report) {
	const k = 8
	url := gitlab.url(behaviour{Latency: s.latency, Rows: s.many, Countless: true})
	short := ours(t, gitlab.url(behaviour{Latency: s.latency, Rows: s.rows}))
	c, pages := ours(t, url), s.many/100
	gitlab.stats(t)
	times := alternate(min(s.rounds, 3), func() { listOurs(t, c, k) }, func() { listOurs(t, short, 1) })
	page := scaled(times[1], 100/float64(s.rows))
	r.add("3", "100,000 runners without totals, 8 at once: time over the bound", "≤ 1.10",
		over(times[0], scaled(page, bound(pages, k)))...)
	gitlab.stats(t)
	listOurs(t, c, k)
	r.add("3", "the same: requests beyond the pages", "≤ 8", float64(gitlab.stats(t).Requests-int64(pages)))

	jittery := behaviour{Latency: s.latency, Jitter: 3 * s.latency, Rows: s.rows}
	c = ours(t, gitlab.url(jittery))
	times = alternate(s.rounds, func() { listOurs(t, c, k) }, func() { listOurs(t, c, 1) })
	r.add("3", "20 to 80 ms a page, 8 at once: time over the bound at the mean", "≤ 1.25",
		over(times[0], scaled(times[1], bound(s.rows/100, k)*100/float64(s.rows)))...)
}

// withoutLatency is goal 4.
func (s scale) withoutLatency(t *testing.T, gitlab *server, r *report) {
	url := gitlab.url(behaviour{Rows: s.rows})
	c, other := ours(t, url), theirs(t, url)
	times := alternate(2*s.rounds, func() { listTheirs(t, other) }, func() { listOurs(t, c, 1) }, func() { listOurs(t, c, 8) })
	r.add("4", "10,000 runners at 0 ms: times faster, one page after the other", "≥ 1.6", over(times[0], times[1])...)
	r.add("4", "the same, 8 at once", "≥ 2.3", over(times[0], times[2])...)
}

// memory is goals 5 and 6.
func (s scale) memory(t *testing.T, gitlab *server, r *report) {
	url := gitlab.url(behaviour{Rows: s.rows})
	c, other := ours(t, url), theirs(t, url)
	n := float64(s.rows)
	count, size := cost(5, func() { listOurs(t, c, 8) })
	r.add("5", "allocations a listed runner, 8 at once", "≤ 1.5", count/n)
	r.add("5", "bytes a listed runner, 8 at once", "≤ 300", size/n)
	count, size = cost(5, func() { listTheirs(t, other) })
	r.add("5", "allocations a listed runner, client-go", "", count/n)
	r.add("5", "bytes a listed runner, client-go", "", size/n)

	before := live()
	rows, err := c.Runners.ListAll(nil).Collect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.add("6", "bytes that live for a collected runner", "≤ 200", (live()-before)/n)
	runtime.KeepAlive(rows)
	few := s.peak(t, gitlab, s.rows)
	r.add("6", "MB that a stream of 10,000 adds to the heap at most", "≤ 10", few)
	r.add("6", "MB that one of 100,000 adds beside", "≤ 4", s.peak(t, gitlab, s.many)-few)
}

// peak streams a list and returns how far the heap grows, in MB.
func (s scale) peak(t *testing.T, gitlab *server, rows int) float64 {
	c := ours(t, gitlab.url(behaviour{Rows: rows}))
	before, most, n := live(), 0.0, 0
	for _, err := range c.Runners.ListAll(nil).All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%500 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, float64(m.HeapAlloc)-before)
		}
	}
	return most / 1e6
}

func live() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// cost returns the allocations and bytes of one run of do.
func cost(runs int, do func()) (allocations, size float64) {
	do()
	runtime.GC()
	do()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		do()
	}
	runtime.ReadMemStats(&after)
	n := float64(runs)
	return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
}

// limits is goal 7.
func (s scale) limits(t *testing.T, gitlab *server, r *report) {
	url := gitlab.url(behaviour{Latency: s.latency / 4, Rows: 3 * s.rows / 10, Limit: 2000})
	c, other := ours(t, url), theirs(t, url)
	times := alternate(min(s.rounds, 3), func() { listTheirs(t, other) }, func() { listOurs(t, c, 0) })
	r.add("7", "3,000 runners at 5 ms, limit 2,000: times faster", "≥ 20", over(times[0], times[1])...)
	if s.rounds == 1 {
		return
	}
	const limit, window, windows = 100, 3 * time.Second, 3
	c = ours(t, gitlab.url(behaviour{Rows: 100 * limit * windows, Limit: limit, Window: window}))
	time.Sleep(time.Until(time.Now().Truncate(window).Add(window)))
	gitlab.stats(t)
	began := time.Now()
	listOurs(t, c, 8)
	took := time.Since(began)
	after := gitlab.stats(t)
	r.add("7", "a limit that is kept: answers 429", "0", float64(after.Refused))
	available := float64(limit) * (1 + float64(int(took/window)))
	r.add("7", "the same: % of the budget used", "≥ 95", 100*float64(after.Requests-after.Refused)/available)
}

// breaks is goal 8.
func (s scale) breaks(t *testing.T, gitlab *server, r *report) {
	c := ours(t, gitlab.url(behaviour{Latency: s.latency, Rows: s.rows}))
	listOurs(t, c, 0)
	gitlab.stats(t)
	before := runtime.NumGoroutine()
	for _, err := range c.Runners.ListAll(nil).All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	time.Sleep(10 * s.latency)
	r.add("8", "requests of a loop that ends after one row", "≤ 3", float64(gitlab.stats(t).Requests))
	r.add("8", "goroutines more after it", "≤ 0", float64(runtime.NumGoroutine()-before))
}

// call is goal 9.
func (s scale) call(t *testing.T, gitlab *server, r *report) {
	url := gitlab.url(behaviour{})
	c, other, raw := ours(t, url), theirs(t, url), &http.Client{Transport: &http.Transport{}}
	times := alternate(4*s.rounds, repeat(s.calls, func() { getRaw(t, raw, url) }),
		repeat(s.calls, func() { getOurs(t, c) }), repeat(s.calls, func() { getTheirs(t, other) }))
	r.add("9", "one runner: time over net/http and encoding/json", "≤ 1.15", over(times[1], times[0])...)
	r.add("9", "the same, client-go", "", over(times[2], times[0])...)
	for _, one := range []struct {
		name, goal1, goal2 string
		do                 func()
	}{
		{"one runner", "≤ 110", "≤ 7,000", func() { getOurs(t, c) }},
		{"client-go", "", "", func() { getTheirs(t, other) }},
		{"net/http and encoding/json", "", "", func() { getRaw(t, raw, url) }},
	} {
		count, size := cost(s.calls, one.do)
		r.add("9", "allocations, "+one.name, one.goal1, count)
		r.add("9", "bytes, "+one.name, one.goal2, size)
	}
}

// details is goal 10.
func (s scale) details(t *testing.T, gitlab *server, r *report) {
	const k = 16
	url := gitlab.url(behaviour{Latency: s.latency})
	c, other := ours(t, url), theirs(t, url)
	gitlab.stats(t)
	each(s.calls, k, func(int) { getOurs(t, c) })
	connections := gitlab.stats(t).Connections
	times := alternate(min(s.rounds, 3), repeat(s.calls, func() { getTheirs(t, other) }),
		func() { each(s.calls, k, func(int) { getOurs(t, c) }) })
	r.add("10", "details of 200 runners at 20 ms, 16 at once: times faster than a loop", "≥ 11", over(times[0], times[1])...)
	r.add("10", "the same: new connections", "≤ 16", float64(connections))
}

// deadlines is goal 11.
func (s scale) deadlines(t *testing.T, gitlab *server, r *report) {
	const good, bad = 30, 10
	url := gitlab.url(behaviour{Latency: s.latency})
	c := ours(t, url)
	gitlab.stats(t)
	each(good+bad, 1, func(i int) {
		ctx, cancel := context.WithCancel(context.Background())
		if i%4 == 3 {
			ctx, cancel = context.WithTimeout(ctx, s.latency/4)
		}
		defer cancel()
		_, _ = c.Runners.Get(ctx, 6)
	})
	r.add("11", "new connections of 40 calls, 10 of which run out of time", "≤ 12",
		float64(gitlab.stats(t).Connections))
}

// fake is goals 12 and 13.
func (s scale) fake(t *testing.T, r *report) {
	get := func(client *http.Client, url string) {
		res, err := client.Get(url + "/api/v4/version")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	own := func(url string) { // a client for one server
		client := &http.Client{Transport: &http.Transport{}}
		get(client, url)
		client.CloseIdleConnections()
	}
	empty := func() {
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		own(srv.URL)
		srv.Close()
	}
	tcp := func() {
		srv := &runnerstest.Server{}
		own(srv.URL())
		srv.Close()
	}
	memory := func() {
		srv := &runnerstest.Server{}
		get(srv.HTTPClient(), "http://gitlab.test")
		srv.Close()
	}
	times := alternate(4*s.rounds, times20(empty), times20(tcp), times20(memory))
	r.add("12", "a fake over TCP, one GET: time over an empty httptest.Server's", "≤ 1.2", over(times[1], times[0])...)
	emptyCost, _ := cost(20, empty)
	tcpCost, _ := cost(20, tcp)
	r.add("12", "the same: allocations over it", "≤ 1.25", tcpCost/emptyCost)
	r.add("13", "a fake in memory, one GET: times faster than it", "≥ 15", over(times[0], times[2])...)
	memoryCost, _ := cost(200, memory)
	r.add("13", "the same: allocations", "≤ 60", memoryCost)
	s.fakeList(t, r)
}

func times20(do func()) func() { return repeat(20, do) }

// repeat does something often enough to be measured. What takes some
// microseconds needs more than what opens a socket.
func repeat(n int, do func()) func() {
	return func() {
		for range n {
			do()
		}
	}
}

// fakeList holds a list of the fake against a canned one.
func (s scale) fakeList(t *testing.T, r *report) {
	srv := runnerstest.NewServer(t, nil)
	for range 20 {
		srv.AddRunner(runnerstest.Runner{Type: runners.InstanceType})
	}
	token := srv.AddToken(runnerstest.AccessToken{User: "root"}).Token
	ask := func(client *http.Client, url string) []byte {
		req, err := http.NewRequest(http.MethodGet, url+"/api/v4/runners/all", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Private-Token", token)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res.Status, err)
		}
		return body
	}
	live := ask(srv.HTTPClient(), "http://gitlab.test")
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder("GET", "http://gitlab.test/api/v4/runners/all", httpmock.NewBytesResponder(200, live))
	canned, memory, tcp := &http.Client{Transport: mock}, srv.HTTPClient(), &http.Client{Transport: &http.Transport{}}
	times := alternate(4*s.rounds, repeat(s.calls, func() { ask(memory, "http://gitlab.test") }),
		repeat(s.calls, func() { ask(canned, "http://gitlab.test") }), repeat(s.calls, func() { ask(tcp, srv.URL()) }))
	r.add("13", "a list of 20 rows in memory: time over httpmock's canned one", "≤ 3", over(times[0], times[1])...)
	r.add("13", "the same: times faster than over TCP", "≥ 2.5", over(times[2], times[0])...)
}

// fakes is goal 14.
func (s scale) fakes(t *testing.T, r *report) {
	var all []*runnerstest.Server
	before := runtime.NumGoroutine()
	times := alternate(s.rounds, func() {
		all = all[:0]
		for range 1000 {
			srv := runnerstest.NewServer(t, nil)
			if _, err := srv.Client(t).Version(context.Background()); err != nil {
				t.Fatal(err)
			}
			all = append(all, srv)
		}
	})
	r.add("14", "1,000 fakes and a call to each: seconds", "≤ 0.5", times[0]...)
	r.add("14", "the same: goroutines", "0", float64(runtime.NumGoroutine()-before))
}

// world is goal 15, and what becomes of it with ten times as many runners.
func (s scale) world(t *testing.T, r *report) {
	s.worldOf(t, r, s.many, min(s.rounds, 3), "100,000", "≤ 0.5", "≤ 300", "≤ 5")
	s.worldOf(t, r, 10*s.many, 1, "1,000,000", "", "", "")
}

func (s scale) worldOf(t *testing.T, r *report, n, rounds int, name, seconds, size, filtered string) {
	seed := seedOf(n)
	var srv *runnerstest.Server
	before := live()
	start := func() {
		var err error
		if srv, err = runnerstest.Start(&runnerstest.Options{Seed: strings.NewReader(seed)}); err != nil {
			t.Fatal(err)
		}
	}
	times := alternate(rounds, start)
	r.add("15", name+" runners from a seed: seconds", seconds, times[0]...)
	r.add("15", "the same: seconds of processor time", "", spent(rounds, start)...)
	r.add("15", "the same: bytes a runner", size, (live()-before)/float64(n))
	ask := func(query string) func() {
		client := srv.HTTPClient()
		return times20(func() {
			req, err := http.NewRequest(http.MethodGet, "http://gitlab.test/api/v4/runners/all?"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Private-Token", token)
			res, err := client.Do(req)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatal(res, err)
			}
			_ = res.Body.Close()
		})
	}
	filter := ask("status=never_contacted&paused=false&page=3")
	times = alternate(4*s.rounds, ask("page=1"), ask(fmt.Sprint("page=", n/20)), filter)
	r.add("15", "the last page over the first: time", "about 1", over(times[1], times[0])...)
	r.add("15", "the last page: ms", "", scaled(times[1], 50)...)
	r.add("15", "a filtered page: ms", filtered, scaled(times[2], 50)...)
	r.add("15", "the same: ms of processor time", "", scaled(spent(s.rounds, filter), 50)...)
	runtime.KeepAlive(seed)
}

// seedOf is a seed of n runners.
func seedOf(n int) string {
	var seed strings.Builder
	seed.WriteString(`{"users":[{"username":"root","admin":true,"tokens":[{"token":"` + token +
		`","scopes":["api"]}]}],"runners":[`)
	for i := range n {
		if i > 0 {
			seed.WriteByte(',')
		}
		fmt.Fprintf(&seed, `{"runner_type":"instance_type","description":"runner-%d"}`, i)
	}
	seed.WriteString("]}")
	return seed.String()
}

// virtualHour is goal 16: retries that take an hour, in virtual time.
func (s scale) virtualHour(t *testing.T, r *report) {
	began := time.Now()
	var attempts int
	synctest.Test(t, func(t *testing.T) {
		virtual := time.Now()
		c, err := runners.New("https://gitlab.test", runners.PrivateToken(token), &runners.Options{
			MaxAttempts: 61, NoRetryBudget: true,
			Transport: transport(func(req *http.Request) (*http.Response, error) {
				attempts++
				return &http.Response{
					StatusCode: http.StatusServiceUnavailable, Request: req,
					Header: http.Header{"Retry-After": {"60"}}, Body: http.NoBody,
				}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Runners.Get(context.Background(), 6); err == nil {
			t.Error("no error")
		}
		if took := time.Since(virtual); took < time.Hour || attempts != 61 {
			t.Errorf("only %v and %d attempts", took, attempts)
		}
	})
	r.add("16", fmt.Sprintf("retries in virtual time, %d attempts a minute apart: seconds", attempts), "≤ 0.1",
		time.Since(began).Seconds())
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// binaries is goal 17.
func (s scale) binaries(t *testing.T, r *report) {
	dir := t.TempDir()
	size := func(name string) float64 {
		file := filepath.Join(dir, name)
		build := exec.Command("go", "build", "-o", file, "./size/"+name)
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return float64(info.Size())
	}
	raw := size("raw")
	r.add("17", "a program that lists runners: size over one with net/http alone", "≤ 1.10", size("ours")/raw)
	r.add("17", "the same, client-go", "", size("theirs")/raw)
}
