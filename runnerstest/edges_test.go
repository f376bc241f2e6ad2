// Each row of the version table, seen from outside: what a version does just
// before the row's edge, and at it.

package runnerstest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// A sight tells a version that has a subject from one that has not.
type sight struct {
	seed  string // "" = the company; "none" = no seed
	calls string // separated by " ; ": a token ("-" for none), method, path, body
	sign  string // what the last answer matches where the version has it
}

// sights are those of the rows that have no general one.
var sights = map[string]sight{
	"list?type":           {calls: "t-root GET /runners/all?type=group_type", sign: `^200 \[\{"id":40,`},
	"list?status":         {calls: "t-root GET /runners/all?status=paused", sign: `^200 \[\{"id":2,`},
	"list?paused":         {calls: "t-root GET /runners/all?paused=true", sign: `^200 \[\{"id":2,`},
	"list?tag_list":       {calls: "t-root GET /runners/all?tag_list=ruby", sign: `^200 \[\{"id":6,`},
	"list?version_prefix": {calls: "t-root GET /runners/all?version_prefix=15", sign: `^200 \[\{"id":8,`},

	"runner?include_projects": {calls: "t-root GET /runners/6?include_projects=x", sign: `^400 .*include_projects is invalid`},
	"update?paused":           {calls: "t-root PUT /runners/6 paused=true", sign: `^200 .*"paused":true`},
	"update?run_untagged":     {calls: "t-root PUT /runners/6 run_untagged=false", sign: `^200 .*"run_untagged":false`},
	"update?locked":           {calls: "t-root PUT /runners/6 locked=true", sign: `^200 .*"locked":true`},
	"update?access_level":     {calls: "t-root PUT /runners/6 access_level=ref_protected", sign: `^200 .*"ref_protected"`},
	"update?maximum_timeout":  {calls: "t-root PUT /runners/6 maximum_timeout=777", sign: `^200 .*"maximum_timeout":777`},
	"update?maintenance_note": {calls: "t-root PUT /runners/6 maintenance_note=n", sign: `^200 .*"maintenance_note":"n"`},

	"jobs?order_by":            {calls: "t-root GET /runners/7/jobs?order_by=id", sign: `^200 \[\{"id":5,`},
	"jobs?order_by=created_at": {calls: "t-root GET /runners/7/jobs?order_by=created_at&sort=asc", sign: `^200 .*"id":5,"status".*"id":4,"status"`},
	"jobs?sort":                {calls: "t-root GET /runners/7/jobs?sort=x", sign: `^400 .*sort does not have`},
	"jobs?system_id":           {calls: "t-root GET /runners/7/jobs?system_id=none", sign: `^200 \[\]`},
	"jobs?pagination":          {calls: "t-root GET /runners/7/jobs?pagination=keyset", sign: `^200 \[\{"id":5,`},
	"jobs?cursor":              {calls: "t-root GET /runners/7/jobs?pagination=keyset&cursor=x", sign: `^400 .*cursor is invalid`},

	"register?active":           {calls: "- POST /runners token=reg-instance&active=false ; t-root GET /runners/61", sign: `"active":false`},
	"register?paused":           {calls: "- POST /runners token=reg-instance&paused=true ; t-root GET /runners/61", sign: `"active":false`},
	"register?access_level":     {calls: "- POST /runners token=reg-instance&access_level=ref_protected ; t-root GET /runners/61", sign: `"ref_protected"`},
	"register?maximum_timeout":  {calls: "- POST /runners token=reg-instance&maximum_timeout=x", sign: `^400 .*maximum_timeout is invalid`},
	"register?maintenance_note": {calls: "- POST /runners token=reg-instance&maintenance_note[]=x", sign: `^400 .*maintenance_note is invalid`},
	"register?maintainer_note":  {calls: "- POST /runners token=reg-instance&maintainer_note[]=x", sign: `^400 .*maintainer_note is invalid`},
	"register?maintainer_note, maintenance_note": {
		calls: "- POST /runners token=reg-instance&maintainer_note=a&maintenance_note=b", sign: `^400 .*mutually exclusive`,
	},
	"create?token_expires_at": {
		calls: "t-root POST /user/runners runner_type=instance_type&token_expires_at=soon", sign: `^400 .*token_expires_at is invalid`,
	},
	"create?token_rotation_deadline": {
		calls: "t-root POST /user/runners runner_type=instance_type&token_rotation_deadline=soon", sign: `^400 .*token_rotation_deadline is invalid`,
	},
	"legacy?run_untagged": {calls: "- POST /ci/runners/register token=reg-app&run_untagged=false", sign: `^404`},
	"legacy?locked": {
		calls: "- POST /ci/runners/register token=reg-app&locked=true ; t-mia POST /projects/21/runners runner_id=61", sign: `^403 .*locked`,
	},

	"scope: read_api":      {calls: "t-root-read GET /runners/6", sign: `^200`},
	"scope: create_runner": {calls: "t-root-create POST /user/runners runner_type=instance_type", sign: `^201`},
	"scope: manage_runner": {calls: "t-root-manage GET /runners/6", sign: `^200`},

	"rule: online within two hours":          {seed: alone(`"contacted_at":"-90m"`), calls: "t-root GET /runners/1", sign: `"online":true`},
	"rule: stale after seven days":           {calls: "t-root GET /runners/8", sign: `"status":"stale"`},
	"rule: stale is shown":                   {seed: alone(`"contacted_at":"-200d"`), calls: "t-root GET /runners/1", sign: `"status":"stale"`},
	"rule: never_contacted is shown":         {calls: "t-root GET /runners/7", sign: `"status":"never_contacted"`},
	"rule: offline includes never contacted": {calls: "t-root GET /runners/all?status=offline", sign: `\{"id":7,`},

	"rule: ip_address is shown":                {calls: "t-root GET /runners/1", sign: `"ip_address":"10.0.0.1"`},
	"rule: ip_address is an empty text":        {calls: "t-root GET /runners/1", sign: `"ip_address":""`},
	"rule: maintenance_note is for updaters":   {calls: "t-mia GET /runners/1", sign: `"maintenance_note":null`},
	"rule: a missing runner is named":          {calls: "t-root GET /runners/99", sign: `404 Runner Not Found`},
	"rule: cursor headers":                     {calls: "t-root GET /runners/7/jobs?pagination=keyset", sign: `X-Next-Cursor`},
	"rule: verify answers an object":           {calls: "- POST /runners/verify token=glrt-app-runner-six", sign: `^200 \{"id":6,`},
	"rule: legacy parameters are declared":     {calls: "- POST /ci/runners/register", sign: `"error":"token is missing"`},
	"rule: API v3 is gone":                     {calls: "t-root GET /api/v3/runners", sign: `^410`},
	"rule: moved projects are redirected":      {seed: moving(), calls: "t-mia POST /projects/old%2Fapp/runners", sign: `^405`},
	"rule: auditors list all runners":          {calls: "t-audrey GET /runners/all", sign: `^200`},
	"rule: maintainers list a group's runners": {calls: "t-gil GET /groups/10/runners", sign: `^200`},

	"rule: jobs are canceled in two steps": {seed: reporting("success"), calls: "- PUT /jobs/5 token=glcbt-of-job-five", sign: `not processing on runner`},

	"rule: registrars bind assigning": {
		seed: with(`"settings":{"valid_runner_registrars":["group"]}`), calls: "t-mia POST /projects/21/runners runner_id=6", sign: `^403`,
	},
	"rule: locked runners stay assigned":            {calls: "t-mia DELETE /projects/9/runners/60", sign: `^403`},
	"rule: owner projects stay assigned":            {calls: "t-root DELETE /projects/9/runners/7", sign: `^403 .*owner project`},
	"rule: unassigning needs a right on the runner": {calls: "t-mia DELETE /projects/9/runners/7", sign: `^403 .*No access`},
	"rule: assigning converts instance runners":     {calls: "t-root POST /projects/21/runners runner_id=1", sign: `^201`},
	"rule: assigning fails with a text":             {calls: "t-mia POST /projects/9/runners runner_id=6", sign: `"message":"Assign to`},

	"rule: group runners":                    {calls: "- POST /runners token=reg-acme", sign: `^201`},
	"rule: registration can be switched off": {seed: with(`"allow_runner_registration_token":false`), calls: "- POST /runners token=x", sign: `^410`},
	"rule: registration is off by default":   {seed: "none", calls: "- POST /runners token=x", sign: `^410`},
	"rule: a refused registration says why":  {calls: "- POST /runners token=x", sign: `invalid token supplied`},
	"rule: registering stores all of info": {
		calls: "- POST /runners token=reg-instance&info[version]=1.2 ; t-root GET /runners/61", sign: `"version":"1.2"`,
	},
	"rule: plan limits":                  {seed: with(`"plan_limits":{"ci_registered_project_runners":1}`), calls: "- POST /runners token=reg-app", sign: `^400`},
	"rule: at most 50 tags":              {calls: "- POST /runners token=reg-instance&tag_list=" + tags(51), sign: `^400`},
	"rule: migrations hold runners back": {seed: with(`"migration_backoff":true`), calls: "- POST /runners", sign: `^429`},
	"rule: tokens expire":                {seed: alone(`"token_expires_at":"-1h"`), calls: "- POST /runners/verify token=glrt-all-alone-here", sign: `^403`},
	"rule: rotation deadlines": {
		seed:  replace(alone(`"token_rotation_deadline":"-1h"`), "{", `{"license_plan":"premium",`),
		calls: "- POST /runners/reset_authentication_token token=glrt-all-alone-here", sign: `^403`,
	},
	"rule: runners have managers": {calls: "- POST /runners/verify token=glrt-app-runner-six&system_id=", sign: `^400 .*system_xid`},
	"rule: orphans do not verify": {seed: alone(`"runner_type":"project_type","projects":[]`), calls: "- POST /runners/verify token=glrt-all-alone-here", sign: `^403`},
	"rule: verifying a created runner is no contact": {
		seed: alone(""), calls: "- POST /runners/verify token=glrt-all-alone-here ; t-root GET /runners/1", sign: `"contacted_at":null`,
	},

	"rule: registered tokens are hexadecimal": {calls: "- POST /runners token=reg-instance", sign: `"token":"[0-9a-f]{30}"`},
	"rule: tokens tell the runner's type":     {calls: "t-root POST /user/runners runner_type=instance_type", sign: `"glrt-t1_`},
	"rule: glrtr tokens":                      {calls: "- POST /runners token=reg-instance", sign: `"token":"glrtr-`},
	"rule: glrt tokens":                       {calls: "- POST /runners/reset_authentication_token token=glrt-app-runner-six", sign: `"token":"glrt-`},
	"rule: GR1348941 tokens":                  {calls: "t-root POST /groups/10/runners/reset_registration_token", sign: `"token":"GR1348941`},
	"rule: glcbt tokens":                      {seed: work, calls: "- POST /jobs/request token=glrt-group-runner", sign: `"token":"glcbt-`},
}

// alone is a GitLab with one runner.
func alone(more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],` +
		`"runners":[{"token":"glrt-all-alone-here"` + more + `}]}`
}

// TestVersionTable walks every row on both sides of its edges.
func TestVersionTable(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"rule: glpat tokens": true}
	for _, e := range runnerstest.Edges() {
		known[e.Subject] = true
		t.Run(e.Subject+" "+e.At, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, e.Since, shows(t, e.Subject, e.At), "at %s", e.At)
			assert.Equal(t, !e.Since, shows(t, e.Subject, e.Before), "before, at %s", e.Before)
		})
	}
	for subject := range sights {
		assert.True(t, known[subject], "no row %q", subject)
	}
}

// shows reports whether a version behaves as one that has a subject.
func shows(t *testing.T, subject, version string) bool {
	t.Helper()
	if s, ok := sights[subject]; ok {
		return s.seen(t, version)
	}
	method, path, _ := strings.Cut(subject, " ")
	switch {
	case subject == "rule: glpat tokens":
		token := play(t, version).AddToken(runnerstest.AccessToken{User: "root"})
		return strings.HasPrefix(token.Token, "glpat-")
	case strings.Contains(" GET PUT POST DELETE ", " "+method+" "):
		srv := play(t, version)
		ask(t, srv, "", method+" "+strings.NewReplacer("{id}", "1").Replace(path))
		return len(srv.Requests(runnerstest.ByRoute(subject))) == 1
	case strings.Contains(subject, "?"):
		group, pair, _ := strings.Cut(subject, "?")
		list := map[string]string{"list": "/runners/all", "jobs": "/runners/7/jobs"}[group]
		require.NotEmpty(t, list, "no sight of %q", subject)
		return ask(t, play(t, version), "t-root", "GET "+list+"?"+pair).status == http.StatusOK
	default:
		kind, field, found := strings.Cut(subject, ".")
		require.True(t, found, "no sight of %q", subject)
		_, shown := specimen(t, play(t, version), kind)[field]
		return shown
	}
}

func (s sight) seen(t *testing.T, version string) bool {
	t.Helper()
	srv := play(t, version)
	switch s.seed {
	case "":
	case "none":
		srv = runnerstest.NewServer(t, &runnerstest.Options{Version: version})
	default:
		srv = playSeed(t, version, s.seed)
	}
	var last answer
	for call := range strings.SplitSeq(s.calls, " ; ") {
		parts := append(strings.SplitN(call, " ", 4), "")
		last = ask(t, srv, strings.TrimPrefix(parts[0], "-"), parts[1]+" "+parts[2], parts[3])
	}
	headers, err := json.Marshal(last.header)
	require.NoError(t, err)
	text := strconv.Itoa(last.status) + " " + last.body + string(headers)
	return regexp.MustCompile(s.sign).MatchString(text)
}

// specimen returns an object of the kind that the version table calls so.
func specimen(t *testing.T, srv *runnerstest.Server, kind string) map[string]any {
	t.Helper()
	switch kind {
	case "runner":
		return ask(t, srv, "t-root", "GET /runners/6").object(t)
	case "updated runner":
		return ask(t, srv, "t-root", "PUT /runners/6", "description=x").object(t)
	case "legacy runner":
		return ask(t, srv, "", "DELETE /ci/api/v1/runners/delete", "token=glrt-app-runner-six").object(t)
	case "token":
		return ask(t, srv, "", "POST /runners", "token=reg-instance").object(t)
	case "manager":
		return ask(t, srv, "t-root", "GET /runners/1/managers").list(t)[0]
	case "job":
		return ask(t, srv, "t-root", "GET /runners/7/jobs").list(t)[0]
	case "project":
		projects, ok := ask(t, srv, "t-root", "GET /runners/6").object(t)["projects"].([]any)
		require.True(t, ok)
		project, ok := projects[0].(map[string]any)
		require.True(t, ok)
		return project
	default:
		t.Errorf("no specimen of %q", kind)
		return nil
	}
}
