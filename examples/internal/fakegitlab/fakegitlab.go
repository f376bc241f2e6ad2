// Package fakegitlab builds and runs the program cmd/fakegitlab for the tests of
// the examples, which speak to it as to any GitLab: to another process, over a
// socket.
package fakegitlab

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-832548de/runners/runnerstest"
)

// Build builds programs, by their import paths, and returns the folder that
// they are in until the test ends. That of the fake GitLab is always one of
// them.
func Build(tb testing.TB, packages ...string) string {
	tb.Helper()
	folder := tb.TempDir()
	args := append([]string{"build", "-o", folder + string(filepath.Separator)}, packages...)
	args = append(args, "github.com/seed-832548de/runners/cmd/fakegitlab")
	if text, err := exec.CommandContext(tb.Context(), "go", args...).CombinedOutput(); err != nil {
		tb.Fatalf("%v: %v\n%s", args, err, text)
	}
	return folder
}

// Start runs the fake GitLab of a folder until the test ends, and returns where
// it is and the token of its administrator. Further arguments are its own.
func Start(tb testing.TB, folder string, args ...string) (url, token string) {
	tb.Helper()
	program := exec.CommandContext(tb.Context(), filepath.Join(folder, "fakegitlab"), args...)
	program.Stderr = tb.Output()
	out, err := program.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := program.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = program.Wait() }) // the test's context ended it
	var line struct {
		URL        string `json:"url"`
		AdminToken string `json:"admin_token"` //nolint:gosec // of a fake
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&line); err != nil {
		tb.Fatal(err)
	}
	return line.URL, line.AdminToken
}

// Environment returns that of the test with variables in the place of those that
// name a GitLab.
func Environment(variables ...string) []string {
	var all []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GITLAB_") && !strings.HasPrefix(v, "CI_SERVER_URL=") {
			all = append(all, v)
		}
	}
	return append(all, variables...)
}

// Run runs a program in a folder to its end, which must be a good one, and
// returns what it printed.
func Run(tb testing.TB, folder string, environment []string, binary string, args ...string) (out, log string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	var stdout, stderr strings.Builder
	program := exec.CommandContext(ctx, binary, args...)
	program.Dir, program.Env = folder, append(environment, "TMPDIR="+folder)
	program.Stdout, program.Stderr = &stdout, &stderr
	if err := program.Run(); err != nil {
		tb.Fatalf("%v: %v\n%s", args, err, &stderr)
	}
	return stdout.String(), stderr.String()
}

// Help runs a program for help, which must be all that it says, and begin with
// where its runners come from.
func Help(tb testing.TB, folder, binary string) {
	tb.Helper()
	out, log := Run(tb, folder, Environment(), binary, "-h")
	first, _, _ := strings.Cut(log, "\n")
	if !strings.Contains(first, "GITLAB_URL") || !strings.Contains(strings.ToLower(first), "fake") || out != "" {
		tb.Errorf("help begins with %q, and out is %q", first, out)
	}
}

// World is a server within the test, with the ready-made world of the program.
func World(tb testing.TB) *runnerstest.Server {
	tb.Helper()
	seed, err := os.Open("../../cmd/fakegitlab/world.json")
	if err != nil {
		tb.Fatal(err)
	}
	defer seed.Close()
	return runnerstest.NewServer(tb, &runnerstest.Options{Seed: seed})
}
