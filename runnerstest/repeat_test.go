// Servers repeat themselves: with one seed of randomness they answer the same,
// and a snapshot holds all that their answers depend on.

package runnerstest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// eventful is a world in which much is switched on.
func eventful() string {
	return with(`"license_plan": "premium", "plan_limits": {"ci_registered_project_runners": 5},
		"settings": {"runner_token_expiration_interval": 86400, "project_runner_token_expiration_interval": 172800}`)
}

// life is a sequence of requests over all that the server keeps. A token that
// an answer brought stands in later ones as {user}, {first} and so on.
var life = []struct{ actor, call, body, keep string }{
	{"t-mia", "POST /user/runners", "runner_type=project_type&project_id=9&tag_list=b,a&description=mine", "first"},
	{"t-olga", "POST /user/runners", "runner_type=group_type&group_id=10&run_untagged=false&tag_list=x", "second"},
	{"t-root", "POST /user/runners", `{"runner_type":"instance_type","maximum_timeout":600,"paused":true}`, "third"},
	{"", "POST /runners", `{"token":"reg-app","description":"registered","info":{"name":"r","version":"17.5.0"}}`, "registered"},
	{"", "POST /runners", `{"token":"nonsense"}`, ""},
	{"", "POST /runners/verify", `{"token":"{first}","system_id":"s_one"}`, ""},
	{"", "POST /runners/verify", `{"token":"{first}","system_id":" "}`, ""},
	{"", "POST /runners/verify", `{"token":"{second}"}`, ""},
	{"", "POST /runners/verify", `{"token":"{registered}","system_id":"` + strings.Repeat("é", 64) + `"}`, ""},
	{"t-root", "GET /runners/61/managers", "", ""},
	{"", "POST /jobs/request", `{"token":"{first}","system_id":"s_one","info":{"version":"17.6.0","executor":"shell"}}`, "job"},
	{"", "PUT /jobs/100", `{"token":"{job}","state":"failed","failure_reason":"script_failure"}`, ""},
	{"", "POST /jobs/request", `{"token":"{first}","system_id":"r_two"}`, ""},
	{"t-root", "GET /runners/61/jobs", "", ""},
	{"t-mia", "PUT /runners/61", `{"paused":true,"maintenance_note":"soon","tag_list":["z","y"],"locked":true}`, ""},
	{"t-mia", "PUT /runners/61", `{"maximum_timeout":null,"access_level":"ref_protected"}`, ""},
	{"t-root", "POST /projects/12/runners", "runner_id=61", ""},
	{"t-root", "POST /projects/12/runners", "runner_id=61", ""},
	{"t-root", "DELETE /projects/12/runners/7", "", ""},
	{"t-mia", "POST /runners/61/reset_authentication_token", "", "first"},
	{"", "POST /runners/reset_authentication_token", `{"token":"{registered}"}`, "registered"},
	{"t-root", "POST /projects/9/runners/reset_registration_token", "", ""},
	{"t-root", "POST /groups/10/runners/reset_registration_token", "", ""},
	{"t-root", "POST /runners/reset_registration_token", "", ""},
	{"", "DELETE /runners/managers", `{"token":"{first}","system_id":"r_two"}`, ""},
	{"", "DELETE /runners", `{"token":"{registered}"}`, ""},
	{"t-root", "DELETE /runners/2", "", ""},
	{"t-sam", "GET /runners/6", "", ""},
	{"t-nobody", "GET /runners", "", ""},
}

// looks are requests that change nothing.
var looks = []string{
	"GET /runners/all?per_page=3", "GET /runners/all?status=never_contacted", "GET /runners?page=2&per_page=1",
	"GET /runners/1", "GET /runners/6", "GET /runners/7", "GET /runners/61", "GET /runners/62", "GET /runners/63",
	"GET /runners/61/managers", "GET /runners/62/managers", "GET /runners/1/managers", "GET /runners/61/jobs",
	"GET /runners/1/jobs?pagination=keyset&per_page=1", "GET /runners/7/projects", "GET /runners/61/projects",
	"GET /projects/9/runners", "GET /projects/12/runners", "GET /groups/11/runners",
	"GET /user", "GET /version", "GET /metadata",
}

// living starts a server on a clock that stands still.
func living(t *testing.T, randSeed uint64, version, seed string) *runnerstest.Server {
	t.Helper()
	srv := runnerstest.NewServer(t, &runnerstest.Options{
		Version: version, Seed: strings.NewReader(seed), RandSeed: randSeed, Lenient: true,
		Now: func() time.Time { return start },
	})
	srv.AddJob(runnerstest.Job{ID: 100, ProjectID: 9, TagList: []string{"a"}})
	srv.AddJob(runnerstest.Job{ID: 101, ProjectID: 9, TagList: []string{"b"}})
	return srv
}

// live goes through a life, looks at each step, and returns all answers.
func live(t *testing.T, srv *runnerstest.Server, step func()) []answer {
	t.Helper()
	tokens := map[string]string{}
	var answers []answer
	for _, event := range life {
		body := event.body
		for name, token := range tokens {
			body = strings.ReplaceAll(body, "{"+name+"}", token)
		}
		a := ask(t, srv, event.actor, event.call, body)
		answers = append(answers, a)
		if event.keep != "" && a.status == http.StatusCreated {
			tokens[event.keep], _ = a.object(t)["token"].(string)
		}
		srv.Advance(17 * time.Minute)
		step()
	}
	return append(answers, look(t, srv)...)
}

// look asks what changes nothing, and returns the answers without their ids.
func look(t *testing.T, srv *runnerstest.Server) (answers []answer) {
	t.Helper()
	for _, call := range looks {
		answers = append(answers, ask(t, srv, "t-root", call))
	}
	return answers
}

func versions() []string {
	return []string{"", "18.0.0", "17.5.0", "16.0.0", "13.10.0", "10.0.0", "8.2.0"}
}

func TestSameSeedSameAnswers(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			nothing := func() {}
			one, two, other := living(t, 7, version, eventful()), living(t, 7, version, eventful()), living(t, 8, version, eventful())
			first := live(t, one, nothing)
			assert.Equal(t, first, live(t, two, nothing), "status, headers and body")
			assert.Equal(t, marshalled(t, one.Snapshot()), marshalled(t, two.Snapshot()))
			assert.Equal(t, one.Requests(), two.Requests())
			if version == "" {
				assert.NotEqual(t, first, live(t, other, nothing))
			}
		})
	}
}

// TestLifeSucceeds holds the life to what it is for: most of it works.
func TestLifeSucceeds(t *testing.T) {
	t.Parallel()
	statuses := map[int]int{}
	for i, a := range live(t, living(t, 0, "", eventful()), func() {}) {
		statuses[a.status]++
		if i < len(life) && life[i].keep != "" {
			assert.Equal(t, http.StatusCreated, a.status, "%s: %s", life[i].call, a.body)
		}
	}
	assert.Equal(t, []int{200, 201, 204, 400, 401, 403}, slices.Sorted(maps.Keys(statuses)))
	assert.GreaterOrEqual(t, statuses[200], len(looks))
}

// TestRestoredServersAnswerTheSame takes a snapshot at each step of a life,
// restores it elsewhere, and finds no difference: neither in the next snapshot
// nor in any answer.
func TestRestoredServersAnswerTheSame(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			srv := living(t, 1, version, eventful())
			live(t, srv, func() {
				first := marshalled(t, srv.Snapshot())
				var state runnerstest.State
				require.NoError(t, json.Unmarshal([]byte(first), &state))
				other := runnerstest.NewServer(t, &runnerstest.Options{Now: srv.Now, Lenient: true})
				require.NoError(t, other.Restore(state))
				assert.Equal(t, first, marshalled(t, other.Snapshot()))
				assert.Equal(t, bodies(look(t, srv)), bodies(look(t, other)))
			})
		})
	}
}

// bodies are the statuses and bodies of answers: the ids of requests go on.
func bodies(answers []answer) (all []string) {
	for _, a := range answers {
		all = append(all, http.StatusText(a.status)+" "+a.body)
	}
	return all
}
