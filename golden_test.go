package runners_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// goldenTypes says what each documented answer is decoded into.
var goldenTypes = map[string]func() any{
	"legacy_runners.json":             func() any { return new([]runners.LegacyRunner) },
	"legacy_register.json":            func() any { return new(runners.LegacyRunner) },
	"legacy_delete.json":              func() any { return new(runners.LegacyRunner) },
	"runners.json":                    func() any { return new([]runners.Runner) },
	"runners_all.json":                func() any { return new([]runners.Runner) },
	"runner.json":                     func() any { return new(runners.RunnerDetails) },
	"runner_group.json":               func() any { return new(runners.RunnerDetails) },
	"runner_update.json":              func() any { return new(runners.RunnerDetails) },
	"runner_jobs.json":                func() any { return new([]runners.Job) },
	"runner_managers.json":            func() any { return new([]runners.RunnerManager) },
	"runner_projects.json":            func() any { return new([]runners.Project) },
	"project_runners.json":            func() any { return new([]runners.Runner) },
	"project_assign.json":             func() any { return new(runners.Runner) },
	"group_runners.json":              func() any { return new([]runners.Runner) },
	"register.json":                   func() any { return new(runners.NewRunner) },
	"create.json":                     func() any { return new(runners.NewRunner) },
	"verify.json":                     func() any { return new(runners.Verification) },
	"reset_authentication_token.json": func() any { return new(runners.AuthenticationToken) },
	"reset_by_token.json":             func() any { return new(runners.AuthenticationToken) },
	"reset_registration_token.json":   func() any { return new(struct{ Token runners.Token }) },
	"version.json":                    func() any { return new(runners.Version) },
}

// goldens yields the documented answers, as era and file name.
func goldens(t *testing.T) [][2]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.json")
	require.NoError(t, err)
	var all [][2]string
	for _, path := range paths {
		dir, name := filepath.Split(path)
		if era := filepath.Base(dir); era != "fuzz" {
			all = append(all, [2]string{era, name})
		}
	}
	require.Greater(t, len(all), 40)
	return all
}

// TestDocumentedAnswersDecode decodes each documented answer, and refuses
// fields that the types lack.
func TestDocumentedAnswersDecode(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		t.Run(g[0]+"/"+g[1], func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", g[0], g[1]))
			require.NoError(t, err)
			require.Contains(t, goldenTypes, g[1])
			out := goldenTypes[g[1]]()
			require.NoError(t, decodeStrictly(data, out))
			assert.NotEqual(t, goldenTypes[g[1]](), out, "nothing was read")

			more := bytes.Replace(data, []byte("{"), []byte(`{"no_such_field": 1, `), 1)
			assert.ErrorContains(t, decodeStrictly(more, goldenTypes[g[1]]()), "no_such_field")
		})
	}
}

// decodeStrictly decodes JSON, and refuses fields that out lacks.
func decodeStrictly(data []byte, out any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		return err
	}
	if _, ok := out.(json.Unmarshaler); !ok {
		return nil
	}
	// A type that decodes itself does not learn of DisallowUnknownFields.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for field := range reflect.TypeOf(out).Elem().Fields() {
		delete(members, field.Tag.Get("json"))
	}
	if len(members) > 0 {
		return fmt.Errorf("unknown fields %q", slices.Sorted(maps.Keys(members)))
	}
	return nil
}

// TestGoldensAreListed holds the files and the list of endpoints equal.
func TestGoldensAreListed(t *testing.T) {
	t.Parallel()
	listed, found := map[string]bool{}, map[string]bool{}
	for _, e := range endpoints(t) {
		for _, name := range e.golden {
			listed[name] = true
		}
	}
	for _, g := range goldens(t) {
		found[g[1]] = true
	}
	assert.Equal(t, listed, found)
}

// A documented request, and where its answer stands.
type documented struct {
	golden string
	method string
	path   string            // below the root
	form   map[string]string // sent as curl's --form does
	as     string            // whose access token; "" = nobody's
	status int
}

// documentation has a request for each golden. They are sent in this order, so
// that what later ones need is still there.
var documentation = []documented{
	{"legacy_runners.json", "GET", "/ci/runners", nil, "root", 200},
	{"legacy_register.json", "POST", "/ci/runners/register", map[string]string{"token": "$registration"}, "", 201},
	{"legacy_delete.json", "DELETE", "/ci/runners/delete", map[string]string{"token": "$runner1"}, "", 200},
	{"version.json", "GET", "/api/v4/version", nil, "root", 200},
	{"runners.json", "GET", "/api/v4/runners", nil, "mia", 200},
	{"runners_all.json", "GET", "/api/v4/runners/all", nil, "root", 200},
	{"runner.json", "GET", "/api/v4/runners/6", nil, "root", 200},
	{"runner_group.json", "GET", "/api/v4/runners/4", nil, "root", 200},
	{"runner_update.json", "PUT", "/api/v4/runners/6", map[string]string{
		"description": "test-1-20150125-test", "tag_list": "ruby,mysql,tag1,tag2",
	}, "root", 200},
	{"runner_jobs.json", "GET", "/api/v4/runners/6/jobs", nil, "root", 200},
	{"runner_managers.json", "GET", "/api/v4/runners/6/managers", nil, "root", 200},
	{"runner_projects.json", "GET", "/api/v4/runners/6/projects", nil, "root", 200},
	{"project_runners.json", "GET", "/api/v4/projects/9/runners", nil, "root", 200},
	{"project_assign.json", "POST", "/api/v4/projects/9/runners", map[string]string{"runner_id": "9"}, "root", 201},
	{"group_runners.json", "GET", "/api/v4/groups/9/runners", nil, "root", 200},
	{"register.json", "POST", "/api/v4/runners", map[string]string{
		"token": "$registration", "description": "test-1-20150125-test", "tag_list": "ruby,mysql,tag1,tag2",
	}, "", 201},
	{"create.json", "POST", "/api/v4/user/runners", map[string]string{"runner_type": "instance_type"}, "root", 201},
	{"verify.json", "POST", "/api/v4/runners/verify", map[string]string{"token": "$runner8"}, "", 200},
	{"reset_by_token.json", "POST", "/api/v4/runners/reset_authentication_token", map[string]string{
		"token": "$runner8",
	}, "", 201},
	{"reset_authentication_token.json", "POST", "/api/v4/runners/1/reset_authentication_token", nil, "root", 201},
	{"reset_registration_token.json", "POST", "/api/v4/projects/9/runners/reset_registration_token", nil, "root", 201},
}

// TestFakeAnswersAsDocumented asks the fake for every documented answer of its
// version, and finds the documented keys with values of the same kinds.
func TestFakeAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	seed, err := os.ReadFile("testdata/documented-world.json")
	require.NoError(t, err)
	for era, version := range map[string]string{
		"8.2": "8.2.0", "10.0": "10.0.0", "13.10": "13.10.0", "17.5": "17.5.0", "19.1": "19.1.0",
	} {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			gitlab := runnerstest.NewServer(t, &runnerstest.Options{
				Version: version, Seed: bytes.NewReader(seed),
			})
			for _, d := range documentation {
				want, err := os.ReadFile(filepath.Join("testdata", era, d.golden))
				if os.IsNotExist(err) {
					continue
				}
				require.NoError(t, err)
				status, got := d.send(t, gitlab)
				require.Equal(t, d.status, status, "%s: %s", d.golden, got)
				assertAlike(t, era+"/"+d.golden, want, got)
			}
		})
	}
}

// send sends the request as curl would, with the world's own secrets.
func (d documented) send(t *testing.T, gitlab *runnerstest.Server) (int, []byte) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, name := range slices.Sorted(maps.Keys(d.form)) {
		require.NoError(t, form.WriteField(name, documentedSecrets(d.form[name])))
	}
	require.NoError(t, form.Close())
	req, err := http.NewRequestWithContext(t.Context(), d.method, "http://gitlab.test"+d.path, &body)
	require.NoError(t, err)
	if len(d.form) == 0 {
		req.Body, req.ContentLength = http.NoBody, 0
	} else {
		req.Header.Set("Content-Type", form.FormDataContentType())
	}
	if d.as != "" {
		req.Header.Set("Private-Token", "glpat-"+d.as+"-of-the-documentation")
	}
	res, err := gitlab.HTTPClient().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, got
}

// documentedSecrets puts the world's secrets in the place of their names.
func documentedSecrets(value string) string {
	if name, ok := strings.CutPrefix(value, "$"); ok {
		return "a-token-of-the-documentation-" + name
	}
	return value
}

// notPlayed are values that are documented as something, and that the fake
// leaves null or empty, as GitLab may.
var notPlayed = []string{
	".avatar_url", ".description", ".public_email", ".readme_url", ".erased_at",
	".topics[]", ".tag_list[]",
}

// otherKinds are values that GitLab documents otherwise than it sends them.
var otherKinds = map[string]bool{
	"13.10/register.json.id": true, // a string in the documentation only
}

// assertAlike finds each documented key in an answer, with the same kinds of
// values. Lists are alike if their rows, taken together, are.
func assertAlike(t *testing.T, name string, want, got []byte) {
	t.Helper()
	wanted, found := kinds(t, want), kinds(t, got)
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		absent := slices.ContainsFunc(notPlayed, func(end string) bool {
			return strings.HasSuffix(path, end)
		})
		if strings.HasSuffix(path, "[]") && absent || otherKinds[name+path] {
			continue
		}
		if found[path] == nil {
			t.Errorf("%s%s is not served", name, path)
			continue
		}
		w, f := without(wanted[path], "null"), without(found[path], "null")
		if len(w) > 0 && (len(f) > 0 || !absent) {
			assert.Equal(t, w, f, "%s%s", name, path)
		}
	}
}

func without(set map[string]bool, one string) map[string]bool {
	rest := maps.Clone(set)
	delete(rest, one)
	return rest
}

// kinds returns, for each path in a JSON text, the kinds of values there.
func kinds(t *testing.T, text []byte) map[string]map[string]bool {
	t.Helper()
	var root any
	require.NoError(t, json.Unmarshal(text, &root), "%s", text)
	all := map[string]map[string]bool{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		kind := fmt.Sprintf("%T", value)
		switch v := value.(type) {
		case nil:
			kind = "null"
		case map[string]any:
			kind = "object"
			for name, member := range v {
				walk(path+"."+name, member)
			}
		case []any:
			kind = "array"
			for _, row := range v {
				walk(path+"[]", row)
			}
		}
		if all[path] == nil {
			all[path] = map[string]bool{}
		}
		all[path][kind] = true
	}
	walk("", root)
	return all
}
