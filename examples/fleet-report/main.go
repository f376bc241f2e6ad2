// Fleet-report draws a picture of the runners on the GitLab at GITLAB_URL, as
// the user of GITLAB_TOKEN sees them; or, where these are not set, on a fake
// GitLab. It is one HTML file that needs nothing else:
//
//	go run ./examples/fleet-report -o fleet-report.html
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Fleet-report draws a picture of your runners; without GITLAB_URL and GITLAB_TOKEN, of a fake GitLab's.

Usage: fleet-report [flags]

It writes one HTML file, with charts and without anything from elsewhere, and
changes nothing.

`

func main() { program.Main("fleet-report", run) }

// choices are what the flags say.
type choices struct {
	file, group string
	all         bool
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("fleet-report", usage, log)
	flags.StringVar(&c.file, "o", "fleet-report.html", "write the report to this `file`; - is the standard output")
	flags.StringVar(&c.group, "group", "", "report on the runners that serve the group with this `path`")
	flags.BoolVar(&c.all, "all", false, "report on all runners of the instance, as an administrator")
	err := program.Parse(flags, args)
	if err == nil && c.all && c.group != "" {
		err = errors.New("-all and -group exclude each other")
	}
	return c, err
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
	v, err := gitlab.Version(ctx)
	if err != nil {
		return err
	}
	rows, failed := collect(ctx, gitlab, program.List(gitlab, c.all, c.group), log)
	if failed != nil && len(rows) == 0 {
		return failed
	}
	p := newPage(rows, time.Now())
	p.GitLab, p.Scope, p.Incomplete = v.Version, c.scope(), failed != nil
	var text bytes.Buffer
	if err := p.render(&text); err != nil {
		return err
	}
	return errors.Join(failed, c.write(out, text.Bytes(), p))
}

// scope says which runners these are.
func (c choices) scope() string {
	switch {
	case c.group != "":
		return "that serve " + c.group
	case c.all:
		return "of the whole instance"
	default:
		return "that you manage"
	}
}

// collect reads the details of the runners. It returns those that it got, and
// why it did not get the others.
func collect(
	ctx context.Context, gitlab *runners.Client, list *runners.Listing[runners.Runner], log io.Writer,
) ([]*runners.RunnerDetails, error) {
	var rows []*runners.RunnerDetails
	var errs []error
	for d, err := range fleet.Details(ctx, gitlab, list, &fleet.DetailsOptions{Projects: true}) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if rows = append(rows, d); len(rows)%250 == 0 {
			fmt.Fprintf(log, "%d runners so far\n", len(rows))
		}
	}
	return rows, errors.Join(errs...)
}

// write writes the report, and says where it is.
func (c choices) write(out io.Writer, text []byte, p *page) error {
	if c.file == "-" {
		_, err := out.Write(text)
		return err
	}
	if err := os.WriteFile(c.file, text, 0o600); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s The picture is in %s\n", p.Headline, c.file)
	return err
}
