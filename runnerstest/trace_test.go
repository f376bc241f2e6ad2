// Reports on a running job, and its log.

package runnerstest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// reporting is the company with a token for its job 5, which is of runner 7.
func reporting(status string) string {
	return replace(acme, `{"id": 5, "status": "running"`, `{"id": 5, "token": "glcbt-of-job-five", "status": "`+status+`"`)
}

// jobFive returns what is known of job 5.
func jobFive(t *testing.T, srv *runnerstest.Server) runnerstest.Job {
	t.Helper()
	for _, r := range srv.Snapshot().Runners {
		for _, j := range r.Jobs {
			if j.ID == 5 {
				return j
			}
		}
	}
	require.Fail(t, "no job 5")
	return runnerstest.Job{}
}

func TestReports(t *testing.T) {
	t.Parallel()
	const call, token = "PUT /jobs/5", "token=glcbt-of-job-five"
	for name, c := range map[string]struct {
		before, report, body, header, after, reason string
		status                                      int
	}{
		"still runs":    {"running", "&state=running", "200", "running", "running", "", 200},
		"no state":      {"running", "", "400", "running", "running", "", 400},
		"unknown state": {"running", "&state=pending", "400", "running", "running", "", 400},
		"success":       {"running", "&state=success&failure_reason=script_failure", "200", "success", "success", "", 200},
		"failure":       {"running", "&state=failed&failure_reason=runner_system_failure", "200", "failed", "failed", "runner_system_failure", 200},
		"no reason":     {"running", "&state=failed", "200", "failed", "failed", "unknown_failure", 200},
		"canceling":     {"canceling", "&state=running", "200", "canceling", "canceling", "", 200},
		"was canceled":  {"canceling", "&state=failed&failure_reason=job_canceled", "200", "canceled", "canceled", "", 200},
		"too late":      {"canceled", "&state=success", `{"message":"403 Forbidden - Job is not processing on runner"}`, "canceled", "canceled", "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := seeded(t, reporting(c.before))
			require.NoError(t, err)
			srv.Advance(time.Hour)
			a := ask(t, srv, "", call, token+c.report)
			a.want(t, c.status, c.body)
			assert.Equal(t, c.header, a.header.Get("Job-Status"))
			got := jobFive(t, srv)
			assert.Equal(t, []string{c.after, c.reason}, []string{string(got.Status), got.FailureReason})
			assert.Equal(t, c.status != http.StatusForbidden, contactedNow(t, srv), "a report is a contact")
			if c.status != http.StatusForbidden {
				assert.Equal(t, "runner 7", srv.Requests(runnerstest.ByRoute("PUT /jobs/{id}"))[0].Actor)
			}
		})
	}
}

// contactedNow reports whether runner 7 was heard of at the server's time.
func contactedNow(t *testing.T, srv *runnerstest.Server) bool {
	t.Helper()
	at, _ := ask(t, srv, "t-root", "GET /runners/7").object(t)["contacted_at"].(string)
	return at == srv.Now().UTC().Format("2006-01-02T15:04:05.000Z")
}

// TestReportsOfManagers looks at the manager that runs a job, and at the
// runner where there are no managers yet.
func TestReportsOfManagers(t *testing.T) {
	t.Parallel()
	for version, managers := range map[string]bool{"19.0.0": true, "13.0.0": false} {
		srv, err := seeded(t, replace(work, "{", `{"gitlab_version":"`+version+`",`))
		require.NoError(t, err)
		a := ask(t, srv, "", "POST /jobs/request", `{"token":"glrt-group-runner","system_id":"s_1","info":{"version":"17.5.0"}}`)
		require.Equal(t, 201, a.status)
		token, _ := a.object(t)["token"].(string)
		srv.Advance(time.Minute)
		ask(t, srv, "", "PUT /jobs/2", "token="+token+"&state=running").want(t, 200, "200")
		now := runnerstest.At(srv.Now())
		runner := srv.Snapshot().Runners[5]
		assert.Equal(t, now, runner.ContactedAt)
		if !managers {
			assert.Equal(t, "17.5.0", runner.Version)
			continue
		}
		require.Len(t, runner.Managers, 1)
		assert.Equal(t, now, runner.Managers[0].ContactedAt)
		assert.Equal(t, "17.5.0", runner.Managers[0].Version, "a report does not tell")
	}
}

// TestReportsTellTheAddress looks at a runner that was not heard of before.
func TestReportsTellTheAddress(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"13.0.0": "127.0.0.1", "19.0.0": ""} { // now it is its manager's
		srv, err := seeded(t, replace(reporting("running"), "{", `{"gitlab_version":"`+version+`",`))
		require.NoError(t, err)
		ask(t, srv, "", "PUT /jobs/5", "token=glcbt-of-job-five&state=running").want(t, 200, "200")
		assert.Equal(t, want, srv.Snapshot().Runners[3].IPAddress)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, reporting("running"))
	require.NoError(t, err)
	patch := func(contentRange, body string) answer {
		header := http.Header{"Content-Type": {"text/plain"}, "Job-Token": {"glcbt-of-job-five"}}
		if contentRange != "" {
			header.Set("Content-Range", contentRange)
		}
		return send(t, srv, header, "PATCH /jobs/5/trace?debug_trace=false", body)
	}
	for _, c := range []struct {
		contentRange, body string
		status             int
		held               string
	}{
		{"", "hello", 400, ""},
		{"0-4", "hello", 202, "0-5"},
		{"5-9", " world", 202, "0-11"}, // its end is not read
		{"5-10", " world", 202, "0-11"},
		{"11", "", 202, "0-11"},
		{"7-9", "xyz", 416, "0-11"},
		{"12-13", "x", 416, "0-11"},
		{"nonsense", "x", 416, "0-11"},
		{"-5", "0 to eleven", 202, "0-11"},
	} {
		a := patch(c.contentRange, c.body)
		assert.Equal(t, c.status, a.status, c.contentRange)
		assert.Equal(t, c.held, a.header.Get("Range"), c.contentRange)
		switch c.status {
		case 202:
			assert.Equal(t, []string{"running", "60"}, []string{a.header.Get("Job-Status"), a.header.Get("X-Gitlab-Trace-Update-Interval")})
		case 400:
			a.want(t, 400, `{"error":"400 Missing header Content-Range"}`)
		default:
			a.want(t, 416, `{"error":"416 Range Not Satisfiable"}`)
		}
	}
	assert.True(t, contactedNow(t, srv))
	kept, err := json.Marshal(srv.Snapshot())
	require.NoError(t, err)
	assert.Equal(t, int64(11), jobFive(t, playSeed(t, "", string(kept))).TraceSize)
}

func TestTraceIsTooLong(t *testing.T) {
	t.Parallel()
	for _, contentRange := range []string{"104857599-104857599", strings.Repeat("9", 30)} {
		srv := playSeed(t, "", reporting("running"))
		header := http.Header{"Content-Type": {"text/plain"}, "Job-Token": {"glcbt-of-job-five"}, "Content-Range": {contentRange}}
		send(t, srv, header, "PATCH /jobs/5/trace", "x").want(t, 403, `{"error":"403 Forbidden"}`)
		got := jobFive(t, srv)
		assert.Equal(t, []string{"failed", "trace_size_exceeded"}, []string{string(got.Status), got.FailureReason})
		send(t, srv, header, "PATCH /jobs/5/trace", "x").want(t, 403, `{"message":"403 Forbidden - Job is not processing on runner"}`)
	}
}
