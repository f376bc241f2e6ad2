package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "which host?"},
		{[]string{"-resume", "1", "s_hamburg0001"}, "which host?"},
		{[]string{"s_hamburg0001", "s_bremen0001"}, `"s_bremen0001" is one too many`},
		{[]string{"-resume", "1,two"}, "invalid syntax"},
		{[]string{"-timeout", "soon", "s_hamburg0001"}, "soon"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &log), c.want)
		assert.Empty(t, out.String())
	}
}

func TestDrainsTheFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"s_hamburg0001"}, &out, &log))

		assert.GreaterOrEqual(t, time.Since(began), jobsTake)
		assert.Contains(t, out.String(), "runner 1, builder, works on s_hamburg0001; "+
			"while it is paused, s_bremen0001 will take no new jobs either\n")
		assert.Contains(t, out.String(), "runner 2, tester, works on s_hamburg0001\n")
		assert.NotContains(t, out.String(), "deployer")
		assert.Regexp(t, `s_hamburg0001 is idle after \d+s: it may go down\.\nAfterwards: drain-host -resume 1,2\n$`, out.String())
		assert.Contains(t, log.String(), "runner 1: a job runs")
		assert.Contains(t, log.String(), "made up")
	})
}

func TestTheHostDoesNotGetIdleInTime(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		err := run(t.Context(), []string{"-timeout", "4s", "s_hamburg0001"}, &out, &log)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, out.String(), "leave the host running")
		assert.NotContains(t, out.String(), "-resume")
		assert.Contains(t, log.String(), "runner 1 takes jobs again")

		out.Reset()
		err = run(t.Context(), []string{"-hold", "-timeout", "4s", "s_hamburg0001"}, &out, &log)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, out.String(), "Afterwards: drain-host -resume 1,2")
	})
}

func TestThereAndBack(t *testing.T) {
	gitlab := fakegitlab.World(t)
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", "glpat-fake-root-0000001")
	paused := func() bool {
		d, err := gitlab.Client(t).Runners.Get(t.Context(), 6)
		require.NoError(t, err)
		return d.IsPaused()
	}
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-n", "-all", "s_0123456789ab"}, &out, &log))
	assert.Equal(t, "runner 6, test-1-20150125, works on s_0123456789ab\n", out.String())
	assert.False(t, paused())

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-all", "s_0123456789ab"}, &out, &log))
	assert.Contains(t, out.String(), "Afterwards: drain-host -resume 6\n")
	assert.True(t, paused())

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-all", "s_0123456789ab"}, &out, &log))
	assert.Contains(t, log.String(), "runner 6 was paused before")
	assert.NotContains(t, out.String(), "Afterwards", "it is not ours to resume")

	out.Reset()
	err := run(t.Context(), []string{"-resume", "6,4711"}, &out, &log)
	require.ErrorIs(t, err, runners.ErrNotFound)
	assert.Contains(t, out.String(), "runner 6 takes jobs again\nrunner 4711: ")
	assert.False(t, paused())

	require.ErrorContains(t, run(t.Context(), []string{"s_nowhere"}, &out, &log), `works on "s_nowhere"`)
}

// Each failure is told of, not only the first.
func TestEachFailureIsTold(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	for range 3 {
		gitlab.AddRunner(runnerstest.Runner{Managers: []runnerstest.Manager{{SystemID: "s_here"}}})
	}
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", gitlab.AddToken(runnerstest.AccessToken{User: "root"}).Token)
	for _, route := range []string{"GET /runners/{id}/managers", "PUT /runners/{id}"} {
		gitlab.Fault(runnerstest.On(route), runnerstest.Times(3), runnerstest.Status(403))
		var out, log bytes.Buffer
		require.ErrorIs(t, run(t.Context(), []string{"-all", "s_here"}, &out, &log), runners.ErrForbidden)
		for id := 1; id <= 3; id++ {
			assert.Regexp(t, fmt.Sprintf(`(?m)^runner %d: .*403`, id), log.String())
		}
		assert.NotContains(t, out.String(), "it may go down")
	}
}

func TestProgressSaysWhatItKnows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		progress fleet.DrainProgress
		want     string
	}{
		{fleet.DrainProgress{ID: 3}, "runner 3: a job runs\n"},
		{fleet.DrainProgress{ID: 3, Jobs: 1}, "runner 3: 1 job runs\n"},
		{fleet.DrainProgress{ID: 3, Jobs: 4}, "runner 3: 4 jobs run\n"},
		{fleet.DrainProgress{ID: 3, Err: runners.ErrServer}, "another look soon (server error)\n"},
	} {
		var log bytes.Buffer
		(&host{log: &log, began: time.Now()}).progress(c.progress)
		assert.Contains(t, log.String(), c.want)
	}
}
