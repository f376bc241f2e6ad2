// /ci/api/v1: the runners' API of GitLab 8 and 9, and as much of its builds as
// a runner without work needs.

package runnerstest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

// legacyFields are the row of a deleted runner.
func legacyFields() shape[runner] {
	return shape[runner]{
		number("id", func(r *runner) int64 { return r.id }),
		text("token", func(r *runner) string { return r.token }),
		moment("created_at", func(r *runner) time.Time { return r.createdAt.time() }),
		moment("updated_at", func(r *runner) time.Time { return r.updatedAt.time() }),
		text("description", func(r *runner) string { return r.description }),
		moment("contacted_at", func(r *runner) time.Time { return r.contactedAt.time() }),
		flag("active", func(r *runner) bool { return !r.paused }),
		flag("is_shared", func(r *runner) bool { return r.kind == runners.InstanceType }),
		maybeText("name", func(r *runner) *string { return r.name }),
		maybeText("version", func(r *runner) *string { return r.told().version }),
		maybeText("revision", func(r *runner) *string { return r.told().revision }),
		maybeText("platform", func(r *runner) *string { return r.told().platform }),
		maybeText("architecture", func(r *runner) *string { return r.told().architecture }),
		flag("run_untagged", func(r *runner) bool { return r.runUntagged }),
		flag("locked", func(r *runner) bool { return r.locked }),
	}
}

func legacyRegisterParams() declared {
	return declared{
		group: "legacy",
		params: []param{
			tokenParam(),
			{name: "description"},
			{name: "tag_list", kind: listKind},
			{name: "run_untagged", kind: booleanKind},
			{name: "locked", kind: booleanKind},
			{name: "info", kind: hashKind},
		},
	}
}

// tokenGiven refuses a request without a token as GitLab 8 did.
//
// inferred: the text of GitLab 9.
func tokenGiven(q *request) *refusal {
	switch token, _ := q.given["token"].(string); {
	case strings.TrimSpace(token) != "":
		return nil
	case q.edition.has("rule: legacy parameters are declared"):
		return refuseError(http.StatusBadRequest, "token is missing")
	default:
		return refuse(http.StatusBadRequest, `400 (Bad request) "token" not given`)
	}
}

// registrableLegacy finds what the registration token registers for. Groups
// had none.
func registrableLegacy(q *request) *refusal {
	secret, _ := q.text("token")
	if secret == q.world.registrationToken {
		return nil
	}
	if q.project = q.world.projByRegistration[secret]; q.project == nil {
		return forbidden("")
	}
	return nil
}

func listLegacy(q *request) (reply, *refusal) {
	body := appendArray(nil, q.edition.shapes.identity, &q.view, q.world.runners.rows)
	return reply{status: http.StatusOK, body: body}, nil
}

func registerLegacy(q *request) (reply, *refusal) {
	r := q.registered()
	if q.violationsOf(r, true) != nil {
		return reply{}, refuse(http.StatusNotFound, "404 Not Found")
	}
	q.add(r)
	return show(q, http.StatusCreated, q.edition.shapes.identity, r)
}

func destroyLegacy(q *request) (reply, *refusal) {
	body := appendObject(nil, q.edition.shapes.legacy, &q.view, q.runner)
	q.world.removeRunner(q.runner)
	return reply{status: http.StatusOK, body: body}, nil
}

// requestBuild tells a runner that there is no work for it. Where there is
// some, the answer is that this server does not hand it out.
//
// inferred: that a paused runner is told the same.
func requestBuild(q *request) (reply, *refusal) {
	if err := q.contact(true); err != nil {
		return reply{}, err
	}
	if q.nextJob() != nil && !q.runner.paused {
		return reply{}, buildsNotModelled()
	}
	header := http.Header{"X-Gitlab-Last-Update": {q.queueValue(q.runner)}}
	return reply{status: http.StatusNoContent, header: header}, nil
}

// reportBuild knows no build that the runner works on: runners use it to ask
// whether their tokens are good.
func reportBuild(q *request) (reply, *refusal) {
	id, _ := strconv.ParseInt(strings.TrimSuffix(q.PathValue("id"), ".json"), 10, 64)
	if j := q.world.jobs.get(id); j != nil && j.runner == q.runner && j.status == runners.JobRunning {
		return reply{}, buildsNotModelled()
	}
	return reply{}, refuse(http.StatusNotFound, "404 Not found")
}

func buildsNotModelled() *refusal {
	return notModelled("builds of the CI API are not played.")
}
