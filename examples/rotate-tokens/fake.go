// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

const day = 24 * time.Hour

// connect returns a client, and what to call when it is used no more. The fake
// GitLab puts its tokens into a store, where none was named.
func connect(c *choices, log io.Writer) (*runners.Client, func(), error) {
	if os.Getenv("GITLAB_URL") != "" || os.Getenv("GITLAB_TOKEN") != "" {
		client, err := runners.NewFromEnv(nil)
		return client, func() {}, err
	}
	fake, err := runnerstest.Start(nil)
	if err != nil {
		return nil, nil, err
	}
	fake.AddUser(runnerstest.User{Username: "mia"})
	fake.AddGroup(runnerstest.Group{
		Path: "acme", Members: map[string]runnerstest.Role{"mia": runnerstest.Owner},
		// The tokens of its projects' runners live for 90 days.
		ProjectRunnerTokenExpirationInterval: new(int64(90 * day / time.Second)),
	})
	tokens := fill(fake)
	if c.store == "" {
		folder, err := os.MkdirTemp("", "rotate-tokens-")
		if err != nil {
			return nil, nil, err
		}
		c.store = filepath.Join(folder, "tokens.json")
		if err := (&store{file: c.store}).write(tokens); err != nil {
			return nil, nil, err
		}
	}
	fmt.Fprintln(log, "GITLAB_URL and GITLAB_TOKEN are not set: these runners are made up.")
	fmt.Fprintln(log, "Their tokens are in", c.store)
	token := fake.AddToken(runnerstest.AccessToken{User: "mia"})
	client, err := runners.New("http://gitlab.test", runners.PrivateToken(token.Token), &runners.Options{
		HTTPClient: fake.HTTPClient(), AllowInsecure: true,
	})
	return client, fake.Close, err
}

// fill makes runners whose tokens expire at various times, and returns these.
// The store does not know about the last one's time, but GitLab does.
func fill(fake *runnerstest.Server) map[int64]stored {
	app := fake.AddProject(runnerstest.Project{Path: "acme/app"}).ID
	tokens := map[int64]stored{}
	for _, left := range []time.Duration{40 * day, 2 * day, 0, 12 * time.Hour} {
		spec := runnerstest.Runner{Projects: []int64{app}, CreatedAt: runnerstest.Ago(50 * day)}
		if left > 0 {
			spec.TokenExpiresAt = runnerstest.In(left)
		}
		r := fake.AddRunner(spec)
		tokens[r.ID] = stored{Token: r.Token}
		if left >= day {
			tokens[r.ID] = stored{Token: r.Token, ExpiresAt: new(r.TokenExpiresAt.Time())}
		}
	}
	return tokens
}
