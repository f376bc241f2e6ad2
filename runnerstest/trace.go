// The log of a job that runs: its runner sends it in pieces, and of it only
// the size is kept.

package runnerstest

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-832548de/runners"
)

// maxTrace bounds the log of a job, in bytes: GitLab's default for all plans.
const maxTrace = 100 << 20

// traceInterval is how many seconds a runner is told to wait between two
// pieces of a log that nobody watches.
const traceInterval = "60"

func traceRoute() route {
	return route{
		pattern: "PATCH /jobs/{id}/trace",
		params: declared{group: "trace", params: []param{
			idParam(), {name: "token"}, {name: "debug_trace"},
		}},
		steps:  []step{notMigrating, validate, byJobToken},
		handle: patchTrace,
	}
}

// patchTrace appends a piece to a job's log, if it begins where the log ends.
// A piece that ends there was sent twice, which does no harm.
//
// inferred: the body.
func patchTrace(q *request) (reply, *refusal) {
	if len(q.Header["Content-Range"]) == 0 {
		return reply{}, refuseError(http.StatusBadRequest, "400 Missing header Content-Range")
	}
	start, size := rangeStart(q.Header.Get("Content-Range")), int64(len(q.body))
	if start >= maxTrace-size {
		q.end(runners.JobFailed, "trace_size_exceeded")
		return reply{}, refuseError(http.StatusForbidden, "403 Forbidden")
	}
	if start == q.job.traceSize {
		q.job.traceSize += size
	}
	held := []string{"0-" + strconv.FormatInt(q.job.traceSize, 10)}
	if start+size != q.job.traceSize {
		err := refuseError(http.StatusRequestedRangeNotSatisfiable, "416 Range Not Satisfiable")
		err.header = http.Header{"Range": held}
		return reply{}, err
	}
	header := q.job.statusHeader()
	header["Range"], header["X-Gitlab-Trace-Update-Interval"] = held, []string{traceInterval}
	return reply{status: http.StatusAccepted, header: header, body: []byte(traceInterval)}, nil
}

// rangeStart reads where a piece begins, as Ruby reads a number: what is none
// is 0.
func rangeStart(contentRange string) int64 {
	text := strings.TrimSpace(contentRange)
	digits := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	if digits >= 0 {
		text = text[:digits]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && text != "" {
		return math.MaxInt64
	}
	return n
}

// statusHeader tells a runner how GitLab sees its job.
func (j *job) statusHeader() http.Header {
	return http.Header{"Job-Status": {string(j.status)}}
}
