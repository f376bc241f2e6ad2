package runnerstest_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAddUser(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, `{"users": [{"id": 4, "username": "root"}]}`)
	require.NoError(t, err)
	got := srv.AddUser(runnerstest.User{Username: "mia", Tokens: []runnerstest.AccessToken{{}, {Token: "mine"}}})
	assert.Equal(t, int64(5), got.ID)
	assert.Equal(t, "mia", got.Name)
	assert.True(t, strings.HasPrefix(got.Tokens[0].Token, "glpat-"), "made up")
	assert.Equal(t, "mine", got.Tokens[1].Token)
	assert.Equal(t, got, srv.Snapshot().Users[1])
}

func TestAddToken(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, `{"users": [{"username": "mia"}]}`)
	require.NoError(t, err)
	first := srv.AddToken(runnerstest.AccessToken{User: "mia", Scopes: []string{"read_api"}})
	second := srv.AddToken(runnerstest.AccessToken{User: "bob", ExpiresAt: runnerstest.In(time.Hour)})
	assert.NotEmpty(t, first.Token)
	assert.NotEqual(t, first.Token, second.Token)
	assert.Equal(t, runnerstest.At(start.Add(time.Hour)), second.ExpiresAt)
	users := srv.Snapshot().Users
	assert.Equal(t, []runnerstest.AccessToken{first}, users[0].Tokens)
	assert.Equal(t, "bob", users[1].Username, "made for the token")
	assert.Equal(t, []runnerstest.AccessToken{second}, users[1].Tokens)
}

func TestAddProjectMakesItsGroups(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, `{"users": [{"username": "mia"}]}`)
	require.NoError(t, err)
	app := srv.AddProject(runnerstest.Project{Path: "acme/tools/app", Jobs: []runnerstest.Job{{Name: "build"}}})
	assert.Equal(t, "app", app.Name)
	assert.Equal(t, int64(1), app.Jobs[0].ID)
	own := srv.AddProject(runnerstest.Project{Path: "mia/app"})
	sub := srv.AddGroup(runnerstest.Group{Path: "other/below"})
	state := srv.Snapshot()
	paths := map[string]int64{}
	for _, g := range state.Groups {
		paths[g.Path] = g.ParentID
	}
	assert.Equal(t, map[string]int64{"acme": 0, "acme/tools": 1, "other": 0, "other/below": 3}, paths)
	assert.Equal(t, sub, state.Groups[3])
	assert.Equal(t, []runnerstest.Project{app, own}, state.Projects)
}

func TestAddRunner(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, before+`{"id": 3}]}`)
	require.NoError(t, err)
	srv.Advance(time.Hour)
	r := srv.AddRunner(runnerstest.Runner{
		Projects: []int64{9},
		TagList:  []string{"docker"},
		Managers: []runnerstest.Manager{
			{SystemID: "s_1", ContactedAt: runnerstest.Ago(time.Minute)},
			{ID: 1, SystemID: "s_2"},
		},
		Jobs: []runnerstest.Job{{Status: runners.JobRunning, SystemID: "s_2"}},
	})
	assert.Equal(t, int64(4), r.ID)
	assert.Equal(t, runners.ProjectType, r.Type)
	assert.Equal(t, runnerstest.At(start.Add(59*time.Minute)), r.ContactedAt, "counted from the present")
	assert.Equal(t, []int64{1, 2}, []int64{r.Managers[0].ID, r.Managers[1].ID})
	assert.Equal(t, "s_2", r.Managers[0].SystemID)
	assert.Equal(t, int64(9), r.Jobs[0].ProjectID)
	assert.Equal(t, r, withoutRunnerIDs(srv.Snapshot().Runners[1], r.ID))
}

// withoutRunnerIDs checks what a snapshot says about jobs beyond JSON.
func withoutRunnerIDs(r runnerstest.Runner, id int64) runnerstest.Runner {
	for i := range r.Jobs {
		r.Jobs[i].RunnerID = id
	}
	return r
}

func TestAddManagerAndJobs(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, before+`{"id": 3, "projects": [9]}]}`)
	require.NoError(t, err)
	m := srv.AddManager(3, runnerstest.Manager{SystemID: "s_1", ContactedAt: runnerstest.Ago(time.Minute)})
	taken := srv.AddJob(runnerstest.Job{RunnerID: 3, SystemID: "s_1", User: "mia"})
	other := srv.AddJob(runnerstest.Job{RunnerID: 3, ProjectID: 12, Status: runners.JobFailed})
	waiting := srv.AddJob(runnerstest.Job{ProjectID: 12})
	state := srv.Snapshot()
	r := state.Runners[0]
	assert.Equal(t, []runnerstest.Manager{m}, r.Managers)
	assert.Equal(t, m.ContactedAt, r.ContactedAt)
	assert.True(t, *r.CreationFinished)
	assert.Equal(t, int64(9), taken.ProjectID)
	assert.Equal(t, runners.JobCreated, taken.Status)
	assert.Equal(t, []runnerstest.Job{taken, other}, r.Jobs)
	assert.Equal(t, runners.JobPending, waiting.Status)
	assert.Equal(t, waiting.ID, state.Projects[1].Jobs[0].ID)
	srv.AddManager(3, runnerstest.Manager{SystemID: "s_2", ContactedAt: runnerstest.Ago(time.Hour)})
	assert.Equal(t, m.ContactedAt, srv.Snapshot().Runners[0].ContactedAt, "no later than before")
}

func TestAddMember(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, before+`]}`)
	require.NoError(t, err)
	srv.AddMember(runnerstest.Member{User: "bob", Group: 10, Role: runnerstest.Owner})
	srv.AddMember(runnerstest.Member{User: "bob", Project: 9, Role: runnerstest.Guest})
	srv.AddMember(runnerstest.Member{User: "bob", Project: 9, Role: runnerstest.Developer})
	state := srv.Snapshot()
	assert.Equal(t, map[string]runnerstest.Role{"bob": runnerstest.Owner}, state.Groups[0].Members)
	assert.Equal(t, map[string]runnerstest.Role{"bob": runnerstest.Developer}, state.Projects[0].Members)
}

// A group that comes later takes in what a seed had put below its path.
func TestAddGroupAdopts(t *testing.T) {
	t.Parallel()
	srv, err := seeded(t, `{"groups": [{"id": 1, "full_path": "acme/tools"}]}`)
	require.NoError(t, err)
	acme := srv.AddGroup(runnerstest.Group{Path: "acme"})
	assert.Equal(t, acme.ID, srv.Snapshot().Groups[0].ParentID)
}

// A bad spec is refused with a reason, and nothing of it is left.
func TestBadAdds(t *testing.T) {
	t.Parallel()
	for want, add := range map[string]func(*runnerstest.Server){
		"AddUser: username: is required": func(s *runnerstest.Server) { s.AddUser(runnerstest.User{}) },
		"AddUser: username: taken by user mia": func(s *runnerstest.Server) {
			s.AddUser(runnerstest.User{Username: "mia"})
		},
		"AddUser: id: 1 is taken by another user": func(s *runnerstest.Server) {
			s.AddUser(runnerstest.User{Username: "eve", ID: 1})
		},
		"AddUser: tokens[1].token: taken by the same": func(s *runnerstest.Server) {
			s.AddUser(runnerstest.User{Username: "eve", Tokens: []runnerstest.AccessToken{{Token: "x"}, {Token: "x"}}})
		},
		"AddUser: tokens[0].token: taken by group acme": func(s *runnerstest.Server) {
			s.AddUser(runnerstest.User{Username: "eve", Tokens: []runnerstest.AccessToken{{Token: "g1"}}})
		},
		"AddToken: username: is required": func(s *runnerstest.Server) { s.AddToken(runnerstest.AccessToken{}) },
		"AddToken: token: taken by user mia": func(s *runnerstest.Server) {
			s.AddToken(runnerstest.AccessToken{User: "eve", Token: "t1"})
		},
		"AddToken: expires_at: is out of range": func(s *runnerstest.Server) {
			s.AddToken(runnerstest.AccessToken{User: "eve", ExpiresAt: runnerstest.At(start.AddDate(9000, 0, 0))})
		},
		"AddGroup: full_path: taken by project acme/app": func(s *runnerstest.Server) {
			s.AddGroup(runnerstest.Group{Path: "acme/app/below"})
		},
		`AddGroup: full_path: "mia" is a user's`: func(s *runnerstest.Server) {
			s.AddGroup(runnerstest.Group{Path: "mia/below"})
		},
		"AddGroup: parent_id: no group 3": func(s *runnerstest.Server) {
			s.AddGroup(runnerstest.Group{Path: "acme/below", ParentID: 3})
		},
		"AddGroup: runners_token: taken by runner 3": func(s *runnerstest.Server) {
			s.AddGroup(runnerstest.Group{Path: "new/below", RunnersToken: "r3"})
		},
		"AddGroup: runners_token: taken by the instance": func(s *runnerstest.Server) {
			s.AddGroup(runnerstest.Group{Path: "new/below", RunnersToken: s.Snapshot().RegistrationToken})
		},
		"AddProject: runners_token: taken by project acme/app": func(s *runnerstest.Server) {
			s.AddProject(runnerstest.Project{Path: "new/app", RunnersToken: s.Snapshot().Projects[0].RunnersToken})
		},
		`AddProject: visibility: "x" is none of private, internal, public`: func(s *runnerstest.Server) {
			s.AddProject(runnerstest.Project{Path: "new/app", Visibility: "x"})
		},
		"AddProject: jobs[0].coverage: must be between 0 and 2147483647": func(s *runnerstest.Server) {
			s.AddProject(runnerstest.Project{Path: "new/app", Jobs: []runnerstest.Job{{Coverage: new(math.NaN())}}})
		},
		"AddRunner: projects[0]: no project 99": func(s *runnerstest.Server) {
			s.AddRunner(runnerstest.Runner{Projects: []int64{99}})
		},
		"AddRunner: id: must be between 1 and 4611686018427387903": func(s *runnerstest.Server) {
			s.AddRunner(runnerstest.Runner{ID: -1})
		},
		"AddJob: pipeline_id: must be between 1 and 4611686018427387903": func(s *runnerstest.Server) {
			s.AddJob(runnerstest.Job{ProjectID: 9, PipelineID: -1})
		},
		"AddRunner: managers[1].id: 5 is taken by managers[0]": func(s *runnerstest.Server) {
			s.AddRunner(runnerstest.Runner{Managers: []runnerstest.Manager{{ID: 5, SystemID: "a"}, {ID: 5, SystemID: "b"}}})
		},
		"AddRunner: contacted_at: is out of range": func(s *runnerstest.Server) {
			s.AddRunner(runnerstest.Runner{ContactedAt: runnerstest.At(time.Unix(-1<<40, 0))})
		},
		"AddManager: no runner 99": func(s *runnerstest.Server) { s.AddManager(99, runnerstest.Manager{SystemID: "s"}) },
		"AddManager: system_id: is required": func(s *runnerstest.Server) {
			s.AddManager(3, runnerstest.Manager{ContactedAt: runnerstest.In(0)})
		},
		"AddJob: project_id: no project 99": func(s *runnerstest.Server) { s.AddJob(runnerstest.Job{ProjectID: 99}) },
		"AddJob: project_id: is required":   func(s *runnerstest.Server) { s.AddJob(runnerstest.Job{RunnerID: 3}) },
		"AddJob: runner_id: no runner 99":   func(s *runnerstest.Server) { s.AddJob(runnerstest.Job{RunnerID: 99}) },
		"AddMember: user: is required": func(s *runnerstest.Server) {
			s.AddMember(runnerstest.Member{Group: 10, Role: runnerstest.Owner})
		},
		`AddMember: user: no user "eve": add it before, with AddUser or AddToken`: func(s *runnerstest.Server) {
			s.AddMember(runnerstest.Member{User: "eve", Group: 10, Role: runnerstest.Owner})
		},
		"AddMember: role: no role 7": func(s *runnerstest.Server) {
			s.AddMember(runnerstest.Member{User: "bob", Group: 10, Role: 7})
		},
		"AddMember: group: no group 9": func(s *runnerstest.Server) {
			s.AddMember(runnerstest.Member{User: "bob", Group: 9, Role: runnerstest.Owner})
		},
		"AddMember: project: no project 99": func(s *runnerstest.Server) {
			s.AddMember(runnerstest.Member{User: "bob", Project: 99, Role: runnerstest.Owner})
		},
		"AddMember: group: either a group or a project is required": func(s *runnerstest.Server) {
			s.AddMember(runnerstest.Member{User: "bob", Group: 10, Project: 9, Role: runnerstest.Owner})
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			srv, err := seeded(t, before+`{"id": 3, "token": "r3"}]}`)
			require.NoError(t, err)
			state := srv.Snapshot()
			assert.PanicsWithError(t, "runnerstest: "+want, func() { add(srv) })
			assert.Equal(t, state, srv.Snapshot())
			srv.AddUser(runnerstest.User{Username: "zoe"}) // the server is not locked
		})
	}
}
