// The calls that a secret in the request opens, cell by cell: call × secret ×
// user's token beside it, which nobody looks at.

package runnerstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// An opening says which secret opens a call; every other one is refused.
type opening struct {
	version, call, more string
	opens               string // the kind of secret
	done                int
	missing             string // what a request without a secret gets
	refusal             string
}

var openings = []opening{
	{"", "POST /runners", "", "registration", 201, tokenMissing, invalidToken},
	{"", "POST /runners/verify", "", "runner", 200, tokenMissing, forbidden},
	{"", "POST /runners/reset_authentication_token", "", "runner", 201, tokenMissing, forbidden},
	{"", "DELETE /runners", "", "runner", 204, tokenMissing, forbidden},
	{"", "DELETE /runners/managers", "&system_id=s_1", "runner", 204, tokenMissing, forbidden},
	{"", "POST /jobs/request", "", "runner", 204, tokenMissing, forbidden},
	{"", "PUT /jobs/5", "&state=success", "job", 200, tokenMissing, forbidden},
	{"", "PATCH /jobs/5/trace", "", "job", 400, forbidden, forbidden},
	{"", "GET /runners/router/discovery", "", "runner", 501, forbidden, forbidden},
	{"9.5.0", "POST /ci/api/v1/runners/register", "", "registration", 201, tokenMissing, forbidden},
	{"9.5.0", "DELETE /ci/api/v1/runners/delete", "", "runner", 200, tokenMissing, forbidden},
	{"9.5.0", "POST /ci/api/v1/builds/register", "", "runner", 204, tokenMissing, forbidden},
	{"9.5.0", "PUT /ci/api/v1/builds/-1", "", "runner", 404, tokenMissing, forbidden},
}

const (
	tokenMissing = `{"error":"token is missing"}`
	invalidToken = `{"message":"403 Forbidden - invalid token supplied"}`
)

// secretKinds are one secret of each kind, in the world of secretWorld.
var secretKinds = map[string]string{
	"runner": "glrt-shared-runner-one", "ended": "glrt-ended-an-hour-ago", "registration": "reg-instance",
	"job": "glcbt-of-job-five", "personal": "t-root", "unknown": "glrt-nobodys-at-all", "other case": "GLRT-SHARED-RUNNER-ONE",
}

func secretWorld(t *testing.T, version string) *runnerstest.Server {
	t.Helper()
	seed := replace(acme, `{"id": 5, "status"`, `{"id": 5, "token": "glcbt-of-job-five", "status"`)
	ended := `"runners": [{"id": 90, "token": "glrt-ended-an-hour-ago", "token_expires_at": "-1h"},`
	return playSeed(t, version, replace(seed, `"runners": [`, ended))
}

func TestSecretsOpen(t *testing.T) {
	t.Parallel()
	for _, o := range openings {
		t.Run(o.call, func(t *testing.T) {
			t.Parallel()
			for _, user := range []string{"", "t-root", "t-revoked", "nonsense"} {
				o.tryAll(t, user)
				header := http.Header{"Private-Token": {user}}
				a := send(t, secretWorld(t, o.version), header, o.call, strings.TrimPrefix(o.more, "&"))
				assert.Equal(t, o.missing, a.body, "nothing beside %q", user)
			}
		})
	}
}

// tryAll makes the call with one secret of each kind.
func (o opening) tryAll(t *testing.T, user string) {
	t.Helper()
	for kind, secret := range secretKinds {
		if kind == "ended" && o.version != "" {
			continue // tokens had no end then
		}
		a := shown(t, secretWorld(t, o.version), user, o.call, secret, o.more)
		if kind == o.opens {
			assert.Equal(t, o.done, a.status, "%s beside %q", kind, user)
			continue
		}
		a.want(t, 403, o.refusal)
	}
}

// shown makes a call with a secret where it belongs.
func shown(t *testing.T, srv *runnerstest.Server, user, call, secret, more string) answer {
	t.Helper()
	header := http.Header{"Private-Token": {user}}
	if strings.Contains(call, "discovery") {
		header.Set("Runner-Token", secret)
		return send(t, srv, header, call)
	}
	return send(t, srv, header, call, "token="+secret+more)
}

// TestEveryRouteHasRules makes sure that each route is walked by one of the
// two tables.
func TestEveryRouteHasRules(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{"GET /ci/api/v1/runners": true}
	for _, o := range openings {
		srv := secretWorld(t, o.version)
		shown(t, srv, "", o.call, "x", o.more)
		walked[srv.Requests()[0].Route] = true
	}
	srv := permissionWorld(t, false)
	for _, r := range rules {
		ask(t, srv, "", named(r.call, "private"))
	}
	for _, request := range srv.Requests() {
		walked[request.Route] = true
	}
	require.Len(t, walked, len(runnerstest.Routes()))
}
