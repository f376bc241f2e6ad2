package interop_test

import (
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/oauth2"

	"github.com/seed-832548de/runners/runnerstest"
)

// client returns GitLab's own client, on a server that plays a version.
func client(t *testing.T, version, token string) (*gitlab.Client, *runnerstest.Server) {
	t.Helper()
	srv := play(t, version)
	c, err := gitlab.NewClient(token, gitlab.WithBaseURL(srv.URL()), gitlab.WithoutRetries())
	require.NoError(t, err)
	return c, srv
}

func admin(t *testing.T) (*gitlab.Client, *runnerstest.Server) {
	t.Helper()
	return client(t, "", "glpat-fake-root")
}

// status checks what came back beside the value.
func status(t *testing.T, want int, resp *gitlab.Response, err error) {
	t.Helper()
	require.NoError(t, err)
	assert.Equal(t, want, resp.StatusCode)
}

func idsOf(rows []*gitlab.Runner) (ids []int64) {
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestLists(t *testing.T) {
	t.Parallel()
	c, _ := admin(t)
	all, resp, err := c.Runners.ListAllRunners(nil)
	status(t, 200, resp, err)
	assert.Equal(t, []int64{1, 6, 40}, idsOf(all))
	assert.Equal(t, gitlab.Runner{
		ID: 1, Description: "shared", IsShared: true, RunnerType: "instance_type", Online: true, Status: "online", Active: true,
	}, *all[0])
	assert.Equal(t, []int64{3, 1, 20, 1, 0}, []int64{resp.TotalItems, resp.TotalPages, resp.ItemsPerPage, resp.CurrentPage, resp.NextPage})

	for want, o := range map[int64]*gitlab.ListRunnersOptions{
		1:  {Type: new("instance_type"), Status: new("online"), TagList: &[]string{"docker"}},
		6:  {Status: new("offline"), Paused: new(false), TagList: &[]string{"mysql", "ruby"}},
		40: {Paused: new(true)},
	} {
		rows, resp, err := c.Runners.ListAllRunners(o)
		status(t, 200, resp, err)
		assert.Equal(t, []int64{want}, idsOf(rows))
	}
	rows, _, err := c.Runners.ListAllRunners(&gitlab.ListRunnersOptions{Scope: new("paused")})
	require.NoError(t, err)
	assert.Equal(t, []int64{40}, idsOf(rows))

	mia, _ := client(t, "", "glpat-fake-mia")
	own, resp, err := mia.Runners.ListRunners(nil)
	status(t, 200, resp, err)
	assert.Equal(t, []int64{6}, idsOf(own))
	_, resp, err = mia.Runners.ListAllRunners(nil)
	require.ErrorContains(t, err, "403 Forbidden")
	assert.Equal(t, 403, resp.StatusCode)
	assert.True(t, gitlab.HasStatusCode(err, 403))
}

func TestPages(t *testing.T) {
	t.Parallel()
	c, srv := admin(t)
	options := &gitlab.ListRunnersOptions{ListOptions: gitlab.ListOptions{PerPage: 1}, TagList: &[]string{}}
	var ids []int64
	for r, err := range gitlab.Scan2(func(p gitlab.PaginationOptionFunc) ([]*gitlab.Runner, *gitlab.Response, error) {
		return c.Runners.ListAllRunners(options, p)
	}) {
		require.NoError(t, err)
		ids = append(ids, r.ID)
	}
	assert.Equal(t, []int64{1, 6, 40}, ids)
	assert.Len(t, srv.Requests(), 3)

	keyset := &gitlab.ListRunnerJobsOptions{
		ListOptions: gitlab.ListOptions{PerPage: 2, Pagination: "keyset"}, OrderBy: new("id"), Sort: new("desc"),
	}
	jobs, err := gitlab.ScanAndCollect(func(p gitlab.PaginationOptionFunc) ([]*gitlab.Job, *gitlab.Response, error) {
		return c.Runners.ListRunnerJobs(6, keyset, p)
	})
	require.NoError(t, err)
	require.Len(t, jobs, 3)
	assert.Equal(t, []int64{3, 2, 1}, []int64{jobs[0].ID, jobs[1].ID, jobs[2].ID})
}

func TestRunner(t *testing.T) {
	t.Parallel()
	c, _ := admin(t)
	d, resp, err := c.Runners.GetRunnerDetails(6)
	status(t, 200, resp, err)
	contacted := start.Add(-3 * time.Hour)
	assert.Equal(t, gitlab.RunnerDetails{
		ID: 6, Description: "test-1", RunnerType: "project_type", Status: "offline", Active: true,
		ContactedAt: &contacted, MaintenanceNote: "mind the step", TagList: []string{"ruby", "mysql"},
		RunUntagged: true, AccessLevel: "not_protected", MaximumTimeout: 3600, Groups: []gitlab.RunnerDetailsGroup{},
		Architecture: "amd64", Platform: "linux", Revision: "535ced5f", Version: "16.11.1",
		Projects: []gitlab.RunnerDetailsProject{{
			ID: 9, Name: "App", NameWithNamespace: "Acme / App", Path: "my.app-2", PathWithNamespace: "acme/my.app-2",
		}},
	}, *d)
	group, _, err := c.Runners.GetRunnerDetails("40")
	require.NoError(t, err)
	assert.Equal(t, []gitlab.RunnerDetailsGroup{{ID: 10, Name: "Acme", WebURL: c.BaseURL().Scheme + "://" + c.BaseURL().Host + "/groups/acme"}}, group.Groups)

	managers, resp, err := c.Runners.ListRunnerManagers(6)
	status(t, 200, resp, err)
	require.Len(t, managers, 1)
	created := start.AddDate(0, 0, -1)
	assert.Equal(t, gitlab.RunnerManager{
		ID: 1, SystemID: "s_89e5e9956577", Version: "16.11.1", Revision: "535ced5f", Platform: "linux",
		Architecture: "amd64", CreatedAt: &created, ContactedAt: &contacted, IPAddress: "10.0.0.1", Status: "offline",
	}, *managers[0])

	_, resp, err = c.Runners.GetRunnerDetails(99)
	require.ErrorIs(t, err, gitlab.ErrNotFound)
	assert.Equal(t, 404, resp.StatusCode)
}

func TestJobs(t *testing.T) {
	t.Parallel()
	c, _ := admin(t)
	jobs, resp, err := c.Runners.ListRunnerJobs(6, &gitlab.ListRunnerJobsOptions{Status: new("success")})
	status(t, 200, resp, err)
	require.Len(t, jobs, 1)
	j := jobs[0]
	assert.Equal(t, []any{int64(1), "success", "test", "unit", "main", "mia", int64(9)},
		[]any{j.ID, j.Status, j.Stage, j.Name, j.Ref, j.User.Username, j.Project.ID})
	assert.Equal(t, []any{120.0, 5.5}, []any{j.Duration, j.QueuedDuration})
	assert.Equal(t, start.Add(-48*time.Minute), *j.FinishedAt)

	all, _, err := c.Runners.ListRunnerJobs(6, &gitlab.ListRunnerJobsOptions{OrderBy: new("id"), Sort: new("asc")})
	require.NoError(t, err)
	assert.True(t, slices.IsSortedFunc(all, func(a, b *gitlab.Job) int { return int(a.ID - b.ID) }))
	assert.Len(t, all, 3)
}

func TestUpdateAndRemove(t *testing.T) {
	t.Parallel()
	c, srv := admin(t)
	d, resp, err := c.Runners.UpdateRunnerDetails(6, &gitlab.UpdateRunnerDetailsOptions{
		Description: new("other"), Paused: new(true), TagList: &[]string{"x", "y"}, RunUntagged: new(false), Locked: new(true),
		AccessLevel: new("ref_protected"), MaximumTimeout: new(int64(600)), MaintenanceNote: new("note"),
	})
	status(t, 200, resp, err)
	assert.Equal(t, []any{"other", true, []string{"x", "y"}, false, true, "ref_protected", int64(600), "note"},
		[]any{d.Description, d.Paused, d.TagList, d.RunUntagged, d.Locked, d.AccessLevel, d.MaximumTimeout, d.MaintenanceNote})
	d, _, err = c.Runners.UpdateRunnerDetails(6, &gitlab.UpdateRunnerDetailsOptions{Active: new(true)})
	require.NoError(t, err)
	assert.False(t, d.Paused)
	assert.Equal(t, "other", d.Description)

	_, _, err = c.Runners.UpdateRunnerDetails(6, &gitlab.UpdateRunnerDetailsOptions{MaximumTimeout: new(int64(1))})
	require.ErrorContains(t, err, "{maximum_timeout: [needs to be at least 10 minutes]}")
	_, resp, err = c.Runners.UpdateRunnerDetails(6, nil)
	require.ErrorContains(t, err, "at least one parameter must be provided")
	assert.Equal(t, 400, resp.StatusCode)

	resp, err = c.Runners.RemoveRunner(6)
	status(t, 204, resp, err)
	resp, err = c.Runners.DeleteRegisteredRunnerByID(40)
	status(t, 204, resp, err)
	_, err = c.Runners.RemoveRunner(6)
	require.ErrorIs(t, err, gitlab.ErrNotFound)
	assert.Len(t, srv.Snapshot().Runners, 1)
}

func TestProjectsAndGroups(t *testing.T) {
	t.Parallel()
	c, srv := admin(t)
	for _, project := range []any{9, "9", "acme/my.app-2"} { // the client escapes the dot, too
		rows, resp, err := c.Runners.ListProjectRunners(project, nil)
		status(t, 200, resp, err)
		assert.Equal(t, []int64{1, 6, 40}, idsOf(rows))
	}
	rows, resp, err := c.Runners.ListProjectRunners(9, &gitlab.ListProjectRunnersOptions{Type: new("project_type"), Paused: new(false)})
	status(t, 200, resp, err)
	assert.Equal(t, []int64{6}, idsOf(rows))
	rows, resp, err = c.Runners.ListGroupsRunners("acme", &gitlab.ListGroupsRunnersOptions{Type: new("group_type")})
	status(t, 200, resp, err)
	assert.Equal(t, []int64{40}, idsOf(rows))
	rows, _, err = c.Runners.ListGroupsRunners(10, &gitlab.ListGroupsRunnersOptions{Status: new("online"), TagList: &[]string{"docker"}})
	require.NoError(t, err)
	assert.Equal(t, []int64{1}, idsOf(rows))

	r, resp, err := c.Runners.EnableProjectRunner("acme/site", &gitlab.EnableProjectRunnerOptions{RunnerID: 6})
	status(t, 201, resp, err)
	assert.Equal(t, "test-1", r.Description)
	assert.Equal(t, []int64{9, 12}, srv.Snapshot().Runners[1].Projects)
	_, _, err = c.Runners.EnableProjectRunner(12, &gitlab.EnableProjectRunnerOptions{RunnerID: 40})
	require.ErrorContains(t, err, "403 Forbidden - Runner is a group runner")
	resp, err = c.Runners.DisableProjectRunner(12, 6)
	status(t, 204, resp, err)
	resp, err = c.Runners.DisableProjectRunner(9, 6)
	require.ErrorContains(t, err, "You cannot unassign a runner from the owner project")
	assert.Equal(t, 403, resp.StatusCode)
}

func TestCreateUserRunner(t *testing.T) {
	t.Parallel()
	c, _ := admin(t)
	created, resp, err := c.Users.CreateUserRunner(&gitlab.CreateUserRunnerOptions{
		RunnerType: new("project_type"), ProjectID: new(int64(9)), Description: new("new"), Paused: new(true), Locked: new(true),
		RunUntagged: new(false), TagList: &[]string{"a", "b"}, AccessLevel: new("ref_protected"), MaximumTimeout: new(int64(900)),
		MaintenanceNote: new("note"),
	})
	status(t, 201, resp, err)
	assert.Equal(t, int64(41), created.ID)
	assert.Regexp(t, "^glrt-.{20}", created.Token)
	assert.Nil(t, created.TokenExpiresAt)
	d, _, err := c.Runners.GetRunnerDetails(created.ID)
	require.NoError(t, err)
	assert.Equal(t, []any{"new", true, true, false, []string{"a", "b"}, "ref_protected", int64(900), "note", "never_contacted"},
		[]any{d.Description, d.Paused, d.Locked, d.RunUntagged, d.TagList, d.AccessLevel, d.MaximumTimeout, d.MaintenanceNote, d.Status})

	expiring, _, err := c.Users.CreateUserRunner(&gitlab.CreateUserRunnerOptions{RunnerType: new("instance_type")})
	require.NoError(t, err)
	assert.Equal(t, start.AddDate(0, 0, 1), *expiring.TokenExpiresAt)
	inGroup, _, err := c.Users.CreateUserRunner(&gitlab.CreateUserRunnerOptions{RunnerType: new("group_type"), GroupID: new(int64(10))})
	require.NoError(t, err)
	assert.Equal(t, int64(43), inGroup.ID)

	mia, _ := client(t, "", "glpat-fake-mia")
	_, resp, err = mia.Users.CreateUserRunner(&gitlab.CreateUserRunnerOptions{RunnerType: new("project_type"), ProjectID: new(int64(9))})
	require.ErrorContains(t, err, "insufficient_scope")
	assert.Equal(t, 403, resp.StatusCode)
}

func TestRegisterVerifyDelete(t *testing.T) {
	t.Parallel()
	c, srv := admin(t)
	r, resp, err := c.Runners.RegisterNewRunner(&gitlab.RegisterNewRunnerOptions{
		Token: new("GR1348941-fake-app"), Description: new("registered"), Paused: new(true), Locked: new(true),
		RunUntagged: new(false), TagList: &[]string{"a"}, AccessLevel: new("ref_protected"), MaximumTimeout: new(int64(700)),
		MaintenanceNote: new("note"),
		Info:            &gitlab.RegisterNewRunnerInfoOptions{Name: new("gitlab-runner"), Version: new("17.5.0")},
	})
	status(t, 201, resp, err)
	assert.Equal(t, int64(41), r.ID)
	assert.NotEmpty(t, r.Token)
	d, _, err := c.Runners.GetRunnerDetails(r.ID)
	require.NoError(t, err)
	assert.Equal(t, []any{"registered", "gitlab-runner", true, true, false, "ref_protected", int64(700), "note"},
		[]any{d.Description, d.Name, d.Paused, d.Locked, d.RunUntagged, d.AccessLevel, d.MaximumTimeout, d.MaintenanceNote})

	resp, err = c.Runners.VerifyRegisteredRunner(&gitlab.VerifyRegisteredRunnerOptions{Token: &r.Token})
	status(t, 200, resp, err)
	resp, err = c.Runners.DeleteRegisteredRunner(&gitlab.DeleteRegisteredRunnerOptions{Token: &r.Token})
	status(t, 204, resp, err)
	resp, err = c.Runners.VerifyRegisteredRunner(&gitlab.VerifyRegisteredRunnerOptions{Token: &r.Token})
	require.ErrorContains(t, err, "403 Forbidden")
	assert.Equal(t, 403, resp.StatusCode)
	assert.Len(t, srv.Snapshot().Runners, 3)
}

func TestResets(t *testing.T) {
	t.Parallel()
	c, srv := admin(t)
	a, resp, err := c.Runners.ResetRunnerAuthenticationToken(1)
	status(t, 201, resp, err)
	assert.Equal(t, start.AddDate(0, 0, 1), *a.TokenExpiresAt)
	resp, err = c.Runners.VerifyRegisteredRunner(&gitlab.VerifyRegisteredRunnerOptions{Token: a.Token})
	status(t, 200, resp, err)

	instance, resp, err := c.Runners.ResetInstanceRunnerRegistrationToken()
	status(t, 201, resp, err)
	group, resp, err := c.Runners.ResetGroupRunnerRegistrationToken("acme")
	status(t, 201, resp, err)
	project, resp, err := c.Runners.ResetProjectRunnerRegistrationToken("acme/my.app-2")
	status(t, 201, resp, err)
	state := srv.Snapshot()
	assert.Equal(t, []string{state.RegistrationToken, state.Groups[0].RunnersToken, state.Projects[0].RunnersToken},
		[]string{*instance.Token, *group.Token, *project.Token})
	assert.NotContains(t, []string{*instance.Token, *group.Token, *project.Token}, "GR1348941-fake-app")
}

func TestInstance(t *testing.T) {
	t.Parallel()
	c, _ := client(t, "17.5.0", "glpat-fake-root")
	v, resp, err := c.Version.GetVersion()
	status(t, 200, resp, err)
	assert.Equal(t, gitlab.Version{Version: "17.5.0", Revision: "abcdef12345"}, *v)
	m, resp, err := c.Metadata.GetMetadata()
	status(t, 200, resp, err)
	assert.Equal(t, gitlab.Metadata{Version: "17.5.0", Revision: "abcdef12345"}, *m)
	me, resp, err := c.Users.CurrentUser()
	status(t, 200, resp, err)
	assert.Equal(t, []any{int64(1), "root", true}, []any{me.ID, me.Username, me.IsAdmin})
}

// Other ways to show a token, and none that is good.
func TestCredentials(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	oauth, err := gitlab.NewAuthSourceClient(gitlab.OAuthTokenSource{TokenSource: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "glpat-fake-root"})}, gitlab.WithBaseURL(srv.URL()), gitlab.WithoutRetries())
	require.NoError(t, err)
	_, resp, err := oauth.Runners.ListAllRunners(nil)
	status(t, 200, resp, err)
	nobody, err := gitlab.NewClient("glpat-unknown", gitlab.WithBaseURL(srv.URL()), gitlab.WithoutRetries())
	require.NoError(t, err)
	_, resp, err = nobody.Runners.ListRunners(nil)
	require.ErrorContains(t, err, "401 Unauthorized")
	assert.Equal(t, 401, resp.StatusCode)
}

// TestEverythingIsCalled finds a call of each method that the client has for
// runners in the tests above.
func TestEverythingIsCalled(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("client_go_test.go")
	require.NoError(t, err)
	for m := range reflect.TypeFor[gitlab.RunnersServiceInterface]().Methods() {
		assert.Contains(t, string(source), ".Runners."+m.Name+"(")
	}
}
