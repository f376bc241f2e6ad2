// A scripted GitLab: a transport that does what a list of steps says, and keeps
// what it was asked. It stands for servers that no GitLab would be.

package runners_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

const (
	gitlabURL = "https://gitlab.example.com"

	// Secrets, of which not one may be seen anywhere but on the wire.
	accessToken       = "glpat-canaryAccess0123456789"
	runnerToken       = "glrt-canaryRunner0123456789"
	registrationToken = "GR1348941canaryRegistration"
)

// A step is what the transport does with one request.
type step func(*http.Request) (*http.Response, error)

// A script goes through its steps, one for each request, and repeats the last.
type script struct {
	mu    sync.Mutex
	steps []step
	sent  []sent
}

// sent is what the transport saw of a request.
type sent struct {
	Method string
	URI    string // raw, as it stands in the request line
	Host   string
	Header http.Header
	Body   string
	At     time.Time
}

func play(steps ...step) *script { return &script{steps: steps} }

// RoundTrip keeps the request and does the next step.
func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	s.mu.Lock()
	do := s.steps[min(len(s.sent), len(s.steps)-1)]
	s.sent = append(s.sent, sent{
		Method: req.Method, URI: req.URL.RequestURI(), Host: req.URL.Host,
		Header: req.Header.Clone(), Body: string(body), At: time.Now(),
	})
	s.mu.Unlock()
	return do(req)
}

// requests returns what was asked so far.
func (s *script) requests() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.sent...)
}

// waits returns how long it took from each request to the next.
func (s *script) waits() []time.Duration {
	var all []time.Duration
	requests := s.requests()
	for i := 1; i < len(requests); i++ {
		all = append(all, requests[i].At.Sub(requests[i-1].At))
	}
	return all
}

// reply answers with JSON; header holds names and values in turn.
func reply(status int, body string, header ...string) step {
	return replyWith(status, io.NopCloser(strings.NewReader(body)), header...)
}

// replyWith answers with a body of any kind, which is read once.
func replyWith(status int, body io.ReadCloser, header ...string) step {
	var text []byte
	var failure error
	var once sync.Once
	return func(req *http.Request) (*http.Response, error) {
		once.Do(func() { text, failure = io.ReadAll(body) })
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(header); i += 2 {
			if i < 2 || header[i] != header[i-2] {
				h.Del(header[i])
			}
			h.Add(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: h, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Body: io.NopCloser(io.MultiReader(strings.NewReader(string(text)), endsWith{failure})),
		}, nil
	}
}

// endsWith is a body's end: an error, or EOF.
type endsWith struct{ err error }

func (e endsWith) Read([]byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return 0, io.EOF
}

// truncated answers with a body that breaks off.
func truncated(status int, body string) step {
	return replyWith(status, io.NopCloser(
		io.MultiReader(strings.NewReader(body), endsWith{io.ErrUnexpectedEOF})))
}

// fail takes the request, and brings no answer.
func fail(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// unreached fails before there is a connection, as the trace hooks tell.
func unreached(err error) step {
	return func(req *http.Request) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GetConn != nil {
			trace.GetConn(req.URL.Host)
		}
		return nil, err
	}
}

// hang waits until the request's context ends.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

// Failures of the network.
var (
	errDialRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errReset       = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errHandshake   = errors.New("net/http: TLS handshake timeout")
)

// client makes a client with an access token that speaks to rt.
func client(t *testing.T, rt http.RoundTripper, o *runners.Options) *runners.Client {
	t.Helper()
	return clientAs(t, runners.PrivateToken(accessToken), rt, o)
}

// clientAs makes a client that speaks to rt.
func clientAs(
	t *testing.T, auth runners.Auth, rt http.RoundTripper, o *runners.Options,
) *runners.Client {
	t.Helper()
	var own runners.Options
	if o != nil {
		own = *o
	}
	if own.HTTPClient == nil {
		own.Transport = rt
	}
	c, err := runners.New(gitlabURL, auth, &own)
	require.NoError(t, err)
	return c
}

// failure returns err as the one type of error that this package has.
func failure(t *testing.T, err error) *runners.Error {
	t.Helper()
	e, ok := errors.AsType[*runners.Error](err)
	require.Truef(t, ok, "not an *Error: %v", err)
	return e
}

// inBubble runs a parallel subtest in virtual time.
func inBubble(t *testing.T, name string, test func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

// fails is a transport that must not be used.
type fails struct{ t *testing.T }

func (f fails) RoundTrip(*http.Request) (*http.Response, error) {
	f.t.Error("a request went the wrong way")
	return nil, errors.New("the wrong way")
}
