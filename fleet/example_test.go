package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// exampleGitLab is the GitLab of all examples: two projects and four runners.
// It returns a client for its administrator.
func exampleGitLab() *runners.Client {
	gitlab, err := runnerstest.Start(nil)
	if err != nil {
		log.Fatal(err)
	}
	app := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	site := gitlab.AddProject(runnerstest.Project{Path: "acme/site"})
	old := time.Date(2024, time.May, 17, 0, 0, 0, 0, time.UTC)
	for _, r := range []runnerstest.Runner{
		{Description: "builder", TagList: []string{"docker"}, Managers: []runnerstest.Manager{
			{SystemID: "s_host1", Version: "18.2.0", ContactedAt: runnerstest.Ago(time.Minute)},
		}},
		{Description: "tester", Managers: []runnerstest.Manager{
			{SystemID: "s_host1", Version: "17.5.0", ContactedAt: runnerstest.Ago(time.Minute)},
		}},
		{Description: "forgotten", ContactedAt: runnerstest.At(old), Projects: []int64{app.ID, site.ID}},
		{Description: "attic", TagList: []string{"precious"}, ContactedAt: runnerstest.At(old)},
	} {
		if r.Projects == nil {
			r.Projects = []int64{app.ID}
		}
		gitlab.AddRunner(r)
	}
	token := gitlab.AddToken(runnerstest.AccessToken{User: "root"})
	c, err := runners.New("https://gitlab.example.com", runners.PrivateToken(token.Token),
		&runners.Options{HTTPClient: gitlab.HTTPClient()})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// Pause some runners, and see which failed.
func ExampleEach() {
	c, ctx := exampleGitLab(), context.Background()

	pause := func(ctx context.Context, id int64) error {
		_, err := c.Runners.Pause(ctx, id)
		return err
	}
	outcomes, err := fleet.Each(ctx, []int64{1, 2, 4711}, pause, &fleet.EachOptions{Repeatable: true})
	for _, o := range outcomes {
		fmt.Println(o.Item, o.Err == nil)
	}
	fmt.Println(err)
	// Output:
	// 1 true
	// 2 true
	// 4711 false
	// 1 of 3 failed, first: runners: PUT /runners/{id}: 404 Runner Not Found
}

// Read all of each runner, several at once, in the order of the list.
func ExampleDetails() {
	c, ctx := exampleGitLab(), context.Background()

	for d, err := range fleet.Details(ctx, c, c.Runners.ListAll(nil), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.ID, d.Description, d.TagList)
	}
	// Output:
	// 1 builder [docker]
	// 2 tester []
	// 3 forgotten []
	// 4 attic [precious]
}

// Find the runners that run on a host.
func ExampleFind() {
	c, ctx := exampleGitLab(), context.Background()

	matches, err := fleet.Find(ctx, c, c.Runners.ListAll, &fleet.Query{SystemID: "s_host1"})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range matches {
		fmt.Println(m.Runner.ID, m.Runner.Description, m.Managers[0].Version)
	}
	// Output:
	// 1 builder 18.2.0
	// 2 tester 17.5.0
}

// Empty all runners of a host before its maintenance.
func ExampleDrain() {
	c, ctx := exampleGitLab(), context.Background()

	matches, err := fleet.Find(ctx, c, c.Runners.ListAll, &fleet.Query{SystemID: "s_host1"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = fleet.Each(ctx, matches, func(ctx context.Context, m fleet.Match) error {
		_, err := fleet.Drain(ctx, c, m.Runner.ID, &fleet.DrainOptions{
			SystemID: "s_host1", Timeout: time.Hour, ResumeOnFailure: true,
		})
		return err
	}, nil)
	fmt.Println("all idle:", err == nil)
	// Output: all idle: true
}

// Delete a runner, from however many projects. That it is gone is no error.
func ExampleDeleteEverywhere() {
	c, ctx := exampleGitLab(), context.Background()

	for range 2 {
		d, err := fleet.DeleteEverywhere(ctx, c, 3, &fleet.DeleteOptions{Apply: true})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.ID, d.State)
	}
	// Output:
	// 3 deleted
	// 3 gone
}

// Look at what a sweep would remove, and then remove it.
func ExampleSweep() {
	c, ctx := exampleGitLab(), context.Background()

	plan, err := fleet.Sweep(ctx, c, c.Runners.ListAll(nil), &fleet.SweepOptions{
		OlderThan: 90 * 24 * time.Hour,
		Keep: func(d *runners.RunnerDetails) bool {
			return len(d.TagList) > 0 && d.TagList[0] == "precious"
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan)
	fmt.Println()
	if err := plan.Apply(ctx, c, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan)
	// Output:
	// remove 3 "forgotten": last contact 2024-05-17
	// keep   4 "attic": it is protected
	// 1 to remove, 1 to keep, of 4 runners
	//
	// remove 3 "forgotten": last contact 2024-05-17; deleted
	// keep   4 "attic": it is protected
	// 1 to remove, 1 to keep, of 4 runners
}

// Give a runner a new token. Whatever happens, it reaches the store.
func ExampleRotator_Rotate() {
	c, ctx := exampleGitLab(), context.Background()

	vault := map[int64]string{}
	r := &fleet.Rotator{Client: c, Store: func(_ context.Context, r fleet.Rotation) error {
		vault[r.RunnerID] = r.Token.Reveal()
		return nil
	}}
	rotation, err := r.Rotate(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rotation.Token, vault[1] == rotation.Token.Reveal())
	// Output: [REDACTED] true
}

// Rotate what expires within a week, and report on the others.
func ExampleRotator_RotateExpiring() {
	c, ctx := exampleGitLab(), context.Background()

	r := &fleet.Rotator{Client: c, Store: func(context.Context, fleet.Rotation) error { return nil }}
	held := []fleet.Credential{
		{RunnerID: 1, ExpiresAt: new(time.Now().Add(time.Hour))},
		{RunnerID: 2},
		{RunnerID: 3, ExpiresAt: new(time.Now().AddDate(1, 0, 0))},
	}
	report, err := r.RotateExpiring(ctx, held, &fleet.ExpiringOptions{Apply: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range report {
		fmt.Println(e.RunnerID, "due:", e.Due, "rotated:", e.Rotated)
	}
	// Output:
	// 1 due: true rotated: true
	// 3 due: false rotated: false
	// 2 due: false rotated: false
}

// See what happens to runners, and keep what is known for the next time.
func ExampleWatcher() {
	c, ctx := exampleGitLab(), context.Background()

	w := fleet.NewWatcher(c, c.Runners.ListAll(nil), &fleet.WatchOptions{Interval: time.Millisecond})
	for e, err := range w.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if e.First {
			fmt.Println(e.ID, e.Description, e.Runner.Status)
			if e.ID == 4 {
				_, err := c.Runners.Update(ctx, 1, &runners.UpdateOptions{Description: new("large")})
				fmt.Println("updated:", err == nil)
			}
			continue
		}
		fmt.Println(e.ID, e.Kind, e.Changes)
		break
	}
	fmt.Println(len(w.State().Runners), "runners are known")
	// Output:
	// 1 builder online
	// 2 tester online
	// 3 forgotten stale
	// 4 attic stale
	// updated: true
	// 1 changed [{description builder large}]
	// 4 runners are known
}

// Watch what only the details show, too, and see how far each look is.
func ExampleWatchProgress() {
	c, ctx := exampleGitLab(), context.Background()

	w := fleet.NewWatcher(c, c.Runners.ListAll(nil), &fleet.WatchOptions{
		Depth: fleet.DepthAll, Interval: time.Millisecond,
		Progress: func(p fleet.WatchProgress) {
			if p.Done {
				fmt.Println("looked at", p.Details, "of", p.RowsTotal)
			}
		},
	})
	for e, err := range w.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if e.First && e.ID == 4 {
			_, err := c.Runners.Update(ctx, 4, &runners.UpdateOptions{TagList: &[]string{"arm64", "precious"}})
			fmt.Println("updated:", err == nil)
		}
		if !e.First {
			fmt.Println(e.ID, e.Kind, e.Changes)
			break
		}
	}
	// Output:
	// looked at 4 of 4
	// updated: true
	// looked at 4 of 4
	// 4 changed [{tag_list precious arm64, precious}]
}

// Make runners as a file says, and change nothing when they are.
func ExampleApply() {
	c, ctx := exampleGitLab(), context.Background()

	desired, err := fleet.ReadDesired(strings.NewReader(`{"runners": [
		{"id": 1, "tag_list": ["docker", "linux"], "maximum_timeout": 3600},
		{"description": "tester", "projects": ["acme/app", "acme/site"]}
	]}`))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		plan, err := fleet.Apply(ctx, c, c.Runners.ListAll(nil), desired, &fleet.ApplyOptions{Apply: true})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(plan)
	}
	// Output:
	// runner 1 "builder": tag_list: docker -> docker, linux
	// runner 1 "builder": maximum_timeout: null -> 3600
	// runner 2 "tester": projects: acme/app -> acme/app, acme/site
	// 2 to change, 0 as they should be
	// 0 to change, 2 as they should be
}

// Tell apart what went wrong with many runners.
func ExamplePartialError() {
	c, ctx := exampleGitLab(), context.Background()

	_, err := fleet.Each(ctx, []int64{1, 4711}, func(ctx context.Context, id int64) error {
		_, err := fleet.Drain(ctx, c, id, nil)
		return err
	}, nil)
	if partial, ok := errors.AsType[*fleet.PartialError](err); ok {
		for _, err := range partial.Errs {
			of, _ := errors.AsType[*fleet.RunnerError](err)
			fmt.Println(of.ID, errors.Is(err, runners.ErrNotFound))
		}
	}
	// Output: 4711 true
}
