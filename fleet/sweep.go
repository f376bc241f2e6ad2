// Removing the runners that nobody uses: first a plan, and then, runner by
// runner, what it says.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

// SweepOptions say which runners [Sweep] removes. All that is set must hold.
type SweepOptions struct {
	// Status are the states that a runner may be in: stale, offline or
	// never_contacted. The default is stale alone, which GitLab knows since
	// 14.6. Whether a runner is paused makes no difference.
	Status []runners.Status

	// OlderThan is how long ago the last sign of it must be: its contact or,
	// if that is later, its creation. The default is what the status says.
	OlderThan time.Duration

	// MinAge protects runners that were created lately. The default is a day;
	// a negative one protects none.
	MinAge time.Duration

	Type        runners.RunnerType
	Description *regexp.Regexp
	CreatedBy   string   // a username; GitLab 18 or newer
	Tags        []string // it has all of these
	Groups      []int64  // it belongs to one of these
	Projects    []int64  // it is assigned to one of these

	// Keep, unless nil, protects the runners for which it returns true.
	Keep func(*runners.RunnerDetails) bool

	// Limit, unless zero, is how many runners may be removed at once. Where
	// it would be more, none is, and the error is [ErrTooMany].
	Limit int

	// Apply says to remove the runners. Without it there is only a plan.
	Apply bool

	// Concurrency is how many runners are worked on at once. The default is 8.
	Concurrency int
}

// ErrTooMany is a plan to remove more runners than SweepOptions.Limit.
var ErrTooMany = errors.New("too many runners to remove")

// SweepPlan is what [Sweep] would remove, or has removed. It can be printed,
// and marshalled, reviewed, and applied later.
type SweepPlan struct {
	At    time.Time   `json:"at"`   // when it was made
	Seen  int         `json:"seen"` // how many runners there were
	Items []SweepItem `json:"items"`

	// Unplanned are the runners that could not be looked at. They stay.
	Unplanned []Unplanned `json:"unplanned,omitzero"`
}

// SweepItem is one runner that a [SweepPlan] is about.
type SweepItem struct {
	ID          int64              `json:"id"`
	Description string             `json:"description"`
	Type        runners.RunnerType `json:"runner_type"`
	Status      runners.Status     `json:"status"`
	TagList     []string           `json:"tag_list"`
	ContactedAt *time.Time         `json:"contacted_at"` // nil = never
	CreatedAt   *time.Time         `json:"created_at"`   // nil before GitLab 18

	// Remove says whether it is to be removed; clear it in a review to keep
	// the runner. Reason says why, or why not.
	Remove bool   `json:"remove"`
	Reason string `json:"reason"`

	// State is what became of it: planned, deleted, gone, or failed.
	State      DeletionState `json:"state,omitzero"`
	Unassigned []Project     `json:"unassigned,omitzero"`
	Problem    string        `json:"problem,omitzero"` // why it failed
}

// LogValue shows the runner, the decision, and what became of it.
func (i *SweepItem) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", i.ID), slog.String("description", i.Description),
		slog.Bool("remove", i.Remove), slog.String("reason", i.Reason),
		slog.String("state", string(i.State)), slog.String("problem", i.Problem))
}

// Sweep plans which runners of a list to remove and, if the options say Apply,
// removes them. It is [PlanSweep] and then [SweepPlan.Apply].
func Sweep(
	ctx context.Context, c *runners.Client, list *runners.Listing[runners.Runner], o *SweepOptions,
) (*SweepPlan, error) {
	plan, err := PlanSweep(ctx, c, list, o)
	if !deref(o).Apply || plan == nil || errors.Is(err, ErrTooMany) {
		return plan, err
	}
	failed := plan.Apply(ctx, c, &EachOptions{Concurrency: deref(o).Concurrency})
	return plan, together(failed, err)
}

// PlanSweep looks for runners that nobody uses, and changes nothing.
//
// The runners in its plan are those that the options select by their state, and
// by all but age, with a reason for each: that it is to be removed, or why it
// stays. Runners that are online, run a job, or went away are not removed.
//
// Only the runners in a state that is asked for cost a call each. Those for
// which it fails are SweepPlan.Unplanned, and the error is a [*PartialError].
func PlanSweep(
	ctx context.Context, c *runners.Client, list *runners.Listing[runners.Runner], o *SweepOptions,
) (*SweepPlan, error) {
	s := &sweep{SweepOptions: deref(o), now: time.Now()}
	if s.Status == nil {
		s.Status = []runners.Status{runners.StatusStale}
	}
	if s.MinAge == 0 {
		s.MinAge = 24 * time.Hour
	}
	g := &gate{}
	rows, err := collect(ctx, g, list)
	if err != nil {
		return nil, err
	}
	rows = once(rows)
	plan := &SweepPlan{At: s.now, Seen: len(rows), Items: []SweepItem{}}
	rows = slices.DeleteFunc(rows, func(r *runners.Runner) bool { return !s.candidate(r) })
	wanted := &DetailsOptions{Concurrency: s.Concurrency, Projects: s.Projects != nil}
	for i, a := range answersOf(ctx, c, g, ids(rows), wanted) {
		switch {
		case errors.Is(a.err, runners.ErrNotFound): // it is gone
		case a.err != nil:
			plan.Unplanned = append(plan.Unplanned, unplanned(rows[i].ID, rows[i].Description, a.err))
		case s.selects(a.value):
			plan.Items = append(plan.Items, s.judge(a.value))
		}
	}
	return plan, s.verdict(plan, len(rows))
}

// sweep is the work of one [PlanSweep].
type sweep struct {
	SweepOptions

	now time.Time
}

// candidate reports whether a runner may be one, by what the list shows of it.
func (s *sweep) candidate(r *runners.Runner) bool {
	state := contact(r)
	return (state == "" || slices.Contains(s.Status, state)) &&
		(s.Type == "" || r.RunnerType == s.Type) &&
		(s.Description == nil || s.Description.MatchString(r.Description)) &&
		(s.CreatedBy == "" || r.CreatedBy != nil && r.CreatedBy.Username == s.CreatedBy)
}

// selects reports whether a runner has the tags and owners that were asked for.
func (s *sweep) selects(d *runners.RunnerDetails) bool {
	for _, tag := range s.Tags {
		if !slices.Contains(d.TagList, tag) {
			return false
		}
	}
	inGroup := slices.ContainsFunc(d.Groups, func(g runners.Group) bool {
		return slices.Contains(s.Groups, g.ID)
	})
	inProject := slices.ContainsFunc(d.Projects, func(p runners.Project) bool {
		return slices.Contains(s.Projects, p.ID)
	})
	return s.Groups == nil && s.Projects == nil || inGroup || inProject
}

// judge decides on a runner.
func (s *sweep) judge(d *runners.RunnerDetails) SweepItem {
	item := SweepItem{
		ID: d.ID, Description: d.Description, Type: d.RunnerType, Status: d.Status,
		TagList: d.TagList, ContactedAt: d.ContactedAt, CreatedAt: d.CreatedAt,
	}
	if item.Reason = s.keeps(d); item.Reason != "" {
		return item
	}
	item.Remove, item.State = true, DeletionPlanned
	item.Reason = "never heard of"
	if d.ContactedAt != nil {
		item.Reason = "last contact " + d.ContactedAt.UTC().Format(time.DateOnly)
	} else if d.CreatedAt != nil {
		item.Reason = "no contact since its creation " + d.CreatedAt.UTC().Format(time.DateOnly)
	}
	return item
}

// keeps says why a runner stays, or "".
func (s *sweep) keeps(d *runners.RunnerDetails) string {
	state, heard := contactOf(d, s.now), heardOf(d)
	created := d.CreatedAt
	if created == nil {
		created = d.ContactedAt // it was created before that
	}
	switch {
	case state == runners.StatusOnline || !slices.Contains(s.Status, state):
		return "it is " + string(state)
	case d.JobExecutionStatus == runners.ExecutionActive:
		return "it runs a job"
	case heard == nil && (s.OlderThan > 0 || state != runners.StatusStale):
		return "its age is not known"
	case heard != nil && s.now.Sub(*heard) < s.OlderThan:
		return "the last sign of it is too young"
	case created != nil && s.now.Sub(*created) < s.MinAge:
		return "it is new"
	case s.Keep != nil && s.Keep(d):
		return "it is protected"
	default:
		return ""
	}
}

// verdict is the error of a plan.
func (s *sweep) verdict(plan *SweepPlan, asked int) error {
	err := missed(asked, plan.Unplanned)
	if n := plan.removals(); s.Limit > 0 && n > s.Limit {
		return together(fmt.Errorf("%w: %d, and the limit is %d", ErrTooMany, n, s.Limit), err)
	}
	return err
}

func (p *SweepPlan) removals() int {
	n := 0
	for i := range p.Items {
		if p.Items[i].Remove {
			n++
		}
	}
	return n
}

// Apply removes the runners that the plan says to remove, as
// [DeleteEverywhere] does, and writes down what became of each.
//
// Each is looked at once more. One that has made contact since the plan, or
// was changed or given a job, stays, with a reason. Where GitLab does not allow
// it, or something else fails, the error is a [*PartialError]. Applying a plan
// again goes on with what is left of it.
func (p *SweepPlan) Apply(ctx context.Context, c *runners.Client, o *EachOptions) error {
	var todo []*SweepItem
	for i := range p.Items {
		if item := &p.Items[i]; item.Remove && item.State != Deleted && item.State != AlreadyGone {
			todo = append(todo, item)
		}
	}
	g := &gate{}
	options := deref(o)
	options.Repeatable = false // the gate sees to each call
	outcomes, err := Each(ctx, todo, func(ctx context.Context, item *SweepItem) error {
		return ofRunner(item.ID, item.remove(ctx, c, g))
	}, &options)
	for _, outcome := range outcomes {
		if outcome.Item.Problem = ""; outcome.Err != nil {
			outcome.Item.State, outcome.Item.Problem = DeletionFailed, outcome.Err.Error()
		}
	}
	return err
}

// remove deletes the runner unless it has changed.
func (i *SweepItem) remove(ctx context.Context, c *runners.Client, g *gate) error {
	d, err := deleteUnless(ctx, c, g, i.ID, func(now *runners.RunnerDetails) bool {
		reason := i.changed(now)
		if reason != "" {
			i.Remove, i.Reason = false, reason
		}
		return reason != ""
	})
	i.State = d.State
	i.Unassigned = append(i.Unassigned, d.Unassigned...)
	if !i.Remove {
		i.State = ""
	}
	return err
}

// changed says what has happened to the runner since the plan, or "".
func (i *SweepItem) changed(now *runners.RunnerDetails) string {
	switch {
	case contactOf(now, time.Now()) == runners.StatusOnline || compareTimes(i.ContactedAt, now.ContactedAt) != 0:
		return "it made contact since the plan"
	case now.JobExecutionStatus == runners.ExecutionActive:
		return "it runs a job"
	case now.Description != i.Description || !slices.Equal(slices.Sorted(slices.Values(now.TagList)),
		slices.Sorted(slices.Values(i.TagList))):
		return "it was changed since the plan"
	default:
		return ""
	}
}

// String returns a line for each runner, and one that counts them.
func (p *SweepPlan) String() string {
	var b strings.Builder
	for i := range p.Items {
		item := &p.Items[i]
		verb := "keep  "
		if item.Remove {
			verb = "remove"
		}
		fmt.Fprintf(&b, "%s %d %q: %s", verb, item.ID, item.Description, item.Reason)
		if item.State != "" && item.State != DeletionPlanned {
			fmt.Fprintf(&b, "; %s", item.State)
		}
		if item.Problem != "" {
			fmt.Fprintf(&b, ": %s", item.Problem)
		}
		b.WriteString("\n")
	}
	unplannedLines(&b, p.Unplanned)
	n := p.removals()
	fmt.Fprintf(&b, "%d to remove, %d to keep, of %d runners", n, len(p.Items)-n, p.Seen)
	if n := len(p.Unplanned); n > 0 {
		fmt.Fprintf(&b, "; %d not planned", n)
	}
	return b.String()
}

// LogValue shows the numbers.
func (p *SweepPlan) LogValue() slog.Value {
	states := map[DeletionState]int{}
	for i := range p.Items {
		states[p.Items[i].State]++
	}
	return slog.GroupValue(slog.Int("seen", p.Seen), slog.Int("remove", p.removals()),
		slog.Int("deleted", states[Deleted]), slog.Int("gone", states[AlreadyGone]),
		slog.Int("failed", states[DeletionFailed]), slog.Int("unplanned", len(p.Unplanned)))
}
