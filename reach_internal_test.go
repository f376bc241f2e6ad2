// How far a request came, by what net/http tells and by the bytes.

package runners

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptrace"
	"testing"

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
