// What to do about an unknown outcome: what the error says, and the search for
// the runner that may have been created.

package runners_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// losing passes everything on, and loses the answers to POST.
type losing struct{ next http.RoundTripper }

func (l losing) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if req.Method == http.MethodPost && err == nil {
		_ = res.Body.Close()
		return nil, errReset
	}
	return res, err
}

// TestOutcomeUnknown_wayOut: each endpoint that is never repeated says what
// recovers from a lost answer.
func TestOutcomeUnknown_wayOut(t *testing.T) {
	t.Parallel()
	ways := map[string]string{
		"Runners.Create":                  hints[runners.ClassCreate],
		"Runners.ResetToken":              hints[runners.ClassRotate],
		"Projects.Assign":                 "Runners.Get tells, and Assign says so when it is)",
		"Tokens.Register":                 "look for its description before you register again)",
		"Legacy.Register":                 "look for its description before you register again)",
		"Tokens.Reset":                    "Runners.ResetToken makes another, by id and with an access token)",
		"Runners.ResetRegistrationToken":  "the new one is lost; reset it again)",
		"Projects.ResetRegistrationToken": "the new one is lost; reset it again)",
		"Groups.ResetRegistrationToken":   "the new one is lost; reset it again)",
		"Do":                              "(outcome unknown: it may have been done; look before you try again)",
	}
	met := map[string]bool{}
	for _, w := range wires() {
		s := play(fail(errReset))
		err := w.call(t.Context(), client(t, s, &runners.Options{MaxAttempts: 1}))
		if !errors.Is(err, runners.ErrOutcomeUnknown) {
			continue
		}
		met[w.method] = true
		require.Contains(t, ways, w.method)
		assert.Contains(t, err.Error(), ways[w.method])
		oneShortLine(t, err.Error())
	}
	assert.Len(t, met, len(ways))
}

// TestOutcomeUnknown_noToken: what makes a token, and is answered without one,
// is no success: it was done, and its secret is lost.
func TestOutcomeUnknown_noToken(t *testing.T) {
	t.Parallel()
	const text = ": 201 no token where GitLab answers with one (outcome unknown: "
	met := map[string]bool{}
	for _, w := range wires() {
		if w.answer != aToken || w.method == "Tokens.Verify" || w.method == "Legacy.Delete" {
			continue
		}
		met[w.method] = true
		for _, body := range []string{`{}`, `{"id":6}`, `{"id":6,"token":null}`, `{"id":6,"token":""}`} {
			t.Run(w.method+" "+w.how+" "+body, func(t *testing.T) {
				t.Parallel()
				s := play(reply(201, body))
				err := w.call(t.Context(), client(t, s, nil))
				require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
				require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), text)
				assert.Equal(t, runners.PhaseAnswered, failure(t, err).Phase)
				assert.Len(t, s.requests(), 1)
			})
		}
	}
	assert.Len(t, met, 8, "creations and resets")
}

// TestFindCreated: a runner whose creation got lost is found, whoever owns it,
// and no other.
func TestFindCreated(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	for name, owner := range map[string]runners.Owner{
		"instance": runners.ForInstance(),
		"group":    runners.ForGroup(s.group.ID),
		"project":  runners.ForProject(s.app.ID),
	} {
		for _, o := range []*runners.CreateOptions{
			{Description: name + " gpu", TagList: []string{"gpu", "db"}},
			{Description: name + " paused", Paused: new(true)},
		} {
			_, err := s.admin.Runners.Create(t.Context(), owner, &runners.CreateOptions{Description: "another"})
			require.NoError(t, err)
			c := losingClient(t, s.Server)
			_, lost := c.Runners.Create(t.Context(), owner, o)
			require.ErrorIs(t, lost, runners.ErrOutcomeUnknown)
			found, err := runners.FindCreated(t.Context(), c, lost)
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, o.Description, found[0].Description)

			found, err = runners.FindCreated(t.Context(), c, fmt.Errorf("wrapped: %w", lost))
			require.NoError(t, err)
			assert.Len(t, found, 1)
		}
	}
}

// losingClient is an administrator's client that loses answers to POST.
func losingClient(t *testing.T, gitlab *runnerstest.Server) *runners.Client {
	t.Helper()
	return clientAs(t, runners.PrivateToken(gitlab.AddToken(runnerstest.AccessToken{User: "root"}).Token),
		losing{gitlab.HTTPClient().Transport}, nil)
}

// TestFindCreated_rows: which rows of a list may be the runner.
func TestFindCreated_rows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		description, row string
		want             int
	}{
		"same":            {"db", `{"id":6,"description":"db","created_at":"2000-01-01T00:00:00.000Z"}`, 1},
		"clock behind":    {"db", `{"id":6,"description":"db","created_at":"1999-12-31T23:56:00.000Z"}`, 1},
		"before":          {"db", `{"id":6,"description":"db","created_at":"1999-12-31T23:54:00.000Z"}`, 0},
		"other":           {"db", `{"id":6,"description":"dc","created_at":"2000-01-01T00:00:00.000Z"}`, 0},
		"made contact":    {"db", `{"id":6,"description":"db","created_at":"2000-01-01T00:00:00.000Z","online":false}`, 0},
		"old GitLab":      {"db", `{"id":6,"description":"db"}`, 1},
		"nothing to go":   {"", `{"id":6,"description":""}`, 0},
		"no description":  {"", `{"id":6,"description":null,"created_at":"2000-01-01T00:00:00.000Z"}`, 1},
		"several of them": {"db", `{"id":6,"description":"db"},{"id":7,"description":"db"}`, 2},
		"none":            {"db", ``, 0},
	} {
		inBubble(t, name, func(t *testing.T) {
			s := play(fail(errReset), reply(200, `[`+c.row+`]`, "X-Next-Page", ""))
			gitlab := client(t, s, nil)
			tags := []string{"a", "b"}
			_, err := gitlab.Runners.Create(t.Context(), runners.ForProject(9),
				&runners.CreateOptions{Description: c.description, TagList: tags})
			tags[0] = "the caller's own by now"
			time.Sleep(time.Hour) // looked up later
			found, err := runners.FindCreated(t.Context(), gitlab, err)
			require.NoError(t, err)
			assert.Len(t, found, c.want)
			assert.Equal(t, "/api/v4/projects/9/runners?page=1&per_page=100&tag_list=a%2Cb&type=project_type",
				s.requests()[1].URI)
		})
	}
}

// TestFindCreated_refused: another error has nothing to find; that of the list
// reaches the caller.
func TestFindCreated_refused(t *testing.T) {
	t.Parallel()
	c := client(t, play(fail(errReset), reply(403, `{"message":"403 Forbidden"}`)), nil)
	_, lost := c.Runners.Create(t.Context(), runners.ForInstance(), nil)
	_, err := runners.FindCreated(t.Context(), c, lost)
	require.ErrorIs(t, err, runners.ErrForbidden)
	_, reset := client(t, play(fail(errReset)), nil).Runners.ResetToken(t.Context(), 6)
	for _, other := range []error{nil, errReset, reset, err} {
		_, err := runners.FindCreated(t.Context(), client(t, fails{t}, nil), other)
		require.ErrorIs(t, err, runners.ErrInvalid)
	}
}
