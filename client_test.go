// What a client is made of: base URLs, options, and what goes wrong with them;
// and what its requests say of themselves.

package runners_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
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
