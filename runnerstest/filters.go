// The filters that the lists of runners share, and how a list is made of them.

package runnerstest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed-832548de/runners"
)

// pageParams are declared by every list with pages.
func pageParams() []param {
	return []param{
		{name: "page", kind: integerKind, fallback: int64(1)},
		{name: "per_page", kind: integerKind, fallback: int64(defaultPerPage), check: notZero},
	}
}

func notZero(value any) string {
	if n, _ := value.(int64); n == 0 {
		return "has a value not allowed"
	}
	return ""
}

// listParams are those of a list of runners.
func listParams() declared {
	d := groupListParams()
	d.params = append([]param{{name: "scope", values: scopes()}}, d.params...)
	return d
}

// groupListParams are those of a group's list, which has no scope.
func groupListParams() declared {
	return declared{group: "list", params: append([]param{
		{name: "type", values: types()},
		{name: "status", values: statuses()},
		{name: "paused", kind: booleanKind},
		{name: "tag_list", kind: listKind},
		{name: "version_prefix", check: beginsVersion},
	}, pageParams()...)}
}

func types() []string {
	return []string{
		string(runners.InstanceType), string(runners.GroupType), string(runners.ProjectType),
	}
}

func statuses() []string {
	return []string{
		statusActive, statusPaused, statusOnline, statusOffline,
		statusNotConnected, statusNeverContacted, statusStale,
	}
}

func scopes() []string {
	return append([]string{scopeSpecific, scopeShared}, append(types(), statusScopes()...)...)
}

// statusScopes are the scopes that every list with scopes can use.
func statusScopes() []string {
	return []string{
		statusActive, statusPaused, statusOnline, statusOffline,
		statusNeverContacted, statusStale,
	}
}

// The scopes that are neither statuses nor types.
const (
	scopeSpecific = "specific"
	scopeShared   = "shared"
)

func beginsVersion(value any) string {
	if prefix, _ := value.(string); prefix == "" || !strings.ContainsAny(prefix[:1], "0123456789.+") {
		return "is invalid"
	}
	return ""
}

// usableScope refuses the scopes that the list of the caller's own runners
// declares and cannot use.
func usableScope(q *request) *refusal {
	if scope, given := q.text("scope"); given && !slices.Contains(statusScopes(), scope) {
		return refuse(http.StatusBadRequest, "Scope contains invalid value")
	}
	return nil
}

// listRunners replies with a page of the runners that belong to the list and
// pass the request's filters, by ascending id.
func (q *request) listRunners(rows []*runner, belongs func(*runner) bool) (reply, *refusal) {
	filters := q.filters()
	prefix, byVersion := q.text("version_prefix")
	if belongs == nil && filters == nil && !byVersion {
		return listed(q, q.edition.shapes.listed, pageOf(q), rows, nil)
	}
	return listed(q, q.edition.shapes.listed, pageOf(q), rows, func(r *runner) int {
		for _, passes := range filters {
			if !passes(r) {
				return 0
			}
		}
		if belongs != nil && !belongs(r) {
			return 0
		}
		if byVersion {
			return r.managersOf(prefix)
		}
		return 1
	})
}

// filters returns the request's filters, all of which a runner must pass.
func (q *request) filters() (all []func(*runner) bool) {
	if kind, given := q.text("type"); given {
		all = append(all, func(r *runner) bool { return string(r.kind) == kind })
	}
	if status, given := q.text("status"); given {
		all = append(all, q.selecting(status))
	}
	if paused, given := q.boolean("paused"); given {
		all = append(all, func(r *runner) bool { return r.paused == paused })
	}
	if tags, given := q.list("tag_list"); given && len(tags) > 0 {
		all = append(all, func(r *runner) bool { return carries(r.tagList, tags) })
	}
	if scope, given := q.text("scope"); given {
		all = append(all, q.scopeFilter(scope))
	}
	return all
}

// scopeFilter is a filter for a scope, which is a status or a type.
func (q *request) scopeFilter(scope string) func(*runner) bool {
	if slices.Contains(statusScopes(), scope) {
		return q.selecting(scope)
	}
	return func(r *runner) bool {
		switch scope {
		case scopeShared:
			return r.kind == runners.InstanceType
		case scopeSpecific:
			return r.kind != runners.InstanceType
		default:
			return string(r.kind) == scope
		}
	}
}

// carries reports whether every wanted tag is there.
func carries(tags, wanted []string) bool {
	for _, tag := range wanted {
		if !slices.Contains(tags, tag) {
			return false
		}
	}
	return true
}

// managersOf counts the managers whose version has a prefix. GitLab joins
// runners and managers for it, so that a runner is listed once for each.
func (r *runner) managersOf(prefix string) (n int) {
	for _, m := range r.managers {
		if m.about.version != nil && matchesVersion(*m.about.version, prefix) {
			n++
		}
	}
	return n
}

// matchesVersion compares a version with up to three components of a prefix,
// each of which must be equal.
func matchesVersion(version, prefix string) bool {
	wanted := strings.Split(strings.TrimSuffix(prefix, "."), ".")
	release, _, _ := strings.Cut(version, "-")
	release, _, _ = strings.Cut(release, "+")
	release, _, _ = strings.Cut(release, "~")
	has := strings.Split(release, ".")
	return len(wanted) <= min(3, len(has)) && slices.Equal(wanted, has[:len(wanted)])
}
