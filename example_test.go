package runners_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// exampleGitLab is the GitLab of all examples: Mia owns the group acme, which
// has two projects and four runners. It returns a client for her.
func exampleGitLab(o *runners.Options) *runners.Client {
	gitlab, err := runnerstest.Start(nil)
	if err != nil {
		log.Fatal(err)
	}
	gitlab.AddUser(runnerstest.User{Username: "mia", Name: "Mia"})
	gitlab.AddGroup(runnerstest.Group{
		Path: "acme", Members: map[string]runnerstest.Role{"mia": runnerstest.Owner},
	})
	app := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	gitlab.AddProject(runnerstest.Project{Path: "acme/site"})
	for _, r := range []runnerstest.Runner{
		{Description: "builder", TagList: []string{"docker", "linux"}, ContactedAt: runnerstest.Ago(time.Minute)},
		{Description: "tester", TagList: []string{"docker"}, ContactedAt: runnerstest.Ago(5 * time.Hour)},
		{Description: "forgotten", CreatedAt: runnerstest.Ago(400 * 24 * time.Hour)},
		{Description: "attic", ContactedAt: runnerstest.Ago(90 * 24 * time.Hour)},
	} {
		r.Projects = []int64{app.ID}
		gitlab.AddRunner(r)
	}
	options := runners.Options{}
	if o != nil {
		options = *o
	}
	options.HTTPClient = gitlab.HTTPClient()
	token := gitlab.AddToken(runnerstest.AccessToken{User: "mia"})
	c, err := runners.New("https://gitlab.example.com", runners.PrivateToken(token.Token), &options)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// List the runners that have a tag, over all pages.
func ExampleRunnersService_List() {
	c, ctx := exampleGitLab(nil), context.Background()

	docker := &runners.ListOptions{TagList: []string{"docker"}}
	for r, err := range c.Runners.List(docker).All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.ID, r.Description, r.Status)
	}
	// Output:
	// 1 builder online
	// 2 tester offline
}

// Ask how many runners there are, without reading them all.
func ExampleListing_Page() {
	c, ctx := exampleGitLab(nil), context.Background()

	page, err := c.Runners.List(&runners.ListOptions{PerPage: 3}).Page(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d runners; the next page is %d\n", len(page.Items), *page.Total, page.NextPage)
	// Output: 3 of 4 runners; the next page is 2
}

// Create a runner for a project. The token is shown this once.
func ExampleRunnersService_Create() {
	c, ctx := exampleGitLab(nil), context.Background()

	r, err := c.Runners.Create(ctx, runners.ForProject(1), &runners.CreateOptions{
		Description: "gpu-1",
		TagList:     []string{"gpu"},
		RunUntagged: new(false),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("created runner", r.ID, "with the token", r.Token)
	fmt.Println("config.toml gets one of", len(r.Token.Reveal()), "characters")
	// Output:
	// created runner 5 with the token [REDACTED]
	// config.toml gets one of 28 characters
}

// Change some settings, clear one, and leave the others as they are.
func ExampleRunnersService_Update() {
	c, ctx := exampleGitLab(nil), context.Background()

	d, err := c.Runners.Update(ctx, 1, &runners.UpdateOptions{
		Description:    new("builder, large"),
		TagList:        new([]string{"docker", "linux", "large"}),
		MaximumTimeout: runners.Null[int](),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Description, d.TagList, d.MaximumTimeout == nil, d.Locked)
	// Output: builder, large [docker linux large] true false
}

// Pause every stale runner. The list is collected first: what changes a list
// while it is read moves its pages.
func ExampleRunnersService_Pause() {
	c, ctx := exampleGitLab(nil), context.Background()

	stale, err := c.Runners.List(&runners.ListOptions{Status: runners.StatusStale}).Collect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range stale {
		d, err := c.Runners.Pause(ctx, r.ID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.Description, "is paused:", d.IsPaused())
	}
	// Output:
	// forgotten is paused: true
	// attic is paused: true
}

// Give a runner a new token. If the answer is lost, the token is too, and
// asking again is right: the old one may be dead already.
func ExampleRunnersService_ResetToken() {
	c, ctx := exampleGitLab(nil), context.Background()

	fresh, err := c.Runners.ResetToken(ctx, 1)
	if errors.Is(err, runners.ErrOutcomeUnknown) {
		fresh, err = c.Runners.ResetToken(ctx, 1)
	}
	if err != nil {
		log.Fatal(err)
	}
	v, err := c.Tokens.Verify(ctx, fresh.Token, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the new token is that of runner", v.ID)
	// Output: the new token is that of runner 1
}

// Delete a runner that may be gone already.
func ExampleRunnersService_Delete() {
	c, ctx := exampleGitLab(nil), context.Background()

	for range 2 {
		switch err := c.Runners.Delete(ctx, 1); {
		case errors.Is(err, runners.ErrNotFound):
			fmt.Println("it was gone")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println("deleted")
		}
	}
	// Output:
	// deleted
	// it was gone
}

// Share a runner with another project, named by its path.
func ExampleProjectsService_Assign() {
	c, ctx := exampleGitLab(nil), context.Background()

	if _, err := c.Projects.Assign(ctx, runners.Path("acme/site"), 1); err != nil {
		log.Fatal(err)
	}
	d, err := c.Runners.Get(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range d.Projects {
		fmt.Println(p.PathWithNamespace)
	}
	// Output:
	// acme/app
	// acme/site
}

// Check a runner's token, as the runner itself does. An anonymous client will
// do.
func ExampleTokensService_Verify() {
	c, ctx := exampleGitLab(nil), context.Background()

	_, err := c.Tokens.Verify(ctx, runners.NewToken("glrt-not-a-token-of-this-gitlab"), nil)
	fmt.Println("valid:", err == nil, "forbidden:", errors.Is(err, runners.ErrForbidden))
	// Output: valid: false forbidden: true
}

// Tell errors apart, and see what GitLab has against which value.
func ExampleError() {
	c, ctx := exampleGitLab(nil), context.Background()

	_, err := c.Runners.Get(ctx, 4711)
	fmt.Println(errors.Is(err, runners.ErrNotFound), err)

	_, err = c.Runners.Update(ctx, 1, &runners.UpdateOptions{MaximumTimeout: runners.Value(60)})
	if e, ok := errors.AsType[*runners.Error](err); ok {
		fmt.Println(e.StatusCode, e.Fields["maximum_timeout"])
	}
	// Output:
	// true runners: GET /runners/{id}: 404 Runner Not Found
	// 400 [needs to be at least 10 minutes]
}

// A token hides itself from whatever prints, logs or marshals it.
func ExampleToken() {
	token := runners.NewToken("glrt-secret")

	fmt.Printf("%v %+v %q\n", token, struct{ Token runners.Token }{token}, token)
	_, err := json.Marshal(token)
	fmt.Println(err != nil, token.Reveal() == "glrt-secret")
	// Output:
	// [REDACTED] {Token:[REDACTED]} [REDACTED]
	// true true
}

// Count calls, for metrics of your own.
func ExampleOptions_observe() {
	observe := func(_ context.Context, call runners.Call) {
		fmt.Println(call.Method, call.Route, call.StatusCode, call.Attempts)
	}
	c, ctx := exampleGitLab(&runners.Options{Observe: observe}), context.Background()

	_, _ = c.Runners.Get(ctx, 1)
	_, _ = c.Runners.Get(ctx, -1)
	// Output:
	// GET /runners/{id} 200 1
	// GET /runners/{id} 0 0
}

// Log what the client does. Routes are logged, not paths, and no secrets.
func ExampleOptions_logger() {
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug, ReplaceAttr: noTime,
	}))
	c, ctx := exampleGitLab(&runners.Options{Logger: logger}), context.Background()

	_, _ = c.Runners.Get(ctx, 1)
	// Output: level=DEBUG msg="gitlab request" method=GET route=/runners/{id} attempt=1 status=200
}

// Call an endpoint that this package does not have.
func ExampleClient_Do() {
	c, ctx := exampleGitLab(nil), context.Background()

	var user struct{ Username string }
	if err := c.Do(ctx, "GET", "user", nil, nil, &user); err != nil {
		log.Fatal(err)
	}
	fmt.Println("I am", user.Username)
	// Output: I am mia
}
