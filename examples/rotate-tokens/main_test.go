package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// load reads the store as a deployment would.
func load(t *testing.T, file string) map[int64]stored {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode(), "only the owner may read it")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var tokens map[int64]stored
	require.NoError(t, json.Unmarshal(text, &tokens))
	return tokens
}

func TestRotatesWhatTheFakeHasDue(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	t.Setenv("TMPDIR", t.TempDir())
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &log))
	assert.Regexp(t, `4 +\S+ \(within a day\) +is due: -apply rotates it\n2 +.*is due.*\n1 .*in 39 days\) *\n3 +never`, out.String())
	assert.Contains(t, out.String(), "4 tokens, 2 of them due")
	assert.Contains(t, log.String(), "made up")

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-apply"}, &out, &log))
	assert.Regexp(t, `4 .*has a new token; it expires: \S+ \(in 89 days\)\n2 .*has a new token`, out.String())
	assert.Contains(t, out.String(), "4 tokens, 0 of them due")
	assert.NotContains(t, out.String()+log.String(), "glrt-", "a token was told")
}

func TestTheStoreHasTheTokensThatGitLabKnows(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	project := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	due := gitlab.AddRunner(runnerstest.Runner{
		Projects: []int64{project.ID}, TokenExpiresAt: runnerstest.In(24 * time.Hour),
	})
	fine := gitlab.AddRunner(runnerstest.Runner{Projects: []int64{project.ID}})
	token := gitlab.AddToken(runnerstest.AccessToken{User: "mia"})
	gitlab.AddMember(runnerstest.Member{User: "mia", Project: project.ID, Role: runnerstest.Maintainer})
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", token.Token)

	file := filepath.Join(t.TempDir(), "tokens.json")
	require.NoError(t, (&store{file: file}).write(map[int64]stored{
		due.ID: {Token: due.Token}, fine.ID: {Token: fine.Token},
	}))
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-store", file, "-apply"}, &out, &log), log.String())
	first := load(t, file)
	assert.NotEqual(t, due.Token, first[due.ID].Token)
	assert.Equal(t, fine.Token, first[fine.ID].Token)
	_, err := gitlab.Client(t).Tokens.Verify(t.Context(), runners.NewToken(first[due.ID].Token), nil)
	require.NoError(t, err, "the stored token is the runner's")

	require.NoError(t, run(t.Context(), []string{"-store", file, "-runner", "2"}, &out, &log))
	assert.NotEqual(t, fine.Token, load(t, file)[fine.ID].Token)
	assert.Empty(t, log.String())
	names, err := filepath.Glob(file + "*")
	require.NoError(t, err)
	assert.Equal(t, []string{file}, names, "nothing is left behind")
}

func TestNothingIsTouchedWithoutAStore(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", "glpat-x")
	folder := t.TempDir()
	locked, broken := filepath.Join(folder, "locked"), filepath.Join(folder, "broken")
	require.NoError(t, os.WriteFile(locked+".lock", nil, 0o600))
	require.NoError(t, os.WriteFile(broken, []byte(`{"1": "glrt-secret"}`), 0o600))
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "-store FILE is missing"},
		{[]string{"-store", locked}, "another rotate-tokens is at work"},
		{[]string{"-store", broken}, "no store of tokens"},
		{[]string{"-store", filepath.Join(folder, "no/such/folder")}, "no such file"},
		{[]string{"-days", "0"}, "-days"},
		{[]string{"runner"}, `unexpected argument "runner"`},
		{[]string{"-nonsense"}, "not defined"},
	} {
		var out, log bytes.Buffer
		err := run(t.Context(), append([]string{"-apply"}, c.args...), &out, &log)
		require.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "glrt-")
		assert.Empty(t, out.String())
	}
	assert.Empty(t, gitlab.Requests())
	assert.NoFileExists(t, broken+".lock")
}

func TestATokenThatTheStoreDoesNotTakeIsRescued(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		gitlab := runnerstest.NewServer(t, nil)
		project := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
		r := gitlab.AddRunner(runnerstest.Runner{Projects: []int64{project.ID}})
		s := &store{file: filepath.Join(t.TempDir(), "gone", "tokens.json")}
		var out bytes.Buffer
		err := one(t.Context(), &fleet.Rotator{Client: gitlab.Client(t), Store: s.put}, r.ID, &out)
		require.ErrorIs(t, err, fleet.ErrNotStored)
		require.ErrorContains(t, err, "the new token of runner 1 is in ")

		files, err := filepath.Glob(filepath.Join(os.TempDir(), "token-of-runner-1-*"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		_, err = gitlab.Client(t).Tokens.Verify(t.Context(), runners.NewToken(load(t, files[0])[r.ID].Token), nil)
		assert.NoError(t, err)
	})
}

func TestDates(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "never", date(nil))
	assert.Contains(t, date(new(time.Now().Add(-time.Hour))), "(it has)")
	assert.Contains(t, date(new(time.Now().Add(36*time.Hour))), "(in 1 day)")
}
