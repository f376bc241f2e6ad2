// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

const day = 24 * time.Hour

// connect returns a client, and what to call when it is used no more. The fake
// brings a store of its tokens where none is named.
func connect(c *choices, log io.Writer) (*runners.Client, func(), error) {
	var tokens map[int64]stored
	client, closeFake, err := program.Connect(nil, program.Fake{
		MadeUp: "these runners are",
		Fill:   func(fake *runnerstest.Server) { tokens = fill(fake) },
	}, log)
	if err != nil || tokens == nil {
		return client, closeFake, err
	}
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
	fmt.Fprintln(log, "Their tokens are in", c.store)
	return client, closeFake, nil
}

// fill makes runners whose tokens expire at various times, and returns these.
// The store does not know about the last one's time, but GitLab does.
func fill(fake *runnerstest.Server) map[int64]stored {
	app := fake.AddProject(runnerstest.Project{
		Path: "acme/app", RunnerTokenExpirationInterval: new(int64(90 * day / time.Second)),
	}).ID
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
