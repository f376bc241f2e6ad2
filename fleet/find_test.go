package fleet_test

import (
	"context"
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

// addHosts adds runners that run on some hosts.
func addHosts(s *stage) {
	manager := func(system, version, address string) runnerstest.Manager {
		return runnerstest.Manager{SystemID: system, Version: version, IPAddress: address}
	}
	for _, r := range []runnerstest.Runner{
		{Description: "one", TagList: []string{"docker"}, Managers: []runnerstest.Manager{
			manager("s_a", "17.1.0", "10.0.0.1"), manager("s_b", "16.10.0", "10.0.0.2"),
		}},
		{Description: "two", TagList: []string{"docker", "arm"}, Managers: []runnerstest.Manager{
			manager("s_a", "16.1.0", "10.0.0.1"),
		}},
		{Description: "one", TagList: []string{"arm"}},
	} {
		s.AddRunner(r)
	}
}

// found returns the runners and, after each, the systems that were found.
func found(matches []fleet.Match) map[int64][]string {
	all := map[int64][]string{}
	for _, m := range matches {
		all[m.Runner.ID] = []string{}
		for _, manager := range m.Managers {
			all[m.Runner.ID] = append(all[m.Runner.ID], manager.SystemID)
		}
	}
	return all
}

func TestFind(t *testing.T) {
	t.Parallel()
	type systems = map[int64][]string
	for name, test := range map[string]struct {
		query *fleet.Query
		want  systems
	}{
		"all":           {nil, systems{1: {}, 2: {}, 3: {}}},
		"description":   {&fleet.Query{Description: "one"}, systems{1: {}, 3: {}}},
		"tags":          {&fleet.Query{Tags: []string{"docker", "arm"}}, systems{2: {}}},
		"system":        {&fleet.Query{SystemID: "s_a"}, systems{1: {"s_a"}, 2: {"s_a"}}},
		"address":       {&fleet.Query{IPAddress: "10.0.0.2"}, systems{1: {"s_b"}}},
		"version":       {&fleet.Query{VersionPrefix: "16"}, systems{1: {"s_b"}, 2: {"s_a"}}},
		"minor version": {&fleet.Query{VersionPrefix: "16.1"}, systems{2: {"s_a"}}},
		"one manager":   {&fleet.Query{VersionPrefix: "17", SystemID: "s_b"}, systems{}},
		"match": {
			&fleet.Query{Match: func(r *runners.Runner) bool { return r.ID > 2 }}, systems{3: {}},
		},
		"none": {&fleet.Query{Description: "none", SystemID: "s_a"}, systems{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "")
			addHosts(s)
			matches, err := fleet.Find(t.Context(), s.admin, s.admin.Runners.ListAll, test.query)
			require.NoError(t, err)
			assert.Equal(t, test.want, found(matches))
		})
	}
}

// A GitLab without managers shows a version and an address of the runner.
func TestFindOnOldGitLab(t *testing.T) {
	t.Parallel()
	s := newStage(t, "15.5.0")
	s.AddRunner(runnerstest.Runner{Version: "15.4.0", IPAddress: "10.0.0.1", ContactedAt: runnerstest.Ago(time.Minute)})
	s.AddRunner(runnerstest.Runner{Version: "14.4.0", IPAddress: "10.0.0.1", ContactedAt: runnerstest.Ago(time.Minute)})
	s.AddRunner(runnerstest.Runner{Version: "15.4.0", IPAddress: "10.0.0.2", ContactedAt: runnerstest.Ago(time.Minute)})
	matches, err := fleet.Find(t.Context(), s.admin, s.admin.Runners.ListAll,
		&fleet.Query{IPAddress: "10.0.0.1", VersionPrefix: "15."})
	require.NoError(t, err)
	assert.Equal(t, map[int64][]string{1: {""}}, found(matches))
}

func TestFindInProjectAndGroup(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.add(2)
	own := s.AddRunner(runnerstest.Runner{Groups: []int64{s.group.ID}, Description: "of the group", TagList: []string{"docker"}})
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.site.ID}})
	query := &fleet.Query{Tags: []string{"docker"}}
	matches, err := fleet.Find(t.Context(), s.admin, fleet.InProject(s.admin, runners.Path("acme/app")), query)
	require.NoError(t, err)
	assert.Len(t, matches, 3)
	matches, err = fleet.Find(t.Context(), s.admin, fleet.InGroup(s.admin, runners.ID(s.group.ID)), query)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	assert.Equal(t, own.ID, matches[0].Runner.ID)
}

// A group's runners are filtered as others are.
func TestInGroupFilters(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		filter runners.ListOptions
		want   []int64
	}{
		"none":   {runners.ListOptions{}, []int64{1, 2, 3, 4}},
		"type":   {runners.ListOptions{Type: runners.GroupType}, []int64{1, 2, 3}},
		"status": {runners.ListOptions{Status: runners.StatusOffline}, []int64{2}},
		"paused": {runners.ListOptions{Paused: new(true)}, []int64{3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "")
			own := func(r *runnerstest.Runner) { r.Projects, r.Groups = nil, []int64{s.group.ID} }
			s.add(1, own)
			s.add(1, own, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(5 * time.Hour) })
			s.add(1, own, func(r *runnerstest.Runner) { r.Paused = true })
			s.add(1, func(r *runnerstest.Runner) { r.Projects = nil })
			var ids []int64
			for r, err := range fleet.InGroup(s.admin, runners.ID(s.group.ID))(&test.filter).All(t.Context()) {
				require.NoError(t, err)
				ids = append(ids, r.ID)
			}
			assert.ElementsMatch(t, test.want, ids)
		})
	}
}

func TestFindGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addHosts(s)
	s.before = first(always, http.MethodGet, "/runners/1/managers", &fault{status: 403})
	matches, err := fleet.Find(t.Context(), s.admin, s.admin.Runners.ListAll, &fleet.Query{SystemID: "s_a"})
	require.ErrorIs(t, err, runners.ErrForbidden)
	var of *fleet.RunnerError
	require.ErrorAs(t, err, &of)
	assert.Equal(t, int64(1), of.ID)
	assert.Equal(t, map[int64][]string{2: {"s_a"}}, found(matches))

	_, err = fleet.Find(t.Context(), s.as(t, "mia"), s.as(t, "mia").Runners.ListAll, nil)
	require.ErrorIs(t, err, runners.ErrForbidden)
}

func TestFindEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addHosts(s)
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := fleet.Find(ctx, s.admin, s.admin.Runners.ListAll, &fleet.Query{SystemID: "s_a"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// Neither a refusal nor a lost answer is an error.
func TestFindThroughTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addHosts(s)
		s.before = limited(http.MethodGet, "/managers", 2*time.Minute)
		s.after = first(1, http.MethodGet, "/runners/all", &fault{status: 502})
		began := time.Now()
		matches, err := fleet.Find(t.Context(), s.admin, s.admin.Runners.ListAll, &fleet.Query{SystemID: "s_a"})
		require.NoError(t, err)
		assert.Equal(t, map[int64][]string{1: {"s_a"}, 2: {"s_a"}}, found(matches))
		assert.GreaterOrEqual(t, time.Since(began), 2*time.Minute)
	})
}

// A runner that is deleted between the list and the look at it is not found.
func TestFindWhileOthersDelete(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addHosts(s)
	s.before = once(http.MethodGet, "/managers", func() {
		_ = s.Client(t).Runners.Delete(t.Context(), 2)
	})
	matches, err := fleet.Find(t.Context(), s.admin, s.admin.Runners.ListAll,
		&fleet.Query{SystemID: "s_a", Concurrency: 1})
	require.NoError(t, err)
	assert.Equal(t, map[int64][]string{1: {"s_a"}}, found(matches))
}

func TestFindARunnerListedTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.listedTwice()
	matches, err := fleet.Find(t.Context(), s.admin, s.admin.Runners.ListAll, &fleet.Query{VersionPrefix: "17"})
	require.NoError(t, err)
	require.Len(t, matches, 1)
	assert.Len(t, matches[0].Managers, 2)
}
