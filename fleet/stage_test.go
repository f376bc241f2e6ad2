package fleet_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A stage is a fake GitLab with two projects of a group, and a wire to it that
// tests can spoil.
type stage struct {
	*runnerstest.Server
	*wire
	admin     *runners.Client
	group     runnerstest.Group
	app, site runnerstest.Project
}

// newStage sets a stage of one version; "" is the newest.
func newStage(t *testing.T, version string) *stage {
	t.Helper()
	s := &stage{Server: runnerstest.NewServer(t, &runnerstest.Options{Version: version})}
	s.Allow("include_projects", "version_prefix", "system_id") // old GitLabs ignore them, and may
	s.wire = &wire{gitlab: s.HTTPClient().Transport}
	s.AddUser(runnerstest.User{Username: "mia"})
	s.group = s.AddGroup(runnerstest.Group{Path: "acme"})
	s.app = s.AddProject(runnerstest.Project{Path: "acme/app"})
	s.site = s.AddProject(runnerstest.Project{Path: "acme/site"})
	s.admin = s.as(t, "root")
	return s
}

// as returns a client of a user that goes over the wire.
func (s *stage) as(t *testing.T, user string) *runners.Client {
	t.Helper()
	token := s.AddToken(runnerstest.AccessToken{User: user})
	c, err := runners.New("https://gitlab.test", runners.PrivateToken(token.Token),
		&runners.Options{Transport: s.wire})
	require.NoError(t, err)
	return c
}

// add adds n runners of the project acme/app, which are online.
func (s *stage) add(n int, change ...func(*runnerstest.Runner)) []int64 {
	var ids []int64
	for range n {
		r := runnerstest.Runner{
			Description: "builder", Projects: []int64{s.app.ID}, TagList: []string{"docker"},
			CreatedAt: runnerstest.Ago(30 * day), ContactedAt: runnerstest.Ago(time.Minute),
		}
		for _, c := range change {
			c(&r)
		}
		ids = append(ids, s.AddRunner(r).ID)
	}
	return ids
}

// listedTwice adds a runner, and returns a list that has it twice: once for each
// manager that a version filter matches.
func (s *stage) listedTwice(change ...func(*runnerstest.Runner)) *runners.Listing[runners.Runner] {
	s.add(1, append(change, func(r *runnerstest.Runner) {
		r.Managers = []runnerstest.Manager{{SystemID: "a", Version: "17.1.0"}, {SystemID: "b", Version: "17.2.0"}}
	})...)
	return s.admin.Runners.ListAll(&runners.ListOptions{VersionPrefix: "17"})
}

// runner returns what the fake knows of a runner; nil if it is gone.
func (s *stage) runner(id int64) *runnerstest.Runner {
	all := s.Snapshot().Runners
	i := slices.IndexFunc(all, func(r runnerstest.Runner) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// count returns how often a route took a request.
func (s *stage) count(route string) int { return len(s.Requests(runnerstest.ByRoute(route))) }

const day = 24 * time.Hour

// listTime is how long a list of so many rows may take: six pages at once after
// the first, and a tenth more.
func (s *stage) listTime(rows int) time.Duration {
	pages := (rows + 99) / 100
	return s.latency * time.Duration(1+(pages-1+5)/6) * 11 / 10
}

// A wire carries requests to the fake. Its fields are set before it is used.
type wire struct {
	gitlab  http.RoundTripper
	latency time.Duration

	// before may answer in the fake's place, and after may answer otherwise
	// than the fake did.
	before, after func(*http.Request) *fault

	mu            sync.Mutex
	running, peak int
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.enter(1)
	defer w.enter(-1)
	if w.latency > 0 {
		select {
		case <-time.After(w.latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if w.before != nil {
		if f := w.before(r); f != nil {
			return f.response(), nil
		}
	}
	answer, err := w.gitlab.RoundTrip(r)
	if err == nil && w.after != nil {
		if f := w.after(r); f != nil {
			return f.response(), nil
		}
	}
	if err == nil {
		err = r.Context().Err() // an answer that comes too late
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (w *wire) enter(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running += n
	w.peak = max(w.peak, w.running)
}

// A fault is an answer that is not the fake's.
type fault struct {
	status int
	wait   time.Duration // what it asks for
}

func (f *fault) response() *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	if f.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(f.wait.Seconds())))
	}
	return &http.Response{
		StatusCode: f.status, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(fmt.Sprintf(`{"message":"%d faked"}`, f.status))),
	}
}

// first spoils the first n requests of a method and a part of a path.
func first(n int, method, part string, f *fault) func(*http.Request) *fault {
	var mu sync.Mutex
	return func(r *http.Request) *fault {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != method || !strings.Contains(r.URL.Path, part) || n == 0 {
			return nil
		}
		n--
		return f
	}
}

// always is more than any test sends.
const always = 1 << 30

// once calls do before the first request of a method and a part of a path.
func once(method, part string, do func()) func(*http.Request) *fault {
	var done sync.Once
	return func(r *http.Request) *fault {
		if r.Method == method && strings.Contains(r.URL.Path, part) {
			done.Do(do)
		}
		return nil
	}
}

// limited refuses what comes within a time from now.
func limited(method, part string, d time.Duration) func(*http.Request) *fault {
	end := time.Now().Add(d)
	return func(r *http.Request) *fault {
		if left := time.Until(end); left > 0 && r.Method == method && strings.Contains(r.URL.Path, part) {
			return &fault{status: http.StatusTooManyRequests, wait: left}
		}
		return nil
	}
}

// change changes what the fake knows of a runner, as nothing over its API can.
func (s *stage) change(id int64, change func(*runnerstest.Runner)) {
	state := s.Snapshot()
	for i := range state.Runners {
		if state.Runners[i].ID == id {
			change(&state.Runners[i])
		}
	}
	if err := s.Restore(state); err != nil {
		panic(err)
	}
}
