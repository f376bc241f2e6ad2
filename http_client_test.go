// The caller's own http.Client, as far as it has a say: redirects, cookies and
// timeouts.

package runners_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

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
