// From when to when a route, a parameter, a value, a field or a rule of GitLab
// exists. This is the only room that compares versions.

package runnerstest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// The GitLabs that a server plays, and the one it plays when it is told
// nothing.
const (
	oldest = "8.2.0"
	newest = "19.1.0"
)

var (
	oldestVersion = mustVersion(oldest)
	newestVersion = mustVersion(newest)
)

// A version is a release of GitLab.
type version struct{ major, minor, patch int }

// parseVersion reads "17.5.0". Each release from 8.2 to the newest is played.
func parseVersion(s string) (version, error) {
	v, err := readVersion(s)
	if err != nil {
		return version{}, err
	}
	if v.before(oldestVersion) || newestVersion.before(v) {
		return version{}, fmt.Errorf("version %q is not played: want %s to %s", s, oldest, newest)
	}
	return v, nil
}

// readVersion reads three numbers with dots between them, or two: "14.8" is
// "14.8.0".
func readVersion(s string) (version, error) {
	parts := strings.Split(s, ".")
	var n [3]int
	for i, part := range parts[:min(3, len(parts))] {
		v, err := strconv.ParseUint(part, 10, 16)
		if err != nil || len(parts) < 2 || len(parts) > 3 {
			return version{}, fmt.Errorf("%q is no version such as %q", s, newest)
		}
		n[i] = int(v)
	}
	return version{n[0], n[1], n[2]}, nil
}

// sameVersion reports whether two texts name one version.
func sameVersion(a, b string) bool {
	v, err := readVersion(a)
	w, wrong := readVersion(b)
	return a == b || err == nil && wrong == nil && v == w
}

// mustVersion reads a version of the tables.
func mustVersion(s string) version {
	v, err := readVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

// nearest returns the version to play for a GitLab that calls itself s, such
// as "17.5.0-ee".
func nearest(s string) (version, error) {
	s, _, _ = strings.Cut(s, "-")
	v, err := readVersion(s)
	switch {
	case err != nil:
		return version{}, err
	case v.before(oldestVersion):
		return oldestVersion, nil
	case newestVersion.before(v):
		return newestVersion, nil
	default:
		return v, nil
	}
}

// before reports whether v is an older release than other.
func (v version) before(other version) bool {
	return cmp.Or(cmp.Compare(v.major, other.major),
		cmp.Compare(v.minor, other.minor), cmp.Compare(v.patch, other.patch)) < 0
}

// String returns the version as GitLab prints it.
func (v version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch)
}

// A row says from when to when something exists. What has no row was there
// from the oldest version on.
//
// Subjects are a route ("GET /runners/{id}/jobs"), a parameter, one of its
// values, or a pair that excludes each other ("list?paused",
// "list?status=stale"; the word before the question mark is the parameters'
// group), a field of an answer ("runner.paused"), a
// token's scope ("scope: read_api") or a rule ("rule: …").
type row struct {
	subject string
	since   string // "" = from the oldest version on
	until   string // the first version without it; "" = still there
	exact   bool   // false: known from what lies before and after it only
}

const (
	exact = true
	near  = false
)

// history is the whole of what differs between versions.
//
// The Runners API came with 8.5 and /api/v4 with 9.0; both are served in every
// version all the same, so that today's clients can be pointed at any.
// The legacy list of runners was gone by about 8.3; it is served below 10.0.
var history = []row{
	// routes
	{"GET /runners/{id}/jobs", "10.3", "", exact},
	{"GET /runners/{id}/managers", "17.2", "", near},
	{"GET /runners/{id}/projects", "18.0", "", near},
	{"GET /groups/{id}/runners", "13.0", "", near},
	{"POST /runners/{id}/reset_authentication_token", "14.6", "", near},
	{"POST /runners/reset_authentication_token", "14.6", "", near},
	{"POST /runners/reset_registration_token", "14.3", "", near},
	{"POST /projects/{id}/runners/reset_registration_token", "14.3", "", near},
	{"POST /groups/{id}/runners/reset_registration_token", "14.3", "", near},
	{"POST /user/runners", "15.11", "", exact},
	{"DELETE /runners/managers", "16.0", "", exact},
	{"GET /runners/router/discovery", "18.7", "", exact},
	{"GET /metadata", "15.2", "", near},
	{"GET /ci/api/v1/runners", "", "10.0", exact},
	{"POST /ci/api/v1/runners/register", "", "10.0", exact},
	{"DELETE /ci/api/v1/runners/delete", "", "10.0", exact},
	{"POST /ci/api/v1/builds/register", "", "10.0", exact},
	{"PUT /ci/api/v1/builds/{id}", "", "10.0", exact},

	// parameters of the lists, and their values
	{"list?type", "12.0", "", near},
	{"list?status", "12.0", "", near},
	{"list?status=not_connected", "", "15.0", exact},
	{"list?status=never_contacted", "14.6", "", exact},
	{"list?status=stale", "14.6", "", exact},
	{"list?paused", "14.8", "", exact},
	{"list?tag_list", "12.0", "", near},
	{"list?version_prefix", "16.6", "", near},
	{"list?scope=offline", "12.0", "", near},
	{"list?scope=never_contacted", "14.6", "", near},
	{"list?scope=stale", "14.6", "", near},
	{"list?scope=instance_type", "12.0", "", near},
	{"list?scope=group_type", "12.0", "", near},
	{"list?scope=project_type", "12.0", "", near},

	// other parameters, and their values
	{"runner?include_projects", "18.0", "", near},
	{"update?paused", "14.8", "", exact},
	{"update?run_untagged", "8.9", "", near},
	{"update?locked", "8.10", "", near},
	{"update?access_level", "10.0", "", exact},
	{"update?maximum_timeout", "10.7", "", near},
	{"update?maintenance_note", "14.8", "", near},
	{"jobs?order_by", "12.0", "", near},
	{"jobs?order_by=created_at", "12.0", "13.0", near},
	{"jobs?sort", "12.0", "", near},
	{"jobs?system_id", "17.0", "", near},
	{"jobs?pagination", "17.0", "", near},
	{"jobs?cursor", "17.0", "", near},
	{"jobs?status=waiting_for_callback", "16.8", "", near},
	{"jobs?status=canceling", "17.0", "", near},
	{"register?active", "11.0", "", near},
	{"register?paused", "15.0", "", exact},
	{"register?access_level", "12.0", "", near},
	{"register?maximum_timeout", "10.7", "", near},
	{"register?maintenance_note", "14.8", "", exact},
	{"register?maintainer_note", "14.8", "", near},
	{"register?maintainer_note, maintenance_note", "16.0", "", near},
	{"create?token_expires_at", "18.10", "", exact},
	{"create?token_rotation_deadline", "18.10", "", exact},
	{"legacy?run_untagged", "8.9", "", near},
	{"legacy?locked", "8.10", "", near},

	// fields of a runner
	{"runner.ip_address", "10.6", "", near},
	{"runner.paused", "14.8", "", exact},
	{"runner.runner_type", "14.0", "", near},
	{"runner.online", "11.0", "", near},
	{"runner.status", "11.0", "", near},
	{"runner.created_by", "18.0", "", near},
	{"runner.created_at", "18.0", "", near},
	{"runner.job_execution_status", "18.0", "", near},
	{"runner.run_untagged", "8.9", "", near},
	{"runner.locked", "8.10", "", near},
	{"runner.access_level", "10.0", "", exact},
	{"runner.maximum_timeout", "10.7", "", near},
	{"runner.maintenance_note", "14.8", "", near},
	{"runner.groups", "10.8", "", near},
	{"runner.token", "", "13.0", exact},
	{"updated runner.projects", "", "18.0", near},
	{"legacy runner.run_untagged", "8.9", "", near},
	{"legacy runner.locked", "8.10", "", near},
	{"manager.job_execution_status", "18.0", "", near},

	// fields of other things
	{"token.token_expires_at", "14.8", "", exact},
	{"project.topics", "14.0", "", near},
	{"project.readme_url", "11.0", "", near},
	{"job.allow_failure", "11.0", "", near},
	{"job.erased_at", "15.0", "", near},
	{"job.queued_duration", "14.0", "", near},
	{"job.failure_reason", "14.0", "", near},
	{"job.web_url", "11.0", "", near},
	{"job.ip_address", "10.6", "14.0", near},

	// scopes of access tokens
	{"scope: read_api", "12.10", "", exact},
	{"scope: create_runner", "16.0", "", near},
	{"scope: manage_runner", "17.1", "", near},

	// how a status is told
	{"rule: online within two hours", "14.0", "", near},
	{"rule: stale after seven days", "17.2", "", exact},
	{"rule: stale is shown", "15.0", "", exact},
	{"rule: never_contacted is shown", "15.0", "", exact},
	{"rule: offline includes never contacted", "", "14.6", near},

	// what an answer shows
	{"rule: ip_address is shown", "", "17.0", exact},
	{"rule: ip_address is an empty text", "17.0", "18.0", near},
	{"rule: maintenance_note is for updaters", "18.0", "", near},
	{"rule: a missing runner is named", "19.0", "", near},
	{"rule: cursor headers", "19.0", "", near},
	{"rule: verify answers an object", "15.10", "", exact},
	{"rule: legacy parameters are declared", "9.0", "", near},
	{"rule: API v3 is gone", "11.0", "", exact},

	{"rule: jobs are canceled in two steps", "17.0", "", near},

	// who may
	{"rule: moved projects are redirected", "16.7", "", exact},
	{"rule: auditors list all runners", "19.0", "", near},
	{"rule: maintainers list a group's runners", "14.0", "", near},
	{"rule: registrars bind assigning", "15.11", "", near},
	{"rule: locked runners stay assigned", "16.0", "", near},
	{"rule: owner projects stay assigned", "17.9", "", near},
	{"rule: unassigning needs a right on the runner", "18.2", "", near},
	{"rule: assigning converts instance runners", "", "16.0", near},
	{"rule: assigning fails with a text", "16.0", "", near},

	// registration and runners' tokens
	{"rule: group runners", "10.8", "", near},
	{"rule: registration can be switched off", "15.11", "", near},
	{"rule: registration is off by default", "17.0", "", exact},
	{"rule: a refused registration says why", "15.6", "", near},
	{"rule: registering stores all of info", "", "16.0", near},
	{"rule: plan limits", "14.0", "", near},
	{"rule: at most 50 tags", "15.0", "", near},
	{"rule: migrations hold runners back", "16.0", "", exact},
	{"rule: tokens expire", "15.3", "", exact},
	{"rule: rotation deadlines", "18.10", "", exact},
	{"rule: runners have managers", "16.0", "", near},
	{"rule: orphans do not verify", "17.9", "19.0", near},
	{"rule: verifying a created runner is no contact", "15.10", "18.0", near},

	// how secrets look
	{"rule: registered tokens are hexadecimal", "", "11.0", near},
	{"rule: tokens tell the runner's type", "17.5", "", exact},
	{"rule: glrtr tokens", "17.11", "", exact},
	{"rule: glrt tokens", "15.9", "", exact},
	{"rule: GR1348941 tokens", "14.8.2", "", exact},
	{"rule: glpat tokens", "14.5", "", near},
	{"rule: glcbt tokens", "16.0", "", near},
}

// A deprecation says from when a parameter ("update?active") or one of its
// values ("list?status=paused") should not be sent any more.
type deprecation struct {
	subject string
	since   string
	instead string
	until   string // who takes it away, or took it
	exact   bool   // false: known from what lies before and after it only
}

// deprecations is the whole of what GitLab deprecates and still takes.
var deprecations = []deprecation{
	{"list?scope", "12.0", `"type", "status" or "paused"`, restV5, near},
	{"list?status=active", "14.8", `"paused"`, restV5, exact},
	{"list?status=paused", "14.8", `"paused"`, restV5, exact},
	{"list?status=not_connected", "14.6", `"never_contacted"`, "GitLab 15.0", exact},
	{"GET /groups/{id}/runners?type=project_type", "14.3", "the lists of its projects", "GitLab 15.0 (announced)", near},
	{"update?active", "14.8", `"paused"`, restV5, exact},
	{"register?active", "15.0", `"paused"`, restV5, near},
	{"register?maintainer_note", "14.8", `"maintenance_note"`, restV5, near},
}

const restV5 = "GitLab's REST API v5"

// An outdated is a deprecation of a route's parameter.
type outdated struct {
	deprecation
	param, value string // value is empty where it is about all of them
}

// outdated returns what a version deprecates of a route. Subjects begin with
// the group of the parameters, or with the route itself.
func (e *edition) outdated(r route) (all []outdated) {
	for _, d := range deprecations {
		of, what, _ := strings.Cut(d.subject, "?")
		if of != r.params.group && of != r.pattern || e.version.before(mustVersion(d.since)) {
			continue
		}
		name, value, _ := strings.Cut(what, "=")
		if r.params.declares(name) {
			all = append(all, outdated{d, name, value})
		}
	}
	return all
}

// since returns from when on there is what this version does not have yet, and
// false where there is no such version.
func (e *edition) since(subject string) (string, bool) {
	for _, r := range history {
		if r.subject == subject && r.since != "" && e.version.before(mustVersion(r.since)) {
			return r.since, true
		}
	}
	return "", false
}

// An edition is what one version has. It is built once, never changes, and all
// servers of that version share it.
type edition struct {
	version version
	lacks   map[string]bool
	mux     *http.ServeMux
	shapes  shapes
}

// editions holds the editions that were asked for so far.
var editions sync.Map // version -> *edition

// editionOf returns what a version has.
func editionOf(v version) *edition {
	if known, ok := editions.Load(v); ok {
		e, _ := known.(*edition)
		return e
	}
	known, _ := editions.LoadOrStore(v, newEdition(v))
	e, _ := known.(*edition)
	return e
}

func newEdition(v version) *edition {
	e := &edition{version: v, lacks: map[string]bool{}}
	for _, r := range history {
		if !r.covers(v) {
			e.lacks[r.subject] = true
		}
	}
	e.shapes = newShapes(e)
	e.mux = newMux(e)
	return e
}

// covers reports whether the row's subject exists in a version.
func (r row) covers(v version) bool {
	return (r.since == "" || !v.before(mustVersion(r.since))) &&
		(r.until == "" || v.before(mustVersion(r.until)))
}

// has reports whether this version has a subject of the table. What is not in
// the table, every version has.
func (e *edition) has(subject string) bool { return !e.lacks[subject] }

// edition returns what the world's version has.
func (w *world) edition() *edition {
	if w.shown == nil || w.shown.version != w.version {
		w.shown = editionOf(w.version)
	}
	return w.shown
}
