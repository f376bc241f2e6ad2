// Time: what the server's clock shows, and all that follows from it: who is
// online, what is stale, when tokens end.

package runnerstest

import (
	"net/url"
	"time"

	"github.com/seed-832548de/runners"
)

// Now returns the time on the server's clock.
func (s *Server) Now() time.Time {
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance sets the server's clock forward by d, or back where d is negative.
func (s *Server) Advance(d time.Duration) {
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// now reads the clock; the caller holds the lock. GitLab's database keeps
// microseconds.
func (s *Server) now() time.Time {
	clock := time.Now
	if s.options.Now != nil {
		clock = s.options.Now
	}
	return clock().Add(s.offset).UTC().Truncate(time.Microsecond)
}

// An instant is a time as GitLab's database keeps it: microseconds, here since
// the year 1. Zero is none.
type instant int64

const beforeEpoch = 62_135_596_800_000_000 // from the year 1 to 1970

func instantOf(t time.Time) instant { return instant(t.UnixMicro() + beforeEpoch) }

// time returns the time, zero for none.
func (i instant) time() time.Time { return time.UnixMicro(int64(i) - beforeEpoch).UTC() }

// A view is who looks at the world, and when.
type view struct {
	world       *world
	edition     *edition
	now         time.Time
	onlineAfter instant // a contact after this makes a runner online
	staleUntil  instant // nothing newer than this makes a runner stale
	rows        rowRules
	user        *user  // nil = nobody
	admin       bool   // the user acts as an administrator
	base        string // scheme and host of addresses

	withoutProjects bool // the caller wants no projects in the details
}

// rowRules are the rules that every row of a list asks for.
type rowRules struct {
	staleIsShown, addressIsShown, addressIsText bool
}

// viewAt returns a look at the world by nobody.
func (w *world) viewAt(now time.Time) view {
	e := w.edition()
	v := view{world: w, edition: e, now: now, onlineAfter: instantOf(now.Add(-time.Hour))}
	if e.has("rule: online within two hours") {
		v.onlineAfter = instantOf(now.Add(-2 * time.Hour))
	}
	v.staleUntil = instantOf(now.AddDate(0, -3, 0))
	if e.has("rule: stale after seven days") {
		v.staleUntil = instantOf(now.AddDate(0, 0, -7))
	}
	v.rows = rowRules{
		staleIsShown:   e.has("rule: stale is shown"),
		addressIsShown: e.has("rule: ip_address is shown"),
		addressIsText:  e.has("rule: ip_address is an empty text"),
	}
	return v
}

func (v *view) online(contacted instant) bool { return contacted > v.onlineAfter }

// stale reports whether something was neither made nor heard of lately.
func (v *view) stale(created, contacted instant) bool {
	return max(created, contacted) <= v.staleUntil
}

// The statuses that runners show and that filters select by, over all
// versions.
const (
	statusOnline         = "online"
	statusOffline        = "offline"
	statusStale          = "stale"
	statusNeverContacted = "never_contacted"
	statusNotConnected   = "not_connected" // never_contacted until 15.0
	statusPaused         = "paused"
	statusActive         = "active" // a filter only
)

// runnerStatus is the status that a runner shows.
func (v *view) runnerStatus(r *runner) string {
	switch {
	case v.rows.staleIsShown && v.stale(r.createdAt, r.contactedAt):
		return statusStale
	case r.contactedAt == 0:
		return v.neverContacted()
	case r.paused:
		return statusPaused
	case v.online(r.contactedAt):
		return statusOnline
	default:
		return statusOffline
	}
}

func (v *view) neverContacted() string {
	if v.edition.has("rule: never_contacted is shown") {
		return statusNeverContacted
	}
	return statusNotConnected
}

// managerStatus is the status that a runner manager shows; it is never paused.
func (v *view) managerStatus(m *manager) string {
	switch {
	case v.stale(m.createdAt, m.contactedAt):
		return statusStale
	case m.contactedAt == 0 || m.unfinished:
		return statusNeverContacted
	case v.online(m.contactedAt):
		return statusOnline
	default:
		return statusOffline
	}
}

// selecting returns a status filter. It looks at the contacts as they are, not
// at the status that the runner shows.
func (v *view) selecting(status string) func(*runner) bool {
	switch status {
	case statusOnline:
		return func(r *runner) bool { return v.online(r.contactedAt) }
	case statusOffline:
		never := v.edition.has("rule: offline includes never contacted")
		return func(r *runner) bool { return !v.online(r.contactedAt) && (never || r.contactedAt != 0) }
	case statusNeverContacted, statusNotConnected:
		return func(r *runner) bool { return r.contactedAt == 0 }
	case statusStale:
		return func(r *runner) bool { return v.stale(r.createdAt, r.contactedAt) }
	case statusActive:
		return func(r *runner) bool { return !r.paused }
	case statusPaused:
		return func(r *runner) bool { return r.paused }
	default:
		return func(*runner) bool { return false }
	}
}

// tokenExpired reports whether a runner's token has come to its end.
func (v *view) tokenExpired(r *runner) bool {
	return v.edition.has("rule: tokens expire") &&
		r.tokenExpiresAt != 0 && instantOf(v.now) >= r.tokenExpiresAt
}

// tokenExpiry returns when a token that r gets now will end: after the
// smallest of the intervals that apply to r, or never.
func (v *view) tokenExpiry(r *runner) time.Time {
	seconds := smallest(v.world.intervals(r))
	if seconds == nil {
		return time.Time{}
	}
	return v.now.Add(time.Duration(*seconds) * time.Second)
}

// intervals returns the settings that bound the life of r's token.
func (w *world) intervals(r *runner) []*int64 {
	switch r.kind {
	case runners.GroupType:
		all := []*int64{w.settings.groupTokenInterval}
		if r.group == nil {
			return all
		}
		for above := range r.group.parent.withAncestors {
			all = append(all, above.subgroupInterval)
		}
		return append(all, r.group.tokenInterval)
	case runners.ProjectType:
		all := []*int64{w.settings.projectTokenInterval}
		for _, a := range r.assignments {
			all = append(all, a.project.tokenInterval)
			for above := range a.project.group.withAncestors {
				all = append(all, above.projectTokenInterval)
			}
		}
		return all
	case runners.InstanceType:
		return []*int64{w.settings.instanceTokenInterval}
	default:
		return nil
	}
}

func smallest(all []*int64) (least *int64) {
	for _, n := range all {
		if n != nil && (least == nil || *n < *least) {
			least = n
		}
	}
	return least
}

// baseOf returns scheme and host as the caller wrote them, so that links lead
// back the way the request came.
func baseOf(tls bool, u *url.URL, host string) string {
	switch {
	case u.Scheme != "":
		return u.Scheme + "://" + host
	case tls:
		return "https://" + host
	default:
		return "http://" + host
	}
}
