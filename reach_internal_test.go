// How far a request came, by what net/http tells and by the bytes.

package runners

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"path"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReach: a request is proven to be unsent until something is written to its
// own connection, be it below TLS; where the bytes are not counted, nothing is.
func TestReach(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"plain": func(conn net.Conn) net.Conn { return conn },
		"TLS":   func(conn net.Conn) net.Conn { return tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := net.Pipe()
			defer here.Close()
			go func() { _, _ = io.Copy(io.Discard, there) }()
			counted := &countedConn{Conn: here}
			say := func() {
				_, err := io.WriteString(counted, "GET")
				require.NoError(t, err)
			}
			var r reach
			hooks := r.trace(func() { t.Error("there is no reason to stop") })
			assert.True(t, r.mayHaveSent(), "the transport does not tell")
			say() // another request
			hooks.GetConn("")
			assert.False(t, r.mayHaveSent())
			hooks.GotConn(httptrace.GotConnInfo{Conn: wrap(counted)})
			assert.False(t, r.mayHaveSent())
			say()
			assert.True(t, r.mayHaveSent())
			hooks.GetConn("") // net/http sends it once more
			hooks.GotConn(httptrace.GotConnInfo{Conn: wrap(counted), Reused: true})
			assert.False(t, r.mayHaveSent())
			hooks.GetConn("")
			hooks.GotConn(httptrace.GotConnInfo{Conn: wrap(here)})
			assert.True(t, r.mayHaveSent(), "nobody counts here")
		})
	}
}

// TestReach_ownTransport: our own transport has connections that count.
func TestReach_ownTransport(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	conn, err := newTransport().DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	assert.IsType(t, &countedConn{}, conn)
}

// A slowNet is a network in memory of which each connection takes a while.
type slowNet struct {
	takes        time.Duration
	mute         bool // nobody answers
	open, failed atomic.Int32
}

func (n *slowNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-time.After(n.takes * time.Duration(n.open.Add(1))):
	case <-ctx.Done():
		n.open.Add(-1)
		n.failed.Add(1)
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	go func() {
		defer n.open.Add(-1)
		defer there.Close()
		for r := bufio.NewReader(there); ; {
			if n.mute {
				_, _ = io.Copy(io.Discard, r)
			}
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			time.Sleep(time.Second)
			_, _ = io.WriteString(there, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":6}")
		}
	}()
	return here, nil
}

func (n *slowNet) client(t *testing.T, scheme string) (*Client, *http.Transport) {
	t.Helper()
	transport := newTransport()
	transport.Proxy, transport.DialContext = nil, dialFor(n.dial)
	c, err := New(scheme+"://gitlab.test", Anonymous(), &Options{Transport: transport})
	require.NoError(t, err)
	return c, transport
}

// TestDialFor_cancelled: what is cancelled leaves no connection behind that is
// still being made.
func TestDialFor_cancelled(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]*slowNet{
		"while it dials": {takes: time.Minute}, "in the handshake": {mute: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _ := n.client(t, "https")
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var group sync.WaitGroup
				for range 50 {
					group.Go(func() {
						_, err := c.Runners.Get(ctx, 6)
						assert.ErrorIs(t, err, context.DeadlineExceeded)
					})
				}
				group.Wait()
				synctest.Wait()
				assert.Zero(t, n.open.Load())
				assert.Equal(t, time.Second, time.Since(began))
			})
		})
	}
}

// TestDialFor_answered: a connection that was made for a call which needs it no
// more is kept for others.
func TestDialFor_answered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &slowNet{takes: 2 * time.Second} // and four for the second one
		c, transport := n.client(t, "http")
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				_, err := c.Runners.Get(t.Context(), 6)
				assert.NoError(t, err)
			})
		}
		began := time.Now()
		group.Wait()
		assert.Equal(t, 4*time.Second, time.Since(began), "one after the other, on the first connection")
		time.Sleep(time.Second)
		assert.Equal(t, int32(2), n.open.Load())
		assert.Zero(t, n.failed.Load())
		transport.CloseIdleConnections()
	})
}

// TestDialFor_shared: a call that is cancelled closes no connection that others
// have come to use as well.
func TestDialFor_shared(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	came, cancelled := make(chan string, 2), make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		came <- path.Base(req.URL.Path)
		if path.Base(req.URL.Path) == "1" {
			<-req.Context().Done()
			return
		}
		<-cancelled
		_, _ = io.WriteString(w, `{"id":2}`)
	}))
	srv.EnableHTTP2 = true
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.StartTLS()
	defer srv.Close()
	transport := newTransport()
	transport.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs //nolint:errcheck,forcetypeassert // it is one
	c, err := New(srv.URL, Anonymous(), &Options{Transport: transport, MaxAttempts: 1})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		_, err := c.Runners.Get(ctx, 1)
		assert.ErrorIs(t, err, context.Canceled)
		close(cancelled)
	})
	assert.Equal(t, "1", <-came)
	group.Go(func() {
		_, err := c.Runners.Get(t.Context(), 2)
		assert.NoError(t, err)
	})
	assert.Equal(t, "2", <-came)
	cancel()
	group.Wait()
	assert.Equal(t, int32(1), opened.Load())
}
