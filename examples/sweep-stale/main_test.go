package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		{[]string{"-nonsense"}, "not defined"},
		{[]string{"runner"}, `unexpected argument "runner"`},
		{[]string{"-days", "-1"}, "-days"},
		{[]string{"-status", "online"}, `runners that are "online" are not swept`},
		{[]string{"-plan", "no-such-file"}, "no-such-file"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &log), c.want)
		assert.Empty(t, out.String())
	}
}

func TestSweepsTheFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	for name, c := range map[string]struct {
		args []string
		want []string // of the table and the last line, by regular expression
		not  string
	}{
		"a dry run": {
			nil, []string{
				`remove +3 +laptop of an intern +shell +stale`, `remove +4 `, `remove +6 `,
				`keep +5 .*protected`, `3 would go, and 2 of those looked at stay\. Nothing was changed`,
			}, `builder`,
		},
		"for real": {
			[]string{"-apply"}, []string{`deleted +3 `, `deleted +4 `, `deleted +6 `, `3 are gone, 0 could not`}, `remove `,
		},
		"with tags": {
			[]string{"-tag", "docker,spot"}, []string{`remove +4 `, `1 would go`}, `laptop`,
		},
		"all that are old": {
			[]string{"-keep", ""}, []string{`remove +5 `, `4 would go`}, `protected`,
		},
		"none that old": {
			[]string{"-days", "9999"}, []string{`Of 7 runners none needs to go`}, `remove `,
		},
	} {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), c.args, &out, &log), name)
		for _, want := range c.want {
			assert.Regexp(t, want, out.String(), name)
		}
		assert.NotRegexp(t, regexp.MustCompile(c.not), out.String(), name)
		assert.Contains(t, log.String(), "made up", name)
	}
}

func TestTheLimit(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	var out, log bytes.Buffer
	err := run(t.Context(), []string{"-apply", "-limit", "2"}, &out, &log)
	require.ErrorIs(t, err, fleet.ErrTooMany)
	assert.NotContains(t, out.String(), "deleted")
}

func TestAPlanIsReviewedAndThenApplied(t *testing.T) {
	gitlab := fakegitlab.World(t)
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", "glpat-fake-root-0000001")
	plan := filepath.Join(t.TempDir(), "plan.json")

	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-all", "-status", "stale,offline", "-days", "1", "-report", plan}, &out, &log))
	assert.Regexp(t, `remove +3 +shared-runner-2`, out.String())
	assert.Regexp(t, `remove +11 +forgotten`, out.String())
	assert.Empty(t, log.String(), "nothing to say of a fake")
	assert.Len(t, gitlab.Snapshot().Runners, 8)

	keep(t, plan, 3)
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-apply", "-plan", plan, "-report", plan}, &out, &log))
	assert.Regexp(t, `deleted +11 +forgotten`, out.String())
	assert.Regexp(t, `keep +3 +shared-runner-2 .* a person likes it`, out.String())
	assert.Len(t, gitlab.Snapshot().Runners, 7)

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-apply", "-plan", plan}, &out, &log), "again")
	assert.Contains(t, out.String(), "1 are gone, 0 could not")
}

// keep is the review: it saves a runner.
func keep(t *testing.T, file string, id int64) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var plan fleet.SweepPlan
	require.NoError(t, json.Unmarshal(text, &plan))
	for i := range plan.Items {
		if plan.Items[i].ID == id {
			plan.Items[i].Remove, plan.Items[i].Reason = false, "a person likes it"
		}
	}
	require.NoError(t, write(file, &plan))
}

func TestWhatCannotBeRemovedIsReported(t *testing.T) {
	gitlab := fakegitlab.World(t)
	gitlab.AddUser(runnerstest.User{Username: "eve"})
	token := gitlab.AddToken(runnerstest.AccessToken{User: "eve", Scopes: []string{"read_api"}})
	gitlab.AddMember(runnerstest.Member{User: "eve", Project: 12, Role: runnerstest.Maintainer})
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", token.Token)

	var out, log bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-apply", "-status", "stale"}, &out, &log))
	assert.Regexp(t, `failed +11 +forgotten .*403`, out.String())
	assert.Contains(t, out.String(), "0 are gone, 1 could not be removed")
	assert.NotContains(t, out.String()+log.String(), token.Token)
}

// Two of three runners cannot be looked at: each is told of, and stays.
func TestWhatCannotBeLookedAtIsReported(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	project := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	for _, name := range []string{"one", "two", "three"} {
		gitlab.AddRunner(runnerstest.Runner{
			Description: name, Projects: []int64{project.ID},
			CreatedAt: runnerstest.Ago(99 * day), ContactedAt: runnerstest.Ago(99 * day),
		})
	}
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", gitlab.AddToken(runnerstest.AccessToken{User: "root"}).Token)
	for left := 2; left < 4; left++ {
		gitlab.Fault(runnerstest.On("GET /runners/{id}"), runnerstest.Times(left), runnerstest.Status(403))
		var out, log bytes.Buffer
		require.Error(t, run(t.Context(), []string{"-all"}, &out, &log))
		assert.Len(t, regexp.MustCompile(`keep +\d .*403`).FindAllString(out.String(), -1), left)
		assert.Contains(t, out.String(), fmt.Sprintf("%d could not be looked at, and stay.", left))
		assert.Equal(t, left == 3, strings.Contains(out.String(), "none is known to be of no use"))
	}
}
