// Watch-fleet shows the runners on the GitLab at GITLAB_URL, as the user of
// GITLAB_TOKEN sees them, and what happens to them; or, where these are not set,
// those of a fake GitLab. In a terminal it is a table that lives; elsewhere it
// prints a line for each event:
//
//	go run ./examples/watch-fleet
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Watch-fleet shows what happens to your runners; without GITLAB_URL and GITLAB_TOKEN, to those of a fake GitLab.

Usage: watch-fleet [flags]

In a terminal it shows a table; elsewhere, or with -plain, a line for each event.
Ctrl-C ends it.

`

func main() { program.Main("watch-fleet", run) }

// choices are what the flags say.
type choices struct {
	interval, duration  time.Duration
	group               string
	all, plain, details bool
	rows                int
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("watch-fleet", usage, log)
	flags.DurationVar(&c.interval, "interval", 0, "the `time` between two looks (default 30s, and 2s for the fake GitLab)")
	flags.DurationVar(&c.duration, "for", 0, "end after this `time`; 0 = never")
	flags.StringVar(&c.group, "group", "", "watch the runners that serve the group with this `path`")
	flags.BoolVar(&c.all, "all", false, "watch all runners of the instance, as an administrator")
	flags.BoolVar(&c.details, "details", false, "watch tags, projects and the like, too: one more call for each runner")
	flags.BoolVar(&c.plain, "plain", false, "print lines, also in a terminal")
	flags.IntVar(&c.rows, "rows", 10, "how `many` runners the table shows")
	err := program.Parse(flags, args)
	switch {
	case err != nil:
	case c.interval < 0 || c.rows < 1:
		err = errors.New("-interval and -rows must be positive")
	case c.all && c.group != "":
		err = errors.New("-all and -group exclude each other")
	}
	return c, err
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c, err := parse(args, log)
	if err != nil {
		return err
	}
	if c.plain || !isTerminal(out) {
		return c.watch(ctx, &lines{out: out, log: log}, log)
	}
	t := &table{out: out, rows: c.rows, color: os.Getenv("NO_COLOR") == ""}
	defer t.close()
	return c.watch(ctx, t, log)
}

// A screen shows what happens. Its methods may be called at the same time.
type screen interface {
	look(p fleet.WatchProgress) // a look is under way, or has ended
	event(e fleet.Event)        // something happened
	failed(err error)           // a look failed
}

// watch shows events until the time is over.
func (c choices) watch(ctx context.Context, s screen, log io.Writer) error {
	if c.interval == 0 {
		c.interval = 30 * time.Second
		if !program.Configured() {
			c.interval = 2 * time.Second
		}
	}
	gitlab, closeFake, err := connect(ctx, log)
	if err != nil {
		return err
	}
	defer closeFake()
	if c.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.duration)
		defer cancel()
	}
	o := &fleet.WatchOptions{Interval: c.interval, Progress: s.look}
	if c.details {
		o.Depth = fleet.DepthAll
	}
	w := fleet.NewWatcher(gitlab, program.List(gitlab, c.all, c.group), o)
	for e, err := range w.Events(ctx) {
		switch {
		case err == nil:
			s.event(e)
		case hopeless(err):
			return err
		default:
			s.failed(err)
		}
	}
	return nil
}

// hopeless reports whether the next look would fail in the same way. Where only
// some details could not be had, there is still a lot to see.
func hopeless(err error) bool {
	if _, partly := errors.AsType[*fleet.PartialError](err); partly {
		return false
	}
	for _, kind := range []error{
		runners.ErrUnauthorized, runners.ErrForbidden, runners.ErrNotFound, runners.ErrInvalid,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// isTerminal reports whether somebody looks on.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
