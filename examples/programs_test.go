// Package examples_test runs each example as its user does: as a program, with
// nothing set up, and with a GitLab at the other end of a socket.
package examples_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
)

// A program is one example. Those with a module of their own have such a test
// there.
type program struct {
	alone  []string // its arguments where nothing is set up
	tells  []string // and what it prints then, by regular expression
	args   []string // its arguments with the world of the fake GitLab
	finds  []string // and what it prints then
	told   string   // what it says on the side where nothing is set up
	always bool     // it asks no GitLab but its own
}

// store is a file of tokens in the folder where the programs run.
const store = `{"6": {"token": "glrt-fake-test-runner-06"}, "8": {"token": "glrt-fake-test-runner-08"}}`

var programs = map[string]program{
	"quickstart": {
		tells: []string{`That was the life of a runner\.`}, finds: []string{`Runner 1 is deleted`}, always: true,
	},
	"list-runners": {
		tells: []string{`1 +project_type +online +builder-1\n`}, told: "made up",
		args: []string{"-status", "online"}, finds: []string{`6 +project_type +online +test-1-20150125\n`},
	},
	"sweep-stale": {
		tells: []string{`remove +3 +laptop of an intern`}, told: "made up",
		args:  []string{"-all", "-apply", "-status", "stale,offline", "-days", "1"},
		finds: []string{`deleted +11 +forgotten`, `deleted +3 +shared-runner-2`, `2 are gone, 0 could not`},
	},
	"rotate-tokens": {
		tells: []string{`4 tokens, 2 of them due`}, told: "made up",
		args:  []string{"-store", "tokens.json", "-days", "31", "-apply"},
		finds: []string{`6 +\S+ \(in 29 days\) +has a new token`, `8 +never`, `2 tokens, 0 of them due`},
	},
	"drain-host": {
		alone: []string{"-interval", "1s", "s_hamburg0001"}, told: "made up",
		tells: []string{`s_hamburg0001 is idle after \d+s: it may go down`},
		args:  []string{"-all", "s_0123456789ab"}, finds: []string{`Afterwards: drain-host -resume 6\n`},
	},
	"watch-fleet": {
		alone: []string{"-for", "6s", "-interval", "1s"}, told: "made up",
		tells: []string{` 1 builder-1: is online\n`, ` 1 builder-1: is paused\n`},
		args:  []string{"-all", "-details", "-for", "1s"}, finds: []string{` 11 forgotten: is stale\n`},
	},
	"fleet-report": {
		alone: []string{"-o", "-"}, tells: []string{`<h1>\d+ of 96 runners are online`}, told: "made up",
		args: []string{"-all", "-o", "-"}, finds: []string{`<h1>3 of 8 runners are online`},
	},
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	var paths []string
	for _, f := range folders {
		name := filepath.Dir(f)
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
			continue
		}
		assert.Contains(t, programs, name)
		paths = append(paths, "./"+name)
	}
	require.Len(t, paths, len(programs))
	built := fakegitlab.Build(t, paths...)
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			binary, folder := filepath.Join(built, name), t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(folder, "tokens.json"), []byte(store), 0o600))
			nothing := fakegitlab.Environment()
			out, log := fakegitlab.Run(t, folder, nothing, binary, p.alone...)
			contain(t, out, p.tells)
			assert.Contains(t, log, p.told)

			fakegitlab.Help(t, folder, binary)

			url, token := fakegitlab.Start(t, built)
			there := fakegitlab.Environment("GITLAB_URL="+url, "GITLAB_TOKEN="+token)
			out, log = fakegitlab.Run(t, folder, there, binary, p.args...)
			contain(t, out, p.finds)
			if !p.always {
				assert.NotContains(t, log, "made up")
			}
		})
	}
}

func contain(t *testing.T, text string, patterns []string) {
	t.Helper()
	for _, pattern := range patterns {
		assert.Regexp(t, pattern, text)
	}
}
