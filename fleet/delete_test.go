package fleet_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

var apply = &fleet.DeleteOptions{Apply: true}

// shared adds a runner of both projects, and makes mia a maintainer of some.
func shared(s *stage, maintains ...runnerstest.Project) int64 {
	for _, p := range maintains {
		s.AddMember(runnerstest.Member{User: "mia", Project: p.ID, Role: runnerstest.Maintainer})
	}
	return s.add(1, func(r *runnerstest.Runner) { r.Projects = []int64{s.app.ID, s.site.ID} })[0]
}

func TestDeleteEverywhere(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"19.1.0", "18.0.0", "17.9.0", "17.5.0", "15.0.0", "13.10.0", "10.0.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, version)
			id := shared(s, s.app, s.site)
			d, err := fleet.DeleteEverywhere(t.Context(), s.as(t, "mia"), id, apply)
			require.NoError(t, err)
			assert.Equal(t, fleet.Deleted, d.State)
			assert.Equal(t, []fleet.Project{{ID: 2, Path: "acme/site"}}, d.Unassigned)
			assert.Equal(t, 1, s.count("DELETE /projects/{id}/runners/{runner_id}"), "the last one is not tried")
			assert.Nil(t, s.runner(id))
		})
	}
}

func TestDeleteEverywhereAsAdministrator(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := shared(s)
	d, err := fleet.DeleteEverywhere(t.Context(), s.admin, id, apply)
	require.NoError(t, err)
	assert.Equal(t, fleet.Deleted, d.State)
	assert.Empty(t, d.Unassigned, "there is no need")
	assert.Nil(t, s.runner(id))
}

func TestDeleteEverywherePlans(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := shared(s)
	for _, o := range []*fleet.DeleteOptions{nil, {}} {
		d, err := fleet.DeleteEverywhere(t.Context(), s.admin, id, o)
		require.NoError(t, err)
		text, err := json.Marshal(d)
		require.NoError(t, err)
		assert.JSONEq(t, `{"id": 1, "description": "builder", "runner_type": "project_type", "projects": [
			{"id": 1, "path_with_namespace": "acme/app"}, {"id": 2, "path_with_namespace": "acme/site"}],
			"state": "planned"}`, string(text))
		assert.Equal(t, "[id=1 description=builder state=planned unassigned=0]", slog.AnyValue(d).Resolve().String())
	}
	assert.Len(t, s.Requests(), 2)
	assert.NotNil(t, s.runner(id))
}

func TestDeleteEverywhereOfNone(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	d, err := fleet.DeleteEverywhere(t.Context(), s.admin, 4711, apply)
	require.NoError(t, err)
	assert.Equal(t, fleet.AlreadyGone, d.State)
}

// What cannot be deleted is not taken from anybody, as far as that can be
// known, and the error says why.
func TestDeleteEverywhereRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := shared(s, s.app)
	d, err := fleet.DeleteEverywhere(t.Context(), s.as(t, "mia"), id, apply)
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Equal(t, "runner 1: runners: DELETE /runners/{id}: "+
		"403 Forbidden - Runner associated with more than one project", err.Error())
	assert.Equal(t, fleet.DeletionFailed, d.State)
	assert.Equal(t, []fleet.Project{{ID: 1, Path: "acme/app"}}, d.Projects, "mia sees no more")
	assert.Len(t, s.runner(id).Projects, 2)

	locked := s.add(1, func(r *runnerstest.Runner) {
		r.Projects, r.Locked = []int64{s.app.ID, s.site.ID}, true
	})[0]
	s.AddMember(runnerstest.Member{User: "mia", Project: s.site.ID, Role: runnerstest.Maintainer})
	d, err = fleet.DeleteEverywhere(t.Context(), s.as(t, "mia"), locked, apply)
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Contains(t, err.Error(), "2 projects keep it, the first is acme/site")
	assert.Empty(t, d.Unassigned)
	assert.Len(t, s.runner(locked).Projects, 2)
	assert.Equal(t, fleet.DeletionFailed, d.State)

	_, err = fleet.DeleteEverywhere(t.Context(), s.as(t, "zoe"), id, apply)
	require.ErrorIs(t, err, runners.ErrForbidden)
}

// The owner is found where it is not the first in the list: it cannot be taken
// away, and all others can.
func TestDeleteEverywhereFindsTheOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t, "17.9.0")
	id := shared(s, s.app, s.site)
	s.before = func(r *http.Request) *fault {
		switch r.Method + " " + r.URL.Path {
		case "DELETE /api/v4/projects/2/runners/1":
			return &fault{status: 403}
		case "DELETE /api/v4/projects/1/runners/1":
			s.change(id, func(r *runnerstest.Runner) { r.Projects, r.AssignedAt = []int64{2}, nil })
			return &fault{status: 204}
		}
		return nil
	}
	d, err := fleet.DeleteEverywhere(t.Context(), s.as(t, "mia"), id, apply)
	require.NoError(t, err)
	assert.Equal(t, []fleet.Project{{ID: 1, Path: "acme/app"}}, d.Unassigned)
	assert.Equal(t, fleet.Deleted, d.State)
}

func TestDeleteEverywhereThroughTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := shared(s, s.app, s.site)
		c := s.as(t, "mia")
		s.before = limited(http.MethodDelete, "", 3*time.Minute)
		s.after = first(2, http.MethodDelete, "", &fault{status: 502})
		began := time.Now()
		d, err := fleet.DeleteEverywhere(t.Context(), c, id, apply)
		require.NoError(t, err)
		assert.Equal(t, fleet.Deleted, d.State)
		assert.Nil(t, s.runner(id))
		assert.GreaterOrEqual(t, time.Since(began), 3*time.Minute)
	})
}

func TestDeleteEverywhereEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		id := shared(s, s.app, s.site)
		c := s.as(t, "mia")
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		d, err := fleet.DeleteEverywhere(ctx, c, id, apply)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, fleet.DeletionFailed, d.State)
		assert.Len(t, d.Unassigned, 1, "the Deletion says how far it came")
		assert.Len(t, s.runner(id).Projects, 1)
	})
}

// Somebody else deletes the runner, or takes it from a project, at the same
// time.
func TestDeleteEverywhereTogetherWithOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := shared(s, s.app, s.site)
	s.before = once(http.MethodDelete, "/runners/", func() { _ = s.Client(t).Runners.Delete(t.Context(), id) })
	d, err := fleet.DeleteEverywhere(t.Context(), s.admin, id, apply)
	require.NoError(t, err)
	assert.Equal(t, fleet.AlreadyGone, d.State)

	id = shared(s)
	s.before = once(http.MethodDelete, "/projects/", func() {
		_ = s.Client(t).Projects.Unassign(t.Context(), runners.ID(s.site.ID), id)
	})
	d, err = fleet.DeleteEverywhere(t.Context(), s.as(t, "mia"), id, apply)
	require.NoError(t, err)
	assert.Equal(t, fleet.Deleted, d.State)
}
