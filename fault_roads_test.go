// How a client reaches the GitLab of a cell of the fault matrix: in memory, or
// over loopback where a fault exists on a wire only.

package runners_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A road leads to a GitLab of one runner.
type road struct {
	*runnerstest.Server
	runner runnerstest.Runner
	row    row
	stays  bool // the fault does not go away

	url      string
	config   *tls.Config
	patience time.Duration // with a handshake
	kept     func()        // ends the connection that there was before the call; nil = none
}

// A dialer opens a connection.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// start starts the GitLab.
func (s *road) start(t *testing.T, o *runnerstest.Options) {
	t.Helper()
	s.Server = runnerstest.NewServer(t, o)
	app := s.AddProject(runnerstest.Project{Path: "acme/app"})
	s.runner = s.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}, Description: "old"})
}

// client makes an administrator's client.
func (s *road) client(t *testing.T, o runners.Options) *runners.Client {
	t.Helper()
	s.url, o.Transport = gitlabURL, s.HTTPClient().Transport
	if s.row.wire != nil {
		o.Transport, o.MaxWait = s.transport(t), time.Millisecond
	}
	if s.row.header[0] != "" {
		o.Transport = labelled{o.Transport, s.row.header}
	}
	root := s.AddToken(runnerstest.AccessToken{User: "root"}).Token
	auth := runners.PrivateToken(root)
	if s.row.renews {
		auth = runners.BearerSource(func(context.Context) (string, error) { return root, nil })
	}
	c, err := runners.New(s.url, auth, &o)
	require.NoError(t, err)
	if s.kept != nil {
		require.NoError(t, one(c.Version(t.Context())))
		s.kept()
	}
	return c
}

// transport speaks to the GitLab by TCP, or to what the fault puts there.
func (s *road) transport(t *testing.T) http.RoundTripper {
	t.Helper()
	bad := s.row.wire(t, s)
	times := int64(1)
	if s.stays {
		times = math.MaxInt64
	}
	var dialled atomic.Int64
	transport := &http.Transport{
		TLSClientConfig: s.config, TLSHandshakeTimeout: s.patience, MaxResponseHeaderBytes: 16 << 10,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if bad != nil && dialled.Add(1) <= times {
				return bad(ctx, network, address)
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// arm lets the fault wait for the call of a route, or of any.
func (s *road) arm(route string, m mode) {
	if s.row.fault == nil {
		return
	}
	options := s.row.fault(s.Server)
	if route != "" {
		options = append(options, runnerstest.On(route))
	}
	if m.stays {
		options = append(options, runnerstest.Always())
	}
	if m.late {
		options = append(options, runnerstest.AfterCommit())
	}
	s.Fault(options...)
}

// spend uses up the client's retries.
func (s *road) spend(t *testing.T, c *runners.Client) {
	t.Helper()
	s.Fault(runnerstest.On("GET /version"), runnerstest.Status(502), runnerstest.Times(14))
	for range 4 {
		require.ErrorIs(t, one(c.Version(t.Context())), runners.ErrServer)
	}
}

// labelled gives the answers of faults one more header.
type labelled struct {
	next   http.RoundTripper
	header [2]string
}

// RoundTrip passes a request on.
func (l labelled) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err == nil && res.Header.Get("X-Fake-Fault") != "" {
		res.Header.Set(l.header[0], l.header[1])
	}
	return res, err
}

// The faults of wires. Each prepares the road, and may return what takes the
// place of the first connection, or of all.

// trusted speaks TLS, with the authority that the GitLab has.
func trusted(config *tls.Config) func(*testing.T, *road) dialer {
	return func(t *testing.T, s *road) dialer {
		t.Helper()
		srv := silent(t, nil, s.ServeHTTP)
		s.url, s.config = srv.URL, config.Clone()
		s.config.RootCAs = x509.NewCertPool()
		s.config.RootCAs.AddCert(srv.Certificate())
		return nil
	}
}

// untrusting speaks TLS, with authorities of its own.
func untrusting(t *testing.T, s *road) dialer {
	t.Helper()
	trusted(&tls.Config{})(t, s)
	s.config.RootCAs = nil
	return nil
}

// tcp speaks plain HTTP.
func tcp(t *testing.T, s *road) dialer {
	t.Helper()
	srv := httptest.NewServer(s.Server)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return nil
}

// to opens a connection to a raw server, in place of the GitLab.
func to(t *testing.T, do func(net.Conn)) dialer {
	t.Helper()
	return at(listen(t, func(conn net.Conn, _ int) { do(conn) }))
}

// at opens a connection to an address, whichever was asked for.
func at(address string) dialer {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// nameServer finds no address: the name server answers with an error code.
func nameServer(code byte) func(*testing.T, *road) dialer {
	return func(t *testing.T, s *road) dialer {
		t.Helper()
		trusted(&tls.Config{})(t, s)
		resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go answerNames(there, code)
			return here, nil
		}}
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{Resolver: resolver}).DialContext(ctx, network, "gitlab.invalid.:443")
		}
	}
}

// answerNames sends each question back, with an error code.
func answerNames(conn net.Conn, code byte) {
	defer func() { _ = conn.Close() }()
	for {
		var size uint16
		if binary.Read(conn, binary.BigEndian, &size) != nil {
			return
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(conn, message); err != nil {
			return
		}
		message[2], message[3] = message[2]|0x80, 0x80|code
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, size), message...)); err != nil {
			return
		}
	}
}

// refused finds nobody who listens.
func refused(t *testing.T, s *road) dialer {
	t.Helper()
	trusted(&tls.Config{})(t, s)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	return at(address)
}

// hasty gives up at once.
func hasty(t *testing.T, s *road) dialer {
	t.Helper()
	trusted(&tls.Config{})(t, s)
	return (&net.Dialer{Timeout: time.Nanosecond}).DialContext
}

// handshake meets a server that knows no TLS.
func handshake(do func(net.Conn)) func(*testing.T, *road) dialer {
	return func(t *testing.T, s *road) dialer {
		t.Helper()
		trusted(&tls.Config{})(t, s)
		return to(t, do)
	}
}

// mute meets a server that says nothing. The patience of the transport would
// hold for a good handshake as well, so that where one follows it is the bad
// connection's own.
func mute(t *testing.T, s *road) dialer {
	t.Helper()
	const patience = 20 * time.Millisecond
	bad := handshake(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })(t, s)
	if s.stays {
		s.patience = patience
		return bad
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := bad(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn, conn.SetDeadline(time.Now().Add(patience))
	}
}

// goodbye reads one record of TLS.
func goodbye(conn net.Conn) {
	var head [5]byte
	if _, err := io.ReadFull(conn, head[:]); err == nil {
		_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint16(head[3:])))
	}
}

// banner greets as SSH does.
func banner(conn net.Conn) {
	goodbye(conn)
	write(conn, "SSH-2.0-OpenSSH_9.9\r\n")
}

// hostileServer answers without end.
func hostileServer(name string) func(*testing.T, *road) dialer {
	return func(t *testing.T, s *road) dialer {
		t.Helper()
		s.url = "http://127.0.0.1"
		return at(listenOnce(t, unending()[name]))
	}
}

// dead keeps a connection whose other end is gone when the call comes.
func dead(t *testing.T, s *road) dialer {
	t.Helper()
	trusted(&tls.Config{})(t, s)
	var first atomic.Pointer[mortal]
	s.kept = func() { first.Load().dead.Store(true) }
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		m := &mortal{Conn: conn}
		first.CompareAndSwap(nil, m)
		return m, err
	}
}

// A mortal connection takes nothing more once it is dead.
type mortal struct {
	net.Conn

	dead atomic.Bool
}

func (m *mortal) Write(p []byte) (int, error) {
	if m.dead.Load() {
		return 0, syscall.EPIPE
	}
	return m.Conn.Write(p)
}

// old meets a server of TLS 1.1.
func old(t *testing.T, s *road) dialer {
	t.Helper()
	srv := silent(t, &tls.Config{MaxVersion: tls.VersionTLS11}, //nolint:gosec // what is tested
		func(http.ResponseWriter, *http.Request) { t.Error("a request by TLS 1.1") })
	s.url, s.config = srv.URL, &tls.Config{MinVersion: tls.VersionTLS12}
	return nil
}

// plain meets a server without TLS.
func plain(t *testing.T, s *road) dialer {
	t.Helper()
	s.url = "https://127.0.0.1"
	return to(t, func(conn net.Conn) {
		goodbye(conn)
		write(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
}

// Hosts and ports differ from run to run.
var (
	hostPort  = regexp.MustCompile(`127\.0\.0\.1(:\d+)?`)
	askedName = regexp.MustCompile(` on \S+:53`)
)

// withoutHosts makes texts of errors comparable.
func withoutHosts(text string) string {
	return askedName.ReplaceAllString(hostPort.ReplaceAllString(text, "HOST"), "")
}
