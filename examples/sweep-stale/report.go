// What is told of a plan: a table, and a last line that says it all.

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

// tell prints what is removed first, and then what stays.
func (c choices) tell(out io.Writer, plan *fleet.SweepPlan) error {
	items := slices.Clone(plan.Items)
	slices.SortStableFunc(items, func(a, b fleet.SweepItem) int {
		return cmp.Compare(rank(a), rank(b))
	})
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(items)+len(plan.Unplanned) > 0 {
		fmt.Fprintln(table, "\tID\tDESCRIPTION\tTAGS\tSTATUS\tWHY")
	}
	for _, item := range items {
		why := item.Reason
		if item.Problem != "" {
			why = item.Problem
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\n", verb(item), item.ID, program.Plain(item.Description),
			program.Plain(cmp.Or(strings.Join(item.TagList, " "), "-")), item.Status, why)
	}
	for _, u := range plan.Unplanned {
		fmt.Fprintf(table, "keep\t%d\t%s\t-\t-\t%s\n", u.ID, program.Plain(u.Description), program.Plain(u.Problem))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", c.verdict(plan))
	return err
}

// rank orders the verbs of the table.
func rank(item fleet.SweepItem) int {
	return slices.Index([]string{"failed", "deleted", "gone", "remove", "keep"}, verb(item))
}

// verb is what is done to a runner, or was done.
func verb(item fleet.SweepItem) string {
	switch {
	case !item.Remove:
		return "keep"
	case item.State == "" || item.State == fleet.DeletionPlanned:
		return "remove"
	default:
		return string(item.State)
	}
}

// verdict is the last line.
func (c choices) verdict(plan *fleet.SweepPlan) string {
	text := c.count(plan)
	if n := len(plan.Unplanned); n > 0 {
		text += fmt.Sprintf(" %d could not be looked at, and stay.", n)
	}
	return text
}

// count says how many go, and how many stay.
func (c choices) count(plan *fleet.SweepPlan) string {
	count := map[string]int{}
	for _, item := range plan.Items {
		count[verb(item)]++
	}
	left := count["remove"] + count["failed"]
	switch done := count["deleted"] + count["gone"]; {
	case left+done == 0 && len(plan.Unplanned) > 0:
		return fmt.Sprintf("Of %d runners none is known to be of no use.", plan.Seen)
	case left+done == 0:
		return fmt.Sprintf("Of %d runners none needs to go.", plan.Seen)
	case c.apply:
		return fmt.Sprintf("Of %d runners %d are gone, %d could not be removed, and %d of those looked at stay.",
			plan.Seen, done, left, count["keep"])
	default:
		return fmt.Sprintf("Of %d runners %d would go, and %d of those looked at stay. "+
			"Nothing was changed; -apply does it.", plan.Seen, left, count["keep"])
	}
}
