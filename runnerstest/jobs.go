// /runners/{id}/jobs: what a runner has run, and how a job looks.

package runnerstest

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // commits are named by it, nothing is secured
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seed-832548de/runners"
)

func jobParams() declared {
	d := declared{
		group: "jobs",
		params: []param{
			idParam(),
			{name: "system_id"},
			{name: "status", values: jobStatuses()},
			{name: "order_by", values: []string{"id", "created_at"}},
			{name: "sort", values: []string{"asc", "desc"}, fallback: "desc"},
			{name: "cursor"},
			{name: "pagination"},
		},
	}
	d.params = append(d.params, pageParams()...)
	return d
}

func jobStatuses() []string {
	return []string{
		string(runners.JobCreated), string(runners.JobWaitingForResource),
		string(runners.JobPreparing), string(runners.JobWaitingForCallback),
		string(runners.JobPending), string(runners.JobRunning),
		string(runners.JobSuccess), string(runners.JobFailed),
		string(runners.JobCanceling), string(runners.JobCanceled),
		string(runners.JobSkipped), string(runners.JobManual), string(runners.JobScheduled),
	}
}

// orderable refuses a keyset list in any order but by descending id.
func orderable(q *request) *refusal {
	order, ordered := q.text("order_by")
	sort, _ := q.text("sort")
	if !q.keyset() || !ordered || order == "id" && sort == "desc" {
		return nil
	}
	return refuseError(http.StatusMethodNotAllowed,
		"Keyset pagination is not yet available for this type of request")
}

// keyset reports whether the caller wants pages that go on after a row.
func (q *request) keyset() bool {
	v, _ := q.text("pagination")
	return v == "keyset"
}

func listJobs(q *request) (reply, *refusal) {
	if q.keyset() {
		return listJobsByKey(q)
	}
	p := pageOf(q)
	_, p.countless = q.text("system_id")
	selected := q.jobFilter()
	return listed(q, q.edition.shapes.job, p, q.orderedJobs(), func(j *job) int {
		if selected(j) {
			return 1
		}
		return 0
	})
}

// jobFilter selects the jobs that pass the request's filters and that the
// caller may see.
func (q *request) jobFilter() func(*job) bool {
	status, byStatus := q.text("status")
	system, bySystem := q.text("system_id")
	return func(j *job) bool {
		return (!byStatus || string(j.status) == status) &&
			(!bySystem || j.systemID != nil && *j.systemID == system) &&
			q.canIn(showJobs, j.project)
	}
}

// orderedJobs returns the runner's jobs in the order that was asked for: by
// ascending id when none was, whatever the direction says.
func (q *request) orderedJobs() []*job {
	order, ordered := q.text("order_by")
	if !ordered {
		return q.runner.jobs
	}
	jobs := slices.Clone(q.runner.jobs)
	if order == "created_at" {
		slices.SortStableFunc(jobs, func(a, b *job) int { return a.createdAt.Compare(b.createdAt) })
	}
	if sort, _ := q.text("sort"); sort == "desc" {
		slices.Reverse(jobs)
	}
	return jobs
}

// listJobsByKey replies with the jobs below the cursor's, by descending id.
func listJobsByKey(q *request) (reply, *refusal) {
	below, err := q.cursor()
	if err != nil {
		return reply{}, err
	}
	selected, size := q.jobFilter(), int(pageOf(q).size)
	var rows []*job
	for _, j := range slices.Backward(q.runner.jobs) {
		if len(rows) <= size && (below == 0 || j.id < below) && selected(j) {
			rows = append(rows, j)
		}
	}
	next := ""
	header := http.Header{}
	if len(rows) > size {
		rows = rows[:size]
		next = cursorAt(rows[size-1].id)
		links := linkTo(q, "cursor")
		links.addValue(next, "next")
		if len(links.text) > 0 {
			header.Set("Link", string(links.text))
		}
	}
	if q.edition.has("rule: cursor headers") {
		header["X-Next-Cursor"], header["X-Prev-Cursor"] = []string{next}, []string{""}
	}
	body := appendArray(nil, q.edition.shapes.job, &q.view, rows)
	return reply{status: http.StatusOK, body: body, header: header}, nil
}

// A cursor is opaque to callers: the last id that they saw.
type cursor struct {
	ID int64 `json:"id,string"`
}

func cursorAt(id int64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"id":"%d","_kd":"n"}`, id))
}

// cursor returns the id that the page lies below, 0 for the first page.
//
// inferred: the answer to a cursor that GitLab did not make.
func (q *request) cursor() (int64, *refusal) {
	given, ok := q.text("cursor")
	if !ok || given == "" {
		return 0, nil
	}
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(given)
	if err != nil || json.Unmarshal(text, &c) != nil || c.ID <= 0 {
		return 0, refuseError(http.StatusBadRequest, "cursor is invalid")
	}
	return c.ID, nil
}

func jobFields() shape[job] {
	return shape[job]{
		number("id", func(j *job) int64 { return j.id }),
		text("status", func(j *job) string { return string(j.status) }),
		text("stage", func(j *job) string { return j.stage }),
		text("name", func(j *job) string { return j.name }),
		text("ref", func(j *job) string { return j.ref }),
		flag("tag", func(j *job) bool { return j.tag }),
		{name: "coverage", append: func(b []byte, _ *view, j *job) []byte {
			return appendFloat(b, j.coverage)
		}},
		flag("allow_failure", func(j *job) bool { return j.allowFailure }),
		moment("created_at", func(j *job) time.Time { return j.createdAt }),
		moment("started_at", func(j *job) time.Time { return j.startedAt }),
		moment("finished_at", func(j *job) time.Time { return j.finishedAt }),
		fixed[job]("erased_at", "null"),
		{name: "duration", append: appendDuration},
		{name: "queued_duration", append: appendQueued},
		{name: "user", append: appendJobUser},
		{name: "commit", append: appendCommit},
		{name: "pipeline", append: appendPipeline},
		{name: "failure_reason", when: hasFailed, append: appendFailure},
		seen("web_url", func(v *view, j *job) string { return v.jobURL(j) }),
		{name: "project", append: appendJobProject},
		maybeText("ip_address", (*job).address),
	}
}

func appendFloat(b []byte, f *float64) []byte {
	if f == nil {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, *f, 'f', -1, 64)
}

// appendDuration writes how long the job ran, or has run so far.
func appendDuration(b []byte, v *view, j *job) []byte {
	return appendSpan(b, j.duration, j.startedAt, latest(j.finishedAt, v.now))
}

// appendQueued writes how long the job waited, or has waited so far.
func appendQueued(b []byte, v *view, j *job) []byte {
	if j.startedAt.IsZero() && j.status != runners.JobPending {
		return appendFloat(b, j.queuedDuration)
	}
	return appendSpan(b, j.queuedDuration, j.createdAt, latest(j.startedAt, v.now))
}

func latest(end, now time.Time) time.Time {
	if end.IsZero() {
		return now
	}
	return end
}

// appendSpan writes the seconds that were given, or else those between two
// times.
func appendSpan(b []byte, seconds *float64, from, to time.Time) []byte {
	if seconds == nil && !from.IsZero() {
		s := max(0, to.Sub(from).Seconds())
		seconds = &s
	}
	return appendFloat(b, seconds)
}

func appendJobUser(b []byte, v *view, j *job) []byte {
	if j.user == nil {
		return append(b, "null"...)
	}
	return appendObject(b, v.edition.shapes.jobUser, v, j.user)
}

// sha names the commit that the job runs on: jobs of one pipeline share it.
func (j *job) sha() string {
	return hash(fmt.Sprintf("%d/%d/%s", j.project.id, j.pipeline(), j.ref))
}

// hash makes the name of a commit of whatever there is.
func hash(text string) string {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func (j *job) pipeline() int64 { return cmp.Or(j.pipelineID, j.id) }

// appendCommit writes the commit, which nobody has made: all of it follows
// from the job.
func appendCommit(b []byte, _ *view, j *job) []byte {
	sha, name, login := j.sha(), "Administrator", "root"
	if j.user != nil {
		name, login = j.user.name, j.user.username
	}
	email := login + "@example.com"
	b = appendText(append(b, `{"id":`...), sha)
	b = appendText(append(b, `,"short_id":`...), sha[:8])
	b = appendTime(append(b, `,"created_at":`...), j.createdAt)
	b = append(appendText(append(b, `,"parent_ids":[`...), hash(sha)), ']')
	b = append(b, `,"title":"Update configuration","message":"Update configuration"`...)
	for _, by := range []struct{ name, email, date string }{
		{"author_name", "author_email", "authored_date"},
		{"committer_name", "committer_email", "committed_date"},
	} {
		b = appendText(append(b, `,"`+by.name+`":`...), name)
		b = appendText(append(b, `,"`+by.email+`":`...), email)
		b = appendTime(append(b, `,"`+by.date+`":`...), j.createdAt)
	}
	return append(b, '}')
}

func appendPipeline(b []byte, v *view, j *job) []byte {
	id := strconv.FormatInt(j.pipeline(), 10)
	b = append(append(b, `{"id":`...), id...)
	b = append(append(b, `,"iid":`...), id...)
	b = strconv.AppendInt(append(b, `,"project_id":`...), j.project.id, 10)
	b = appendText(append(b, `,"sha":`...), j.sha())
	b = appendText(append(b, `,"ref":`...), j.ref)
	b = appendText(append(b, `,"status":`...), string(j.status))
	b = appendTime(append(b, `,"source":"push","created_at":`...), j.createdAt)
	b = appendTime(append(b, `,"updated_at":`...), cmp.Or(j.finishedAt, j.startedAt, j.createdAt))
	b = appendText(append(b, `,"web_url":`...), v.base+"/"+j.project.fullPath+"/-/pipelines/"+id)
	return append(b, '}')
}

func hasFailed(_ *view, j *job) bool { return j.status == runners.JobFailed }

func appendFailure(b []byte, _ *view, j *job) []byte {
	if j.failureReason == nil {
		return append(b, `"script_failure"`...)
	}
	return appendText(b, *j.failureReason)
}

func (v *view) jobURL(j *job) string {
	if j.webURL != nil {
		return *j.webURL
	}
	return v.base + "/" + j.project.fullPath + "/-/jobs/" + strconv.FormatInt(j.id, 10)
}

func appendJobProject(b []byte, v *view, j *job) []byte {
	return appendObject(b, v.edition.shapes.jobProject, v, j.project)
}

// address is where the job's runner was when it was last heard of.
func (j *job) address() *string {
	if j.runner == nil {
		return nil
	}
	return j.runner.told().ipAddress
}
