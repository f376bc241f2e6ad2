// Drain-host empties a host before its maintenance: the runners that work on it
// take no new jobs, and it waits for those that run there. The GitLab is that
// of GITLAB_URL and GITLAB_TOKEN; or, where these are not set, a fake one:
//
//	go run ./examples/drain-host s_hamburg0001
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Drain-host empties a host before its maintenance; without GITLAB_URL and GITLAB_TOKEN, one of a fake GitLab.

Usage: drain-host [flags] SYSTEM_ID
       drain-host -resume ID,ID,...

SYSTEM_ID is what the host calls itself: the contents of .runner_system_id beside
the runner's config.toml, such as s_89e5e9956577. After the maintenance, -resume
lets runners take jobs again.

`

func main() { program.Main("drain-host", run) }

// choices are what the arguments say.
type choices struct {
	systemID          string
	all, dryRun, hold bool
	timeout, interval time.Duration
	resume            []int64
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("drain-host", usage, log)
	flags.BoolVar(&c.all, "all", false, "look at all runners of the instance, as an administrator")
	flags.BoolVar(&c.dryRun, "n", false, "only say which runners work there")
	flags.BoolVar(&c.hold, "hold", false, "leave the runners paused, even if the host does not get idle in time")
	flags.DurationVar(&c.timeout, "timeout", 2*time.Hour, "how long to wait for the jobs")
	flags.DurationVar(&c.interval, "interval", 5*time.Second, "the time between two looks")
	flags.Func("resume", "let the runners with these `ids` take jobs again", func(text string) (err error) {
		c.resume, err = numbers(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c.systemID = flags.Arg(0)
	switch {
	case flags.NArg() > 1:
		return c, fmt.Errorf("one host at a time, and %q is one too many", flags.Arg(1))
	case (c.systemID == "") == (c.resume == nil):
		return c, errors.New("which host? Give its system id, or -resume (-h tells more)")
	}
	return c, nil
}

// numbers reads ids with commas between them.
func numbers(text string) ([]int64, error) {
	var ids []int64
	for word := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c, err := parse(args, log)
	if err != nil {
		return err
	}
	gitlab, closeFake, err := connect(log)
	if err != nil {
		return err
	}
	defer closeFake()
	if c.resume != nil {
		return resume(ctx, gitlab, c.resume, out)
	}
	h := &host{choices: c, client: gitlab, out: out, log: log, began: time.Now()}
	if err := h.find(ctx); err != nil || c.dryRun {
		return err
	}
	return h.drain(ctx)
}

// resume lets runners take jobs again.
func resume(ctx context.Context, gitlab *runners.Client, ids []int64, out io.Writer) error {
	outcomes, err := fleet.Each(ctx, ids, func(ctx context.Context, id int64) error {
		_, err := gitlab.Runners.Resume(ctx, id)
		return err
	}, &fleet.EachOptions{Repeatable: true})
	for _, o := range outcomes {
		if o.Err != nil {
			fmt.Fprintf(out, "runner %d: %v\n", o.Item, o.Err)
		} else {
			fmt.Fprintf(out, "runner %d takes jobs again\n", o.Item)
		}
	}
	return err
}
