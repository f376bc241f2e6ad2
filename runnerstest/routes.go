// The routing table: each route with the steps it takes, in GitLab's order,
// the parameters it declares and its handler.

package runnerstest

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
)

// A route is one entry of the table.
type route struct {
	pattern string // below /api/v4, or from /ci/ on
	scopes  scopeClass
	params  declared
	steps   []step
	handle  func(*request) (reply, *refusal)

	wildcards  []string   // of the pattern
	deprecated []outdated // of the parameters
}

// routes is the table. Patterns are spelled as [http.ServeMux] spells them.
func routes() []route {
	return slices.Concat(runnerRoutes(), tokenRoutes(), projectRoutes(), groupRoutes(),
		jobRoutes(), instanceRoutes(), legacyRoutes())
}

// Routes returns the routes that the server plays, in any of its versions,
// such as "GET /runners/{id}". Those that do not begin with /ci/ are below
// /api/v4. None of them has been held against a real GitLab yet: [Conform] is
// there for whoever has one.
func Routes() []string {
	var patterns []string
	for _, r := range routes() {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}

// noRoute says that the server has no such route, and which is near.
func noRoute(name string) string {
	nearest, off := nearestRoute(name)
	if off > max(len(name), len(nearest))/2 {
		return fmt.Sprintf("no route %.80q: Routes lists them", name)
	}
	return fmt.Sprintf("no route %.80q: did you mean %q? Routes lists all", name, nearest)
}

// nearestRoute returns the route that a call comes closest to, and how far off
// it is.
func nearestRoute(call string) (pattern string, off int) {
	off = math.MaxInt
	for _, p := range Routes() {
		if d := distance(mask(call, p), p); d < off {
			pattern, off = p, d
		}
	}
	return pattern, off
}

// mask puts wildcards into a call where a route of as many parts has them.
func mask(call, pattern string) string {
	parts, wild := strings.Split(call, "/"), strings.Split(pattern, "/")
	if len(parts) != len(wild) {
		return call
	}
	for i, part := range wild {
		if strings.HasPrefix(part, "{") && parts[i] != "" {
			parts[i] = part
		}
	}
	return strings.Join(parts, "/")
}

func runnerRoutes() []route {
	return []route{
		{
			pattern: "GET /runners",
			scopes:  runnerScopes,
			params:  listParams(),
			steps:   []step{signedIn, validate, usableScope},
			handle:  listOwned,
		},
		{
			pattern: "GET /runners/all",
			scopes:  runnerScopes,
			params:  listParams(),
			steps:   []step{signedIn, validate, may(listAllRunners)},
			handle:  listAll,
		},
		{
			pattern: "GET /runners/{id}",
			scopes:  runnerScopes,
			params:  runnerParams(),
			steps:   []step{signedIn, validate, findRunner("id"), may(readRunner)},
			handle:  getRunner,
		},
		{
			pattern: "PUT /runners/{id}",
			scopes:  runnerScopes,
			params:  updateParams(),
			steps:   []step{signedIn, validate, findRunner("id"), may(updateRunner)},
			handle:  putRunner,
		},
		{
			pattern: "DELETE /runners/{id}",
			scopes:  runnerScopes,
			params:  declared{}.with(idParam()),
			steps: []step{
				signedIn, validate, findRunner("id"), notShared, may(deleteRunner),
				unmodified(runnerChanged),
			},
			handle: destroyRunner,
		},
		{
			pattern: "GET /runners/{id}/jobs",
			scopes:  runnerScopes,
			params:  jobParams(),
			steps:   []step{signedIn, validate, findRunner("id"), may(readJobs), orderable},
			handle:  listJobs,
		},
		{
			pattern: "GET /runners/{id}/managers",
			scopes:  runnerScopes,
			params:  declared{}.with(idParam()),
			steps:   []step{signedIn, validate, findRunner("id"), may(readRunner)},
			handle:  listManagers,
		},
		{
			pattern: "GET /runners/{id}/projects",
			scopes:  runnerScopes,
			params:  declared{params: pageParams()}.with(idParam()),
			steps:   []step{signedIn, validate, findRunner("id"), may(readRunner)},
			handle:  listRunnerProjects,
		},
		{
			pattern: "POST /runners/{id}/reset_authentication_token",
			scopes:  runnerScopes,
			params:  declared{}.with(idParam()),
			steps: []step{
				signedIn, validate, findRunner("id"), may(updateRunner), rotatable,
			},
			handle: resetByID,
		},
		{
			pattern: "POST /runners/reset_registration_token",
			scopes:  runnerScopes,
			steps:   []step{signedIn, may(resetInstance), instanceRegisters},
			handle:  resetInstanceRegistration,
		},
		{
			pattern: "POST /user/runners",
			scopes:  createScopes,
			params:  createParams(),
			steps:   []step{signedIn, validate, findTarget, may(createRunner), lifeChosen},
			handle:  postRunner,
		},
	}
}

func tokenRoutes() []route {
	return []route{
		{
			pattern: "POST /runners",
			params:  registerParams(),
			steps:   []step{notMigrating, validate, registrable},
			handle:  registerRunner,
		},
		{
			pattern: "DELETE /runners",
			params:  declared{}.with(tokenParam()),
			steps:   []step{notMigrating, validate, byRunnerToken, unmodified(runnerChanged)},
			handle:  destroyRunner,
		},
		{
			pattern: "DELETE /runners/managers",
			params:  declared{}.with(tokenParam(), param{name: "system_id", required: true}),
			steps: []step{
				notMigrating, validate, byRunnerToken, findManager, unmodified(managerChanged),
			},
			handle: destroyManager,
		},
		{
			pattern: "POST /runners/verify",
			params:  declared{}.with(tokenParam(), param{name: "system_id"}),
			steps:   []step{notMigrating, validate, byRunnerToken, notOrphaned},
			handle:  verifyRunner,
		},
		{
			pattern: "POST /runners/reset_authentication_token",
			params:  declared{}.with(tokenParam()),
			steps:   []step{notMigrating, validate, byRunnerToken, rotatable},
			handle:  resetByToken,
		},
		{
			pattern: "GET /runners/router/discovery",
			steps:   []step{byRunnerHeader},
			handle:  discoverRouter,
		},
	}
}

func projectRoutes() []route {
	return []route{
		{
			pattern: "GET /projects/{id}/runners",
			scopes:  runnerScopes,
			params:  listParams(),
			steps:   []step{signedIn, findProject, may(listProject), validate},
			handle:  listOfProject,
		},
		{
			pattern: "POST /projects/{id}/runners",
			scopes:  runnerScopes,
			params:  declared{}.with(param{name: "runner_id", kind: integerKind, required: true}),
			steps: []step{
				signedIn, findProject, may(changeProject), validate, may(addRunner),
				findRunner("runner_id"), assignable,
			},
			handle: assign,
		},
		{
			pattern: "DELETE /projects/{id}/runners/{runner_id}",
			scopes:  runnerScopes,
			params:  declared{}.with(param{name: "runner_id", kind: integerKind, required: true}),
			steps: []step{
				signedIn, findProject, may(changeProject), validate, findAssigned,
				unassignable, unmodified(assignmentChanged),
			},
			handle: unassign,
		},
		{
			pattern: "POST /projects/{id}/runners/reset_registration_token",
			scopes:  runnerScopes,
			steps:   []step{signedIn, findProject, may(changeProject), projectRegisters},
			handle:  resetProjectRegistration,
		},
	}
}

func groupRoutes() []route {
	return []route{
		{
			pattern: "GET /groups/{id}/runners",
			scopes:  runnerScopes,
			params:  groupListParams(),
			steps:   []step{signedIn, findGroup, may(listGroup), validate},
			handle:  listOfGroup,
		},
		{
			pattern: "POST /groups/{id}/runners/reset_registration_token",
			scopes:  runnerScopes,
			steps:   []step{signedIn, findGroup, may(resetGroup), groupRegisters},
			handle:  resetGroupRegistration,
		},
	}
}

// instanceRoutes are what clients ask a GitLab for before anything else.
func instanceRoutes() []route {
	return []route{
		{pattern: "GET /version", scopes: userScopes, steps: []step{signedIn}, handle: getVersion},
		{pattern: "GET /metadata", scopes: userScopes, steps: []step{signedIn}, handle: getMetadata},
		{pattern: "GET /user", scopes: userScopes, steps: []step{signedIn}, handle: getUser},
	}
}

// legacyRoutes are those of GitLab 8 and 9. They are also served below /ci,
// as the documentation of 8.0 printed them, and with .json at their ends.
func legacyRoutes() []route {
	return []route{
		{
			pattern: "GET /ci/api/v1/runners",
			scopes:  legacyScopes,
			params:  declared{params: []param{{name: "url"}}}, // documented, and ignored
			steps:   []step{signedIn},
			handle:  listLegacy,
		},
		{
			pattern: "POST /ci/api/v1/runners/register",
			params:  legacyRegisterParams(),
			steps:   []step{tokenGiven, validate, registrableLegacy},
			handle:  registerLegacy,
		},
		{
			pattern: "DELETE /ci/api/v1/runners/delete",
			params:  declared{}.with(tokenParam()),
			steps:   []step{tokenGiven, validate, byRunnerToken},
			handle:  destroyLegacy,
		},
		{
			pattern: "POST /ci/api/v1/builds/register",
			params: declared{}.with(tokenParam(),
				param{name: "info", kind: hashKind}, param{name: "last_update"}),
			steps:  []step{tokenGiven, validate, byRunnerToken},
			handle: requestBuild,
		},
		{
			pattern: "PUT /ci/api/v1/builds/{id}",
			params:  declared{}.with(tokenParam()),
			steps:   []step{tokenGiven, validate, byRunnerToken},
			handle:  reportBuild,
		},
	}
}

// newMux puts the routes of a version into a mux, which all its servers share.
func newMux(e *edition) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range routes() {
		if !e.has(r.pattern) {
			continue
		}
		r.params = r.params.in(e)
		r.deprecated = e.outdated(r)
		r.wildcards = wildcardsOf(r.pattern)
		for _, pattern := range r.patterns() {
			mux.Handle(pattern, &r)
		}
	}
	return mux
}

// ServeHTTP makes a route a handler; the mux gets it with an exchange.
func (r *route) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if x, ok := w.(*exchange); ok {
		x.take(r, hr)
	}
}

// patterns returns where the route is served.
func (r *route) patterns() []string {
	method, path, _ := strings.Cut(r.pattern, " ")
	short, legacy := strings.CutPrefix(path, "/ci/api/v1/")
	if !legacy {
		return []string{method + " /api/v4" + path}
	}
	all := []string{r.pattern, method + " /ci/" + short}
	if !strings.HasSuffix(path, "}") {
		all = append(all, r.pattern+".json", method+" /ci/"+short+".json")
	}
	return all
}

// legacy reports whether the route is one of the API of GitLab 8 and 9. Where
// no route took a request, it is none.
func (r *route) legacy() bool { return r != nil && strings.Contains(r.pattern, " /ci/") }

func wildcardsOf(pattern string) (names []string) {
	for segment := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// elsewhere are the parts of GitLab's API that it has beside the routes above.
var elsewhere = []string{
	"admin", "application", "applications", "broadcast_messages", "ci", "deploy_keys",
	"deploy_tokens", "events", "features", "groups", "hooks", "import", "issues", "job",
	"jobs", "keys", "license", "markdown", "merge_requests", "namespaces", "pages",
	"personal_access_tokens", "projects", "search", "sidekiq", "snippets", "suggestions",
	"templates", "todos", "topics", "user", "users",
}

// unrouted answers what no route took.
func (x *exchange) unrouted(r *http.Request, e *edition) reply {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/api/v3/") || path == "/api/v3":
		return goneV3(e)
	case x.status == http.StatusMethodNotAllowed:
		return notAllowed(path, x.header)
	case strings.HasPrefix(path, "/ci/api/v1/builds/") && e.has("GET /ci/api/v1/runners"):
		return buildsNotModelled().reply()
	case strings.HasPrefix(path, "/ci/") && e.has("GET /ci/api/v1/runners"):
		return refuse(http.StatusNotFound, "404 Not found").reply()
	case isElsewhere(path):
		return notModelled("this part of GitLab's API is not played.").reply()
	default:
		return refuseError(http.StatusNotFound, "404 Not Found").reply()
	}
}

func goneV3(e *edition) reply {
	if e.has("rule: API v3 is gone") {
		return refuseError(http.StatusGone, "API V3 is no longer supported. Use API V4 instead.").reply()
	}
	return notModelled("API v3 is not played; /api/v4 is, in every version.").reply()
}

// notAllowed answers a method that the path does not know. The mux has set the
// Allow header.
func notAllowed(path string, header http.Header) reply {
	err := refuseError(http.StatusMethodNotAllowed, "405 Not Allowed")
	if strings.HasPrefix(path, "/ci/") {
		err = refuse(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
	err.header = http.Header{"Allow": header["Allow"]}
	return err.reply()
}

// isElsewhere reports whether a path belongs to a part of the API that GitLab
// has; what lies below a project's or group's runners does not.
func isElsewhere(path string) bool {
	rest, ok := strings.CutPrefix(path, "/api/v4/")
	if !ok {
		return false
	}
	parts := strings.Split(rest, "/")
	return slices.Contains(elsewhere, parts[0]) && !slices.Contains(parts[1:], "runners")
}
