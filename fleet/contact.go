// When a runner was last heard of, on every version of GitLab.

package fleet

import (
	"time"

	"github.com/seed-832548de/runners"
)

// contact returns a runner's status as it would be if it were not paused:
// online, offline, stale or never contacted; "" where GitLab does not say.
func contact(r *runners.Runner) runners.Status {
	switch {
	case r.Status == runners.StatusStale:
		return runners.StatusStale
	case r.Online != nil && *r.Online:
		return runners.StatusOnline
	case r.Online != nil:
		return runners.StatusOffline
	case r.Status != "":
		return runners.StatusNeverContacted
	default:
		return ""
	}
}

// heardOf returns when there was the last sign of a runner: its contact, or its
// creation. It is nil where GitLab tells of neither.
func heardOf(d *runners.RunnerDetails) *time.Time {
	if d.ContactedAt == nil || d.CreatedAt != nil && d.CreatedAt.After(*d.ContactedAt) {
		return d.CreatedAt
	}
	return d.ContactedAt
}

// contactOf is [contact] for details, which also tell when that was where the
// status says nothing.
func contactOf(d *runners.RunnerDetails, now time.Time) runners.Status {
	status := contact(&d.Runner)
	switch {
	case status != "":
		return status
	case d.ContactedAt == nil:
		return runners.StatusNeverContacted
	case now.Sub(*d.ContactedAt) < time.Hour:
		return runners.StatusOnline
	default:
		return runners.StatusOffline
	}
}
