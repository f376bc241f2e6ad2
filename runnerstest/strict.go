// Strictness: what a GitLab takes without a word, and what a test should fail
// for all the same.

package runnerstest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A Finding is something in a request that GitLab ignores, will not take for
// ever, or takes at a risk; or a request for which it has no route.
type Finding struct {
	// Request is the method and the path, without secrets.
	Request string
	// Route is the route that took it, such as "GET /runners/{id}"; empty if
	// none did.
	Route string
	// Param is the parameter or header that it is about; empty for the path.
	Param string
	// Text says what is wrong, and what would be right.
	Text string
}

// String returns the finding on one line.
func (f Finding) String() string { return f.Request + ": " + f.Text }

// Allow keeps the server from reporting parameters, or one of their values
// ("status=active"), or headers such as "Authorization": a test says with it
// that it means to send them.
func (s *Server) Allow(params ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed = append(s.allowed, params...)
}

// strict reports whether anybody wants to know of findings.
func (s *Server) strict() bool {
	return !s.options.Lenient && !s.closed && (s.options.Found != nil || s.tb != nil)
}

// inspect reports what is to be said of a request, once for each finding. The
// caller holds the lock, so that no test hears of it after its end.
func (s *Server) inspect(x *exchange) {
	if !s.strict() {
		return
	}
	all := x.astray()
	if q := x.request; q != nil && q.route.handle != nil {
		all = slices.Concat(q.strangers(x.reply.status), q.outdated(), q.exposed(), q.doubled())
	}
	slices.SortFunc(all, func(a, b Finding) int { return strings.Compare(a.Text, b.Text) })
	for _, f := range all {
		if s.found[f.Route+f.Text] || s.allows(f.Param) {
			continue
		}
		if s.found == nil {
			s.found = map[string]bool{}
		}
		s.found[f.Route+f.Text] = true
		if s.options.Found != nil {
			s.options.Found(f)
			continue
		}
		s.tb.Errorf("runnerstest: %s (%s keeps this quiet)", f, s.silencer(f))
	}
}

// silencer is what a test can say that means what was found.
func (s *Server) silencer(f Finding) string {
	if f.Param == "" || s.world.isSecret(f.Param) {
		return "Options.Lenient"
	}
	return fmt.Sprintf("Allow(%.60q)", f.Param)
}

// allows reports whether a parameter, or what stands before its value, may be
// sent.
func (s *Server) allows(param string) bool {
	name, _, _ := strings.Cut(param, "=")
	return slices.Contains(s.allowed, param) || slices.Contains(s.allowed, name)
}

func (q *request) finding(param, format string, args ...any) Finding {
	return Finding{
		Request: q.Method + " " + q.world.redactPath(q.URL.EscapedPath()),
		Route:   q.route.pattern, Param: param, Text: fmt.Sprintf(format, args...),
	}
}

// astray finds out whether a request has lost its way. GitLab's answer to it is
// easily taken for another: whoever deletes may think that it is done.
func (x *exchange) astray() []Finding {
	r, status := x.arrived, x.reply.status
	if x.request != nil || status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		return nil
	}
	call := strings.Replace(r.Method, http.MethodHead, http.MethodGet, 1) + " " +
		strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4"), "/")
	hint := "Routes lists those that there are"
	nearest, off := nearestRoute(call)
	if off == 0 {
		return nil // whoever tries what is new was told, and can try what is old
	}
	if off <= len(nearest)/4 {
		hint = fmt.Sprintf("did you mean %q?", nearest)
	}
	return []Finding{{
		Request: r.Method + " " + x.server.world.redactPath(r.URL.EscapedPath()),
		Text:    "GitLab has no such route: " + hint,
	}}
}

// strangers finds the parameters that the route does not declare.
func (q *request) strangers(status int) (all []Finding) {
	for name := range q.given {
		if q.route.params.declares(name) || isCredential(name) || slices.Contains(q.route.wildcards, name) {
			continue
		}
		since, known := q.edition.since(q.route.params.group + "?" + name)
		if known && status == http.StatusBadRequest {
			continue // whoever tries what is new was told, and can try what is old
		}
		shown := q.world.redact(name)
		if known {
			all = append(all, q.finding(name, "GitLab %s ignores the parameter %q, which came with %s",
				q.world.version, shown, since))
			continue
		}
		all = append(all, q.finding(name, "GitLab ignores the parameter %.60q: %s",
			shown, q.route.params.hint(name)))
	}
	return all
}

// declares reports whether a parameter is one of d.
func (d declared) declares(name string) bool {
	return slices.ContainsFunc(d.params, func(p param) bool { return p.name == name })
}

// hint names the declared parameter that is nearest to name or, where none is
// near, all of them.
func (d declared) hint(name string) string {
	names := make([]string, 0, len(d.params))
	for _, p := range d.params {
		names = append(names, p.name)
	}
	if len(names) == 0 {
		return "the route has none"
	}
	nearest := slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, nearest) <= max(len(name), len(nearest))/2 {
		return fmt.Sprintf("did you mean %q?", nearest)
	}
	return "the route has " + strings.Join(names, ", ")
}

// distance counts the letters to insert, drop, change or swap with the next to
// make b of a. Names longer than any parameter's are cut.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	var before, last []int // the rows of a without its last two letters, its last
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// outdated finds the parameters and values that this version deprecates.
func (q *request) outdated() (all []Finding) {
	for _, d := range q.route.deprecated {
		raw, sent := q.given[d.param]
		switch text, _ := raw.(string); {
		case !sent || d.value != "" && text != d.value:
		case d.value == "":
			all = append(all, q.finding(d.param, "the parameter %q is deprecated since GitLab %s: use %s; %s removes it",
				d.param, d.since, d.instead, d.until))
		default:
			all = append(all, q.finding(d.param+"="+d.value,
				"the value %q of %q is deprecated since GitLab %s: use %s; %s removes it",
				d.value, d.param, d.since, d.instead, d.until))
		}
	}
	return all
}

// exposed finds secrets in the URL, where logs and histories keep them.
func (q *request) exposed() (all []Finding) {
	path := q.URL.EscapedPath()
	if q.world.redactSegments(path) != path {
		all = append(all, q.finding("", "a token stands in the URL: send it in a header or the body"))
	}
	for pair := range strings.SplitSeq(q.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name) // what is badly escaped was refused
		value, _ = url.QueryUnescape(value)
		if value != "" && (secretName(name) || q.world.isSecret(value)) {
			all = append(all, q.finding(name, "a token stands in the URL (%.60q): send it in a header or the body",
				q.world.redact(name)))
		}
	}
	return all
}

// The names under which GitLab takes credentials, and what goes with them.
func credentialHeaders() []string { return []string{"Private-Token", "Authorization", "Job-Token"} }

func credentialParams() []string { return []string{"private_token", "access_token", "job_token"} }

func isCredential(name string) bool {
	return name == "sudo" || slices.Contains(credentialParams(), name)
}

// doubled finds requests that show more than one credential, where it is not
// obvious who asks. Runners may: the official runner sends its token twice.
func (q *request) doubled() []Finding {
	if q.route.scopes == nil {
		return nil
	}
	var shown []string
	for _, name := range credentialHeaders() {
		if q.Header.Get(name) != "" {
			shown = append(shown, name)
		}
	}
	for _, name := range credentialParams() {
		if q.given[name] != nil {
			shown = append(shown, name)
		}
	}
	if len(shown) < 2 || slices.ContainsFunc(shown, q.server.allows) {
		return nil
	}
	return []Finding{q.finding(shown[1], "two credentials: %s; GitLab takes one of them, show only that",
		strings.Join(shown, " and "))}
}
