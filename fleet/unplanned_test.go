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
)

// idsOf returns which runners were not planned for, and checks that the error
// has the error of each.
func idsOf(t *testing.T, all []fleet.Unplanned, err error) (ids []int64) {
	t.Helper()
	var partial *fleet.PartialError
	require.ErrorAs(t, err, &partial)
	require.Len(t, partial.Errs, len(all))
	for i, u := range all {
		ids = append(ids, u.ID)
		assert.Equal(t, u.Problem, u.Err.Error())
		assert.Equal(t, u.Err, partial.Errs[i])
	}
	return ids
}

// Of five stale runners, two cannot be looked at: both are in the plan, with
// what is wrong, and both stay.
func TestSweepListsWhatItCouldNotPlan(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	s.before = func(r *http.Request) *fault {
		switch r.Method + r.URL.Path {
		case "GET/api/v4/runners/4":
			return &fault{status: http.StatusForbidden}
		case "GET/api/v4/runners/7":
			return &fault{status: http.StatusOK} // and no runner
		}
		return nil
	}
	plan, err := fleet.PlanSweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), nil)
	require.ErrorIs(t, err, runners.ErrForbidden)
	require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
	assert.Equal(t, []int64{4, 7}, idsOf(t, plan.Unplanned, err))
	assert.Len(t, plan.Items, 3)
	text := plan.String()
	assert.Contains(t, text, `not planned: 4 "attic": runner 4: runners: GET /runners/{id}: 403 faked`+"\n")
	assert.Contains(t, text, `not planned: 7 "builder": runner 7: `)
	assert.True(t, strings.HasSuffix(text, "3 to remove, 0 to keep, of 8 runners; 2 not planned"))
	assert.Contains(t, slog.AnyValue(plan).Resolve().String(), "unplanned=2")
	assert.Contains(t, slog.AnyValue(plan.Unplanned[0]).Resolve().String(), "[id=4 description=attic problem=runner 4: ")

	marshalled, err := json.Marshal(plan)
	require.NoError(t, err)
	var reviewed fleet.SweepPlan
	require.NoError(t, json.Unmarshal(marshalled, &reviewed))
	assert.Equal(t, plan.Unplanned[1].Problem, reviewed.Unplanned[1].Problem)
	require.NoError(t, reviewed.Apply(t.Context(), s.admin, nil))
	assert.NotNil(t, s.runner(4))
	assert.NotNil(t, s.runner(7))
	assert.Nil(t, s.runner(8))
}

// The limit does not hide what else is wrong.
func TestSweepBeyondItsLimitListsWhatItCouldNotPlan(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addOld(s)
	s.before = first(1, http.MethodGet, "/runners/4", &fault{status: 403})
	plan, err := fleet.Sweep(t.Context(), s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{Limit: 1, Apply: true})
	require.ErrorIs(t, err, fleet.ErrTooMany)
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Equal(t, []int64{4}, idsOf(t, plan.Unplanned, err))
	assert.Len(t, s.Snapshot().Runners, 8)
}

// Runners that were not looked at before the context ended are listed, each.
func TestSweepEndsWithItsContextAmidThePlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		addOld(s)
		s.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		plan, err := fleet.PlanSweep(ctx, s.admin, s.admin.Runners.ListAll(nil), &fleet.SweepOptions{Concurrency: 1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []int64{6, 7, 8}, idsOf(t, plan.Unplanned, err))
		assert.Len(t, plan.Items, 2)
	})
}

// A list that cannot be read keeps from the plan only the runners that are named
// by their descriptions.
func TestApplyListsWhatItCouldNotPlan(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	s.before = first(always, http.MethodGet, "/runners/all", &fault{status: 403})
	plan, err := fleet.Apply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, `{"runners": [
		{"description": "second", "paused": true},
		{"id": 3, "paused": true},
		{"id": 4711, "description": "lost", "paused": true},
		{"description": "third", "paused": true}]}`), change)
	require.ErrorIs(t, err, runners.ErrForbidden)
	require.ErrorIs(t, err, runners.ErrNotFound)
	assert.Equal(t, []int64{0, 4711, 0}, idsOf(t, plan.Unplanned, err))
	assert.True(t, s.runner(3).Paused)
	assert.Contains(t, plan.String(), `not planned: "second": runners: GET /runners/all: 403 faked
not planned: 4711 "lost": runner 4711: runners: GET /runners/{id}: 404 Runner Not Found
not planned: "third": runners: GET /runners/all: 403 faked
1 to change, 0 as they should be, 3 not planned`)
	assert.Equal(t, "[same=0 differ=1 done=1 unplanned=3]", slog.AnyValue(plan).Resolve().String())
}

// What fails while it is applied does not hide what was not planned.
func TestApplyListsWhatFailsAfterThePlan(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	addDrifting(s)
	s.before = first(always, http.MethodPut, "", &fault{status: 403})
	plan, err := fleet.Apply(t.Context(), s.admin, s.admin.Runners.ListAll(nil), read(t, `{"runners": [
		{"id": 1, "paused": true}, {"id": 4711, "paused": true}, {"id": 2, "paused": true}]}`), change)
	require.ErrorIs(t, err, runners.ErrForbidden)
	require.ErrorIs(t, err, runners.ErrNotFound)
	require.Len(t, plan.Items, 2)
	for _, item := range plan.Items {
		assert.Contains(t, item.Problem, "403 faked")
	}
	require.Len(t, plan.Unplanned, 1)
	assert.Equal(t, int64(4711), plan.Unplanned[0].ID)
	assert.Contains(t, err.Error(), "; and in the plan: 1 of 3 failed, first: runner 4711: ")
}
