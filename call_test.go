// How any request travels: what each method puts on the wire, and what is
// refused before anything is.

package runners_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

var (
	noon  = time.Date(2026, 7, 1, 14, 0, 0, 0, time.FixedZone("CEST", 2*60*60))
	app   = runners.Path("group/sub group/app")
	owned = runners.NewToken(runnerToken)
)

const (
	appPath  = "group%2Fsub%20group%2Fapp"
	allLists = "page=3&paused=false&per_page=50&scope=shared&status=stale" +
		"&tag_list=docker%2Cdata+base&type=project_type&version_prefix=16.1"
	allGroups = "page=3&paused=true&per_page=50&status=online&tag_list=docker%2Cdb" +
		"&type=group_type&version_prefix=16"
	firstPage = "page=1&per_page=100"
	aRunner   = `{"id":6,"paused":true}`
	aToken    = `{"token":"glrt-canaryNew0123456789"}`
)

// A wire is one call, and what is seen of it.
type wire struct {
	method string // of the client, such as "Runners.Get"
	how    string
	call   func(context.Context, *runners.Client) error
	answer string
	line   string // the request line, raw, without the protocol
	body   string // JSON, or ""
	since  string // If-Unmodified-Since
	own    bool   // authenticated by what is in the body
}

func one[T any](_ T, err error) error { return err }

func all[T any](ctx context.Context, l *runners.Listing[T]) error { return one(l.Collect(ctx)) }

func listOptions() *runners.ListOptions {
	return &runners.ListOptions{
		Type: runners.ProjectType, Status: runners.StatusStale, Paused: new(false),
		TagList: []string{"docker", "data base"}, VersionPrefix: "16.1",
		Scope: runners.ScopeShared, Page: 3, PerPage: 50,
	}
}

func runnersWires() []wire {
	return []wire{
		{
			method: "Runners.List", how: "nil", answer: `[]`, line: "GET /api/v4/runners?" + firstPage,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.List(nil)) },
		},
		{
			method: "Runners.List", how: "all", answer: `[]`, line: "GET /api/v4/runners?" + allLists,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.List(listOptions())) },
		},
		{
			method: "Runners.ListAll", how: "nil", answer: `[]`, line: "GET /api/v4/runners/all?" + firstPage,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.ListAll(nil)) },
		},
		{
			method: "Runners.ListAll", how: "all", answer: `[]`, line: "GET /api/v4/runners/all?" + allLists,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.ListAll(listOptions())) },
		},
		{
			method: "Runners.Get", how: "no options", answer: aRunner, line: "GET /api/v4/runners/6",
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Get(ctx, 6)) },
		},
		{
			method: "Runners.Get", how: "nil", answer: aRunner, line: "GET /api/v4/runners/6",
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Get(ctx, 6, nil)) },
		},
		{
			method: "Runners.Get", how: "all", answer: aRunner, line: "GET /api/v4/runners/6?include_projects=false",
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Get(ctx, 6, &runners.GetOptions{IncludeProjects: new(false)}))
			},
		},
		{
			method: "Runners.Get", how: "largest id", answer: aRunner, line: "GET /api/v4/runners/9223372036854775807",
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Get(ctx, math.MaxInt64)) },
		},
		{
			method: "Runners.Delete", how: "no options", line: "DELETE /api/v4/runners/6",
			call: func(ctx context.Context, c *runners.Client) error { return c.Runners.Delete(ctx, 6) },
		},
		{
			method: "Runners.Delete", how: "all", line: "DELETE /api/v4/runners/6", since: "Wed, 01 Jul 2026 12:00:00 GMT",
			call: func(ctx context.Context, c *runners.Client) error {
				return c.Runners.Delete(ctx, 6, &runners.DeleteOptions{IfUnmodifiedSince: noon})
			},
		},
		{
			method: "Runners.Managers", answer: `[]`, line: "GET /api/v4/runners/6/managers",
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Managers(ctx, 6)) },
		},
		{
			method: "Runners.Projects", how: "nil", answer: `[]`, line: "GET /api/v4/runners/6/projects?" + firstPage,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.Projects(6, nil)) },
		},
		{
			method: "Runners.Projects", how: "all", answer: `[]`, line: "GET /api/v4/runners/6/projects?page=2&per_page=5",
			call: func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.Projects(6, &runners.PageOptions{Page: 2, PerPage: 5}))
			},
		},
		{
			method: "Runners.Jobs", how: "nil", answer: `[]`, line: "GET /api/v4/runners/6/jobs?" + firstPage,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.Jobs(6, nil)) },
		},
		{
			method: "Runners.Jobs", how: "all", answer: `[]`,
			line: "GET /api/v4/runners/6/jobs?order_by=id&page=2&per_page=5&sort=asc&status=failed&system_id=s_89e5e9956577",
			call: func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.Jobs(6, &runners.JobsOptions{
					Status: runners.JobFailed, SystemID: "s_89e5e9956577", OrderBy: "id",
					Sort: runners.Ascending, Page: 2, PerPage: 5,
				}))
			},
		},
		{
			method: "Runners.Jobs", how: "keyset", answer: `[]`,
			line: "GET /api/v4/runners/6/jobs?order_by=id&pagination=keyset&per_page=100&sort=desc",
			call: func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.Jobs(6, &runners.JobsOptions{
					OrderBy: "id", Sort: runners.Descending, Keyset: true,
				}))
			},
		},
		{
			method: "Runners.ResetToken", answer: aToken, line: "POST /api/v4/runners/6/reset_authentication_token",
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.ResetToken(ctx, 6)) },
		},
		{
			method: "Runners.ResetRegistrationToken", answer: aToken,
			line: "POST /api/v4/runners/reset_registration_token",
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.ResetRegistrationToken(ctx))
			},
		},
	}
}

func runnersWritesWires() []wire {
	return []wire{
		{
			method: "Runners.Create", how: "instance", answer: aToken,
			line: "POST /api/v4/user/runners", body: `{"runner_type":"instance_type"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForInstance(), nil))
			},
		},
		{
			method: "Runners.Create", how: "group", answer: aToken,
			line: "POST /api/v4/user/runners", body: `{"runner_type":"group_type","group_id":4}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForGroup(4), &runners.CreateOptions{}))
			},
		},
		{
			method: "Runners.Create", how: "project, all", answer: aToken, line: "POST /api/v4/user/runners",
			body: `{"runner_type":"project_type","project_id":9,"description":"db \"<x>\" ü","maintenance_note":"note",
				"tag_list":["docker","🐳","docker"],"paused":false,"locked":true,"run_untagged":false,
				"access_level":"ref_protected","maximum_timeout":0,
				"token_expires_at":"2026-07-01T14:00:00+02:00","token_rotation_deadline":"2026-07-01T15:00:00+02:00"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForProject(9), &runners.CreateOptions{
					Description: `db "<x>" ü`, MaintenanceNote: "note", TagList: []string{"docker", "🐳", "docker"},
					Paused: new(false), Locked: new(true), RunUntagged: new(false),
					AccessLevel: runners.RefProtected, MaximumTimeout: new(0),
					TokenExpiresAt: noon, TokenRotationDeadline: noon.Add(time.Hour),
				}))
			},
		},
		{
			method: "Runners.Update", how: "nil", answer: aRunner, line: "PUT /api/v4/runners/6", body: `{}`,
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Update(ctx, 6, nil)) },
		},
		{
			method: "Runners.Update", how: "all", answer: aRunner, line: "PUT /api/v4/runners/6",
			body: `{"description":"","paused":false,"tag_list":["a","b"],"run_untagged":true,"locked":false,
				"access_level":"not_protected","maximum_timeout":600,"maintenance_note":"note","active":true}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Update(ctx, 6, &runners.UpdateOptions{
					Description: new(""), Paused: new(false), TagList: &[]string{"a", "b"},
					RunUntagged: new(true), Locked: new(false), AccessLevel: runners.NotProtected,
					MaximumTimeout: runners.Value(600), MaintenanceNote: runners.Value("note"), Active: new(true),
				}))
			},
		},
		{
			method: "Runners.Update", how: "clear", answer: aRunner, line: "PUT /api/v4/runners/6",
			body: `{"tag_list":[],"maximum_timeout":null,"maintenance_note":null}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Update(ctx, 6, &runners.UpdateOptions{
					TagList: new([]string), MaximumTimeout: runners.Null[int](), MaintenanceNote: runners.Null[string](),
				}))
			},
		},
		{
			method: "Runners.Pause", answer: aRunner, line: "PUT /api/v4/runners/6", body: `{"paused":true}`,
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Pause(ctx, 6)) },
		},
		{
			method: "Runners.Resume", answer: `{"id":6,"paused":false}`,
			line: "PUT /api/v4/runners/6", body: `{"paused":false}`,
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Resume(ctx, 6)) },
		},
	}
}

func projectsAndGroupsWires() []wire {
	return []wire{
		{
			method: "Projects.List", how: "nil", answer: `[]`, line: "GET /api/v4/projects/9/runners?" + firstPage,
			call: func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Projects.List(runners.ID(9), nil))
			},
		},
		{
			method: "Projects.List", how: "all", answer: `[]`,
			line: "GET /api/v4/projects/" + appPath + "/runners?" + allLists,
			call: func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Projects.List(app, listOptions()))
			},
		},
		{
			method: "Projects.Assign", answer: aRunner,
			line: "POST /api/v4/projects/" + appPath + "/runners", body: `{"runner_id":6}`,
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Projects.Assign(ctx, app, 6)) },
		},
		{
			method: "Projects.Unassign", how: "no options", line: "DELETE /api/v4/projects/" + appPath + "/runners/6",
			call: func(ctx context.Context, c *runners.Client) error { return c.Projects.Unassign(ctx, app, 6) },
		},
		{
			method: "Projects.Unassign", how: "all", line: "DELETE /api/v4/projects/9/runners/6",
			since: "Wed, 01 Jul 2026 12:00:00 GMT",
			call: func(ctx context.Context, c *runners.Client) error {
				return c.Projects.Unassign(ctx, runners.ID(9), 6, &runners.DeleteOptions{IfUnmodifiedSince: noon})
			},
		},
		{
			method: "Projects.ResetRegistrationToken", answer: aToken,
			line: "POST /api/v4/projects/" + appPath + "/runners/reset_registration_token",
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Projects.ResetRegistrationToken(ctx, app))
			},
		},
		{
			method: "Groups.List", how: "nil", answer: `[]`, line: "GET /api/v4/groups/4/runners?" + firstPage,
			call: func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Groups.List(runners.ID(4), nil)) },
		},
		{
			method: "Groups.List", how: "all", answer: `[]`,
			line: "GET /api/v4/groups/" + appPath + "/runners?" + allGroups,
			call: func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Groups.List(app, &runners.GroupListOptions{
					Type: runners.GroupType, Status: runners.StatusOnline, Paused: new(true),
					TagList: []string{"docker", "db"}, VersionPrefix: "16", Page: 3, PerPage: 50,
				}))
			},
		},
		{
			method: "Groups.ResetRegistrationToken", answer: aToken,
			line: "POST /api/v4/groups/4/runners/reset_registration_token",
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Groups.ResetRegistrationToken(ctx, runners.ID(4)))
			},
		},
	}
}

func tokensWires() []wire {
	registration := runners.NewToken(registrationToken)
	return []wire{
		{
			method: "Tokens.Register", how: "nil", answer: aToken, own: true,
			line: "POST /api/v4/runners", body: `{"token":"` + registrationToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Tokens.Register(ctx, registration, nil))
			},
		},
		{
			method: "Tokens.Register", how: "all", answer: aToken, own: true, line: "POST /api/v4/runners",
			body: `{"token":"` + registrationToken + `","description":"db",
				"info":{"name":"gitlab-runner","version":"17.5.0","revision":"abc","platform":"linux","architecture":"amd64"},
				"paused":true,"locked":false,"run_untagged":true,"tag_list":["a"],"access_level":"ref_protected",
				"maximum_timeout":600,"maintenance_note":"new","active":false,"maintainer_note":"old"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Tokens.Register(ctx, registration, &runners.RegisterOptions{
					Description: "db",
					Info: &runners.RunnerInfo{
						Name: "gitlab-runner", Version: "17.5.0", Revision: "abc", Platform: "linux", Architecture: "amd64",
					},
					Paused: new(true), Locked: new(false), RunUntagged: new(true), TagList: []string{"a"},
					AccessLevel: runners.RefProtected, MaximumTimeout: new(600), MaintenanceNote: "new",
					Active: new(false), MaintainerNote: "old",
				}))
			},
		},
		{
			method: "Tokens.Verify", how: "nil", answer: aToken, own: true,
			line: "POST /api/v4/runners/verify", body: `{"token":"` + runnerToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Tokens.Verify(ctx, owned, nil)) },
		},
		{
			method: "Tokens.Verify", how: "all", answer: aToken, own: true,
			line: "POST /api/v4/runners/verify", body: `{"token":"` + runnerToken + `","system_id":"s_89e5e9956577"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Tokens.Verify(ctx, owned, &runners.VerifyOptions{SystemID: "s_89e5e9956577"}))
			},
		},
		{
			method: "Tokens.Reset", answer: aToken, own: true,
			line: "POST /api/v4/runners/reset_authentication_token", body: `{"token":"` + runnerToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Tokens.Reset(ctx, owned)) },
		},
		{
			method: "Tokens.Delete", how: "no options", own: true,
			line: "DELETE /api/v4/runners", body: `{"token":"` + runnerToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error { return c.Tokens.Delete(ctx, owned) },
		},
		{
			method: "Tokens.Delete", how: "all", own: true, since: "Wed, 01 Jul 2026 12:00:00 GMT",
			line: "DELETE /api/v4/runners", body: `{"token":"` + runnerToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return c.Tokens.Delete(ctx, owned, &runners.DeleteOptions{IfUnmodifiedSince: noon})
			},
		},
		{
			method: "Tokens.DeleteManager", own: true, since: "Wed, 01 Jul 2026 12:00:00 GMT",
			line: "DELETE /api/v4/runners/managers", body: `{"token":"` + runnerToken + `","system_id":"s_1"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return c.Tokens.DeleteManager(ctx, owned, "s_1", &runners.DeleteOptions{IfUnmodifiedSince: noon})
			},
		},
	}
}

func otherWires() []wire {
	registration := runners.NewToken(registrationToken)
	return []wire{
		{
			method: "Legacy.List", answer: `[]`,
			line: "GET /ci/api/v1/runners?url=https%3A%2F%2Fgitlab.example.com",
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Legacy.List(ctx))
			},
		},
		{
			method: "Legacy.Register", how: "nil", answer: aToken, own: true,
			line: "POST /ci/api/v1/runners/register", body: `{"token":"` + registrationToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Legacy.Register(ctx, registration, nil))
			},
		},
		{
			method: "Legacy.Register", how: "all", answer: aToken, own: true, line: "POST /ci/api/v1/runners/register",
			body: `{"token":"` + registrationToken + `","description":"db","tag_list":"a, b",
				"run_untagged":false,"locked":true,"info":{"name":"multi-runner"}}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Legacy.Register(ctx, registration, &runners.LegacyRegisterOptions{
					Description: "db", TagList: []string{"a", "b"}, RunUntagged: new(false), Locked: new(true),
					Info: &runners.RunnerInfo{Name: "multi-runner"},
				}))
			},
		},
		{
			method: "Legacy.Delete", answer: aToken, own: true,
			line: "DELETE /ci/api/v1/runners/delete", body: `{"token":"` + runnerToken + `"}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return one(c.Legacy.Delete(ctx, owned))
			},
		},
		{
			method: "Version", answer: `{"version":"17.5.0"}`, line: "GET /api/v4/version",
			call: func(ctx context.Context, c *runners.Client) error { return one(c.Version(ctx)) },
		},
		{
			method: "Do", answer: `{}`, line: "POST /api/v4/topics?a=b", body: `{"x":1}`,
			call: func(ctx context.Context, c *runners.Client) error {
				return c.Do(ctx, "POST", "topics", map[string][]string{"a": {"b"}}, map[string]int{"x": 1}, nil)
			},
		},
	}
}

func wires() []wire {
	return slices.Concat(runnersWires(), runnersWritesWires(), projectsAndGroupsWires(), tokensWires(), otherWires())
}

// TestWire: every method, with nothing and with everything set.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, w := range wires() {
		t.Run(w.method+" "+w.how, func(t *testing.T) {
			t.Parallel()
			status := 200
			if w.answer == "" {
				status = 204
			}
			s := play(reply(status, w.answer))
			require.NoError(t, w.call(t.Context(), client(t, s, nil)))
			require.Len(t, s.requests(), 1)
			got := s.requests()[0]
			assert.Equal(t, w.line, got.Method+" "+got.URI)
			want := http.Header{"Accept": {"application/json"}, "User-Agent": {"runners-go"}}
			if w.body == "" {
				assert.Empty(t, got.Body)
			} else {
				assert.JSONEq(t, w.body, got.Body)
				want.Set("Content-Type", "application/json")
			}
			if w.since != "" {
				want.Set("If-Unmodified-Since", w.since)
			}
			if !w.own {
				want.Set("Private-Token", accessToken)
			}
			assert.Equal(t, want, got.Header)
			assert.NotContains(t, got.URI, "canary")
		})
	}
}

// TestWire_complete: the table knows every method of the client.
func TestWire_complete(t *testing.T) {
	t.Parallel()
	var have []string
	for _, w := range wires() {
		have = append(have, w.method)
	}
	var want []string
	c := reflect.ValueOf(client(t, play(), nil))
	for i := range c.NumMethod() {
		want = append(want, c.Type().Method(i).Name)
	}
	for i := range c.Elem().NumField() {
		field := c.Elem().Type().Field(i)
		for j := 0; field.IsExported() && j < field.Type.NumMethod(); j++ {
			want = append(want, field.Name+"."+field.Type.Method(j).Name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	assert.Equal(t, want, slices.Compact(have))
}

// TestWire_anonymous: a client without a credential sends none.
func TestWire_anonymous(t *testing.T) {
	t.Parallel()
	s := play(reply(200, aToken))
	_, err := clientAs(t, runners.Anonymous(), s, nil).Tokens.Verify(t.Context(), owned, nil)
	require.NoError(t, err)
	assert.NotContains(t, s.requests()[0].Header, "Private-Token")
	assert.NotContains(t, s.requests()[0].Header, "Authorization")
}

// TestPause: on older servers, in their words.
func TestPauseOnTheWire(t *testing.T) {
	t.Parallel()
	const understood, old, nothing = `{"id":6,"paused":true,"active":false}`, `{"id":6,"active":false}`,
		`{"error":"description, active are missing, at least one parameter must be provided"}`
	for name, c := range map[string]struct {
		version string
		steps   []step
		bodies  []string
		is      error
	}{
		"new":         {"", []step{reply(200, understood)}, []string{`{"paused":true}`}, nil},
		"new, known":  {"14.8.0", []step{reply(200, understood)}, []string{`{"paused":true}`}, nil},
		"old, known":  {"14.7", []step{reply(200, old)}, []string{`{"active":false}`}, nil},
		"older":       {"13.10", []step{reply(200, old)}, []string{`{"active":false}`}, nil},
		"old ignores": {"", []step{reply(200, `{"id":6,"active":true}`), reply(200, old)}, []string{`{"paused":true}`, `{"active":false}`}, nil},
		"old refuses": {"", []step{reply(400, nothing), reply(200, old)}, []string{`{"paused":true}`, `{"active":false}`}, nil},
		"other fault": {"", []step{reply(400, `{"error":"id is invalid"}`)}, []string{`{"paused":true}`}, runners.ErrInvalid},
		"not done":    {"", []step{reply(200, `{"id":6,"paused":false}`)}, []string{`{"paused":true}`}, runners.ErrUnexpectedResponse},
		"old, undone": {"13.10", []step{reply(200, `{"id":6,"active":true}`)}, []string{`{"active":false}`}, runners.ErrUnexpectedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(c.steps...)
			d, err := client(t, s, &runners.Options{GitLabVersion: c.version}).Runners.Pause(t.Context(), 6)
			var bodies []string
			for _, r := range s.requests() {
				bodies = append(bodies, r.Body)
			}
			assert.Equal(t, c.bodies, bodies)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
				assert.Nil(t, d)
				return
			}
			require.NoError(t, err)
			assert.True(t, d.IsPaused())
		})
	}
}

// TestRef_wire: a path is one segment, escaped once, or refused.
func TestRef_wire(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"group/app":          "group%2Fapp",
		"group/sub group":    "group%2Fsub%20group",
		"a?x=1":              "a%3Fx=1",
		"a#b":                "a%23b",
		"a;b":                "a%3Bb",
		"a&b=c+d":            "a&b=c+d",
		"a\\b":               "a%5Cb",
		"bücher/ü":           "b%C3%BCcher%2F%C3%BC",
		"a/...":              "a%2F...",
		"a/.b":               "a%2F.b",
		"42a":                "42a",
		"user@host:8080/app": "user@host:8080%2Fapp",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, aRunner))
			c := client(t, s, nil)
			_, err := c.Projects.Assign(t.Context(), runners.Path(path), 6)
			require.NoError(t, err)
			assert.Equal(t, "/api/v4/projects/"+want+"/runners", s.requests()[0].URI)
			assert.Equal(t, path, runners.Path(path).String())
		})
	}
	for path, fault := range map[string]string{
		"":                             "not a positive number",
		"/":                            "path has an empty segment",
		"//":                           "path has an empty segment",
		"/app":                         "path has an empty segment",
		"app/":                         "path has an empty segment",
		"a//b":                         "path has an empty segment",
		".":                            "path has a dot segment",
		"..":                           "path has a dot segment",
		"../../admin":                  "path has a dot segment",
		"a/../b":                       "path has a dot segment",
		"a/.":                          "path has a dot segment",
		"a%2Fb":                        "path is URL-encoded: give it plain, such as group/app",
		"%2e%2e":                       "path is URL-encoded: give it plain, such as group/app",
		"a\r\nX-Evil: 1":               "path has a control character",
		"a\x00b":                       "path has a control character",
		"a\xff":                        "path has a control character",
		"42":                           "path is a number: use ID",
		strings.Repeat("a", 1_000_000): "path is too long",
	} {
		t.Run("refused "+path[:min(len(path), 20)], func(t *testing.T) {
			t.Parallel()
			c := client(t, fails{t}, nil)
			calls := map[string]error{
				"GET":    all(t.Context(), c.Projects.List(runners.Path(path), nil)),
				"POST":   one(c.Projects.Assign(t.Context(), runners.Path(path), 6)),
				"DELETE": c.Projects.Unassign(t.Context(), runners.Path(path), 6),
			}
			for method, err := range calls {
				require.ErrorIs(t, err, runners.ErrInvalid)
				assert.Equal(t, map[string][]string{"id": {fault}}, failure(t, err).Fields)
				assert.Contains(t, err.Error(), "runners: "+method+" /projects/{id}/runners")
				assert.LessOrEqual(t, len(err.Error()), 1024)
			}
		})
	}
}

// TestCall_refused: what cannot be right is not sent.
func TestCall_refused(t *testing.T) {
	t.Parallel()
	tags := func(tags ...string) *runners.ListOptions { return &runners.ListOptions{TagList: tags} }
	for name, c := range map[string]struct {
		call func(context.Context, *runners.Client) error
		want string
	}{
		"id 0": {
			func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Get(ctx, 0)) },
			"GET /runners/{id}: id: not a positive number",
		},
		"id -1": {
			func(ctx context.Context, c *runners.Client) error { return c.Runners.Delete(ctx, -1) },
			"DELETE /runners/{id}: id: not a positive number",
		},
		"smallest id": {
			func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.Jobs(math.MinInt64, nil))
			},
			"GET /runners/{id}/jobs: id: not a positive number",
		},
		"zero ref": {
			func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Groups.List(runners.Ref{}, nil)) },
			"GET /groups/{id}/runners: id: not a positive number",
		},
		"negative ref": {
			func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Groups.List(runners.ID(-4), nil))
			},
			"GET /groups/{id}/runners: id: not a positive number",
		},
		"runner in a path": {
			func(ctx context.Context, c *runners.Client) error { return c.Projects.Unassign(ctx, app, 0) },
			"DELETE /projects/{id}/runners/{runner_id}: runner_id: not a positive number",
		},
		"runner in a body": {
			func(ctx context.Context, c *runners.Client) error { return one(c.Projects.Assign(ctx, app, 0)) },
			"POST /projects/{id}/runners: runner_id: not a positive number",
		},
		"no owner": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.Owner{}, nil))
			},
			"POST /user/runners: owner is empty: use ForInstance, ForGroup or ForProject",
		},
		"group 0": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForGroup(0), nil))
			},
			"POST /user/runners: group_id: not a positive number",
		},
		"project -1": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForProject(-1), nil))
			},
			"POST /user/runners: project_id: not a positive number",
		},
		"empty tag": {
			func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.List(tags("a", " "))) },
			"GET /runners: tag_list: has an empty tag",
		},
		"comma in a tag": {
			func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.ListAll(tags("a,b"))) },
			"GET /runners/all: tag_list: a tag cannot have a comma",
		},
		"comma in a project's": {
			func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Projects.List(app, tags("a,b"))) },
			"GET /projects/{id}/runners: tag_list: a tag cannot have a comma",
		},
		"comma in a group's": {
			func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Groups.List(app, &runners.GroupListOptions{TagList: []string{"a,b"}}))
			},
			"GET /groups/{id}/runners: tag_list: a tag cannot have a comma",
		},
		"comma in a new one's": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForInstance(), &runners.CreateOptions{TagList: []string{"a,b"}}))
			},
			"POST /user/runners: tag_list: a tag cannot have a comma",
		},
		"comma in an update": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Update(ctx, 6, &runners.UpdateOptions{TagList: &[]string{"a", ""}}))
			},
			"PUT /runners/{id}: tag_list: has an empty tag",
		},
		"comma in a registered one's": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Tokens.Register(ctx, owned, &runners.RegisterOptions{TagList: []string{"a,b"}}))
			},
			"POST /runners: tag_list: a tag cannot have a comma",
		},
		"comma in a legacy one's": {
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Legacy.Register(ctx, owned, &runners.LegacyRegisterOptions{TagList: []string{"a,b"}}))
			},
			"POST /ci/api/v1/runners/register: tag_list: a tag cannot have a comma",
		},
		"no system id": {
			func(ctx context.Context, c *runners.Client) error { return c.Tokens.DeleteManager(ctx, owned, "") },
			"DELETE /runners/managers: system_id is empty",
		},
		"negative page": {
			func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.List(&runners.ListOptions{Page: -1}))
			},
			"GET /runners: page: negative",
		},
		"negative size": {
			func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.List(&runners.ListOptions{PerPage: -1}))
			},
			"GET /runners: per_page: negative",
		},
		"keyset and page": {
			func(ctx context.Context, c *runners.Client) error {
				return all(ctx, c.Runners.Jobs(6, &runners.JobsOptions{Keyset: true, Page: 2}))
			},
			"GET /runners/{id}/jobs: page: a keyset list has cursors, not page numbers",
		},
		"cancelled": {
			func(ctx context.Context, c *runners.Client) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return one(c.Runners.Get(ctx, 6))
			},
			"GET /runners/{id}: context canceled",
		},
		"too late": {
			func(ctx context.Context, c *runners.Client) error {
				ctx, cancel := context.WithTimeout(ctx, time.Nanosecond)
				defer cancel()
				<-ctx.Done()
				return one(c.Runners.Create(ctx, runners.ForInstance(), nil))
			},
			"POST /user/runners: context deadline exceeded",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := c.call(t.Context(), client(t, fails{t}, &runners.Options{
				Observe: func(_ context.Context, call runners.Call) {
					calls++
					assert.Zero(t, call.Attempts)
				},
			}))
			require.Error(t, err)
			assert.Equal(t, "runners: "+c.want, err.Error())
			e := failure(t, err)
			assert.Equal(t, runners.PhaseNotSent, e.Phase)
			assert.Zero(t, e.Attempts)
			assert.Equal(t, 1, calls)
			if e.Unwrap() != nil {
				assert.ErrorContains(t, e.Unwrap(), "context")
				return
			}
			assert.ErrorIs(t, err, runners.ErrInvalid)
		})
	}
}

// TestCall_nilContext: every method refuses it.
func TestCall_nilContext(t *testing.T) {
	t.Parallel()
	for _, w := range wires() {
		t.Run(w.method+" "+w.how, func(t *testing.T) {
			t.Parallel()
			err := w.call(nil, client(t, fails{t}, nil))
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.True(t, strings.HasSuffix(err.Error(), ": context is nil"), err.Error())
		})
	}
}

// TestCall_cancelled: a context that has ended sends nothing, whatever the
// method.
func TestCall_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, w := range wires() {
		t.Run(w.method+" "+w.how, func(t *testing.T) {
			t.Parallel()
			err := w.call(ctx, client(t, fails{t}, nil))
			require.ErrorIs(t, err, context.Canceled)
			assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown)
		})
	}
}

// TestCall_deadline: a short deadline ends a call at once, a long one leaves
// nothing behind.
func TestCall_deadline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deadline time.Duration
		step     step
		is       error
	}{
		"short": {time.Nanosecond, hang, context.DeadlineExceeded},
		"long":  {time.Hour, reply(200, aRunner), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				began := time.Now()
				_, err := client(t, play(c.step), nil).Runners.Get(ctx, 6)
				assert.LessOrEqual(t, time.Since(began), time.Nanosecond)
				require.ErrorIs(t, err, c.is)
			})
		})
	}
}

// TestOptions_copied: options are never written to, and what happens to them
// after the call has no effect on a list.
func TestOptions_copied(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `[]`))
	c := client(t, s, nil)
	list := listOptions()
	runnersList := c.Runners.List(list)
	assert.Equal(t, listOptions(), list)
	list.TagList[0], *list.Paused, list.Page, list.Type = "changed", true, 7, "changed"
	require.NoError(t, all(t.Context(), runnersList))
	require.NoError(t, all(t.Context(), runnersList))
	for _, r := range s.requests() {
		assert.Equal(t, "/api/v4/runners?"+allLists, r.URI)
	}

	var nothing []string
	update := &runners.UpdateOptions{TagList: &nothing, MaximumTimeout: runners.Value(600)}
	s = play(reply(200, aRunner))
	_, err := client(t, s, nil).Runners.Update(t.Context(), 6, update)
	require.NoError(t, err)
	assert.Equal(t, &runners.UpdateOptions{TagList: &nothing, MaximumTimeout: runners.Value(600)}, update)
	assert.Nil(t, nothing)
}

// TestCall_concurrent: a hundred goroutines share a client and a list.
func TestCall_concurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			page := req.URL.Query().Get("page")
			next := map[string]string{"1": "2", "2": "3"}[page]
			return reply(200, `[{"id":`+page+`}]`, "X-Next-Page", next)(req)
		})
		list := client(t, s, &runners.Options{Observe: func(context.Context, runners.Call) {}}).Runners.List(nil).Prefetch(1)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				var ids []int64
				for r, err := range list.All(t.Context()) {
					assert.NoError(t, err)
					ids = append(ids, r.ID)
				}
				assert.Equal(t, []int64{1, 2, 3}, ids)
			})
		}
		group.Wait()
		assert.Len(t, s.requests(), 300)
	})
}

// TestAnswer_strange: a success that is not GitLab's is an error that says so.
func TestAnswer_strange(t *testing.T) {
	t.Parallel()
	const html = "an HTML page where GitLab answers with JSON: a login page, or a proxy's?"
	for name, c := range map[string]struct {
		step step
		want string
	}{
		"html":          {reply(200, "<!DOCTYPE html><title>Sign in</title>", "Content-Type", "text/html; charset=utf-8"), html},
		"html as json":  {reply(200, "\n <html>"), html},
		"html, no type": {reply(200, "<html>", "Content-Type", ""), html},
		"empty":         {reply(200, ""), "an empty answer where GitLab answers with JSON"},
		"no content":    {reply(204, ""), "an empty answer where GitLab answers with JSON"},
		"white space":   {reply(200, " \n"), "an empty answer where GitLab answers with JSON"},
		"null":          {reply(200, "null"), "null where GitLab answers with an object or a list"},
		"xml":           {reply(200, `{"id":6}`, "Content-Type", "application/xml"), `content of type "application/xml" where GitLab answers with JSON`},
		"image":         {reply(200, "GIF89a", "Content-Type", "image/gif"), `content of type "image/gif" where GitLab answers with JSON`},
		"switched":      {reply(101, ""), "a status that is no answer"},
		"list":          {reply(200, `[{"id":6}]`), ""},
		"number":        {reply(200, `6`), ""},
		"true":          {reply(200, `true`), ""},
		"text":          {reply(200, `"6"`), ""},
		"broken":        {reply(200, `{"id":`), ""},
		"garbage after": {reply(200, `{"id":6}garbage`), ""},
		"two documents": {reply(200, `{"id":6}{"id":7}`), ""},
		"byte order":    {reply(200, "\ufeff"+`{"id":6}`), ""},
		"deep":          {reply(200, strings.Repeat("[", 100_000)), ""},
		"wrong kind":    {reply(200, `{"id":"six"}`), ""},
		"float":         {reply(200, `{"id":6.5}`), ""},
		"large":         {reply(200, `{"id":9223372036854775808}`), ""},
		"date":          {reply(200, `{"id":6,"created_at":"0000-00-00"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, err := client(t, play(c.step), nil).Runners.Get(t.Context(), 6)
				require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
				assert.Nil(t, d)
				assert.Contains(t, err.Error(), "runners: GET /runners/{id}: ")
				assert.Contains(t, err.Error(), c.want)
				assert.NotContains(t, err.Error(), "\n")
				assert.LessOrEqual(t, len(err.Error()), 1024)
			})
		})
	}
}

// TestAnswer_accepted: what is odd, and can be read.
func TestAnswer_accepted(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{
		"created":        reply(201, aRunner),
		"charset":        reply(200, aRunner, "Content-Type", "application/json; charset=utf-8"),
		"no type":        reply(200, aRunner, "Content-Type", ""),
		"plain text":     reply(200, aRunner, "Content-Type", "text/plain"),
		"white space":    reply(200, "\r\n "+aRunner+"\n"),
		"unknown fields": reply(200, `{"id":6,"paused":true,"new":{"a":[1,null]}}`),
		"duplicate keys": reply(200, `{"id":5,"id":6,"paused":true}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := client(t, play(s), nil).Runners.Get(t.Context(), 6)
			require.NoError(t, err)
			assert.EqualValues(t, 6, d.ID)
			assert.True(t, d.IsPaused())
		})
	}
}

// TestAnswer_deleted: a delete is a success only where the answer may be
// GitLab's.
func TestAnswer_deleted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		is   error
	}{
		"no content": {reply(204, ""), nil},
		"empty":      {reply(200, ""), nil},
		"runner":     {reply(200, aRunner), nil}, // as GitLab 8 answered
		"null":       {reply(200, "null"), nil},
		"html":       {reply(200, "<html>", "Content-Type", "text/html"), runners.ErrUnexpectedResponse},
		"garbage":    {reply(200, "OK"), runners.ErrUnexpectedResponse},
		"switched":   {reply(101, ""), runners.ErrUnexpectedResponse},
		"redirect":   {reply(302, "", "Location", "/users/sign_in"), runners.ErrRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(c.step)
			require.ErrorIs(t, client(t, s, nil).Runners.Delete(t.Context(), 6), c.is)
			assert.Len(t, s.requests(), 1)
		})
	}
}

// TestTransport_mock: the client works with a transport that others mock with,
// and that gives answers without a body.
func TestTransport_mock(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder("DELETE", gitlabURL+"/api/v4/runners/6",
		httpmock.ResponderFromResponse(&http.Response{StatusCode: http.StatusNoContent}))
	mock.RegisterResponder("GET", gitlabURL+"/api/v4/version",
		httpmock.NewJsonResponderOrPanic(http.StatusOK, map[string]string{"version": "17.5.0"}))
	c := client(t, mock, &runners.Options{MaxAttempts: 1})
	require.NoError(t, c.Runners.Delete(t.Context(), 6))
	v, err := c.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "17.5.0", v.Version)
	assert.Equal(t, 2, mock.GetTotalCallCount())
}

// TestTransport_odd: a transport of the caller's may be sloppy.
func TestTransport_odd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer *http.Response
		is     error
	}{
		"no body":     {&http.Response{StatusCode: http.StatusNoContent}, nil},
		"no response": {nil, runners.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(func(*http.Request) (*http.Response, error) { return c.answer, nil })
			err := client(t, s, &runners.Options{MaxAttempts: 1}).Runners.Delete(t.Context(), 6)
			require.ErrorIs(t, err, c.is)
		})
	}
}

// TestBody_rewound: each attempt sends the same body.
func TestBody_rewound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(reply(502, ""), fail(errReset), reply(200, aRunner))
		text := strings.Repeat("x", 1<<16)
		_, err := client(t, s, nil).Runners.Update(t.Context(), 6, &runners.UpdateOptions{Description: &text})
		require.NoError(t, err)
		want, err := json.Marshal(map[string]string{"description": text})
		require.NoError(t, err)
		require.Len(t, s.requests(), 3)
		for i, r := range s.requests() {
			assert.True(t, string(want) == r.Body, fmt.Sprintf("attempt %d", i+1))
		}
	})
}
