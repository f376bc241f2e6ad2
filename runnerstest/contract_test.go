// CONTRACT.md and docs/bad-inputs.md: that the tests they name exist; and that
// what the contract does not model the package's documentation does not promise
// either.

package runnerstest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestContract(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("CONTRACT.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`^\| ([A-Z])(\d+) \| (.+) \| (.+) \|$`)
	section, number, rules := "", 0, 0
	tests := map[string]bool{}
	addTests(t, tests, ".", "")
	for line := range strings.Lines(string(text)) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		if m[1] != section {
			assert.Greater(t, m[1], section)
			section, number = m[1], 0
		}
		number++
		rules++
		assert.Equal(t, fmt.Sprint(number), m[2], line)
		for name := range strings.SplitSeq(m[4], ", ") {
			assert.True(t, tests[name], "%s%s names %s", m[1], m[2], name)
		}
	}
	assert.Greater(t, rules, 100)
}

// TestBadInputs: the page has a row for each number, in order, and each row has
// tests, wherever they are.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/bad-inputs.md")
	require.NoError(t, err)
	tests := map[string]bool{}
	addTests(t, tests, "..", "")
	addTests(t, tests, ".", "runnerstest.")
	addTests(t, tests, "../cmd/fakegitlab", "fakegitlab.")
	row := regexp.MustCompile(`^\| (\d+) \| .+ \| .+ \| (.+) \|$`)
	number := 0
	for line := range strings.Lines(string(text)) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		number++
		assert.Equal(t, fmt.Sprint(number), m[1], line)
		for name := range strings.SplitSeq(m[2], ", ") {
			assert.True(t, tests[name], "%d names %s", number, name)
		}
	}
	assert.Equal(t, 58, number)
}

// addTests adds the tests and fuzz targets of a package.
func addTests(t *testing.T, found map[string]bool, dir, prefix string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				found[prefix+f.Name.Name] = true
			}
		}
	}
}

// TestNotModelledIsSaid holds the two lists equal.
func TestNotModelledIsSaid(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("CONTRACT.md")
	require.NoError(t, err)
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, list, found := strings.Cut(string(contract), "## Not modelled")
	require.True(t, found)
	_, said, found := strings.Cut(string(doc), "# What is not modelled")
	require.True(t, found)
	item := regexp.MustCompile(`(?m)^(?://   )?- (.+)$`)
	assert.NotEmpty(t, item.FindAllString(list, -1))
	var in, out []string
	for _, m := range item.FindAllStringSubmatch(list, -1) {
		in = append(in, m[1])
	}
	for _, m := range item.FindAllStringSubmatch(said, -1) {
		out = append(out, m[1])
	}
	assert.Equal(t, in, out)
}
