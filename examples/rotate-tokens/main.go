// Rotate-tokens says when the authentication tokens of runners expire, and gives
// new ones to those that need them, on the GitLab at GITLAB_URL, as the user of
// GITLAB_TOKEN; or, where these are not set, on a fake GitLab:
//
//	go run ./examples/rotate-tokens -apply
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Rotate-tokens gives runners new tokens; without GITLAB_URL and GITLAB_TOKEN, those of a fake GitLab.

Usage: rotate-tokens [flags]

It reads which tokens there are from the store, a JSON file such as
    {"6": {"token": "glrt-...", "expires_at": "2027-01-31T00:00:00Z"}}
and says when they expire. With -apply, those that are due are replaced, in GitLab
and in the store. A new token is on the disk before anything else happens.

`

func main() { program.Main("rotate-tokens", run) }

// choices are what the flags say.
type choices struct {
	store  string
	days   int
	apply  bool
	runner int64
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("rotate-tokens", usage, log)
	flags.StringVar(&c.store, "store", "", "the `file` with the tokens; the fake GitLab brings one of its own")
	flags.IntVar(&c.days, "days", 7, "a token is due when it expires within so many `days`")
	flags.BoolVar(&c.apply, "apply", false, "rotate what is due; without it there is only a report")
	flags.Int64Var(&c.runner, "runner", 0, "rotate the token of the runner with this `id`, due or not, as with -apply")
	err := program.Parse(flags, args)
	switch {
	case err != nil:
	case c.days < 1:
		err = errors.New("-days must be 1 or more")
	}
	return c, err
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c, err := parse(args, log)
	if err != nil {
		return err
	}
	gitlab, closeFake, err := connect(&c, log)
	if err != nil {
		return err
	}
	defer closeFake()
	s, err := open(c.store)
	if err != nil {
		return err
	}
	defer s.close()
	rotator := &fleet.Rotator{Client: gitlab, Store: s.put}
	if c.runner != 0 {
		return one(ctx, rotator, c.runner, out)
	}
	report, failed := rotator.RotateExpiring(ctx, s.credentials(), &fleet.ExpiringOptions{
		Within: time.Duration(c.days) * 24 * time.Hour, Apply: c.apply,
	})
	for _, e := range report {
		if errors.Is(e.Err, fleet.ErrNotStored) {
			failed = errors.Join(failed, rescue(e.Rotation))
		}
	}
	return errors.Join(tell(out, report), failed)
}

// one rotates the token of one runner, which need not be in the store yet.
func one(ctx context.Context, rotator *fleet.Rotator, id int64, out io.Writer) error {
	rotation, err := rotator.Rotate(ctx, id)
	if errors.Is(err, fleet.ErrNotStored) {
		return errors.Join(err, rescue(rotation))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "runner %d has a new token; it expires: %s\n", id, date(rotation.TokenExpiresAt))
	return err
}

// tell prints a row for each token, the soonest first.
func tell(out io.Writer, report []fleet.Expiry) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUNNER\tEXPIRES\t")
	due := 0
	for _, e := range report {
		what := ""
		switch {
		case e.Problem != "":
			what = e.Problem
		case e.Rotated:
			what = "has a new token; it expires: " + date(e.Until)
		case e.Due:
			what = "is due: -apply rotates it"
			due++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", strconv.FormatInt(e.RunnerID, 10), date(e.ExpiresAt), what)
	}
	fmt.Fprintf(table, "\n%d tokens, %d of them due\n", len(report), due)
	return table.Flush()
}

// date says when, in a form that one takes in at a glance.
func date(t *time.Time) string {
	if t == nil {
		return "never"
	}
	left := time.Until(*t)
	switch days := int(left.Hours() / 24); {
	case left < 0:
		return t.UTC().Format(time.DateOnly) + " (it has)"
	case days == 0:
		return t.UTC().Format(time.DateOnly) + " (within a day)"
	case days == 1:
		return t.UTC().Format(time.DateOnly) + " (in 1 day)"
	default:
		return fmt.Sprintf("%s (in %d days)", t.UTC().Format(time.DateOnly), days)
	}
}

// credentials are what the store knows of the tokens.
func (s *store) credentials() []fleet.Credential {
	held := make([]fleet.Credential, 0, len(s.tokens))
	for id, t := range s.tokens {
		held = append(held, fleet.Credential{
			RunnerID: id, ExpiresAt: t.ExpiresAt, Token: runners.NewToken(t.Token),
		})
	}
	return held
}
