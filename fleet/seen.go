// What a watch knows of runners between two looks, in a form that another
// process can go on from.

package fleet

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

// WatchState is what a [Watcher] knows. It marshals, so that another process
// can go on from it.
type WatchState struct {
	At      time.Time      `json:"at"` // of the last look all of whose events were taken
	Runners map[int64]Seen `json:"runners"`
}

// Seen is what a [Watcher] knows of a runner.
type Seen struct {
	Description string             `json:"description"`
	Name        string             `json:"name,omitzero"`
	Type        runners.RunnerType `json:"runner_type,omitzero"`
	IPAddress   string             `json:"ip_address,omitzero"`
	Status      runners.Status     `json:"status,omitzero"` // as if it were not paused
	Paused      bool               `json:"paused,omitzero"`
	Missed      bool               `json:"missed,omitzero"`      // the last look did not find it
	Pending     bool               `json:"pending,omitzero"`     // what changed in its details is still to be told
	ExpiryTold  *time.Time         `json:"expiry_told,omitzero"` // by an event

	// Details are the fields that only a runner's details show, as a [Change]
	// shows them; nil where they were never read. A long text is kept as its
	// beginning and a digest of it, so that they stay below 4 KB.
	Details map[string]string `json:"details,omitzero"`
}

// clone shares the details: they are never written to.
func (s WatchState) clone() WatchState {
	if s.Runners = maps.Clone(s.Runners); s.Runners == nil {
		s.Runners = map[int64]Seen{}
	}
	return s
}

// see returns what is to be known of a runner.
func see(r *runners.Runner) Seen {
	return Seen{
		Description: r.Description, Name: r.Name, Type: r.RunnerType,
		IPAddress: r.IPAddress, //nolint:staticcheck // empty since 17.0, and then it stays so
		Status:    contact(r), Paused: r.IsPaused(),
	}
}

// seeDetails returns what is to be known of a runner's details. When it made
// contact is not: its status tells.
func seeDetails(d *runners.RunnerDetails) map[string]string {
	var projects, groups []string
	for _, p := range d.Projects {
		projects = append(projects, p.PathWithNamespace)
	}
	for _, g := range d.Groups {
		groups = append(groups, strconv.FormatInt(g.ID, 10))
	}
	all := map[string]string{
		"tag_list":         words(d.TagList),
		"run_untagged":     strconv.FormatBool(d.RunUntagged),
		"locked":           strconv.FormatBool(d.Locked),
		"access_level":     string(d.AccessLevel),
		"maximum_timeout":  shown(d.MaximumTimeout),
		"maintenance_note": shown(d.MaintenanceNote),
		"projects":         words(projects),
		"groups":           words(groups),
		"version":          d.Version, //nolint:staticcheck // of the manager that made contact last
		"revision":         d.Revision,
		"platform":         d.Platform,
		"architecture":     d.Architecture,
	}
	for field, text := range all {
		all[field] = shortened(text)
	}
	return all
}

// longest is how much of a text is kept.
const longest = 256

// shortened returns a text, or what stands for a long one.
func shortened(text string) string {
	if len(text) <= longest {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes, SHA-256 %.8x)",
		strings.ToValidUTF8(text[:longest-60], ""), len(text), sha256.Sum256([]byte(text)))
}

// changes returns the fields that no event of their own tells of.
func (s Seen) changes(now Seen) []Change {
	var all []Change
	for _, c := range []Change{
		{"description", s.Description, now.Description},
		{"name", s.Name, now.Name},
		{"runner_type", string(s.Type), string(now.Type)},
		{"ip_address", s.IPAddress, now.IPAddress},
	} {
		if c.Old != c.New {
			all = append(all, c)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(now.Details)) {
		old, known := s.Details[field]
		if is := now.Details[field]; known && old != is {
			all = append(all, Change{field, old, is})
		}
	}
	return all
}
