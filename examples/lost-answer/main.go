// Lost-answer creates runners while answers get lost: once with GitLab's own
// client, and once with this library's. It arms the fault in the fake GitLab at
// GITLAB_URL, as the user of GITLAB_TOKEN; or, where these are not set, in one of
// its own:
//
//	cd examples/lost-answer && go run .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
)

const usage = `Lost-answer needs no GitLab; with GITLAB_URL and GITLAB_TOKEN, it takes the fakegitlab that runs there.

Usage: lost-answer

It creates a runner with GitLab's own Go client, and one with this library. Each
time GitLab makes the runner, and a 502 takes the place of its answer. Then it
counts the runners that there are.
`

func main() { program.Main("lost-answer", run) }

func run(ctx context.Context, args []string, out, log io.Writer) error {
	err := program.Parse(program.Flags("lost-answer", usage, log), args)
	if err != nil {
		return err
	}
	s, err := connect(log)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Fprintf(out, "A runner is created, and the answer gets lost: %s\n", fault)
	for _, try := range []func(context.Context, io.Writer) error{s.withTheOthers, s.withOurs} {
		if err := s.arm(ctx); err != nil {
			return err
		}
		if err := try(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// withTheOthers creates a runner with GitLab's own client, as it comes.
func (s *site) withTheOthers(ctx context.Context, out io.Writer) error {
	fmt.Fprint(out, "\ngitlab.com/gitlab-org/api/client-go/v2\n")
	client, err := gitlab.NewClient(s.token, gitlab.WithBaseURL(s.url))
	if err != nil {
		return err
	}
	name := unlike("client-go")
	made, _, err := client.Users.CreateUserRunner(&gitlab.CreateUserRunnerOptions{
		RunnerType: new("instance_type"), Description: &name,
	}, gitlab.WithContext(ctx))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  says     created runner %d\n", made.ID)
	return s.count(ctx, out, name)
}

// withOurs creates a runner with this library, and finds it.
func (s *site) withOurs(ctx context.Context, out io.Writer) error {
	fmt.Fprint(out, "\ngithub.com/seed-832548de/runners\n")
	name := unlike("runners")
	_, lost := s.client.Runners.Create(ctx, runners.ForInstance(), &runners.CreateOptions{Description: name})
	if !errors.Is(lost, runners.ErrOutcomeUnknown) {
		return fmt.Errorf("no answer was lost: %w", lost)
	}
	fmt.Fprintf(out, "  says     %v\n", lost)
	if err := s.count(ctx, out, name); err != nil {
		return err
	}
	found, err := runners.FindCreated(ctx, s.client, lost)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("FindCreated found %d runners", len(found))
	}
	fresh, err := s.client.Runners.ResetToken(ctx, found[0].ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  finds    runner %d with FindCreated, and with ResetToken its token: %v\n", found[0].ID, fresh.Token)
	return nil
}

// unlike returns a description that no other runner has.
func unlike(name string) string {
	return name + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// count prints the runners of a description that GitLab has.
func (s *site) count(ctx context.Context, out io.Writer, description string) error {
	var ids []string
	for r, err := range s.client.Runners.ListAll(nil).All(ctx) {
		if err != nil {
			return err
		}
		if r.Description == description {
			ids = append(ids, strconv.FormatInt(r.ID, 10))
		}
	}
	_, err := fmt.Fprintf(out, "  GitLab   has %d of it: %s\n", len(ids), strings.Join(ids, ", "))
	return err
}
