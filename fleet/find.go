// Looking for runners by what one knows of them: a description, tags, a
// version, an address, the system that they run on.

package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-832548de/runners"
)

// List makes a list of runners that pass some filters, such as the methods
// List and ListAll of [runners.RunnersService] do.
type List = func(*runners.ListOptions) *runners.Listing[runners.Runner]

// InProject returns the List of the runners that serve a project.
func InProject(c *runners.Client, project runners.Ref) List {
	return func(o *runners.ListOptions) *runners.Listing[runners.Runner] {
		return c.Projects.List(project, o)
	}
}

// InGroup returns the List of the runners that serve a group. It has no scopes.
func InGroup(c *runners.Client, group runners.Ref) List {
	return func(o *runners.ListOptions) *runners.Listing[runners.Runner] {
		f := deref(o)
		return c.Groups.List(group, &runners.GroupListOptions{
			Type: f.Type, Status: f.Status, Paused: f.Paused, TagList: f.TagList,
			VersionPrefix: f.VersionPrefix, Page: f.Page, PerPage: f.PerPage,
		})
	}
}

// Query says what is known of the runners that [Find] looks for. All that is
// set must hold; an empty Query finds them all.
type Query struct {
	Description string   // the whole of it
	Tags        []string // the runner has all of these; GitLab 11.4 or newer

	// What must hold for one and the same of the runner's managers. Before
	// GitLab 17.1, which shows no managers, the runner itself stands for one,
	// without a system id.
	VersionPrefix string // in whole components, such as "16" or "16.1"
	IPAddress     string
	SystemID      string

	// Match, unless nil, is asked about each runner that is left.
	Match func(*runners.Runner) bool

	// Concurrency is how many runners' managers are asked for at once. The
	// default is 8.
	Concurrency int
}

// byManager reports whether the query is about managers.
func (q Query) byManager() bool {
	return q.VersionPrefix != "" || q.IPAddress != "" || q.SystemID != ""
}

// Match is a runner that [Find] found.
type Match struct {
	Runner *runners.Runner

	// Managers are those that the query holds for, where it is about managers.
	Managers []runners.RunnerManager
}

// Find returns the runners of a list that a query holds for, by ascending id.
//
// GitLab is asked to filter by tags and version. The managers are asked for
// only where the query is about them, one call for each runner that is left.
// Where that fails, the error is a [*PartialError], and the others are found.
func Find(ctx context.Context, c *runners.Client, list List, q *Query) ([]Match, error) {
	query, g := deref(q), &gate{}
	rows, err := collect(ctx, g, list(&runners.ListOptions{
		TagList: query.Tags, VersionPrefix: query.VersionPrefix,
	}))
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(once(rows), func(r *runners.Runner) bool {
		return query.Description != "" && r.Description != query.Description ||
			query.Match != nil && !query.Match(r)
	})
	if !query.byManager() {
		matches := make([]Match, len(rows))
		for i, r := range rows {
			matches[i].Runner = r
		}
		return matches, nil
	}
	return query.findManagers(ctx, c, g, rows)
}

func (q Query) findManagers(
	ctx context.Context, c *runners.Client, g *gate, rows []*runners.Runner,
) (matches []Match, err error) {
	look := func(ctx context.Context, r *runners.Runner) answer[[]runners.RunnerManager] {
		managers, err := managersOf(ctx, c, g, r.ID)
		return answer[[]runners.RunnerManager]{managers, ofRunner(r.ID, err)}
	}
	errs := make([]error, len(rows))
	for i, a := range ordered(ctx, rows, atOnce(q.Concurrency), look) {
		errs[i] = a.err
		if found := slices.DeleteFunc(a.value, q.excludes); len(found) > 0 {
			matches = append(matches, Match{rows[i], found})
		}
	}
	return matches, partial(errs)
}

// managersOf returns a runner's managers, none where the runner is gone.
func managersOf(
	ctx context.Context, c *runners.Client, g *gate, id int64,
) ([]runners.RunnerManager, error) {
	managers, err := ask(ctx, g, func(ctx context.Context) ([]runners.RunnerManager, error) {
		return c.Runners.Managers(ctx, id)
	})
	if !errors.Is(err, runners.ErrNotFound) {
		return managers, err
	}
	// Either the runner is gone, or this GitLab shows no managers.
	d, err := get(ctx, c, g, id, false)
	if errors.Is(err, runners.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []runners.RunnerManager{itself(d)}, nil
}

// itself describes a runner as if it were its only manager.
func itself(d *runners.RunnerDetails) runners.RunnerManager {
	return runners.RunnerManager{
		Version:     d.Version,   //nolint:staticcheck // all there is before 17.1
		IPAddress:   d.IPAddress, //nolint:staticcheck // all there is before 17.1
		ContactedAt: d.ContactedAt,
		Status:      d.Status,
	}
}

// excludes reports whether the query does not hold for a manager.
func (q Query) excludes(m runners.RunnerManager) bool {
	return q.SystemID != "" && m.SystemID != q.SystemID ||
		q.IPAddress != "" && m.IPAddress != q.IPAddress ||
		!hasVersionPrefix(m.Version, q.VersionPrefix)
}

// hasVersionPrefix reports whether a version begins with components.
func hasVersionPrefix(version, prefix string) bool {
	rest, found := strings.CutPrefix(version, strings.TrimSuffix(prefix, "."))
	next := cmp.Or(rest, ".")[0]
	return found && (prefix == "" || next < '0' || next > '9')
}
