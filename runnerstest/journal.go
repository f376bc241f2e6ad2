// The journal: what was asked of the server and what it answered, without any
// secret.

package runnerstest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxJournal bounds the journal; the oldest half goes when it is full.
const maxJournal = 10_000

// A Request is one request as the server remembers it. Secrets are replaced
// wherever they stand; those of fewer than 12 characters, which GitLab does not
// make, only where they are the whole of a value.
type Request struct {
	// Time is when it came, by the server's clock.
	Time time.Time
	// Route is the route that took it, as "GET /runners/{id}"; empty if none
	// did.
	Route string
	// Method and Path are as they were sent, Path still escaped.
	Method, Path string
	// Params are its parameters, of path, query and body, as they were sent:
	// string, bool, json.Number, nil, []any or map[string]any.
	Params map[string]any
	// Actor is the username of the user who asked, "runner 6" for a runner
	// with that id, or empty.
	Actor string
	// Status is the status of the answer; 0 if a fault left none.
	Status int
	// RequestID is the X-Request-Id of the answer.
	RequestID string
	// Fault names the fault that the request got, such as "502 after-commit";
	// "other origin" is what came to [Server.OtherOrigin].
	Fault string
}

// A Filter selects requests of the journal.
type Filter func(Request) bool

// ByRoute selects the requests that one route took, such as
// "GET /runners/{id}".
func ByRoute(route string) Filter {
	return func(r Request) bool { return r.Route == route }
}

// ByActor selects the requests of one user, or of one runner ("runner 6").
func ByActor(actor string) Filter {
	return func(r Request) bool { return r.Actor == actor }
}

// ByStatus selects the requests that were answered with one status.
func ByStatus(status int) Filter {
	return func(r Request) bool { return r.Status == status }
}

// Requests returns the requests so far that all filters select, oldest first.
// Of very many, only the last thousands are kept.
func (s *Server) Requests(filters ...Filter) []Request {
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	var selected []Request
	for _, r := range s.journal {
		if !slices.ContainsFunc(filters, func(f Filter) bool { return !f(r) }) {
			r.Params = maps.Clone(r.Params)
			selected = append(selected, r)
		}
	}
	return selected
}

// entry is how the journal remembers a request.
func (s *Server) entry(r *http.Request, q *request, status int, id string) Request {
	entry := Request{Time: s.now(), Method: r.Method, Status: status, RequestID: id}
	if r.Header.Get("X-Request-ID") != "" { // or else it is the server's own
		entry.RequestID = s.world.redact(id)
	}
	entry.Path = s.world.redactPath(r.URL.EscapedPath())
	if q != nil {
		entry.Route = q.route.pattern
		entry.Params = s.world.redactAll(q.given)
		entry.Actor = q.actor()
	}
	return entry
}

// record adds a request to the journal.
func (s *Server) record(entry Request) {
	if len(s.journal) >= maxJournal {
		s.journal = slices.Clone(s.journal[maxJournal/2:])
	}
	s.journal = append(s.journal, entry)
}

// actor names who asked.
func (q *request) actor() string {
	switch {
	case q.user != nil:
		return q.user.username
	case q.runner != nil:
		return "runner " + strconv.FormatInt(q.runner.id, 10)
	default:
		return ""
	}
}

// redactPath hides the segments of a path that are secrets.
func (w *world) redactPath(path string) string {
	if path = w.redactSegments(path); path != "" {
		return path
	}
	return "/"
}

func (w *world) redactSegments(path string) string {
	var changed []string
	i := 0
	for segment := range strings.SplitSeq(path, "/") {
		if w.isSecret(segment) || strings.Contains(segment, "%") && w.isSecret(unescaped(segment)) {
			if changed == nil {
				changed = strings.Split(path, "/")
			}
			changed[i] = redacted
		}
		i++
	}
	if changed == nil {
		return path
	}
	return strings.Join(changed, "/")
}

// unescaped returns a segment of a path as it is meant.
func unescaped(segment string) string {
	if plain, err := url.PathUnescape(segment); err == nil {
		return plain
	}
	return segment
}

// redactAll copies parameters without their secrets.
func (w *world) redactAll(sent map[string]any) map[string]any {
	if sent == nil {
		return nil
	}
	clean := make(map[string]any, len(sent))
	for name, value := range sent {
		if secretName(name) {
			value = redacted
		}
		clean[w.redact(name)] = w.redactValue(value)
	}
	return clean
}

func (w *world) redactValue(value any) any {
	switch v := value.(type) {
	case string:
		return w.redact(v)
	case json.Number:
		return v
	case []any:
		clean := make([]any, len(v))
		for i, element := range v {
			clean[i] = w.redactValue(element)
		}
		return clean
	case given:
		return w.redactAll(v)
	case map[string]any:
		return w.redactAll(v)
	case upload:
		return "[file]"
	default:
		return v
	}
}
