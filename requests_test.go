// What each method puts on the wire, with nothing and with everything set.

package runners_test

import (
	"context"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestPauseOnTheWire: on older servers, in their words.
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
		"no runner":   {"", []step{reply(200, `{"status":"ok"}`)}, []string{`{"paused":true}`}, runners.ErrUnexpectedResponse},
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
		"":                             "neither an id nor a path",
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
