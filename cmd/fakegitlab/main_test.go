package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// started runs the program within the test, and ends it with the test.
func started(t *testing.T, args ...string) startup {
	t.Helper()
	line, end := launch(t, args...)
	t.Cleanup(func() {
		status, stderr := end()
		assert.Equal(t, statusOK, status, "%s", stderr)
	})
	return line
}

// launch runs the program within the test. What it returns beside the first line
// ends it, once.
func launch(t *testing.T, args ...string) (line startup, end func() (status int, stderr string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stdout, out := io.Pipe()
	var told bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, args, out, &told)
		_ = out.Close()
	}()
	first, err := bufio.NewReader(stdout).ReadBytes('\n')
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	require.NoError(t, err, "%s", &told)
	require.NoError(t, json.Unmarshal(first, &line))
	return line, func() (int, string) {
		cancel()
		return <-ended, told.String()
	}
}

func TestStartup(t *testing.T) {
	t.Parallel()
	line := started(t)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, line.URL)
	assert.Equal(t, line.URL+"/api/v4", line.APIv4URL)
	assert.Equal(t, os.Getpid(), line.PID)
	assert.Equal(t, "19.1.0", line.Version)
	assert.Contains(t, world, line.AdminToken)
}

func TestStartupWithSeed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed    string
		args    []string
		version string
	}{
		"the seed's version":    {`{"gitlab_version": "13.10.0"}`, nil, "13.10.0"},
		"the same version":      {`{"gitlab_version": "13.10.0"}`, []string{"-version", "13.10.0"}, "13.10.0"},
		"the flag's version":    {`{}`, []string{"-version", "10.0.0"}, "10.0.0"},
		"the newest version":    {`{"users": [{"username": "root", "tokens": [{"token": "t"}]}]}`, nil, "19.1.0"},
		"an address of its own": {`{}`, []string{"-addr", "localhost:0"}, "19.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := started(t, append(test.args, "-seed", file(t, test.seed))...)
			assert.Equal(t, test.version, line.Version)
			assert.Empty(t, line.AdminToken)
		})
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	busy, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = busy.Close() })
	for name, test := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"unknown flag":         {[]string{"-sed", "x"}, 2, "flag provided but not defined: -sed"},
		"flag without a value": {[]string{"-seed"}, 2, "flag needs an argument: -seed"},
		"argument":             {[]string{"world.json"}, 2, `unexpected argument "world.json"`},
		"public address":       {[]string{"-addr", "0.0.0.0:0"}, 2, "allow that with -public"},
		"every address":        {[]string{"-addr", ":0"}, 2, "allow that with -public"},
		"host name":            {[]string{"-addr", "example.com:80"}, 2, "allow that with -public"},
		"no port":              {[]string{"-addr", "127.0.0.1"}, 2, "missing port"},
		"bad port":             {[]string{"-addr", "127.0.0.1:99999"}, 2, "invalid port"},
		"no version":           {[]string{"-version", "new"}, 2, `"new"`},
		"too old":              {[]string{"-version", "8.1.0"}, 2, `"8.1.0"`},
		"too new":              {[]string{"-version", "19.2.0"}, 2, `"19.2.0"`},
		"an empty name":        {[]string{"-seed", ""}, 2, `invalid value "" for flag -seed: it is empty`},
		"an empty version":     {[]string{"-version="}, 2, `invalid value "" for flag -version: it is empty`},
		"no such seed":         {[]string{"-seed", filepath.Join(t.TempDir(), "x.json")}, 2, "no such file"},
		"seed is a folder":     {[]string{"-seed", t.TempDir()}, 2, "directory"},
		"empty seed":           {[]string{"-seed", file(t, "")}, 2, "the seed is empty"},
		"seed is no JSON":      {[]string{"-seed", file(t, "{\n\n}}")}, 2, "line 3: no JSON"},
		"bad reference": {
			[]string{"-seed", file(t, `{"projects": [{"id": 9, "path_with_namespace": "a/b"}],
				"users": [{"username": "a"}], "runners": [{}, {}, {}, {"projects": [99]}]}`)},
			2, "runners[3].projects[0]: no project 99\n",
		},
		"two versions": {
			[]string{"-version", "17.5.0", "-seed", file(t, `{"gitlab_version": "13.10.0"}`)},
			2, `gitlab_version: "13.10.0", but "17.5.0" was asked for`,
		},
		"port in use": {[]string{"-addr", busy.Addr().String()}, 1, "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			assert.Equal(t, test.status, run(t.Context(), test.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Regexp(t, `^fakegitlab: [^\n]+\n$`, stderr.String())
			assert.Contains(t, stderr.String(), test.says)
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, statusOK, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	assert.Empty(t, stdout.String())
	assert.Contains(t, stderr.String(), "fakegitlab -addr 127.0.0.1:8080")
}

func TestPublicAddress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stdout := writer(func([]byte) { cancel() })
	var stderr bytes.Buffer
	assert.Equal(t, statusOK, run(ctx, []string{"-addr", "0.0.0.0:0", "-public"}, stdout, &stderr))
	assert.Contains(t, stderr.String(), "warning: 0.0.0.0:0 can be reached from other machines")
	assert.Contains(t, stderr.String(), " at http://127.0.0.1:")
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func TestOutputGone(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	var stderr bytes.Buffer
	assert.Equal(t, statusFailed, run(t.Context(), nil, w, &stderr))
	assert.Equal(t, "fakegitlab: io: read/write on closed pipe\n", stderr.String())
}

// TestSignals runs the program itself: it must end with status 0.
func TestSignals(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "fakegitlab")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", built)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			program := exec.CommandContext(t.Context(), binary)
			stdout, err := program.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, program.Start())
			out := bufio.NewReader(stdout)
			first, err := out.ReadBytes('\n')
			require.NoError(t, err)
			var line startup
			require.NoError(t, json.Unmarshal(first, &line))
			assert.Equal(t, program.Process.Pid, line.PID)

			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, line.APIv4URL+"/version", nil)
			require.NoError(t, err)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())

			require.NoError(t, program.Process.Signal(signal))
			rest, err := io.ReadAll(out)
			require.NoError(t, err)
			assert.Empty(t, rest)
			assert.NoError(t, program.Wait())
		})
	}
}

// A curl is a line of GitLab's documentation.
type curl struct {
	method, path string
	form         string // name=value fields, separated by &
	status       int
	keys         string // that each object of the answer has, dotted below one
}

const (
	row10 = "active description id is_shared name"
	row13 = row10 + " ip_address online status"
	row17 = row13 + " paused runner_type"

	projectKeys = " projects.id projects.name projects.name_with_namespace projects.path projects.path_with_namespace"
	one10       = row10 + projectKeys + " architecture contacted_at platform token revision tag_list version access_level"
	one13       = row13 + projectKeys + " architecture contacted_at platform revision tag_list version access_level maximum_timeout"
	one17       = row17 + projectKeys + " architecture contacted_at platform revision tag_list version access_level maximum_timeout maintenance_note"

	job13 = "id ip_address status stage name ref tag coverage created_at started_at finished_at duration " +
		"user.id user.name user.username user.state user.avatar_url user.web_url user.created_at user.bio user.location " +
		"user.public_email user.skype user.linkedin user.twitter user.website_url user.organization " +
		"commit.id commit.short_id commit.title commit.created_at commit.parent_ids commit.message commit.author_name " +
		"commit.author_email commit.authored_date commit.committer_name commit.committer_email commit.committed_date " +
		"pipeline.id pipeline.sha pipeline.ref pipeline.status " +
		"project.id project.description project.name project.name_with_namespace project.path project.path_with_namespace project.created_at"
	managerKeys = "id system_id version revision platform architecture created_at contacted_at ip_address status"
	issued      = "id token token_expires_at"
	reset       = "token token_expires_at"
)

// The documentation's lines, in the order of each page. Tokens are those of
// the ready-made world.
func pages() map[string][]curl {
	const update = "description=test-1-20150125-test&tag_list=ruby,mysql,tag1,tag2"
	const register = "token=fake-instance-reg-01&" + update
	return map[string][]curl{
		"8.2.0": {
			{"GET", "/ci/runners", "", 200, "id token"},
			{"POST", "/ci/runners/register", "token=fake-instance-reg-01", 201, "id token"},
			{"DELETE", "/ci/runners/delete", "token=glrt-fake-development-01", 200, "id token created_at updated_at description"},
		},
		"10.0.0": {
			{"GET", "/api/v4/runners", "", 200, row10},
			{"GET", "/api/v4/runners/all", "", 200, row10},
			{"GET", "/api/v4/runners/6", "", 200, one10},
			{"PUT", "/api/v4/runners/6", update, 200, one10},
			{"DELETE", "/api/v4/runners/6", "", 204, ""},
			{"GET", "/api/v4/projects/9/runners", "", 200, row10},
			{"POST", "/api/v4/projects/9/runners", "runner_id=9", 201, row10},
			{"DELETE", "/api/v4/projects/9/runners/9", "", 204, ""},
		},
		"13.10.0": {
			{"GET", "/api/v4/runners", "", 200, row13},
			{"GET", "/api/v4/runners/all", "", 200, row13},
			{"GET", "/api/v4/runners/6", "", 200, one13},
			{"PUT", "/api/v4/runners/6", update, 200, one13},
			{"DELETE", "/api/v4/runners/6", "", 204, ""},
			{"GET", "/api/v4/runners/1/jobs?status=running", "", 200, job13},
			{"GET", "/api/v4/projects/9/runners", "", 200, row13},
			{"POST", "/api/v4/projects/9/runners", "runner_id=9", 201, row13},
			{"DELETE", "/api/v4/projects/9/runners/9", "", 204, ""},
			{"GET", "/api/v4/groups/9/runners", "", 200, row13},
			{"POST", "/api/v4/runners", register, 201, "id token"},
			{"DELETE", "/api/v4/runners", "token=glrt-fake-development-01", 204, ""},
			{"POST", "/api/v4/runners/verify", "token=glrt-fake-shared-runner-2", 200, ""},
		},
		"17.5.0": {
			{"GET", "/api/v4/runners", "", 200, row17},
			{"GET", "/api/v4/runners/all", "", 200, row17},
			{"GET", "/api/v4/runners/6", "", 200, one17},
			{"PUT", "/api/v4/runners/6", update, 200, one17},
			{"PUT", "/api/v4/runners/6", "paused=true", 200, one17},
			{"PUT", "/api/v4/runners/6", "active=false", 200, one17},
			{
				"GET", "/api/v4/runners/1/jobs?status=running", "", 200,
				strings.Replace(job13, "ip_address ", "queued_duration ", 1),
			},
			{"GET", "/api/v4/runners/1/managers", "", 200, managerKeys},
			{"GET", "/api/v4/projects/9/runners", "", 200, row17},
			{"POST", "/api/v4/projects/9/runners", "runner_id=9", 201, row13 + " runner_type"},
			{"DELETE", "/api/v4/projects/9/runners/9", "", 204, ""},
			{"GET", "/api/v4/groups/9/runners", "", 200, row17},
			{"POST", "/api/v4/runners", register, 201, issued},
			{"DELETE", "/api/v4/runners/6", "", 204, ""},
			{"DELETE", "/api/v4/runners", "token=glrt-fake-development-01", 204, ""},
			{"POST", "/api/v4/runners/verify", "token=glrt-fake-shared-runner-2", 200, issued},
			{"POST", "/api/v4/runners/reset_registration_token", "", 201, "token"},
			{"POST", "/api/v4/projects/9/runners/reset_registration_token", "", 201, "token"},
			{"POST", "/api/v4/groups/9/runners/reset_registration_token", "", 201, "token"},
			{"POST", "/api/v4/runners/1/reset_authentication_token", "", 201, reset},
			{"POST", "/api/v4/runners/reset_authentication_token", "token=glrt-fake-test-runner-08", 201, reset},
		},
	}
}

func TestDocumentedLines(t *testing.T) {
	t.Parallel()
	for version, lines := range pages() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			program := started(t, "-version", version)
			for _, line := range lines {
				line.send(t, program)
			}
		})
	}
}

// send sends one line as curl does, and checks the answer.
func (c curl) send(t *testing.T, program startup) {
	t.Helper()
	label := c.method + " " + c.path + " " + c.form
	body, contentType := c.multipart(t)
	req, err := http.NewRequestWithContext(t.Context(), c.method, program.URL+c.path, body)
	require.NoError(t, err, label)
	if c.form != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if !strings.Contains(c.form, "token=") {
		req.Header.Set("Private-Token", program.AdminToken)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err, label)
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err, label)
	require.NoError(t, resp.Body.Close(), label)
	require.Equal(t, c.status, resp.StatusCode, "%s: %s", label, answer)
	if c.keys == "" {
		return
	}
	var value any
	require.NoError(t, json.Unmarshal(answer, &value), "%s: %s", label, answer)
	for key := range strings.FieldsSeq(c.keys) {
		assertKey(t, value, key, label)
	}
}

func (c curl) multipart(t *testing.T) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for field := range strings.SplitSeq(c.form, "&") {
		if name, value, ok := strings.Cut(field, "="); ok {
			require.NoError(t, form.WriteField(name, value))
		}
	}
	require.NoError(t, form.Close())
	if c.form == "" {
		return http.NoBody, ""
	}
	return &body, form.FormDataContentType()
}

// assertKey checks that an object, or each of an array that is not empty, has
// a key.
func assertKey(t *testing.T, value any, key, label string) {
	t.Helper()
	if array, ok := value.([]any); ok {
		assert.NotEmpty(t, array, label)
		for _, element := range array {
			assertKey(t, element, key, label)
		}
		return
	}
	object, ok := value.(map[string]any)
	first, rest, below := strings.Cut(key, ".")
	if !assert.True(t, ok, "%s: no object for %s", label, key) ||
		!assert.Contains(t, object, first, label) || !below {
		return
	}
	assertKey(t, object[first], rest, label)
}
