// What a client is made of: base URLs, options, and what goes wrong with them;
// the caller's own http.Client; observers and logs; Do.

package runners_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

func TestNew_badBaseURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, want string }{
		{"", "runners: base URL is empty"},
		{"gitlab.example.com", "runners: base URL: no scheme: did you mean https://…?"},
		{"gitlab.example.com:8443/gitlab", "runners: base URL: no scheme: did you mean https://…?"},
		{"localhost:8080", "runners: base URL: no scheme: did you mean https://…?"},
		{"//gitlab.example.com", "runners: base URL: no scheme: did you mean https://…?"},
		{"ftp://gitlab.example.com", `runners: base URL: unsupported scheme "ftp"`},
		{"file:///etc/passwd", `runners: base URL: unsupported scheme "file"`},
		{"javascript://canary", `runners: base URL: unsupported scheme "javascript"`},
		{"https://canaryUser:canaryRunner@h", "runners: base URL: credentials in the URL are not allowed"},
		{"https://canaryRunner@h", "runners: base URL: credentials in the URL are not allowed"},
		{"https://h?private_token=canaryRunner", "runners: base URL: a query or a fragment is not allowed"},
		{"https://h/?", "runners: base URL: a query or a fragment is not allowed"},
		{"https://h#canaryRunner", "runners: base URL: a query or a fragment is not allowed"},
		{"https://", "runners: base URL: no host"},
		{"https:///gitlab", "runners: base URL: no host"},
		{"https://:8443", "runners: base URL: no host"},
		{"https://h:0", `runners: base URL: no port "0"`},
		{"https://h:99999", `runners: base URL: no port "99999"`},
		{"https://h:canaryRunner", "runners: base URL: not a URL"},
		{"https://h/../x", "runners: base URL: dot segments are not allowed"},
		{"https://h/%2e%2e/x", "runners: base URL: dot segments are not allowed"},
		{"https://h/%zz", "runners: base URL: not a URL"},
		{"https://canary\x00Runner", "runners: base URL: not a URL"},
		{"https://h\r\nX-Evil: canaryRunner", "runners: base URL: not a URL"},
	} {
		t.Run(c.url, func(t *testing.T) {
			t.Parallel()
			got, err := runners.New(c.url, runners.PrivateToken(accessToken), nil)
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.Nil(t, got)
			assert.Equal(t, c.want, err.Error())
			assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "canary")
			assert.Equal(t, runners.PhaseNotSent, failure(t, err).Phase)
		})
	}
}

// TestNew_baseURL: what a base URL becomes on the wire.
func TestNew_baseURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, host, uri string }{
		{"https://gitlab.example.com", "gitlab.example.com", "/api/v4/version"},
		{"HTTPS://gitlab.example.com/", "gitlab.example.com", "/api/v4/version"},
		{"https://gitlab.example.com//", "gitlab.example.com", "/api/v4/version"},
		{"https://gitlab.example.com/api/v4", "gitlab.example.com", "/api/v4/version"},
		{"https://gitlab.example.com/api/v4/", "gitlab.example.com", "/api/v4/version"},
		{"https://gitlab.example.com/api/v4/api/v4//", "gitlab.example.com", "/api/v4/version"},
		{"https://h/gitlab", "h", "/gitlab/api/v4/version"},
		{"https://h/gitlab/", "h", "/gitlab/api/v4/version"},
		{"https://h/gitlab/api/v4", "h", "/gitlab/api/v4/version"},
		{"https://h/git%2Flab%20x", "h", "/git%2Flab%20x/api/v4/version"},
		{"https://h/myapi/v4", "h", "/myapi/v4/api/v4/version"},
		{"https://[2001:db8::1]:8443/gitlab", "[2001:db8::1]:8443", "/gitlab/api/v4/version"},
		{"https://[fe80::1%25eth0]", "[fe80::1%eth0]", "/api/v4/version"},
		{"https://xn--bcher-kva.example", "xn--bcher-kva.example", "/api/v4/version"},
		{"https://h:1", "h:1", "/api/v4/version"},
		{"https://h:65535", "h:65535", "/api/v4/version"},
		{"http://localhost:8080", "localhost:8080", "/api/v4/version"},
	} {
		t.Run(c.url, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, `{"version":"17.5.0"}`))
			client, err := runners.New(c.url, runners.PrivateToken(accessToken), &runners.Options{Transport: s})
			require.NoError(t, err)
			_, err = client.Version(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.host, s.requests()[0].Host)
			assert.Equal(t, c.uri, s.requests()[0].URI)
		})
	}
}

// TestNew_legacyRoot: the CI API does not lie below /api/v4.
func TestNew_legacyRoot(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `[]`))
	c, err := runners.New("https://h/gitlab/api/v4", runners.PrivateToken(accessToken), &runners.Options{Transport: s})
	require.NoError(t, err)
	_, err = c.Legacy.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "/gitlab/ci/api/v1/runners?url=https%3A%2F%2Fh%2Fgitlab", s.requests()[0].URI)
}

// TestNew_plainHTTP: a token travels over plain http only to this host, or
// where that was allowed.
func TestNew_plainHTTP(t *testing.T) {
	t.Parallel()
	const refusal = "runners: base URL: a token would travel over plain http: use https, or set Options.AllowInsecure"
	for _, c := range []struct {
		url string
		ok  bool
	}{
		{"http://gitlab.example.com", false},
		{"http://10.0.0.1", false},
		{"http://0.0.0.0", false},
		{"http://notlocalhost", false},
		{"http://localhost.example.com", false},
		{"http://127.0.0.1.example.com", false},
		{"http://localhost", true},
		{"http://LOCALHOST:8080", true},
		{"http://gitlab.localhost", true},
		{"http://127.0.0.1:1234", true},
		{"http://127.9.9.9", true},
		{"http://[::1]:80", true},
	} {
		t.Run(c.url, func(t *testing.T) {
			t.Parallel()
			_, err := runners.New(c.url, runners.PrivateToken(accessToken), nil)
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.Equal(t, refusal, err.Error())
			_, err = runners.New(c.url, runners.PrivateToken(accessToken), &runners.Options{AllowInsecure: true})
			require.NoError(t, err)
			_, err = runners.New(c.url, runners.Anonymous(), nil)
			require.NoError(t, err)
		})
	}
}

// TestNew_plainHTTPTokens: nor does the token of a runner.
func TestNew_plainHTTPTokens(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `{}`))
	c, err := runners.New("http://gitlab.example.com", runners.Anonymous(), &runners.Options{Transport: s})
	require.NoError(t, err)
	_, err = c.Tokens.Verify(t.Context(), runners.NewToken(runnerToken), nil)
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: POST /runners/verify: base URL: a token would travel over plain http", err.Error())
	assert.Empty(t, s.requests())
	_, err = c.Version(t.Context())
	require.NoError(t, err)
}

func TestNew_badOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    runners.Options
		want string
	}{
		"attempts":       {runners.Options{MaxAttempts: -1}, "runners: MaxAttempts: not between 1 and 100"},
		"many attempts":  {runners.Options{MaxAttempts: 101}, "runners: MaxAttempts: not between 1 and 100"},
		"timeout":        {runners.Options{AttemptTimeout: -1}, "runners: AttemptTimeout: negative"},
		"wait":           {runners.Options{MaxWait: -time.Second}, "runners: MaxWait: negative"},
		"body":           {runners.Options{MaxBodyBytes: -1}, "runners: MaxBodyBytes: negative"},
		"user agent":     {runners.Options{UserAgent: "a\r\nX-Evil: 1"}, "runners: UserAgent: has a control character"},
		"two transports": {runners.Options{HTTPClient: &http.Client{}, Transport: play()}, "runners: Transport: set together with HTTPClient"},
		"version":        {runners.Options{GitLabVersion: "new"}, `runners: GitLabVersion: not like "17.5"`},
		"minor version":  {runners.Options{GitLabVersion: "17.x"}, `runners: GitLabVersion: not like "17.5"`},
		"major version":  {runners.Options{GitLabVersion: "17"}, `runners: GitLabVersion: not like "17.5"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := runners.New(gitlabURL, runners.PrivateToken(accessToken), &c.o)
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.Nil(t, got)
			assert.Equal(t, c.want, err.Error())
		})
	}
}

func TestNew_nils(t *testing.T) {
	t.Parallel()
	_, err := runners.New(gitlabURL, nil, nil)
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: token: auth is nil: use Anonymous for a client without a token", err.Error())
	_, err = runners.New(gitlabURL, runners.BearerSource(nil), nil)
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: token: the token source is nil", err.Error())
	for _, o := range []*runners.Options{nil, {}, {HTTPClient: &http.Client{}}} {
		c, err := runners.New(gitlabURL, runners.PrivateToken(accessToken), o)
		require.NoError(t, err)
		assert.NotNil(t, c.Runners)
	}
}

func TestNewFromEnv(t *testing.T) {
	for name, c := range map[string]struct{ gitlab, ci, token, want, host string }{
		"gitlab":   {"https://one", "https://two", accessToken, "", "one"},
		"ci":       {"", "https://two", accessToken, "", "two"},
		"no url":   {"", "", accessToken, "runners: base URL: neither GITLAB_URL nor CI_SERVER_URL is set", ""},
		"no token": {"https://one", "", "", "runners: token: GITLAB_TOKEN is not set", ""},
		"bad url":  {"ftp://one", "https://two", accessToken, `runners: base URL: unsupported scheme "ftp"`, ""},
		"newline":  {"https://one", "", accessToken + "\n", "runners: token has surrounding whitespace", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GITLAB_URL", c.gitlab)
			t.Setenv("CI_SERVER_URL", c.ci)
			t.Setenv("GITLAB_TOKEN", c.token)
			s := play(reply(200, `{"version":"17.5.0"}`))
			client, err := runners.NewFromEnv(&runners.Options{Transport: s})
			if c.want != "" {
				require.ErrorIs(t, err, runners.ErrInvalid)
				assert.Equal(t, c.want, err.Error())
				return
			}
			require.NoError(t, err)
			_, err = client.Version(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.host, s.requests()[0].Host)
			assert.Equal(t, accessToken, s.requests()[0].Header.Get("Private-Token"))
		})
	}
}

// TestOptions_unchanged: New writes neither to the options nor to the caller's
// http.Client, and later changes to them have no effect.
func TestOptions_unchanged(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `{"version":"17.5.0"}`))
	own := &http.Client{Transport: s}
	o := &runners.Options{HTTPClient: own}
	c := client(t, nil, o)
	assert.Equal(t, &runners.Options{HTTPClient: own}, o)
	assert.Equal(t, &http.Client{Transport: s}, own)

	o.UserAgent, own.Transport = "changed", fails{t}
	_, err := c.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "runners-go", s.requests()[0].Header.Get("User-Agent"))

	empty := &http.Client{}
	client(t, nil, &runners.Options{HTTPClient: empty})
	assert.Equal(t, &http.Client{}, empty)
}

// fails is a transport that must not be used.
type fails struct{ t *testing.T }

func (f fails) RoundTrip(*http.Request) (*http.Response, error) {
	f.t.Error("a request went the wrong way")
	return nil, errors.New("the wrong way")
}

// TestHTTPClient_checkRedirect: the caller's policy holds beside our own.
func TestHTTPClient_checkRedirect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		location string
		policy   error
		asked    int
		is       error
	}{
		"allowed":           {"/elsewhere", nil, 1, nil},
		"last response":     {"/elsewhere", http.ErrUseLastResponse, 1, runners.ErrRedirect},
		"own error":         {"/elsewhere", errors.New("not this way"), 1, runners.ErrRedirect},
		"never asked about": {"https://evil.example", nil, 0, runners.ErrRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(reply(302, "", "Location", c.location), reply(200, `{"version":"17.5.0"}`))
			asked := 0
			_, err := client(t, nil, &runners.Options{HTTPClient: &http.Client{
				Transport:     s,
				CheckRedirect: func(*http.Request, []*http.Request) error { asked++; return c.policy },
			}}).Version(t.Context())
			assert.Equal(t, c.asked, asked)
			if c.is == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.is)
			assert.Len(t, s.requests(), 1)
		})
	}
}

// A detour is a redirect that a policy does not like.
type detour struct{ to string }

func (d *detour) Error() string { return "no way by " + d.to }

// TestHTTPClient_ownRefusal: what the caller's policy says reaches the caller,
// but for secrets.
func TestHTTPClient_ownRefusal(t *testing.T) {
	t.Parallel()
	s := play(reply(302, "", "Location", "/elsewhere"))
	own := &detour{to: "elsewhere with " + accessToken}
	_, err := client(t, nil, &runners.Options{HTTPClient: &http.Client{
		Transport:     s,
		CheckRedirect: func(*http.Request, []*http.Request) error { return own },
	}}).Version(t.Context())
	require.ErrorIs(t, err, runners.ErrRedirect)
	require.ErrorIs(t, err, own)
	found, ok := errors.AsType[*detour](err)
	require.True(t, ok)
	assert.Same(t, own, found)
	assert.Equal(t, "runners: GET /version: 302 redirected to another path: check the base URL, http or https too "+
		"(no way by elsewhere with [REDACTED])", err.Error())
	assert.Len(t, s.requests(), 1)
}

// TestHTTPClient_jar: the caller's cookies are sent and kept.
func TestHTTPClient_jar(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	home, err := url.Parse(gitlabURL)
	require.NoError(t, err)
	jar.SetCookies(home, []*http.Cookie{{Name: "sso", Value: "yes"}})
	s := play(reply(200, `{"version":"17.5.0"}`, "Set-Cookie", "lb=3; Path=/"))
	c := client(t, nil, &runners.Options{HTTPClient: &http.Client{Transport: s, Jar: jar}})
	for range 2 {
		_, err = c.Version(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, "sso=yes", s.requests()[0].Header.Get("Cookie"))
	assert.Equal(t, "sso=yes; lb=3", s.requests()[1].Header.Get("Cookie"))
}

// TestAttemptTimeout: each attempt ends in time, by the shorter of the two
// timeouts; the context bounds them all.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		own, attempt, want time.Duration
	}{
		"default":     {0, 0, 30 * time.Second},
		"attempt":     {0, 3 * time.Second, 3 * time.Second},
		"own":         {2 * time.Second, 0, 2 * time.Second},
		"own shorter": {2 * time.Second, 3 * time.Second, 2 * time.Second},
		"own longer":  {5 * time.Second, 3 * time.Second, 3 * time.Second},
	} {
		inBubble(t, name, func(t *testing.T) {
			s := play(hang)
			began := time.Now()
			_, err := client(t, nil, &runners.Options{
				HTTPClient:     &http.Client{Transport: s, Timeout: c.own},
				AttemptTimeout: c.attempt, MaxAttempts: 1,
			}).Version(t.Context())
			require.ErrorIs(t, err, runners.ErrUnavailable)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, c.want, time.Since(began))
		})
	}
}

// TestHeaders: what each request says of itself.
func TestHeaders(t *testing.T) {
	t.Parallel()
	type key struct{}
	s := play(reply(200, `{"id":6}`))
	c := client(t, s, &runners.Options{
		UserAgent: "fleet/1.0",
		RequestID: func(ctx context.Context) string { id, _ := ctx.Value(key{}).(string); return id },
	})
	for _, id := range []string{"abc-1", "", "a\r\nX-Evil: 1"} {
		_, err := c.Runners.Update(context.WithValue(t.Context(), key{}, id), 6, nil)
		require.NoError(t, err)
	}
	_, err := c.Runners.Get(t.Context(), 6)
	require.NoError(t, err)
	put, get := s.requests()[0], s.requests()[3]
	assert.Equal(t, http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"},
		"User-Agent": {"fleet/1.0"}, "X-Request-Id": {"abc-1"}, "Private-Token": {accessToken},
	}, put.Header)
	assert.NotContains(t, s.requests()[1].Header, "X-Request-Id")
	assert.NotContains(t, s.requests()[2].Header, "X-Request-Id", "a header cannot hold this")
	assert.Equal(t, http.Header{
		"Accept": {"application/json"}, "User-Agent": {"fleet/1.0"}, "Private-Token": {accessToken},
	}, get.Header)
}

// TestObserve: an observer learns of each call once, when it has ended.
func TestObserve(t *testing.T) {
	t.Parallel()
	limited := []string{
		"X-Request-Id", "01ABC", "Ratelimit-Limit", "2000", "Ratelimit-Remaining", "1999",
		"Ratelimit-Reset", "1700000000", "Ratelimit-Name", "throttle_authenticated_api",
	}
	for name, c := range map[string]struct {
		steps []step
		id    int64
		want  runners.Call
		is    error
	}{
		"success": {
			[]step{reply(200, `{"id":6}`, limited...)},
			6,
			runners.Call{
				StatusCode: 200, Attempts: 1, RequestID: "01ABC",
				RateLimit: &runners.RateLimit{
					Name: "throttle_authenticated_api", Limit: 2000, Remaining: 1999, Reset: time.Unix(1700000000, 0),
				},
			},
			nil,
		},
		"failure": {
			[]step{reply(404, `{"message":"404 Not found"}`, "X-Request-Id", "01DEF")},
			6,
			runners.Call{StatusCode: 404, Attempts: 1, RequestID: "01DEF"},
			runners.ErrNotFound,
		},
		"retried": {
			[]step{reply(502, ``), fail(errReset), reply(200, `{"id":6}`)},
			6,
			runners.Call{StatusCode: 200, Attempts: 3, Duration: time.Nanosecond},
			nil,
		},
		"no answer": {
			[]step{fail(errReset)},
			6,
			runners.Call{Attempts: 4, Duration: time.Nanosecond},
			runners.ErrUnavailable,
		},
		"not sent": {[]step{fail(errReset)}, 0, runners.Call{}, runners.ErrInvalid},
	} {
		inBubble(t, name, func(t *testing.T) {
			var seen []runners.Call
			began := time.Now()
			_, err := client(t, play(c.steps...), &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = append(seen, call) },
			}).Runners.Get(t.Context(), c.id)
			require.Len(t, seen, 1)
			want := c.want
			want.Method, want.Route, want.Class, want.Err = "GET", "/runners/{id}", runners.ClassRead, err
			if want.Duration != 0 {
				want.Duration = time.Since(began)
				want.Waited = want.Duration // an attempt takes no time
				assert.Positive(t, want.Duration)
			}
			assert.Equal(t, want, seen[0])
			if c.is == nil {
				assert.NoError(t, err)
				return
			}
			assert.ErrorIs(t, err, c.is)
		})
	}
}

// TestObserve_waited: an observer tells the time of attempts from that between
// them, however the wait ends, and whoever asked for it.
func TestObserve_waited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := reply(http.StatusTooManyRequests, `{}`, "Retry-After", "5")
		slowly := func(do step) step {
			return func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return do(r)
			}
		}
		for _, test := range []struct {
			steps   []step
			timeout time.Duration
			first   runners.Call
			second  runners.Call // its turn may come later, for what the first one learned
		}{
			{
				[]step{slowly(reply(200, `{"id":6}`))},
				time.Hour,
				runners.Call{StatusCode: 200, Attempts: 1, Duration: time.Second},
				runners.Call{StatusCode: 200, Attempts: 1, Duration: time.Second},
			},
			{
				[]step{slowly(refuse), slowly(refuse), slowly(reply(200, `{"id":6}`))},
				time.Hour,
				runners.Call{StatusCode: 200, Attempts: 3, Duration: 13 * time.Second, Waited: 10 * time.Second},
				runners.Call{StatusCode: 200, Attempts: 1, Duration: time.Second},
			},
			{
				[]step{slowly(refuse), slowly(reply(200, `{"id":6}`))},
				-3 * time.Second,
				runners.Call{StatusCode: 429, Attempts: 1, Duration: 3 * time.Second, Waited: 2 * time.Second},
				runners.Call{StatusCode: 200, Attempts: 1, Duration: 4 * time.Second, Waited: 3 * time.Second},
			},
		} {
			var seen []runners.Call
			c := client(t, play(test.steps...), &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = append(seen, call) },
			})
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			if test.timeout < 0 { // not known beforehand
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(-test.timeout, cancel)
			}
			_, _ = c.Runners.Get(ctx, 6)
			cancel()
			_, _ = c.Runners.Get(t.Context(), 6)
			require.Len(t, seen, 2)
			for i, want := range []runners.Call{test.first, test.second} {
				want.Method, want.Route, want.Class, want.Err = "GET", "/runners/{id}", runners.ClassRead, seen[i].Err
				assert.Equal(t, want, seen[i])
			}
		}
	})
}

// TestObserve_nilContext: an observer may look into its context.
func TestObserve_nilContext(t *testing.T) {
	t.Parallel()
	calls := 0
	c := client(t, fails{t}, &runners.Options{Observe: func(ctx context.Context, call runners.Call) {
		assert.NoError(t, ctx.Err())
		assert.ErrorIs(t, call.Err, runners.ErrInvalid)
		calls++
	}})
	_, err := c.Version(nil) //nolint:staticcheck // nil is what is tested
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: GET /version: context is nil", err.Error())
	assert.Equal(t, 1, calls)
}

// TestObserve_scrubbed: a server that echoes secrets in its headers shows them
// to no observer.
func TestObserve_scrubbed(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: `{"version":"17.5.0"}`, 400: `{}`} {
		var seen runners.Call
		_, _ = client(t, play(reply(status, body,
			"X-Request-Id", accessToken, "Ratelimit-Limit", "1", "Ratelimit-Name", "a "+accessToken)),
			&runners.Options{Observe: func(_ context.Context, call runners.Call) { seen = call }},
		).Version(t.Context())
		assert.Equal(t, status, seen.StatusCode)
		assert.Equal(t, redacted, seen.RequestID)
		assert.Equal(t, "a "+redacted, seen.RateLimit.Name)
	}
}

// TestLogger: one record for each attempt, one for each retry, no secret.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s := play(
			fail(fmt.Errorf("lost %s and %s", accessToken, runnerToken)),
			reply(503, `{"message":"busy with `+runnerToken+`"}`, "Retry-After", "7"),
			reply(200, `{"id":6,"token":"`+runnerToken+`"}`),
		)
		c := client(t, s, &runners.Options{Logger: logger})
		_, err := c.Tokens.Verify(t.Context(), runners.NewToken(runnerToken), nil)
		require.NoError(t, err)
		type record struct {
			Level, Msg, Method, Route, Cause string
			Attempt, Status                  int
			Wait                             time.Duration
		}
		var got []record
		for line := range strings.Lines(b.String()) {
			var r record
			require.NoError(t, json.Unmarshal([]byte(line), &r))
			got = append(got, r)
		}
		require.Len(t, got, 5)
		at := func(r record) record {
			r.Method, r.Route = "POST", "/runners/verify"
			return r
		}
		assert.Equal(t, at(record{Level: "DEBUG", Msg: "gitlab request", Attempt: 1}), got[0])
		assert.Equal(t, at(record{
			Level: "WARN", Msg: "gitlab request is tried again", Attempt: 1, Wait: got[1].Wait,
			Cause: "no answer: lost [REDACTED] and [REDACTED]",
		}), got[1])
		assert.Equal(t, at(record{Level: "DEBUG", Msg: "gitlab request", Attempt: 2, Status: 503}), got[2])
		assert.Equal(t, at(record{
			Level: "WARN", Msg: "gitlab request is tried again", Attempt: 2, Status: 503, Wait: 7 * time.Second,
			Cause: "busy with [REDACTED]",
		}), got[3])
		assert.Equal(t, at(record{Level: "DEBUG", Msg: "gitlab request", Attempt: 3, Status: 200}), got[4])
		assert.NotContains(t, b.String(), "canary")
	})
}

// TestDo: the class follows from the method, and the rest is as with any call.
func TestDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		class  runners.Class
	}{
		{"GET", runners.ClassRead},
		{"HEAD", runners.ClassRead},
		{"PUT", runners.ClassPut},
		{"DELETE", runners.ClassDelete},
		{"POST", runners.ClassCreate},
		{"PATCH", runners.ClassCreate},
	} {
		t.Run(c.method, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, `{"a":[1]}`))
			var out struct{ A []int }
			var seen runners.Call
			err := client(t, s, &runners.Options{
				Observe: func(_ context.Context, call runners.Call) { seen = call },
			}).Do(t.Context(), c.method, "/projects/group%2Fapp/jobs",
				url.Values{"scope[]": {"a", "b"}}, map[string]any{"x": "<&>"}, &out)
			require.NoError(t, err)
			assert.Equal(t, []int{1}, out.A)
			assert.Equal(t, c.class, seen.Class)
			assert.Equal(t, "/projects/group%2Fapp/jobs", seen.Route)
			sent := s.requests()[0]
			assert.Equal(t, c.method, sent.Method)
			assert.Equal(t, "/api/v4/projects/group%2Fapp/jobs?scope%5B%5D=a&scope%5B%5D=b", sent.URI)
			assert.JSONEq(t, `{"x":"<&>"}`, sent.Body)
			assert.Equal(t, accessToken, sent.Header.Get("Private-Token"))
		})
	}
}

// TestDo_retries: a read is repeated, a POST that may have been done is not.
func TestDo_retries(t *testing.T) {
	t.Parallel()
	for method, attempts := range map[string]int{"GET": 4, "PUT": 4, "DELETE": 4, "POST": 1, "PATCH": 1} {
		inBubble(t, method, func(t *testing.T) {
			s := play(fail(errReset))
			err := client(t, s, nil).Do(t.Context(), method, "version", nil, nil, nil)
			require.ErrorIs(t, err, runners.ErrUnavailable)
			assert.Equal(t, attempts == 1, errors.Is(err, runners.ErrOutcomeUnknown))
			assert.Len(t, s.requests(), attempts)
		})
	}
}

// TestDo_noOut: whoever wants no answer still learns that it was not GitLab's.
func TestDo_noOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		is   error
	}{
		"empty":   {reply(204, ``), nil},
		"object":  {reply(200, `{"a":1}`), nil},
		"list":    {reply(200, `[1]`), nil},
		"text":    {reply(200, `"ok"`), nil},
		"null":    {reply(200, `null`), nil},
		"html":    {reply(200, `<html>Sign in</html>`, "Content-Type", "text/html"), runners.ErrUnexpectedResponse},
		"garbage": {reply(200, `{"a"`), runners.ErrUnexpectedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := client(t, play(c.step), nil).Do(t.Context(), "DELETE", "topics/1", nil, nil, nil)
			if c.is == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.is)
		})
	}
}

func TestDo_refused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		body         any
		want         string
	}{
		{"", "version", nil, "runners: method: not one of GET, HEAD, PUT, POST, PATCH, DELETE"},
		{"get", "version", nil, "runners: method: not one of GET, HEAD, PUT, POST, PATCH, DELETE"},
		{"CONNECT", "version", nil, "runners: method: not one of GET, HEAD, PUT, POST, PATCH, DELETE"},
		{"GET", "", nil, "runners: path is empty"},
		{"GET", "/", nil, "runners: path is empty"},
		{"GET", "//evil.example/x", nil, "runners: path is empty"},
		{"GET", "runners?private_token=canary", nil, "runners: path has a query or a fragment"},
		{"GET", "runners#canary", nil, "runners: path has a query or a fragment"},
		{"GET", "runners/../users", nil, "runners: path has a dot segment"},
		{"GET", "..", nil, "runners: path has a dot segment"},
		{"GET", "runners/%2e%2e/users", nil, "runners: path has a dot segment"},
		{"GET", "runners/%2E/users", nil, "runners: path has a dot segment"},
		{"GET", "projects/a%2F..%2Fb", nil, "runners: path has a dot segment"},
		{"GET", "runners/%zz", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/a b", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/{id}", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/a\r\nX: 1", nil, "runners: path is not URL-encoded"},
		{"GET", "runners/%0d%0a", nil, "runners: path is not URL-encoded"},
		{"POST", "runners", func() {}, "runners: POST /runners: body: json: unsupported type: func()"},
		{"POST", "runners", runners.NewToken("canary"), "runners: POST /runners: body: "},
		{"POST", "runners", math.NaN(), "runners: POST /runners: body: "},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			err := client(t, fails{t}, nil).Do(t.Context(), c.method, c.path, nil, c.body, nil)
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
}

// TestClient_print: neither a client nor its options show the token.
func TestClient_print(t *testing.T) {
	t.Parallel()
	o := &runners.Options{Transport: play()}
	auth := runners.PrivateToken(accessToken)
	c, err := runners.New(gitlabURL, auth, o)
	require.NoError(t, err)
	for _, v := range []any{c, *c, o, *o, auth, c.Runners, *c.Runners, c.Runners.List(nil), *c.Runners.List(nil)} {
		var recorder recordingT
		assert.Equal(&recorder, v, "something else")
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v)+recorder.text, "canary")
	}
}

// An ownAuth is a credential of a caller's own.
type ownAuth struct{ secret string }

func (a *ownAuth) Authenticate(req *http.Request) error {
	req.Header.Set("Private-Token", a.secret)
	return nil
}

// A verb that suits no struct, such as %s, shows what the fields point to: also
// a transport that has met a proxy, and an Auth of the caller's own.
func TestClient_printVerbs(t *testing.T) {
	t.Parallel()
	proxy, err := url.Parse("http://canary:canary@127.0.0.1:1")
	require.NoError(t, err)
	c, err := runners.New("https://gitlab.invalid", &ownAuth{secret: "canary"}, &runners.Options{
		Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}, MaxAttempts: 1,
	})
	require.NoError(t, err)
	require.ErrorIs(t, one(c.Version(t.Context())), runners.ErrUnavailable)
	for _, v := range []any{c, *c, c.Runners, *c.Runners, c.Runners.List(nil), *c.Runners.List(nil)} {
		var recorder recordingT
		assert.Equal(&recorder, v, "something else")
		assert.NotContains(t, recorder.text, "canary")
		for _, verb := range "vsqxXdtefgbcoOUpT" {
			for _, flag := range []string{"", "+", "#", " "} {
				text := fmt.Sprintf("%"+flag+string(verb), v)
				assert.NotContains(t, text, "canary", "%c", verb)
				assert.NotContains(t, strings.ReplaceAll(strings.ToLower(text), " ", ""), "63616e617279", "%c", verb)
			}
		}
	}
}
