// Reaching the server in memory: a transport that needs no socket and no
// goroutine.

package runnerstest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
)

// HTTPClient returns a client that reaches the server in memory, whatever host
// a URL names: without a socket or goroutine, so that it works within
// testing/synctest.
func (s *Server) HTTPClient() *http.Client { return &http.Client{Transport: memory{s}} }

// memory reaches a server without a socket.
type memory struct{ server *Server }

// RoundTrip makes memory an [http.RoundTripper].
func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // whatever it says, it was read
	}
	if err := cmp.Or(r.Context().Err(), m.server.usable(r)); err != nil {
		return nil, err
	}
	connection := tracing(r)
	connection.opened(r.URL.Host)
	body, err := m.server.sent(r)
	connection.wrote(err)
	if err != nil {
		return nil, err
	}
	arrived := arriving(r, body)
	if hooks := m.server.hooks.Load(); hooks != nil {
		return m.server.piped(r, arrived, connection)
	}
	return m.server.answer(arrived).response(r, connection)
}

// usable refuses what cannot be sent.
func (s *Server) usable(r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errClosed
	case r.URL == nil || r.URL.Host == "" && r.Host == "":
		return errors.New("runnerstest: no host in the request's URL")
	default:
		return nil
	}
}

// A connection tells the hooks of a trace what would happen on a connection.
type connection struct{ trace httptrace.ClientTrace }

// tracing returns the hooks of a request; those that it lacks do nothing.
func tracing(r *http.Request) connection {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		return connection{*trace}
	}
	return connection{}
}

// opened says that there is a connection and the headers are written.
func (c connection) opened(host string) {
	if c.trace.GetConn != nil {
		c.trace.GetConn(host)
	}
	if c.trace.GotConn != nil {
		c.trace.GotConn(httptrace.GotConnInfo{Reused: true})
	}
	if c.trace.WroteHeaders != nil {
		c.trace.WroteHeaders()
	}
}

// wrote says that the body is written, or could not be read.
func (c connection) wrote(err error) {
	if c.trace.WroteRequest != nil {
		c.trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
}

// answered says that the answer begins.
func (c connection) answered() {
	if c.trace.GotFirstResponseByte != nil {
		c.trace.GotFirstResponseByte()
	}
}

// sent reads what the caller sends, until the request's context ends.
func (s *Server) sent(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	defer context.AfterFunc(r.Context(), func() { _ = r.Body.Close() })()
	body, err := io.ReadAll(io.LimitReader(r.Body, s.bound(r)+1))
	return body, cmp.Or(r.Context().Err(), err)
}

// arriving returns a request as it arrives at the server.
func arriving(r *http.Request, body []byte) *http.Request {
	arrived := *r
	arrived.Host = cmp.Or(r.Host, r.URL.Host)
	arrived.Method = cmp.Or(r.Method, http.MethodGet)
	arrived.RemoteAddr = "127.0.0.1:0"
	arrived.Body = nil
	if body != nil {
		arrived.Body = io.NopCloser(bytes.NewReader(body))
	}
	return &arrived
}

// response turns a reply into what a client gets.
func (a reply) response(r *http.Request, id string) *http.Response {
	h := a.header
	if h == nil {
		h = make(http.Header, 6)
	}
	setCommon(h, a, id)
	body := a.body
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status:        statusLine(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(a.body)),
		Request:       r,
	}
}

// statusLine is a status with its name.
func statusLine(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
