// What exists on a wire only: connections that break at each phase, stale and
// idle ones, TLS, redirects to another server. All over loopback.

package runners_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// An exchange is what a raw server does with one connection; n counts them
// from 1.
type exchange func(conn net.Conn, n int)

// listen starts a raw server, and returns its address.
func listen(t *testing.T, do exchange) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var group sync.WaitGroup
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(func() {
		end()
		_ = l.Close()
		group.Wait()
	})
	group.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			group.Go(func() {
				defer func() { _ = conn.Close() }()
				do(conn, n)
			})
		}
	})
	return l.Addr().String()
}

// readRequest reads one request whole, and reports whether there was one.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// listenOnce starts a raw server that reads one request of each connection, and
// then does something else.
func listenOnce(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	return listen(t, func(conn net.Conn, _ int) {
		if readRequest(bufio.NewReader(conn)) {
			do(conn)
		}
	})
}

// unfinished says something, and then nothing until the other side closes.
func unfinished(text string) func(net.Conn) {
	return func(conn net.Conn) {
		write(conn, text)
		_, _ = conn.Read(make([]byte, 1))
	}
}

// countOpened counts the connections to a server that has not been started.
func countOpened(srv *httptest.Server) *atomic.Int32 {
	var opened atomic.Int32
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	return &opened
}

func write(conn net.Conn, text string) { _, _ = io.WriteString(conn, text) }

// Answers as they stand on the wire.
const (
	rawHead     = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	rawRunner   = rawHead + "Content-Length: 25\r\n\r\n" + `{"id":6,"token":"glrt-x"}`
	rawTooLarge = "HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n" +
		`{"message":"too big"}`
)

// answerAll serves requests on a connection until it ends.
func answerAll(conn net.Conn, r *bufio.Reader, served *atomic.Int32) {
	for readRequest(r) {
		served.Add(1)
		write(conn, rawRunner)
	}
}

// quick are options for tests in real time: no wait is worth mentioning.
func quick(o runners.Options) *runners.Options {
	o.MaxWait = time.Millisecond
	return &o
}

// dial makes a client with a transport of its own.
func dial(t *testing.T, baseURL string, o *runners.Options) *runners.Client {
	t.Helper()
	c, err := runners.New(baseURL, runners.PrivateToken(accessToken), o)
	require.NoError(t, err)
	return c
}

// TestPhase_lost: the request was read, and the connection ends without an
// answer, or in the middle of one.
func TestPhase_lost(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"nothing":     "",
		"half a line": "HTTP/1.1 20",
		"half a head": "HTTP/1.1 200 OK\r\nContent-Ty",
		"garbage":     "SSH-2.0-OpenSSH_9.9\r\n\r\n",
	} {
		for _, class := range classes {
			t.Run(name+" "+string(class.class), func(t *testing.T) {
				t.Parallel()
				var served atomic.Int32
				address := listen(t, func(conn net.Conn, n int) {
					r := bufio.NewReader(conn)
					if n == 1 && readRequest(r) {
						served.Add(1)
						write(conn, part)
						return
					}
					answerAll(conn, r, &served)
				})
				err := class.call(t.Context(), dial(t, "http://"+address, quick(runners.Options{})))
				if !class.once {
					require.NoError(t, err)
					assert.EqualValues(t, 2, served.Load())
					return
				}
				require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
				require.ErrorIs(t, err, runners.ErrUnavailable)
				assert.Equal(t, runners.PhaseSent, failure(t, err).Phase)
				assert.EqualValues(t, 1, served.Load())
			})
		}
	}
}

// TestPhase_stale: a kept connection that is closed under our request. What
// may be repeated is; what may have been done is not.
func TestPhase_stale(t *testing.T) {
	t.Parallel()
	for _, class := range classes {
		t.Run(string(class.class), func(t *testing.T) {
			t.Parallel()
			var served atomic.Int32
			address := listen(t, func(conn net.Conn, n int) {
				r := bufio.NewReader(conn)
				if n > 1 {
					answerAll(conn, r, &served)
					return
				}
				readRequest(r)
				write(conn, rawRunner)
				if readRequest(r) {
					served.Add(1)
				}
			})
			c := dial(t, "http://"+address, quick(runners.Options{}))
			require.NoError(t, one(c.Version(t.Context())))
			err := class.call(t.Context(), c)
			if !class.once {
				require.NoError(t, err)
				assert.EqualValues(t, 2, served.Load())
				return
			}
			require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
			assert.EqualValues(t, 1, served.Load())
		})
	}
}

// TestPhase_closedIdle: a kept connection that ended just before our request.
// Whether we noticed in time or not, nothing is done twice, and what may be
// repeated always succeeds.
func TestPhase_closedIdle(t *testing.T) {
	t.Parallel()
	for _, class := range classes {
		t.Run(string(class.class), func(t *testing.T) {
			t.Parallel()
			var served atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v4/version" {
					served.Add(1)
				}
				_, _ = io.WriteString(w, `{"id":6,"token":"glrt-x"}`)
			}))
			defer srv.Close()
			c := dial(t, srv.URL, quick(runners.Options{NoRetryBudget: true}))
			for range 20 {
				served.Store(0)
				require.NoError(t, one(c.Version(t.Context())))
				srv.CloseClientConnections()
				err := class.call(t.Context(), c)
				if class.once && err != nil {
					require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
					assert.Zero(t, served.Load())
					continue
				}
				require.NoError(t, err)
				assert.EqualValues(t, 1, served.Load())
			}
		})
	}
}

// TestEarlyAnswer: an answer that comes before the request was read whole is
// an answer, and nothing hangs.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	address := listen(t, func(conn net.Conn, _ int) {
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		write(conn, rawTooLarge)
		_, _ = io.Copy(io.Discard, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	text := strings.Repeat("x", 1<<20)
	_, err := dial(t, "http://"+address, quick(runners.Options{})).
		Runners.Create(ctx, runners.ForInstance(), &runners.CreateOptions{Description: text})
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, 413, failure(t, err).StatusCode)
	assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
}

// packed is a text as gzip.
func packed(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// TestAnswer_onTheWire: what is wrong with how an answer is packed or with its
// head is found out at once, and said.
func TestAnswer_onTheWire(t *testing.T) {
	t.Parallel()
	const head, body = rawHead, `{"id":6}`
	tooLarge := []error{runners.ErrResponseTooLarge, runners.ErrUnexpectedResponse}
	odd, none := []error{runners.ErrUnexpectedResponse}, []error{runners.ErrUnavailable}
	for name, c := range map[string]struct {
		raw string
		is  []error
	}{
		"packed":             {head + "Content-Encoding: gzip\r\n\r\n" + packed(t, body), nil},
		"a bomb":             {head + "Content-Encoding: gzip\r\n\r\n" + packed(t, body+strings.Repeat(" ", 16<<20)), tooLarge},
		"half a bomb":        {head + "Content-Encoding: gzip\r\n\r\n" + packed(t, strings.Repeat(" ", 9<<20))[:4<<10], odd},
		"not packed":         {head + "Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\n" + body, odd},
		"packed, and silent": {head + "\r\n" + packed(t, body), odd},
		"unknown encoding":   {head + "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n\x1b\x00", odd},
		"shorter than it is": {head + "Content-Length: 5\r\n\r\n" + body, odd},
		"longer than it is":  {head + "Content-Length: 80\r\n\r\n" + body, odd},
		"chunks cut off":     {head + "Transfer-Encoding: chunked\r\n\r\n8\r\n" + body + "\r\n", odd},
		"a chunk cut off":    {head + "Transfer-Encoding: chunked\r\n\r\n9\r\n" + body, odd},
		"no chunks":          {head + "Transfer-Encoding: chunked\r\n\r\n" + body, odd},
		"unknown transfer":   {head + "Transfer-Encoding: rot13\r\n\r\n" + body, none},
		"header of 2 MB":     {head + "X-A: " + strings.Repeat("a", 2<<20) + "\r\n\r\n" + body, none},
		"200,000 headers":    {head + strings.Repeat("X-A: a\r\n", 200_000) + "\r\n" + body, none},
		"100,000 times 103":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: x\r\n\r\n", 100_000) + head + "\r\n" + body, none},
		"no status":          {"HTTP/1.1 OK\r\n\r\n", none},
		"status 000":         {"HTTP/1.1 000 No\r\n\r\n", odd},
		"status 999":         {"HTTP/1.1 999 No\r\n\r\n", odd},
		"status 1000":        {"HTTP/1.1 1000 No\r\n\r\n", none},
		"no protocol":        {"SSH-2.0-OpenSSH_9.9\r\n\r\n", none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listenOnce(t, func(conn net.Conn) { write(conn, c.raw) })
			err := one(dial(t, "http://"+address, quick(runners.Options{})).Runners.Get(t.Context(), 6))
			if c.is == nil {
				require.NoError(t, err)
				return
			}
			for _, is := range c.is {
				require.ErrorIs(t, err, is)
			}
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
			oneShortLine(t, err.Error())
		})
	}
}

// A context that ends while the body of a refusal is read is in the error, too.
func TestAnswer_slowRefusal(t *testing.T) {
	t.Parallel()
	address := listenOnce(t, unfinished("HTTP/1.1 500 No\r\nContent-Length: 80\r\n\r\n{"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wire := &http.Transport{}
	c := dial(t, "http://"+address, quick(runners.Options{
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			defer cancel() // the body is not read yet
			return wire.RoundTrip(req)
		}),
	}))
	_, err := c.Runners.ResetToken(ctx, 6)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, runners.ErrServer)
	require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
	oneShortLine(t, err.Error())
}

// After a 101 the connection stays open, and no context ends a read from it.
func TestAnswer_switched(t *testing.T) {
	t.Parallel()
	address := listenOnce(t, unfinished("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: odd\r\n\r\n"))
	c := dial(t, "http://"+address, nil)
	_, err := c.Runners.Get(t.Context(), 6)
	require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
	require.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
	_, err = c.Runners.ResetToken(t.Context(), 6)
	require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
	require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
	assert.Equal(t, 101, failure(t, err).StatusCode)
}

// TestIdleConnections: a call that was cancelled or that failed closes no
// connection but its own.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	const together = 5
	var barrier sync.WaitGroup
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v4/version":
			barrier.Done()
			barrier.Wait() // so that each needs a connection of its own
			_, _ = io.WriteString(w, `{"version":"17.5.0"}`)
		case "/api/v4/runners/1":
			<-r.Context().Done()
		case "/api/v4/runners/2":
			_, _ = io.WriteString(w, `{"id":`+strings.Repeat(" ", 1<<20))
		case "/api/v4/runners/3":
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	opened := countOpened(srv)
	srv.Start()
	defer srv.Close()
	c := dial(t, srv.URL, &runners.Options{MaxBodyBytes: 1 << 10})
	use := func() {
		barrier.Add(together)
		var group sync.WaitGroup
		for range together {
			group.Go(func() { assert.NoError(t, one(c.Version(t.Context()))) })
		}
		group.Wait()
	}
	use()
	require.EqualValues(t, together, opened.Load())

	waiting, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(300*time.Millisecond, cancel).Stop()
	require.ErrorIs(t, one(c.Runners.Get(waiting, 3)), context.Canceled)               // keeps it
	require.ErrorIs(t, one(c.Runners.Get(t.Context(), 4)), runners.ErrNotFound)        // keeps it
	require.ErrorIs(t, one(c.Runners.ResetToken(t.Context(), 4)), runners.ErrNotFound) // keeps it
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, one(c.Runners.Get(short, 1)), context.DeadlineExceeded)          // loses its connection
	require.ErrorIs(t, one(c.Runners.Get(t.Context(), 2)), runners.ErrResponseTooLarge) // loses its connection
	require.EqualValues(t, together, opened.Load(), "they share the idle ones")
	use()
	// A slow machine also cancels the first of them while its answer is read.
	assert.GreaterOrEqual(t, opened.Load(), int32(together+2), "the two that were lost were replaced")
	assert.LessOrEqual(t, opened.Load(), int32(together+3), "and no others")
}

// silent is a test server that says nothing of failed handshakes.
func silent(t *testing.T, config *tls.Config, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = config
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// TestTLS_trusted: a CA of one's own comes with the transport.
func TestTLS_trusted(t *testing.T) {
	t.Parallel()
	srv := silent(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":"17.5.0"}`)
	})
	for _, o := range []*runners.Options{{HTTPClient: srv.Client()}, {Transport: srv.Client().Transport}} {
		v, err := dial(t, srv.URL, o).Version(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "17.5.0", v.Version)
	}
}

// TestTLS_client: a certificate of one's own comes with the transport, too;
// without it nothing is sent.
func TestTLS_client(t *testing.T) {
	t.Parallel()
	srv := silent(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, func(w http.ResponseWriter, r *http.Request) {
		assert.Len(t, r.TLS.PeerCertificates, 1)
		_, _ = io.WriteString(w, `{"version":"17.5.0"}`)
	})
	config := srv.Client().Transport.(*http.Transport).TLSClientConfig //nolint:errcheck,forcetypeassert // it is one
	own := config.Clone()
	own.Certificates = srv.TLS.Certificates
	require.NoError(t, one(dial(t, srv.URL, &runners.Options{Transport: &http.Transport{TLSClientConfig: own}}).Version(t.Context())))
	err := one(dial(t, srv.URL, &runners.Options{Transport: &http.Transport{TLSClientConfig: config}}).Version(t.Context()))
	require.ErrorIs(t, err, runners.ErrTLS)
	assert.Equal(t, runners.PhaseNotSent, failure(t, err).Phase)
}

// TestTLS_ownCheck: a transport of the caller's may check certificates by
// itself, and say so in its own way.
func TestTLS_ownCheck(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{
		x509.UnknownAuthorityError{}, x509.HostnameError{Certificate: &x509.Certificate{}, Host: "gitlab.wrong"},
	} {
		s := play(unreached(fault))
		err := one(client(t, s, nil).Runners.Get(t.Context(), 6))
		require.ErrorIs(t, err, runners.ErrTLS)
		assert.Equal(t, "runners: GET /runners/{id}: not sent: gitlab.example.com: "+fault.Error(), err.Error())
		assert.Len(t, s.requests(), 1)
	}
}

// TestProxy: a proxy's password reaches the proxy, and nobody else.
func TestProxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Header.Get("Proxy-Authorization") + " " + r.URL.String())
		_, _ = io.WriteString(w, `{"version":"17.5.0"}`)
	}))
	defer proxy.Close()
	behind, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	behind.User = url.UserPassword("canary", "canary")
	options := quick(runners.Options{
		Transport:     &http.Transport{Proxy: http.ProxyURL(behind), DisableKeepAlives: true},
		AllowInsecure: true,
	})
	_, err = dial(t, "http://gitlab.invalid", options).Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Basic Y2FuYXJ5OmNhbmFyeQ== http://gitlab.invalid/api/v4/version", asked.Load())
	proxy.Close()
	for _, baseURL := range []string{"http://gitlab.invalid", "https://gitlab.invalid"} {
		err = one(dial(t, baseURL, options).Version(t.Context()))
		require.ErrorIs(t, err, runners.ErrUnavailable)
		assert.Equal(t, runners.PhaseNotSent, failure(t, err).Phase)
		hasNoCanary(t, failure(t, err))
		assert.NotContains(t, err.Error(), "Y2FuYXJ5")
	}
}

// TestProxy_environment: the same with the environment's proxy, of which a
// process takes note once. The test is run once more for it, by itself.
func TestProxy_environment(t *testing.T) {
	t.Parallel()
	const inside = "RUNNERS_TEST_BEHIND_PROXY"
	if os.Getenv(inside) != "" {
		c := dial(t, "http://gitlab.invalid", quick(runners.Options{AllowInsecure: true}))
		v, err := c.Version(t.Context())
		t.Logf("%+v %+v", v, err)
		err = one(c.Runners.Get(t.Context(), 6))
		require.ErrorIs(t, err, runners.ErrForbidden)
		t.Logf("%+v %#v", err, failure(t, err))
		return
	}
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Basic Y2FuYXJ5OmNhbmFyeQ==", r.Header.Get("Proxy-Authorization"))
		asked.Add(1)
		if r.URL.Path != "/api/v4/version" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, `{"version":"17.5.0","message":"no way"}`)
	}))
	defer proxy.Close()
	self, err := os.Executable()
	require.NoError(t, err)
	again := exec.CommandContext(t.Context(), self, "-test.run=^TestProxy_environment$", "-test.v") //nolint:gosec // it is this program
	again.Env = append(os.Environ(), inside+"=1", "NO_PROXY=", "no_proxy=",
		"HTTP_PROXY="+strings.Replace(proxy.URL, "://", "://canary:canary@", 1))
	said, err := again.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.EqualValues(t, 2, asked.Load())
	assert.Contains(t, string(said), "17.5.0")
	assert.Contains(t, string(said), "no way")
	assert.NotContains(t, string(said), "canary:")
	assert.NotContains(t, string(said), "Y2FuYXJ5")
}
