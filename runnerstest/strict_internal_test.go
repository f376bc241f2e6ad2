// The deprecations: that they can be read, and hold from their version on.

package runnerstest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestDeprecationEdges asks for each deprecation at the version that begins it
// and at the one before.
func TestDeprecationEdges(t *testing.T) {
	t.Parallel()
	known := declaredSubjects()
	for _, d := range deprecations {
		since := mustVersion(d.since)
		assert.True(t, deprecatedAt(since, d), "%s at %s", d.subject, d.since)
		assert.False(t, deprecatedAt(previous(since), d), "%s before %s", d.subject, d.since)
		assert.NotEmpty(t, d.instead, d.subject)
		assert.NotEmpty(t, d.until, d.subject)
		of, what, _ := strings.Cut(d.subject, "?")
		if !known[of] {
			assert.Contains(t, known, of+"?"+what)
		}
	}
}

// deprecatedAt reports whether a route of a version deprecates what d says.
func deprecatedAt(v version, d deprecation) bool {
	e := editionOf(v)
	return slices.ContainsFunc(routes(), func(r route) bool {
		r.params = r.params.in(e)
		return slices.ContainsFunc(e.outdated(r), func(o outdated) bool { return o.deprecation == d })
	})
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"status", "status", 0},
		{"statsu", "status", 1},
		{"tag", "tag_list", 5},
		{"tags_list", "tag_list", 1},
		{"", "abc", 3},
		{"ab", "ba", 1},
		{"abc", "xyz", 3},
	} {
		assert.Equal(t, c.want, distance(c.a, c.b), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, distance(c.b, c.a), "%s %s", c.b, c.a)
	}
}
