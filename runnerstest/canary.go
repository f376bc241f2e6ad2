// The other origin: a host that is not this GitLab, where no credential may
// ever arrive.

package runnerstest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
)

// otherHost ends the names of the other origin's hosts in memory.
const otherHost = "other-origin.test"

// otherRequest names what came to the other origin, in the journal.
const otherRequest = "other origin"

// An otherOrigin is a second host of a server.
type otherOrigin struct {
	asked    bool
	address  string // of the listener
	listener *httptest.Server
}

// OtherOrigin returns the address of another host, which redirects and links
// can lead to. It answers 404, and a credential that arrives there fails the
// test. In the journal, its requests have the Fault "other origin".
//
// Where [Server.URL] was called, it is a second port of the loopback interface.
// Otherwise it is reached through [Server.HTTPClient], under the name returned
// and any that ends in it.
func (s *Server) OtherOrigin() string {
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other.asked = true
	if s.listener == nil {
		return "https://" + otherHost
	}
	if s.other.listener == nil {
		s.other.listener = s.listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = otherHost
			s.ServeHTTP(w, r)
		}))
		_, s.other.address, _ = strings.Cut(s.other.listener.URL, "://")
	}
	return s.other.listener.URL
}

// host reports whether a request that names a host is for the other origin.
func (o *otherOrigin) host(name string) bool {
	if !o.asked {
		return false
	}
	if o.address != "" && name == o.address {
		return true
	}
	name, _, _ = strings.Cut(strings.ToLower(name), ":")
	return strings.HasSuffix(name, otherHost)
}

// answerOther answers for the other origin.
func (s *Server) answerOther(x *exchange) delivery {
	r := x.arrived
	if found := s.world.credentialsIn(r, x.body); len(found) > 0 && s.tb != nil {
		s.tb.Helper()
		s.tb.Errorf("runnerstest: a credential came to another origin: %s %s with %s",
			r.Method, s.world.redactPath(r.URL.EscapedPath()), strings.Join(found, ", "))
	}
	a := refuseError(http.StatusNotFound, "404 Not Found").reply()
	a.header = http.Header{"X-Fake-Fault": {otherRequest}}
	entry := s.entry(r, nil, a.status, s.requestID(r))
	entry.Fault = otherRequest
	s.record(entry)
	return delivery{reply: a, id: entry.RequestID, server: s}
}

// credentialsIn names the places of a request that hold a credential, or a
// secret of this world.
func (w *world) credentialsIn(r *http.Request, body []byte) []string {
	var found []string
	for name, values := range r.Header {
		if carriesCredential(name) || slices.ContainsFunc(values, w.isSecret) {
			found = append(found, "the header "+name)
		}
	}
	if w.redactSegments(r.URL.EscapedPath()) != r.URL.EscapedPath() {
		found = append(found, "the path")
	}
	q := &request{Request: r, body: body, given: given{}}
	query := q.readPairs(r.URL.RawQuery)
	form := q.readBodyParams()
	if query != nil || form != nil { // what cannot be read may hold anything
		found = append(found, "parameters that cannot be read")
	}
	for name, value := range q.given {
		if w.holds(name, value) {
			found = append(found, "the parameter "+w.redact(name))
		}
	}
	slices.Sort(found)
	return found
}

// carriesCredential reports whether a header is there to bring a credential.
func carriesCredential(header string) bool {
	switch header {
	case "Authorization", "Proxy-Authorization", "Cookie":
		return true
	default:
		return secretName(header)
	}
}

func (w *world) isSecret(text string) bool { return w.redact(text) != text }

// holds reports whether a parameter is a secret or has one inside.
func (w *world) holds(name string, value any) bool {
	switch v := value.(type) {
	case string:
		return v != "" && (secretName(name) || w.isSecret(v))
	case []any:
		return slices.ContainsFunc(v, func(element any) bool { return w.holds(name, element) })
	case given:
		return w.holds(name, map[string]any(v))
	case map[string]any:
		for inner, element := range v {
			if w.holds(inner, element) {
				return true
			}
		}
	}
	return w.isSecret(name)
}
