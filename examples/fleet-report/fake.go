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
	return program.Connect(nil, program.Fake{MadeUp: "these runners are", Admin: true, Fill: fill}, log)
}

// made is how many runners the fake has.
const made = 96

// fill makes a fleet that grew over years. Each runner's traits follow from its
// number, in steps that are prime to each other, so that they mix.
func fill(fake *runnerstest.Server) {
	var projects []int64
	for _, path := range []string{
		"app", "site", "shop/web", "shop/payments", "data/pipelines",
		"infra/images", "infra/terraform", "mobile/ios", "mobile/android",
	} {
		projects = append(projects, fake.AddProject(runnerstest.Project{Path: "acme/" + path}).ID)
	}
	tags := [][]string{
		{"docker", "linux"},
		{"docker", "linux", "arm64"},
		{"shell", "linux"},
		{"macos", "xcode"},
		{"docker", "linux", "gpu"},
		{"windows"},
		{"docker", "linux", "large"},
		{"kubernetes"},
		nil,
	}
	versions := []string{"19.1.0", "19.0.2", "19.1.0", "18.11.1", "17.5.3", "19.0.2", "18.4.0", "16.11.0", "19.1.0"}
	for i := range made {
		home := min((i*i)%9, (i*7)%9+i%3) // most work for the first ones
		age := time.Duration(3+(i*i*7)%900) * day
		r := runnerstest.Runner{
			Description: fmt.Sprintf("%s-%02d", []string{"builder", "tester", "deployer"}[i%3], i+1),
			TagList:     tags[(i*5)%len(tags)], Version: versions[(i*7)%len(versions)],
			Projects:  []int64{projects[home]},
			CreatedAt: runnerstest.Ago(age), ContactedAt: runnerstest.Ago(silence(i, age)),
			Paused: i%11 == 4,
		}
		if i%4 == 0 {
			r.Projects = append(r.Projects, projects[home+1])
		}
		if i%13 == 6 { // created, and never installed
			r.ContactedAt, r.Version = runnerstest.Never(), ""
			r.CreatedAt = runnerstest.Ago(time.Duration(i) * day / 10)
		}
		fake.AddRunner(r)
	}
}

// silence is for how long nothing was heard of a runner of some age.
func silence(i int, age time.Duration) time.Duration {
	silence := time.Duration(i%50) * time.Minute
	switch {
	case i%9 == 2:
		silence = time.Duration(5+i) * time.Hour
	case i%7 == 3:
		silence = time.Duration(10+i*3) * day
	}
	return min(silence, age)
}
