// What a test wants to have been asked.

package runnerstest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// maxNearest is how many requests a failure shows.
const maxNearest = 8

// WantRequests fails the test unless a route took n requests that all filters
// select. The failure shows those that come nearest.
func (s *Server) WantRequests(tb testing.TB, route string, n int, filters ...Filter) {
	tb.Helper()
	if !slices.Contains(Routes(), route) {
		tb.Errorf("runnerstest: WantRequests: %s", noRoute(route))
		return
	}
	got := s.Requests(append([]Filter{ByRoute(route)}, filters...)...)
	if len(got) == n {
		return
	}
	tb.Errorf("runnerstest: %d requests took %s%s, want %d\n%s", len(got), route,
		map[bool]string{true: " and were selected"}[len(filters) > 0], n,
		nearestRequests(s.Requests(), route))
}

// nearestRequests lists the requests most alike those of a route: its own,
// those with its method or path, and then the rest, each sort by age.
func nearestRequests(all []Request, route string) string {
	if len(all) == 0 {
		return "there were no requests"
	}
	slices.SortStableFunc(all, func(a, b Request) int {
		return cmp.Compare(remoteness(a, route), remoteness(b, route))
	})
	lines := []string{"the nearest requests:"}
	for _, r := range all[:min(len(all), maxNearest)] {
		lines = append(lines, "  "+r.line())
	}
	if more := len(all) - maxNearest; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func remoteness(r Request, route string) int {
	method, path, _ := strings.Cut(route, " ")
	_, taken, _ := strings.Cut(r.Route, " ")
	switch {
	case r.Route == route:
		return 0
	case taken == path:
		return 1
	case r.Method == method:
		return 2
	default:
		return 3
	}
}

// line is a request as a failure shows it.
func (r Request) line() string {
	text := fmt.Sprintf("%s %s: %d", r.Method, r.Path, r.Status)
	if r.Actor != "" {
		text += " to " + r.Actor
	}
	if r.Fault != "" {
		text += ", fault " + r.Fault
	}
	if params, err := json.Marshal(r.Params); err == nil && len(r.Params) > 0 {
		text += " " + string(params)
	}
	return text
}
