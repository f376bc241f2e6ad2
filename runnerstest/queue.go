// Work for runners: asking for a job, reporting its end, and the value that
// tells a runner whether asking again makes sense.

package runnerstest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/seed-832548de/runners"
)

// queueLife is how long a queue value is good for.
const queueLife = time.Hour

// protectedRef is the one ref that is protected in every project.
//
// inferred: GitLab protects the default branch of a new project.
const protectedRef = "main"

func jobRoutes() []route {
	return []route{
		{
			pattern: "POST /jobs/request",
			params: declared{group: "request", params: []param{
				tokenParam(),
				{name: "system_id"},
				{name: "last_update"},
				{name: "info", kind: hashKind},
				{name: "session", kind: hashKind},
			}},
			steps:  []step{notMigrating, validate, byRunnerToken},
			handle: requestJob,
		},
		{
			pattern: "PUT /jobs/{id}",
			params: declared{group: "report", params: []param{
				idParam(), tokenParam(),
				{name: "state"},
				{name: "failure_reason"},
				{name: "checksum"},
				{name: "exit_code", kind: integerKind},
				{name: "output", kind: hashKind},
				{name: "info", kind: hashKind},
			}},
			steps:  []step{notMigrating, validate, byJobToken},
			handle: reportJob,
		},
		traceRoute(),
	}
}

// tick voids the value that tells a runner that nothing has changed.
func (v *view) tick(r *runner) { r.queueValue = "" }

// wake tells the runners that may run a job which waits that there is one.
func (w *world) wake(j *job) {
	for _, r := range w.runners.rows {
		if j.runner == nil && j.status == runners.JobPending && r.serves(j) {
			r.queueValue = ""
		}
	}
}

// queueValue returns the value for a runner, a new one where there is none.
func (v *view) queueValue(r *runner) string {
	if r.queueValue == "" || v.now.Sub(r.queueValueMade.time()) >= queueLife {
		r.queueValue, r.queueValueMade = v.world.newQueueValue(), instantOf(v.now)
	}
	return r.queueValue
}

func requestJob(q *request) (reply, *refusal) {
	if err := q.contact(true); err != nil {
		return reply{}, err
	}
	q.runner.finished = true
	if q.manager != nil {
		q.manager.unfinished = false
	}
	value := q.queueValue(q.runner)
	seen, _ := q.text("last_update")
	if j := q.nextJob(); j != nil && !q.runner.paused && seen != value {
		q.take(j)
		return reply{status: http.StatusCreated, body: q.appendWork(nil, j)}, nil
	}
	header := http.Header{"X-Gitlab-Last-Update": {value}}
	return reply{status: http.StatusNoContent, header: header}, nil
}

// nextJob returns the oldest job that waits and that the runner may run.
func (q *request) nextJob() *job {
	for _, j := range q.world.jobs.rows {
		if j.status == runners.JobPending && j.runner == nil && q.runner.serves(j) {
			return j
		}
	}
	return nil
}

// serves reports whether a runner may run a job.
func (r *runner) serves(j *job) bool {
	if len(j.tagList) == 0 && !r.runUntagged || !carries(r.tagList, j.tagList) {
		return false
	}
	if r.refProtected && (j.tag || j.ref != protectedRef) {
		return false
	}
	switch r.kind {
	case runners.InstanceType:
		return j.project.sharedRunners
	case runners.GroupType:
		return j.project.groupRunners && r.group != nil && r.group.contains(j.project.group)
	case runners.ProjectType:
		return r.assignment(j.project) != nil
	default:
		return false
	}
}

// take gives a job to the runner that asks.
func (q *request) take(j *job) {
	j.runner, j.status, j.startedAt = q.runner, runners.JobRunning, q.now
	j.token = q.world.newJobToken()
	if q.manager != nil {
		j.systemID = &q.manager.systemID
	}
	q.runner.jobs = insertRow(q.runner.jobs, j, func(j *job) int64 { return j.id })
}

// appendWork writes what a runner needs to run a job: enough to start, report
// and end it, with no script of its own.
func (q *request) appendWork(b []byte, j *job) []byte {
	id := strconv.FormatInt(j.id, 10)
	b = append(append(b, `{"id":`...), id...)
	b = appendText(append(b, `,"token":`...), j.token)
	b = append(append(b, `,"allow_git_fetch":true,"job_info":{"id":`...), id...)
	b = appendText(append(b, `,"name":`...), j.name)
	b = appendText(append(b, `,"stage":`...), j.stage)
	b = strconv.AppendInt(append(b, `,"project_id":`...), j.project.id, 10)
	b = appendText(append(b, `,"project_name":`...), j.project.name)
	b = appendText(append(b, `},"git_info":{"repo_url":`...), q.base+"/"+j.project.fullPath+".git")
	b = appendText(append(b, `,"ref":`...), j.ref)
	b = appendText(append(b, `,"sha":`...), j.sha())
	b = appendText(append(b, `,"before_sha":"0000000000000000000000000000000000000000","ref_type":`...), j.refType())
	b = appendTimeout(append(b, `,"refspecs":[],"depth":20},"runner_info":{"timeout":`...), nil, q.runner)
	return append(b, `},"variables":[],"steps":[{"name":"script","script":["true"],"timeout":3600,`+
		`"when":"on_success","allow_failure":false}],"image":null,"services":[],"artifacts":[],`+
		`"cache":[],"credentials":[],"dependencies":[],"features":{"trace_sections":true}}`...)
}

func (j *job) refType() string {
	if j.tag {
		return "tag"
	}
	return "branch"
}

// byJobToken looks up the job that the path names and the token opens, and
// that is with its runner, which is heard of by it.
func byJobToken(q *request) *refusal {
	id, _ := q.integer("id")
	secret, given := q.text("token")
	if !given {
		secret = q.Header.Get("Job-Token")
	}
	j := q.world.jobs.get(id)
	if j == nil || secret == "" || j.token != secret {
		return forbidden("")
	}
	if j.status != runners.JobRunning && j.status != runners.JobCanceling {
		err := forbidden("Job is not running")
		if q.edition.has("rule: jobs are canceled in two steps") {
			err = forbidden("Job is not processing on runner")
		}
		err.header = j.statusHeader()
		return err
	}
	q.job, q.runner = j, j.runner
	if j.runner != nil {
		q.jobContact()
	}
	return nil
}

// jobContact notes that a job's runner was heard of, and where it is.
func (q *request) jobContact() {
	q.runner.contactedAt = instantOf(q.now)
	if !q.edition.has("rule: runners have managers") {
		q.runner.own().ipAddress = q.address()
		return
	}
	if q.job.systemID == nil {
		return
	}
	if m := q.runner.managerNamed(*q.job.systemID); m != nil {
		m.contactedAt, m.updatedAt = instantOf(q.now), instantOf(q.now)
		m.about.ipAddress = q.address()
	}
}

// reportJob ends a job, or notes that it still runs.
func reportJob(q *request) (reply, *refusal) {
	status := http.StatusOK
	switch state, _ := q.text("state"); runners.JobStatus(state) { //nolint:exhaustive // GitLab knows no other report
	case runners.JobRunning:
	case runners.JobSuccess:
		q.end(runners.JobSuccess, "")
	case runners.JobFailed:
		reason, given := q.presentText("failure_reason")
		if !given {
			reason = "unknown_failure"
		}
		q.end(runners.JobFailed, reason)
	default:
		status = http.StatusBadRequest
	}
	return reply{
		status: status, header: q.job.statusHeader(), body: []byte(strconv.Itoa(status)),
	}, nil
}

// end ends the job, as canceled where that was wanted.
func (q *request) end(status runners.JobStatus, reason string) {
	if q.job.status == runners.JobCanceling {
		status, reason = runners.JobCanceled, ""
	}
	q.job.status, q.job.finishedAt = status, q.now
	if reason != "" {
		q.job.failureReason = &reason
	}
}

// discoverRouter answers that there is no job router.
func discoverRouter(*request) (reply, *refusal) {
	return reply{}, refuse(http.StatusNotImplemented,
		"Job Router is not available. Please contact your administrator.")
}
