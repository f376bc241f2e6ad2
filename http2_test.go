// HTTP/2, spoken by hand: what a server turns away was not worked on, and a
// server that turns everything away is not asked without an end.

package runners_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// Frames of HTTP/2, and the flags and codes that the server below needs.
const (
	frameData      = 0x0
	frameHeaders   = 0x1
	frameReset     = 0x3
	frameSettings  = 0x4
	frameGoAway    = 0x7
	flagAck        = 0x1
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	refusedStream  = 0x7
)

// A frames is a connection that HTTP/2 is spoken on by hand.
type frames struct{ conn *tls.Conn }

func (f frames) read() (kind, flags byte, stream uint32, err error) {
	var head [9]byte
	if _, err := io.ReadFull(f.conn, head[:]); err != nil {
		return 0, 0, 0, err
	}
	length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
	_, err = io.CopyN(io.Discard, f.conn, length)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), err
}

func (f frames) write(kind, flags byte, stream uint32, payload []byte) {
	head := binary.BigEndian.AppendUint32([]byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}, stream)
	_, _ = f.conn.Write(append(head, payload...))
}

// answer gives 201 with JSON.
func (f frames) answer(stream uint32, body string) {
	header := []byte("\x08\x03201" + "\x00\x0ccontent-type\x10application/json")
	f.write(frameHeaders, flagEndHeaders, stream, header)
	f.write(frameData, flagEndStream, stream, []byte(body))
}

// http2Client is a client of a server that does with each request, counted
// from 1, what act does.
func http2Client(t *testing.T, act func(f frames, stream uint32, n int64)) (*runners.Client, *atomic.Int64) {
	t.Helper()
	var seen atomic.Int64
	speak := func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
		defer conn.Close()
		f := frames{conn}
		if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		f.write(frameSettings, 0, 0, nil)
		for {
			kind, flags, stream, err := f.read()
			switch {
			case err != nil:
				return
			case kind == frameSettings && flags&flagAck == 0:
				f.write(frameSettings, flagAck, 0, nil)
			case kind == frameHeaders:
				act(f, stream, seen.Add(1))
			}
		}
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.EnableHTTP2 = true
	srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": speak}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return dial(t, srv.URL, quick(runners.Options{HTTPClient: srv.Client()})), &seen
}

const createdRunner = `{"id":7,"token":"glrt-fakefakefakefake0007","token_expires_at":null}`

// refuse says that a stream was not worked on.
func (f frames) refuse(stream uint32) { f.write(frameReset, 0, stream, []byte{0, 0, 0, refusedStream}) }

// goAway gives the connection up; the last stream that it took is none.
func (f frames) goAway(uint32) { f.write(frameGoAway, 0, 0, make([]byte, 8)) }

// TestHTTP2_notTaken: what the server refused, or gave its connection up for,
// was not worked on, so that even a create is sent again.
func TestHTTP2_notTaken(t *testing.T) {
	t.Parallel()
	for name, turnAway := range map[string]func(f frames, stream uint32){
		"refused stream": frames.refuse, "go away": frames.goAway,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, seen := http2Client(t, func(f frames, stream uint32, n int64) {
				if n == 1 {
					turnAway(f, stream)
					return
				}
				f.answer(stream, createdRunner)
			})
			made, err := c.Runners.Create(t.Context(), runners.ForInstance(), nil)
			require.NoError(t, err)
			assert.Equal(t, int64(7), made.ID)
			assert.Equal(t, int64(2), seen.Load())
		})
	}
}

// TestHTTP2_turnedAway: net/http sends again what a server turned away, for as
// long as it takes; the client does not let it.
func TestHTTP2_turnedAway(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*runners.Client) error{
		"with a body": func(c *runners.Client) error {
			return one(c.Runners.Create(t.Context(), runners.ForInstance(), nil))
		},
		"without": func(c *runners.Client) error {
			return one(c.Runners.Get(t.Context(), 6))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, seen := http2Client(t, func(f frames, stream uint32, _ int64) { f.goAway(stream) })
			err := call(c)
			require.ErrorIs(t, err, runners.ErrUnavailable)
			assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
			assert.NotErrorIs(t, err, context.Canceled)
			assert.ErrorContains(t, err, "the server turns requests away")
			assert.Equal(t, 4, failure(t, err).Attempts)
			assert.GreaterOrEqual(t, seen.Load(), int64(4*2), "net/http sends each attempt again")
			assert.LessOrEqual(t, seen.Load(), int64(4*5))
		})
	}
}
