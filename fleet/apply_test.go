package fleet_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// desired is about the runners 1, 2 and 3, of which the last is as it should
// be.
const desired = `{"runners": [
  {"id": 1, "description": "tester", "tag_list": ["linux", "docker"], "paused": true, "run_untagged": false,
   "locked": true, "access_level": "ref_protected", "maximum_timeout": 3600, "maintenance_note": "mine",
   "projects": ["acme/site", "acme/app"]},
  {"description": "second", "maximum_timeout": null, "locked": false, "projects": ["acme/app"]},
  {"id": 3, "tag_list": ["docker"], "paused": false, "maximum_timeout": null, "projects": ["acme/app"]}
]}`

// addDrifting adds the runners that desired is about, and one more.
func addDrifting(s *stage) {
	s.add(1)
	s.add(1, func(r *runnerstest.Runner) {
		r.Description, r.Locked, r.MaximumTimeout = "second", true, new(int64(600))
		r.Projects = []int64{s.app.ID, s.site.ID}
	})
	s.add(2)
}

func read(t *testing.T, text string) *fleet.Desired {
	t.Helper()
	d, err := fleet.ReadDesired(strings.NewReader(text))
	require.NoError(t, err)
	return d
}

var change = &fleet.ApplyOptions{Apply: true}

// writes counts the requests that change something.
func writes(s *stage) int {
	return len(s.Requests(func(r runnerstest.Request) bool { return r.Method != http.MethodGet }))
}

func TestApply(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	all := s.admin.Runners.ListAll(nil)
	plan, err := fleet.Apply(t.Context(), s.admin, all, read(t, desired), nil)
	require.NoError(t, err)
	assert.Equal(t, `runner 1 "builder": description: builder -> tester
runner 1 "builder": tag_list: docker -> docker, linux
runner 1 "builder": paused: false -> true
runner 1 "builder": run_untagged: true -> false
runner 1 "builder": locked: false -> true
runner 1 "builder": access_level: not_protected -> ref_protected
runner 1 "builder": maximum_timeout: null -> 3600
runner 1 "builder": maintenance_note: null -> mine
runner 1 "builder": projects: acme/app -> acme/app, acme/site
runner 2 "second": locked: true -> false
runner 2 "second": maximum_timeout: 600 -> null
runner 2 "second": projects: acme/app, acme/site -> acme/app
2 to change, 1 as they should be`, plan.String())
	assert.Zero(t, writes(s), "a plan changes nothing")

	plan, err = fleet.Apply(t.Context(), s.admin, all, read(t, desired), change)
	require.NoError(t, err)
	assert.Equal(t, "[same=1 differ=2 done=2 unplanned=0]", slog.AnyValue(plan).Resolve().String())
	assert.Equal(t, 4, writes(s), "one update each, one assigned, one taken away")
	one, two := s.runner(1), s.runner(2)
	assert.Equal(t, "tester", one.Description)
	assert.ElementsMatch(t, []string{"docker", "linux"}, one.TagList)
	assert.True(t, one.Paused && one.Locked && !*one.RunUntagged)
	assert.Equal(t, runners.RefProtected, one.AccessLevel)
	assert.Equal(t, int64(3600), *one.MaximumTimeout)
	assert.Equal(t, "mine", *one.MaintenanceNote)
	assert.Equal(t, []int64{1, 2}, one.Projects)
	assert.Nil(t, two.MaximumTimeout)
	assert.False(t, two.Locked)
	assert.Equal(t, []int64{1}, two.Projects)

	plan, err = fleet.Apply(t.Context(), s.admin, all, read(t, desired), change)
	require.NoError(t, err)
	assert.Equal(t, 3, plan.Same)
	assert.Empty(t, plan.Items)
	assert.Equal(t, 4, writes(s), "the second time there is nothing to do")
}

// A maintainer unlocks before projects are moved, and locks after that.
func TestApplyAsMaintainer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	for _, p := range []runnerstest.Project{s.app, s.site} {
		s.AddMember(runnerstest.Member{User: "mia", Project: p.ID, Role: runnerstest.Maintainer})
	}
	mia := s.as(t, "mia")
	_, err := fleet.Apply(t.Context(), mia, mia.Runners.List(nil), read(t, desired), change)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 2}, s.runner(1).Projects)
	assert.Equal(t, []int64{1}, s.runner(2).Projects)
}

// A plan can be written down, reviewed by somebody, and applied by another
// program.
func TestApplyPlanIsReviewed(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	plan, err := fleet.PlanApply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, desired), nil)
	require.NoError(t, err)
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	var reviewed fleet.ApplyPlan
	require.NoError(t, json.Unmarshal(text, &reviewed))
	assert.Equal(t, plan, &reviewed)
	require.NoError(t, reviewed.Apply(t.Context(), s.admin, nil))
	assert.Nil(t, s.runner(2).MaximumTimeout)
	n := len(s.Requests())
	require.NoError(t, reviewed.Apply(t.Context(), s.admin, nil))
	assert.Len(t, s.Requests(), n, "all is done")
}

func TestReadDesiredRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{`:                                   "desired state: ",
		`{"runners": [{"idd": 1}]}`:           "desired state: ",
		`{"runners": [{"paused": true}]}`:     "desired state: runners[0] has neither an id nor a description",
		`{"runners": [{"id": 1}, {"id": 1}]}`: `desired state: runners[0] and [1] are both about "1"`,
		`{"runners": [{"description": "a"}, {"id": 1}, {"description": "a"}]}`: `desired state: runners[0] and [2] are both about "a"`,
	} {
		_, err := fleet.ReadDesired(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
	_, err := fleet.PlanApply(t.Context(), nil, nil, &fleet.Desired{Runners: make([]fleet.DesiredRunner, 1)}, nil)
	require.Error(t, err)
}

// A description may look like an id.
func TestReadDesiredTellsNamesFromIDs(t *testing.T) {
	t.Parallel()
	d := read(t, `{"runners": [{"id": 7}, {"description": "7"}]}`)
	assert.Equal(t, []fleet.DesiredRunner{{ID: 7}, {Description: "7"}}, d.Runners)
}

func TestApplyRefusesARunnerOfTwoNames(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	plan, err := fleet.Apply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, `{"runners": [
		{"description": "nobody", "paused": true}, {"id": 2, "paused": true},
		{"description": "nobody else"}, {"description": "second", "paused": false}]}`), change)
	require.EqualError(t, err, "desired state: runners[1] and [3] are both about runner 2")
	assert.Nil(t, plan)
	assert.Zero(t, s.count("PUT /runners/{id}"))
}

// What is given twice is wanted once.
func TestApplyWhatIsGivenTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.add(1)
	plan, err := fleet.PlanApply(t.Context(), s.admin, nil, read(t, `{"runners": [
		{"id": 1, "tag_list": ["docker", "docker"], "projects": ["acme/app", "acme/site", "acme/site"]}]}`), nil)
	require.NoError(t, err)
	require.Len(t, plan.Items, 1)
	assert.Equal(t, []fleet.Change{{Field: "projects", Old: "acme/app", New: "acme/app, acme/site"}}, plan.Items[0].Changes)
	assert.Equal(t, []string{"acme/site"}, plan.Items[0].Assign)
}

func TestApplyGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	plan, err := fleet.Apply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, `{"runners": [
		{"description": "builder", "paused": true},
		{"id": 4711, "paused": true},
		{"id": 1, "maximum_timeout": 5},
		{"id": 2, "projects": ["acme/site"]},
		{"id": 3, "projects": ["acme/app", "acme/none"], "locked": true},
		{"id": 4, "paused": true}]}`), change)
	require.ErrorIs(t, err, fleet.ErrNoRunner)
	require.ErrorIs(t, err, runners.ErrNotFound)
	require.ErrorIs(t, err, runners.ErrInvalid)
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Contains(t, err.Error(), `not one runner has this description: "builder", but 3 do`)
	problems := map[int64]string{}
	for _, item := range plan.Items {
		problems[item.ID] = item.Problem
		assert.Equal(t, item.Problem == "", item.Done)
	}
	assert.Contains(t, problems[1], "maximum_timeout: needs to be at least 10 minutes")
	assert.Contains(t, problems[2], "You cannot unassign a runner from the owner project")
	assert.Contains(t, problems[3], "404 Project Not Found")
	assert.Empty(t, problems[4])
	assert.True(t, s.runner(4).Paused)
	assert.False(t, s.runner(3).Locked, "it would come after the projects")
	assert.Contains(t, plan.String(), `runner 3 "builder" failed: runner 3: `)

	s.before = first(always, http.MethodGet, "/runners/all", &fault{status: 403})
	_, err = fleet.Apply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, desired), change)
	require.ErrorIs(t, err, runners.ErrForbidden)
}

func TestApplyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addDrifting(s)
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		plan, err := fleet.PlanApply(ctx, s.admin, s.admin.Runners.ListAll(nil), read(t, desired),
			&fleet.ApplyOptions{Concurrency: 1})
		require.NoError(t, err)
		err = plan.Apply(ctx, s.admin, &fleet.EachOptions{Concurrency: 1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, plan.Items[1].Problem, "not begun")
		require.NoError(t, plan.Apply(t.Context(), s.admin, nil), "the rest of it")
		assert.True(t, plan.Items[0].Done && plan.Items[1].Done)
		assert.Equal(t, []int64{1, 2}, s.runner(1).Projects)
	})
}

// Lost answers, also of what is never sent twice, and refusals for the number
// of calls change nothing in the end.
func TestApplyThroughTrouble(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*stage){
		"after":  func(s *stage) { s.after = first(1, http.MethodPost, "", &fault{status: 502}) },
		"before": func(s *stage) { s.before = first(2, http.MethodPost, "", &fault{status: 502}) },
		"update": func(s *stage) { s.after = first(2, http.MethodPut, "", &fault{status: 502}) },
		"delete": func(s *stage) { s.after = first(2, http.MethodDelete, "", &fault{status: 502}) },
		"limit":  func(s *stage) { s.before = limited(http.MethodPost, "", 10*time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			applyThrough(t, spoil)
		})
	}
}

func applyThrough(t *testing.T, spoil func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addDrifting(s)
		spoil(s)
		all := s.admin.Runners.ListAll(nil)
		_, err := fleet.Apply(t.Context(), s.admin, all, read(t, desired), change)
		require.NoError(t, err)
		plan, err := fleet.PlanApply(t.Context(), s.admin, all, read(t, desired), nil)
		require.NoError(t, err)
		assert.Empty(t, plan.Items)
	})
}

// A call that may have been done is given up in the end.
func TestApplyGivesUpAssigning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addDrifting(s)
		s.before = first(always, http.MethodPost, "", &fault{status: 502})
		_, err := fleet.Apply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, desired), change)
		require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		assert.Equal(t, []int64{1}, s.runner(1).Projects)
		assert.Equal(t, 3+3, s.count("GET /runners/{id}"), "for the plan, and after each call")
	})
}

// Who lets items be done again does not wait twice for as long.
func TestApplyGivesUpWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(1)
		plan, err := fleet.PlanApply(t.Context(), s.admin, nil, read(t, `{"runners": [{"id": 1, "paused": true}]}`), nil)
		require.NoError(t, err)
		s.before = first(always, http.MethodPut, "", &fault{429, time.Hour})
		began := time.Now()
		err = plan.Apply(t.Context(), s.admin, &fleet.EachOptions{Repeatable: true})
		require.ErrorIs(t, err, runners.ErrRateLimited)
		assert.Equal(t, 4*time.Hour, time.Since(began))
	})
}

// Somebody else does the same at the same time, or deletes the runner.
func TestApplyTogetherWithOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	other := s.Client(t)
	plan, err := fleet.PlanApply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, desired), nil)
	require.NoError(t, err)
	s.before = once(http.MethodPost, "", func() {
		_, _ = other.Projects.Assign(t.Context(), runners.Path("acme/site"), 1)
	})
	require.NoError(t, other.Projects.Unassign(t.Context(), runners.Path("acme/site"), 2))
	require.NoError(t, plan.Apply(t.Context(), s.admin, nil))

	plan, err = fleet.PlanApply(t.Context(), s.admin, nil, read(t, `{"runners": [{"id": 3, "paused": true}]}`), nil)
	require.NoError(t, err)
	require.NoError(t, other.Runners.Delete(t.Context(), 3))
	require.ErrorIs(t, plan.Apply(t.Context(), s.admin, nil), runners.ErrNotFound)
}

func TestApplyToARunnerListedTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	list := s.listedTwice()
	plan, err := fleet.PlanApply(t.Context(), s.admin, list, read(t, `{"runners": [{"description": "builder", "paused": true}]}`), nil)
	require.NoError(t, err)
	assert.Len(t, plan.Items, 1)
}
