// How any request travels: what is refused before anything is sent, contexts
// that end, what the caller's own values and transports meet with.

package runners_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
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

func one[T any](_ T, err error) error { return err }

func all[T any](ctx context.Context, l *runners.Listing[T]) error { return one(l.Collect(ctx)) }

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
			"GET /groups/{id}/runners: id: neither an id nor a path",
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
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			began := time.Now()
			_, err := client(t, play(c.step), nil).Runners.Get(ctx, 6)
			assert.LessOrEqual(t, time.Since(began), time.Nanosecond)
			require.ErrorIs(t, err, c.is)
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
		"only a length": {
			&http.Response{StatusCode: http.StatusOK, Body: http.NoBody, ContentLength: 1 << 40}, nil, // as after a HEAD
		},
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
