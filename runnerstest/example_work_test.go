// Runner processes, their jobs, and time.

package runnerstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A task is what a runner is told of its job.
type task struct {
	ID    int64
	Token string
}

// process sends what a runner process would, and returns the job that it gets.
func process(srv *runnerstest.Server, method, path string, form url.Values) (job task) {
	r, err := http.NewRequestWithContext(context.Background(), method,
		"https://gitlab.test/api/v4/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := srv.HTTPClient().Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	_ = json.NewDecoder(res.Body).Decode(&job) // there may be nothing to do
	return job
}

// A runner takes a job, and ends it.
func ExampleServer_AddJob() {
	srv, client := started()
	defer srv.Close()
	app := srv.AddProject(runnerstest.Project{Path: "acme/app"})
	r := srv.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}})
	srv.AddJob(runnerstest.Job{ProjectID: app.ID, Name: "rspec"})
	show := func() {
		for j, err := range client.Runners.Jobs(r.ID, nil).All(context.Background()) {
			fmt.Println(j.Name, j.Status, err)
		}
	}

	job := process(srv, "POST", "jobs/request", url.Values{"token": {r.Token}, "system_id": {"s_1"}})
	show()
	srv.Advance(3 * time.Minute)
	process(srv, "PUT", fmt.Sprint("jobs/", job.ID),
		url.Values{"token": {job.Token}, "state": {"success"}})
	show()
	// Output:
	// rspec running <nil>
	// rspec success <nil>
}

// Nobody hears of a runner for a week.
func ExampleServer_Advance() {
	srv, client := started()
	defer srv.Close()
	r := srv.AddRunner(runnerstest.Runner{ContactedAt: runnerstest.Ago(time.Minute)})

	for _, d := range []time.Duration{0, 2 * time.Hour, 7 * 24 * time.Hour} {
		srv.Advance(d)
		got, err := client.Runners.Get(context.Background(), r.ID)
		fmt.Println(got.Status, err)
	}
	_, err := client.Tokens.Verify(context.Background(), runners.NewToken(r.Token), nil)
	got, _ := client.Runners.Get(context.Background(), r.ID)
	fmt.Println(got.Status, err)
	// Output:
	// online <nil>
	// offline <nil>
	// stale <nil>
	// online <nil>
}
