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

// connect returns a client, and what to call when it is used no more.
func connect(log io.Writer) (*runners.Client, func(), error) {
	return program.Connect(nil, program.Fake{MadeUp: "these runners are", Fill: fill}, log)
}

// fill makes runners that were heard of some time ago.
func fill(fake *runnerstest.Server) {
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"})
	for i, tags := range [][]string{{"docker"}, {"docker", "arm64"}, {"shell"}} {
		fake.AddRunner(runnerstest.Runner{
			Description: fmt.Sprintf("builder-%d", i+1), TagList: tags, Projects: []int64{app.ID},
			ContactedAt: runnerstest.Ago(time.Duration(i) * 100 * time.Minute),
		})
	}
}
