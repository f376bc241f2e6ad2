// The tutorial of the package's documentation, line by line.

package runnerstest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

func TestTutorial(t *testing.T) {
	t.Parallel()
	srv := runnerstest.NewServer(t, nil)
	client := srv.Client(t)

	app := srv.AddProject(runnerstest.Project{Path: "acme/app"})
	r := srv.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}})
	mia := srv.ClientAs(t, srv.AddToken(runnerstest.AccessToken{User: "mia"}))
	srv.AddMember(runnerstest.Member{User: "mia", Project: app.ID, Role: runnerstest.Developer})
	_, err := mia.Runners.Get(t.Context(), r.ID)
	require.ErrorIs(t, err, runners.ErrForbidden)

	srv.Advance(8 * 24 * time.Hour)
	got, err := client.Runners.Get(t.Context(), r.ID)
	require.NoError(t, err)
	assert.Equal(t, runners.StatusStale, got.Status)

	srv.AddJob(runnerstest.Job{ProjectID: app.ID})
	assert.Equal(t, 201, ask(t, srv, "", "POST /jobs/request", "token="+r.Token).status)
	assert.Len(t, srv.Requests(runnerstest.ByRoute("GET /runners/{id}")), 2)

	state := srv.Snapshot()
	for allowed, status := range map[bool]int{true: 201, false: 410} {
		state.AllowRegistrationToken = &allowed
		require.NoError(t, srv.Restore(state))
		assert.Equal(t, status, ask(t, srv, "", "POST /runners", "token="+app.RunnersToken).status)
	}

	oauth := srv.AddToken(runnerstest.AccessToken{User: "root", Kind: "oauth"})
	_, err = srv.ClientAs(t, oauth).Runners.Get(t.Context(), r.ID)
	require.NoError(t, err, "an OAuth token is shown as a bearer")
}
