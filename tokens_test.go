package runners_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	s := newStage(t, "16.11.0")
	s.Allow("active", "maintainer_note") // deprecated, and still offered
	machine := s.stranger
	r, err := machine.Tokens.Register(t.Context(), runners.NewToken(s.group.RunnersToken), &runners.RegisterOptions{
		Description: "registered", Info: &runners.RunnerInfo{Name: "gitlab-runner", Version: "16.11.1"},
		Paused: new(true), Locked: new(true), RunUntagged: new(false), TagList: []string{"a", "b"},
		AccessLevel: runners.RefProtected, MaximumTimeout: new(600), MaintenanceNote: "note",
	})
	require.NoError(t, err)
	assert.False(t, r.Token.IsZero())
	d, err := s.admin.Runners.Get(t.Context(), r.ID)
	require.NoError(t, err)
	assert.Equal(t, runners.GroupType, d.RunnerType)
	assert.Equal(t, []any{"registered", "gitlab-runner", "note", 600},
		[]any{d.Description, d.Name, *d.MaintenanceNote, *d.MaximumTimeout})
	assert.Equal(t, []bool{true, true, false}, []bool{d.IsPaused(), d.Locked, d.RunUntagged})
	assert.Equal(t, runners.RefProtected, d.AccessLevel)
	assert.ElementsMatch(t, []string{"a", "b"}, d.TagList)

	old, err := machine.Tokens.Register(t.Context(), runners.NewToken(s.app.RunnersToken), &runners.RegisterOptions{
		Active: new(false), MaintainerNote: "older name",
	})
	require.NoError(t, err)
	d, err = s.admin.Runners.Get(t.Context(), old.ID)
	require.NoError(t, err)
	assert.Equal(t, runners.ProjectType, d.RunnerType)
	assert.True(t, d.IsPaused())
	assert.Equal(t, "older name", *d.MaintenanceNote)
}

func TestRegisterRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, "16.11.0")
	s.Allow("active") // deprecated, and still offered
	good := runners.NewToken(s.app.RunnersToken)
	for name, c := range map[string]struct {
		token   runners.Token
		options *runners.RegisterOptions
		want    error
		text    string
	}{
		"unknown token": {runners.NewToken("GR1348941-unknown"), nil, runners.ErrForbidden, "invalid token supplied"},
		"no token":      {runners.Token{}, nil, runners.ErrInvalid, "token is empty"},
		"access token":  {runners.NewToken("glpat-abc"), nil, runners.ErrInvalid, "access tokens go to New"},
		"timeout":       {good, &runners.RegisterOptions{MaximumTimeout: new(0)}, runners.ErrInvalid, "needs to be at least 10 minutes"},
		"untagged":      {good, &runners.RegisterOptions{RunUntagged: new(false)}, runners.ErrInvalid, "can not be empty"},
		"both":          {good, &runners.RegisterOptions{Active: new(true), Paused: new(true)}, runners.ErrInvalid, "active, paused are mutually exclusive"},
		"long":          {good, &runners.RegisterOptions{Description: strings.Repeat("x", 1025)}, runners.ErrInvalid, "is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.stranger.Tokens.Register(t.Context(), c.token, c.options)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
		})
	}
	assert.Empty(t, ids(t, s.admin.Runners.ListAll(nil)), "nothing was registered")

	newest := newStage(t, "")
	_, err := newest.stranger.Tokens.Register(t.Context(), runners.NewToken(newest.app.RunnersToken), nil)
	require.ErrorIs(t, err, runners.ErrGone)
	require.ErrorContains(t, err, "use Runners.Create (POST /user/runners)")
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for version, known := range map[string]bool{"13.10.0": false, "15.9.0": false, "15.10.0": true, "19.1.0": true} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, version)
			r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}})
			v, err := s.stranger.Tokens.Verify(t.Context(), runners.NewToken(r.Token), nil)
			require.NoError(t, err)
			want := runners.Verification{}
			if known {
				want.ID = r.ID
			}
			assert.Equal(t, want.ID, v.ID)
			assert.Equal(t, known, v.Token.Equal(runners.NewToken(r.Token)))

			_, err = s.stranger.Tokens.Verify(t.Context(), runners.NewToken("glrt-unknown"), nil)
			require.ErrorIs(t, err, runners.ErrForbidden)
		})
	}
}

func TestVerifyMakesAManager(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	expires := s.Now().Add(time.Hour).Truncate(time.Millisecond)
	r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}, TokenExpiresAt: runnerstest.At(expires)})
	for range 2 {
		v, err := s.stranger.Tokens.Verify(t.Context(), runners.NewToken(r.Token), &runners.VerifyOptions{SystemID: "s_1"})
		require.NoError(t, err)
		assert.True(t, expires.Equal(*v.TokenExpiresAt))
	}
	managers, err := s.maintainer.Runners.Managers(t.Context(), r.ID)
	require.NoError(t, err)
	require.Len(t, managers, 1)
	assert.Equal(t, "s_1", managers[0].SystemID)

	s.Advance(2 * time.Hour)
	_, err = s.stranger.Tokens.Verify(t.Context(), runners.NewToken(r.Token), nil)
	require.ErrorIs(t, err, runners.ErrForbidden, "the token has expired")
}

func TestResetByToken(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.projectRunner()
	fresh, err := s.stranger.Tokens.Reset(t.Context(), runners.NewToken(r.Token))
	require.NoError(t, err)
	_, err = s.stranger.Tokens.Reset(t.Context(), runners.NewToken(r.Token))
	require.ErrorIs(t, err, runners.ErrForbidden)
	v, err := s.stranger.Tokens.Verify(t.Context(), fresh.Token, nil)
	require.NoError(t, err)
	assert.Equal(t, r.ID, v.ID)
}

// TestResetByToken_twice: of two resets at once by the same token one has the
// new token, and the other is refused. Neither shows it.
func TestResetByToken_twice(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.projectRunner()
	var results [2]*runners.AuthenticationToken
	var errs [2]error
	var both sync.WaitGroup
	for i := range results {
		both.Go(func() { results[i], errs[i] = s.stranger.Tokens.Reset(t.Context(), runners.NewToken(r.Token)) })
	}
	both.Wait()
	won := 0
	if errs[0] != nil {
		won = 1
	}
	require.NoError(t, errs[won])
	require.ErrorIs(t, errs[1-won], runners.ErrForbidden)
	assert.Nil(t, results[1-won])
	for _, secret := range []string{r.Token, results[won].Token.Reveal()} {
		assert.NotContains(t, fmt.Sprintf("%+v %+v %#v %v", results[won], results[1-won], errs[1-won], errs[1-won]), secret)
	}
	v, err := s.stranger.Tokens.Verify(t.Context(), results[won].Token, nil)
	require.NoError(t, err)
	assert.Equal(t, r.ID, v.ID)
}

func TestDeleteByToken(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.projectRunner()
	token := runners.NewToken(r.Token)
	old := &runners.DeleteOptions{IfUnmodifiedSince: s.Now().Add(-24 * time.Hour)}
	require.ErrorIs(t, s.stranger.Tokens.Delete(t.Context(), token, old), runners.ErrPreconditionFailed)
	require.NoError(t, s.stranger.Tokens.Delete(t.Context(), token))
	require.ErrorIs(t, s.stranger.Tokens.Delete(t.Context(), token), runners.ErrForbidden)
	assert.Empty(t, ids(t, s.admin.Runners.ListAll(nil)))
}

func TestDeleteManager(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}, Managers: []runnerstest.Manager{
		{SystemID: "s_1", ContactedAt: runnerstest.Ago(time.Minute)}, {SystemID: "s_2"},
	}})
	token := runners.NewToken(r.Token)
	require.NoError(t, s.stranger.Tokens.DeleteManager(t.Context(), token, "s_1"))
	require.ErrorIs(t, s.stranger.Tokens.DeleteManager(t.Context(), token, "s_1"), runners.ErrNotFound)
	require.ErrorIs(t, s.stranger.Tokens.DeleteManager(t.Context(), token, ""), runners.ErrInvalid)
	require.ErrorIs(t, s.stranger.Tokens.DeleteManager(t.Context(), runners.NewToken("glrt-x"), "s_2"), runners.ErrForbidden)
	managers, err := s.maintainer.Runners.Managers(t.Context(), r.ID)
	require.NoError(t, err)
	require.Len(t, managers, 1)
}

func TestLegacy(t *testing.T) {
	t.Parallel()
	s := newStage(t, "8.2.0")
	r, err := s.admin.Legacy.Register(t.Context(), runners.NewToken(s.app.RunnersToken), &runners.LegacyRegisterOptions{
		Description: "old", TagList: []string{"a", "b"}, Info: &runners.RunnerInfo{Name: "multi-runner", Version: "1.0"},
	})
	require.NoError(t, err)
	all, err := s.stranger.Legacy.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, r.ID, all[0].ID)
	assert.True(t, r.Token.Equal(all[0].Token), "any user sees the tokens")

	gone, err := s.stranger.Legacy.Delete(t.Context(), r.Token)
	require.NoError(t, err)
	assert.Equal(t, []any{r.ID, "old", "multi-runner"}, []any{gone.ID, gone.Description, gone.Name})
	assert.NotNil(t, gone.CreatedAt)
	_, err = s.stranger.Legacy.Delete(t.Context(), r.Token)
	require.ErrorIs(t, err, runners.ErrForbidden)
	_, err = s.admin.Legacy.Register(t.Context(), runners.NewToken("nonsense"), nil)
	require.ErrorIs(t, err, runners.ErrForbidden)

	newer := newStage(t, "10.0.0")
	_, err = newer.admin.Legacy.List(t.Context())
	require.ErrorIs(t, err, runners.ErrNotFound)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"8.13.0", "13.10.0", "19.1.0"} {
		v, err := runnerstest.NewServer(t, &runnerstest.Options{Version: version}).Client(t).Version(t.Context())
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(v.Version, version))
		assert.NotEmpty(t, v.Revision)
	}
}
