// Settings, seeds, and registration tokens.

package runnerstest_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A GitLab of 2023 registers a project runner, until that is switched off.
func ExampleServer_Restore() {
	srv, err := runnerstest.Start(&runnerstest.Options{Version: "16.5"})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	client := srv.Client(nil)
	app := srv.AddProject(runnerstest.Project{Path: "acme/app"})
	register := func() error {
		_, err := client.Tokens.Register(context.Background(), //nolint:staticcheck // it is of that time
			runners.NewToken(app.RunnersToken), nil)
		return err
	}

	fmt.Println(register())
	state := srv.Snapshot()
	state.AllowRegistrationToken = new(false)
	if err := srv.Restore(state); err != nil {
		log.Fatal(err)
	}
	fmt.Println(register())
	// Output:
	// <nil>
	// runners: POST /runners: 410 Gone - runner registration disallowed; use Runners.Create (POST /user/runners)
}

// A world in JSON, as the program fakegitlab reads it, too.
func ExampleStart() {
	srv, err := runnerstest.Start(&runnerstest.Options{Seed: strings.NewReader(`{
	  "users":    [{"username": "root", "admin": true}],
	  "groups":   [{"full_path": "acme"}],
	  "projects": [{"id": 9, "path_with_namespace": "acme/app"}],
	  "runners":  [{"projects": [9], "tag_list": ["docker"], "contacted_at": "-3h"}]
	}`)})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	offline := &runners.ListOptions{Status: runners.StatusOffline}
	list := srv.Client(nil).Projects.List(runners.Path("acme/app"), offline)
	found, err := list.Collect(context.Background())
	fmt.Println(len(found), err)
	// Output: 1 <nil>
}

// What was asked, by whom, and what came of it.
func ExampleServer_Requests() {
	srv, client := started()
	defer srv.Close()
	_, _ = client.Runners.Get(context.Background(), 42)
	_, _ = client.Runners.Pause(context.Background(), srv.AddRunner(runnerstest.Runner{}).ID)

	for _, r := range srv.Requests(runnerstest.ByActor("root")) {
		fmt.Println(r.Route, r.Params, r.Status)
	}
	// Output:
	// GET /runners/{id} map[id:42] 404
	// PUT /runners/{id} map[id:1 paused:true] 200
}
