package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
	"github.com/seed-832548de/runners/fleet"
)

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-nonsense"}, "not defined"},
		{[]string{"acme"}, `unexpected argument "acme"`},
		{[]string{"-rows", "0"}, "must be positive"},
		{[]string{"-all", "-group", "acme"}, "exclude each other"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &log), c.want)
	}
}

func TestWatchesTheFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-for", "1m"}, &out, &log))
		for _, want := range []string{
			" 1 builder-1: is online\n", " 1 builder-1: is paused\n", " 1 builder-1: is resumed\n",
			" 12 deployer-12: is offline\n", ": is new, and online\n", ": is gone\n", "description is \"renamed at ",
		} {
			assert.Contains(t, out.String(), want)
		}
		assert.NotContains(t, out.String(), "\x1b")
		assert.Contains(t, log.String(), "made up")
	})
}

func TestWatchesDetails(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-for", "1m", "-details"}, &out, &log))
		assert.Contains(t, out.String(), `: tag_list is "docker, large" now, and was ""`)
	})
}

func TestPartOfALookIsNotHopeless(t *testing.T) {
	t.Parallel()
	assert.True(t, hopeless(runners.ErrForbidden))
	assert.False(t, hopeless(runners.ErrServer))
	assert.False(t, hopeless(&fleet.PartialError{Errs: []error{runners.ErrForbidden}}))
}

func TestTheTableLives(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		s := &table{out: &out, rows: 5}
		c := choices{interval: 2 * time.Second, duration: 20 * time.Second}
		require.NoError(t, c.watch(t.Context(), s, &log))
		s.close()

		drawings := strings.Split(out.String(), "\x1b[J")
		require.Greater(t, len(drawings), 5)
		assert.LessOrEqual(t, len(drawings), 2*20/2+2, "not one for each event")
		assert.Contains(t, drawings[0], "12 runners   12 online")
		assert.Contains(t, drawings[0], "and 7 that changed before")
		assert.Contains(t, out.String(), "  deployer-12 is offline\n")
		for i, d := range drawings[:len(drawings)-1] {
			lines := strings.Count(d, "\n")
			assert.True(t, strings.HasSuffix(d, fmt.Sprintf("\x1b[%dA", lines)), "drawing %d goes back to its beginning", i)
		}
	})
}

func TestWatchesAGitLab(t *testing.T) {
	gitlab := fakegitlab.World(t)
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", "glpat-fake-root-0000001")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-all"}, "11 forgotten: is stale\n"},
		{[]string{"-all", "-plain"}, "5 development_runner: is paused\n"},
		{[]string{"-group", "acme/tools"}, "10 never seen: is never contacted\n"},
		{[]string{"-all", "-details"}, "11 forgotten: is stale\n"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		out, log := &stopAt{text: c.want, stop: cancel}, &bytes.Buffer{}
		require.NoError(t, run(ctx, c.args, out, log))
		assert.Contains(t, out.String(), c.want)
		assert.Empty(t, log.String())
	}
	t.Setenv("GITLAB_TOKEN", "glpat-wrong")
	var out, log bytes.Buffer
	require.ErrorIs(t, run(t.Context(), nil, &out, &log), runners.ErrUnauthorized, "there is no use in going on")
}

// stopAt is an output whose reader leaves once it has read a text.
type stopAt struct {
	bytes.Buffer

	text string
	stop func()
}

func (s *stopAt) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.text) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

func TestWords(t *testing.T) {
	t.Parallel()
	there := &runners.Runner{Status: runners.StatusNeverContacted, Paused: new(false)}
	for want, e := range map[string]fleet.Event{
		"is never contacted":      {Kind: fleet.EventAppeared, First: true, Runner: there},
		"is new, and never conta": {Kind: fleet.EventAppeared, Runner: there},
		"is gone":                 {Kind: fleet.EventGone},
		"is stale":                {Kind: fleet.EventStale, Runner: there},
		`name is "b" now, and was "a"; ip_address is "2" now`: {Kind: fleet.EventChanged, Changes: []fleet.Change{
			{Field: "name", Old: "a", New: "b"}, {Field: "ip_address", Old: "1", New: "2"},
		}},
	} {
		assert.Contains(t, words(e), want)
	}
}

func TestTheTableKeepsItsShape(t *testing.T) {
	t.Parallel()
	s := &table{out: &bytes.Buffer{}, rows: 2, color: true}
	long := strings.Repeat("é\x1b", 60)
	for i := range int64(4) {
		s.event(fleet.Event{Kind: fleet.EventAppeared, ID: i, Description: long, Runner: &runners.Runner{
			Status: runners.StatusOnline, Paused: new(i == 0),
		}})
	}
	s.failed(errors.New(strings.Repeat("no ", 100)))
	s.close()
	text := s.text()
	assert.Contains(t, text, "4 runners   \x1b[32m3 online\x1b[0m   \x1b[34m1 paused\x1b[0m")
	for _, code := range []string{"\x1b[32m", "\x1b[34m", "\x1b[0m", noWrap, wrap} {
		text = strings.ReplaceAll(text, code, "")
	}
	assert.NotContains(t, text, "\x1b")
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len([]rune(line)), 80, line)
	}
}

// looks are the progress of a look at 2,500 runners and their details.
func looks(total int) (all []fleet.WatchProgress) {
	p := fleet.WatchProgress{At: time.Now(), RowsTotal: total}
	for ; p.Rows <= 2500; p.Rows += 100 {
		all = append(all, p)
	}
	p.Rows, p.DetailsTotal = 2500, 2500
	for ; p.Details <= 2500; p.Details++ {
		all = append(all, p)
	}
	p.Details, p.Done = 2500, true
	return append(all, p)
}

func TestLongListsShowProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		l := &lines{out: &out, log: &log}
		for _, p := range append(looks(2500), looks(0)...) {
			l.look(p)
		}
		rest := "500 of 2500 details read\n1500 of 2500 details read\n2500 of 2500 details read\n2500 runners read in 0s\n"
		assert.Equal(t, "1000 of 2500 runners read\n2000 of 2500 runners read\n"+rest+
			"1000 runners read\n2000 runners read\n"+rest, log.String())
		l.failed(errors.New("no answer"))
		assert.Contains(t, log.String(), "no answer, and another look soon\n")
		assert.Empty(t, out.String())
	})
}

func TestTheTableShowsProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{out: &bytes.Buffer{}, rows: 2}
		var feet []string
		show := func(p fleet.WatchProgress) {
			s.look(p)
			feet = append(feet, strings.TrimPrefix(s.foot, time.Now().Format(time.TimeOnly)+"  "))
		}
		now := time.Now()
		show(fleet.WatchProgress{At: now})
		show(fleet.WatchProgress{At: now, Rows: 100})
		show(fleet.WatchProgress{At: now, Rows: 100, RowsTotal: 1000})
		show(fleet.WatchProgress{At: now, Rows: 1000, RowsTotal: 1000, Details: 500, DetailsTotal: 1000})
		time.Sleep(1500 * time.Millisecond)
		show(fleet.WatchProgress{At: now, Rows: 1000, RowsTotal: 1000, Done: true})
		s.failed(errors.New("no answer"))
		show(fleet.WatchProgress{At: now, Done: true, Err: errors.New("no answer")})
		show(fleet.WatchProgress{At: now})
		assert.Equal(t, []string{
			"0 runners read",
			"100 runners read",
			"███░░░░░░░░░░░░░░░░░░░░░░░░░░░  100 of 1000 runners read",
			"███████████████░░░░░░░░░░░░░░░  500 of 1000 details read",
			"1000 runners read in 1.5s",
			"no answer",
			"no answer",
		}, feet)
		s.close()
	})
}

func TestAFileIsNoTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer file.Close()
	assert.False(t, isTerminal(file))
	assert.False(t, isTerminal(&bytes.Buffer{}))
}
