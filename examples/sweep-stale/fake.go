// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"io"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

const day = 24 * time.Hour

// connect returns a client, and what to call when it is used no more.
func connect(log io.Writer) (*runners.Client, func(), error) {
	return program.Connect(nil, program.Fake{MadeUp: "these runners are", Fill: fill}, log)
}

// fill makes a fleet as fleets are: some work, some are forgotten.
func fill(fake *runnerstest.Server) {
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"}).ID
	site := fake.AddProject(runnerstest.Project{Path: "acme/site"}).ID
	old := runnerstest.Ago(400 * day)
	for _, r := range []runnerstest.Runner{
		{Description: "builder-1", TagList: []string{"docker"}, ContactedAt: runnerstest.Ago(time.Minute)},
		{Description: "builder-2", TagList: []string{"docker"}, ContactedAt: runnerstest.Ago(5 * time.Hour)},
		{Description: "laptop of an intern", TagList: []string{"shell"}, ContactedAt: runnerstest.Ago(300 * day)},
		{
			Description: "autoscaled-7f3a", TagList: []string{"docker", "spot"},
			Projects: []int64{app, site}, ContactedAt: runnerstest.Ago(120 * day),
		},
		{
			Description: "release-signer", TagList: []string{"hsm"}, ContactedAt: runnerstest.Ago(95 * day),
			MaintenanceNote: new("keep: it signs one release a year"),
		},
		{Description: "created, and never installed", CreatedAt: runnerstest.Ago(60 * day)},
		{Description: "created today", CreatedAt: runnerstest.Ago(3 * time.Hour)},
	} {
		if r.Projects == nil {
			r.Projects = []int64{app}
		}
		if r.CreatedAt.IsZero() {
			r.CreatedAt = old
		}
		fake.AddRunner(r)
	}
}
