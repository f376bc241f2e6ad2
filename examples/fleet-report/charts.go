// The charts, as numbers: what is to be drawn where. The template draws.

package main

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-832548de/runners"
)

//go:embed page.html
var pageHTML string

// render writes the page as HTML. The texts of runners are escaped by it.
func (p *page) render(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{"number": number}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// number writes a number as people read it: 12,345.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// A state is a piece of the ring, and what stands beside it. The ring is 100
// long.
type state struct {
	Key, Label          string
	Count               int
	Length, Gap, Offset float64
}

// stateOf returns a state with its name; one that is new in GitLab has GitLab's.
func stateOf(key string) state {
	names := map[string]string{
		"online": "online", "paused": "paused", "offline": "offline",
		"stale": "stale", "never_contacted": "never seen",
	}
	return state{Key: key, Label: cmp.Or(names[key], key)}
}

// states returns the pieces of the ring, in a fixed order.
func states(rows []*runners.RunnerDetails) []state {
	count := map[string]int{}
	for _, d := range rows {
		count[statusOf(d)]++
	}
	order := []string{"online", "paused", "offline", "stale", "never_contacted"}
	for _, key := range slices.Sorted(maps.Keys(count)) {
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	var all []state
	begin := 0.0
	for _, key := range order {
		s := stateOf(key)
		s.Count = count[key]
		share := 100 * float64(s.Count) / float64(max(1, len(rows)))
		s.Length = max(share-0.7, min(share, 0.4)) // a gap to the next one, and something to see
		s.Gap, s.Offset = 100-s.Length, 25-begin
		begin += share
		all = append(all, s)
	}
	return all
}

// Bars are counts by name, each with how many are online.
type bars struct {
	Rows []bar
	More int // names that are not shown
}

type bar struct {
	Label             string
	Count, Online     int
	OnWidth, OffWidth float64 // percent of the longest bar
}

// Short is the label without the first parts of a path, where it is too long.
// Paths are told apart by their ends. What is too long still, the page cuts.
func (b bar) Short() string {
	short := b.Label
	for utf8.RuneCountInString(short) > labelFits {
		_, rest, found := strings.Cut(strings.TrimPrefix(short, "…/"), "/")
		if !found {
			break
		}
		short = "…/" + rest
	}
	return short
}

// labelFits is how long a label may be.
const labelFits = 24

// barsShown is how many names a chart shows.
const barsShown = 10

func newBars(rows []*runners.RunnerDetails, names func(*runners.RunnerDetails) []string) bars {
	count := map[string]*bar{}
	for _, d := range rows {
		for _, name := range names(d) {
			if count[name] == nil {
				count[name] = &bar{Label: name}
			}
			count[name].Count++
			if statusOf(d) == "online" {
				count[name].Online++
			}
		}
	}
	var b bars
	longest := 1
	for _, name := range slices.Sorted(maps.Keys(count)) {
		b.Rows = append(b.Rows, *count[name])
		longest = max(longest, count[name].Count)
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		r.OnWidth = 100 * float64(r.Online) / float64(longest)
		r.OffWidth = 100 * float64(r.Count-r.Online) / float64(longest)
	}
	return b
}

// order sorts the bars and keeps the first.
func (b *bars) order(compare func(a, b bar) int) {
	slices.SortStableFunc(b.Rows, compare)
	b.More = max(0, len(b.Rows)-barsShown)
	b.Rows = b.Rows[:len(b.Rows)-b.More]
}

func biggestFirst(a, b bar) int { return cmp.Compare(b.Count, a.Count) }

// newestFirst orders versions by their numbers; what is none comes last.
func newestFirst(a, b bar) int {
	return slices.Compare(numbers(b.Label), numbers(a.Label))
}

func numbers(version string) []int {
	var all []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}

// Columns are counts by how long ago something was.
type columns struct {
	Columns []column
	Unknown int // those of which GitLab does not say it, or that never did it
}

type column struct {
	Label                       string
	Count                       int
	X, Middle, Y, TextY, Height float64
}

// A step is how long ago something was at most; 0 = any longer time.
type step struct {
	label  string
	atMost time.Duration
}

// The drawing of columns: they stand on ground, and are so high at most.
const (
	columnsApart = 66.0
	columnWidth  = 46.0
	ground       = 150.0
	highest      = 120.0
)

func newColumns(
	steps []step, rows []*runners.RunnerDetails, now time.Time,
	when func(*runners.RunnerDetails) *time.Time,
) columns {
	c := columns{Columns: make([]column, len(steps))}
	most := 1
	for _, d := range rows {
		at := when(d)
		if at == nil {
			c.Unknown++
			continue
		}
		i := slices.IndexFunc(steps, func(s step) bool { return s.atMost == 0 || now.Sub(*at) <= s.atMost })
		c.Columns[i].Count++
		most = max(most, c.Columns[i].Count)
	}
	for i := range c.Columns {
		column := &c.Columns[i]
		column.Label = steps[i].label
		column.Height = max(2, highest*float64(column.Count)/float64(most)) // none is drawn for 0
		column.X = float64(i)*columnsApart + (columnsApart-columnWidth)/2
		column.Middle = column.X + columnWidth/2
		column.Y = ground - column.Height
		column.TextY = column.Y - 7
	}
	return c
}
