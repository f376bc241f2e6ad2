// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

const day = 24 * time.Hour

// connect returns a client, and what to call when it is used no more.
func connect(o *runners.Options, log io.Writer) (*runners.Client, func(), error) {
	return program.Connect(o, program.Fake{
		MadeUp: "these runners, and their troubles, are",
		Fill: func(fake *runnerstest.Server) {
			fill(fake)
			trouble(fake)
		},
	}, log)
}

// fill makes a fleet, a part of which is forgotten.
func fill(fake *runnerstest.Server) {
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"}).ID
	for i, silent := range []time.Duration{time.Minute, 200 * day, time.Hour, 90 * day, 5 * time.Hour} {
		fake.AddRunner(runnerstest.Runner{
			Description: fmt.Sprintf("builder-%d", i+1), Projects: []int64{app},
			CreatedAt: runnerstest.Ago(400 * day), ContactedAt: runnerstest.Ago(silent),
		})
	}
}

// trouble is what an owner of a bot wants to see: a refusal for the number of
// calls, a server error, and an answer that gets lost.
func trouble(fake *runnerstest.Server) {
	fake.Limit(2000, time.Minute)
	fake.Fault(runnerstest.On("GET /runners"), runnerstest.RateLimited(runnerstest.AllHeaders, time.Second))
	fake.Fault(runnerstest.On("GET /runners/{id}"), runnerstest.Nth(2), runnerstest.Status(502))
	fake.Fault(runnerstest.On("DELETE /runners/{id}"), runnerstest.AfterCommit(), runnerstest.Status(502))
}
