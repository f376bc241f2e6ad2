package runners_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// stageWithJobs has a runner with five jobs, 1 to 5, and one manager that ran
// the even ones.
func stageWithJobs(t *testing.T) (*stage, runnerstest.Runner) {
	t.Helper()
	s := newStage(t, "")
	r := s.AddRunner(runnerstest.Runner{
		Projects: []int64{s.app.ID},
		Managers: []runnerstest.Manager{{SystemID: "s_even"}, {SystemID: "s_odd"}},
	})
	for i := range 5 {
		job := runnerstest.Job{
			RunnerID: r.ID, Status: runners.JobSuccess, Name: "rspec", User: "maintainer", SystemID: "s_odd",
			CreatedAt: runnerstest.Ago(time.Hour), StartedAt: runnerstest.Ago(30 * time.Minute),
			FinishedAt: runnerstest.Ago(20 * time.Minute),
		}
		if i%2 == 1 {
			job.SystemID = "s_even"
		}
		if i == 4 {
			job.Status, job.FinishedAt = runners.JobRunning, runnerstest.Time{}
		}
		s.AddJob(job)
	}
	return s, r
}

func jobIDs(t *testing.T, l *runners.Listing[runners.Job]) []int64 {
	t.Helper()
	jobs, err := l.Collect(t.Context())
	require.NoError(t, err)
	all := []int64{}
	for _, j := range jobs {
		all = append(all, j.ID)
	}
	return all
}

func TestJobs(t *testing.T) {
	t.Parallel()
	s, r := stageWithJobs(t)
	for name, c := range map[string]struct {
		options *runners.JobsOptions
		want    []int64
	}{
		"all":              {nil, []int64{1, 2, 3, 4, 5}},
		"in pages":         {&runners.JobsOptions{PerPage: 2}, []int64{1, 2, 3, 4, 5}},
		"from page 2":      {&runners.JobsOptions{PerPage: 2, Page: 2}, []int64{3, 4, 5}},
		"status":           {&runners.JobsOptions{Status: runners.JobRunning}, []int64{5}},
		"manager":          {&runners.JobsOptions{SystemID: "s_even", PerPage: 1}, []int64{2, 4}},
		"unknown manager":  {&runners.JobsOptions{SystemID: "s_none"}, []int64{}},
		"sort alone":       {&runners.JobsOptions{Sort: runners.Descending}, []int64{1, 2, 3, 4, 5}},
		"by id":            {&runners.JobsOptions{OrderBy: "id"}, []int64{5, 4, 3, 2, 1}},
		"by id, ascending": {&runners.JobsOptions{OrderBy: "id", Sort: runners.Ascending}, []int64{1, 2, 3, 4, 5}},
		"keyset":           {&runners.JobsOptions{Keyset: true, PerPage: 2}, []int64{5, 4, 3, 2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, jobIDs(t, s.maintainer.Runners.Jobs(r.ID, c.options)))
		})
	}
}

// TestJobsKeyset_old: a GitLab that knows no keyset lists answers with its
// first page and leaves out the cursor. That is not taken for the whole list.
func TestJobsKeyset_old(t *testing.T) {
	t.Parallel()
	s := newStage(t, "16.11.0")
	s.Allow("pagination") // which it ignores
	r := s.projectRunner()
	for range 3 {
		s.AddJob(runnerstest.Job{RunnerID: r.ID, Status: runners.JobSuccess})
	}
	for _, size := range []int{2, 100} { // also where the page is the list: its order is another
		jobs, err := s.maintainer.Runners.Jobs(r.ID, &runners.JobsOptions{Keyset: true, PerPage: size}).Collect(t.Context())
		require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
		assert.Equal(t, "runners: GET /runners/{id}/jobs: 200 pages with numbers where a keyset list was asked for: "+
			"this GitLab is too old for JobsOptions.Keyset", err.Error())
		assert.Empty(t, jobs)
	}
}

func TestJobFields(t *testing.T) {
	t.Parallel()
	s, r := stageWithJobs(t)
	jobs, err := s.maintainer.Runners.Jobs(r.ID, nil).Collect(t.Context())
	require.NoError(t, err)
	j := jobs[0]
	assert.Equal(t, []string{"rspec", "test", "main", "maintainer", "acme/app"},
		[]string{j.Name, j.Stage, j.Ref, j.User.Username, j.Project.PathWithNamespace})
	assert.InDelta(t, 600, *j.Duration, 0.01)
	assert.InDelta(t, 1800, *j.QueuedDuration, 0.01)
	assert.Nil(t, j.Coverage)
	assert.NotNil(t, j.FinishedAt)
	assert.Equal(t, j.Commit.ID, j.Pipeline.SHA)
	assert.Equal(t, s.app.ID, j.Pipeline.ProjectID)
	assert.Nil(t, jobs[4].FinishedAt)

	d, err := s.maintainer.Runners.Get(t.Context(), r.ID)
	require.NoError(t, err)
	assert.Equal(t, runners.ExecutionActive, d.JobExecutionStatus)
}

func TestJobsRefused(t *testing.T) {
	t.Parallel()
	s, r := stageWithJobs(t)
	shared := s.AddRunner(runnerstest.Runner{})
	for name, c := range map[string]struct {
		by      *runners.Client
		runner  int64
		options *runners.JobsOptions
		want    error
	}{
		"a developer":            {s.developer, r.ID, nil, runners.ErrForbidden},
		"of an instance runner":  {s.owner, shared.ID, nil, runners.ErrForbidden},
		"no such runner":         {s.owner, 4711, nil, runners.ErrNotFound},
		"a status":               {s.owner, r.ID, &runners.JobsOptions{Status: "x"}, runners.ErrInvalid},
		"an order":               {s.owner, r.ID, &runners.JobsOptions{OrderBy: "x"}, runners.ErrInvalid},
		"a direction":            {s.owner, r.ID, &runners.JobsOptions{OrderBy: "id", Sort: "x"}, runners.ErrInvalid},
		"keyset the wrong way":   {s.owner, r.ID, &runners.JobsOptions{Keyset: true, OrderBy: "id", Sort: "asc"}, runners.ErrInvalid},
		"keyset and page number": {s.owner, r.ID, &runners.JobsOptions{Keyset: true, Page: 2}, runners.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.by.Runners.Jobs(c.runner, c.options).Collect(t.Context())
			require.ErrorIs(t, err, c.want)
		})
	}
	_, err := s.owner.Runners.Jobs(r.ID, &runners.JobsOptions{Keyset: true}).Page(t.Context(), 1)
	require.ErrorIs(t, err, runners.ErrInvalid)
	jobs, err := s.admin.Runners.Jobs(shared.ID, nil).Collect(t.Context())
	require.NoError(t, err)
	assert.Empty(t, jobs)
}
