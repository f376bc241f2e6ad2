package fleet_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"regexp"
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

// addOld adds runners of all states: 1 is online, 2 offline, 3 stale, 4 stale
// and paused, 5 never contacted and new, 6 never contacted and stale, 7 a group
// runner and stale, 8 an instance runner and stale.
func addOld(s *stage) {
	never := func(created time.Duration) func(*runnerstest.Runner) {
		return func(r *runnerstest.Runner) {
			r.CreatedAt, r.ContactedAt = runnerstest.Ago(created), runnerstest.Never()
		}
	}
	last := func(contacted time.Duration) func(*runnerstest.Runner) {
		return func(r *runnerstest.Runner) {
			r.CreatedAt, r.ContactedAt = runnerstest.Ago(200*day), runnerstest.Ago(contacted)
		}
	}
	s.add(1)
	s.add(1, last(5*time.Hour))
	s.add(1, last(10*day), func(r *runnerstest.Runner) { r.TagList = []string{"arm", "docker"} })
	s.add(1, last(100*day), func(r *runnerstest.Runner) { r.Paused, r.Description = true, "attic" })
	s.add(1, never(time.Hour))
	s.add(1, never(30*day), func(r *runnerstest.Runner) { r.CreatedBy = "mia" })
	s.add(1, last(50*day), func(r *runnerstest.Runner) { r.Projects, r.Groups = nil, []int64{s.group.ID} })
	s.add(1, last(50*day), func(r *runnerstest.Runner) { r.Projects = nil })
}

// sweep plans, and returns the ids to remove and those with a reason to stay.
func sweep(t *testing.T, s *stage, o *fleet.SweepOptions) (removed []int64, kept map[int64]string) {
	t.Helper()
	plan, err := fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), o)
	require.NoError(t, err)
	kept = map[int64]string{}
	for _, item := range plan.Items {
		if item.Remove {
			removed = append(removed, item.ID)
		} else {
			kept[item.ID] = item.Reason
		}
	}
	return removed, kept
}

func TestSweepSelects(t *testing.T) {
	t.Parallel()
	all := []runners.Status{runners.StatusStale, runners.StatusOffline, runners.StatusNeverContacted}
	for name, test := range map[string]struct {
		options fleet.SweepOptions
		want    []int64
		kept    map[int64]string
	}{
		"by default": {want: []int64{3, 4, 6, 7, 8}},
		"all":        {options: fleet.SweepOptions{Status: all}, want: []int64{2, 3, 4, 6, 7, 8}, kept: map[int64]string{5: "it is new"}},
		"new ones too": {
			options: fleet.SweepOptions{Status: all, MinAge: -1}, want: []int64{2, 3, 4, 5, 6, 7, 8},
		},
		"old": {
			options: fleet.SweepOptions{OlderThan: 60 * day}, want: []int64{4},
			kept: map[int64]string{
				3: "the last sign of it is too young", 6: "the last sign of it is too young",
				7: "the last sign of it is too young", 8: "the last sign of it is too young",
			},
		},
		"type":        {options: fleet.SweepOptions{Type: runners.InstanceType}, want: []int64{8}},
		"description": {options: fleet.SweepOptions{Description: regexp.MustCompile("^at")}, want: []int64{4}},
		"creator":     {options: fleet.SweepOptions{CreatedBy: "mia"}, want: []int64{6}},
		"tags":        {options: fleet.SweepOptions{Tags: []string{"docker", "arm"}}, want: []int64{3}},
		"group":       {options: fleet.SweepOptions{Groups: []int64{1}}, want: []int64{7}},
		"project":     {options: fleet.SweepOptions{Projects: []int64{1}}, want: []int64{3, 4, 6}},
		"not that":    {options: fleet.SweepOptions{Projects: []int64{2}}},
		"protected": {
			options: fleet.SweepOptions{Keep: func(d *runners.RunnerDetails) bool { return d.ID != 3 }},
			want:    []int64{3},
			kept: map[int64]string{
				4: "it is protected", 6: "it is protected", 7: "it is protected", 8: "it is protected",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "")
			addOld(s)
			removed, kept := sweep(t, s, &test.options)
			assert.Equal(t, test.want, removed)
			if test.kept != nil {
				assert.Equal(t, test.kept, kept)
			}
			assert.Len(t, s.Snapshot().Runners, 8)
		})
	}
}

// A runner that works is not removed, whatever its status says.
func TestSweepKeepsWhatWorks(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.add(1, func(r *runnerstest.Runner) {
		r.ContactedAt = runnerstest.Ago(30 * day)
		r.Jobs = []runnerstest.Job{{Status: runners.JobRunning}}
	})
	removed, kept := sweep(t, s, nil)
	assert.Empty(t, removed)
	assert.Equal(t, map[int64]string{1: "it runs a job"}, kept)
}

// A runner that was created after its last contact is as old as that.
func TestSweepCountsFromTheCreation(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.add(1, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(100 * day) })
	removed, kept := sweep(t, s, &fleet.SweepOptions{OlderThan: 60 * day})
	assert.Empty(t, removed)
	assert.Equal(t, map[int64]string{1: "the last sign of it is too young"}, kept)
}

// Older versions have other words, tell less, and know of nothing stale.
func TestSweepOnOldGitLab(t *testing.T) {
	t.Parallel()
	s := newStage(t, "13.10.0")
	addOld(s)
	removed, _ := sweep(t, s, nil)
	assert.Empty(t, removed)
	o := &fleet.SweepOptions{
		Status:    []runners.Status{runners.StatusOffline, runners.StatusNeverContacted},
		OlderThan: 7 * day,
	}
	removed, kept := sweep(t, s, o)
	assert.Equal(t, []int64{3, 4, 7, 8}, removed)
	assert.Equal(t, "its age is not known", kept[6])
	o.OlderThan = 0
	_, kept = sweep(t, s, o)
	assert.Equal(t, "its age is not known", kept[6])

	s = newStage(t, "10.0.0")
	addOld(s)
	removed, _ = sweep(t, s, &fleet.SweepOptions{Status: o.Status, OlderThan: 7 * day})
	assert.Equal(t, []int64{3, 4, 7, 8}, removed)
}

func TestSweepApplies(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	plan, err := fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{
		OlderThan: 40 * day, Apply: true,
	})
	require.NoError(t, err)
	var left []int64
	for _, r := range s.Snapshot().Runners {
		left = append(left, r.ID)
	}
	assert.Equal(t, []int64{1, 2, 3, 5, 6}, left)
	assert.Equal(t, 8, plan.Seen)
	assert.Equal(t, "[seen=8 remove=3 deleted=3 gone=0 failed=0 unplanned=0]", slog.AnyValue(plan).Resolve().String())
	lines := strings.Split(plan.String(), "\n")
	assert.Equal(t, `keep   3 "builder": the last sign of it is too young`, lines[0])
	assert.Regexp(t, `^remove 4 "attic": last contact \d{4}-\d\d-\d\d; deleted$`, lines[1])
	assert.Equal(t, "3 to remove, 2 to keep, of 8 runners", lines[5])
	assert.Contains(t, slog.AnyValue(&plan.Items[1]).Resolve().String(), "id=4 description=attic remove=true")

	n := len(s.Requests())
	require.NoError(t, plan.Apply(t.Context(), s.admin, nil))
	assert.Len(t, s.Requests(), n, "there is nothing left to do")
}

func TestSweepWithLimit(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	plan, err := fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil),
		&fleet.SweepOptions{Limit: 4, Apply: true})
	require.ErrorIs(t, err, fleet.ErrTooMany)
	assert.Equal(t, "too many runners to remove: 5, and the limit is 4", err.Error())
	assert.Len(t, plan.Items, 5)
	assert.Len(t, s.Snapshot().Runners, 8)
}

// A plan can be written down, reviewed by somebody, and applied by another
// program, which sees what has changed since.
func TestSweepPlanIsReviewed(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	plan, err := fleet.PlanSweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), nil)
	require.NoError(t, err)
	plan.Items[0].Remove = false
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	var reviewed fleet.SweepPlan
	require.NoError(t, json.Unmarshal(text, &reviewed))

	s.change(4, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(9 * day) })
	s.change(6, func(r *runnerstest.Runner) { r.TagList = []string{"precious"} })
	s.change(7, func(r *runnerstest.Runner) {
		r.Jobs = []runnerstest.Job{{Status: runners.JobRunning, ProjectID: s.app.ID}}
	})
	require.NoError(t, reviewed.Apply(t.Context(), s.admin, nil))
	got := map[int64]string{}
	for _, item := range reviewed.Items {
		got[item.ID] = strings.Trim(item.Reason+" "+string(item.State), " ")
	}
	assert.Contains(t, got[3], "last contact")
	assert.Equal(t, "it made contact since the plan", got[4])
	assert.Equal(t, "it was changed since the plan", got[6])
	assert.Equal(t, "it runs a job", got[7])
	assert.Contains(t, got[8], "deleted")
	assert.Nil(t, s.runner(8))
	assert.Len(t, s.Snapshot().Runners, 7)
}

// What GitLab does not allow is left, with GitLab's reason.
func TestSweepAsTheRightsAllow(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	old := func(projects ...int64) func(*runnerstest.Runner) {
		return func(r *runnerstest.Runner) {
			r.Projects, r.ContactedAt = projects, runnerstest.Ago(30*day)
		}
	}
	other := s.AddProject(runnerstest.Project{Path: "other/app"})
	for _, p := range []runnerstest.Project{s.app, s.site} {
		s.AddMember(runnerstest.Member{User: "mia", Project: p.ID, Role: runnerstest.Maintainer})
	}
	s.add(1, old(s.app.ID))
	s.add(1, old(s.app.ID, s.site.ID))
	s.add(1, old(s.app.ID, other.ID))
	mia := s.as(t, "mia")
	plan, err := fleet.Sweep(t.Context(), mia, mia.Runners.List(nil), &fleet.SweepOptions{Apply: true})
	require.ErrorIs(t, err, runners.ErrForbidden)
	require.Len(t, plan.Items, 3)
	assert.Equal(t, fleet.Deleted, plan.Items[0].State)
	assert.Equal(t, fleet.Deleted, plan.Items[1].State)
	assert.Equal(t, "acme/site", plan.Items[1].Unassigned[0].Path)
	assert.Equal(t, fleet.DeletionFailed, plan.Items[2].State)
	assert.Contains(t, plan.Items[2].Problem, "Runner associated with more than one project")
	assert.Contains(t, plan.String(), "; failed: runner 3: ")
}

// What a plan took from projects stays in it when it is applied again.
func TestSweepAppliedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	id := shared(s, s.app, s.site)
	s.change(id, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(30 * day) })
	mia := s.as(t, "mia")
	s.before = first(2, http.MethodDelete, "/v4/runners/", &fault{status: 403})
	plan, err := fleet.Sweep(t.Context(), mia, mia.Runners.List(nil), &fleet.SweepOptions{Apply: true})
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Equal(t, []fleet.Project{{ID: 2, Path: "acme/site"}}, plan.Items[0].Unassigned)
	require.NoError(t, plan.Apply(t.Context(), mia, nil))
	assert.Equal(t, fleet.Deleted, plan.Items[0].State)
	assert.Equal(t, []fleet.Project{{ID: 2, Path: "acme/site"}}, plan.Items[0].Unassigned)
}

func TestSweepGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	s.before = first(1, http.MethodGet, "/runners/4", &fault{status: 403})
	s.after = first(always, http.MethodDelete, "/runners/6", &fault{status: 403})
	plan, err := fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{Apply: true})
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Equal(t, "1 of 4 failed, first: runner 6: runners: DELETE /runners/{id}: 403 faked; "+
		"and in the plan: 1 of 5 failed, first: runner 4: runners: GET /runners/{id}: 403 faked", err.Error())
	assert.Len(t, plan.Items, 4)
	assert.NotNil(t, s.runner(4))
	assert.Nil(t, s.runner(8))

	s.before = first(always, http.MethodGet, "/runners/all", &fault{status: 403})
	plan, err = fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{Apply: true})
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Nil(t, plan)
}

func TestSweepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addOld(s)
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 8500*time.Millisecond)
		defer cancel()
		plan, err := fleet.Sweep(ctx, s.admin, s.admin.Runners.ListAll(nil),
			&fleet.SweepOptions{Apply: true, Concurrency: 1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, fleet.ErrNotBegun)
		assert.Equal(t, fleet.Deleted, plan.Items[0].State)
		assert.Equal(t, fleet.DeletionFailed, plan.Items[1].State)
		assert.Contains(t, plan.Items[4].Problem, "not begun")

		require.NoError(t, plan.Apply(t.Context(), s.admin, nil), "the rest of it")
		assert.Len(t, s.Snapshot().Runners, 3)
		assert.Empty(t, plan.Items[4].Problem)
	})
}

func TestSweepThroughTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addOld(s)
		s.before = limited(http.MethodDelete, "", 30*time.Minute)
		s.after = first(3, http.MethodDelete, "", &fault{status: 502})
		began := time.Now()
		plan, err := fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{Apply: true})
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(began), 30*time.Minute)
		for _, item := range plan.Items {
			assert.Equal(t, fleet.Deleted, item.State)
		}
		assert.Len(t, s.Snapshot().Runners, 3)
	})
}

// Who lets items be done again does not wait twice for as long.
func TestSweepGivesUpWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.add(1, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(30 * day) })
		plan, err := fleet.PlanSweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), nil)
		require.NoError(t, err)
		s.before = first(always, http.MethodDelete, "", &fault{429, time.Hour})
		began := time.Now()
		err = plan.Apply(t.Context(), s.admin, &fleet.EachOptions{Repeatable: true})
		require.ErrorIs(t, err, runners.ErrRateLimited)
		assert.Equal(t, 4*time.Hour, time.Since(began))
	})
}

// Others delete runners, and runners come back, while the plan is made and
// applied.
func TestSweepTogetherWithOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	other := s.Client(t)
	s.before = once(http.MethodGet, "/runners/3", func() {
		_ = other.Runners.Delete(t.Context(), 4)
		s.change(6, func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(0) })
	})
	plan, err := fleet.PlanSweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{Concurrency: 1})
	require.NoError(t, err)
	require.Len(t, plan.Items, 4)
	assert.Equal(t, "it is online", plan.Items[1].Reason)

	s.before = once(http.MethodDelete, "/runners/3", func() {
		_ = other.Runners.Delete(t.Context(), 3)
		_ = other.Runners.Delete(t.Context(), 7)
	})
	require.NoError(t, plan.Apply(t.Context(), s.admin, &fleet.EachOptions{Concurrency: 1}))
	assert.Equal(t, fleet.AlreadyGone, plan.Items[0].State)
	assert.Equal(t, fleet.AlreadyGone, plan.Items[2].State)
	assert.Equal(t, fleet.Deleted, plan.Items[3].State)
}

func TestSweepARunnerListedTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	list := s.listedTwice(func(r *runnerstest.Runner) { r.ContactedAt = runnerstest.Ago(20 * day) })
	plan, err := fleet.PlanSweep(t.Context(), s.admin, list, nil)
	require.NoError(t, err)
	assert.Len(t, plan.Items, 1)
	assert.Equal(t, 1, plan.Seen)
}
