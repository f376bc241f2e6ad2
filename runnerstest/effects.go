// What a fault makes of an answer, and how the rest goes out: over a
// connection, or in memory.

package runnerstest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An effect is what a fault does in place of answering.
type effect struct {
	kind   effectKind
	status int
	text   string // the body, or the address of a redirect
	form   RateLimitForm
	wait   time.Duration
}

// An effectKind is a word of the faults' text form.
type effectKind string

const (
	noEffect       effectKind = ""
	statusEffect   effectKind = "status"
	limitEffect    effectKind = "rate-limited"
	hangEffect     effectKind = "hang"
	resetEffect    effectKind = "reset"
	closeEffect    effectKind = "close"
	garbageEffect  effectKind = "garbage"
	htmlEffect     effectKind = "html"
	redirectEffect effectKind = "redirect"
)

// silent reports whether nothing is sent.
func (e effect) silent() bool {
	return e.kind == hangEffect || e.kind == resetEffect || e.kind == closeEffect
}

// commits reports whether the request is carried out.
func (f *Fault) commits() bool {
	return f.afterCommit || f.effect.kind == noEffect && !f.endless
}

// name is what the journal and the header X-Fake-Fault say: which words of the
// text form the fault has, without their values.
func (f *Fault) name() string {
	words := f.effects()
	for i := range words {
		words[i], _, _ = strings.Cut(words[i], "=")
	}
	if f.afterCommit {
		words = append(words, "after-commit")
	}
	return strings.Join(words, " ")
}

// bend makes of a true answer, or of none, what the caller gets.
func (f *Fault) bend(a reply, now time.Time) reply {
	a = f.effect.replace(a, now)
	if f.effect.silent() {
		return a
	}
	if f.endless && !f.commits() && f.effect.kind == noEffect {
		a.status = http.StatusOK
	}
	a.header = maps.Clone(a.header)
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("X-Fake-Fault", f.name())
	if f.next != "" {
		a.header.Set("Link", "<"+f.next+`>; rel="next"`)
	}
	return a
}

// replace returns what is answered in place of a.
func (e effect) replace(a reply, now time.Time) reply {
	switch e.kind {
	case statusEffect:
		return e.answer()
	case limitEffect:
		return e.form.tooMany(e.wait, now)
	case hangEffect, resetEffect, closeEffect:
		return reply{}
	case garbageEffect:
		if a.status/100 != 2 || !hasBody(a.status) {
			a.status = http.StatusOK
		}
		return reply{status: a.status, body: []byte("{\"id\":\x00\xff, no JSON")}
	case htmlEffect:
		return reply{status: http.StatusOK, body: []byte(signInPage), header: contentType("text/html; charset=utf-8")}
	case redirectEffect:
		return reply{
			status: e.status, body: []byte("This resource has been moved.\n"),
			header: http.Header{"Location": {e.text}, "Content-Type": {"text/html"}},
		}
	case noEffect:
	}
	return a
}

const signInPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>" +
	"<body><form action=\"/users/sign_in\" method=\"post\"></form></body></html>\n"

// answer is the answer of a status.
func (e effect) answer() reply {
	body := e.text
	if body == "" && hasBody(e.status) {
		body = strings.TrimSpace(strconv.Itoa(e.status) + " " + http.StatusText(e.status))
		return refuse(e.status, body).reply()
	}
	a := reply{status: e.status, body: []byte(body)}
	switch {
	case body == "" || body[0] == '{' || body[0] == '[':
	case body[0] == '<':
		a.header = contentType("text/html; charset=utf-8")
	default:
		a.header = contentType("text/plain")
	}
	return a
}

func contentType(kind string) http.Header { return http.Header{"Content-Type": {kind}} }

// hasBody reports whether answers with a status have a body.
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// disturb takes a request through a fault. The caller holds the lock, which
// is given back while the request waits.
func (s *Server) disturb(ctx context.Context, f *Fault, x *exchange) delivery {
	if !f.afterCommit && f.delay > 0 {
		s.mu.Unlock()
		waiting, release := s.hold(ctx)
		err := sleep(waiting, f.delay)
		release()
		s.mu.Lock()
		if err != nil {
			return s.finish(x, reply{}, f)
		}
		if x.request != nil {
			x.request.look()
		}
	}
	if f.commits() {
		s.run(x)
	} else if x.request != nil {
		x.request.user = x.user()
	}
	return s.finish(x, f.bend(x.reply, s.now()), f)
}

// errClosed is what requests get that a closed server kept waiting.
var errClosed = errors.New("runnerstest: the server is closed")

// hold returns a context that ends with the server, too. release must be
// called when the request is no longer kept waiting.
func (s *Server) hold(parent context.Context) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		cancel(errClosed)
		return ctx, func() { cancel(nil) }
	}
	if s.held == nil {
		s.held = map[uint64]context.CancelCauseFunc{}
	}
	s.holds++
	id := s.holds
	s.held[id] = cancel
	return ctx, func() {
		s.mu.Lock()
		delete(s.held, id)
		s.mu.Unlock()
		cancel(nil)
	}
}

// sleep waits, unless ctx ends it.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A delivery is an answer on its way out.
type delivery struct {
	reply
	id     string
	server *Server
	fault  *Fault // nil = it goes out as it is
}

// await does the waiting of a fault that comes before any answer, and returns
// how the connection ends; nil means that there is an answer.
func (d delivery) await(ctx context.Context) error {
	f := d.fault
	if f.afterCommit && f.delay > 0 {
		if err := sleep(ctx, f.delay); err != nil {
			return err
		}
	}
	switch {
	case f.effect.kind == hangEffect:
		<-ctx.Done()
		return context.Cause(ctx)
	case f.effect.kind == resetEffect:
		return errReset()
	case f.effect.kind == closeEffect:
		return io.EOF
	case d.status == 0:
		return errClosed // or the caller has gone
	default:
		return nil
	}
}

// errReset is what a caller sees of a connection that was reset.
func errReset() error {
	return &net.OpError{
		Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET),
	}
}

// writeTo sends an answer over a connection.
func (d delivery) writeTo(w http.ResponseWriter, r *http.Request) {
	if d.fault == nil {
		d.reply.writeTo(w, d.id)
		return
	}
	ctx, release := d.server.hold(r.Context())
	defer release()
	if err := d.await(ctx); err != nil {
		if errors.Is(err, syscall.ECONNRESET) {
			reset(w)
			return
		}
		panic(http.ErrAbortHandler)
	}
	connection := http.NewResponseController(w)
	// The peer may have stopped to read: only a deadline ends a write then. Not
	// every writer has one.
	defer context.AfterFunc(ctx, func() { _ = connection.SetWriteDeadline(time.Unix(1, 0)) })()
	maps.Copy(w.Header(), d.header)
	setCommon(w.Header(), d.reply, d.id)
	if d.fault.endless {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(d.status)
	d.stream(ctx, w, r.Method)
}

// stream sends a body part by part, and breaks the connection off where that
// is the fault.
func (d delivery) stream(ctx context.Context, w http.ResponseWriter, method string) {
	if method == http.MethodHead || !hasBody(d.status) {
		return
	}
	connection := http.NewResponseController(w)
	body := d.partwise(ctx, func() {})
	buffer := make([]byte, 8<<10)
	for {
		n, err := body.Read(buffer)
		_, gone := w.Write(buffer[:n])
		_ = connection.Flush() // what cannot be flushed goes out at the end
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || gone != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// reset resets the connection below w, or closes it where that cannot be.
func reset(w http.ResponseWriter) {
	if m, ok := w.(interface{ reset() }); ok {
		m.reset()
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	plain := conn
	if secure, ok := conn.(*tls.Conn); ok {
		plain = secure.NetConn()
	}
	if tcp, ok := plain.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the close below then resets
	}
	_ = plain.Close()
}

// response is the answer, or the end of the connection, in memory.
func (d delivery) response(r *http.Request, c connection) (*http.Response, error) {
	if d.fault == nil {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		c.answered()
		return d.reply.response(r, d.id), nil
	}
	ctx, release := d.server.hold(r.Context())
	if err := d.await(ctx); err != nil {
		release()
		return nil, cmp.Or(r.Context().Err(), err)
	}
	c.answered()
	res := d.reply.response(r, d.id)
	if r.Method == http.MethodHead {
		release()
		return res, nil
	}
	if d.fault.endless {
		res.ContentLength = -1
		res.Header.Del("Content-Length")
	}
	res.Body = d.partwise(ctx, release)
	return res, nil
}

// A troubledBody is an answer's body as a fault lets it through.
type troubledBody struct {
	ctx     context.Context
	fault   *Fault
	rest    []byte
	left    int // bytes until the cut
	release func()
}

// partwise returns the body as the fault lets it through. release is called when
// it is closed.
func (d delivery) partwise(ctx context.Context, release func()) *troubledBody {
	b := &troubledBody{ctx: ctx, fault: d.fault, rest: d.body, left: d.fault.cut, release: release}
	if b.fault.endless && len(b.rest) == 0 {
		b.rest = []byte("[")
	}
	return b
}

// endlessPart is what endless bodies consist of.
const endlessPart = `{"id":1,"description":"and so on"},`

// Read reads what the fault lets through.
func (b *troubledBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if len(b.rest) == 0 && b.fault.endless {
		b.rest = []byte(strings.Repeat(endlessPart, 64))
	}
	switch {
	case len(b.rest) == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case b.fault.truncated && b.left == 0:
		return 0, io.ErrUnexpectedEOF
	}
	most := min(len(p), len(b.rest))
	if b.fault.truncated {
		most = min(most, b.left)
	}
	if b.fault.drip > 0 {
		if err := sleep(b.ctx, b.fault.drip); err != nil {
			return 0, err
		}
		most = 1
	}
	n := copy(p, b.rest[:most])
	b.rest, b.left = b.rest[n:], b.left-n
	return n, nil
}

// Close ends the waiting of the body.
func (b *troubledBody) Close() error {
	b.release()
	return nil
}
