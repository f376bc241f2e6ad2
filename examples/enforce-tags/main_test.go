package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
	"github.com/seed-832548de/runners/runnerstest"
)

func TestEnforcesOnTheFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "1 as they should be, 2 differ; nothing was changed, -apply does it.\n"},
		{[]string{"runners.yaml"}, "2 differ; nothing was changed"},
		{[]string{"-apply"}, "1 as they should be, 2 differ, and 2 of those were changed.\n"},
	} {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), c.args, &out, &log))
		assert.Contains(t, out.String(), c.want)
		assert.Regexp(t, `builder \(1\)\n +tag_list +docker, linux, test-of-lea +→ docker, large, linux\n`, out.String())
		assert.Regexp(t, `tester \(2\)\n +paused +true +→ false\n`, out.String())
		assert.NotContains(t, out.String(), "deployer")
		assert.Contains(t, log.String(), "made up")
	}
	var out, log bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-check"}, &out, &log), errDrift)
}

// TestTheProgram runs it as its user does.
func TestTheProgram(t *testing.T) {
	t.Parallel()
	built, folder := fakegitlab.Build(t, "."), t.TempDir()
	binary, nothing := filepath.Join(built, "enforce-tags"), fakegitlab.Environment()
	out, log := fakegitlab.Run(t, folder, nothing, binary)
	assert.Contains(t, out, "2 differ; nothing was changed")
	assert.Contains(t, log, "made up")
	fakegitlab.Help(t, folder, binary)

	url, token := fakegitlab.Start(t, built)
	there := fakegitlab.Environment("GITLAB_URL="+url, "GITLAB_TOKEN="+token)
	file := yamlFile(t, "runners: [{id: 6, tag_list: [ruby]}, {description: forgotten, paused: true}]")
	for _, want := range []string{"2 of those were changed", "2 as they should be, 0 differ"} {
		out, log = fakegitlab.Run(t, folder, there, binary, "-all", "-apply", file)
		assert.Contains(t, out, want)
		assert.Empty(t, log)
	}
}

// yamlFile writes a file for one test.
func yamlFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runners.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestBadFiles(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	for _, c := range []struct{ text, want string }{
		{"", "it names no runner"},
		{"runners: []", "it names no runner"},
		{"runners:\n- description: builder\n  tags: [docker]", "tags"},
		{"runners:\n- description: builder\n  description: tester", "already defined"},
		{"- builder", "cannot unmarshal"},
		{"runners: {", "line 1"},
		{"runners:\n- description: builder\n  maximum_timeout: an hour", "desired state"},
		{"runners:\n- description: nobody\n  paused: true", "nobody"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), []string{"-apply", yamlFile(t, c.text)}, &out, &log), c.want, c.text)
		assert.NotContains(t, out.String(), "→")
	}
}

func TestEachFailureIsTold(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	var out, log bytes.Buffer
	file := yamlFile(t, "runners: [{description: nobody, paused: true}, {description: nothing, paused: true}]")
	require.Error(t, run(t.Context(), []string{file}, &out, &log))
	assert.Contains(t, log.String(), `"nobody"`)
	assert.Contains(t, log.String(), `"nothing"`)
}

func TestBadArguments(t *testing.T) {
	t.Setenv("GITLAB_URL", "http://127.0.0.1:1")
	t.Setenv("GITLAB_TOKEN", "glpat-x")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "which file?"},
		{[]string{"a.yaml", "b.yaml"}, `"b.yaml" is one too many`},
		{[]string{"-apply", "-check", "a.yaml"}, "exclude each other"},
		{[]string{"no-such-file.yaml"}, "no-such-file.yaml"},
		{[]string{"-nonsense"}, "not defined"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &log), c.want)
		assert.Empty(t, out.String())
	}
}

func TestTwiceIsOnce(t *testing.T) {
	gitlab := fakegitlab.World(t)
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", "glpat-fake-root-0000001")
	file := yamlFile(t, `
runners:
- {id: 6, tag_list: [ruby, postgres], projects: [acme/app, acme/tools/images]}
- {description: forgotten, maintenance_note: "whose is this?"}
- {description: shared-runner-1, tag_list: [linux, docker]}
`)
	var out, log bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-all", "-check", file}, &out, &log), errDrift)
	assert.Contains(t, out.String(), "1 as they should be, 2 differ; nothing was changed")

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-all", "-apply", file}, &out, &log))
	assert.Contains(t, out.String(), "2 of those were changed")
	d, err := gitlab.Client(t).Runners.Get(t.Context(), 6)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"ruby", "postgres"}, d.TagList)

	before := len(gitlab.Requests(runnerstest.ByRoute("PUT /runners/{id}")))
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-all", "-apply", file}, &out, &log))
	assert.Equal(t, "3 as they should be, 0 differ.\n", out.String())
	assert.Len(t, gitlab.Requests(runnerstest.ByRoute("PUT /runners/{id}")), before)
	require.NoError(t, run(t.Context(), []string{"-all", "-check", file}, &out, &log))
	assert.Empty(t, log.String())
}

func TestWhatCannotBeChangedIsReported(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	project := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	gitlab.AddRunner(runnerstest.Runner{Description: "builder", Projects: []int64{project.ID}})
	token := gitlab.AddToken(runnerstest.AccessToken{User: "eve", Scopes: []string{"read_api"}})
	gitlab.AddMember(runnerstest.Member{User: "eve", Project: project.ID, Role: runnerstest.Maintainer})
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", token.Token)

	file := yamlFile(t, "runners: [{description: builder, paused: true}, {description: nobody, paused: true}, {id: 4711}]")
	var out, log bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-apply", file}, &out, &log), runners.ErrInsufficientScope)
	assert.Regexp(t, `builder \(1\)\n +paused +false +→ true\n +failed: .*403`, out.String())
	assert.Contains(t, out.String(), "1 differ, and 0 of those were changed.")
	assert.Contains(t, log.String(), `not planned: "nobody": `, "what fails later does not hide it")
	assert.Contains(t, log.String(), `not planned: 4711 "": runner 4711: `)
	assert.NotContains(t, out.String()+log.String(), token.Token)
}
