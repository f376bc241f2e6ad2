package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
	"github.com/seed-832548de/runners/runnerstest"
)

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-nonsense"}, "not defined"},
		{[]string{"acme"}, `unexpected argument "acme"`},
		{[]string{"-all", "-group", "acme"}, "exclude each other"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &log), c.want)
	}
}

func TestReportsOnTheFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	file := filepath.Join(t.TempDir(), "report.html")
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-o", file}, &out, &log))
	assert.Regexp(t, `^\d+ of 96 runners are online, .* The picture is in .*report\.html\n$`, out.String())
	assert.Contains(t, log.String(), "made up")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	page := string(text)

	for _, want := range []string{
		"<h2>Status</h2>", "<h2>Versions</h2>", "<h2>Last contact</h2>", "<h2>Age</h2>",
		"<h2>Tags</h2>", "<h2>Projects</h2>", "<h2>Worth a look</h2>",
		">kubernetes</span>", ">acme/app</span>", ">19.1</span>", "prefers-color-scheme: dark",
	} {
		assert.Contains(t, page, want)
	}
	assert.NotRegexp(t, regexp.MustCompile(`(?i)(src|href)=|url\(|@import|https?:`), page, "all is in the file")
	assert.NotRegexp(t, `glpat-|glrt-|ZgotmplZ|%!`, page)
	wellFormed(t, page)
}

// wellFormed checks that what is opened is closed.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestReportsOnAGitLab(t *testing.T) {
	gitlab := fakegitlab.World(t)
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", "glpat-fake-root-0000001")
	gitlab.AddRunner(runnerstest.Runner{
		Description: `<script>alert("hi")</script>`, CreatedAt: runnerstest.Ago(400 * day), TagList: []string{`"><b>`},
	})
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"the instance": {[]string{"-all"}, []string{
			"3 of 9 runners are online, and 3 may be forgotten.", "of the whole instance",
			"last heard of 6 months ago", "&lt;script&gt;", "created 13 months ago, and never installed",
		}},
		"a group": {[]string{"-group", "acme"}, []string{"that serve acme", "1 of 5 runners is online", ">macos</span>"}},
	} {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), append(c.args, "-o", "-"), &out, &log), name)
		for _, want := range c.want {
			assert.Contains(t, out.String(), want, name)
		}
		assert.NotContains(t, out.String(), "<script>", name)
		assert.NotContains(t, out.String(), "<b>", name)
		assert.Empty(t, log.String(), name)
	}
	t.Setenv("GITLAB_TOKEN", "glpat-wrong")
	var out, log bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-o", "-"}, &out, &log), runners.ErrUnauthorized)
	assert.Empty(t, out.String())
}

func TestAnEmptyFleet(t *testing.T) {
	t.Parallel()
	p := newPage(nil, time.Now())
	var text bytes.Buffer
	require.NoError(t, p.render(&text))
	assert.Contains(t, text.String(), "0 of 0 runners are online.")
	assert.Contains(t, text.String(), "There are none.")
	assert.NotContains(t, text.String(), "NaN")
	wellFormed(t, text.String())
}

func TestCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var rows []*runners.RunnerDetails
	for i, v := range []string{"9.5.0", "18.10.1", "18.9.0", "18.10.2", ""} {
		d := &runners.RunnerDetails{Version: v, TagList: []string{"a", "b"}[:1+i%2]} //nolint:staticcheck // as the page reads it
		d.Status, d.Paused = runners.StatusOnline, new(i == 1)
		d.ContactedAt = new(now.Add(-time.Duration(i) * 20 * day))
		rows = append(rows, d)
	}
	p := newPage(rows, now)
	var labels []string
	for _, b := range p.Versions.Rows {
		labels = append(labels, b.Label)
	}
	assert.Equal(t, []string{"18.10", "18.9", "9.5", "not known"}, labels, "by number, the newest first")
	assert.Equal(t, bar{Label: "a", Count: 5, Online: 4, OnWidth: 80, OffWidth: 20}, p.Tags.Rows[0])
	assert.Equal(t, 2, p.Tags.Rows[1].Count)
	assert.Equal(t, 1, p.Contacts.Columns[3].Count, "20 days")
	assert.Equal(t, 3, p.Contacts.Columns[4].Count, "40, 60 and 80 days")
	assert.Equal(t, 5, p.Ages.Unknown)
	length := 0.0
	for _, s := range p.States {
		length += s.Length
	}
	assert.InDelta(t, 100-2*0.7, length, 0.001, "the ring closes, but for its gaps")
}

func TestOnlyTheFirstOfManyAreShown(t *testing.T) {
	t.Parallel()
	var rows []*runners.RunnerDetails
	for i := range 30 {
		d := &runners.RunnerDetails{TagList: []string{string(rune('a' + i))}}
		d.Status, d.Paused = runners.StatusStale, new(false)
		rows = append(rows, d)
	}
	p := newPage(rows, time.Now())
	assert.Len(t, p.Tags.Rows, barsShown)
	assert.Equal(t, 30-barsShown, p.Tags.More)
	assert.Len(t, p.Worth, suspects)
	assert.Equal(t, 30-suspects, p.WorthMore)
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		assert.Equal(t, want, number(n))
	}
}

// What is rare can be seen, what is many fits, and a path keeps its end.
func TestManyAndFew(t *testing.T) {
	t.Parallel()
	var rows []*runners.RunnerDetails
	for i := range 10_000 {
		d := &runners.RunnerDetails{Projects: []runners.Project{{PathWithNamespace: "acme/platform/infrastructure/modules"}}}
		d.Status, d.Paused, d.ContactedAt = runners.StatusOnline, new(false), new(time.Now())
		if i == 0 {
			d.Status, d.ContactedAt = runners.StatusOffline, new(time.Now().Add(-40*day))
		}
		rows = append(rows, d)
	}
	p := newPage(rows, time.Now())
	assert.Equal(t, "9,999 of 10,000 runners are online.", p.Headline)
	assert.Less(t, p.TotalSize, 7.0)
	assert.InDelta(t, 0.01, p.States[2].Length, 0.001)
	assert.InDelta(t, 2.0, p.Contacts.Columns[4].Height, 0.001)
	assert.Equal(t, "…/infrastructure/modules", p.Projects.Rows[0].Short())
	for label, want := range map[string]string{
		"a-tag-that-is-longer-than-it-may-be":     "a-tag-that-is-longer-than-it-may-be",
		"acme/a-name-of-a-project-that-is-longer": "…/a-name-of-a-project-that-is-longer",
		"acme/app": "acme/app",
	} {
		assert.Equal(t, want, bar{Label: label}.Short())
	}
	var text bytes.Buffer
	require.NoError(t, p.render(&text))
	assert.Contains(t, text.String(), `title="acme/platform/infrastructure/modules">…/infrastructure/modules<`)
	assert.Contains(t, text.String(), ">10,000</text>")
}

func TestOldStatuses(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]runners.Runner{
		"paused":          {Active: false, Status: "online"},
		"online":          {Active: true, Status: "active"},
		"never_contacted": {Active: true, Status: "not_connected"},
		"offline":         {Active: true},
		"brand_new":       {Active: true, Status: "brand_new"},
	} {
		assert.Equal(t, want, statusOf(&runners.RunnerDetails{Runner: r}))
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"today": time.Hour, "yesterday": 30 * time.Hour, "12 days ago": 12 * day,
		"3 months ago": 91 * day, "2 years ago": 800 * day,
	} {
		assert.Equal(t, want, ago(d))
	}
}
