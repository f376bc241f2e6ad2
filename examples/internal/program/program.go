// Package program is what the example programs have in common: how they start
// and end, and where their runners come from. A program of your own calls
// runners.NewFromEnv in the place of [Connect].
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"unicode"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// Main runs a program until it ends or is interrupted. Its error is told, and
// the status is 1 then, unless it was only asked for help.
func Main(name string, run func(ctx context.Context, args []string, out, log io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// Flags returns a program's flags, still to be defined, whose help is usage and
// what they are.
func Flags(name, usage string, log io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is told by Main
	flags.Usage = func() {
		flags.SetOutput(log)
		fmt.Fprint(log, usage)
		flags.PrintDefaults()
	}
	return flags
}

// Parse parses the flags of a program that takes nothing else.
func Parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q (-h says more)", flags.Arg(0))
	}
	return err
}

// A Fake is the GitLab that a program has where it is given none. Mia asks it,
// who owns the group acme.
type Fake struct {
	MadeUp string                    // what of it is, in the words of the program's log
	Admin  bool                      // Mia is an administrator, too
	Fill   func(*runnerstest.Server) // makes what there is in the group
}

// Configured reports whether there is a GitLab to ask.
func Configured() bool { return os.Getenv("GITLAB_URL") != "" || os.Getenv("GITLAB_TOKEN") != "" }

// Connect returns a client of the GitLab that the environment names, or else of
// a fake one, and what to call when it is used no more.
func Connect(o *runners.Options, f Fake, log io.Writer) (*runners.Client, func(), error) {
	if Configured() {
		c, err := runners.NewFromEnv(o)
		return c, func() {}, err
	}
	fmt.Fprintf(log, "GITLAB_URL and GITLAB_TOKEN are not set: %s made up.\n", f.MadeUp)
	fake, err := runnerstest.Start(nil)
	if err != nil {
		return nil, nil, err
	}
	fake.AddUser(runnerstest.User{Username: "mia", Admin: f.Admin})
	fake.AddGroup(runnerstest.Group{
		Path: "acme", Members: map[string]runnerstest.Role{"mia": runnerstest.Owner},
	})
	f.Fill(fake)
	options := runners.Options{}
	if o != nil {
		options = *o
	}
	options.HTTPClient = fake.HTTPClient()
	token := fake.AddToken(runnerstest.AccessToken{User: "mia"})
	c, err := runners.New("https://gitlab.test", runners.PrivateToken(token.Token), &options)
	return c, fake.Close, err
}

// List is the list that a program is about: the runners that serve a group,
// unless its path is "", or all of the instance, or those that the user manages.
func List(gitlab *runners.Client, all bool, group string) *runners.Listing[runners.Runner] {
	switch {
	case group != "":
		return gitlab.Groups.List(runners.Path(group), nil)
	case all:
		return gitlab.Runners.ListAll(nil)
	default:
		return gitlab.Runners.List(nil)
	}
}

// Plain is a text of somebody else's, without what could play with a terminal.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
