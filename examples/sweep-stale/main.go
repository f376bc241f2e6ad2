// Sweep-stale removes the runners that nobody uses from the GitLab at
// GITLAB_URL, as the user of GITLAB_TOKEN; or, where these are not set, from a
// fake GitLab. It only says what it would do, unless it is told to apply:
//
//	go run ./examples/sweep-stale -days 30
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Sweep-stale removes runners that nobody uses; without GITLAB_URL and GITLAB_TOKEN, from a fake GitLab.

Usage: sweep-stale [flags]

It prints what it would remove and why. With -apply it removes that, after one
more look at each runner: who shows up in between, stays.

`

func main() { program.Main("sweep-stale", run) }

// choices are what the flags say.
type choices struct {
	all, apply         bool
	days, limit        int
	status, tags, keep string
	plan, report       string
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("sweep-stale", usage, log)
	flags.BoolVar(&c.apply, "apply", false, "remove them; without it nothing is changed")
	flags.BoolVar(&c.all, "all", false, "look at all runners of the instance, as an administrator")
	flags.IntVar(&c.days, "days", 30, "for how many `days` nothing was heard of a runner")
	flags.StringVar(&c.status, "status", "stale,never_contacted",
		"remove runners in these `states`: stale, offline or never_contacted")
	flags.StringVar(&c.tags, "tag", "", "remove only runners with all of these `tags`")
	flags.StringVar(&c.keep, "keep", "keep",
		"spare the runners whose maintenance note has this `word` in it; \"\" spares none")
	flags.IntVar(&c.limit, "limit", 50, "remove none where it would be more than `n`; 0 = no limit")
	flags.StringVar(&c.report, "report", "", "write the plan, and what became of it, to this JSON `file`")
	flags.StringVar(&c.plan, "plan", "", "take the plan from this JSON `file`: an earlier, reviewed report")
	err := program.Parse(flags, args)
	if err == nil {
		err = c.check()
	}
	return c, err
}

// check finds what would otherwise quietly select nothing, or too much.
func (c choices) check() error {
	if c.days < 0 {
		return errors.New("-days cannot be negative")
	}
	for _, status := range split(c.status) {
		if !slices.Contains([]string{"stale", "offline", "never_contacted"}, status) {
			return fmt.Errorf("-status: runners that are %q are not swept", status)
		}
	}
	return nil
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
	plan, failed := c.sweep(ctx, gitlab)
	if plan == nil {
		return failed
	}
	if c.report != "" {
		if err := write(c.report, plan); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	if err := c.tell(out, plan); err != nil {
		return err
	}
	return failed
}

// sweep makes a plan or reads one, and applies it if that was asked for.
func (c choices) sweep(ctx context.Context, gitlab *runners.Client) (*fleet.SweepPlan, error) {
	if c.plan != "" {
		plan, err := read(c.plan)
		if err != nil || !c.apply {
			return plan, err
		}
		return plan, plan.Apply(ctx, gitlab, nil)
	}
	return fleet.Sweep(ctx, gitlab, program.List(gitlab, c.all, ""), c.options())
}

func (c choices) options() *fleet.SweepOptions {
	o := &fleet.SweepOptions{
		OlderThan: time.Duration(c.days) * 24 * time.Hour,
		Limit:     c.limit,
		Apply:     c.apply,
		Tags:      split(c.tags),
	}
	for _, status := range split(c.status) {
		o.Status = append(o.Status, runners.Status(status))
	}
	if c.keep != "" {
		o.Keep = func(d *runners.RunnerDetails) bool {
			return d.MaintenanceNote != nil && strings.Contains(*d.MaintenanceNote, c.keep)
		}
	}
	return o
}

// split returns the words of a list with commas; none of "".
func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func read(file string) (*fleet.SweepPlan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	plan := &fleet.SweepPlan{}
	if err := json.Unmarshal(text, plan); err != nil {
		return nil, fmt.Errorf("%s is no plan: %w", file, err)
	}
	return plan, nil
}

func write(file string, plan *fleet.SweepPlan) error {
	text, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}
