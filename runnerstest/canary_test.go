// The other origin, the hook, and what a test wants to have been asked.

package runnerstest_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestOtherOrigin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, query, body string
		finding             string
	}{
		"nothing":     {"Accept: x", "?page=2", "", ""},
		"header":      {"Private-Token: anything", "", "", "the header Private-Token"},
		"bearer":      {"Authorization: Bearer x", "", "", "the header Authorization"},
		"known":       {"X-Any: t-mia", "", "", "the header X-Any"},
		"query":       {"", "?private_token=x", "", "the parameter private_token"},
		"known query": {"", "?q=t-mia", "", "the parameter q"},
		"path":        {"", "/glrt-app-runner-six", "", "the path"},
		"form":        {"", "", "token=x", "the parameter token"},
		"list":        {"", "", "a[b][]=reg-acme", "the parameter a"},
		"unreadable":  {"", "?%zz", "", "parameters that cannot be read"},
	} {
		for _, way := range []string{"memory", "tcp", "tls"} {
			t.Run(name+" over "+way, func(t *testing.T) {
				t.Parallel()
				n := &noted{TB: t}
				srv := runnerstest.NewServer(n, &runnerstest.Options{Seed: strings.NewReader(acme), TLS: way == "tls"})
				client := srv.HTTPClient()
				if way != "memory" {
					transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.RootCAs(), MinVersion: tls.VersionTLS12}}
					t.Cleanup(transport.CloseIdleConnections)
					srv.URL()
					client = &http.Client{Transport: transport}
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.OtherOrigin()+"/x"+c.query, strings.NewReader(c.body))
				require.NoError(t, err)
				if key, value, ok := strings.Cut(c.header, ": "); ok {
					r.Header.Set(key, value)
				}
				srv.Fault(runnerstest.Hang(), runnerstest.Always())
				res, err := client.Do(r)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				assert.Equal(t, 404, res.StatusCode)
				assert.Len(t, srv.Requests(func(r runnerstest.Request) bool { return r.Fault == "other origin" }), 1)
				if c.finding == "" {
					assert.Empty(t, n.end())
					return
				}
				failures := strings.Join(n.end(), "")
				assert.Contains(t, failures, "a credential came to another origin: POST /x")
				assert.True(t, strings.HasSuffix(failures, " with "+c.finding), failures)
				assert.NotContains(t, failures, "t-mia")
			})
		}
	}
}

// TestRedirectToTheOtherOrigin needs a client that follows.
func TestRedirectToTheOtherOrigin(t *testing.T) {
	t.Parallel()
	n := &noted{TB: t}
	srv := runnerstest.NewServer(n, &runnerstest.Options{Seed: strings.NewReader(acme)})
	srv.Fault(runnerstest.RedirectTo(srv.OtherOrigin()+"/evil", 302))
	assert.Equal(t, 404, ask(t, srv, "t-root", "GET /runners").status)
	assert.Len(t, n.end(), 1, "net/http sends a Private-Token along")
}

func TestHandle(t *testing.T) {
	t.Parallel()
	for way, send := range map[string]bool{"memory": true, "tcp": false} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			srv := play(t, "")
			var order []string
			note := func(name string) func(http.Handler) http.Handler {
				return func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						order = append(order, name)
						next.ServeHTTP(w, r)
					})
				}
			}
			srv.Handle("", note("all"))
			srv.Handle("GET /runners/{id}", note("one"))
			srv.Handle("GET /version", func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") })
			})
			srv.Handle("GET /metadata", func(http.Handler) http.Handler {
				return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			})
			get := func(path string) (answer, error) {
				client := srv.HTTPClient()
				if !send {
					client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // or it asks twice
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL()+"/api/v4"+path, http.NoBody)
				require.NoError(t, err)
				r.Header.Set("Private-Token", "t-root")
				res, err := client.Do(r)
				if err != nil {
					return answer{}, err
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				return answer{res.StatusCode, res.Header, string(body)}, err
			}
			got, err := get("/runners/6")
			require.NoError(t, err)
			assert.Equal(t, 200, got.status)
			got, err = get("/version")
			require.NoError(t, err)
			got.want(t, 200, "own")
			_, err = get("/metadata")
			require.ErrorIs(t, err, io.EOF)
			got, err = get("//x")
			require.NoError(t, err)
			assert.Equal(t, 404, got.status)
			assert.Equal(t, []string{"all", "one", "all", "all", "all"}, order)
		})
	}
}

func TestHandleInMemory(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	srv.Handle("GET /version", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") })
	})
	srv.Handle("GET /metadata", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	})
	srv.Handle("GET /runners", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	})
	send := func(ctx context.Context, method, path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, method, "http://h/api/v4"+path, http.NoBody)
		require.NoError(t, err)
		return srv.HTTPClient().Transport.RoundTrip(r)
	}
	_, err := send(t.Context(), "GET", "/version") //nolint:bodyclose // there is no answer
	require.EqualError(t, err, "runnerstest: a handler panicked: oops")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = send(ctx, "GET", "/metadata") //nolint:bodyclose // there is no answer
	require.ErrorIs(t, err, context.Canceled)
	for _, call := range []string{"GET /runners", "HEAD /runners/all"} {
		method, path, _ := strings.Cut(call, " ")
		res, err := send(t.Context(), method, path)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		assert.Empty(t, body)
		require.NoError(t, res.Body.Close())
	}
}

func TestBadHooks(t *testing.T) {
	t.Parallel()
	n := &noted{TB: t}
	srv := runnerstest.NewServer(n, nil)
	srv.Handle("GET /nope", func(next http.Handler) http.Handler { return next })
	srv.Handle("", nil)
	assert.Len(t, n.end(), 2)
}

func TestWantRequests(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	n := &noted{TB: t}
	srv.WantRequests(n, "GET /runners", 0)
	srv.WantRequests(n, "GET /runner", 0)
	srv.WantRequests(n, "GET /runners", 1)
	ask(t, srv, "", "GET /version")
	ask(t, srv, "t-mia", "PUT /runners/6", "description=d")
	srv.Fault(runnerstest.On("GET /runners/{id}"), runnerstest.Status(502))
	ask(t, srv, "t-mia", "GET /runners/6")
	ask(t, srv, "t-mia", "DELETE /runners/8")
	srv.WantRequests(n, "DELETE /runners/{id}", 1)
	srv.WantRequests(n, "DELETE /runners/{id}", 2, runnerstest.ByActor("mia"))
	for range 6 {
		ask(t, srv, "", "GET /version")
	}
	srv.WantRequests(n, "GET /metadata", 1)
	failures := n.end()
	require.Len(t, failures, 4)
	assert.Equal(t, `runnerstest: WantRequests: no route "GET /runner": did you mean "GET /runners"? Routes lists all`, failures[0])
	assert.Equal(t, "runnerstest: 0 requests took GET /runners, want 1\nthere were no requests", failures[1])
	assert.Equal(t, `runnerstest: 1 requests took DELETE /runners/{id} and were selected, want 2
the nearest requests:
  DELETE /api/v4/runners/8: 204 to mia {"id":"8"}
  PUT /api/v4/runners/6: 200 to mia {"description":"d","id":"6"}
  GET /api/v4/runners/6: 502 to mia, fault 502 {"id":"6"}
  GET /api/v4/version: 401`, failures[2])
	assert.Contains(t, failures[3], "and 2 more")
}
