// The version table: that it can be read, that each row has an effect, and
// that each question about a version has a row.

package runnerstest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHistoryIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range history {
		assert.False(t, seen[r.subject], "%s stands twice", r.subject)
		seen[r.subject] = true
		assert.NotEqual(t, "", r.since+r.until, "%s never changes", r.subject)
		for _, edge := range []string{r.since, r.until} {
			if edge == "" {
				continue
			}
			v := mustVersion(edge)
			_, err := parseVersion(v.String())
			require.NoError(t, err, r.subject)
			assert.True(t, mustVersion(oldest).before(v), "%s: %s is no edge", r.subject, edge)
		}
		if r.since != "" && r.until != "" {
			assert.True(t, mustVersion(r.since).before(mustVersion(r.until)), r.subject)
		}
	}
	assert.Panics(t, func() { mustVersion("x.y") })
}

// TestEdges asks each row for the versions before and after its edges.
func TestEdges(t *testing.T) {
	t.Parallel()
	for _, r := range history {
		for _, edge := range []struct {
			at    string
			since bool
		}{{r.since, true}, {r.until, false}} {
			if edge.at == "" {
				continue
			}
			at := mustVersion(edge.at)
			assert.Equal(t, edge.since, editionOf(at).has(r.subject), "%s at %s", r.subject, edge.at)
			assert.Equal(t, !edge.since, editionOf(previous(at)).has(r.subject), "%s before %s", r.subject, edge.at)
		}
	}
}

// previous returns a version just before v.
func previous(v version) version {
	switch {
	case v.patch > 0:
		return version{v.major, v.minor, v.patch - 1}
	case v.minor > 0:
		return version{v.major, v.minor - 1, 99}
	default:
		return version{v.major - 1, 99, 0}
	}
}

// TestNoRowWithoutEffect finds for each row the place that it is about, and
// for each rule that is asked its row.
func TestNoRowWithoutEffect(t *testing.T) {
	t.Parallel()
	known := declaredSubjects()
	asked := askedRules(t)
	for _, r := range history {
		if strings.HasPrefix(r.subject, "rule: ") {
			assert.Contains(t, asked, r.subject)
			continue
		}
		assert.Contains(t, known, r.subject)
	}
	for rule := range asked {
		assert.True(t, slices.ContainsFunc(history, func(r row) bool { return r.subject == rule }), rule)
	}
}

// declaredSubjects are all routes, parameters, values, fields and scopes.
func declaredSubjects() map[string]bool {
	known := map[string]bool{}
	for _, r := range routes() {
		known[r.pattern] = true
		for _, p := range r.params.params {
			known[r.params.group+"?"+p.name] = true
			for _, value := range p.values {
				known[r.params.group+"?"+p.name+"="+value] = true
			}
		}
		for _, pair := range r.params.exclusive {
			known[r.params.group+"?"+pair[0]+", "+pair[1]] = true
		}
		for _, g := range r.scopes {
			known["scope: "+g.scope] = true
		}
	}
	addFields(known, "runner", slices.Concat(listedFields(), detailFields()))
	addFields(known, "updated runner", slices.Concat(listedFields(), detailFields()))
	addFields(known, "legacy runner", legacyFields())
	addFields(known, "token", grantedFields())
	addFields(known, "manager", managerFields())
	addFields(known, "project", projectFields())
	addFields(known, "job", jobFields())
	return known
}

func addFields[T any](known map[string]bool, kind string, fields shape[T]) {
	for _, f := range fields {
		known[kind+"."+f.name] = true
	}
}

// askedRules are the rules that the code asks for, outside of the table.
func askedRules(t *testing.T) map[string]bool {
	t.Helper()
	asked := map[string]bool{}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "versions.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, `"rule: `) {
				text, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				asked[text] = true
			}
			return true
		})
	}
	return asked
}

func TestEditionsAreShared(t *testing.T) {
	t.Parallel()
	v := version{17, 5, 0}
	assert.Same(t, editionOf(v), editionOf(v))
	assert.NotSame(t, editionOf(v), editionOf(version{17, 5, 1}))
}

// An Edge is a version at which a row of the table begins or ends, and the
// one before it.
type Edge struct {
	Subject, Before, At string
	Since               bool // the row begins: the subject exists from At on
}

// Edges lets tests from outside walk the version table.
func Edges() (all []Edge) {
	for _, r := range history {
		for _, at := range []string{r.since, r.until} {
			if at != "" {
				v := mustVersion(at)
				all = append(all, Edge{r.subject, previous(v).String(), v.String(), at == r.since})
			}
		}
	}
	return all
}

// TestEndpointsAgree holds the routes and the list of endpoints equal, and the
// table of versions to theirs. What came before 9.0, or with it, is served in
// every version.
func TestEndpointsAgree(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/endpoints.txt")
	require.NoError(t, err)
	since := map[string]string{}
	for _, r := range history {
		since[r.subject] = map[bool]string{exact: "", near: "~"}[r.exact] + r.since
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		listed = append(listed, f[0]+" "+f[1])
		release := mustVersion(strings.TrimPrefix(f[3], "~"))
		if version := (version{9, 0, 1}); !release.before(version) {
			assert.Equal(t, f[3], since[f[0]+" "+f[1]], line)
		} else {
			assert.Empty(t, strings.Trim(since[f[0]+" "+f[1]], "~"), line)
		}
	}
	assert.ElementsMatch(t, Routes(), listed)
}
