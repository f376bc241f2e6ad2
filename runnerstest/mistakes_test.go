// Where a test hears of its own mistakes.

package runnerstest_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// pointer is a test that notes in which function each failure is shown: the
// innermost one that did not call Helper.
type pointer struct {
	testing.TB
	helpers map[string]bool
	shown   []string
}

func callerAbove(skip int) runtime.Frame {
	pc := make([]uintptr, 1)
	runtime.Callers(skip+2, pc)
	frame, _ := runtime.CallersFrames(pc).Next()
	return frame
}

func (p *pointer) Helper() { p.helpers[callerAbove(1).Function] = true }

func (p *pointer) Cleanup(func()) {}

func (p *pointer) Error(...any) {
	skip := 1
	for p.helpers[callerAbove(skip).Function] {
		skip++
	}
	p.shown = append(p.shown, callerAbove(skip).File)
}

// TestMistakesAreShownInTheTest makes one mistake with each method that takes
// any.
func TestMistakesAreShownInTheTest(t *testing.T) {
	t.Parallel()
	_, here, _, ok := runtime.Caller(0)
	require.True(t, ok)
	for i, mistake := range []func(*runnerstest.Server){
		func(s *runnerstest.Server) { s.AddUser(runnerstest.User{}) },
		func(s *runnerstest.Server) { s.AddToken(runnerstest.AccessToken{}) },
		func(s *runnerstest.Server) { s.AddGroup(runnerstest.Group{}) },
		func(s *runnerstest.Server) { s.AddProject(runnerstest.Project{}) },
		func(s *runnerstest.Server) { s.AddMember(runnerstest.Member{}) },
		func(s *runnerstest.Server) { s.AddRunner(runnerstest.Runner{ID: -1}) },
		func(s *runnerstest.Server) { s.AddManager(1, runnerstest.Manager{}) },
		func(s *runnerstest.Server) { s.AddJob(runnerstest.Job{}) },
		func(s *runnerstest.Server) { s.Fault() },
		func(s *runnerstest.Server) { s.Limit(1, 0) },
		func(s *runnerstest.Server) { s.Handle("", nil) },
		func(s *runnerstest.Server) {
			s.Handle("GET /", func(next http.Handler) http.Handler { return next })
		},
	} {
		p := &pointer{TB: t, helpers: map[string]bool{}}
		srv := runnerstest.NewServer(p, nil)
		mistake(srv)
		assert.Equal(t, []string{here}, p.shown, fmt.Sprint(i))
		srv.Close()
	}
}

// TestClientsWithoutATest makes clients as a program does.
func TestClientsWithoutATest(t *testing.T) {
	t.Parallel()
	srv, err := runnerstest.Start(nil)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	mia := srv.ClientAs(nil, srv.AddToken(runnerstest.AccessToken{User: "mia"}))
	_, err = mia.Version(t.Context())
	require.NoError(t, err)
	_, err = srv.Client(nil).Version(t.Context())
	require.NoError(t, err)
	require.NoError(t, srv.Restore(runnerstest.State{}))
	assert.PanicsWithError(t, "runnerstest: there is no active administrator", func() { srv.Client(nil) })
}

// TestMembersAreAddedBefore names somebody whom the server does not know yet.
func TestMembersAreAddedBefore(t *testing.T) {
	t.Parallel()
	n := &noted{TB: t}
	srv := runnerstest.NewServer(n, nil)
	app := runnerstest.Project{Path: "acme/app", Members: map[string]runnerstest.Role{"mia": runnerstest.Maintainer}}
	srv.AddProject(app)
	srv.AddToken(runnerstest.AccessToken{User: "mia"})
	assert.NotZero(t, srv.AddProject(app).ID)
	assert.Equal(t, []string{
		`runnerstest: AddProject: members.mia: no user "mia": add it before, with AddUser or AddToken`,
	}, n.end())
}

// TestLimitsHoldWithoutARoute asks for what is not there, by nobody.
func TestLimitsHoldWithoutARoute(t *testing.T) {
	t.Parallel()
	srv := runnerstest.NewServer(t, &runnerstest.Options{Lenient: true})
	srv.Limit(1, time.Hour)
	assert.Equal(t, 404, ask(t, srv, "", "GET /nowhere").status)
	assert.Equal(t, 429, ask(t, srv, "", "GET /nowhere").status)
}
