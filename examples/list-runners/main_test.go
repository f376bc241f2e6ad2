package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestListsTheFakesRunners(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	for _, c := range []struct {
		args []string
		want []string // descriptions
	}{
		{nil, []string{"builder-1", "builder-2", "builder-3"}},
		{[]string{"-status", "offline"}, []string{"builder-3"}},
		{[]string{"-tag", "docker,arm64"}, []string{"builder-2"}},
	} {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), c.args, &out, &log))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 1+len(c.want), "%v: %s", c.args, out.String())
		for i, want := range c.want {
			assert.Contains(t, lines[i+1], want)
		}
		assert.Contains(t, log.String(), "made up")
	}
}

func TestListsAGitLabsRunners(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	project := gitlab.AddProject(runnerstest.Project{Path: "real/app"})
	gitlab.AddRunner(runnerstest.Runner{Description: "a real\x1b one", Projects: []int64{project.ID}})
	gitlab.AddUser(runnerstest.User{Username: "mia"})
	gitlab.AddMember(runnerstest.Member{User: "mia", Project: project.ID, Role: runnerstest.Maintainer})
	token := gitlab.AddToken(runnerstest.AccessToken{User: "mia"})
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", token.Token)

	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &log))
	assert.Contains(t, out.String(), "a real? one\n")
	assert.Empty(t, log.String())
}

func TestErrors(t *testing.T) {
	var out, log bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-nonsense"}, &out, &log))
	assert.Contains(t, log.String(), "Usage")
	require.ErrorContains(t, run(t.Context(), []string{"docker"}, &out, &log), `unexpected argument "docker"`)

	t.Setenv("GITLAB_URL", "gitlab.example.com")
	t.Setenv("GITLAB_TOKEN", "glpat-x")
	require.ErrorContains(t, run(t.Context(), nil, &out, &log), "did you mean https://")
	assert.Empty(t, out.String())
}
