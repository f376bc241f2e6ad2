package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
	"github.com/seed-832548de/runners/runnerstest"
)

// counted finds how many runners there are of each client's.
var counted = regexp.MustCompile(`GitLab +has (\d) of it`)

// wantStory checks what the program tells.
func wantStory(t *testing.T, out string) {
	t.Helper()
	found := counted.FindAllStringSubmatch(out, -1)
	require.Len(t, found, 2, out)
	assert.Equal(t, "2", found[0][1], "the other client repeats a create")
	assert.Equal(t, "1", found[1][1])
	assert.Regexp(t, `api/client-go/v2\n  says +created runner \d+\n`, out)
	assert.Regexp(t, `says +runners: POST /user/runners: 502 Bad Gateway \(outcome unknown: .*\n`, out)
	assert.Regexp(t, `finds +runner \d+ with FindCreated, and with ResetToken its token: \[REDACTED\]\n`, out)
	assert.NotContains(t, out, "glrt-", "a token was told")
}

func TestTheAnswerIsLostInItsOwnFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &log))
	wantStory(t, out.String())
	assert.Contains(t, log.String(), "made up")
}

func TestTheAnswerIsLostInFakegitlab(t *testing.T) {
	t.Parallel()
	built, folder := fakegitlab.Build(t, "."), t.TempDir()
	binary := filepath.Join(built, "lost-answer")
	fakegitlab.Help(t, folder, binary)
	url, token := fakegitlab.Start(t, built)
	there := fakegitlab.Environment("GITLAB_URL="+url, "GITLAB_TOKEN="+token)
	for range 2 { // there may be runners of a time before
		out, log := fakegitlab.Run(t, folder, there, binary)
		wantStory(t, out)
		assert.Empty(t, log)
	}
}

func TestErrors(t *testing.T) { //nolint:paralleltest // it sets the environment
	gitlab := runnerstest.NewServer(t, &runnerstest.Options{Lenient: true}) // it takes no faults
	for _, c := range []struct {
		url, token string
		args       []string
		want       string
	}{
		{gitlab.URL(), "glpat-x", nil, "is no fakegitlab, and loses no answers: 404 Not Found"},
		{"gitlab.example.com", "glpat-x", nil, "did you mean https://"},
		{gitlab.URL(), "", nil, "token"},
		{"", "", []string{"now"}, `unexpected argument "now"`},
		{"", "", []string{"-nonsense"}, "not defined"},
	} {
		t.Setenv("GITLAB_URL", c.url)
		t.Setenv("GITLAB_TOKEN", c.token)
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &log), c.want)
		assert.NotContains(t, out.String(), "says")
	}
}
