// What more than one group of endpoints speaks of, and what an answer's fields
// become: values that may be null, ids that are strings, the strange, the new.

package runners_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

func TestNullable(t *testing.T) {
	t.Parallel()
	type settings struct {
		Timeout runners.Nullable[int]    `json:"timeout,omitzero"`
		Note    runners.Nullable[string] `json:"note,omitzero"`
	}
	for name, c := range map[string]struct {
		value settings
		want  string
	}{
		"unset": {settings{}, `{}`},
		"null":  {settings{runners.Null[int](), runners.Null[string]()}, `{"timeout":null,"note":null}`},
		"value": {settings{runners.Value(600), runners.Value("a")}, `{"timeout":600,"note":"a"}`},
		"zero":  {settings{runners.Value(0), runners.Value("")}, `{"timeout":0,"note":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(c.value)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, string(data))
			var back settings
			require.NoError(t, json.Unmarshal(data, &back))
			assert.Equal(t, c.value, back)
		})
	}
}

func TestNullable_states(t *testing.T) {
	t.Parallel()
	var unset runners.Nullable[int]
	for name, c := range map[string]struct {
		n                runners.Nullable[int]
		value            int
		has, null, unset bool
	}{
		"unset": {unset, 0, false, false, true},
		"null":  {runners.Null[int](), 0, false, true, false},
		"value": {runners.Value(600), 600, true, false, false},
		"zero":  {runners.Value(0), 0, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, has := c.n.Get()
			assert.Equal(t, c.value, value)
			assert.Equal(t, c.has, has)
			assert.Equal(t, c.null, c.n.IsNull())
			assert.Equal(t, c.unset, c.n.IsZero())
		})
	}
	data, err := json.Marshal(unset)
	require.NoError(t, err)
	assert.Equal(t, "null", string(data))
	n := runners.Value(600)
	require.Error(t, json.Unmarshal([]byte(`"six"`), &n))
	require.NoError(t, json.Unmarshal([]byte(`null`), &n))
	assert.True(t, n.IsNull())
}

func TestRef_String(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "42", runners.ID(42).String())
	assert.Equal(t, "group/app", runners.Path("group/app").String())
	assert.Equal(t, "0", runners.Ref{}.String())
}

// TestRunner_nulls: null, absent and false are told apart where it matters.
func TestRunner_nulls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		online *bool
		paused *bool
		is     bool
	}{
		"new":               {`{"online":true,"paused":false,"active":true}`, new(true), new(false), false},
		"paused":            {`{"online":false,"paused":true,"active":false}`, new(false), new(true), true},
		"never contacted":   {`{"online":null,"paused":true}`, nil, new(true), true},
		"without active":    {`{"paused":false}`, nil, new(false), false},
		"before 14.8":       {`{"active":true}`, nil, nil, false},
		"before 14.8, off":  {`{"active":false}`, nil, nil, true},
		"paused, a null":    {`{"paused":null,"active":true}`, nil, nil, false},
		"they contradict":   {`{"paused":true,"active":true}`, nil, new(true), true},
		"nothing is stated": {`{}`, nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r runners.Runner
			require.NoError(t, json.Unmarshal([]byte(c.body), &r))
			assert.Equal(t, c.online, r.Online)
			assert.Equal(t, c.paused, r.Paused)
			assert.Equal(t, c.is, r.IsPaused())
		})
	}
}

// TestRunnerDetails_decode: nulls and unknown values do no harm.
func TestRunnerDetails_decode(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `{
		"id": 9007199254740993, "description": "ü \"<script>\" \u202e", "name": null, "ip_address": null,
		"runner_type": "fleet_type", "status": "asleep", "access_level": "branch_protected",
		"created_at": "2026-07-01T14:00:00.123+02:00", "created_by": null, "contacted_at": null,
		"maximum_timeout": null, "maintenance_note": null, "tag_list": ["a", null, "b,c"],
		"projects": [], "groups": null, "token": null, "from_the_future": {"a": 1}}`))
	d, err := client(t, s, nil).Runners.Get(t.Context(), 6)
	require.NoError(t, err)
	assert.Equal(t, &runners.RunnerDetails{
		Runner: runners.Runner{
			ID: 9007199254740993, Description: "ü \"<script>\" \u202e",
			RunnerType: "fleet_type", Status: "asleep", CreatedAt: d.CreatedAt,
		},
		AccessLevel: "branch_protected", TagList: []string{"a", "", "b,c"}, Projects: []runners.Project{},
	}, d)
	assert.True(t, time.Date(2026, 7, 1, 12, 0, 0, 123e6, time.UTC).Equal(*d.CreatedAt))
}

// TestRunner_odd: values that GitLab does not give are read as they are, alike
// in a list and alone, or are an error; never is anything else made of them.
func TestRunner_odd(t *testing.T) {
	t.Parallel()
	at := func(text string) *time.Time {
		when, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		return &when
	}
	for fields, want := range map[string]*runners.Runner{ // nil = an error
		`"id":9007199254740993`:    {ID: 9007199254740993},
		`"id":9223372036854775807`: {ID: math.MaxInt64},
		`"id":-5`:                  {ID: -5},
		`"id":0`:                   {},
		`"id":null,"created_at":null,"created_by":null`: {},
		`"id":6,"description":"a\u0000b"`:               {ID: 6, Description: "a\x00b"},
		`"id":6,"description":"` + "a\xffb" + `"`:       {ID: 6, Description: "a\ufffdb"},
		`"id":5,"id":6`: {ID: 6},
		`"id":6,"created_at":"2026-07-01T12:00:00+14:00"`: {ID: 6, CreatedAt: at("2026-06-30T22:00:00Z")},
		`"id":6,"created_at":"2026-07-01T12:00:00-12:45"`: {ID: 6, CreatedAt: at("2026-07-02T00:45:00Z")},
		`"id":6,"created_at":"2026-07-01T12:00:00.9999Z"`: {ID: 6, CreatedAt: at("2026-07-01T12:00:00.9999Z")},
		`"id":6,"created_at":"2026-07-01 12:00:00 +0000"`: nil,
		`"id":6,"created_at":"2026-07-01T12:00:00"`:       nil,
		`"id":6,"created_at":"0000-00-00"`:                nil,
		`"id":6,"created_at":"0000-00-00T00:00:00Z"`:      nil,
		`"id":6,"created_at":"2026-02-30T00:00:00Z"`:      nil,
		`"id":6,"created_at":1782907200`:                  nil,
		`"id":"12"`:                                       nil,
		`"id":1e3`:                                        nil,
		`"id":6.0`:                                        nil,
		`"id":9223372036854775808`:                        nil,
	} {
		inBubble(t, fields, func(t *testing.T) {
			d, err := client(t, play(reply(200, `{`+fields+`}`)), nil).Runners.Get(t.Context(), 6)
			list, listErr := client(t, play(reply(200, `[{`+fields+`}]`)), nil).Runners.List(nil).Collect(t.Context())
			if want == nil {
				require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
				require.ErrorIs(t, listErr, runners.ErrUnexpectedResponse)
				return
			}
			require.NoError(t, listErr)
			both := []*runners.Runner{list[0]}
			if want.ID == 0 { // one runner has an id; of a list, its row is left to the caller
				require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			} else {
				require.NoError(t, err)
				both = append(both, &d.Runner)
			}
			for _, got := range both {
				if want.CreatedAt != nil {
					assert.True(t, want.CreatedAt.Equal(*got.CreatedAt))
					got.CreatedAt = want.CreatedAt
				}
				assert.Equal(t, want, got)
			}
		})
	}
}

// TestNewRunner_decode: a runner that exists already is not lost over how its
// id is written.
func TestNewRunner_decode(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for body, want := range map[string]runners.NewRunner{
		`{"id":12,"token":"glrt-x","token_expires_at":null}`:                  {ID: 12},
		`{"id":"12345","token":"glrt-x","token_expires_at":null}`:             {ID: 12345},
		`{"id":12,"token":"glrt-x"}`:                                          {ID: 12},
		`{"token":"glrt-x"}`:                                                  {},
		`{"id":null,"token":"glrt-x"}`:                                        {},
		`{"id":12,"token":"glrt-x","new":[]}`:                                 {ID: 12},
		`{"id":9223372036854775807,"token":"glrt-x"}`:                         {ID: 9223372036854775807},
		`{"id":1,"token":"glrt-x","token_expires_at":"2026-07-01T12:00:00Z"}`: {ID: 1, TokenExpiresAt: &expires},
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, play(reply(201, body)), nil).Runners.Create(t.Context(), runners.ForInstance(), nil)
			require.NoError(t, err)
			assert.Equal(t, "glrt-x", got.Token.Reveal())
			want.Token = got.Token
			assert.Equal(t, want, *got)
		})
	}
	for _, body := range []string{
		`{"id":"twelve","token":"glrt-canary0"}`, `{"id":1e30,"token":"glrt-canary0"}`,
		`{"id":1.5,"token":"glrt-canary0"}`, `{"id":[],"token":"glrt-canary0"}`, `{"id":12,"token":["glrt-canary0"]}`,
		`{"id":12,"token":"glrt-canary0","token_expires_at":"tomorrow"}`, `[]`,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, play(reply(201, body)), nil).Runners.Create(t.Context(), runners.ForInstance(), nil)
			require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			assert.Nil(t, got)
			hasNoCanary(t, failure(t, err))
		})
	}
}

// TestVerification_decode: the bare status of servers before 15.10, and what
// came after it.
func TestVerification_decode(t *testing.T) {
	t.Parallel()
	for body, id := range map[string]int64{
		`200`: 0, `"200"`: 0, `{"id":12,"token":"glrt-x","token_expires_at":null}`: 12, `{"id":"12","token":"glrt-x"}`: 12,
	} {
		for _, media := range []string{"application/json", "text/plain", ""} {
			t.Run(body+" "+media, func(t *testing.T) {
				t.Parallel()
				s := play(reply(200, body, "Content-Type", media))
				v, err := client(t, s, nil).Tokens.Verify(t.Context(), owned, nil)
				require.NoError(t, err)
				assert.Equal(t, id, v.ID)
				assert.Equal(t, id == 0, v.Token.IsZero())
				assert.Nil(t, v.TokenExpiresAt)
			})
		}
	}
	for _, body := range []string{`201`, `"ok"`, `true`, `[]`, `null`, ``} {
		t.Run("refused "+body, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, play(reply(200, body)), nil).Tokens.Verify(t.Context(), owned, nil)
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
		})
	}
}

// TestJob_decode: nulls of a job that has not run, and a status of tomorrow.
func TestJob_decode(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `[{"id":1,"status":"dreaming","coverage":null,"duration":null,"started_at":null,
		"user":null,"commit":null,"pipeline":{"id":2},"project":{"id":3,"namespace":{"parent_id":null}}}]`))
	jobs, err := client(t, s, nil).Runners.Jobs(6, nil).Collect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []*runners.Job{{
		ID: 1, Status: "dreaming", Pipeline: &runners.Pipeline{ID: 2},
		Project: &runners.Project{ID: 3, Namespace: &runners.Namespace{}},
	}}, jobs)
}
