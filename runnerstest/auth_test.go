// Who asks: access tokens, where they stand in a request, and their scopes.

package runnerstest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/runnerstest"
)

const (
	expired = `{"error":"invalid_token","error_description":"Token is expired. ` +
		`You can either do re-authorization or token refresh."}`
	revoked = `{"error":"invalid_token","error_description":"Token was revoked. ` +
		`You have to re-authorize from the user."}`
)

func insufficient(scopes string) string {
	return `{"error":"insufficient_scope","error_description":"The request requires higher ` +
		`privileges than provided by the access token.","scope":"` + scopes + `"}`
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for name, c := range map[string]struct {
		header http.Header
		query  string
		body   string
		status int
		answer string
	}{
		"none":                   {status: 401, answer: unauthorized},
		"header":                 {header: http.Header{"Private-Token": {"t-root"}}, status: 200},
		"unknown":                {header: http.Header{"Private-Token": {"nope"}}, status: 401, answer: unauthorized},
		"query":                  {query: "?private_token=t-root", status: 200},
		"query wins":             {header: http.Header{"Private-Token": {"t-root"}}, query: "?private_token=no", status: 401, answer: unauthorized},
		"empty query":            {header: http.Header{"Private-Token": {"t-root"}}, query: "?private_token=", status: 200},
		"form":                   {body: "private_token=t-root", status: 200},
		"JSON is not looked at":  {body: `{"private_token":"t-root"}`, status: 401, answer: unauthorized},
		"bearer":                 {header: http.Header{"Authorization": {"Bearer t-root"}}, status: 200},
		"bearer in lower case":   {header: http.Header{"Authorization": {"bearer t-root"}}, status: 200},
		"bearer without a token": {header: http.Header{"Authorization": {"Bearer "}}, status: 401, answer: unauthorized},
		"basic":                  {header: http.Header{"Authorization": {"Basic t-root"}}, status: 401, answer: unauthorized},
		"OAuth as a bearer":      {header: http.Header{"Authorization": {"Bearer t-oauth"}}, status: 200},
		"OAuth as access_token":  {query: "?access_token=t-oauth", status: 200},
		"OAuth as private":       {header: http.Header{"Private-Token": {"t-oauth"}}, status: 401, answer: unauthorized},
		"access_token":           {query: "?access_token=t-root", status: 200},
		"job token":              {query: "?job_token=t-root", header: http.Header{"Job-Token": {"t-root"}}, status: 401, answer: unauthorized},
		"runner token":           {header: http.Header{"Private-Token": {"glrt-app-runner-six"}}, status: 401, answer: unauthorized},
		"expired":                {header: http.Header{"Private-Token": {"t-expired"}}, status: 401, answer: expired},
		"revoked":                {header: http.Header{"Private-Token": {"t-revoked"}}, status: 401, answer: revoked},
		"two headers":            {header: http.Header{"Private-Token": {"t-root"}, "Authorization": {"Bearer nope"}}, status: 200},
		"two, the first bad":     {header: http.Header{"Private-Token": {"nope"}, "Authorization": {"Bearer t-root"}}, status: 401, answer: unauthorized},
		"blocked": {
			header: http.Header{"Private-Token": {"t-bob"}}, status: 403,
			answer: `{"message":"403 Forbidden - Your account has been blocked."}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := send(t, srv, c.header, "GET /runners/6"+c.query, c.body)
			assert.Equal(t, c.status, a.status)
			if c.answer != "" {
				assert.Equal(t, c.answer, a.body)
			}
		})
	}
}

func TestPendingUser(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", `{"users":[{"username":"new","state":"blocked_pending_approval","tokens":[{"token":"t-new"}]}]}`)
	ask(t, srv, "t-new", "GET /runners").want(t, 403,
		`{"message":"403 Forbidden - Your account is pending approval from your administrator and hence blocked."}`)
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	assert.Contains(t, ask(t, srv, "t-expired", "GET /runners").header.Get("WWW-Authenticate"), `Bearer realm=`)
	assert.Empty(t, ask(t, srv, "t-root-read", "PUT /runners/6").header.Get("WWW-Authenticate"))
	assert.Empty(t, ask(t, srv, "", "GET /runners").header.Get("WWW-Authenticate"))
}

func TestTokenEnds(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	assert.Equal(t, 200, ask(t, srv, "t-ending", "GET /runners").status)
	srv.Advance(time.Hour)
	ask(t, srv, "t-ending", "GET /runners").want(t, 401, expired)
}

// TestScopes walks the routes that take users' tokens with one token per scope.
func TestScopes(t *testing.T) {
	t.Parallel()
	runner := insufficient("manage_runner api read_api")
	create := insufficient("create_runner api read_api")
	user := insufficient("read_user api read_api")
	scopes := []string{"t-root", "t-root-read", "t-root-manage", "t-root-create", "t-root-user"}
	for _, c := range []struct {
		call  string
		opens string // one letter for each scope above: y or n
		text  string
	}{
		{"GET /runners", "yynnn", runner},
		{"HEAD /runners", "yynnn", ""},
		{"GET /runners/all", "yynnn", runner},
		{"GET /runners/6", "yyynn", runner},
		{"GET /runners/6/jobs", "yyynn", runner},
		{"GET /runners/6/managers", "yyynn", runner},
		{"GET /runners/6/projects", "yyynn", runner},
		{"PUT /runners/6", "ynynn", runner},
		{"DELETE /runners/6", "ynynn", runner},
		{"POST /runners/6/reset_authentication_token", "ynynn", runner},
		{"POST /runners/reset_registration_token", "ynnnn", runner},
		{"GET /projects/9/runners", "yynnn", runner},
		{"POST /projects/9/runners", "ynnnn", runner},
		{"DELETE /projects/12/runners/7", "ynnnn", runner},
		{"POST /projects/9/runners/reset_registration_token", "ynnnn", runner},
		{"GET /groups/10/runners", "yynnn", runner},
		{"POST /groups/10/runners/reset_registration_token", "ynnnn", runner},
		{"POST /user/runners", "ynnyn", create},
		{"GET /version", "yynny", user},
		{"GET /metadata", "yynny", user},
		{"GET /user", "yynny", user},
	} {
		t.Run(c.call, func(t *testing.T) {
			t.Parallel()
			for i, token := range scopes {
				a := ask(t, play(t, ""), token, c.call)
				if c.opens[i] == 'y' {
					assert.NotContains(t, a.body, "insufficient_scope", token)
					assert.NotContains(t, []int{401, 403}, a.status, token)
				} else {
					a.want(t, 403, c.text)
				}
			}
		})
	}
}

// TestManageRunnerNeedsAnID gives paths of runners an id, and others too.
func TestManageRunnerNeedsAnID(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for call, status := range map[string]int{
		"GET /runners?id=6": 403, "GET /runners/all": 403, "GET /runners/all?id=6": 200,
		"GET /projects/9/runners?id=6": 403, "GET /runners/6": 200,
	} {
		assert.Equal(t, status, ask(t, srv, "t-root-manage", call).status, call)
	}
}

func TestScopesByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, call, token, answer string }{
		{"17.0.0", "GET /runners/6", "t-root-manage", insufficient("api read_api")},
		{"17.1.0", "GET /runners/6", "t-root-manage", ""},
		{"12.9.0", "GET /runners/6", "t-root-read", insufficient("api")},
		{"12.10.0", "GET /runners/6", "t-root-read", ""},
		{"15.11.0", "POST /user/runners", "t-root-create", insufficient("api read_api")},
		{"16.0.0", "POST /user/runners", "t-root-create", ""},
	} {
		a := ask(t, play(t, c.version), c.token, c.call)
		if c.answer == "" {
			assert.NotEqual(t, 403, a.status, c)
			continue
		}
		a.want(t, 403, c.answer)
	}
}

func TestAdminMode(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", with(`"settings":{"admin_mode":true}`))
	ask(t, srv, "t-root", "GET /runners/all").want(t, 403, forbidden)
	ask(t, srv, "t-root", "GET /runners/6").want(t, 403, noAccess)
	ask(t, srv, "t-root", "GET /projects/9/runners").want(t, 404, noProject)
	a := ask(t, srv, "t-root", "GET /runners/1")
	assert.Equal(t, 200, a.status)
	assert.Nil(t, a.object(t)["maintenance_note"])
	ask(t, srv, "t-root", "POST /user/runners", "runner_type=instance_type").want(t, 403,
		`{"message":"403 Forbidden - Insufficient permissions"}`)

	assert.Equal(t, 200, ask(t, srv, "t-root-mode", "GET /runners/all").status)
	assert.Equal(t, "keep off", ask(t, srv, "t-root-mode", "GET /runners/1").object(t)["maintenance_note"])
	assert.Equal(t, 201, ask(t, srv, "t-root-mode", "POST /user/runners", "runner_type=instance_type").status)
}

// TestSudo: who may act as whom, and what an actor may do.
func TestSudo(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", strings.Replace(acme, `{"token": "t-oauth"`,
		`{"token": "t-root-sudo", "scopes": ["sudo"]}, {"token": "t-oauth"`, 1))
	const nobody = `{"message":"404 User with ID or username 'nobody' Not Found"}`
	for _, c := range []struct {
		token, sudo, call string
		status            int
		answer            string
	}{
		{"t-root-sudo", "mia", "GET /runners/6", 200, ""},
		{"t-root-sudo", "MIA", "PUT /runners/6?description=x", 200, ""},
		{"t-root-sudo", "5", "GET /runners/6", 200, ""},
		{"t-root-sudo", "", "GET /runners/6?sudo=mia", 200, ""},
		{"t-root-sudo", "mia", "GET /runners/all", 403, forbidden},
		{"t-root-sudo", "root", "GET /runners/all", 200, ""},
		{"t-root-sudo", "dev", "GET /runners/6", 403, noAccess},
		{"t-root-sudo", "nobody", "GET /runners/6", 404, nobody},
		{"t-root-sudo", "", "GET /runners/6", 403, insufficient("manage_runner api read_api")},
		{"t-root", "mia", "GET /runners/6", 403, insufficient("sudo")},
		{"t-mia", "root", "GET /runners/6", 403, `{"message":"403 Forbidden - Must be admin to use sudo"}`},
		{"t-expired", "mia", "GET /runners/6", 401, expired},
		{"nope", "mia", "GET /runners/6", 401, unauthorized},
	} {
		header := http.Header{"Private-Token": {c.token}}
		if c.sudo != "" {
			header.Set("Sudo", c.sudo)
		}
		a := send(t, srv, header, c.call)
		assert.Equal(t, c.status, a.status, "%+v: %s", c, a.body)
		if c.answer != "" {
			assert.Equal(t, c.answer, a.body)
		}
	}
	assert.Len(t, srv.Requests(runnerstest.ByActor("mia")), 6, "five of root, and her own")
}

// TestRunnerRoutesNeedNoUser makes sure that what a runner process sends as a
// user's token does no harm.
func TestRunnerRoutesNeedNoUser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call, body string
		status     int
	}{
		{"POST /runners", "token=reg-instance", 201},
		{"POST /runners/verify", "token=glrt-app-runner-six", 200},
		{"POST /runners/reset_authentication_token", "token=glrt-app-runner-six", 201},
		{"DELETE /runners", "token=glrt-app-runner-six", 204},
		{"POST /jobs/request", "token=glrt-app-runner-six", 204},
	} {
		for _, token := range []string{"", "glrt-app-runner-six", "nonsense", "t-revoked"} {
			assert.Equal(t, c.status, ask(t, play(t, ""), token, c.call, c.body).status, c.call)
		}
	}
}
