// List-runners prints the runners that you may manage on the GitLab at
// GITLAB_URL, as the user of GITLAB_TOKEN; or, where these are not set, those
// of a fake GitLab:
//
//	go run ./examples/list-runners -status offline -tag docker
package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
)

const usage = `List-runners prints your runners; without GITLAB_URL and GITLAB_TOKEN, those of a fake GitLab.

Usage: list-runners [flags]

`

func main() { program.Main("list-runners", run) }

func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := program.Flags("list-runners", usage, log)
	status := flags.String("status", "", "only runners of this status, such as online or stale")
	tags := flags.String("tag", "", "only runners with these tags, separated by commas")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	c, closeFake, err := connect(log)
	if err != nil {
		return err
	}
	defer closeFake()

	options := &runners.ListOptions{Status: runners.Status(*status)}
	if *tags != "" {
		options.TagList = strings.Split(*tags, ",")
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tTYPE\tSTATUS\tDESCRIPTION")
	for r, err := range c.Runners.List(options).All(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", r.ID, r.RunnerType, r.Status, program.Plain(r.Description))
	}
	return table.Flush()
}
