// What a client shows of itself when it is printed.

package runners_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

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
