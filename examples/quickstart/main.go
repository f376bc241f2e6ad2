// Quickstart plays the whole life of a runner against the bundled fake GitLab,
// and tells it as a story. It needs no GitLab, no token and no network:
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

const usage = `Quickstart plays the life of a runner on a fake GitLab of its own; it asks no other, whatever GITLAB_URL says.
`

func main() {
	flag.Usage = func() { fmt.Fprint(flag.CommandLine.Output(), usage) }
	flag.Parse()
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// A story is what the chapters share: the stage, and what happened so far.
type story struct {
	out     io.Writer
	chapter int

	gitlab  *runnerstest.Server
	app     runnerstest.Project
	site    runnerstest.Project
	mia     *runners.Client // owns the group acme
	machine *runners.Client // the host that runs jobs; it has no access token

	runner  int64
	token   runners.Token
	systems []string // what the processes of the machine call themselves
}

func run(ctx context.Context, out io.Writer) error {
	s := &story{out: out, systems: []string{"s_aaaaaaaaaaaa", "s_bbbbbbbbbbbb"}}
	if err := s.setTheStage(ctx); err != nil {
		return err
	}
	defer s.gitlab.Close()
	for _, chapter := range []func(context.Context) error{
		s.create, s.verify, s.list, s.look, s.update, s.pause,
		s.assign, s.rotate, s.fail, s.remove,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	s.say("\nThat was the life of a runner. The code is in examples/quickstart/main.go.\n")
	return nil
}

// say prints a line.
func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// title begins a chapter.
func (s *story) title(text string) {
	s.chapter++
	s.say("\n%2d. %s", s.chapter, text)
}

// table prints rows of cells, aligned.
func (s *story) table(rows ...[]any) {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := strings.TrimSuffix(fmt.Sprintln(row...), "\n")
		if len(row) > 1 {
			texts := make([]string, len(row))
			for i, cell := range row {
				texts[i] = fmt.Sprint(cell)
			}
			cells = strings.Join(texts, "\t")
		}
		fmt.Fprintf(w, "    %s\n", cells)
	}
	_ = w.Flush()
}

// setTheStage starts a GitLab and puts some people and projects into it.
func (s *story) setTheStage(ctx context.Context) error {
	gitlab, err := runnerstest.Start(nil)
	if err != nil {
		return err
	}
	s.gitlab = gitlab
	owner := map[string]runnerstest.Role{"mia": runnerstest.Owner}
	gitlab.AddUser(runnerstest.User{Username: "mia", Name: "Mia"})
	gitlab.AddGroup(runnerstest.Group{Path: "acme", Members: owner})
	s.app = gitlab.AddProject(runnerstest.Project{Path: "acme/app"})
	s.site = gitlab.AddProject(runnerstest.Project{Path: "acme/site"})
	token := gitlab.AddToken(runnerstest.AccessToken{User: "mia"})

	if s.mia, err = runners.New(gitlab.URL(), runners.PrivateToken(token.Token), nil); err != nil {
		return err
	}
	if s.machine, err = runners.New(gitlab.URL(), runners.Anonymous(), nil); err != nil {
		return err
	}
	version, err := s.mia.Version(ctx)
	if err != nil {
		return err
	}
	s.title("A GitLab of our own")
	s.say("    GitLab %s listens at %s.", version.Version, gitlab.URL())
	s.say("    Mia owns the group acme, with the projects acme/app and acme/site.")
	return nil
}

// create makes a runner for a project.
func (s *story) create(ctx context.Context) error {
	s.title("Mia creates a runner for acme/app")
	created, err := s.mia.Runners.Create(ctx, runners.ForProject(s.app.ID), &runners.CreateOptions{
		Description: "builder-1",
		TagList:     []string{"docker", "linux"},
	})
	if err != nil {
		return err
	}
	s.runner, s.token = created.ID, created.Token
	s.say("    Runner %d has the token %s. Only Reveal shows it,", created.ID, created.Token)
	s.say("    and GitLab will never show it again: %d characters to store well.", len(s.token.Reveal()))
	return nil
}

// verify is what the runner itself does with its token.
func (s *story) verify(ctx context.Context) error {
	s.title("The machine takes the token and reports for work")
	for _, system := range s.systems {
		v, err := s.machine.Tokens.Verify(ctx, s.token, &runners.VerifyOptions{SystemID: system})
		if err != nil {
			return err
		}
		s.say("    %s: the token is valid, and belongs to runner %d.", system, v.ID)
	}
	return nil
}

// work lets the machine ask for jobs, as the runner process does all the time.
func (s *story) work(ctx context.Context) error {
	s.gitlab.AddJob(runnerstest.Job{ProjectID: s.app.ID, Name: "compile", User: "mia"})
	for _, system := range s.systems {
		request := map[string]string{"token": s.token.Reveal(), "system_id": system}
		if err := s.machine.Do(ctx, http.MethodPost, "/jobs/request", nil, request, nil); err != nil {
			return err
		}
	}
	s.gitlab.Advance(2 * time.Minute)
	return nil
}

// list filters, and turns pages.
func (s *story) list(ctx context.Context) error {
	s.title("Mia lists her runners")
	for i := range 3 {
		s.gitlab.AddRunner(runnerstest.Runner{
			Description: fmt.Sprintf("tester-%d", i+1), TagList: []string{"linux"},
			Projects: []int64{s.site.ID}, ContactedAt: runnerstest.Ago(time.Duration(i) * 90 * time.Minute),
		})
	}
	rows := [][]any{{"ID", "DESCRIPTION", "STATUS", "CREATED BY"}}
	linux := &runners.ListOptions{TagList: []string{"linux"}, PerPage: 3}
	for r, err := range s.mia.Runners.List(linux).All(ctx) {
		if err != nil {
			return err
		}
		creator := "-"
		if r.CreatedBy != nil {
			creator = r.CreatedBy.Name
		}
		rows = append(rows, []any{r.ID, r.Description, r.Status, creator})
	}
	s.table(rows...)
	page, err := s.mia.Runners.List(linux).Page(ctx, 2)
	if err != nil {
		return err
	}
	s.say("    %d runners have the tag linux; page %d of %d has %d.",
		*page.Total, page.Number, *page.TotalPages, len(page.Items))
	return nil
}

// look reads all there is about one runner.
func (s *story) look(ctx context.Context) error {
	s.title("She looks at builder-1")
	if err := s.work(ctx); err != nil {
		return err
	}
	d, err := s.mia.Runners.Get(ctx, s.runner)
	if err != nil {
		return err
	}
	s.table([]any{"status", d.Status}, []any{"jobs", d.JobExecutionStatus},
		[]any{"tags", strings.Join(d.TagList, ", ")}, []any{"project", d.Projects[0].PathWithNamespace})
	managers, err := s.mia.Runners.Managers(ctx, s.runner)
	if err != nil {
		return err
	}
	for _, m := range managers {
		s.say("    Manager %s is %s, and %s.", m.SystemID, m.Status, m.JobExecutionStatus)
	}
	jobs, err := s.mia.Runners.Jobs(s.runner, &runners.JobsOptions{Status: runners.JobRunning}).Collect(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		s.say("    Job %d, %s of %s, has run for %.0f seconds.",
			j.ID, j.Name, j.Project.PathWithNamespace, *j.Duration)
	}
	return nil
}

// update changes settings, and clears one.
func (s *story) update(ctx context.Context) error {
	s.title("She changes its tags, bounds its jobs to an hour, and thinks better of it")
	d, err := s.mia.Runners.Update(ctx, s.runner, &runners.UpdateOptions{
		TagList:        new([]string{"docker", "linux", "large"}),
		MaximumTimeout: runners.Value(3600),
	})
	if err != nil {
		return err
	}
	s.say("    tags: %s; maximum timeout: %d s", strings.Join(d.TagList, ", "), *d.MaximumTimeout)
	d, err = s.mia.Runners.Update(ctx, s.runner, &runners.UpdateOptions{MaximumTimeout: runners.Null[int]()})
	if err != nil {
		return err
	}
	if d.MaximumTimeout != nil {
		return fmt.Errorf("the maximum timeout is still %d", *d.MaximumTimeout)
	}
	s.say("    maximum timeout: none; what was not set stays as it was: %s", strings.Join(d.TagList, ", "))
	return nil
}

// pause stops new jobs, and allows them again.
func (s *story) pause(ctx context.Context) error {
	s.title("She pauses it for an upgrade")
	d, err := s.mia.Runners.Pause(ctx, s.runner)
	if err != nil {
		return err
	}
	s.say("    status: %s", d.Status)
	if d, err = s.mia.Runners.Resume(ctx, s.runner); err != nil {
		return err
	}
	s.say("    status: %s", d.Status)
	return nil
}

// assign shares the runner with another project.
func (s *story) assign(ctx context.Context) error {
	s.title("She shares it with acme/site")
	if _, err := s.mia.Projects.Assign(ctx, runners.Path("acme/site"), s.runner); err != nil {
		return err
	}
	d, err := s.mia.Runners.Get(ctx, s.runner)
	if err != nil {
		return err
	}
	for _, p := range d.Projects {
		s.say("    It serves %s.", p.PathWithNamespace)
	}
	return nil
}

// rotate replaces the token.
func (s *story) rotate(ctx context.Context) error {
	s.title("She rotates its token")
	fresh, err := s.mia.Runners.ResetToken(ctx, s.runner)
	if err != nil {
		return err
	}
	_, err = s.machine.Tokens.Verify(ctx, s.token, nil)
	s.say("    With the old token: %v", err)
	s.token = fresh.Token
	v, err := s.machine.Tokens.Verify(ctx, s.token, nil)
	if err != nil {
		return err
	}
	s.say("    With the new one: runner %d is still the same.", v.ID)
	return nil
}

// fail shows what goes wrong, and how a program tells one from another.
func (s *story) fail(ctx context.Context) error {
	s.title("What cannot be done has a name")
	_, notHers := s.mia.Runners.ListAll(nil).Collect(ctx)
	_, missing := s.mia.Runners.Get(ctx, 4711)
	old := runners.NewToken("GR1348941-a-registration-token")
	_, gone := s.machine.Tokens.Register(ctx, old, nil) //nolint:staticcheck // deprecated, as the story tells
	_, wrong := s.mia.Runners.Update(ctx, s.runner, &runners.UpdateOptions{MaximumTimeout: runners.Value(60)})
	for _, c := range []struct {
		err  error
		name string
		is   error
	}{
		{notHers, "ErrForbidden", runners.ErrForbidden},
		{missing, "ErrNotFound", runners.ErrNotFound},
		{gone, "ErrGone", runners.ErrGone},
		{wrong, "ErrInvalid", runners.ErrInvalid},
	} {
		if !errors.Is(c.err, c.is) {
			return fmt.Errorf("not %s: %w", c.name, c.err)
		}
		s.say("    %-12s  %v", c.name, c.err)
	}
	if e, ok := errors.AsType[*runners.Error](wrong); ok {
		s.say("    By field: %v", e.Fields)
	}
	return nil
}

// remove takes the runner away.
func (s *story) remove(ctx context.Context) error {
	s.title("Builder-1 retires")
	if err := s.mia.Projects.Unassign(ctx, runners.Path("acme/site"), s.runner); err != nil {
		return err
	}
	if err := s.mia.Runners.Delete(ctx, s.runner); err != nil {
		return err
	}
	_, err := s.mia.Runners.Get(ctx, s.runner)
	s.say("    Runner %d is deleted: %v", s.runner, err)
	return nil
}
