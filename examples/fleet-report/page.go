// What the report says: the runners, counted in a few ways.

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

const day = 24 * time.Hour

// A page is all that the template shows.
type page struct {
	GitLab, Scope string
	Incomplete    bool
	At            time.Time
	Total         int
	TotalSize     float64 // of the number in the ring
	Headline      string

	States         []state
	Versions       bars
	Tags, Projects bars
	Contacts, Ages columns
	Worth          []suspect
	WorthMore      int
}

// newPage counts.
func newPage(rows []*runners.RunnerDetails, now time.Time) *page {
	p := &page{At: now.UTC(), Total: len(rows), States: states(rows)}
	p.TotalSize = min(7.5, 33/float64(len(number(p.Total))))
	p.Headline = headline(p)
	p.Versions = newBars(rows, versions)
	p.Versions.order(newestFirst)
	p.Tags = newBars(rows, func(d *runners.RunnerDetails) []string { return d.TagList })
	p.Tags.order(biggestFirst)
	p.Projects = newBars(rows, projects)
	p.Projects.order(biggestFirst)
	p.Contacts = newColumns([]step{
		{"2 hours", 2 * time.Hour},
		{"a day", day},
		{"a week", 7 * day},
		{"a month", 30 * day},
		{"3 months", 91 * day},
		{"a year", 365 * day},
		{"longer", 0},
	}, rows, now, func(d *runners.RunnerDetails) *time.Time { return d.ContactedAt })
	p.Ages = newColumns([]step{
		{"a week", 7 * day},
		{"a month", 30 * day},
		{"3 months", 91 * day},
		{"6 months", 182 * day},
		{"a year", 365 * day},
		{"2 years", 730 * day},
		{"older", 0},
	}, rows, now, func(d *runners.RunnerDetails) *time.Time { return d.CreatedAt })
	p.suspect(rows, now)
	return p
}

// headline says the most important in one sentence.
func headline(p *page) string {
	online, lost := 0, 0
	for _, s := range p.States {
		switch s.Key {
		case "online":
			online = s.Count
		case "stale", "never_contacted":
			lost += s.Count
		}
	}
	text := fmt.Sprintf("%s of %s runners %s online", number(online), number(p.Total), are(online))
	if lost > 0 {
		text += fmt.Sprintf(", and %s may be forgotten", number(lost))
	}
	return text + "."
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// statusOf is the status of a runner, also where GitLab is too old to say it.
func statusOf(d *runners.RunnerDetails) string {
	switch {
	case d.IsPaused():
		return "paused"
	case d.Status == "active" || d.Status == "" && d.Online != nil && *d.Online:
		return "online"
	case d.Status == "not_connected":
		return "never_contacted"
	default:
		return cmp.Or(string(d.Status), "offline")
	}
}

// versions is the version of the program that made contact last, in two parts.
func versions(d *runners.RunnerDetails) []string {
	parts := strings.SplitN(d.Version, ".", 3) //nolint:staticcheck // one number a runner is what a chart needs
	if len(parts) < 2 {
		return []string{"not known"}
	}
	return []string{parts[0] + "." + parts[1]}
}

func projects(d *runners.RunnerDetails) []string {
	var paths []string
	for _, p := range d.Projects {
		paths = append(paths, p.PathWithNamespace)
	}
	return paths
}

// A suspect is a runner that is worth a look.
type suspect struct {
	ID          int64
	Description string
	State       state
	Why         string
	since       time.Time
}

// suspects is how many of them the page names.
const suspects = 10

// suspect names the runners that are worth a look, the longest silent first.
func (p *page) suspect(rows []*runners.RunnerDetails, now time.Time) {
	for _, d := range rows {
		s := suspect{ID: d.ID, Description: cmp.Or(d.Description, "(no description)")}
		switch s.State = stateOf(statusOf(d)); {
		case s.State.Key == "stale" && d.ContactedAt != nil:
			s.Why, s.since = "last heard of "+ago(now.Sub(*d.ContactedAt)), *d.ContactedAt
		case s.State.Key == "never_contacted", s.State.Key == "stale":
			s.Why = "created, and never installed"
			if d.CreatedAt != nil {
				s.Why, s.since = "created "+ago(now.Sub(*d.CreatedAt))+", and never installed", *d.CreatedAt
			}
		case s.State.Key == "paused" && d.ContactedAt != nil && now.Sub(*d.ContactedAt) > 7*day:
			s.Why, s.since = "paused, and last heard of "+ago(now.Sub(*d.ContactedAt)), *d.ContactedAt
		default:
			continue
		}
		p.Worth = append(p.Worth, s)
	}
	slices.SortStableFunc(p.Worth, func(a, b suspect) int { return a.since.Compare(b.since) })
	p.WorthMore = max(0, len(p.Worth)-suspects)
	p.Worth = p.Worth[:len(p.Worth)-p.WorthMore]
}

// ago says how long ago something was, roughly.
func ago(d time.Duration) string {
	days := int(d / day)
	switch {
	case days < 1:
		return "today"
	case days == 1:
		return "yesterday"
	case days < 60:
		return fmt.Sprintf("%d days ago", days)
	case days < 730:
		return fmt.Sprintf("%d months ago", days/30)
	default:
		return fmt.Sprintf("%d years ago", days/365)
	}
}
