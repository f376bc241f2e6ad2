// The server: how one is made and ended, how it is reached, and the way of a
// request through it.

package runnerstest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-832548de/runners"
)

// A Server is a pretended GitLab. Its zero value is ready: the newest GitLab,
// empty but for one administrator, root. All methods may be called from
// several goroutines at once.
type Server struct {
	mu       sync.Mutex // guards all below but options and tb
	world    *world
	start    time.Time
	offset   time.Duration // how far the clock was set forward
	journal  []Request
	requests uint64 // how many request ids were made
	listener *httptest.Server
	closed   bool
	faults   []*Fault
	limiter  *limiter                           // nil = no limit
	holds    uint64                             // how many requests were kept waiting
	held     map[uint64]context.CancelCauseFunc // those that are, ended by Close
	other    otherOrigin
	initial  *State // what a reset leads to
	hooks    atomic.Pointer[[]hook]
	allowed  []string        // what Allow named
	found    map[string]bool // findings that were reported

	made    sync.Once
	options Options
	tb      testing.TB // nil = bad specs panic
}

// Options are the choices one has in making a [Server]. The zero value, and
// nil, stand for the newest GitLab, empty but for one administrator.
type Options struct {
	// Version is the GitLab to play, such as "17.5.0" or "17.5": any from 8.2.0
	// to the newest, which is the default. With a Seed that names a version, it
	// must be the same.
	Version string
	// Seed is a JSON text that describes the whole state at the start. Nothing
	// is added to it. Nil stands for one administrator, root.
	Seed io.Reader
	// Now is the clock; nil stands for [time.Now]. It must not call the server.
	Now func() time.Time
	// RandSeed varies the secrets that the server makes. With one RandSeed,
	// servers that are asked the same answer the same.
	RandSeed uint64
	// TLS lets [Server.URL] speak https, with a certificate that
	// [Server.RootCAs] knows.
	TLS bool
	// Control serves the paths below /_fake/, by which programs in any language
	// read and change the server's state, journal, faults and clock, without a
	// token.
	Control bool
	// Lenient keeps quiet about what GitLab ignores, deprecates or has no route
	// for. Without it, a server of [NewServer] fails its test for each
	// [Finding].
	Lenient bool
	// Found is told of each finding, in place of the test, and outside of tests
	// too. It must not call the server.
	Found func(Finding)
}

// NewServer makes a server for one test, which ends with it. A bad option, seed
// or spec fails the test, and so does each [Finding]. Nil options are the
// defaults.
func NewServer(tb testing.TB, o *Options) *Server {
	tb.Helper()
	s, err := Start(o)
	if err != nil {
		tb.Fatalf("runnerstest: %v", err)
	}
	s.tb = tb
	tb.Cleanup(func() {
		tb.Helper()
		s.Close()
		s.wantFired()
	})
	return s
}

// Start makes a server outside of tests. Nil options are the defaults. A bad
// spec given to one of the Add methods panics.
func Start(o *Options) (*Server, error) {
	s := &Server{}
	if o != nil {
		s.options = *o
	}
	if err := s.make(); err != nil {
		return nil, err
	}
	return s, nil
}

// make builds the world, once.
func (s *Server) make() (err error) {
	s.made.Do(func() {
		s.start = s.now()
		s.world, err = s.options.world(s.start)
		if err == nil && s.options.Control {
			initial := s.world.state()
			s.initial = &initial
		}
	})
	return err
}

// ready makes the zero value a server. Only options can be bad, and it has
// none.
func (s *Server) ready() { _ = s.make() }

// world builds what the options describe.
func (o *Options) world(start time.Time) (*world, error) {
	w := newWorld()
	w.randSeed = o.RandSeed
	wanted, err := o.version()
	if err != nil {
		return nil, err
	}
	w.version = wanted
	if o.Seed == nil {
		w.registrationAllowed = !w.edition().has("rule: registration is off by default")
		w.registrationToken = w.newRegistrationToken(runners.InstanceType)
		w.addRoot()
		return w, nil
	}
	if err := loadSeed(o.Seed, o.Version, start, w); err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	return w, nil
}

// version reads the version option.
func (o *Options) version() (version, error) {
	if o.Version == "" {
		return newestVersion, nil
	}
	return parseVersion(o.Version)
}

// addRoot adds the administrator that a new GitLab has.
func (w *world) addRoot() {
	root := &user{id: 1, username: "root", name: "Administrator", admin: true, state: "active"}
	w.users.put(root.id, root)
	w.usersByName.put(root.username, root)
}

// Close ends the server. Its address, if it had one, is free again, requests in
// memory fail, and those that a fault keeps waiting end at once. More calls do
// nothing.
func (s *Server) Close() {
	s.mu.Lock()
	listeners := [...]*httptest.Server{s.listener, s.other.listener}
	held := s.held
	s.listener, s.other.listener, s.held, s.closed = nil, nil, nil, true
	s.mu.Unlock()
	for _, end := range held {
		end(errClosed)
	}
	for _, listener := range listeners {
		if listener != nil {
			listener.Close()
		}
	}
}

// URL returns the server's address on the loopback interface, such as
// "http://127.0.0.1:41234", or https with [Options.TLS]. The first call opens
// it; who needs no sockets takes [Server.HTTPClient].
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ""
	}
	if s.listener == nil {
		s.listener = s.listen(s)
	}
	return s.listener.URL
}

// listen opens a port on the loopback interface.
func (s *Server) listen(h http.Handler) *httptest.Server {
	if s.options.TLS {
		return httptest.NewTLSServer(h)
	}
	return httptest.NewServer(h)
}

// RootCAs returns the authorities that a client must trust to reach the
// server's URL with [Options.TLS]; none without that. It opens the port, as
// [Server.URL] does.
func (s *Server) RootCAs() *x509.CertPool {
	pool := x509.NewCertPool()
	s.URL()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil && s.listener.Certificate() != nil {
		pool.AddCert(s.listener.Certificate())
	}
	return pool
}

// Client returns a client for the first administrator. Outside of tests, tb is
// nil: what would fail the test panics then.
func (s *Server) Client(tb testing.TB) *runners.Client { //nolint:thelper // it may be nil
	if tb == nil {
		tb = noTest{}
	}
	tb.Helper()
	secret, err := s.administratorToken()
	if err != nil {
		tb.Fatalf("runnerstest: %v", err)
	}
	return s.ClientAs(tb, AccessToken{Token: secret})
}

// ClientAs returns a client that shows an access token, one that
// [Server.AddToken] returned or a seed holds. Outside of tests, tb is nil.
func (s *Server) ClientAs(tb testing.TB, token AccessToken) *runners.Client { //nolint:thelper // it may be nil
	if tb == nil {
		tb = noTest{}
	}
	tb.Helper()
	auth := runners.PrivateToken(token.Token)
	if token.Kind == string(oauthToken) {
		auth = runners.Bearer(token.Token)
	}
	client, err := runners.New("https://gitlab.test", auth,
		&runners.Options{HTTPClient: s.HTTPClient()})
	if err != nil {
		tb.Fatalf("runnerstest: %v", err)
	}
	return client
}

// administratorToken returns a token with which the first administrator may do
// everything, and makes one where there is none.
func (s *Server) administratorToken() (string, error) {
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.world.users.rows {
		if u.admin && (u.state == "" || u.state == "active") {
			return s.world.mightyToken(u, s.now()), nil
		}
	}
	return "", errors.New("there is no active administrator")
}

func (w *world) mightyToken(u *user, now time.Time) string {
	for _, t := range u.tokens {
		expired := !t.expiresAt.IsZero() && !now.Before(t.expiresAt)
		mighty := t.hasScope("api") && (!w.settings.adminMode || t.hasScope("admin_mode"))
		if mighty && !t.revoked && !expired {
			return t.secret
		}
	}
	t := &accessToken{
		secret: w.newAccessToken(), name: "client", kind: personalToken,
		scopes: []string{"api", "admin_mode"}, user: u,
	}
	u.tokens = append(u.tokens, t)
	w.accessTokens.put(t.secret, t)
	return t.secret
}

// report tells the test of a mistake in it; without a test it panics.
func (s *Server) report(err error) {
	s.test().Helper()
	s.test().Error(err)
}

// test returns the test that hears of mistakes. Whoever may make one calls its
// Helper first, so that it is shown at the line in the test.
func (s *Server) test() testing.TB {
	if s.tb == nil {
		return noTest{}
	}
	return s.tb
}

// noTest stands for the test where there is none.
type noTest struct{ testing.TB }

// Helper does nothing: a panic shows all lines.
func (noTest) Helper() {}

// Error panics with the one thing it is told.
func (noTest) Error(args ...any) { panic(args[0]) }

// Fatalf panics with an error.
func (noTest) Fatalf(format string, args ...any) { panic(fmt.Errorf(format, args...)) }

// ServeHTTP answers a request as GitLab would. Where a fault breaks the
// connection off, it may panic with [http.ErrAbortHandler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hooks := s.hooks.Load(); hooks != nil {
		s.dispatch(*hooks, w, r)
		return
	}
	s.answer(r).writeTo(w, r)
}

// answer takes a request through the server. The body is read before the lock
// is taken, and the answer is written after it is given back.
func (s *Server) answer(r *http.Request) delivery {
	s.ready()
	body, err := s.readBody(r)
	if s.controls(r) {
		return delivery{reply: s.control(r, body, err)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := exchange{server: s, arrived: r, body: body}
	if s.other.host(r.Host) {
		return s.answerOther(&x)
	}
	x.find(err)
	if f := s.due(&x); f != nil {
		return s.disturb(r.Context(), f, &x)
	}
	s.run(&x)
	return s.finish(&x, x.reply, nil)
}

// run carries a request out, within the limit.
func (s *Server) run(x *exchange) {
	if s.limiter == nil {
		x.run()
		return
	}
	left, taken := s.limit(x)
	if !taken {
		x.reply = retryLater(left)
		return
	}
	x.run()
	maps.Copy(left, x.reply.header)
	x.reply.header = left
}

// finish notes what a request came to.
func (s *Server) finish(x *exchange, a reply, f *Fault) delivery {
	d := delivery{reply: a, id: s.requestID(x.arrived), server: s, fault: f}
	entry := s.entry(x.arrived, x.request, a.status, d.id)
	if f != nil {
		entry.Fault = f.name()
	}
	s.record(entry)
	s.inspect(x)
	return d
}

// find looks for the route of a request, and answers where there is none. err
// is what was wrong with its body.
func (x *exchange) find(err *refusal) {
	r, edition := x.arrived, x.server.world.edition()
	switch {
	case longTarget(r.URL):
		x.reply = targetTooLong().reply()
	case err != nil:
		x.reply = err.reply()
	case strangePath(r.URL.EscapedPath()):
		x.reply = refuseError(http.StatusNotFound, "404 Not Found").reply()
	default:
		edition.mux.ServeHTTP(x, withoutSlash(r))
		if x.request == nil {
			x.reply = x.unrouted(r, edition)
		}
	}
}

// strangePath reports whether a path has parts that no route has and that the
// mux would read in a way of its own.
func strangePath(path string) bool {
	if path == "" || path[0] != '/' {
		return true
	}
	last := strings.Count(path, "/")
	for segment := range strings.SplitSeq(path[1:], "/") {
		last--
		switch {
		case segment == "" && last > 0, segment == ".", segment == "..":
			return true
		case strings.EqualFold(segment, "%2F"):
			return true
		}
	}
	return false
}

// withoutSlash drops a slash at the end of the path, as GitLab does.
func withoutSlash(r *http.Request) *http.Request {
	path, found := strings.CutSuffix(r.URL.Path, "/")
	if !found || path == "" {
		return r
	}
	changed, address := *r, *r.URL
	address.Path = path
	address.RawPath = strings.TrimSuffix(address.RawPath, "/")
	changed.URL = &address
	return &changed
}

// requestID returns the caller's id of a request, without what GitLab drops
// from it, or a new one.
func (s *Server) requestID(r *http.Request) string {
	sent := strings.Map(func(c rune) rune {
		if strings.ContainsRune(idRunes, c) {
			return c
		}
		return -1
	}, r.Header.Get("X-Request-ID"))
	if sent != "" {
		return sent[:min(len(sent), 255)]
	}
	s.requests++
	number := strconv.FormatUint(s.requests, 16)
	return noID[:len(noID)-len(number)] + number
}

// noID is what ids are numbers at the end of.
const noID = "fake0000000000000000000000000000"

const idRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-@"

// An exchange takes a request through the mux, which all servers of a version
// share: it is what routes see as the response writer, and brings the server.
type exchange struct {
	server  *Server
	arrived *http.Request
	body    []byte
	request *request // nil while no route took it
	refusal *refusal // of its parameters
	reply   reply
	header  http.Header // what the mux says itself: Allow
	status  int
}

// Header makes exchange an [http.ResponseWriter], for the mux.
func (x *exchange) Header() http.Header {
	if x.header == nil {
		x.header = http.Header{}
	}
	return x.header
}

// Write drops the mux's own words.
func (x *exchange) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader keeps the mux's own status.
func (x *exchange) WriteHeader(status int) { x.status = status }

// take reads what a route is asked.
func (x *exchange) take(route *route, r *http.Request) {
	x.request = &request{Request: r, server: x.server, route: route, body: x.body}
	x.request.look()
	x.refusal = x.request.readParams()
}

// look lets a request see the world as it is now.
func (q *request) look() {
	q.view = q.server.world.viewAt(q.server.now())
	q.base = baseOf(q.TLS != nil, q.URL, q.Host)
}

// run takes a request through the steps of its route, if it has one.
func (x *exchange) run() {
	q := x.request
	switch {
	case q == nil:
		return
	case x.refusal != nil:
		x.reply = x.refusal.reply()
		return
	}
	for _, pass := range q.route.steps {
		if err := pass(q); err != nil {
			x.reply = err.reply()
			return
		}
	}
	answer, err := q.route.handle(q)
	if err != nil {
		answer = err.reply()
	}
	x.reply = answer
}
