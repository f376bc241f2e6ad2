// What is told line by line: for logs, pipes and other programs.

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

// lines prints a line for each event, and tells of long looks in the log.
type lines struct {
	mu       sync.Mutex
	out, log io.Writer
	told     int // runners and details of this look
}

// quiet is how many runners, and then details, are read without a word about it.
const quiet = 1000

func (l *lines) look(p fleet.WatchProgress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch read := p.Rows + p.Details; {
	case p.Done && p.Err == nil && l.told > 0:
		fmt.Fprintf(l.log, "%d runners read in %v\n", p.Rows, time.Since(p.At).Round(time.Millisecond))
	case p.Rows == 0:
		l.told = 0
	case !p.Done && read/quiet > l.told/quiet:
		l.told = read
		fmt.Fprintln(l.log, reached(p))
	}
}

// reached says how far a look is.
func reached(p fleet.WatchProgress) string {
	switch {
	case p.DetailsTotal > 0:
		return fmt.Sprintf("%d of %d details read", p.Details, p.DetailsTotal)
	case p.RowsTotal > 0:
		return fmt.Sprintf("%d of %d runners read", p.Rows, p.RowsTotal)
	default:
		return fmt.Sprintf("%d runners read", p.Rows)
	}
}

func (l *lines) event(e fleet.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "%s %d %s: %s\n", e.At.UTC().Format(time.RFC3339), e.ID, program.Plain(e.Description), words(e))
}

func (l *lines) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.log, "%s, and another look soon\n", program.Plain(err.Error()))
}

// words says what happened.
func words(e fleet.Event) string {
	switch {
	case e.Kind == fleet.EventAppeared && e.First:
		return "is " + status(e)
	case e.Kind == fleet.EventAppeared:
		return "is new, and " + status(e)
	case e.Kind == fleet.EventGone:
		return "is gone"
	case e.Kind == fleet.EventChanged:
		var all []string
		for _, c := range e.Changes {
			all = append(all, fmt.Sprintf("%s is %q now, and was %q", c.Field, c.New, c.Old))
		}
		return strings.Join(all, "; ")
	default:
		return "is " + string(e.Kind)
	}
}

// status is what a runner is, as far as an event tells.
func status(e fleet.Event) string {
	switch {
	case e.Runner == nil:
		return "gone"
	case e.Runner.IsPaused():
		return "paused"
	default:
		return strings.ReplaceAll(string(e.Runner.Status), "_", " ")
	}
}
