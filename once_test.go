// A thousand calls of everything that must not be done twice, with faults,
// phases and ends of contexts at random.

package runners_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// randomFault is a fault of any kind, before or after the work is done, which
// happens to the first request or two of those that match.
func randomFault(random *rand.Rand, match func(*http.Request) bool) []runnerstest.FaultOpt {
	kinds := [][]runnerstest.FaultOpt{
		{runnerstest.Status(500)},
		{runnerstest.Status(502)},
		{runnerstest.Status(503)},
		{runnerstest.Status(504)},
		{runnerstest.ResetConn()},
		{runnerstest.CloseConn()},
		{runnerstest.Hang()},
		{runnerstest.Delay(5 * time.Second)},
		{runnerstest.HTMLPage()},
		{runnerstest.Garbage()},
		{runnerstest.Truncate(7)},
		{runnerstest.Endless()},
		{runnerstest.SlowBody(100 * time.Millisecond)},
		{runnerstest.Status(400)},
		{runnerstest.Status(409)},
		{runnerstest.RateLimited(runnerstest.OnlyRetryAfter, 2*time.Second)},
		{runnerstest.RateLimited(runnerstest.NoHeaders)},
	}
	kind := random.IntN(len(kinds))
	options := append(kinds[kind], runnerstest.Match(match), runnerstest.Times(1+random.IntN(2)))
	if random.IntN(2) == 0 && kind < len(kinds)-4 { // a refusal comes before the work
		options = append(options, runnerstest.AfterCommit())
	}
	return options
}

// randomEnd is a context that ends by itself, by a deadline or a cancel.
func randomEnd(parent context.Context, random *rand.Rand) (context.Context, context.CancelFunc) {
	after := time.Duration(random.IntN(40_000)) * time.Millisecond
	if random.IntN(2) == 0 {
		return context.WithTimeout(parent, after)
	}
	ctx, cancel := context.WithCancel(parent)
	time.AfterFunc(after, cancel)
	return ctx, cancel
}

// A deed is something that must not be done twice.
type deed struct {
	route string
	do    func(context.Context, *runners.Client, runnerstest.Runner) error
}

func deeds(registration runners.Token) []deed {
	return []deed{
		{"POST /user/runners", func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
			return one(c.Runners.Create(ctx, runners.ForInstance(), &runners.CreateOptions{Description: r.Description}))
		}},
		{"POST /runners", func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
			return one(c.Tokens.Register(ctx, registration, &runners.RegisterOptions{Description: r.Description}))
		}},
		{"POST /projects/{id}/runners", func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
			return one(c.Projects.Assign(ctx, runners.Path("acme/site"), r.ID))
		}},
		{"POST /runners/{id}/reset_authentication_token", func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
			return one(c.Runners.ResetToken(ctx, r.ID))
		}},
		{"POST /runners/reset_authentication_token", func(ctx context.Context, c *runners.Client, r runnerstest.Runner) error {
			return one(c.Tokens.Reset(ctx, runners.NewToken(r.Token)))
		}},
	}
}

// calledKey finds the name of a call in its context.
type calledKey struct{}

// TestOnce: of a thousand calls, each is done once at most; what ended well was
// done, and what was done and did not end well is told as unknown. The bubble
// would not end if a goroutine were left. Each hundred has a client of its own,
// as one that was told to wait makes no call.
func TestOnce(t *testing.T) {
	t.Parallel()
	for i, d := range deeds(runners.Token{}) {
		inBubble(t, d.route, func(t *testing.T) {
			const calls, together = 1000, 100
			gitlab := runnerstest.NewServer(t, &runnerstest.Options{Version: "16.11.0", Lenient: true})
			app := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
			gitlab.AddProject(runnerstest.Project{Path: "acme/site"})
			do := deeds(runners.NewToken(gitlab.Snapshot().RegistrationToken))[i].do
			options := &runners.Options{
				RequestID:    func(ctx context.Context) string { return ctx.Value(calledKey{}).(string) }, //nolint:errcheck,forcetypeassert // it is there
				MaxBodyBytes: 4 << 10, NoRetryBudget: true,
			}
			gitlab.AddToken(runnerstest.AccessToken{User: "root", Token: accessToken})
			random := rand.New(rand.NewPCG(5, uint64(i)))
			ended := make([]error, calls)
			var group sync.WaitGroup
			var c *runners.Client
			for n := range calls {
				if n%together == 0 {
					group.Wait()
					c = client(t, gitlab.HTTPClient().Transport, options)
				}
				name := fmt.Sprint("call-", n)
				r := gitlab.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}, Description: name})
				fault := gitlab.Fault(randomFault(random, func(r *http.Request) bool { return r.Header.Get("X-Request-ID") == name })...)
				ctx, cancel := randomEnd(context.WithValue(t.Context(), calledKey{}, name), random)
				group.Go(func() {
					defer cancel()
					ended[n] = do(ctx, c, r)
					fault.Disarm() // some end before they are sent
				})
			}
			group.Wait()
			wantOnce(t, gitlab.Requests(runnerstest.ByRoute(d.route)), ended)
		})
	}
}

// wantOnce holds what was done against what the callers were told.
func wantOnce(t *testing.T, requests []runnerstest.Request, ended []error) {
	t.Helper()
	done := map[string]int{}
	for _, r := range requests {
		if wasDone(r) {
			done[r.RequestID]++
		}
	}
	var well, unknown, lost int
	for n, err := range ended {
		times := done[fmt.Sprint("call-", n)]
		require.LessOrEqual(t, times, 1, "done twice: %v", err)
		switch {
		case err == nil:
			require.Equal(t, 1, times, "it is said to be done")
			well++
		case errors.Is(err, runners.ErrOutcomeUnknown):
			unknown, lost = unknown+1, lost+times
		default:
			require.Zero(t, times, "done, and nobody is told: %v", err)
		}
	}
	t.Logf("%d ended well, %d are unknown, and %d of these were done", well, unknown, lost)
	assert.Greater(t, well, len(ended)/25)
	assert.Greater(t, lost, len(ended)/25)
	assert.Greater(t, unknown-lost, len(ended)/25)
}

// wasDone reports whether GitLab did what a request asked for, whatever was
// answered.
func wasDone(r runnerstest.Request) bool {
	switch r.Fault {
	case "", "delay", "truncate", "slow-body":
		return r.Status/100 == 2
	default:
		return strings.HasSuffix(r.Fault, "after-commit")
	}
}
