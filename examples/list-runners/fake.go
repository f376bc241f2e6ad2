// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// connect returns a client, and what to call when it is used no more.
func connect(log io.Writer) (*runners.Client, func(), error) {
	if os.Getenv("GITLAB_URL") != "" || os.Getenv("GITLAB_TOKEN") != "" {
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
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"})
	for i, tags := range [][]string{{"docker"}, {"docker", "arm64"}, {"shell"}} {
		fake.AddRunner(runnerstest.Runner{
			Description: fmt.Sprintf("builder-%d", i+1), TagList: tags, Projects: []int64{app.ID},
			ContactedAt: runnerstest.Ago(time.Duration(i) * 100 * time.Minute),
		})
	}
	token := fake.AddToken(runnerstest.AccessToken{User: "mia"})
	c, err := runners.New(fake.URL(), runners.PrivateToken(token.Token), nil)
	return c, fake.Close, err
}
