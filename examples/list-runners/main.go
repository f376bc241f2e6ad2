// List-runners prints the runners that you may manage on the GitLab at
// GITLAB_URL, as the user of GITLAB_TOKEN; or, where these are not set, those
// of a fake GitLab:
//
//	go run ./examples/list-runners -status offline -tag docker
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/seed-832548de/runners"
)

const usage = `List-runners prints your runners; without GITLAB_URL and GITLAB_TOKEN, those of a fake GitLab.

Usage: list-runners [flags]

`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "list-runners:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("list-runners", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Usage = func() {
		fmt.Fprint(log, usage)
		flags.PrintDefaults()
	}
	status := flags.String("status", "", "only runners of this status, such as online or stale")
	tags := flags.String("tag", "", "only runners with these tags, separated by commas")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
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
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", r.ID, r.RunnerType, r.Status, r.Description)
	}
	return table.Flush()
}
