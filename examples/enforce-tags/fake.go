// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"io"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

// connect returns a client, and what to call when it is used no more.
func connect(log io.Writer) (*runners.Client, func(), error) {
	return program.Connect(nil, program.Fake{MadeUp: "these runners are", Fill: fill}, log)
}

// fill makes runners that somebody has fiddled with.
func fill(fake *runnerstest.Server) {
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"}).ID
	fake.AddProject(runnerstest.Project{Path: "acme/site"})
	for _, r := range []runnerstest.Runner{
		{Description: "builder", TagList: []string{"docker", "linux", "test-of-lea"}},
		{
			Description: "tester", TagList: []string{"linux", "docker"}, Paused: true,
			MaintenanceNote: new("back on Monday"),
		},
		{
			Description: "deployer", TagList: []string{"deploy"}, Locked: true,
			AccessLevel: runners.RefProtected,
		},
	} {
		r.Projects = []int64{app}
		fake.AddRunner(r)
	}
}
