// What a caller sends: parameters out of the path, the query, forms and JSON
// bodies, merged as GitLab merges them.

package runnerstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// The bodies that are read, and those that bring the controls a state, are
// bounded, and so is the depth of a name such as info[config][gpus].
const (
	maxBody    = 1 << 20
	maxState   = 256 << 20
	maxNesting = 32
)

// A request is one call on its way through its route's steps.
type request struct {
	*http.Request
	view
	server  *Server
	route   *route
	given   given          // as sent, by name; path values included
	args    map[string]any // the declared parameters that were given, converted
	secret  string         // private_token of the query or a form
	body    []byte
	project *project // found by findProject
	group   *group   // found by findGroup
	runner  *runner  // found by findRunner or a runner's token
	manager *manager
	job     *job // found by byJobToken
}

// given holds parameters as they were sent: texts, numbers, booleans, nil,
// lists, hashes and uploads.
type given map[string]any

// An upload is a file in a multipart form. No parameter takes one.
type upload struct{}

// bound is how much is read of a request's body.
func (s *Server) bound(r *http.Request) int64 {
	if s.controls(r) {
		return maxState
	}
	return maxBody
}

// readBody reads a body whole, up to the bound.
func (s *Server) readBody(r *http.Request) ([]byte, *refusal) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	bound := s.bound(r)
	body, err := io.ReadAll(io.LimitReader(r.Body, bound+1))
	switch {
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "400 Bad Request")
	case int64(len(body)) > bound:
		return nil, refuse(http.StatusRequestEntityTooLarge, "413 Request Entity Too Large")
	default:
		return body, nil
	}
}

// readParams merges the parameters of path, query and body. The body wins
// over the query, and the path over both.
func (q *request) readParams() *refusal {
	if err := q.readPairs(q.URL.RawQuery); err != nil {
		return err
	}
	if err := q.readBodyParams(); err != nil {
		return err
	}
	for _, name := range q.route.wildcards {
		q.set(name, q.PathValue(name))
	}
	return nil
}

// readBodyParams reads a body by its content type.
func (q *request) readBodyParams() *refusal {
	if len(q.body) == 0 {
		return nil
	}
	sent := q.Header.Get("Content-Type")
	kind, options, err := mime.ParseMediaType(sent)
	if err != nil && kind == "" && sent != "" {
		return unsupported(sent)
	}
	switch kind {
	case "", "application/x-www-form-urlencoded":
		return q.readPairs(string(q.body))
	case "multipart/form-data":
		return q.readMultipart(options["boundary"])
	case "application/json":
		return q.readJSON()
	case "text/plain":
		return nil
	default:
		return unsupported(kind)
	}
}

// unsupported refuses a body that GitLab has no parser for.
//
// inferred: status and text are those of GitLab's API framework.
func unsupported(kind string) *refusal {
	return refuseError(http.StatusUnsupportedMediaType,
		"The provided content-type '"+kind+"' is not supported.")
}

// readPairs reads a query or an urlencoded form.
func (q *request) readPairs(pairs string) *refusal {
	for pair := range strings.SplitSeq(pairs, "&") {
		if pair == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(name)
		if err != nil {
			return badEncoding()
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			return badEncoding()
		}
		var v any = text
		if !found {
			v = nil
		}
		if err := q.insert(key, v); err != nil {
			return err
		}
	}
	q.keepSecret()
	return nil
}

// badEncoding refuses an invalid percent-encoding.
//
// inferred: the text.
func badEncoding() *refusal {
	return refuseError(http.StatusBadRequest, "400 Bad Request")
}

// readMultipart reads a multipart form.
func (q *request) readMultipart(boundary string) *refusal {
	parts := multipart.NewReader(bytes.NewReader(q.body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			q.keepSecret()
			return nil
		}
		if err != nil {
			return badEncoding()
		}
		var value any = upload{}
		if part.FileName() == "" {
			text, err := io.ReadAll(part)
			if err != nil {
				return badEncoding()
			}
			value = string(text)
		}
		if err := q.insert(part.FormName(), value); err != nil {
			return err
		}
	}
}

// keepSecret remembers the private_token, which GitLab reads from a query or a
// form only, not from JSON.
func (q *request) keepSecret() {
	if secret, ok := q.given["private_token"].(string); ok {
		q.secret = secret
	}
}

// readJSON reads a JSON body. What is no object holds no parameters.
func (q *request) readJSON() *refusal {
	decoder := json.NewDecoder(bytes.NewReader(q.body))
	decoder.UseNumber()
	var body any
	if err := decoder.Decode(&body); err != nil {
		return badMessage()
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badMessage()
	}
	object, _ := body.(map[string]any)
	for name, value := range object {
		q.set(name, value)
	}
	return nil
}

// badMessage refuses a body that is not JSON.
//
// inferred: the text is that of GitLab's API framework.
func badMessage() *refusal {
	return refuseError(http.StatusBadRequest, "message body does not match declared format")
}

func (q *request) set(name string, value any) {
	if q.given == nil {
		q.given = given{}
	}
	q.given[name] = value
}

// insert adds a parameter under a name such as tag_list, tag_list[] or
// info[config][gpus].
func (q *request) insert(name string, value any) *refusal {
	if q.given == nil {
		q.given = given{}
	}
	first, rest, nested := strings.Cut(name, "[")
	if !nested || first == "" {
		q.given[name] = value
		return nil
	}
	return q.given.nest(first, "["+rest, value, maxNesting)
}

// nest adds value below name as rest says: "" here, "[]" to a list, "[x]…" to
// a hash.
func (g given) nest(name, rest string, value any, depth int) *refusal {
	key, more, closed := strings.Cut(strings.TrimPrefix(rest, "["), "]")
	switch {
	case rest == "":
		g[name] = value
		return nil
	case depth == 0 || !closed || rest[0] != '[':
		return badEncoding()
	case key == "":
		list, isList := g[name].([]any)
		if _, taken := g[name]; taken && !isList {
			return badNesting("Array", name)
		}
		g[name] = append(list, value)
		return nil
	}
	hash, isHash := g[name].(given)
	if _, taken := g[name]; taken && !isHash {
		return badNesting("Hash", name)
	}
	if hash == nil {
		hash = given{}
		g[name] = hash
	}
	return hash.nest(key, more, value, depth-1)
}

// badNesting refuses a name that is used in two ways.
//
// inferred: the text is that of GitLab's web framework.
func badNesting(want, name string) *refusal {
	return refuseError(http.StatusBadRequest, "expected "+want+" for param `"+name+"'")
}
