// Specs become rows of a world: one way for seeds, snapshots and the Add
// methods.

package runnerstest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-832548de/runners"
)

// AddUser adds a user, and returns it with its id and all defaults filled in.
//
// As with all Add methods, a bad spec fails the test of [NewServer] and adds
// nothing; a server of [Start] panics. Offsets count from the server's present
// time.
func (s *Server) AddUser(spec User) User {
	s.test().Helper()
	return addSpec(s, "AddUser", spec, (*loader).surveyUser, (*loader).user, (*world).userSpec)
}

// AddToken adds an access token to a user, who is made where there is none of
// that name. It returns the token with its secret.
func (s *Server) AddToken(spec AccessToken) AccessToken {
	s.test().Helper()
	survey := func(l *loader, t AccessToken) { l.claim("token", t.Token, nil) }
	return addSpec(s, "AddToken", spec, survey, (*loader).tokenOfUser, (*world).tokenSpec)
}

// AddGroup adds a group, and the groups that it lies in where they are missing.
func (s *Server) AddGroup(spec Group) Group {
	s.test().Helper()
	return addSpec(s, "AddGroup", spec, (*loader).surveyGroup, (*loader).group, (*world).groupSpec)
}

// AddProject adds a project, and its group where there is neither a group nor
// a user of that name.
func (s *Server) AddProject(spec Project) Project {
	s.test().Helper()
	return addSpec(s, "AddProject", spec, (*loader).surveyProject, (*loader).project,
		func(w *world, p *project) Project { return w.projectSpec(p, w.waitingJobs()[p]) })
}

// AddMember gives a user a role in a group or a project, in place of the one
// that the user had.
func (s *Server) AddMember(m Member) Member {
	s.test().Helper()
	return addSpec(s, "AddMember", m, func(*loader, Member) {}, (*loader).member,
		func(_ *world, m *Member) Member { return *m })
}

// AddRunner adds a runner with its managers and jobs.
func (s *Server) AddRunner(spec Runner) Runner {
	s.test().Helper()
	return addSpec(s, "AddRunner", spec, (*loader).surveyRunner, (*loader).runner, (*world).runnerSpec)
}

// AddManager adds a manager to a runner. Its contact counts as the runner's.
func (s *Server) AddManager(runnerID int64, spec Manager) Manager {
	s.test().Helper()
	build := func(l *loader, m Manager) *manager { return l.managerOf(runnerID, m) }
	return addSpec(s, "AddManager", spec, (*loader).surveyManager, build, (*world).managerSpec)
}

// AddJob adds a job, to the runner that took it or to those that wait for one.
func (s *Server) AddJob(spec Job) Job {
	s.test().Helper()
	return addSpec(s, "AddJob", spec, (*loader).surveyJob, (*loader).jobOfAny, (*world).jobSpec)
}

// addSpec makes a row of a spec, and returns what became of the spec.
func addSpec[S, R any](s *Server, method string, spec S, survey func(*loader, S),
	build func(*loader, S) *R, show func(*world, *R) S,
) S {
	s.test().Helper()
	added, err := func() (added S, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ready()
		l := newLoader(s.world, s.now())
		l.adds = true
		survey(l, spec)
		row := build(l, spec)
		if l.err == nil {
			added = show(s.world, row)
		}
		return added, l.err
	}()
	if err != nil {
		s.report(fmt.Errorf("runnerstest: %s: %w", method, err))
	}
	return added
}

func (l *loader) user(spec User) *user {
	u := &user{
		username: spec.Username,
		name:     cmp.Or(spec.Name, spec.Username),
		admin:    spec.Admin,
		auditor:  spec.Auditor,
		state: l.oneOf("state", cmp.Or(spec.State, "active"),
			"active", "blocked", "blocked_pending_approval"),
	}
	if l.slug("username", spec.Username) {
		l.freePath("username", spec.Username)
	}
	eachSpec(l, "tokens", spec.Tokens, func(t AccessToken) {
		u.tokens = append(u.tokens, l.token(u, t))
	})
	if l.err != nil {
		return u
	}
	u.id = l.takeHere(&l.users, spec.ID)
	w := l.world
	w.users.put(u.id, u)
	w.usersByName.put(u.username, u)
	for _, t := range u.tokens {
		w.accessTokens.put(t.secret, t)
	}
	return u
}

// freePath checks that no group, user or project has a path.
func (l *loader) freePath(field, path string) {
	if u := l.world.usersByName[path]; u != nil {
		l.faultf(field, "taken by %s", l.holder(&l.users, u.id, path))
	}
	if g := l.world.groupsByPath[path]; g != nil {
		l.faultf(field, "taken by %s", l.holder(&l.groups, g.id, path))
	}
	if p := l.world.projectsByPath[path]; p != nil {
		l.faultf(field, "taken by %s", l.holder(&l.projects, p.id, path))
	}
}

// holder says where the seed has an object, else its name.
func (l *loader) holder(n *numbers, id int64, name string) string {
	return cmp.Or(n.given[id].String(), n.kind+" "+name)
}

func (l *loader) token(u *user, spec AccessToken) *accessToken {
	scopes := slices.Clone(spec.Scopes)
	if scopes == nil {
		scopes = []string{"api"}
	}
	if len(scopes) == 0 {
		l.faultf("scopes", "must name at least one")
	}
	for i, scope := range scopes {
		l.oneOf(element("scopes", i), scope, allScopes()...)
	}
	kind := l.oneOf("kind", cmp.Or(spec.Kind, string(personalToken)),
		string(personalToken), string(oauthToken))
	secret := l.secret(spec.Token, l.world.newAccessToken)
	if spec.Token == "" {
		l.secrets[secret] = nil // its user is not in the world yet
	}
	return &accessToken{
		secret:    secret,
		name:      cmp.Or(spec.Name, "token"),
		kind:      tokenKind(kind),
		scopes:    scopes,
		expiresAt: l.time("expires_at", spec.ExpiresAt),
		revoked:   spec.Revoked,
		user:      u,
	}
}

// allScopes are all scopes that GitLab knows.
func allScopes() []string {
	return []string{
		"api", "read_api", "read_user", "create_runner", "manage_runner", "admin_mode", "sudo",
		"read_repository", "write_repository", "read_registry", "write_registry",
		"read_virtual_registry", "write_virtual_registry", "read_observability",
		"write_observability", "read_service_ping", "ai_features", "ai_workflows", "k8s_proxy",
		"self_rotate", "openid", "profile", "email",
	}
}

// tokenOfUser adds a token to the user that its spec names.
func (l *loader) tokenOfUser(spec AccessToken) *accessToken {
	t := l.token(nil, spec)
	if l.err != nil {
		return t
	}
	if t.user = l.world.usersByName[spec.User]; t.user == nil {
		t.user = l.user(User{Username: spec.User})
	}
	if l.err == nil {
		t.user.tokens = append(t.user.tokens, t)
		l.world.accessTokens.put(t.secret, t)
	}
	return t
}

func (l *loader) group(spec Group) *group {
	w := l.world
	g := &group{
		path:                 l.lastPart("full_path", spec.Path, spec.Slug),
		fullPath:             spec.Path,
		visibility:           l.visibility(spec.Visibility),
		registrationAllowed:  copied(spec.AllowRegistrationToken),
		sharedRunners:        orTrue(spec.SharedRunnersEnabled),
		members:              l.members(spec.Members),
		tokenInterval:        l.interval("", spec.RunnerTokenExpirationInterval),
		subgroupInterval:     l.interval("subgroup_", spec.SubgroupRunnerTokenExpirationInterval),
		projectTokenInterval: l.interval("project_", spec.ProjectRunnerTokenExpirationInterval),
	}
	g.name = cmp.Or(spec.Name, g.path)
	g.registrationToken = l.secret(spec.RunnersToken, func() string {
		return w.newRegistrationToken(runners.GroupType)
	})
	g.parent = l.parent(spec)
	if l.err != nil {
		return g
	}
	g.id = l.take(&l.groups, spec.ID)
	w.groups.put(g.id, g)
	w.groupsByPath.put(g.fullPath, g)
	w.groupsByRegistration.put(g.registrationToken, g)
	if g.parent != nil {
		g.parent.sub = append(g.parent.sub, g)
	}
	l.adopt(g)
	return g
}

// lastPart checks a path and returns its last part, which is all that a slug
// may say.
func (l *loader) lastPart(field, path, slug string) string {
	parts := strings.Split(path, "/")
	if len(parts) > 21 {
		l.faultf(field, "lies in more than 20 groups")
	}
	for _, part := range parts {
		if part == "" && path != "" {
			l.faultf(field, "%.40q has an empty part", path)
		} else if !l.slug(field, part) {
			break
		}
	}
	l.freePath(field, path)
	last := parts[len(parts)-1]
	if slug != "" && slug != last {
		l.faultf("path", "%.40q is not the last part of %.40q", slug, path)
	}
	return last
}

func (l *loader) visibility(v string) string {
	return l.oneOf("visibility", cmp.Or(v, "private"), "private", "internal", "public")
}

// members turns usernames into ids.
func (l *loader) members(roles map[string]Role) map[int64]Role {
	members := make(map[int64]Role, len(roles))
	l.within("members", func() {
		for _, name := range slices.Sorted(maps.Keys(roles)) {
			l.within(name, func() {
				role := l.role("", roles[name])
				if u := l.userNamed("", name); u != nil {
					members[u.id] = role
				}
			})
		}
	})
	return members
}

func (l *loader) role(field string, r Role) Role {
	if !slices.Contains([]Role{Guest, Reporter, Developer, Maintainer, Owner}, r) {
		l.faultf(field, "no role %d", int(r))
	}
	return r
}

// userNamed finds a user; "" is nobody.
func (l *loader) userNamed(field, name string) *user {
	u := l.world.usersByName[name]
	switch {
	case u != nil || name == "":
	case l.adds:
		l.faultf(field, "no user %.40q: add it before, with AddUser or AddToken", name)
	default:
		l.faultf(field, "no user %.40q", name)
	}
	return u
}

// parent finds the group that a group lies in, nil at the top. Missing ones
// are made for the Add methods; a seed may leave them out.
func (l *loader) parent(spec Group) *group {
	prefix, below := parentPath(spec.Path)
	if !below {
		if spec.ParentID != 0 {
			l.faultf("parent_id", "%.40q lies in no group", spec.Path)
		}
		return nil
	}
	if l.world.usersByName[prefix] != nil {
		l.faultf("full_path", "%.40q is a user's", prefix)
	}
	parent := l.world.groupsByPath[prefix]
	if id := spec.ParentID; id != 0 && (parent == nil || parent.id != id) {
		l.notParent(id, prefix)
	}
	if parent == nil && l.adds && l.err == nil {
		parent = l.group(Group{Path: prefix})
	}
	return parent
}

// notParent tells a parent that is not there from one with another path.
func (l *loader) notParent(id int64, path string) {
	if l.world.groups.get(id) == nil && l.groups.given[id] == nil {
		l.faultf("parent_id", "no group %d", id)
	}
	l.faultf("parent_id", "group %d has another path than %.40q", id, path)
}

// parentPath returns the path without its last part.
func parentPath(path string) (string, bool) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(0, i)], i >= 0
}

// adopt puts groups below g that lay there before g was.
func (l *loader) adopt(g *group) {
	for _, other := range l.world.groups.rows {
		prefix, _ := parentPath(other.fullPath)
		if other.parent == nil && prefix == g.fullPath {
			other.parent = g
			g.sub = append(g.sub, other)
		}
	}
}

func (l *loader) project(spec Project) *project {
	w := l.world
	p := &project{
		path:          l.lastPart("path_with_namespace", spec.Path, spec.Slug),
		fullPath:      spec.Path,
		visibility:    l.visibility(spec.Visibility),
		sharedRunners: orTrue(spec.SharedRunnersEnabled),
		groupRunners:  orTrue(spec.GroupRunnersEnabled),
		members:       l.members(spec.Members),
		tokenInterval: l.interval("", spec.RunnerTokenExpirationInterval),
		createdAt:     cmp.Or(l.time("created_at", spec.CreatedAt), l.now),
	}
	p.name = cmp.Or(spec.Name, p.path)
	p.registrationToken = l.secret(spec.RunnersToken, func() string {
		return w.newRegistrationToken(runners.ProjectType)
	})
	l.oldPaths(p, spec.OldPaths)
	var waiting []*job
	eachSpec(l, "jobs", spec.Jobs, func(j Job) { waiting = append(waiting, l.waitingJob(p, j)) })
	l.namespace(p)
	if l.err != nil {
		return p
	}
	p.id = l.takeHere(&l.projects, spec.ID)
	w.projects.put(p.id, p)
	w.projectsByPath.put(p.fullPath, p)
	w.projByRegistration.put(p.registrationToken, p)
	w.linkMoved(p)
	if p.group != nil {
		p.group.projects = append(p.group.projects, p)
	}
	for _, j := range waiting {
		w.jobs.put(j.id, j)
		w.wake(j)
	}
	return p
}

// namespace finds what a project lies in.
func (l *loader) namespace(p *project) {
	path, found := parentPath(p.fullPath)
	if !found {
		l.faultf("path_with_namespace", "%.40q has no namespace", p.fullPath)
		return
	}
	p.group, p.owner = l.world.groupsByPath[path], l.world.usersByName[path]
	switch {
	case p.group != nil || p.owner != nil || l.err != nil:
	case l.adds:
		p.group = l.group(Group{Path: path})
	default:
		l.faultf("path_with_namespace", "no group or user %.40q", path)
	}
}

// waitingJob makes a job that stands below its project.
func (l *loader) waitingJob(p *project, spec Job) *job {
	if spec.ProjectID != 0 {
		l.faultf("project_id", "is only for the jobs of a runner")
	}
	return l.job(spec, p, nil)
}

func (l *loader) member(m Member) *Member {
	u := l.userNamed("user", m.User)
	role := l.role("role", m.Role)
	var members map[int64]Role
	if g := l.world.groups.get(m.Group); g != nil && m.Project == 0 {
		members = g.members
	}
	if p := l.world.projects.get(m.Project); p != nil && m.Group == 0 {
		members = p.members
	}
	switch {
	case m.User == "":
		l.faultf("user", "is required")
	case (m.Group == 0) == (m.Project == 0):
		l.faultf("group", "either a group or a project is required")
	case members == nil && m.Group != 0:
		l.faultf("group", "no group %d", m.Group)
	case members == nil:
		l.faultf("project", "no project %d", m.Project)
	}
	if l.err == nil {
		members[u.id] = role
	}
	return &m
}
