package runners_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A stage is a fake GitLab with a group, two projects in it, and a client for
// each role that people have there.
type stage struct {
	*runnerstest.Server
	group     runnerstest.Group
	app, site runnerstest.Project

	admin, owner, maintainer, developer, stranger *runners.Client
}

// newStage sets a stage of one version; "" is the newest.
func newStage(t *testing.T, version string) *stage {
	t.Helper()
	s := &stage{Server: runnerstest.NewServer(t, &runnerstest.Options{Version: version})}
	s.admin = s.Client(t)
	members := map[string]runnerstest.Role{}
	for name, role := range map[string]runnerstest.Role{
		"owner": runnerstest.Owner, "maintainer": runnerstest.Maintainer,
		"developer": runnerstest.Developer,
	} {
		s.AddUser(runnerstest.User{Username: name})
		members[name] = role
	}
	s.group = s.AddGroup(runnerstest.Group{Path: "acme", Members: members})
	s.app = s.AddProject(runnerstest.Project{Path: "acme/app"})
	s.site = s.AddProject(runnerstest.Project{Path: "acme/site"})
	s.owner, s.maintainer = s.as(t, "owner"), s.as(t, "maintainer")
	s.developer, s.stranger = s.as(t, "developer"), s.as(t, "stranger")
	return s
}

// as returns a client of a user, with all that the scope api allows.
func (s *stage) as(t *testing.T, user string, scopes ...string) *runners.Client {
	t.Helper()
	return s.ClientAs(t, s.AddToken(runnerstest.AccessToken{User: user, Scopes: scopes}))
}

// projectRunner adds a runner of the project acme/app that is online.
func (s *stage) projectRunner() runnerstest.Runner {
	return s.AddRunner(runnerstest.Runner{
		Description: "builder", TagList: []string{"docker"}, Projects: []int64{s.app.ID},
		ContactedAt: runnerstest.Ago(time.Minute), CreatedAt: runnerstest.Ago(time.Hour),
	})
}

// ids collects a listing's ids.
func ids(t *testing.T, l *runners.Listing[runners.Runner]) []int64 {
	t.Helper()
	rows, err := l.Collect(t.Context())
	require.NoError(t, err)
	all := []int64{}
	for _, r := range rows {
		all = append(all, r.ID)
	}
	return all
}

// fieldsOf returns what GitLab has against single values.
func fieldsOf(t *testing.T, err error) map[string][]string {
	t.Helper()
	var e *runners.Error
	require.ErrorAs(t, err, &e)
	return e.Fields
}
