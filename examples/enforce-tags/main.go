// Enforce-tags makes runners as a YAML file says that they should be: their tags
// and other settings, on the GitLab at GITLAB_URL, as the user of GITLAB_TOKEN;
// or, where these are not set, on a fake GitLab. It only says what it would do,
// unless it is told to apply:
//
//	cd examples/enforce-tags && go run . runners.yaml
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Enforce-tags makes runners as a file says; without GITLAB_URL and GITLAB_TOKEN, those of a fake GitLab.

Usage: enforce-tags [flags] [FILE]

FILE is YAML or JSON. It prints what differs, and with -apply it changes that. The
fake GitLab goes with runners.yaml, which is taken where no file is named.

`

func main() { program.Main("enforce-tags", run) }

// choices are what the arguments say.
type choices struct {
	file              string
	apply, check, all bool
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("enforce-tags", usage, log)
	flags.BoolVar(&c.apply, "apply", false, "make the changes; without it nothing is changed")
	flags.BoolVar(&c.check, "check", false, "fail where something differs, for pipelines")
	flags.BoolVar(&c.all, "all", false, "look for the descriptions among all runners, as an administrator")
	err := flags.Parse(args)
	c.file = flags.Arg(0)
	switch {
	case err != nil:
	case flags.NArg() > 1:
		err = fmt.Errorf("one file at a time, and %q is one too many", flags.Arg(1))
	case c.apply && c.check:
		err = errors.New("-apply and -check exclude each other")
	case c.file == "" && program.Configured():
		err = errors.New("which file? (-h tells more)")
	}
	return c, err
}

// errDrift is what -check finds.
var errDrift = errors.New("not all is as the file says")

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c, err := parse(args, log)
	if err != nil {
		return err
	}
	desired, err := read(c.file)
	if err != nil {
		return err
	}
	gitlab, closeFake, err := connect(log)
	if err != nil {
		return err
	}
	defer closeFake()
	list := program.List(gitlab, c.all, "")
	plan, failed := fleet.Apply(ctx, gitlab, list, desired, &fleet.ApplyOptions{Apply: c.apply})
	if plan == nil {
		return failed
	}
	for _, u := range plan.Unplanned {
		fmt.Fprintln(log, program.Plain(u.String()))
	}
	if c.check && len(plan.Items) > 0 {
		failed = errors.Join(failed, errDrift)
	}
	return errors.Join(c.tell(out, plan), failed)
}

// tell prints what differs, runner by runner, and a last line.
func (c choices) tell(out io.Writer, plan *fleet.ApplyPlan) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	done := 0
	for _, item := range plan.Items {
		fmt.Fprintf(table, "%s (%d)\n", program.Plain(item.Description), item.ID)
		for _, change := range item.Changes {
			fmt.Fprintf(table, "  %s\t%s\t→ %s\n", change.Field, value(change.Old), value(change.New))
		}
		if item.Problem != "" {
			fmt.Fprintf(table, "  failed: %s\n", program.Plain(item.Problem))
		}
		if item.Done {
			done++
		}
	}
	if len(plan.Items) > 0 {
		fmt.Fprintln(table)
	}
	fmt.Fprintf(table, "%d as they should be, %d differ", plan.Same, len(plan.Items))
	switch {
	case c.apply && len(plan.Items) > 0:
		fmt.Fprintf(table, ", and %d of those were changed", done)
	case len(plan.Items) > 0:
		fmt.Fprint(table, "; nothing was changed, -apply does it")
	}
	fmt.Fprintln(table, ".")
	return table.Flush()
}

// value is one side of a change.
func value(text string) string {
	if text == "" {
		return "(none)"
	}
	return program.Plain(text)
}
