// What to do when an answer gets lost, or does not come yet.

package runners_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// exampleTrouble is a GitLab with the project 1 and its runner 1, where
// something goes wrong once. It returns an administrator's client, and the
// runner's token.
func exampleTrouble(fault ...runnerstest.FaultOpt) (*runners.Client, runners.Token) {
	gitlab, err := runnerstest.Start(nil)
	if err != nil {
		log.Fatal(err)
	}
	app := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	r := gitlab.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}, Description: "builder"})
	root := gitlab.AddToken(runnerstest.AccessToken{User: "root"})
	c, err := runners.New("https://gitlab.example.com", runners.PrivateToken(root.Token),
		&runners.Options{HTTPClient: gitlab.HTTPClient()})
	if err != nil {
		log.Fatal(err)
	}
	gitlab.Fault(fault...)
	return c, runners.NewToken(r.Token)
}

// GitLab creates a runner, and the answer gets lost. Look for the runner by
// a description that no other has, and give it a token again.
func ExampleFindCreated() {
	c, _ := exampleTrouble(runnerstest.On("POST /user/runners"), runnerstest.Status(502), runnerstest.AfterCommit())
	ctx := context.Background()

	gpu := &runners.CreateOptions{Description: "gpu-7f3a", TagList: []string{"gpu"}}
	made, err := c.Runners.Create(ctx, runners.ForProject(1), gpu)
	if errors.Is(err, runners.ErrOutcomeUnknown) {
		fmt.Println("is it there?")
		found, err := runners.FindCreated(ctx, c, err)
		if err != nil || len(found) != 1 {
			fmt.Println("not there (yet), or not sure:", len(found), err)
			return
		}
		fresh, err := c.Runners.ResetToken(ctx, found[0].ID)
		if err != nil {
			log.Fatal(err)
		}
		made = &runners.NewRunner{ID: found[0].ID, Token: fresh.Token}
	} else if err != nil {
		log.Fatal(err)
	}
	fmt.Println("runner", made.ID, "has a token:", !made.Token.IsZero())
	// Output:
	// is it there?
	// runner 2 has a token: true
}

// A runner resets its own token, and the answer gets lost. If the old token is
// refused now, the new one is lost, and somebody with an access token has to
// reset it once more, by the runner's id.
func ExampleTokensService_Reset() {
	c, token := exampleTrouble(
		runnerstest.On("POST /runners/reset_authentication_token"), runnerstest.ResetConn(), runnerstest.AfterCommit())
	ctx := context.Background()

	fresh, err := c.Tokens.Reset(ctx, token)
	if errors.Is(err, runners.ErrOutcomeUnknown) {
		_, err = c.Tokens.Verify(ctx, token, nil)
		if err == nil {
			fmt.Println("nothing was done, and the old token is good")
			return
		}
		if !errors.Is(err, runners.ErrForbidden) {
			log.Fatal(err)
		}
		fmt.Println("it was done, and the new token is lost")
		fresh, err = c.Runners.ResetToken(ctx, 1)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("there is a new one:", !fresh.Token.IsZero())
	// Output:
	// it was done, and the new token is lost
	// there is a new one: true
}

// Waits of up to Options.MaxWait, a minute, are waited for. Of a longer one the
// error says how long, and until when.
func ExampleError_rateLimit() {
	c, _ := exampleTrouble(runnerstest.RateLimited(runnerstest.AllHeaders, time.Hour))

	_, err := c.Runners.Get(context.Background(), 1)
	if e, ok := errors.AsType[*runners.Error](err); ok && errors.Is(err, runners.ErrRateLimited) {
		fmt.Println("come back in", e.RetryAfter)
		fmt.Println("in an hour:", time.Until(e.ResetAt).Round(time.Minute) == time.Hour)
	}
	// Output:
	// come back in 1h0m0s
	// in an hour: true
}
