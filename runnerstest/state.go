// What the pretended GitLab knows: users, groups, projects, runners, jobs,
// settings, and who holds which secret. Only facts stand here; who may see or
// change them is policy.go's, how they look on the wire the handlers'.

package runnerstest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

// A world is the whole state of one server. Its methods neither lock nor look
// at the clock; the server does both.
type world struct {
	version              version
	revision             string
	registrationToken    string
	registrationAllowed  bool
	settings             settings
	limits               limits
	plan                 string // "free", "premium" or "ultimate"
	migrationBackoff     bool
	users                table[user]
	groups               table[group]
	projects             table[project]
	runners              table[runner]
	managers             table[manager]
	jobs                 table[job]
	usersByName          index[user]
	groupsByPath         index[group]
	projectsByPath       index[project]
	accessTokens         index[accessToken]
	runnersByToken       index[runner]
	groupsByRegistration index[group]
	projByRegistration   index[project]
	moved                index[project] // by the paths they had
	secretSizes          []int          // of the long secrets, in bytes

	shown    *edition   // what version has; see world.edition
	rng      *rand.Rand // made with the first secret
	randSeed uint64
}

type settings struct {
	adminMode             bool
	validRegistrars       []string // "project", "group"
	instanceTokenInterval *int64   // seconds; nil = tokens never expire
	groupTokenInterval    *int64
	projectTokenInterval  *int64
}

type limits struct {
	projectRunners int // most recent runners in one project; 0 = no limit
	groupRunners   int
}

type user struct {
	id       int64
	username string
	name     string
	admin    bool
	auditor  bool
	state    string // "active", "blocked", "blocked_pending_approval"
	tokens   []*accessToken
}

type accessToken struct {
	secret    string
	name      string
	kind      tokenKind
	scopes    []string
	expiresAt time.Time // zero = never
	revoked   bool
	user      *user
}

// A tokenKind says what kind of credential an access token is.
type tokenKind string

const (
	personalToken tokenKind = "personal"
	oauthToken    tokenKind = "oauth"
)

type group struct {
	id                   int64
	path                 string // last part of fullPath
	fullPath             string
	name                 string
	parent               *group
	visibility           string
	registrationToken    string
	registrationAllowed  *bool // nil = the parent's
	sharedRunners        bool
	members              map[int64]Role // by user id, direct only
	tokenInterval        *int64
	subgroupInterval     *int64
	projectTokenInterval *int64
	sub                  []*group
	projects             []*project
}

type project struct {
	id                int64
	path              string // last part of fullPath
	fullPath          string
	name              string
	group             *group // nil in a user's own namespace
	owner             *user  // nil in a group
	visibility        string
	registrationToken string
	sharedRunners     bool
	groupRunners      bool
	members           map[int64]Role // by user id, direct only
	tokenInterval     *int64
	createdAt         time.Time
	oldPaths          []string // that it had before it was moved
}

// A runner is one of very many, so that it is small. What filters look at
// stands first.
type runner struct {
	id               int64
	kind             runners.RunnerType
	createdAt        instant
	contactedAt      instant // zero = never
	paused           bool
	locked           bool
	runUntagged      bool
	refProtected     bool // its access level
	createdByUser    bool // over POST /user/runners, not registered
	finished         bool // creation finished: has asked for a job
	description      string
	name             *string
	token            string
	tokenExpiresAt   instant // zero = never
	rotationDeadline instant // zero = none
	tagList          []string
	maximumTimeout   *int64 // seconds
	maintenanceNote  *string
	updatedAt        instant
	createdBy        *user
	about            *about // shown where no manager tells; nil = nothing
	queueValue       string // X-GitLab-Last-Update; "" until first needed
	queueValueMade   instant
	group            *group        // of a group runner
	assignments      []*assignment // of a project runner, oldest first
	managers         []*manager    // by id
	jobs             []*job        // by id
}

// about is what a runner process tells of itself.
type about struct {
	version, revision, platform, architecture, ipAddress *string
}

// An assignment ties a project runner to one of its projects. The oldest one
// makes its project the runner's owner.
type assignment struct {
	project   *project
	updatedAt time.Time
}

type manager struct {
	id          int64
	runner      *runner
	systemID    string
	about       about
	executor    *string
	createdAt   instant
	updatedAt   instant
	contactedAt instant // zero = never
	unfinished  bool    // verified only: has not asked for a job yet
}

type job struct {
	id             int64
	status         runners.JobStatus
	stage          string
	name           string
	ref            string
	tag            bool
	tagList        []string
	project        *project
	runner         *runner // nil while no runner has taken it
	systemID       *string
	pipelineID     int64
	user           *user
	webURL         *string // nil = derived
	coverage       *float64
	allowFailure   bool
	failureReason  *string
	createdAt      time.Time
	startedAt      time.Time
	finishedAt     time.Time
	duration       *float64 // seconds; nil = from the times
	queuedDuration *float64
	token          string // the job's own token, once it runs
	traceSize      int64  // how much of its log has come
}

// newWorld returns an empty GitLab with the defaults of a seed.
func newWorld() *world {
	return &world{
		revision:            "0000000000",
		registrationAllowed: true,
		settings:            settings{validRegistrars: []string{"project", "group"}},
		limits:              limits{projectRunners: 1000, groupRunners: 1000},
		plan:                "free",
	}
}

// A table holds the rows of one kind in ascending order of their ids.
type table[T any] struct {
	ids  []int64
	rows []*T
	last int64 // the highest id there ever was
}

// get returns the row with this id, or nil.
func (t *table[T]) get(id int64) *T {
	if id > t.last {
		return nil
	}
	if i, ok := slices.BinarySearch(t.ids, id); ok {
		return t.rows[i]
	}
	return nil
}

// next returns the id that the next row gets.
func (t *table[T]) next() int64 { return t.last + 1 }

// grow makes room for n more rows.
func (t *table[T]) grow(n int) {
	t.ids, t.rows = slices.Grow(t.ids, n), slices.Grow(t.rows, n)
}

// put adds a row under an id that is not taken.
func (t *table[T]) put(id int64, row *T) {
	i := len(t.ids)
	if id < t.last {
		i, _ = slices.BinarySearch(t.ids, id)
	}
	t.ids = slices.Insert(t.ids, i, id)
	t.rows = slices.Insert(t.rows, i, row)
	t.last = max(t.last, id)
}

// remove takes the row with this id away.
func (t *table[T]) remove(id int64) {
	if i, ok := slices.BinarySearch(t.ids, id); ok {
		t.ids = slices.Delete(t.ids, i, i+1)
		t.rows = slices.Delete(t.rows, i, i+1)
	}
}

// An index finds rows by a text. Nil is an empty one: most worlds are small.
type index[T any] map[string]*T

// put adds a row, or takes another one for its text.
func (x *index[T]) put(text string, row *T) {
	if *x == nil {
		*x = index[T]{}
	}
	(*x)[text] = row
}

// holdsSecret reports whether a secret is taken, by anything.
func (w *world) holdsSecret(secret string) bool {
	_, access := w.accessTokens[secret]
	_, run := w.runnersByToken[secret]
	_, grp := w.groupsByRegistration[secret]
	_, proj := w.projByRegistration[secret]
	return access || run || grp || proj || secret == w.registrationToken
}

// orNil returns a pointer to a, nil where a tells nothing.
func (a about) orNil() *about {
	if a == (about{}) {
		return nil
	}
	return new(a)
}

// accessLevel returns which jobs the runner takes.
func (r *runner) accessLevel() runners.AccessLevel {
	if r.refProtected {
		return runners.RefProtected
	}
	return runners.NotProtected
}

// owner returns the project that owns a project runner, nil for an orphan and
// for other runners.
func (r *runner) owner() *project {
	if len(r.assignments) == 0 {
		return nil
	}
	return r.assignments[0].project
}

// assignment returns what ties r to p, or nil.
func (r *runner) assignment(p *project) *assignment {
	for _, a := range r.assignments {
		if a.project == p {
			return a
		}
	}
	return nil
}

// managerNamed returns the manager with this system id, or nil.
func (r *runner) managerNamed(systemID string) *manager {
	for _, m := range r.managers {
		if m.systemID == systemID {
			return m
		}
	}
	return nil
}

// latestManager returns the manager that made contact last, or nil.
func (r *runner) latestManager() *manager {
	var latest *manager
	for _, m := range r.managers {
		if latest == nil || m.contactedAt > latest.contactedAt {
			latest = m
		}
	}
	return latest
}

// removeRunner takes a runner and all that hangs on it out of the world. Its
// jobs stay in their projects, without a runner.
func (w *world) removeRunner(r *runner) {
	w.runners.remove(r.id)
	delete(w.runnersByToken, r.token)
	for _, m := range r.managers {
		w.managers.remove(m.id)
	}
	for _, j := range r.jobs {
		j.runner, j.systemID = nil, nil
	}
}

// withAncestors yields g, its parent, and so on to the top.
func (g *group) withAncestors(yield func(*group) bool) {
	for ; g != nil; g = g.parent {
		if !yield(g) {
			return
		}
	}
}

// contains reports whether other is g or lies anywhere below it.
func (g *group) contains(other *group) bool {
	for a := range other.withAncestors {
		if a == g {
			return true
		}
	}
	return false
}

// namespacePath is the path of what p lies in.
func (p *project) namespacePath() string {
	return p.fullPath[:strings.LastIndexByte(p.fullPath, '/')]
}
