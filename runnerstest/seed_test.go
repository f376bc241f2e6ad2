package runnerstest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// seeded starts a server from a seed, at a fixed time.
func seeded(tb testing.TB, seed string) (*runnerstest.Server, error) {
	tb.Helper()
	srv, err := runnerstest.Start(&runnerstest.Options{
		Seed: strings.NewReader(seed),
		Now:  func() time.Time { return start },
	})
	if err == nil {
		tb.Cleanup(srv.Close)
	}
	return srv, err
}

// snapshot is the state of a server that was started from a seed.
func snapshot(t *testing.T, seed string) runnerstest.State {
	t.Helper()
	srv, err := seeded(t, seed)
	require.NoError(t, err)
	return srv.Snapshot()
}

// innermost is the text of an error without what callers put before it.
func innermost(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

const documentedSeed = `{
  "gitlab_version": "17.5.0",
  "registration_token": "GR1348941instance",
  "users": [
    {"id": 1, "username": "root", "admin": true, "tokens": [{"token": "glpat-root", "scopes": ["api"]}]},
    {"id": 2, "username": "alice", "tokens": [{"token": "glpat-alice"}]},
    {"id": 3, "username": "bob", "tokens": [{"token": "glpat-bob", "scopes": ["create_runner"], "expires_at": "+30d"}]}
  ],
  "groups": [
    {"id": 10, "full_path": "acme", "name": "Acme", "runners_token": "GR1348941group", "members": {"alice": "owner"}},
    {"id": 11, "full_path": "acme/tools", "parent_id": 10}
  ],
  "projects": [
    {"id": 9, "path_with_namespace": "acme/app", "runners_token": "GR1348941proj", "members": {"bob": "maintainer"}}
  ],
  "runners": [
    {"id": 1, "description": "shared-1", "tag_list": ["docker"], "contacted_at": "-1m", "created_at": "-30d"},
    {"id": 6, "runner_type": "project_type", "description": "test-1", "token": "glrt-abc",
     "tag_list": ["ruby", "mysql"], "maximum_timeout": 3600, "created_at": "-30d", "projects": [9],
     "managers": [{"id": 1, "system_id": "s_1", "version": "17.5.0", "revision": "abc", "platform": "linux",
                   "architecture": "amd64", "ip_address": "127.0.0.1", "contacted_at": "-5m"}],
     "jobs": [{"id": 2, "status": "running", "stage": "test", "name": "test", "ref": "main", "project_id": 9, "started_at": "-2m"}]},
    {"id": 40, "runner_type": "group_type", "description": "acme-1", "groups": [10]}
  ]
}`

// before is a prefix of seeds: two users, a group, two projects, and the
// beginning of a list of runners.
const before = `{"users": [{"id": 1, "username": "mia", "tokens": [{"token": "t1"}]}, {"id": 2, "username": "bob"}],
	"groups": [{"id": 10, "full_path": "acme", "runners_token": "g1"}],
	"projects": [{"id": 9, "path_with_namespace": "acme/app"}, {"id": 12, "path_with_namespace": "mia/own"}], "runners": [`

func TestBadSeeds(t *testing.T) {
	t.Parallel()
	for want, seed := range map[string]string{
		// kinds and names
		"the seed is empty":                                        " \n",
		"the seed is not UTF-8":                                    "{\"_\": \"\xff\"}",
		"want an object, got an array":                             `[]`,
		"want an object, got a string":                             `"{}"`,
		"want an object, got null":                                 `null`,
		"runners[0].assigned_at[0]: want a time, got null":         `{"runners": [{"assigned_at": [null]}]}`,
		"gitlab_versio: unknown field":                             `{"gitlab_versio": "17.5.0"}`,
		"revision: stands here twice":                              `{"revision": "a", "revision": "b"}`,
		`"a\nb": unknown field`:                                    `{"a\nb": 1}`,
		`"": unknown field`:                                        `{"": 1}`,
		"settings.admin: unknown field":                            `{"settings": {"admin": true}}`,
		"runners[0].tag_lst: unknown field":                        `{"runners": [{"tag_lst": []}]}`,
		"runners[0].status: unknown field":                         `{"runners": [{"status": "online"}]}`,
		"runners[0].jobs[1].runner_id: unknown field":              `{"runners": [{"jobs": [{}, {"runner_id": 1}]}]}`,
		"users: want an array, got an object":                      `{"users": {}}`,
		"users[1]: want an object, got null":                       `{"users": [{"username": "a"}, null]}`,
		"runners[2].id: want an integer, got a string":             `{"runners": [{}, {}, {"id": "3"}]}`,
		"runners[0].id: want an integer, got 1.5":                  `{"runners": [{"id": 1.5}]}`,
		"runners[0].id: want an integer, got 99999999999999999999": `{"runners": [{"id": 99999999999999999999}]}`,
		"runners[0].paused: want true or false, got 1":             `{"runners": [{"paused": 1}]}`,
		"runners[0].description: want a string, got a boolean":     `{"runners": [{"description": true}]}`,
		"runners[0].tag_list: want an array, got a string":         `{"runners": [{"tag_list": "a,b"}]}`,
		"runners[0].tag_list[1]: want a string, got null":          `{"runners": [{"tag_list": ["a", null]}]}`,
		"runners[0].projects[0]: want an integer, got a string":    `{"runners": [{"projects": ["acme/app"]}]}`,
		"runners[0].jobs[0].coverage: want a number, got an array": `{"runners": [{"jobs": [{"coverage": []}]}]}`,
		"runners[0].contacted_at: want a time, got 17":             `{"runners": [{"contacted_at": 17}]}`,
		`runners[0].contacted_at: no time: "yesterday"`:            `{"runners": [{"contacted_at": "yesterday"}]}`,
		`runners[0].contacted_at: no time: "-5"`:                   `{"runners": [{"contacted_at": "-5"}]}`,
		`runners[0].contacted_at: no time: "2024-10-17"`:           `{"runners": [{"contacted_at": "2024-10-17"}]}`,
		`users[0].tokens[0].expires_at: no time: "2024-13-01"`:     `{"users": [{"username": "a", "tokens": [{"token": "t", "expires_at": "2024-13-01"}]}]}`,
		`groups[0].members.mia: want a role, got "boss"`:           `{"groups": [{"members": {"mia": "boss"}}]}`,
		"groups[0].members.mia: want a role, got 15":               `{"groups": [{"members": {"mia": 15}}]}`,
		"groups[0].members.mia: want a role, got null":             `{"groups": [{"members": {"mia": null}}]}`,
		`groups[0].members."a b": stands here twice`:               `{"groups": [{"members": {"a b": 10, "a b": 10}}]}`,
		"users[0].username: must not be empty":                     `{"users": [{"username": ""}]}`,

		// the instance
		`gitlab_version: "17" is no version such as "19.1.0"`:                         `{"gitlab_version": "17"}`,
		`gitlab_version: version "8.1.0" is not played: want 8.2.0 to 19.1.0`:         `{"gitlab_version": "8.1.0"}`,
		`license_plan: "gold" is none of free, premium, ultimate`:                     `{"license_plan": "gold"}`,
		`settings.valid_runner_registrars[1]: "x" is none of project, group`:          `{"settings": {"valid_runner_registrars": ["group", "x"]}}`,
		"settings.runner_token_expiration_interval: must be between 1 and 2147483647": `{"settings": {"runner_token_expiration_interval": 0}}`,
		"plan_limits.ci_registered_group_runners: must be between 0 and 2147483647":   `{"plan_limits": {"ci_registered_group_runners": -1}}`,
		"last_ids.jobs: must be between 0 and 4611686018427387903":                    `{"last_ids": {"jobs": -1}}`,

		// users
		"users[0].username: is required": `{"users": [{"id": 1}]}`,
		`users[0].username: "a b" has other characters than letters, digits, _, - and .`: `{"users": [{"username": "a b"}]}`,
		"users[1].username: taken by users[0]":                                           `{"users": [{"username": "mia"}, {"username": "mia"}]}`,
		"users[1].id: 7 is taken by users[0]":                                            `{"users": [{"id": 7, "username": "a"}, {"id": 7, "username": "b"}]}`,
		"users[0].id: must be between 1 and 4611686018427387903":                         `{"users": [{"id": -7, "username": "a"}]}`,
		`users[0].state: "gone" is none of active, blocked, blocked_pending_approval`:    `{"users": [{"username": "a", "state": "gone"}]}`,
		"users[0].tokens[0].token: is required":                                          `{"users": [{"username": "a", "tokens": [{}]}]}`,
		"users[0].tokens[0].token: must be printable ASCII without spaces":               `{"users": [{"username": "a", "tokens": [{"token": "a b"}]}]}`,
		"users[0].tokens[1].token: taken by users[0]":                                    `{"users": [{"username": "a", "tokens": [{"token": "t"}, {"token": "t"}]}]}`,
		"users[0].tokens[0].token: taken by registration_token":                          `{"registration_token": "t", "users": [{"username": "a", "tokens": [{"token": "t"}]}]}`,
		"users[0].tokens[0].scopes: must name at least one":                              `{"users": [{"username": "a", "tokens": [{"token": "t", "scopes": []}]}]}`,
		`users[0].tokens[0].kind: "job" is none of personal, oauth`:                      `{"users": [{"username": "a", "tokens": [{"token": "t", "kind": "job"}]}]}`,

		// groups and projects
		"groups[0].full_path: is required":                                    `{"groups": [{"path": "acme"}]}`,
		`groups[0].full_path: "acme//x" has an empty part`:                    `{"groups": [{"full_path": "acme//x"}]}`,
		`groups[0].full_path: ".." cannot stand in a path`:                    `{"groups": [{"full_path": "acme/../x"}]}`,
		"groups[0].full_path: lies in more than 20 groups":                    `{"groups": [{"full_path": "a` + strings.Repeat("/a", 30) + `"}]}`,
		"projects[0].jobs[0].system_id: is only for the jobs of a runner":     `{"users": [{"username": "a"}], "projects": [{"path_with_namespace": "a/b", "jobs": [{"system_id": "s"}]}]}`,
		`groups[0].path: "tool" is not the last part of "acme/tools"`:         `{"groups": [{"full_path": "acme/tools", "path": "tool"}]}`,
		"groups[0].full_path: taken by users[0]":                              `{"users": [{"username": "mia"}], "groups": [{"full_path": "mia"}]}`,
		`groups[0].full_path: "mia" is a user's`:                              `{"users": [{"username": "mia"}], "groups": [{"full_path": "mia/x"}]}`,
		"groups[1].parent_id: no group 3":                                     `{"groups": [{"id": 1, "full_path": "a"}, {"id": 2, "full_path": "a/b", "parent_id": 3}]}`,
		`groups[2].parent_id: group 2 has another path than "a"`:              `{"groups": [{"id": 1, "full_path": "a"}, {"id": 2, "full_path": "b"}, {"full_path": "a/c", "parent_id": 2}]}`,
		`groups[0].parent_id: "a" lies in no group`:                           `{"groups": [{"id": 1, "full_path": "a", "parent_id": 2}, {"id": 2, "full_path": "b", "parent_id": 1}]}`,
		`groups[0].parent_id: group 2 has another path than "b"`:              `{"groups": [{"id": 1, "full_path": "b/x", "parent_id": 2}, {"id": 2, "full_path": "b/x/y", "parent_id": 1}]}`,
		"groups[0].members.bob: no user \"bob\"":                              `{"groups": [{"full_path": "a", "members": {"bob": "owner"}}]}`,
		`groups[0].visibility: "secret" is none of private, internal, public`: `{"groups": [{"full_path": "a", "visibility": "secret"}]}`,
		"groups[1].runners_token: taken by groups[0]":                         `{"groups": [{"full_path": "a", "runners_token": "g"}, {"full_path": "b", "runners_token": "g"}]}`,
		"projects[0].path_with_namespace: is required":                        `{"projects": [{"id": 9}]}`,
		`projects[0].path_with_namespace: "app" has no namespace`:             `{"projects": [{"path_with_namespace": "app"}]}`,
		`projects[0].path_with_namespace: no group or user "acme"`:            `{"projects": [{"path_with_namespace": "acme/app"}]}`,
		"projects[0].path_with_namespace: taken by groups[1]":                 `{"groups": [{"full_path": "a"}, {"full_path": "a/b"}], "projects": [{"path_with_namespace": "a/b"}]}`,
		"projects[0].jobs[0].project_id: is only for the jobs of a runner":    `{"users": [{"username": "a"}], "projects": [{"id": 1, "path_with_namespace": "a/b", "jobs": [{"project_id": 1}]}]}`,

		// runners
		"runners[1].id: 6 is taken by runners[0]":                                             before + `{"id": 6}, {"id": 6}]}`,
		"runners[3].projects[0]: no project 99":                                               before + `{}, {}, {}, {"projects": [99]}]}`,
		"runners[0].projects[1]: project 9 stands here twice":                                 before + `{"projects": [9, 9]}]}`,
		"runners[0].projects: a project_type runner needs at least one":                       before + `{"runner_type": "project_type"}]}`,
		"runners[0].projects: only a project_type runner has projects":                        before + `{"runner_type": "instance_type", "projects": [9]}]}`,
		"runners[0].groups: a group_type runner needs exactly one":                            before + `{"groups": [10, 10]}]}`,
		"runners[0].groups: only a group_type runner has a group":                             before + `{"projects": [9], "groups": [10]}]}`,
		"runners[0].groups[0]: no group 99":                                                   before + `{"groups": [99]}]}`,
		"runners[0].assigned_at: needs as many times as there are projects":                   before + `{"projects": [9], "assigned_at": ["now", "now"]}]}`,
		`runners[0].runner_type: "shared" is none of instance_type, group_type, project_type`: before + `{"runner_type": "shared"}]}`,
		`runners[0].access_level: "all" is none of not_protected, ref_protected`:              before + `{"access_level": "all"}]}`,
		"runners[0].token: taken by users[0]":                                                 before + `{"token": "t1"}]}`,
		"runners[1].token: taken by runners[0]":                                               before + `{"token": "r"}, {"token": "r"}]}`,
		"runners[0].maximum_timeout: must be between 600 and 2147483647":                      before + `{"maximum_timeout": 599}]}`,
		"runners[0].run_untagged: must not be false without tags":                             before + `{"run_untagged": false}]}`,
		"runners[0].tag_list[1]: must not be empty":                                           before + `{"tag_list": ["a", " "]}]}`,
		`runners[0].created_by: no user "eve"`:                                                before + `{"created_by": "eve"}]}`,
		"runners[0].managers[0].system_id: is required":                                       before + `{"managers": [{}]}]}`,
		`runners[0].managers[1].system_id: "s" stands in this runner twice`:                   before + `{"managers": [{"system_id": "s"}, {"system_id": "s"}]}]}`,
		"runners[1].managers[0].id: 1 is taken by runners[0].managers[0]":                     before + `{"managers": [{"id": 1, "system_id": "s"}]}, {"managers": [{"id": 1, "system_id": "s"}]}]}`,
		"runners[0].managers[0].system_id: is longer than 64 characters":                      before + `{"managers": [{"system_id": "` + strings.Repeat("s", 65) + `"}]}]}`,
		"runners[0].jobs[0].project_id: is required":                                          before + `{"jobs": [{}]}]}`,
		"runners[0].jobs[0].project_id: no project 99":                                        before + `{"projects": [9], "jobs": [{"project_id": 99}]}]}`,
		`runners[0].jobs[0].system_id: no manager "s_9" of this runner`:                       before + `{"projects": [9], "jobs": [{"system_id": "s_9"}]}]}`,
		`runners[0].jobs[0].user: no user "eve"`:                                              before + `{"projects": [9], "jobs": [{"user": "eve"}]}]}`,
		"runners[0].jobs[0].duration: must be between 0 and 2147483647":                       before + `{"projects": [9], "jobs": [{"duration": -1}]}]}`,
		"runners[0].jobs[0].pipeline_id: must be between 1 and 4611686018427387903":           before + `{"projects": [9], "jobs": [{"pipeline_id": 0}]}]}`,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, err := seeded(t, seed)
			require.Error(t, err)
			assert.Equal(t, want, innermost(err))
		})
	}
}

func TestBrokenSeeds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ seed, line string }{
		"cut off":       {"{\"users\": [\n{\"id\": 1", "line 2: no JSON: "},
		"trailing data": {"{}\n\n{}", "line 3: no JSON: "},
		"no quotes":     {"{\nusers: []}", "line 2: no JSON: "},
		"one too many":  {"{\"users\": [],}", "line 1: no JSON: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := seeded(t, test.seed)
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(innermost(err), test.line), err)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := seeded(t, `{"_": `+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`)
	require.Error(t, err, "nested too deeply")
	assert.Less(t, len(err.Error()), 200)
}

func TestUnreadableSeed(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	_, err := runnerstest.Start(&runnerstest.Options{Seed: iotest.ErrReader(broken)})
	require.ErrorIs(t, err, broken)
}

// Of a job's status all of GitLab's are taken; the error names them.
func TestBadJobStatus(t *testing.T) {
	t.Parallel()
	_, err := seeded(t, before+`{"projects": [9], "jobs": [{"status": "done"}]}]}`)
	require.ErrorContains(t, err, `runners[0].jobs[0].status: "done" is none of created, waiting_for_resource, `)
	_, err = seeded(t, before+`{"projects": [9], "jobs": [{"status": "canceling"}]}]}`)
	require.NoError(t, err)
}

func TestBadScope(t *testing.T) {
	t.Parallel()
	_, err := seeded(t, `{"users": [{"username": "a", "tokens": [{"token": "t", "scopes": ["api", "apis"]}]}]}`)
	require.ErrorContains(t, err, `users[0].tokens[0].scopes[1]: "apis" is none of api, read_api, `)
}

func TestSeedSaysNoSecret(t *testing.T) {
	t.Parallel()
	for _, seed := range []string{
		`{"users": [{"username": "a", "tokens": [{"token": "SECRET"}, {"token": "SECRET"}]}]}`,
		`{"runners": [{"token": "SECRET X"}]}`,
		`{"runners": [{"token": "SECRET", "paused": "SECRET"}]}`,
	} {
		_, err := seeded(t, seed)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "SECRET")
	}
}

func TestDocumentedSeed(t *testing.T) {
	t.Parallel()
	state := snapshot(t, documentedSeed)
	assert.Equal(t, "17.5.0", state.GitLabVersion)
	assert.Equal(t, []string{"create_runner"}, state.Users[2].Tokens[0].Scopes)
	assert.Equal(t, start.AddDate(0, 0, 30), state.Users[2].Tokens[0].ExpiresAt.Time())
	assert.Equal(t, map[string]runnerstest.Role{"alice": runnerstest.Owner}, state.Groups[0].Members)
	assert.Equal(t, int64(10), state.Groups[1].ParentID)

	ids := []int64{}
	for _, r := range state.Runners {
		ids = append(ids, r.ID)
	}
	assert.Equal(t, []int64{1, 6, 40}, ids)
	r := state.Runners[1]
	assert.Equal(t, runners.ProjectType, r.Type)
	assert.Equal(t, []int64{9}, r.Projects)
	assert.Equal(t, int64(3600), *r.MaximumTimeout)
	assert.Equal(t, start.Add(-5*time.Minute), r.ContactedAt.Time(), "the manager's")
	assert.False(t, *r.Registered)
	assert.Equal(t, int64(2), r.Jobs[0].PipelineID)
	assert.Equal(t, start.Add(-2*time.Minute), r.Jobs[0].StartedAt.Time())
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	t.Run("the instance", func(t *testing.T) {
		t.Parallel()
		state := snapshot(t, `{}`)
		assert.NotEmpty(t, state.RegistrationToken)
		state.RegistrationToken = ""
		assert.Equal(t, runnerstest.State{
			GitLabVersion:          "19.1.0",
			Revision:               "0000000000",
			AllowRegistrationToken: new(true),
			Settings:               runnerstest.Settings{ValidRunnerRegistrars: []string{"project", "group"}},
			PlanLimits: runnerstest.PlanLimits{
				CIRegisteredProjectRunners: new(int64(1000)),
				CIRegisteredGroupRunners:   new(int64(1000)),
			},
			LicensePlan: "free",
		}, state)
	})
	t.Run("a user", func(t *testing.T) {
		t.Parallel()
		state := snapshot(t, `{"users": [{"username": "mia", "tokens": [{"token": "t"}]}]}`)
		assert.Equal(t, []runnerstest.User{{
			ID: 1, Username: "mia", Name: "mia", State: "active",
			Tokens: []runnerstest.AccessToken{{User: "mia", Token: "t", Name: "token", Kind: "personal", Scopes: []string{"api"}}},
		}}, state.Users)
	})
	t.Run("a group", func(t *testing.T) {
		t.Parallel()
		state := snapshot(t, `{"groups": [{"full_path": "acme/tools"}]}`)
		assert.NotEmpty(t, state.Groups[0].RunnersToken)
		state.Groups[0].RunnersToken = ""
		assert.Equal(t, []runnerstest.Group{{
			ID: 1, Path: "acme/tools", Slug: "tools", Name: "tools", Visibility: "private",
			SharedRunnersEnabled: new(true),
		}}, state.Groups)
	})
	t.Run("a project", func(t *testing.T) {
		t.Parallel()
		state := snapshot(t, `{"users": [{"username": "mia"}], "projects": [{"path_with_namespace": "mia/app", "jobs": [{}]}]}`)
		assert.NotEmpty(t, state.Projects[0].RunnersToken)
		state.Projects[0].RunnersToken = ""
		assert.Equal(t, []runnerstest.Project{{
			ID: 1, Path: "mia/app", Slug: "app", Name: "app", Visibility: "private",
			SharedRunnersEnabled: new(true), GroupRunnersEnabled: new(true), CreatedAt: runnerstest.At(start),
			Jobs: []runnerstest.Job{{
				ID: 1, Status: "pending", Stage: "test", Name: "job", Ref: "main", PipelineID: 1,
				CreatedAt: runnerstest.At(start),
			}},
		}}, state.Projects)
	})
	t.Run("a runner", func(t *testing.T) {
		t.Parallel()
		state := snapshot(t, `{"runners": [{}]}`)
		assert.Regexp(t, `^glrt-.{20,}`, state.Runners[0].Token)
		state.Runners[0].Token = ""
		assert.Equal(t, []runnerstest.Runner{{
			ID: 1, Type: runners.InstanceType, Registered: new(false), RunUntagged: new(true),
			AccessLevel: runners.NotProtected, CreatedAt: runnerstest.At(start), UpdatedAt: runnerstest.At(start),
			ContactedAt: runnerstest.Never(), CreationFinished: new(false),
		}}, state.Runners)
	})
}

func TestRunnerDefaults(t *testing.T) {
	t.Parallel()
	now, hour := runnerstest.At(start), runnerstest.At(start.Add(-time.Hour))
	type values []any
	for name, test := range map[string]struct {
		runner string
		got    func(runnerstest.Runner) values
		want   values
	}{
		"created when it made contact": {
			`{"contacted_at": "-1h"}`,
			func(r runnerstest.Runner) values { return values{r.CreatedAt, r.UpdatedAt, *r.CreationFinished} },
			values{hour, hour, true},
		},
		"contact in the future": {
			`{"contacted_at": "+1h"}`,
			func(r runnerstest.Runner) values { return values{r.CreatedAt} },
			values{now},
		},
		"contact of the latest manager": {
			`{"managers": [{"system_id": "a", "contacted_at": "-2h"}, {"system_id": "b", "contacted_at": "-1h"}, {"system_id": "c"}]}`,
			func(r runnerstest.Runner) values {
				return values{r.ContactedAt, r.CreatedAt, r.Managers[1].CreatedAt, r.Managers[2].CreatedAt}
			},
			values{hour, hour, hour, now},
		},
		"contact denied": {
			`{"contacted_at": null, "managers": [{"system_id": "a", "contacted_at": "-2h"}]}`,
			func(r runnerstest.Runner) values { return values{r.ContactedAt, *r.CreationFinished} },
			values{runnerstest.Never(), false},
		},
		"registered, by its token": {
			`{"token": "abc"}`,
			func(r runnerstest.Runner) values { return values{*r.Registered} },
			values{true},
		},
		"registered, said so": {
			`{"token": "glrt-abc", "registered": true}`,
			func(r runnerstest.Runner) values { return values{*r.Registered} },
			values{true},
		},
		"a project runner": {
			`{"projects": [12, 9]}`,
			func(r runnerstest.Runner) values { return values{r.Type, r.Projects, r.AssignedAt} },
			values{runners.ProjectType, []int64{12, 9}, []runnerstest.Time{now, now}},
		},
		"a group runner": {
			`{"groups": [10]}`,
			func(r runnerstest.Runner) values { return values{r.Type} },
			values{runners.GroupType},
		},
		"an orphan": {
			`{"runner_type": "project_type", "projects": []}`,
			func(r runnerstest.Runner) values { return values{r.Type, r.Projects} },
			values{runners.ProjectType, []int64{}},
		},
		"tags": {
			`{"tag_list": ["b", "a", "b"], "run_untagged": false}`,
			func(r runnerstest.Runner) values { return values{r.TagList} },
			values{[]string{"b", "a"}},
		},
		"a job's project and creation": {
			`{"projects": [12, 9], "jobs": [{"status": "running", "started_at": "-1h"}]}`,
			func(r runnerstest.Runner) values { return values{r.Jobs[0].ProjectID, r.Jobs[0].CreatedAt} },
			values{int64(12), hour},
		},
		"nulls and comments": {
			`{"id": null, "_id": {"a": [1, "]"]}, "name": null, "tag_list": null, "maximum_timeout": null, "managers": null}`,
			func(r runnerstest.Runner) values { return values{r.ID, len(r.Managers)} },
			values{int64(1), 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, test.got(snapshot(t, before+test.runner+"]}").Runners[0]))
		})
	}
}

// Ids that the file names are kept free for those that have them.
func TestSeedIDs(t *testing.T) {
	t.Parallel()
	state := snapshot(t, `{
		"groups": [{"full_path": "a/b"}, {"full_path": "a"}, {"full_path": "c", "id": 2}],
		"projects": [{"path_with_namespace": "a/p", "jobs": [{}, {"id": 2}]}],
		"runners": [{"description": "x"}, {"id": 1, "description": "y"}, {"id": 3, "description": "z"},
			{"description": "w", "projects": [1], "jobs": [{}, {"id": 1}]}]}`)
	groups := map[string]int64{}
	for _, g := range state.Groups {
		groups[g.Path] = g.ID
	}
	assert.Equal(t, map[string]int64{"a/b": 1, "a": 3, "c": 2}, groups)
	names := ""
	for _, r := range state.Runners {
		names += r.Description
	}
	assert.Equal(t, "yxzw", names, "in the order of their ids: 1, 2, 3, 4")
	assert.Equal(t, int64(4), state.Runners[3].ID)
	assert.Equal(t, []int64{2, 3}, []int64{state.Projects[0].Jobs[0].ID, state.Projects[0].Jobs[1].ID})
	assert.Equal(t, []int64{1, 4}, []int64{state.Runners[3].Jobs[0].ID, state.Runners[3].Jobs[1].ID})
}

func TestVersionAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ asked, seed, want, fails string }{
		"nobody says":   {"", `{}`, "19.1.0", ""},
		"the seed says": {"", `{"gitlab_version": "8.2.0"}`, "8.2.0", ""},
		"one asks":      {"13.10.0", `{}`, "13.10.0", ""},
		"both agree":    {"13.10.0", `{"gitlab_version": "13.10.0"}`, "13.10.0", ""},
		"they differ":   {"13.10.0", `{"gitlab_version": "13.9.0"}`, "", `gitlab_version: "13.9.0", but "13.10.0" was asked for`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := runnerstest.Start(&runnerstest.Options{Version: test.asked, Seed: strings.NewReader(test.seed)})
			if test.fails != "" {
				require.ErrorContains(t, err, test.fails)
				return
			}
			require.NoError(t, err)
			t.Cleanup(srv.Close)
			assert.Equal(t, test.want, srv.Snapshot().GitLabVersion)
		})
	}
}

func TestTokenExpiryDate(t *testing.T) {
	t.Parallel()
	state := snapshot(t, `{"users": [{"username": "a", "tokens": [{"token": "t", "expires_at": "2026-04-01"}]}]}`)
	assert.Equal(t, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), state.Users[0].Tokens[0].ExpiresAt.Time())
}

func TestEscapes(t *testing.T) {
	t.Parallel()
	state := snapshot(t, `{"_": "\\", "_": ["\"]", {"}": "{"}], "runners": [{"description": "a\"b\\", "name": "\u00e9\n"}]}`)
	assert.Equal(t, `a"b\`, state.Runners[0].Description)
	assert.Equal(t, "é\n", state.Runners[0].Name)
}

// No user created a runner in a GitLab that could not do that.
func TestOldRunnersAreRegistered(t *testing.T) {
	t.Parallel()
	state := snapshot(t, `{"gitlab_version": "8.2.0", "runners": [{}]}`)
	assert.True(t, *state.Runners[0].Registered)
}

// A secret that the file names further down is not made up before.
func TestMadeUpSecretsAreNew(t *testing.T) {
	t.Parallel()
	first := snapshot(t, `{"runners": [{}]}`)
	again := snapshot(t, `{"runners": [{}, {"token": "`+first.Runners[0].Token+`"}, {"token": "`+first.RegistrationToken+`"}]}`)
	assert.NotEqual(t, first.RegistrationToken, again.RegistrationToken)
	assert.NotEqual(t, first.Runners[0].Token, again.Runners[0].Token)
}

func TestRoleLevels(t *testing.T) {
	t.Parallel()
	state := snapshot(t, `{"users": [{"username": "a"}, {"username": "b"}],
		"groups": [{"full_path": "x", "members": {"a": 40, "b": "guest"}}]}`)
	assert.Equal(t, map[string]runnerstest.Role{"a": runnerstest.Maintainer, "b": runnerstest.Guest}, state.Groups[0].Members)
}

func FuzzSeed(f *testing.F) {
	f.Add(documentedSeed)
	f.Add(before + `{"contacted_at": null, "managers": [{"system_id": "a", "contacted_at": "-2h"}]}]}`)
	f.Add(`{"last_ids": {"runners": 7}, "groups": [{"full_path": "a/b"}, {"full_path": "a", "members": {}}], "_": {"x": [1]}}`)
	f.Add(`{"gitlab_version": "8.2.0", "runners": [{"runner_type": "project_type", "projects": []}, {"coverage": 1e99}]}`)
	f.Fuzz(func(t *testing.T, seed string) {
		srv, err := seeded(t, seed)
		if err != nil {
			assert.NotContains(t, innermost(err), "\n")
			return
		}
		first := marshalled(t, srv.Snapshot())
		again, err := seeded(t, first)
		require.NoError(t, err)
		assert.Equal(t, first, marshalled(t, again.Snapshot()))
	})
}

func marshalled(t *testing.T, state runnerstest.State) string {
	t.Helper()
	data, err := json.Marshal(state)
	require.NoError(t, err)
	return string(data)
}
