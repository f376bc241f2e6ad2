package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// asked makes the test binary the program itself.
const asked = "BE_GITLAB_RUNNER"

func TestMain(m *testing.M) {
	if os.Getenv(asked) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const world = `{
  "registration_token": "GR1348941-fake-instance",
  "users": [{"id": 1, "username": "root", "admin": true, "tokens": [{"token": "glpat-fake-root"}]}],
  "groups": [{"id": 10, "full_path": "acme"}],
  "projects": [{"id": 9, "path_with_namespace": "acme/app", "runners_token": "GR1348941-fake-app"}],
  "runners": [{"id": 6, "description": "app", "runner_type": "project_type", "projects": [9], "token": "glrt-fake-project-runner"}]
}`

// A host is a machine that runs the program, with a folder of its own.
type host struct {
	gitlab *runnerstest.Server
	folder string
}

func newHost(t *testing.T, version string) host {
	t.Helper()
	srv, err := runnerstest.Start(&runnerstest.Options{Version: version, Seed: strings.NewReader(world)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return host{srv, t.TempDir()}
}

func (h host) command(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	bounded, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(bounded, program, arguments...)
	cmd.Dir = h.folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.folder, "no_proxy=127.0.0.1", "CONFIG_FILE=" + h.config(), asked + "=1"}
	return cmd
}

func (h host) config() string { return filepath.Join(h.folder, "config.toml") }

// does runs the program, and returns all that it printed.
func (h host) does(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := h.command(t, arguments...).CombinedOutput()
	require.NoError(t, err, "%s\n%s", arguments, out)
	return string(out)
}

// cannot runs the program, which must fail.
func (h host) cannot(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := h.command(t, arguments...).CombinedOutput()
	require.Error(t, err, "%s\n%s", arguments, out)
	return string(out)
}

func (h host) registers(t *testing.T, arguments ...string) string {
	t.Helper()
	return h.does(t, append([]string{
		"register", "--non-interactive", "--url", h.gitlab.URL(), "--executor", "shell", "--name", "mine",
	}, arguments...)...)
}

// answered returns the statuses of a route's answers.
func (h host) answered(route string) (statuses []int) {
	for _, r := range h.gitlab.Requests(runnerstest.ByRoute(route)) {
		statuses = append(statuses, r.Status)
	}
	return statuses
}

// configured reads what the program wrote into its configuration.
func (h host) configured(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(h.config())
	require.NoError(t, err)
	return string(text)
}

func TestLifeOfARunner(t *testing.T) {
	t.Parallel()
	h := newHost(t, "")
	assert.Contains(t, h.registers(t, "--token", "glrt-fake-project-runner"), "Verifying runner... is valid")
	assert.Contains(t, h.configured(t), "id = 6\n")
	assert.Contains(t, h.does(t, "verify"), "Verifying runner... is valid")
	assert.Contains(t, h.does(t, "list"), "glrt-fake-project-runner")
	before := h.gitlab.Snapshot().Runners[0]
	require.Len(t, before.Managers, 1, "two verifications, one machine")
	assert.Regexp(t, "^[rs]_[0-9a-zA-Z]{12}$", before.Managers[0].SystemID)
	assert.Equal(t, []string{"linux", "127.0.0.1"}, []string{before.Managers[0].Platform, before.Managers[0].IPAddress})

	assert.Contains(t, h.does(t, "reset-token", "--name", "mine"), "succeeded")
	second := h.gitlab.Snapshot().Runners[0].Token
	assert.NotEqual(t, before.Token, second)
	assert.Contains(t, h.configured(t), second)
	assert.Contains(t, h.does(t, "reset-token", "--name", "mine", "--pat", "glpat-fake-root"), "succeeded")
	third := h.gitlab.Snapshot().Runners[0].Token
	assert.NotEqual(t, second, third)
	assert.Contains(t, h.configured(t), third)

	assert.Contains(t, h.does(t, "unregister", "--name", "mine"), "Unregistering runner manager from GitLab succeeded")
	assert.NotContains(t, h.configured(t), "[[runners]]")
	after := h.gitlab.Snapshot().Runners
	require.Len(t, after, 1, "the runner stays")
	for _, m := range after[0].Managers {
		assert.NotEqual(t, before.Managers[0].SystemID, m.SystemID)
	}
	assert.Equal(t, []int{200, 200}, h.answered("POST /runners/verify"))
	assert.Equal(t, []int{201}, h.answered("POST /runners/reset_authentication_token"))
	assert.Equal(t, []int{201}, h.answered("POST /runners/{id}/reset_authentication_token"))
	assert.Equal(t, []int{204}, h.answered("DELETE /runners/managers"))
}

// Registration tokens, in versions that take them without more ado.
func TestRegistrationToken(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"13.12.0", "15.4.0", "16.11.0", ""} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, version)
			out := h.registers(t, "--registration-token", "GR1348941-fake-app", "--tag-list", "docker,linux", "--locked=true",
				"--run-untagged=false", "--maximum-timeout", "900", "--access-level", "ref_protected")
			assert.Contains(t, out, "Registering runner... succeeded")
			all := h.gitlab.Snapshot().Runners
			require.Len(t, all, 2)
			r := all[1]
			assert.Equal(t, []any{"mine", []string{"docker", "linux"}, true, false, int64(900), runners.RefProtected, []int64{9}},
				[]any{r.Description, r.TagList, r.Locked, *r.RunUntagged, *r.MaximumTimeout, r.AccessLevel, r.Projects})
			assert.Contains(t, h.configured(t), r.Token)
			assert.Contains(t, h.does(t, "verify"), "Verifying runner... is alive")
			assert.Contains(t, h.does(t, "unregister", "--name", "mine"), "Unregistering runner from GitLab succeeded")
			assert.Len(t, h.gitlab.Snapshot().Runners, 1, "the runner is gone")
			assert.Equal(t, []int{204}, h.answered("DELETE /runners"))
		})
	}
}

// What GitLab refuses, in the program's words.
func TestRefusals(t *testing.T) {
	t.Parallel()
	h := newHost(t, "")
	register := []string{"register", "--non-interactive", "--url", h.gitlab.URL(), "--executor", "shell"}
	assert.Contains(t, h.cannot(t, append(register, "--token", "glrt-no-such-runner")...), "Verifying runner... is not valid")
	assert.Contains(t, h.cannot(t, append(register, "--registration-token", "nonsense")...), "Registering runner... forbidden (check registration token)")
	assert.Empty(t, h.gitlab.Snapshot().Runners[0].Managers)

	h.registers(t, "--token", "glrt-fake-project-runner")
	require.NoError(t, h.gitlab.Client(t).Runners.Delete(t.Context(), 6))
	assert.Contains(t, h.cannot(t, "verify"), "is not valid")
	assert.Contains(t, h.configured(t), "[[runners]]")
	h.does(t, "verify", "--delete")
	assert.NotContains(t, h.configured(t), "[[runners]]")
}

// TestIdle lets the program ask for work until it was told twice that there is
// none.
func TestIdle(t *testing.T) {
	t.Parallel()
	h := newHost(t, "")
	h.registers(t, "--token", "glrt-fake-project-runner")
	h.runs(t, func() bool { return len(h.answered("POST /jobs/request")) > 1 })
	for _, status := range h.answered("POST /jobs/request") {
		assert.Equal(t, 204, status)
	}
	r := h.gitlab.Snapshot().Runners[0]
	require.Len(t, r.Managers, 1)
	assert.Equal(t, "shell", r.Managers[0].Executor)
	assert.WithinDuration(t, h.gitlab.Now(), r.ContactedAt.Time(), time.Minute)
}

// runs lets the program serve its runners until something has come about.
func (h host) runs(t *testing.T, until func() bool) string {
	t.Helper()
	var out strings.Builder
	cmd := h.command(t, "run", "--working-directory", h.folder)
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	assert.Eventually(t, until, time.Minute, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGQUIT))
	err := cmd.Wait()
	require.NoError(t, err, &out)
	return out.String()
}

// TestJob gives the program one job, which it runs to its end.
func TestJob(t *testing.T) {
	t.Parallel()
	for script, want := range map[string][]string{"echo prepared": {"success", ""}, "exit 3": {"failed", "script_failure"}} {
		t.Run(want[0], func(t *testing.T) {
			t.Parallel()
			h := newHost(t, "")
			h.gitlab.AddJob(runnerstest.Job{ID: 100, ProjectID: 9, Name: "hello"})
			h.registers(t, "--token", "glrt-fake-project-runner", "--env", "GIT_STRATEGY=none",
				"--builds-dir", filepath.Join(h.folder, "builds"), "--pre-build-script", script)
			out := h.runs(t, func() bool { return !h.job().FinishedAt.IsZero() })
			assert.Contains(t, out, "Job "+map[string]string{"success": "succeeded", "failed": "failed"}[want[0]])
			j := h.job()
			assert.Equal(t, want, []string{string(j.Status), j.FailureReason})
			assert.NotZero(t, j.TraceSize)
			assert.Equal(t, h.gitlab.Snapshot().Runners[0].Managers[0].SystemID, j.SystemID)
			assert.Contains(t, h.answered("POST /jobs/request"), 201)
			for _, status := range h.answered("PATCH /jobs/{id}/trace") {
				assert.Equal(t, 202, status)
			}
		})
	}
}

// job returns job 100, once the runner has it.
func (h host) job() runnerstest.Job {
	for _, j := range h.gitlab.Snapshot().Runners[0].Jobs {
		if j.ID == 100 {
			return j
		}
	}
	return runnerstest.Job{}
}
