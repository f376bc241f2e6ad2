// The server itself: how it is made, reached and ended.

package runnerstest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestZeroServer(t *testing.T) {
	t.Parallel()
	var srv runnerstest.Server
	t.Cleanup(srv.Close)
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v4/runners", http.NoBody))
	assert.Equal(t, 401, w.Code)
	assert.WithinDuration(t, time.Now(), srv.Now(), time.Minute)
	assert.NotNil(t, srv.Client(t))
}

func TestStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, seed, want string }{
		{"", "", ""},
		{"17.5.0", `{"gitlab_version":"17.5.0"}`, ""},
		{"", `{"gitlab_version":"13.10.0"}`, ""},
		{"17.5", "", ""},
		{"17.5", `{"gitlab_version":"17.5.0"}`, ""},
		{"17.5.0", `{"gitlab_version":"17.5"}`, ""},
		{"17.5", `{"gitlab_version":"17.5.1"}`, `seed: gitlab_version: "17.5.1", but "17.5" was asked for`},
		{"17.5.0", `{"gitlab_version":"17.4.0"}`, `seed: gitlab_version: "17.4.0", but "17.5.0" was asked for`},
		{"8.1.0", "", `version "8.1.0" is not played: want 8.2.0 to 19.1.0`},
		{"19.2.0", "", `version "19.2.0" is not played: want 8.2.0 to 19.1.0`},
		{"17", "", `"17" is no version such as "19.1.0"`},
		{"17.5.0.1", "", `"17.5.0.1" is no version such as "19.1.0"`},
		{"17.x.0", "", `"17.x.0" is no version such as "19.1.0"`},
		{"17.-5.0", "", `"17.-5.0" is no version such as "19.1.0"`},
	} {
		o := &runnerstest.Options{Version: c.version}
		if c.seed != "" {
			o.Seed = strings.NewReader(c.seed)
		}
		srv, err := runnerstest.Start(o)
		if c.want != "" {
			assert.EqualError(t, err, c.want)
			continue
		}
		require.NoError(t, err)
		if strings.HasPrefix(c.version, "17.5") {
			assert.Equal(t, "17.5.0", srv.Snapshot().GitLabVersion)
		}
		srv.Close()
	}
	srv, err := runnerstest.Start(nil)
	require.NoError(t, err)
	srv.Close()
}

// recorder is a test that notes its failures and goes on.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Fatalf(format string, _ ...any) {
	r.failures = append(r.failures, format)
	panic(r)
}

func TestBadOptionsFailTheTest(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	assert.PanicsWithValue(t, r, func() { runnerstest.NewServer(r, &runnerstest.Options{Version: "1"}) })
	assert.Len(t, r.failures, 1)
	good := &recorder{TB: t}
	runnerstest.NewServer(good, nil)
	assert.Len(t, good.cleanups, 1, "the server ends with the test")
	good.cleanups[0]()
}

func TestClientNeedsAnAdministrator(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", `{"users":[{"username":"u"},{"username":"old","admin":true,"state":"blocked"}]}`)
	r := &recorder{TB: t}
	assert.Panics(t, func() { srv.Client(r) })
	assert.Len(t, r.failures, 1)
}

func TestURL(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	url := srv.URL()
	assert.Equal(t, url, srv.URL())
	assert.Contains(t, url, "http://127.0.0.1:")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, url+"/api/v4/runners/all", http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Private-Token", "t-root")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, "8", resp.Header.Get("X-Total"))
	srv.Close()
	srv.Close()
	assert.Empty(t, srv.URL())
	_, err = http.DefaultClient.Do(r.Clone(t.Context())) //nolint:bodyclose // there is no answer
	require.ErrorContains(t, err, "refused")
}

// TestUseAfterClose: what was asked of a server can be looked at after its end,
// and whoever asks it then is told.
func TestUseAfterClose(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	ask(t, srv, "t-root", "GET /runners/6")
	client := srv.Client(t)
	srv.Close()
	_, err := client.Runners.Get(t.Context(), 6)
	require.ErrorContains(t, err, "closed")
	assert.Len(t, srv.Requests(), 1)
	assert.Len(t, srv.Snapshot().Runners, 8)
	srv.Advance(time.Hour)
	srv.Close()
}

// TestBothWays asks over TCP and in memory, and wants the same.
func TestBothWays(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"GET /api/v4/runners/1", "HEAD /api/v4/runners/all", "DELETE /api/v4/runners/8", "GET /api/v4/%2F", "POST /api/v4/runners/6/"} {
		method, path, _ := strings.Cut(call, " ")
		var got []answer
		for _, inMemory := range []bool{true, false} {
			srv := runnerstest.NewServer(t, &runnerstest.Options{
				Seed: strings.NewReader(acme), Now: func() time.Time { return time.Unix(1700000000, 0) },
				Lenient: true,
			})
			client, base := http.DefaultClient, srv.URL()
			if inMemory {
				client = srv.HTTPClient()
			}
			r, err := http.NewRequestWithContext(t.Context(), method, base+path, http.NoBody)
			require.NoError(t, err)
			r.Host = "gitlab.test"
			r.Header.Set("Private-Token", "t-root")
			resp, err := client.Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			resp.Header.Del("Date")
			got = append(got, answer{resp.StatusCode, resp.Header, string(body)})
		}
		assert.Equal(t, got[1], got[0], call)
	}
}

// closer notes that it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestMemoryClosesTheBody(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("broken")
	for _, c := range []struct {
		ctx  context.Context
		url  string
		body io.Reader
		want error
	}{
		{t.Context(), "http://h/api/v4/runners", strings.NewReader("{}"), nil},
		{cancelled, "http://h/api/v4/runners", strings.NewReader("{}"), context.Canceled},
		{t.Context(), "http://h/api/v4/runners", iotest.ErrReader(broken), broken},
	} {
		body := &closer{Reader: c.body}
		r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url, body)
		require.NoError(t, err)
		resp, err := srv.HTTPClient().Transport.RoundTrip(r)
		if c.want == nil {
			require.NoError(t, err)
			resp.Body.Close()
		}
		require.ErrorIs(t, err, c.want)
		assert.True(t, body.closed)
	}
	assert.Len(t, srv.Requests(), 1, "what was cancelled or broken was never sent")
}

func TestMemoryEndsWithTheContext(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	defer writer.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://h/api/v4/runners", reader)
	require.NoError(t, err)
	go func() {
		_, _ = writer.Write([]byte("{"))
		cancel()
	}()
	_, err = srv.HTTPClient().Transport.RoundTrip(r) //nolint:bodyclose // there is no answer
	require.ErrorIs(t, err, context.Canceled)
}

func TestMemoryFails(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v4/runners", http.NoBody)
	require.NoError(t, err)
	_, err = srv.HTTPClient().Transport.RoundTrip(r) //nolint:bodyclose // there is no answer
	require.ErrorContains(t, err, "no host")
	srv.Close()
	r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/", http.NoBody)
	require.NoError(t, err)
	_, err = srv.HTTPClient().Transport.RoundTrip(r) //nolint:bodyclose // there is no answer
	require.ErrorContains(t, err, "closed")
}

func TestMemoryTraces(t *testing.T) {
	t.Parallel()
	var steps []string
	note := func(step string) { steps = append(steps, step) }
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GetConn:              func(hostPort string) { note("get " + hostPort) },
		GotConn:              func(httptrace.GotConnInfo) { note("got") },
		WroteHeaders:         func() { note("headers") },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { note("request"); assert.NoError(t, i.Err) },
		GotFirstResponseByte: func() { note("answer") },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://h/api/v4/runners", strings.NewReader("x"))
	require.NoError(t, err)
	resp, err := play(t, "").HTTPClient().Do(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, []string{"get h", "got", "headers", "request", "answer"}, steps)
}

func TestMemoryLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/api/v4/runners/6", http.NoBody)
	require.NoError(t, err)
	resp, err := play(t, "").HTTPClient().Do(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Empty(t, r.Pattern)
	assert.Empty(t, r.RemoteAddr)
	assert.Same(t, r, resp.Request)
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			ask(t, srv, "t-root", "POST /user/runners", "runner_type=instance_type")
			ask(t, srv, "t-root", "GET /runners/all")
			srv.Advance(time.Second)
			srv.Now()
			srv.Requests()
			srv.URL()
		})
	}
	wg.Wait()
	assert.Len(t, ask(t, srv, "t-root", "GET /runners/all?per_page=100").ids(t), 24)
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, call := range []string{"GET /runners/6", "GET /nope", "PATCH /runners/6", "DELETE /runners/6", "GET /projects", "GET /a//b"} {
		a := ask(t, srv, "t-root", call)
		assert.Equal(t, "application/json", a.header.Get("Content-Type"), call)
		assert.Equal(t, "SAMEORIGIN", a.header.Get("X-Frame-Options"), call)
		assert.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), call)
		assert.NotEmpty(t, a.header.Get("X-Request-ID"), call)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	own := send(t, srv, http.Header{"X-Request-Id": {"my-id_1@host"}}, "GET /runners")
	assert.Equal(t, "my-id_1@host", own.header.Get("X-Request-ID"))
	odd := send(t, srv, http.Header{"X-Request-Id": {"a b\r\nc: " + strings.Repeat("x", 300)}}, "GET /runners")
	assert.Equal(t, "abc"+strings.Repeat("x", 252), odd.header.Get("X-Request-ID"))
	first, second := ask(t, srv, "", "GET /runners"), ask(t, srv, "", "GET /runners")
	assert.NotEqual(t, first.header.Get("X-Request-ID"), second.header.Get("X-Request-ID"))
}

func TestInstance(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "17.5.0", with(`"revision":"abc","license_plan":"ultimate"`))
	for _, token := range []string{"t-sam", "t-root-user"} {
		ask(t, srv, token, "GET /version").want(t, 200, `{"version":"17.5.0","revision":"abc"}`)
		ask(t, srv, token, "GET /metadata").want(t, 200, `{"version":"17.5.0","revision":"abc",`+
			`"kas":{"enabled":false,"externalUrl":null,"version":null},"enterprise":true}`)
	}
	ask(t, srv, "", "GET /version").want(t, 401, unauthorized)
	root := ask(t, srv, "t-root", "GET /user").object(t)
	assert.Equal(t, []any{"root", "Root", true, "active"}, []any{root["username"], root["name"], root["is_admin"], root["state"]})
	assert.NotContains(t, ask(t, srv, "t-sam", "GET /user").object(t), "is_admin")
	ask(t, play(t, "15.1.0"), "t-root", "GET /metadata").want(t, 404, `{"error":"404 Not Found"}`)
}
