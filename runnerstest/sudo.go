// Acting as somebody else: what administrators may do with the parameter sudo
// or the header Sudo.

package runnerstest

import (
	"net/http"
	"strconv"
	"strings"
)

// sudo returns whom the caller wants to act as, by name or id; "" for nobody.
func (q *request) sudo() string {
	if named, sent := q.given["sudo"]; sent {
		text, _ := toText(named)
		name, _ := text.(string)
		return name
	}
	return q.Header.Get("Sudo")
}

// become lets an administrator act as another user. The scopes of the route do
// not matter then.
//
// inferred: with admin mode, an administrator is acted as if the token had it.
func (q *request) become(name string, t *accessToken) *refusal {
	if !q.admin {
		return forbidden("Must be admin to use sudo")
	}
	if !t.hasScope("sudo") {
		return refuseOAuth(http.StatusForbidden, "insufficient_scope", higherPrivileges, "sudo")
	}
	u := q.world.usersByName[strings.ToLower(name)]
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		u = q.world.users.get(id)
	}
	if u == nil {
		return refuse(http.StatusNotFound, "404 User with ID or username '"+name+"' Not Found")
	}
	q.user, q.admin = u, u.admin
	return nil
}
