// Runners as they should be: what is to be changed for that, and the calls that
// change it.

package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-832548de/runners"
)

// Desired is how some runners should be. Others are left alone.
type Desired struct {
	Runners []DesiredRunner `json:"runners"`
}

// DesiredRunner is how one runner should be. What is not set may be as it is.
type DesiredRunner struct {
	// ID says which runner it is. Without it, it is the one in the list that
	// has the description.
	ID int64 `json:"id,omitzero"`

	Description     string                   `json:"description,omitzero"`
	TagList         *[]string                `json:"tag_list,omitzero"` // in any order
	Paused          *bool                    `json:"paused,omitzero"`   // GitLab 14.8 or newer
	RunUntagged     *bool                    `json:"run_untagged,omitzero"`
	Locked          *bool                    `json:"locked,omitzero"`
	AccessLevel     runners.AccessLevel      `json:"access_level,omitzero"`
	MaximumTimeout  runners.Nullable[int]    `json:"maximum_timeout,omitzero"` // seconds
	MaintenanceNote runners.Nullable[string] `json:"maintenance_note,omitzero"`

	// Projects are the full paths of all projects that it is assigned to, as
	// far as the caller sees them. The one that owns it must be among them.
	Projects *[]string `json:"projects,omitzero"`
}

// ReadDesired reads a Desired from JSON, and refuses fields that it does not
// know.
func ReadDesired(r io.Reader) (*Desired, error) {
	d := &Desired{}
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, fmt.Errorf("desired state: %w", err)
	}
	return d, d.check()
}

// check refuses what names no runner, or one twice.
func (d *Desired) check() error {
	type key struct {
		id          int64
		description string // where there is no id
	}
	seen := map[key]int{}
	for i, r := range d.Runners {
		k := key{id: r.ID}
		if r.ID == 0 {
			k.description = r.Description
		}
		first, twice := seen[k]
		switch {
		case r.ID == 0 && r.Description == "":
			return fmt.Errorf("desired state: runners[%d] has neither an id nor a description", i)
		case twice:
			return fmt.Errorf("desired state: runners[%d] and [%d] are both about %q",
				first, i, cmp.Or(k.description, strconv.FormatInt(k.id, 10)))
		}
		seen[k] = i
	}
	return nil
}

// checkNames refuses a runner that is named by its id and by its description.
func (d *Desired) checkNames(byDescription map[string][]int64) error {
	seen := map[int64]int{}
	for i, r := range d.Runners {
		id := r.ID
		if named := byDescription[r.Description]; id == 0 && len(named) == 1 {
			id = named[0]
		}
		first, twice := seen[id]
		if id != 0 && twice {
			return fmt.Errorf("desired state: runners[%d] and [%d] are both about runner %d", first, i, id)
		}
		seen[id] = i
	}
	return nil
}

// ApplyOptions are the choices of [Apply].
type ApplyOptions struct {
	// Apply says to change the runners. Without it there is only a plan.
	Apply bool

	// Concurrency is how many runners are worked on at once. The default is 8.
	Concurrency int
}

// ErrNoRunner is a description that no runner in the list has, or several do.
var ErrNoRunner = errors.New("not one runner has this description")

// ApplyPlan is how runners differ from what they should be. It can be printed,
// and marshalled, reviewed, and applied later.
type ApplyPlan struct {
	Items []ApplyItem `json:"items"` // of the runners that differ
	Same  int         `json:"same"`  // how many are as they should be

	// Unplanned are the runners of which it is not known whether they differ.
	Unplanned []Unplanned `json:"unplanned,omitzero"`
}

// ApplyItem is one runner that differs.
type ApplyItem struct {
	ID          int64    `json:"id"`
	Description string   `json:"description"`
	Changes     []Change `json:"changes,omitzero"` // from what is to what should be

	Update   *runners.UpdateOptions `json:"update,omitzero"` // that changes it
	Assign   []string               `json:"assign,omitzero"` // to these projects
	Unassign []Project              `json:"unassign,omitzero"`

	Done    bool   `json:"done"`
	Problem string `json:"problem,omitzero"` // why it failed
}

// Apply plans what to change so that runners are as they should be and, if the
// options say Apply, changes it. It is [PlanApply] and then [ApplyPlan.Apply].
func Apply(
	ctx context.Context, c *runners.Client, list *runners.Listing[runners.Runner],
	desired *Desired, o *ApplyOptions,
) (*ApplyPlan, error) {
	options := deref(o)
	plan, err := PlanApply(ctx, c, list, desired, o)
	if !options.Apply || plan == nil {
		return plan, err
	}
	failed := plan.Apply(ctx, c, &EachOptions{Concurrency: options.Concurrency})
	return plan, together(failed, err)
}

// PlanApply finds out how runners differ from what they should be, and changes
// nothing. The list is read only for runners that are named by description,
// and may be nil otherwise.
//
// What fails for one runner does not keep the others from the plan. Those it
// fails for are ApplyPlan.Unplanned, and the error is a [*PartialError].
func PlanApply(
	ctx context.Context, c *runners.Client, list *runners.Listing[runners.Runner],
	desired *Desired, o *ApplyOptions,
) (*ApplyPlan, error) {
	if err := desired.check(); err != nil {
		return nil, err
	}
	g := &gate{}
	byDescription, noList := describe(ctx, g, list, desired)
	if err := desired.checkNames(byDescription); err != nil {
		return nil, err
	}
	look := func(ctx context.Context, d DesiredRunner) answer[*ApplyItem] {
		if d.ID == 0 && noList != nil {
			return answer[*ApplyItem]{nil, noList}
		}
		item, err := d.differs(ctx, c, g, byDescription)
		return answer[*ApplyItem]{item, err}
	}
	plan := &ApplyPlan{Items: []ApplyItem{}}
	for i, a := range ordered(ctx, desired.Runners, atOnce(deref(o).Concurrency), look) {
		switch d := desired.Runners[i]; {
		case a.err != nil:
			plan.Unplanned = append(plan.Unplanned, unplanned(d.ID, d.Description, a.err))
		case a.value == nil:
			plan.Same++
		default:
			plan.Items = append(plan.Items, *a.value)
		}
	}
	return plan, missed(len(desired.Runners), plan.Unplanned)
}

// describe returns the ids in the list by description, if anybody asks.
func describe(
	ctx context.Context, g *gate, list *runners.Listing[runners.Runner], desired *Desired,
) (map[string][]int64, error) {
	all := map[string][]int64{}
	named := slices.ContainsFunc(desired.Runners, func(d DesiredRunner) bool { return d.ID == 0 })
	if !named || list == nil {
		return all, nil
	}
	rows, err := collect(ctx, g, list)
	for _, r := range rows {
		if !slices.Contains(all[r.Description], r.ID) {
			all[r.Description] = append(all[r.Description], r.ID)
		}
	}
	return all, err
}

// differs returns what is to be changed of a runner; nil for nothing.
func (d DesiredRunner) differs(
	ctx context.Context, c *runners.Client, g *gate, byDescription map[string][]int64,
) (*ApplyItem, error) {
	if d.ID == 0 {
		ids := byDescription[d.Description]
		if len(ids) != 1 {
			return nil, fmt.Errorf("%w: %q, but %d do", ErrNoRunner, d.Description, len(ids))
		}
		d.ID = ids[0]
	}
	is, err := get(ctx, c, g, d.ID, d.Projects != nil)
	if err != nil {
		return nil, ofRunner(d.ID, err)
	}
	item := &ApplyItem{ID: d.ID, Description: is.Description}
	item.compare(d, is)
	item.compareProjects(d, is)
	if item.Changes == nil {
		return nil, nil //nolint:nilnil // nothing differs
	}
	return item, nil
}

// compare puts into the update what differs.
func (i *ApplyItem) compare(d DesiredRunner, is *runners.RunnerDetails) {
	u := &runners.UpdateOptions{}
	if d.Description != "" && i.change("description", is.Description, d.Description) {
		u.Description = &d.Description
	}
	if d.TagList != nil && i.change("tag_list", words(is.TagList), words(*d.TagList)) {
		u.TagList = d.TagList
	}
	i.flag("paused", is.IsPaused(), d.Paused, &u.Paused)
	i.flag("run_untagged", is.RunUntagged, d.RunUntagged, &u.RunUntagged)
	i.flag("locked", is.Locked, d.Locked, &u.Locked)
	if d.AccessLevel != "" && i.change("access_level", string(is.AccessLevel), string(d.AccessLevel)) {
		u.AccessLevel = d.AccessLevel
	}
	if !d.MaximumTimeout.IsZero() && i.change("maximum_timeout", shown(is.MaximumTimeout), wanted(d.MaximumTimeout)) {
		u.MaximumTimeout = d.MaximumTimeout
	}
	if !d.MaintenanceNote.IsZero() &&
		i.change("maintenance_note", shown(is.MaintenanceNote), wanted(d.MaintenanceNote)) {
		u.MaintenanceNote = d.MaintenanceNote
	}
	if i.Changes != nil {
		i.Update = u
	}
}

// change adds a change, and reports whether there is one.
func (i *ApplyItem) change(field, is, should string) bool {
	if is == should {
		return false
	}
	i.Changes = append(i.Changes, Change{Field: field, Old: is, New: should})
	return true
}

func (i *ApplyItem) flag(field string, is bool, should *bool, into **bool) {
	if should != nil && i.change(field, strconv.FormatBool(is), strconv.FormatBool(*should)) {
		*into = should
	}
}

func (i *ApplyItem) compareProjects(d DesiredRunner, is *runners.RunnerDetails) {
	if d.Projects == nil {
		return
	}
	var have []string
	for _, p := range is.Projects {
		have = append(have, p.PathWithNamespace)
		if !slices.Contains(*d.Projects, p.PathWithNamespace) {
			i.Unassign = append(i.Unassign, Project{p.ID, p.PathWithNamespace})
		}
	}
	for _, path := range *d.Projects {
		if !slices.Contains(have, path) && !slices.Contains(i.Assign, path) {
			i.Assign = append(i.Assign, path)
		}
	}
	if i.Assign != nil || i.Unassign != nil {
		i.change("projects", words(have), words(*d.Projects))
	}
}

// words shows a set of tags or paths, none of which has a comma in it.
func words(list []string) string {
	sorted := slices.Sorted(slices.Values(list))
	return strings.Join(slices.Compact(sorted), ", ")
}

// shown and wanted are what is and what should be of something that can be
// null.
func shown[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

func wanted[T any](n runners.Nullable[T]) string {
	v, ok := n.Get()
	if !ok {
		return "null"
	}
	return fmt.Sprint(v)
}

// Apply makes the changes of the plan and writes down what became of each
// runner. Where GitLab does not allow one, or something else fails, the error
// is a [*PartialError]. Applying a plan again goes on with what is left of it.
//
// A runner gets one update, and one call for each project that it is assigned
// to or taken from. It is assigned first, so that it is never without one; a
// lock comes last, and what unlocks it first.
func (p *ApplyPlan) Apply(ctx context.Context, c *runners.Client, o *EachOptions) error {
	var todo []*ApplyItem
	for i := range p.Items {
		if !p.Items[i].Done {
			todo = append(todo, &p.Items[i])
		}
	}
	g := &gate{}
	options := deref(o)
	options.Repeatable = false // the gate sees to each call
	outcomes, err := Each(ctx, todo, func(ctx context.Context, item *ApplyItem) error {
		return ofRunner(item.ID, item.apply(ctx, c, g))
	}, &options)
	for _, outcome := range outcomes {
		outcome.Item.Done, outcome.Item.Problem = outcome.Err == nil, ""
		if outcome.Err != nil {
			outcome.Item.Problem = outcome.Err.Error()
		}
	}
	return err
}

func (i *ApplyItem) apply(ctx context.Context, c *runners.Client, g *gate) error {
	update := func() error {
		if i.Update == nil {
			return nil
		}
		_, err := ask(ctx, g, func(ctx context.Context) (*runners.RunnerDetails, error) {
			return c.Runners.Update(ctx, i.ID, i.Update)
		})
		return err
	}
	steps := []func() error{update, func() error { return i.moveProjects(ctx, c, g) }}
	if i.Update != nil && i.Update.Locked != nil && *i.Update.Locked {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (i *ApplyItem) moveProjects(ctx context.Context, c *runners.Client, g *gate) error {
	for _, path := range i.Assign {
		if err := i.assign(ctx, c, g, path); err != nil {
			return err
		}
	}
	for _, p := range i.Unassign {
		err := g.do(ctx, func() error { return c.Projects.Unassign(ctx, runners.ID(p.ID), i.ID) })
		if err != nil && !errors.Is(err, runners.ErrNotFound) {
			return err
		}
	}
	return nil
}

// assign assigns the runner to a project. Where it is not known whether that
// was done, or it is refused as done already, a look at the runner tells.
func (i *ApplyItem) assign(ctx context.Context, c *runners.Client, g *gate, path string) error {
	for try := 1; ; try++ {
		_, err := ask(ctx, g, func(ctx context.Context) (*runners.Runner, error) {
			return c.Projects.Assign(ctx, runners.Path(path), i.ID)
		})
		unknown := errors.Is(err, runners.ErrOutcomeUnknown)
		if !unknown && !errors.Is(err, runners.ErrInvalid) {
			return err
		}
		is, failed := get(ctx, c, g, i.ID, true)
		assigned := failed == nil && slices.ContainsFunc(is.Projects, func(p runners.Project) bool {
			return p.PathWithNamespace == path
		})
		if assigned {
			return nil
		}
		if !unknown || failed != nil || try == assigns {
			return err
		}
	}
}

// assigns is how often a runner is assigned to a project where a look shows
// that the calls whose answers were lost did not do it.
const assigns = 3

// String returns a line for each change and each problem, and one that counts
// the runners.
func (p *ApplyPlan) String() string {
	var b strings.Builder
	for _, item := range p.Items {
		for _, c := range item.Changes {
			fmt.Fprintf(&b, "runner %d %q: %s: %s -> %s\n", item.ID, item.Description, c.Field, c.Old, c.New)
		}
		if item.Problem != "" {
			fmt.Fprintf(&b, "runner %d %q failed: %s\n", item.ID, item.Description, item.Problem)
		}
	}
	unplannedLines(&b, p.Unplanned)
	fmt.Fprintf(&b, "%d to change, %d as they should be", len(p.Items), p.Same)
	if n := len(p.Unplanned); n > 0 {
		fmt.Fprintf(&b, ", %d not planned", n)
	}
	return b.String()
}

// LogValue shows the numbers.
func (p *ApplyPlan) LogValue() slog.Value {
	done := 0
	for _, item := range p.Items {
		if item.Done {
			done++
		}
	}
	return slog.GroupValue(slog.Int("same", p.Same), slog.Int("differ", len(p.Items)),
		slog.Int("done", done), slog.Int("unplanned", len(p.Unplanned)))
}
