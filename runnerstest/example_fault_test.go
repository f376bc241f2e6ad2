// What goes wrong, and what a client makes of it.

package runnerstest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// started returns a server outside of tests, and a client for it. In a test,
// that is NewServer and Server.Client.
func started() (*runnerstest.Server, *runners.Client) {
	noon := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)
	srv, err := runnerstest.Start(&runnerstest.Options{Now: func() time.Time { return noon }})
	if err != nil {
		log.Fatal(err)
	}
	return srv, srv.Client(nil)
}

// The answer to a create is lost: the runner is there, and the client says that
// it may be.
func ExampleServer_Fault() {
	srv, client := started()
	defer srv.Close()
	srv.Fault(runnerstest.On("POST /user/runners"), runnerstest.AfterCommit(), runnerstest.Status(502))

	_, err := client.Runners.Create(context.Background(), runners.ForInstance(), nil)
	fmt.Println(errors.Is(err, runners.ErrOutcomeUnknown))
	fmt.Println(len(srv.Snapshot().Runners), "runner,", len(srv.Requests()), "request")
	// Output:
	// true
	// 1 runner, 1 request
}

// A limit of two requests a minute, on the server's clock.
func ExampleServer_Limit() {
	srv, client := started()
	defer srv.Close()
	srv.Limit(2, 2*time.Minute)
	runner := srv.AddRunner(runnerstest.Runner{Description: "builder"})

	for range 3 {
		_, err := client.Runners.Get(context.Background(), runner.ID)
		fmt.Println(errors.Is(err, runners.ErrRateLimited))
		srv.Advance(time.Second)
	}
	// Output:
	// false
	// false
	// true
}
