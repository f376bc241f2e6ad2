// Package tokenform knows the tokens of GitLab by how they begin.
package tokenform

import "strings"

// Use is what a token is for.
type Use string

// What the runners API tells apart.
const (
	Unknown Use = ""       // nothing can be told from its form
	Access  Use = "access" // a user's, or an application's in a user's name
	Runner  Use = "runner" // a runner's own, or one to register runners with
	Other   Use = "other"  // good for nothing in the API of runners
)

// A form is a beginning, and the use of what begins so.
type form struct {
	prefix string
	use    Use
}

// forms are those of GitLab's [token prefixes] that cannot be configured, and
// two that the page does not have: that of the registration tokens of groups
// and projects, and that of the access tokens of its newer OAuth service.
//
// [token prefixes]: https://docs.gitlab.com/security/tokens/#token-prefixes
func forms() [15]form {
	return [...]form{
		{"glpat-", Access}, // personal, project, group and impersonation tokens
		{"gliamat-", Access},
		{"glrt-", Runner},
		{"glrtr-", Runner}, // of a runner that was registered
		{"GR1348941", Runner},
		{"glcbt-", Other}, // a job's
		{"gldt-", Other},  // for deploying
		{"gloas-", Other}, // an OAuth application's secret
		{"glptt-", Other}, // a pipeline trigger's
		{"glft-", Other},  // a feed's
		{"glimt-", Other}, // for incoming mail
		{"glagent-", Other},
		{"glwt-", Other},   // a workspace's
		{"glsoat-", Other}, // for SCIM
		{"glffct-", Other}, // a feature flag client's
	}
}

// Of returns what a token is for, and the beginning that tells.
func Of(token string) (Use, string) {
	for _, f := range forms() {
		if strings.HasPrefix(token, f.prefix) {
			return f.use, f.prefix
		}
	}
	return Unknown, ""
}

// shortest is how many characters follow on a beginning at least. GitLab's own
// tokens have twenty and more.
const shortest = 6

// Redact puts a placeholder where something in text looks like a token.
func Redact(text, placeholder string) string {
	if !strings.Contains(text, "gl") && !strings.Contains(text, "GR") {
		return text
	}
	for _, f := range forms() {
		if strings.Contains(text, f.prefix) {
			text = redact(text, f.prefix, placeholder)
		}
	}
	return text
}

func redact(text, prefix, placeholder string) string {
	var clean strings.Builder
	for {
		before, after, found := strings.Cut(text, prefix)
		if !found {
			break
		}
		length := strings.IndexFunc(after, func(r rune) bool { return !inToken(r) })
		if length < 0 {
			length = len(after)
		}
		clean.WriteString(before)
		if length < shortest {
			clean.WriteString(prefix + after[:length])
		} else {
			clean.WriteString(placeholder)
		}
		text = after[length:]
	}
	clean.WriteString(text)
	return clean.String()
}

// inToken reports whether r stands in tokens behind their beginning.
func inToken(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' ||
		r == '-' || r == '_' || r == '.'
}
