// The table of permissions: that it has a line for each object of an ability.

package runnerstest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// abilityObjects says what each ability must have a line for.
func abilityObjects(a ability) []object {
	switch a {
	case listAllRunners, resetInstance:
		return []object{theInstance}
	case createRunner:
		return []object{theInstance, aGroup, aProject}
	case seeProject, listProject, changeProject, addRunner, showJobs, showProject, readCode:
		return []object{aProject}
	case seeGroup, listGroup, resetGroup, showGroup:
		return []object{aGroup}
	case deleteShared:
		return []object{projectRunner}
	case ownRunner, readRunner, readJobs, readToken, updateRunner, deleteRunner, assignRunner, assignFreely:
		return []object{instanceRunner, groupRunner, projectRunner}
	default:
		return nil
	}
}

func TestPermissionsAreComplete(t *testing.T) {
	t.Parallel()
	for a, r := range permissions {
		for _, o := range abilityObjects(a) {
			assert.NotNil(t, r.of[o], "%s: %s", a, o)
		}
		assert.Len(t, r.of, len(abilityObjects(a)), string(a))
	}
	assert.Len(t, permissions, 23)
}

// TestNobodyHasNoAbility looks at every cell as one who is not signed in.
// Where it is not a matter of persons, a setting gives the ability.
func TestNobodyHasNoAbility(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.version = mustVersion(newest)
	v := w.viewAt(time.Now())
	p := &project{id: 1, members: map[int64]Role{}}
	for a, r := range permissions {
		for o := range r.of {
			about := thing{
				runner:  &runner{assignments: []*assignment{{project: p}, {project: p}}},
				project: p, group: &group{},
			}
			assert.Equal(t, a == addRunner, v.stands(a, o, about), "%s: %s", a, o)
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
