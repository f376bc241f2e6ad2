package runners_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

func TestProjectRunners(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("scope")                                                                                 // deprecated, and still offered
	s.AddRunner(runnerstest.Runner{})                                                                // 1: instance
	s.AddRunner(runnerstest.Runner{Groups: []int64{s.group.ID}})                                     // 2
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}, TagList: []string{"a"}})             // 3
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.site.ID}})                                    // 4
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.site.ID, s.app.ID}, Paused: true})            // 5
	alone := s.AddProject(runnerstest.Project{Path: "acme/alone", SharedRunnersEnabled: new(false)}) // no instance runners

	for _, project := range []runners.Ref{runners.ID(s.app.ID), runners.Path("acme/app")} {
		assert.Equal(t, []int64{1, 2, 3, 5}, ids(t, s.maintainer.Projects.List(project, nil)))
	}
	app := runners.ID(s.app.ID)
	assert.Equal(t, []int64{3, 5}, ids(t, s.maintainer.Projects.List(app, &runners.ListOptions{Type: runners.ProjectType})))
	assert.Equal(t, []int64{3}, ids(t, s.maintainer.Projects.List(app, &runners.ListOptions{TagList: []string{"a"}})))
	assert.Equal(t, []int64{5}, ids(t, s.maintainer.Projects.List(app, &runners.ListOptions{Paused: new(true)})))
	assert.Equal(t, []int64{1}, ids(t, s.maintainer.Projects.List(app, &runners.ListOptions{Scope: runners.ScopeShared})))
	assert.Equal(t, []int64{2}, ids(t, s.maintainer.Projects.List(runners.ID(alone.ID), nil)))

	_, err := s.developer.Projects.List(app, nil).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrForbidden)
	_, err = s.stranger.Projects.List(app, nil).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrNotFound)
	require.ErrorContains(t, err, "404 Project Not Found")
}

// TestProjectPaths: what the path of a project looks like when it arrives.
func TestProjectPaths(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	for path, arrives := range map[string]string{
		"acme/app":        "acme%2Fapp",
		"group/sub group": "group%2Fsub%20group",
		"a?x=1":           "a%3Fx=1",
		"a#b":             "a%23b",
		"a;b":             "a%3Bb",
		"bücher/ü":        "b%C3%BCcher%2F%C3%BC",
	} {
		err := all(t.Context(), s.maintainer.Projects.List(runners.Path(path), nil))
		if path != "acme/app" {
			require.ErrorIs(t, err, runners.ErrNotFound)
		}
		requests := s.Requests()
		last := requests[len(requests)-1]
		assert.Equal(t, "/api/v4/projects/"+arrives+"/runners", last.Path)
		assert.Equal(t, path, last.Params["id"])
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.projectRunner()
	site := runners.Path("acme/site")
	got, err := s.maintainer.Projects.Assign(t.Context(), site, r.ID)
	require.NoError(t, err)
	assert.Equal(t, r.ID, got.ID)
	assert.Contains(t, ids(t, s.maintainer.Projects.List(site, nil)), r.ID)

	group := s.AddRunner(runnerstest.Runner{Groups: []int64{s.group.ID}})
	locked := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}, Locked: true})
	shared := s.AddRunner(runnerstest.Runner{})
	for name, c := range map[string]struct {
		by      *runners.Client
		project runners.Ref
		runner  int64
		want    error
		text    string
	}{
		"again":           {s.maintainer, site, r.ID, runners.ErrInvalid, "already been taken"},
		"a group runner":  {s.admin, site, group.ID, runners.ErrForbidden, "Runner is a group runner"},
		"a locked one":    {s.maintainer, site, locked.ID, runners.ErrForbidden, "Runner is locked"},
		"a shared one":    {s.maintainer, site, shared.ID, runners.ErrForbidden, "No access granted"},
		"a developer":     {s.developer, site, r.ID, runners.ErrForbidden, "403 Forbidden"},
		"no such runner":  {s.maintainer, site, 4711, runners.ErrNotFound, "404"},
		"no such project": {s.maintainer, runners.ID(4711), r.ID, runners.ErrNotFound, "404 Project Not Found"},
		"no runner id":    {s.maintainer, site, 0, runners.ErrInvalid, "runner_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.by.Projects.Assign(t.Context(), c.project, c.runner)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
		})
	}
	_, err = s.admin.Projects.Assign(t.Context(), site, locked.ID)
	require.NoError(t, err, "an administrator may")
}

func TestUnassign(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID, s.site.ID}})
	app, site := runners.Path("acme/app"), runners.ID(s.site.ID)

	require.ErrorIs(t, s.developer.Projects.Unassign(t.Context(), site, r.ID), runners.ErrForbidden)
	require.ErrorIs(t, s.maintainer.Projects.Unassign(t.Context(), app, r.ID), runners.ErrForbidden)
	err := s.admin.Projects.Unassign(t.Context(), app, r.ID)
	require.ErrorContains(t, err, "You cannot unassign a runner from the owner project")

	old := &runners.DeleteOptions{IfUnmodifiedSince: s.Now().Add(-24 * time.Hour)}
	require.ErrorIs(t, s.maintainer.Projects.Unassign(t.Context(), site, r.ID, old), runners.ErrPreconditionFailed)
	require.NoError(t, s.maintainer.Projects.Unassign(t.Context(), site, r.ID))
	require.ErrorIs(t, s.maintainer.Projects.Unassign(t.Context(), site, r.ID), runners.ErrNotFound)
}

func TestGroupRunners(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("type=project_type") // deprecated, and still offered
	below := s.AddGroup(runnerstest.Group{Path: "acme/tools"})
	s.AddRunner(runnerstest.Runner{TagList: []string{"a"}})      // 1: instance
	s.AddRunner(runnerstest.Runner{Groups: []int64{s.group.ID}}) // 2
	s.AddRunner(runnerstest.Runner{Groups: []int64{below.ID}, Paused: true, Managers: []runnerstest.Manager{{
		SystemID: "s_1", Version: "16.11.1",
	}}}) // 3
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}}) // 4

	assert.Equal(t, []int64{1, 2}, ids(t, s.maintainer.Groups.List(runners.Path("acme"), nil)))
	tools := runners.Path("acme/tools")
	for name, c := range map[string]struct {
		options *runners.GroupListOptions
		want    []int64
	}{
		"none":    {nil, []int64{1, 2, 3}},
		"type":    {&runners.GroupListOptions{Type: runners.GroupType}, []int64{2, 3}},
		"project": {&runners.GroupListOptions{Type: runners.ProjectType}, []int64{}},
		"status":  {&runners.GroupListOptions{Status: runners.StatusNeverContacted}, []int64{1, 2, 3}},
		"paused":  {&runners.GroupListOptions{Paused: new(true)}, []int64{3}},
		"tag":     {&runners.GroupListOptions{TagList: []string{"a"}}, []int64{1}},
		"version": {&runners.GroupListOptions{VersionPrefix: "16.11"}, []int64{3}},
		"page":    {&runners.GroupListOptions{Page: 2, PerPage: 2}, []int64{3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, ids(t, s.maintainer.Groups.List(tools, c.options)))
		})
	}
	_, err := s.developer.Groups.List(tools, nil).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrForbidden)
	_, err = s.stranger.Groups.List(tools, nil).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrNotFound)
	require.ErrorContains(t, err, "404 Group Not Found")
}
