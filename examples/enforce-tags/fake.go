// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// configured reports whether there is a GitLab to ask.
func configured() bool { return os.Getenv("GITLAB_URL") != "" || os.Getenv("GITLAB_TOKEN") != "" }

// connect returns a client, and what to call when it is used no more.
func connect(log io.Writer) (*runners.Client, func(), error) {
	if configured() {
		c, err := runners.NewFromEnv(nil)
		return c, func() {}, err
	}
	fmt.Fprintln(log, "GITLAB_URL and GITLAB_TOKEN are not set: these runners are made up.")
	fake, err := runnerstest.Start(nil)
	if err != nil {
		return nil, nil, err
	}
	fake.AddUser(runnerstest.User{Username: "mia"})
	fake.AddGroup(runnerstest.Group{
		Path: "acme", Members: map[string]runnerstest.Role{"mia": runnerstest.Owner},
	})
	fill(fake)
	token := fake.AddToken(runnerstest.AccessToken{User: "mia"})
	c, err := runners.New("http://gitlab.test", runners.PrivateToken(token.Token), &runners.Options{
		HTTPClient: fake.HTTPClient(), AllowInsecure: true,
	})
	return c, fake.Close, err
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
