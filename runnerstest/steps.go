// The steps that routes take before their handlers: who asks, what is meant,
// and whether it may be. A route lists its steps in GitLab's order, which
// decides which error wins.

package runnerstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A step looks at a request and lets it pass, or refuses it.
type step func(*request) *refusal

// signedIn lets users pass whose token is valid and has a scope that opens the
// route, and administrators who act as others.
func signedIn(q *request) *refusal {
	secret, private := q.credential()
	token := q.world.accessTokens[secret]
	if token == nil || private && token.kind == oauthToken {
		return unauthorized()
	}
	if err := q.checkToken(token); err != nil {
		return err
	}
	q.user = token.user
	q.admin = token.user.admin &&
		(!q.world.settings.adminMode || token.hasScope("admin_mode"))
	if err := q.checkUser(); err != nil {
		return err
	}
	if name := q.sudo(); name != "" {
		return q.become(name, token)
	}
	return nil
}

// credential returns the access token of the request, where GitLab looks for
// it first; "" when there is none. What is shown as a private token may not be
// an OAuth token; a bearer may show either.
func (q *request) credential() (secret string, private bool) {
	if q.secret != "" {
		return q.secret, true
	}
	if secret := q.Header.Get("Private-Token"); secret != "" {
		return secret, true
	}
	scheme, secret, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && secret != "" {
		return strings.TrimSpace(secret), false
	}
	secret, _ = q.given["access_token"].(string)
	if secret == "" && q.route.legacy() {
		secret = q.Header.Get("Access-Token")
	}
	return secret, false
}

const higherPrivileges = "The request requires higher privileges than provided by the access token."

// checkToken refuses a token that is known and not good, or not good enough.
func (q *request) checkToken(t *accessToken) *refusal {
	switch {
	case !t.expiresAt.IsZero() && !q.now.Before(t.expiresAt):
		return invalidToken("Token is expired. You can either do re-authorization or token refresh.")
	case t.revoked:
		return invalidToken("Token was revoked. You have to re-authorize from the user.")
	case q.sudo() == "" && !q.route.scopes.opens(q, t):
		return refuseOAuth(http.StatusForbidden, "insufficient_scope", higherPrivileges,
			q.route.scopes.names(q.edition))
	default:
		return nil
	}
}

// invalidToken is a 401 that names what is wrong with a token.
//
// inferred: the realm of the challenge.
func invalidToken(description string) *refusal {
	err := refuseOAuth(http.StatusUnauthorized, "invalid_token", description, "")
	err.header = http.Header{"Www-Authenticate": {`Bearer realm="Protected by OAuth 2.0", ` +
		`error="invalid_token", error_description="` + description + `"`}}
	return err
}

// checkUser refuses users who are blocked.
func (q *request) checkUser() *refusal {
	switch q.user.state {
	case "", "active":
		return nil
	case "blocked_pending_approval":
		return forbidden("Your account is pending approval from your administrator and hence blocked.")
	default:
		return forbidden("Your account has been blocked.")
	}
}

// hasScope reports whether a token was given a scope.
func (t *accessToken) hasScope(scope string) bool {
	return slices.Contains(t.scopes, scope)
}

// findProject looks up the project that the path names, by id or full path.
func findProject(q *request) *refusal {
	name := q.PathValue("id")
	p := q.world.projectNamed(name)
	moved := p == nil && q.edition.has("rule: moved projects are redirected")
	if moved {
		p = q.world.moved[name]
	}
	switch {
	case p == nil || !q.canIn(seeProject, p):
		return refuse(http.StatusNotFound, "404 Project Not Found")
	case moved:
		return q.movedTo(p)
	}
	q.project = p
	return nil
}

// projectNamed returns a project by its id or its full path, or nil.
func (w *world) projectNamed(name string) *project {
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		return w.projects.get(id)
	}
	if !strings.Contains(name, "/") {
		return nil
	}
	return w.projectsByPath[name]
}

// findGroup looks up the group that the path names, by id or full path.
func findGroup(q *request) *refusal {
	name := q.PathValue("id")
	g := q.world.groupsByPath[name]
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		g = q.world.groups.get(id)
	}
	if g == nil || !q.canOf(seeGroup, g) {
		return refuse(http.StatusNotFound, "404 Group Not Found")
	}
	q.group = g
	return nil
}

// findRunner looks up the runner that the parameter names.
func findRunner(name string) step {
	return func(q *request) *refusal {
		id, _ := q.integer(name)
		q.runner = q.world.runners.get(id)
		switch {
		case q.runner != nil:
			return nil
		case q.edition.has("rule: a missing runner is named"):
			return refuse(http.StatusNotFound, "404 Runner Not Found")
		default:
			return refuse(http.StatusNotFound, "404 Not found")
		}
	}
}

// may lets those pass who have an ability on what was found.
func may(a ability) step {
	return func(q *request) *refusal {
		if q.allowed(a) {
			return nil
		}
		return forbidden(permissions[a].refusal)
	}
}

// notMigrating refuses runners while database migrations run.
func notMigrating(q *request) *refusal {
	if !q.world.migrationBackoff || !q.edition.has("rule: migrations hold runners back") {
		return nil
	}
	err := refuse(http.StatusTooManyRequests, "Executing database migrations. Please retry later.")
	err.header = http.Header{"Retry-After": {"60"}}
	return err
}

// byRunnerToken looks up the runner whose token the request shows. No user
// signs in, and a user's token is not looked at.
func byRunnerToken(q *request) *refusal {
	secret, _ := q.text("token")
	return q.findByToken(secret)
}

// byRunnerHeader looks up the runner whose token the header shows.
func byRunnerHeader(q *request) *refusal { return q.findByToken(q.Header.Get("Runner-Token")) }

func (q *request) findByToken(secret string) *refusal {
	r := q.world.runnersByToken[secret]
	if secret == "" || r == nil || q.tokenExpired(r) {
		return forbidden("")
	}
	q.runner = r
	return nil
}

// unmodified refuses a request whose If-Unmodified-Since is older than what it
// would change. A header that is no date is ignored.
func unmodified(changed func(*request) time.Time) step {
	return func(q *request) *refusal {
		since, err := http.ParseTime(q.Header.Get("If-Unmodified-Since"))
		if err != nil {
			since, err = time.Parse(time.RFC3339, q.Header.Get("If-Unmodified-Since"))
		}
		if err == nil && changed(q).After(since) {
			return refuse(http.StatusPreconditionFailed, "412 Precondition Failed")
		}
		return nil
	}
}

func runnerChanged(q *request) time.Time { return q.runner.updatedAt.time() }

func managerChanged(q *request) time.Time {
	return max(q.manager.createdAt, q.manager.updatedAt).time()
}

func assignmentChanged(q *request) time.Time { return q.runner.assignment(q.project).updatedAt }
