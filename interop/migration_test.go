package interop_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/seed-832548de/runners"
)

// TestMigrationTable: the table for those who come from client-go has every
// method of it, and every name in it exists.
func TestMigrationTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/coming-from-client-go.md")
	require.NoError(t, err)
	theirs, ours := columns(string(text))
	for method := range reflect.TypeFor[gitlab.RunnersServiceInterface]().Methods() {
		assert.True(t, theirs["Runners."+method.Name], "the table lacks %s", method.Name)
	}
	for n := range theirs {
		assert.True(t, has(reflect.TypeFor[gitlab.Client](), n), "client-go has no %s", n)
	}
	for n := range ours {
		assert.True(t, has(reflect.TypeFor[runners.Client](), n), "this client has no %s", n)
	}
	for service := range reflect.TypeFor[runners.Client]().Fields() {
		if !service.IsExported() || ours[service.Name] {
			continue
		}
		for method := range service.Type.Methods() {
			assert.True(t, ours[service.Name+"."+method.Name], "the table lacks %s.%s", service.Name, method.Name)
		}
	}
}

// columns returns the names in the two columns of the table.
func columns(text string) (left, right map[string]bool) {
	left, right = map[string]bool{}, map[string]bool{}
	name := regexp.MustCompile("`([A-Za-z.]+)`")
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
			left[m[1]] = true
		}
		for _, m := range name.FindAllStringSubmatch(cells[2], -1) {
			right[m[1]] = true
		}
	}
	return left, right
}

// has reports whether a client has a method, a service, or a service's method.
func has(client reflect.Type, name string) bool {
	service, method, both := strings.Cut(name, ".")
	if !both {
		_, isMethod := reflect.PointerTo(client).MethodByName(service)
		_, isService := client.FieldByName(service)
		return isMethod || isService
	}
	field, ok := client.FieldByName(service)
	if !ok {
		return false
	}
	_, ok = field.Type.MethodByName(method)
	return ok
}
