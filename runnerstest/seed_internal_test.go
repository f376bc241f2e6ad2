package runnerstest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a spec reads are the names that it writes, no more and no fewer.
func TestFieldsAreTags(t *testing.T) {
	t.Parallel()
	for _, spec := range []record{
		&State{}, &Settings{}, &PlanLimits{}, &LastIDs{}, &User{}, &AccessToken{},
		&Group{}, &Project{}, &Runner{}, &Manager{}, &Job{},
	} {
		var tags, names []string
		for field := range reflect.TypeOf(spec).Elem().Fields() {
			if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != "-" {
				tags = append(tags, tag)
			}
		}
		for _, f := range spec.fields() {
			names = append(names, f.name)
		}
		assert.ElementsMatch(t, tags, names, "%T", spec)
	}
}

// Rows know each other, whichever way a handler comes to them.
func TestLinks(t *testing.T) {
	t.Parallel()
	srv, err := Start(&Options{Seed: strings.NewReader(`{
		"users": [{"username": "mia", "tokens": [{"token": "t"}]}],
		"groups": [{"full_path": "a/b"}, {"full_path": "a"}],
		"projects": [{"path_with_namespace": "a/b/p"}, {"path_with_namespace": "mia/q"}],
		"runners": [{"projects": [1], "managers": [{"system_id": "s"}], "jobs": [{}]}]}`)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	w := srv.world
	mia, a, b := w.usersByName["mia"], w.groupsByPath["a"], w.groupsByPath["a/b"]
	p, q, r := w.projectsByPath["a/b/p"], w.projectsByPath["mia/q"], w.runners.get(1)
	assert.Same(t, mia, w.accessTokens["t"].user)
	assert.Equal(t, []*group{b}, a.sub)
	assert.Same(t, a, b.parent)
	assert.Equal(t, []*project{p}, b.projects)
	assert.Same(t, b, p.group)
	assert.Same(t, mia, q.owner)
	assert.Same(t, p, r.owner())
	assert.Same(t, r, w.runnersByToken[r.token])
	assert.Same(t, r, w.managers.get(1).runner)
	assert.Same(t, r, w.jobs.get(1).runner)
	assert.Same(t, p, r.jobs[0].project)
	assert.Same(t, b, w.groupsByRegistration[b.registrationToken])
	assert.Same(t, p, w.projByRegistration[p.registrationToken])
}
