// Filling a world from specs: who gets which id and secret, in which order
// things are made, and the checks that all kinds share.

package runnerstest

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-832548de/runners"
)

// loadSeed reads a seed and fills w, a new world, with it. The version is
// asked, unless that is "", and the seed may not say another.
func loadSeed(r io.Reader, asked string, start time.Time, w *world) error {
	state, err := readState(r)
	if err != nil {
		return err
	}
	if asked != "" && state.GitLabVersion != "" && !sameVersion(state.GitLabVersion, asked) {
		return &seedError{"gitlab_version", fmt.Sprintf(
			"%.40q, but %q was asked for", state.GitLabVersion, asked)}
	}
	state.GitLabVersion = cmp.Or(state.GitLabVersion, asked)
	return load(state, start, w)
}

// load fills w, a new world, with state. After an error w is of no use.
func load(state State, now time.Time, w *world) error {
	l := newLoader(w, now)
	l.instance(state)
	l.survey(state)
	w.runners.grow(len(state.Runners))
	w.runnersByToken = make(index[runner], len(state.Runners))
	eachSpec(l, "users", state.Users, func(u User) { l.user(u) })
	l.groupTree(state.Groups)
	eachSpec(l, "projects", state.Projects, func(p Project) { l.project(p) })
	eachSpec(l, "runners", state.Runners, func(r Runner) { l.runner(r) })
	l.within("last_ids", func() { l.lastIDs(state.LastIDs) })
	return l.err
}

// A loader makes rows of a world from specs. Its methods return rows that are
// not right after a fault, and put none into the world then; err is the first
// fault.
type loader struct {
	world *world
	now   time.Time
	place place
	err   error
	// adds is set for the Add methods: missing users and namespaces are made.
	adds    bool
	secrets map[string]place // secrets that the specs name, and who has them

	users, groups, projects, runners, managers, jobs numbers
}

func newLoader(w *world, now time.Time) *loader {
	return &loader{
		world:    w,
		now:      now.UTC(),
		secrets:  map[string]place{},
		users:    numbers{kind: "user", rows: &w.users, last: w.users.last},
		groups:   numbers{kind: "group", rows: &w.groups, last: w.groups.last},
		projects: numbers{kind: "project", rows: &w.projects, last: w.projects.last},
		runners:  numbers{kind: "runner", rows: &w.runners, last: w.runners.last},
		managers: numbers{kind: "manager", rows: &w.managers, last: w.managers.last},
		jobs:     numbers{kind: "job", rows: &w.jobs, last: w.jobs.last},
	}
}

// faultf records what is wrong with a field of the spec at hand, unless
// something was wrong before.
func (l *loader) faultf(field, format string, args ...any) {
	if l.err != nil {
		return
	}
	at := l.place.String()
	if at != "" && field != "" {
		at += "."
	}
	l.err = &seedError{at + field, fmt.Sprintf(format, args...)}
}

// within runs f for what stands below a field.
func (l *loader) within(field string, f func()) {
	l.place = append(l.place, atName(field))
	f()
	l.place = l.place[:len(l.place)-1]
}

// eachSpec runs f for the elements of a field, up to the first fault.
func eachSpec[T any](l *loader, field string, specs []T, f func(T)) {
	for i, spec := range specs {
		if l.err != nil {
			return
		}
		l.item(field, i, func() { f(spec) })
	}
}

// item runs f for one element of a field.
func (l *loader) item(field string, i int, f func()) {
	l.place = append(l.place, atName(field), atIndex(i))
	f()
	l.place = l.place[:len(l.place)-2]
}

// instance takes over what is not in a list.
func (l *loader) instance(state State) {
	w := l.world
	v, err := parseVersion(cmp.Or(state.GitLabVersion, newest))
	if err != nil {
		l.faultf("gitlab_version", "%v", err)
		return
	}
	w.version = v
	w.revision = cmp.Or(state.Revision, "0000000000")
	w.registrationAllowed = orTrue(state.AllowRegistrationToken)
	w.plan = l.oneOf("license_plan", cmp.Or(state.LicensePlan, "free"), "free", "premium", "ultimate")
	w.migrationBackoff = state.MigrationBackoff
	l.within("settings", func() { w.settings = l.settings(state.Settings) })
	l.within("plan_limits", func() { w.limits = l.limits(state.PlanLimits) })
}

func (l *loader) settings(spec Settings) settings {
	registrars := slices.Clone(spec.ValidRunnerRegistrars)
	if registrars == nil {
		registrars = []string{"project", "group"}
	}
	for i, kind := range registrars {
		l.oneOf(element("valid_runner_registrars", i), kind, "project", "group")
	}
	return settings{
		adminMode:             spec.AdminMode,
		validRegistrars:       registrars,
		instanceTokenInterval: l.interval("", spec.RunnerTokenExpirationInterval),
		groupTokenInterval:    l.interval("group_", spec.GroupRunnerTokenExpirationInterval),
		projectTokenInterval:  l.interval("project_", spec.ProjectRunnerTokenExpirationInterval),
	}
}

func (l *loader) limits(spec PlanLimits) limits {
	return limits{
		projectRunners: l.limit("ci_registered_project_runners", spec.CIRegisteredProjectRunners),
		groupRunners:   l.limit("ci_registered_group_runners", spec.CIRegisteredGroupRunners),
	}
}

// limit reads how many there may be; 0 = no limit.
func (l *loader) limit(field string, n *int64) int {
	if n == nil {
		return 1000
	}
	if *n < 0 || *n > math.MaxInt32 {
		l.faultf(field, "must be between 0 and %d", math.MaxInt32)
	}
	return int(*n)
}

// lastIDs keeps ids from being given again.
func (l *loader) lastIDs(spec LastIDs) {
	w := l.world
	for _, kind := range []struct {
		name  string
		given int64
		last  *int64
	}{
		{"users", spec.Users, &w.users.last},
		{"groups", spec.Groups, &w.groups.last},
		{"projects", spec.Projects, &w.projects.last},
		{"runners", spec.Runners, &w.runners.last},
		{"managers", spec.Managers, &w.managers.last},
		{"jobs", spec.Jobs, &w.jobs.last},
	} {
		if kind.given < 0 || kind.given > maxSpecID {
			l.faultf(kind.name, "must be between 0 and %d", int64(maxSpecID))
		}
		*kind.last = max(*kind.last, kind.given)
	}
}

// maxSpecID leaves room for those that come after.
const maxSpecID = math.MaxInt64 / 2

// numbers gives the ids of one kind.
type numbers struct {
	kind  string
	rows  interface{ has(id int64) bool }
	given map[int64]place // ids that the specs have, and where
	last  int64
}

func (t *table[T]) has(id int64) bool { return t.get(id) != nil }

// reserve keeps the id that the spec at hand names for it.
func (l *loader) reserve(n *numbers, id int64) {
	if id == 0 {
		return
	}
	other, given := n.given[id]
	switch {
	case id < 0 || id > maxSpecID:
		l.faultf("id", "must be between 1 and %d", int64(maxSpecID))
	case given:
		l.faultf("id", "%d is taken by %s", id, other)
	case n.rows.has(id):
		l.faultf("id", "%d is taken by another %s", id, n.kind)
	}
	l.note(n, id)
}

// note remembers where the spec with an id stands.
func (l *loader) note(n *numbers, id int64) {
	if n.given == nil {
		n.given = map[int64]place{}
	}
	n.given[id] = slices.Clone(l.place)
}

// take returns the id of the spec at hand: its own, else the next free one.
func (l *loader) take(n *numbers, id int64) int64 {
	if id != 0 {
		return id
	}
	for {
		n.last++
		if _, given := n.given[n.last]; !given && !n.rows.has(n.last) {
			return n.last
		}
	}
}

// takeHere is take for a kind that faults name by its place.
func (l *loader) takeHere(n *numbers, id int64) int64 {
	id = l.take(n, id)
	l.note(n, id)
	return id
}

// claim keeps the secret that the spec at hand names for its holder.
func (l *loader) claim(field, secret string, holder place) {
	if secret == "" {
		return
	}
	other, taken := l.secrets[secret]
	switch {
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		l.faultf(field, "must be printable ASCII without spaces")
	case taken:
		l.faultf(field, "taken by %s", cmp.Or(other.String(), "the same"))
	case l.world.holdsSecret(secret):
		l.faultf(field, "taken by %s", l.world.secretHolder(secret))
	}
	l.secrets[secret] = slices.Clone(holder)
	l.world.noteSize(secret)
}

// secret returns the secret that a spec names, else one that nothing in the
// world has, as generate makes it, and no spec either.
func (l *loader) secret(given string, generate func() string) string {
	for given == "" && l.err == nil {
		secret := generate()
		if _, taken := l.secrets[secret]; !taken {
			given = secret
		}
	}
	return given
}

// secretHolder names who holds a secret that is taken.
func (w *world) secretHolder(secret string) string {
	if t := w.accessTokens[secret]; t != nil {
		return "user " + t.user.username
	}
	if r := w.runnersByToken[secret]; r != nil {
		return fmt.Sprintf("runner %d", r.id)
	}
	if g := w.groupsByRegistration[secret]; g != nil {
		return "group " + g.fullPath
	}
	if p := w.projByRegistration[secret]; p != nil {
		return "project " + p.fullPath
	}
	return "the instance"
}

// survey reserves all ids and secrets that a state names, so that those which
// are made up keep clear of them.
func (l *loader) survey(state State) {
	l.claim("registration_token", state.RegistrationToken, place{atName("registration_token")})
	eachSpec(l, "users", state.Users, l.surveyUser)
	eachSpec(l, "groups", state.Groups, l.surveyGroup)
	eachSpec(l, "projects", state.Projects, l.surveyProject)
	eachSpec(l, "runners", state.Runners, l.surveyRunner)
	l.world.registrationToken = l.secret(state.RegistrationToken, func() string {
		return l.world.newRegistrationToken(runners.InstanceType)
	})
}

func (l *loader) surveyUser(spec User) {
	l.reserve(&l.users, spec.ID)
	holder := l.place
	eachSpec(l, "tokens", spec.Tokens, func(t AccessToken) {
		if t.Token == "" && !l.adds {
			l.faultf("token", "is required")
		}
		l.claim("token", t.Token, holder)
	})
}

func (l *loader) surveyGroup(spec Group) {
	l.reserve(&l.groups, spec.ID)
	l.claim("runners_token", spec.RunnersToken, l.place)
}

func (l *loader) surveyProject(spec Project) {
	l.reserve(&l.projects, spec.ID)
	l.claim("runners_token", spec.RunnersToken, l.place)
	eachSpec(l, "jobs", spec.Jobs, func(j Job) { l.reserve(&l.jobs, j.ID) })
}

func (l *loader) surveyRunner(spec Runner) {
	l.reserve(&l.runners, spec.ID)
	l.claim("token", spec.Token, l.place)
	eachSpec(l, "managers", spec.Managers, l.surveyManager)
	eachSpec(l, "jobs", spec.Jobs, l.surveyJob)
}

func (l *loader) surveyManager(spec Manager) { l.reserve(&l.managers, spec.ID) }

func (l *loader) surveyJob(spec Job) { l.reserve(&l.jobs, spec.ID) }

// groupTree makes groups, numbered in the order of the file, parents first.
func (l *loader) groupTree(specs []Group) {
	specs = slices.Clone(specs)
	for i := range specs {
		l.item("groups", i, func() { specs[i].ID = l.takeHere(&l.groups, specs[i].ID) })
	}
	order := make([]int, len(specs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return strings.Count(specs[a].Path, "/") - strings.Count(specs[b].Path, "/")
	})
	for _, i := range order {
		if l.err == nil {
			l.item("groups", i, func() { l.group(specs[i]) })
		}
	}
}

// element is the name of one element of a field.
func element(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

// oneOf checks a value against all that are allowed. It returns our own copy, so
// that the seed's need not be kept.
func (l *loader) oneOf(field, value string, allowed ...string) string {
	i := slices.Index(allowed, value)
	if i < 0 {
		l.faultf(field, "%.40q is none of %s", value, strings.Join(allowed, ", "))
		return value
	}
	return allowed[i]
}

// time returns the moment that a spec names, zero for never and for none.
func (l *loader) time(field string, t Time) time.Time {
	at := t.from(l.now)
	if !at.IsZero() && !timeInRange(at) {
		l.faultf(field, "is out of range")
	}
	return at
}

// interval checks how many seconds the tokens of some runners live.
func (l *loader) interval(whose string, seconds *int64) *int64 {
	return l.between(whose+"runner_token_expiration_interval", seconds, 1)
}

// between checks a number that may be absent; GitLab keeps 32 bits of it.
func (l *loader) between(field string, n *int64, least int64) *int64 {
	if n == nil {
		return nil
	}
	if *n < least || *n > math.MaxInt32 {
		l.faultf(field, "must be between %d and %d", least, math.MaxInt32)
	}
	return new(*n)
}

// amount checks a number that may be absent and has no sign.
func (l *loader) amount(field string, n *float64) *float64 {
	if n == nil {
		return nil
	}
	if !(*n >= 0 && *n <= math.MaxInt32) {
		l.faultf(field, "must be between 0 and %d", math.MaxInt32)
	}
	return new(*n)
}

// slug checks a username or one part of a path, and reports whether it is one.
func (l *loader) slug(field, value string) bool {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') &&
			!strings.ContainsRune("_.-", r)
	}
	switch {
	case value == "":
		l.faultf(field, "is required")
	case strings.ContainsFunc(value, bad):
		l.faultf(field, "%.40q has other characters than letters, digits, _, - and .", value)
	case value == "." || value == ".." || value[0] == '-' || len(value) > 255:
		l.faultf(field, "%.40q cannot stand in a path", value)
	default:
		return true
	}
	return false
}

// orNull returns a pointer to s, nil where s is empty.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return new(s)
}

// orTrue is what a setting says that is true by default.
func orTrue(setting *bool) bool { return setting == nil || *setting }
