// What clients ask of the instance itself: its version, who they are, and its
// registration token.

package runnerstest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/seed-832548de/runners"
)

func (w *world) appendVersion(b []byte) []byte {
	b = appendText(append(b, `{"version":`...), w.version.String())
	return appendText(append(b, `,"revision":`...), w.revision)
}

func getVersion(q *request) (reply, *refusal) {
	return reply{status: http.StatusOK, body: append(q.world.appendVersion(nil), '}')}, nil
}

func getMetadata(q *request) (reply, *refusal) {
	b := append(q.world.appendVersion(nil),
		`,"kas":{"enabled":false,"externalUrl":null,"version":null},"enterprise":`...)
	return reply{status: http.StatusOK, body: append(strconv.AppendBool(b, q.licensed()), '}')}, nil
}

func getUser(q *request) (reply, *refusal) {
	return show(q, http.StatusOK, q.edition.shapes.user, q.user)
}

// basicUserFields are what is shown of who created a runner.
func basicUserFields() shape[user] {
	return shape[user]{
		number("id", func(u *user) int64 { return u.id }),
		text("username", func(u *user) string { return u.username }),
		fixed[user]("public_email", `""`),
		text("name", func(u *user) string { return u.name }),
		text("state", func(u *user) string { return u.shownState() }),
		fixed[user]("locked", "false"),
		fixed[user]("avatar_url", "null"),
		seen("web_url", func(v *view, u *user) string { return v.base + "/" + u.username }),
	}
}

// profileFields are what a user may tell the world.
func profileFields() shape[user] {
	return shape[user]{
		moment("created_at", (*user).createdAt),
		fixed[user]("bio", "null"),
		fixed[user]("location", "null"),
		fixed[user]("skype", `""`),
		fixed[user]("linkedin", `""`),
		fixed[user]("twitter", `""`),
		fixed[user]("website_url", `""`),
		fixed[user]("organization", "null"),
	}
}

// jobUserFields are what a job shows of its user.
func jobUserFields() shape[user] {
	return append(basicUserFields().without("locked"), profileFields()...)
}

// currentUserFields are what users see of themselves; administrators see that
// they are.
func currentUserFields() shape[user] {
	fields := append(basicUserFields(), profileFields()...)
	return append(fields,
		text("email", func(u *user) string { return u.username + "@example.com" }),
		text("commit_email", func(u *user) string { return u.username + "@example.com" }),
		fixed[user]("external", "false"),
		fixed[user]("two_factor_enabled", "false"),
		field[user]{
			name:   "is_admin",
			append: fixed[user]("", "true").append,
			when:   func(v *view, _ *user) bool { return v.admin },
		},
	)
}

// shownState is the user's state as the API spells it.
func (u *user) shownState() string {
	if u.state == "" {
		return "active"
	}
	return u.state
}

// createdAt is when the user signed up: nobody says, so each a day after the
// one before.
func (u *user) createdAt() time.Time {
	return time.Date(2015, time.January, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(u.id%3650))
}

// instanceRegisters refuses to reset a registration token while the instance
// takes no registrations.
func instanceRegisters(q *request) *refusal {
	if q.world.registrationAllowed || !q.edition.has("rule: registration can be switched off") {
		return nil
	}
	return forbidden("")
}

func resetInstanceRegistration(q *request) (reply, *refusal) {
	q.world.registrationToken = q.world.newRegistrationToken(runners.InstanceType)
	return showToken(q.world.registrationToken)
}
