// The fault matrix against a GitLab with state: each fault, before and after
// the work is done, against each class. What was asked, what was done, and what
// the caller is told.

package runners_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// A mishap comes between a client and a GitLab.
type mishap struct {
	next  http.RoundTripper
	fault step
	after bool         // GitLab has done its work by then
	times int32        // how many requests it happens to
	sent  atomic.Int32 // requests that the client sent
}

// RoundTrip has the fault happen, or passes the request on.
func (m *mishap) RoundTrip(req *http.Request) (*http.Response, error) {
	if m.sent.Add(1) > m.times {
		return m.next.RoundTrip(req)
	}
	if m.after {
		res, err := m.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	} else if req.Body != nil {
		_ = req.Body.Close()
	}
	return m.fault(req)
}

// A cell is a class in a world of its own.
type cell struct {
	call func(context.Context, *runners.Client) error
	done func() int // how often the work was done
}

// cells are one call of each class on a GitLab, in the order of classes.
func cells(t *testing.T, gitlab *runnerstest.Server) []cell {
	t.Helper()
	app := gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	r := gitlab.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}, Description: "old"})
	token := runners.NewToken(r.Token)
	worked := func(route string) func() int {
		return func() (n int) {
			for _, r := range gitlab.Requests(runnerstest.ByRoute(route)) {
				if r.Status < 300 {
					n++
				}
			}
			return n
		}
	}
	return []cell{
		{
			func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Get(ctx, r.ID)) },
			func() int { return 0 },
		},
		{
			func(ctx context.Context, c *runners.Client) error {
				d, err := c.Runners.Update(ctx, r.ID, &runners.UpdateOptions{Description: new("new")})
				if err == nil && d.Description != "new" {
					return errors.New("not updated")
				}
				return err
			},
			worked("PUT /runners/{id}"),
		},
		{
			func(ctx context.Context, c *runners.Client) error { return c.Runners.Delete(ctx, r.ID) },
			worked("DELETE /runners/{id}"),
		},
		{
			func(ctx context.Context, c *runners.Client) error { return one(c.Tokens.Verify(ctx, token, nil)) },
			worked("POST /runners/verify"),
		},
		{
			func(ctx context.Context, c *runners.Client) error {
				return one(c.Runners.Create(ctx, runners.ForProject(app.ID), nil))
			},
			worked("POST /user/runners"),
		},
		{
			func(ctx context.Context, c *runners.Client) error { return one(c.Runners.ResetToken(ctx, r.ID)) },
			worked("POST /runners/{id}/reset_authentication_token"),
		},
	}
}

// gitlabBehind is a GitLab, and a client that reaches it by way of a mishap.
func gitlabBehind(t *testing.T, m *mishap, o runners.Options) (*runnerstest.Server, *runners.Client) {
	t.Helper()
	gitlab := runnerstest.NewServer(t, nil)
	m.next = gitlab.HTTPClient().Transport
	o.Transport = m
	c, err := runners.New("https://gitlab.example.com",
		runners.PrivateToken(gitlab.AddToken(runnerstest.AccessToken{User: "root"}).Token), &o)
	require.NoError(t, err)
	return gitlab, c
}

// unanswered are the faults after which nobody knows what was done.
func unanswered() []fault {
	return slices.DeleteFunc(slices.Concat(networkFaults(), statusFaults(), bodyFaults()),
		func(f fault) bool { return !f.doubt || f.name == "list" || f.name == "empty" })
}

// smallBody is a bound that GitLab's own answers keep, and the answer of the
// fault "too large" is made to exceed.
const smallBody = 4 << 10

// TestMatrix_afterwards: GitLab did it, and the answer is lost once. What may
// be repeated ends well; what may not was done once, and says so.
func TestMatrix_afterwards(t *testing.T) {
	t.Parallel()
	for _, f := range unanswered() {
		inBubble(t, f.name, func(t *testing.T) {
			for i, class := range classes {
				m := &mishap{fault: f.step, after: true, times: 1}
				gitlab, c := gitlabBehind(t, m, runners.Options{MaxBodyBytes: smallBody})
				work := cells(t, gitlab)[i]
				err := work.call(t.Context(), c)
				name := f.name + " " + string(class.class)
				switch {
				case class.once:
					require.ErrorIs(t, err, runners.ErrOutcomeUnknown, name)
					assert.Equal(t, 1, work.done(), name)
					assert.EqualValues(t, 1, m.sent.Load(), name)
				case f.sent[i] == 1: // a success that cannot be read: applied
					require.ErrorIs(t, err, runners.ErrUnexpectedResponse, name)
					assert.NotErrorIs(t, err, runners.ErrOutcomeUnknown, name)
					assert.EqualValues(t, 1, m.sent.Load(), name)
				default:
					require.NoError(t, err, name)
					assert.EqualValues(t, 2, m.sent.Load(), name)
				}
				if class.class == runners.ClassDelete {
					assert.Equal(t, 1, work.done(), name)
				}
			}
		})
	}
}

// TestMatrix_before: GitLab never saw the request. Nothing is done twice, and
// what cannot be known is said.
func TestMatrix_before(t *testing.T) {
	t.Parallel()
	for _, f := range append(networkFaults(), statusFaults()...) {
		inBubble(t, f.name, func(t *testing.T) {
			for i, class := range classes {
				m := &mishap{fault: f.step, times: 1}
				gitlab, c := gitlabBehind(t, m, runners.Options{})
				work := cells(t, gitlab)[i]
				err := work.call(t.Context(), c)
				name := f.name + " " + string(class.class)
				if f.sent[i] > 1 {
					require.NoError(t, err, name)
					assert.EqualValues(t, 2, m.sent.Load(), name)
					assert.LessOrEqual(t, work.done(), 1, name)
					continue
				}
				for _, is := range f.is {
					require.ErrorIs(t, err, is, name)
				}
				assert.Equal(t, f.doubt && class.once, errors.Is(err, runners.ErrOutcomeUnknown), name)
				assert.Contains(t, err.Error(), f.text, name)
				assert.Equal(t, f.phase, failure(t, err).Phase, name)
				assert.EqualValues(t, 1, m.sent.Load(), name)
				assert.Zero(t, work.done(), name)
			}
		})
	}
}

// TestMatrix_creates: a thousand creates, with faults at random, before and
// after, and contexts that end at random. GitLab has no more runners than were
// asked for, and every lost answer is told.
func TestMatrix_creates(t *testing.T) {
	t.Parallel()
	lost := unanswered()
	faults := slices.Concat(lost, networkFaults(), statusFaults())
	synctest.Test(t, func(t *testing.T) {
		const calls = 1000
		random := rand.New(rand.NewPCG(5, 6))
		var made, told atomic.Int32
		gitlab := runnerstest.NewServer(t, nil)
		root := gitlab.AddToken(runnerstest.AccessToken{User: "root"}).Token
		var group sync.WaitGroup
		for i := range calls {
			fault := random.IntN(len(faults))
			m := &mishap{
				next: gitlab.HTTPClient().Transport, fault: faults[fault].step,
				after: fault < len(lost), times: int32(random.IntN(3)),
			}
			limit := time.Duration(random.IntN(40_000)) * time.Millisecond
			c, err := runners.New(gitlabURL, runners.PrivateToken(root), &runners.Options{Transport: m, MaxBodyBytes: smallBody})
			require.NoError(t, err)
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := c.Runners.Create(ctx, runners.ForInstance(), &runners.CreateOptions{Description: fmt.Sprint(i)})
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, runners.ErrOutcomeUnknown):
					told.Add(1)
				}
			})
		}
		group.Wait()
		all, err := gitlab.Client(t).Runners.ListAll(nil).Collect(t.Context())
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, r := range all {
			assert.False(t, seen[r.Description], "twice: "+r.Description)
			seen[r.Description] = true
		}
		assert.GreaterOrEqual(t, len(all), int(made.Load()))
		assert.LessOrEqual(t, len(all), int(made.Load()+told.Load()), "each that is there was told of")
		assert.Greater(t, int(told.Load()), calls/10)
		assert.Greater(t, int(made.Load()), calls/10)
	})
}
