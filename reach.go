// How far a request came: what net/http tells of its connections, and the bytes
// that were written to them.

package runners

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// reach is how far an attempt came, as far as it can be known.
type reach struct {
	step   atomic.Int32
	conn   atomic.Pointer[countedConn]
	before atomic.Int64 // bytes that conn had written when we got it

	fresh  atomic.Int32 // connections that were made for the attempt
	rewind atomic.Int32 // how often the body was asked for again
}

// maxReplays is how often net/http may send an attempt again by itself. It would
// go on without an end where a server turns each HTTP/2 stream away.
const maxReplays = 3

// errTurnedAway is a server that worked on nothing of an attempt, however often
// it was sent: net/http sends a body again only where that is proven.
var errTurnedAway = errors.New("the server turns requests away")

const (
	stepUnknown    = iota // the transport does not tell
	stepConnecting        // it has no connection yet
	stepConnected
)

func (r *reach) reset() {
	r.step.Store(stepUnknown)
	r.conn.Store(nil)
	r.fresh.Store(0)
	r.rewind.Store(0)
}

// follow returns the request of an attempt, so that r is kept up to date, and
// stop called where net/http sends it again too often.
func (r *reach) follow(ctx context.Context, req *http.Request, stop func()) *http.Request {
	req = req.WithContext(httptrace.WithClientTrace(ctx, r.trace(stop)))
	if again := req.GetBody; again != nil && req.Body != nil && req.Body != http.NoBody {
		req.GetBody = func() (io.ReadCloser, error) {
			if r.rewind.Add(1) > maxReplays {
				return nil, errTurnedAway
			}
			return again()
		}
	}
	return req
}

// turnedAway reports whether the attempt was stopped. One with a body is not:
// its replays end sooner, and with a proof.
func (r *reach) turnedAway() bool { return r.fresh.Load() > 1+maxReplays }

// trace returns hooks that keep r up to date. net/http may send a request
// again on another connection without telling; GotConn tells.
func (r *reach) trace(stop func()) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) {
			r.conn.Store(nil)
			r.step.Store(stepConnecting)
		},
		GotConn: func(info httptrace.GotConnInfo) {
			conn := info.Conn
			if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
				conn = secure.NetConn()
			}
			if counted, ok := conn.(*countedConn); ok {
				counted.got.Store(true)
				r.before.Store(counted.written.Load())
				r.conn.Store(counted)
			}
			r.step.Store(stepConnected)
			if !info.Reused {
				r.fresh.Add(1)
			}
			if r.turnedAway() {
				stop()
			}
		},
	}
}

// mayHaveSent reports whether something of the request may have reached the
// server. Without proof that it has not, it may.
func (r *reach) mayHaveSent() bool {
	if r.step.Load() == stepConnecting {
		return false
	}
	conn := r.conn.Load()
	return conn == nil || conn.written.Load() != r.before.Load()
}

// An attempt is the context of one request. net/http makes a connection for it
// in a context without an end, which has its values: so a dialer finds it.
type attempt struct {
	context.Context //nolint:containedctx // it is one

	answered atomic.Bool
}

type attemptKey struct{}

func (a *attempt) Value(key any) any {
	if key == (attemptKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// whenLost calls f when the attempt that ctx knows of ends without an answer,
// unless that is called off before.
func whenLost(ctx context.Context, f func()) (callOff func() bool) {
	a, known := ctx.Value(attemptKey{}).(*attempt)
	if !known {
		return func() bool { return false }
	}
	return context.AfterFunc(a, func() { //nolint:contextcheck // ctx has no end of its own
		if !a.answered.Load() {
			f()
		}
	})
}

// A countedConn counts what is written to it, before it is.
type countedConn struct {
	net.Conn

	written atomic.Int64
	got     atomic.Bool // by a request
}

// Write counts and writes.
func (c *countedConn) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// abandon closes what no request has got.
func (c *countedConn) abandon() {
	if !c.got.Load() {
		_ = c.Close()
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialFor makes a dialer's connections counted ones. Where the attempt that one
// is made for ends without an answer, it is given up, also in its handshake: it
// would be left behind for as long as the timeouts of dialer and transport are.
// Otherwise it goes on, and is kept for others.
func dialFor(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, giveUp := context.WithCancel(ctx)
		defer giveUp()
		defer whenLost(ctx, giveUp)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		counted := &countedConn{Conn: conn}
		whenLost(ctx, counted.abandon)
		return counted, nil
	}
}
