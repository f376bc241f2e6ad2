// The hook: code of a test that handles requests before the server does.

package runnerstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// A hook is a handler before the server's own.
type hook struct {
	route   string // "" = every request
	handler http.Handler
}

// Handle puts a handler before the server, for what no [Fault] can do. wrap is
// called once; next is the rest of the server. route is one of [Routes], or ""
// for every request. What was put first runs first.
//
// Requests that the handler answers itself are not in the journal.
func (s *Server) Handle(route string, wrap func(next http.Handler) http.Handler) {
	s.test().Helper()
	s.ready()
	switch {
	case wrap == nil:
		s.report(errors.New("runnerstest: Handle: no function"))
		return
	case route != "" && !slices.Contains(Routes(), route):
		s.report(fmt.Errorf("runnerstest: Handle: %s", noRoute(route)))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var hooks []hook
	if before := s.hooks.Load(); before != nil {
		hooks = slices.Clone(*before)
	}
	position := len(hooks)
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.dispatch((*s.hooks.Load())[position+1:], w, r)
	})
	hooks = append(hooks, hook{route: route, handler: wrap(next)})
	s.hooks.Store(&hooks)
}

// dispatch gives a request to the first hook that is for it, or to the server.
func (s *Server) dispatch(hooks []hook, w http.ResponseWriter, r *http.Request) {
	pattern := s.routeOf(r)
	for _, h := range hooks {
		if h.route == "" || h.route == pattern {
			h.handler.ServeHTTP(w, r)
			return
		}
	}
	s.answer(r).writeTo(w, r)
}

// routeOf returns the route that would take a request, or "".
func (s *Server) routeOf(r *http.Request) string {
	s.ready()
	s.mu.Lock()
	edition := s.world.edition()
	s.mu.Unlock()
	if strangePath(r.URL.EscapedPath()) {
		return ""
	}
	found, _ := edition.mux.Handler(withoutSlash(r))
	if route, ok := found.(*route); ok {
		return route.pattern
	}
	return ""
}

// piped takes a request through the hooks in memory. Only here a handler
// writes, so that a goroutine and a pipe are needed; both end with the answer's
// body.
func (s *Server) piped(r, arrived *http.Request, c connection) (*http.Response, error) {
	reader, writer := io.Pipe()
	w := &pipeWriter{
		header: http.Header{}, pipe: writer, started: make(chan struct{}),
		bodiless: r.Method == http.MethodHead,
	}
	go w.serve(s, arrived)
	stop := context.AfterFunc(r.Context(), func() { _ = writer.CloseWithError(r.Context().Err()) })
	select {
	case <-w.started:
	case <-r.Context().Done():
	}
	if err := r.Context().Err(); err != nil {
		_ = reader.Close()
		return nil, err
	}
	if w.failure != nil {
		stop()
		return nil, w.failure
	}
	c.answered()
	return &http.Response{
		Status:        statusLine(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          pipeBody{reader, stop, r.Context().Err},
		ContentLength: lengthIn(w.sent),
		Request:       r,
	}, nil
}

// lengthIn is the length of a body that its header tells, or -1.
func lengthIn(h http.Header) int64 {
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
		return n
	}
	return -1
}

// A pipeBody is the body of an answer that a handler still writes.
type pipeBody struct {
	*io.PipeReader
	stop  func() bool
	ended func() error // why the request has ended, nil if it has not
}

// Read reads what the handler writes. Where it stopped because the request
// ended, the error is the request's, as over a network.
func (b pipeBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = cmp.Or(b.ended(), err)
	}
	return n, err
}

// Close ends the handler's writing.
func (b pipeBody) Close() error {
	b.stop()
	return b.PipeReader.Close()
}

// A pipeWriter is a response writer in memory.
type pipeWriter struct {
	header   http.Header
	pipe     *io.PipeWriter
	once     sync.Once
	started  chan struct{} // closed when there is a status or a failure
	bodiless bool          // the answer to a HEAD

	status  int
	sent    http.Header
	failure error
}

// Header makes pipeWriter an [http.ResponseWriter].
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader sends the header; the caller gets a copy.
func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.started)
	})
}

// Write sends a part of the body.
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 || w.bodiless {
		return len(p), nil
	}
	return w.pipe.Write(p)
}

// Flush makes pipeWriter an [http.Flusher]; nothing is ever held back.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

// fail ends the connection with an error.
func (w *pipeWriter) fail(err error) {
	w.once.Do(func() {
		w.failure = err
		close(w.started)
	})
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	_ = w.pipe.CloseWithError(err)
}

// reset is what a connection would do.
func (w *pipeWriter) reset() { w.fail(errReset()) }

// serve runs the handlers. One that panics breaks the connection off.
func (w *pipeWriter) serve(s *Server, r *http.Request) {
	defer func() {
		switch p := recover(); p {
		case nil:
			w.WriteHeader(http.StatusOK)
			_ = w.pipe.Close()
		case http.ErrAbortHandler:
			w.fail(io.EOF)
		default:
			w.fail(fmt.Errorf("runnerstest: a handler panicked: %v", p))
		}
	}()
	s.ServeHTTP(w, r)
}
