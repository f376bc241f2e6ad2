// A table that lives: it is drawn again over itself, at most a few times a
// second.

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const (
	// drawn is how long the table stays as it is: a first look at thousands
	// of runners is not thousands of drawings.
	drawn = 100 * time.Millisecond
	// newsShown is how many of the last events stand below the table.
	newsShown = 5
	// nameWidth is the width of the descriptions. They stand last: who knows
	// how wide the letters are.
	nameWidth = 41
)

// A row is one runner.
type row struct {
	id     int64
	name   string
	status string
	since  time.Time // of the last event
}

// A table shows the runners that changed last, and the news.
type table struct {
	out   io.Writer
	rows  int
	color bool

	mu      sync.Mutex
	known   map[int64]row
	news    []string
	foot    string
	height  int // of the last drawing, in lines
	pending *time.Timer
}

// look shows how far a look is. Until it has something to show, the end of the
// last one stands there, and the reason if that failed.
func (t *table) look(p fleet.WatchProgress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Err != nil || p.Rows == 0 && t.foot != "" && !p.Done {
		return
	}
	what := bar(p) + reached(p)
	if p.Done {
		what = fmt.Sprintf("%d runners read in %v", p.Rows, time.Since(p.At).Round(time.Millisecond))
	}
	t.foot = time.Now().Format(time.TimeOnly) + "  " + what
	t.drawSoon()
}

// barWidth is the width of a bar.
const barWidth = 30

// bar draws how far a look is, where that is known.
func bar(p fleet.WatchProgress) string {
	done, total := p.Rows, p.RowsTotal
	if p.DetailsTotal > 0 {
		done, total = p.Details, p.DetailsTotal
	}
	if total == 0 {
		return ""
	}
	full := min(barWidth, barWidth*done/total)
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + "  "
}

func (t *table) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.foot = time.Now().Format(time.TimeOnly) + "  " + cut(program.Plain(err.Error()), 68)
	t.drawSoon()
}

func (t *table) event(e fleet.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[int64]row{}
	}
	if e.Runner == nil {
		delete(t.known, e.ID)
	} else {
		t.known[e.ID] = row{e.ID, program.Plain(e.Description), status(e), e.At}
	}
	if !e.First {
		line := fmt.Sprintf("%s  %s %s", e.At.Format(time.TimeOnly), program.Plain(e.Description), program.Plain(words(e)))
		t.news = append(t.news, cut(line, 78))
		t.news = t.news[max(0, len(t.news)-newsShown):]
	}
	t.drawSoon()
}

// drawSoon draws after a while, together with what happens until then.
func (t *table) drawSoon() {
	if t.pending != nil {
		return
	}
	t.pending = time.AfterFunc(drawn, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.pending != nil {
			t.pending = nil
			t.draw()
		}
	})
}

// close draws what is left to be drawn.
func (t *table) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending != nil {
		t.pending.Stop()
		t.pending = nil
		t.draw()
	}
}

// A line that is too long for the terminal must not wrap: it would be two when
// the next drawing goes back.
const (
	noWrap = "\x1b[?7l"
	wrap   = "\x1b[?7h"
)

// draw goes back to where the last drawing began, and writes over it.
func (t *table) draw() {
	var b strings.Builder
	b.WriteString(noWrap)
	if t.height > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", t.height)
	}
	text := t.text()
	t.height = strings.Count(text, "\n")
	b.WriteString(text)
	b.WriteString(wrap)
	_, _ = io.WriteString(t.out, b.String())
}

func (t *table) text() string {
	var b strings.Builder
	rows := slices.SortedFunc(maps.Values(t.known), func(a, b row) int {
		return cmp.Or(b.since.Compare(a.since), cmp.Compare(a.id, b.id))
	})
	fmt.Fprintf(&b, "%s\n\n", t.summary(rows))
	fmt.Fprintf(&b, "%8s  %-16s  %-8s  %s\n", "ID", "STATUS", "SINCE", "DESCRIPTION")
	for _, r := range rows[:min(t.rows, len(rows))] {
		fmt.Fprintf(&b, "%8d  %s  %s  %s\n", r.id, t.paint(r.status, fmt.Sprintf("%-16s", r.status)),
			r.since.Format(time.TimeOnly), cut(r.name, nameWidth))
	}
	if more := len(rows) - t.rows; more > 0 {
		fmt.Fprintf(&b, "%8s  and %d that changed before\n", "", more)
	}
	b.WriteString("\n")
	for _, line := range t.news {
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "%s\n", t.foot)
	return b.String()
}

// summary counts the runners.
func (t *table) summary(rows []row) string {
	count := map[string]int{}
	for _, r := range rows {
		count[r.status]++
	}
	parts := []string{fmt.Sprintf("%d runners", len(rows))}
	for _, s := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, t.paint(s, fmt.Sprintf("%d %s", count[s], s)))
	}
	return strings.Join(parts, "   ")
}

// paint colors a text as its status asks for.
func (t *table) paint(status, text string) string {
	code, known := map[string]int{
		"online": 32, "paused": 34, "offline": 33, "stale": 31, "never contacted": 90,
	}[status]
	if !t.color || !known {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}

// cut shortens a text, so that no line wraps.
func cut(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
