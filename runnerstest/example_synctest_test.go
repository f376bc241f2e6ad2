// Waits of an hour, in no time.

package runnerstest_test //nolint:testableexamples // a bubble needs a test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A test of long waits: client, server and clock live in one bubble of
// testing/synctest, and time passes when all of them wait. GitLab asks to come
// back in an hour, and the test takes a few milliseconds.
func Example_synctest() {
	var t *testing.T // that of the test
	synctest.Test(t, waitAnHour)
}

func waitAnHour(t *testing.T) {
	srv := runnerstest.NewServer(t, nil)
	builder := srv.AddRunner(runnerstest.Runner{Description: "builder"})
	root := srv.AddToken(runnerstest.AccessToken{User: "root"})
	client, err := runners.New("https://gitlab.test", runners.PrivateToken(root.Token),
		&runners.Options{HTTPClient: srv.HTTPClient(), MaxWait: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	srv.Fault(runnerstest.RateLimited(runnerstest.OnlyRetryAfter, time.Hour)) // Retry-After: 3600

	began := time.Now()
	_, err = client.Runners.Get(t.Context(), builder.ID)
	if err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited != time.Hour {
		t.Errorf("waited for %v", waited)
	}
	srv.WantRequests(t, "GET /runners/{id}", 2)
}
