// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"io"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

// jobsTake is how long the jobs of the fake go on.
const jobsTake = 5 * time.Second

// connect returns a client, and what to call when it is used no more.
func connect(log io.Writer) (*runners.Client, func(), error) {
	stop := func() bool { return true }
	c, closeFake, err := program.Connect(nil, program.Fake{
		MadeUp: "the host s_hamburg0001 is",
		Fill: func(fake *runnerstest.Server) {
			fill(fake)
			stop = time.AfterFunc(jobsTake, func() { endJobs(fake) }).Stop
		},
	}, log)
	return c, func() { stop(); closeFake() }, err
}

// fill makes a host with two runners, of which one works elsewhere as well.
func fill(fake *runnerstest.Server) {
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"}).ID
	hamburg := runnerstest.Manager{SystemID: "s_hamburg0001", ContactedAt: runnerstest.Ago(time.Minute)}
	bremen := runnerstest.Manager{SystemID: "s_bremen0001", ContactedAt: runnerstest.Ago(time.Minute)}
	builder := fake.AddRunner(runnerstest.Runner{
		Description: "builder", Projects: []int64{app}, Managers: []runnerstest.Manager{hamburg, bremen},
	})
	tester := fake.AddRunner(runnerstest.Runner{
		Description: "tester", Projects: []int64{app}, Managers: []runnerstest.Manager{hamburg},
	})
	fake.AddRunner(runnerstest.Runner{
		Description: "deployer", Projects: []int64{app}, Managers: []runnerstest.Manager{bremen},
	})
	for name, runner := range map[string]int64{"compile": builder.ID, "end-to-end": tester.ID} {
		fake.AddJob(runnerstest.Job{
			Name: name, RunnerID: runner, SystemID: hamburg.SystemID, ProjectID: app,
			Status: runners.JobRunning, StartedAt: runnerstest.Ago(4 * time.Minute),
		})
	}
}

// endJobs lets all jobs succeed.
func endJobs(fake *runnerstest.Server) {
	state := fake.Snapshot()
	for i := range state.Runners {
		for j := range state.Runners[i].Jobs {
			job := &state.Runners[i].Jobs[j]
			job.Status, job.FinishedAt = runners.JobSuccess, runnerstest.At(fake.Now())
		}
	}
	if err := fake.Restore(state); err != nil {
		panic(err)
	}
}
