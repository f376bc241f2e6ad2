// The table of abilities: that it has a line for every type of runner.

package runnerstest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners"
)

func TestAbilitiesAreComplete(t *testing.T) {
	t.Parallel()
	for _, a := range []ability{readRunner, readJobs, updateRunner, deleteRunner, assignRunner} {
		for _, kind := range []runners.RunnerType{runners.InstanceType, runners.GroupType, runners.ProjectType} {
			_, ok := abilities[a][kind]
			assert.True(t, ok, "%s on %s", a, kind)
		}
	}
	assert.Len(t, abilities, 5)
}

// TestNobodyHasNoAbility looks at every cell as one who is not signed in.
func TestNobodyHasNoAbility(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.version = mustVersion(newest)
	v := w.viewAt(time.Now())
	p := &project{id: 1, members: map[int64]Role{}}
	for a, row := range abilities {
		for kind := range row {
			r := &runner{kind: kind, assignments: []*assignment{{project: p}, {project: p}}}
			assert.False(t, v.can(a, r), "%s on %s", a, kind)
		}
	}
	assert.Zero(t, v.roleInProject(p))
	assert.Zero(t, v.roleIn(&group{}))
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, r := range []Role{Guest, Reporter, Developer, Maintainer, Owner} {
		text, err := r.MarshalJSON()
		assert.NoError(t, err)
		var back Role
		assert.NoError(t, back.UnmarshalJSON(text))
		assert.Equal(t, r, back)
	}
	var r Role
	assert.NoError(t, r.UnmarshalJSON([]byte("40")))
	assert.Equal(t, Maintainer, r)
	assert.EqualError(t, r.UnmarshalJSON([]byte(`"king"`)), `no role "king"`)
	assert.Equal(t, "role 7", Role(7).String())
}
