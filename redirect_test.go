// Which redirects are followed, and which are not.

package runners_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestRedirect: a GET is followed within its origin, five times at most.
func TestRedirect(t *testing.T) {
	t.Parallel()
	to := func(location string) step { return reply(301, "moved", "Location", location) }
	for name, c := range map[string]struct {
		steps []step
		uris  []string
	}{
		"path":     {[]step{to("/api/v4/runners/7"), reply(200, aRunner)}, []string{"/api/v4/runners/6", "/api/v4/runners/7"}},
		"relative": {[]step{to("7?a=b"), reply(200, aRunner)}, []string{"/api/v4/runners/6", "/api/v4/runners/7?a=b"}},
		"whole":    {[]step{to("https://GitLab.example.com:443/x"), reply(200, aRunner)}, []string{"/api/v4/runners/6", "/x"}},
		"five": {
			[]step{to("/1"), to("/2"), to("/3"), to("/4"), to("/5"), reply(200, aRunner)},
			[]string{"/api/v4/runners/6", "/1", "/2", "/3", "/4", "/5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(c.steps...)
			_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
			require.NoError(t, err)
			var uris []string
			for _, r := range s.requests() {
				uris = append(uris, r.URI)
				assert.Equal(t, accessToken, r.Header.Get("Private-Token"))
			}
			assert.Equal(t, c.uris, uris)
		})
	}
}

// TestRedirect_refused: no redirect leads out of the origin, and its target is
// not shown but for the host.
func TestRedirect_refused(t *testing.T) {
	t.Parallel()
	for location, target := range map[string]string{
		"https://evil.example/canary?private_token=canary": "https://evil.example",
		"https://canary:canary@evil.example/":              "https://evil.example",
		"//evil.example/canary":                            "https://evil.example",
		"http://gitlab.example.com/canary":                 "http://gitlab.example.com",
		"https://gitlab.example.com:8443/canary":           "https://gitlab.example.com:8443",
		"http://gitlab.example.com:443/canary":             "http://gitlab.example.com:443",
		"https://gitlab.example.com.evil.example/":         "https://gitlab.example.com.evil.example",
		"https://" + accessToken + ".evil.example/":        "https://[REDACTED].evil.example",
		"javascript:canary()":                              "javascript:",
		"https://[canary":                                  "nowhere",
		"":                                                 "nowhere",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(status, " ", location), func(t *testing.T) {
				t.Parallel()
				s := play(reply(status, `<a href="`+location+`">canary</a>`, "Location", location))
				_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
				require.ErrorIs(t, err, runners.ErrRedirect)
				assert.Equal(t, fmt.Sprintf("runners: GET /runners/{id}: %d redirected to %s: "+
					"check the base URL, http or https too", status, target), err.Error())
				assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "canary")
				assert.Len(t, s.requests(), 1)
			})
		}
	}
}

// TestRedirect_loop: it ends after the sixth request.
func TestRedirect_loop(t *testing.T) {
	t.Parallel()
	s := play(reply(302, "", "Location", "/again"))
	_, err := client(t, s, nil).Runners.Get(t.Context(), 6)
	require.ErrorIs(t, err, runners.ErrRedirect)
	assert.Len(t, s.requests(), 6)
}

// TestRedirect_writes: nothing but a GET is sent elsewhere, be it next door.
func TestRedirect_writes(t *testing.T) {
	t.Parallel()
	for _, class := range classes[1:] {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(class.class, " ", status), func(t *testing.T) {
				t.Parallel()
				s := play(reply(status, "", "Location", "/users/sign_in"))
				err := class.call(t.Context(), client(t, s, nil))
				require.ErrorIs(t, err, runners.ErrRedirect)
				assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), "redirected to another path: check the base URL, http or https too")
				assert.Len(t, s.requests(), 1)
			})
		}
	}
}
