// How any request travels: what an endpoint is, how its path is built, and the
// one way from a method to GitLab and back.

package runners

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/go-querystring/query"
)

// An endpoint is one of GitLab's routes with the values for one call.
type endpoint struct {
	class  Class
	method string
	route  string // below /api/v4, but for the legacy API's
	args   []any  // for the route's wildcards: an int64 or a Ref
	query  url.Values

	own             bool      // authenticated by tokens; the client's credential stays out
	tokens          []Token   // in the body
	goneToo         int       // a status that, beside 404, says it is gone already
	unmodifiedSince time.Time // a precondition; zero = none
	creates         *creation // what it makes; nil if not known
	err             *Error    // why it cannot be called
}

// The endpoints of each class, from a verb and a route such as
// "GET /runners/{id}".
func read(route string, args ...any) endpoint   { return newEndpoint(ClassRead, route, args) }
func put(route string, args ...any) endpoint    { return newEndpoint(ClassPut, route, args) }
func remove(route string, args ...any) endpoint { return newEndpoint(ClassDelete, route, args) }
func verify(route string, args ...any) endpoint { return newEndpoint(ClassVerify, route, args) }
func create(route string, args ...any) endpoint { return newEndpoint(ClassCreate, route, args) }
func rotate(route string, args ...any) endpoint { return newEndpoint(ClassRotate, route, args) }

func newEndpoint(class Class, route string, args []any) endpoint {
	method, path, _ := strings.Cut(route, " ")
	return endpoint{class: class, method: method, route: path, args: args}
}

// with adds filters to the query.
func (e endpoint) with(filters any) endpoint {
	q, err := query.Values(filters)
	if err != nil {
		e.err = invalid("options", err.Error())
	}
	e.query = q
	return e
}

// by makes a token in the body the only credential.
func (e endpoint) by(t Token) endpoint {
	e.own, e.tokens = true, []Token{t}
	if fault := runnerTokenFault(t); fault != "" {
		return e.reject(invalid("token", fault))
	}
	return e
}

// since adds a precondition: nothing was changed since then.
func (e endpoint) since(t time.Time) endpoint {
	e.unmodifiedSince = t
	return e
}

// reject keeps the call from being sent, unless err is nil.
func (e endpoint) reject(err *Error) endpoint {
	if e.err == nil {
		e.err = err
	}
	return e
}

// literal is an endpoint that this package does not know. What is refused is
// not shown: it may hold a secret.
func literal(method, path string) endpoint {
	classes := map[string]Class{
		http.MethodGet: ClassRead, http.MethodHead: ClassRead, http.MethodPut: ClassPut,
		http.MethodDelete: ClassDelete, http.MethodPost: ClassCreate, http.MethodPatch: ClassCreate,
	}
	class, ok := classes[method]
	if !ok {
		return endpoint{err: invalid("method", "not one of GET, HEAD, PUT, POST, PATCH, DELETE")}
	}
	route := strings.TrimPrefix(path, "/")
	if fault := literalFault(route); fault != "" {
		return endpoint{class: class, err: invalid("path", fault)}
	}
	return endpoint{class: class, method: method, route: "/" + route}
}

// literalFault says why route is no URL-encoded path, or "".
func literalFault(route string) string {
	plain, err := url.PathUnescape(route)
	switch {
	case route == "" || strings.HasPrefix(route, "/"):
		return "path is empty"
	case err != nil || strings.ContainsFunc(plain, isControl) || strings.ContainsAny(route, " {}"):
		return "path is not URL-encoded"
	case strings.ContainsAny(route, "?#"):
		return "path has a query or a fragment"
	case hasDotSegment(plain):
		return "path has a dot segment"
	default:
		return ""
	}
}

// url returns where the endpoint is, below the client's base.
func (e endpoint) url(base string) (string, *Error) {
	path, err := e.expand()
	if err != nil {
		return "", err
	}
	root, mark := "/api/v4", ""
	if strings.HasPrefix(path, legacyRoot) {
		root = ""
	}
	if len(e.query) > 0 {
		mark = "?"
	}
	return base + root + path + mark + e.query.Encode(), nil
}

// expand puts the values into the route, each as one segment of the path.
func (e endpoint) expand() (string, *Error) {
	rest := e.route
	var b strings.Builder
	for _, arg := range e.args {
		open, end := strings.IndexByte(rest, '{'), strings.IndexByte(rest, '}')
		value, fault := segment(arg)
		if fault != "" {
			return "", invalid(rest[open+1:end], fault)
		}
		b.WriteString(rest[:open])
		b.WriteString(url.PathEscape(value))
		rest = rest[end+1:]
	}
	b.WriteString(rest)
	return b.String(), nil
}

// segment returns what stands for a value in a path, or what is wrong with it.
func segment(arg any) (value, fault string) {
	switch v := arg.(type) {
	case int64:
		if v <= 0 {
			return "", "not a positive number"
		}
		return strconv.FormatInt(v, 10), ""
	case Ref:
		if v == (Ref{}) {
			return "", "neither an id nor a path"
		}
		if v.path == "" {
			return segment(v.id)
		}
		return v.path, pathFault(v.path)
	default:
		return "", fmt.Sprintf("a %T cannot stand in a path", arg)
	}
}

// maxPath is more than any path of GitLab's has.
const maxPath = 2048

// pathFault says why p is not the full path of a project or group, or "".
func pathFault(p string) string {
	switch {
	case len(p) > maxPath:
		return "path is too long"
	case strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.Contains(p, "//"):
		return "path has an empty segment"
	case hasDotSegment(p):
		return "path has a dot segment"
	case strings.ContainsFunc(p, isControl):
		return "path has a control character"
	case strings.Contains(p, "%"):
		return "path is URL-encoded: give it plain, such as group/app"
	case strings.Trim(p, "0123456789") == "":
		return "path is a number: use ID"
	default:
		return ""
	}
}

func hasDotSegment(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		if s == "." || s == ".." {
			return true
		}
	}
	return false
}

func isControl(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }

// deref returns what o points to, or the zero value: options may be nil.
func deref[T any](o *T) T {
	if o == nil {
		var zero T
		return zero
	}
	return *o
}

// last returns the options that a variadic parameter holds.
func last[T any](o []*T) T {
	if len(o) == 0 {
		var zero T
		return zero
	}
	return deref(o[len(o)-1])
}

// none is the answer of a call that has none, or that nobody wants: nothing, or
// any JSON.
type none struct{}

// UnmarshalJSON takes whatever there is.
func (*none) UnmarshalJSON([]byte) error { return nil }

// lacking is an answer that may lack what it is of no use without: the secret
// that was made and is shown only once, or what tells a runner from others.
type lacking interface{ lacks() (field string) }

// call sends a request and decodes the answer.
func call[T any](ctx context.Context, c *Client, e endpoint, body any) (T, error) {
	var out T
	err := c.roundTrip(ctx, e, body, func(a *answer) error {
		if err := a.decode(&out); err != nil {
			return err
		}
		if l, ok := any(out).(lacking); ok && l.lacks() != "" {
			return strangeAnswerError("no " + l.lacks() + " where GitLab answers with one")
		}
		return nil
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return out, nil
}

// roundTrip is the one way to GitLab. It ends with a call of the observer.
func (c *Client) roundTrip(
	ctx context.Context, e endpoint, body any, read func(*answer) error, //nolint:contextcheck // a nil one has nothing to pass on
) error {
	t := &trip{client: c, endpoint: e, read: read, began: time.Now()}
	err := t.run(ctx, body)
	c.bodies.put(t.body)
	if ctx == nil {
		ctx = context.Background()
	}
	c.observe(ctx, t, err)
	if err != nil {
		return err
	}
	return nil
}

// run prepares the request and sends it.
func (t *trip) run(ctx context.Context, body any) *Error {
	if ctx == nil {
		return t.unsent(invalid("context", "context is nil"))
	}
	if err := ctx.Err(); err != nil {
		return t.unsent(&Error{Message: err.Error(), cause: err})
	}
	if t.endpoint.err != nil {
		return t.unsent(t.endpoint.err)
	}
	if t.endpoint.own && !t.client.maySendTokens() {
		return t.unsent(invalid("base URL", "a token would travel over plain http"))
	}
	address, fault := t.endpoint.url(t.client.address)
	if fault != nil {
		return t.unsent(fault)
	}
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return t.unsent(invalid("body", err.Error()))
		}
	}
	return t.send(ctx, address, payload)
}

// unsent completes the error of a call that was not sent.
func (t *trip) unsent(err *Error) *Error {
	own := *err
	own.Method, own.Route = t.endpoint.method, t.endpoint.route
	own.Class, own.Phase = t.endpoint.class, PhaseNotSent
	return &own
}

// header returns the headers of an attempt, but for the credential: ours, and
// those that net/http added, such as cookies and where a redirect came from.
func (t *trip) header(added http.Header, hasBody bool) http.Header {
	h := make(http.Header, len(added)+len(t.client.header)+4) // of which one is the credential
	maps.Copy(h, added)
	maps.Copy(h, t.client.header)
	if hasBody {
		h["Content-Type"] = h["Accept"]
	}
	if t.requestID != "" {
		h["X-Request-Id"] = []string{t.requestID}
	}
	if since := t.endpoint.unmodifiedSince; !since.IsZero() {
		h["If-Unmodified-Since"] = []string{since.UTC().Format(http.TimeFormat)}
	}
	return h
}

// ownRequestID returns the X-Request-Id that the caller wants, or "".
func (t *trip) ownRequestID(ctx context.Context) string {
	if t.client.options.RequestID == nil {
		return ""
	}
	if id := t.client.options.RequestID(ctx); !strings.ContainsFunc(id, isControl) {
		return id
	}
	return ""
}

// Call is what an observer learns of a call, when it has ended.
type Call struct {
	Method      string
	Route       string // such as "/runners/{id}"
	Class       Class
	StatusCode  int           // of the last answer; 0 without one
	Attempts    int           // how often it was sent
	Duration    time.Duration // of all attempts, with the waits between them
	Waited      time.Duration // of it: between attempts, and for a turn by the rate limit
	RequestID   string        // under which GitLab logged the last attempt
	RateLimit   *RateLimit    // nil where GitLab says nothing
	AlreadyGone bool          // a delete found nothing, after one that may have worked
	Err         error         // what the caller gets
}

// observe tells the observer about a call.
func (c *Client) observe(ctx context.Context, t *trip, err *Error) {
	if c.options.Observe == nil {
		return
	}
	o := Call{
		Method: t.endpoint.method, Route: t.endpoint.route, Class: t.endpoint.class,
		Attempts: t.attempts, Duration: time.Since(t.began), Waited: t.waited, AlreadyGone: t.alreadyGone,
	}
	if a := t.answer; a != nil {
		clean := cleaner(t.secrets)
		o.StatusCode, o.RateLimit = a.status, readRateLimit(a.header)
		o.RequestID = oneLine(clean(a.header.Get("X-Request-ID")), maxMessage)
		if o.RateLimit != nil {
			o.RateLimit.Name = oneLine(clean(o.RateLimit.Name), maxMessage)
		}
	}
	if err != nil {
		o.Err, o.RequestID = err, err.RequestID
	}
	c.options.Observe(ctx, o)
}

// An answer is a response whose body was read.
type answer struct {
	status int
	header http.Header
	body   []byte
	limit  int64 // of the body; what is made of it has a share in it
}

// A strangeAnswerError is a success that is not GitLab's.
type strangeAnswerError string

func (s strangeAnswerError) Error() string { return string(s) }

const (
	errHTML   strangeAnswerError = "an HTML page where GitLab answers with JSON: a login page, or a proxy's?"
	errEmpty  strangeAnswerError = "an empty answer where GitLab answers with JSON"
	errStatus strangeAnswerError = "a status that is no answer"
	errNull   strangeAnswerError = "null where GitLab answers with an object or a list"
)

// decode reads the body into out.
func (a *answer) decode(out any) error {
	body := bytes.TrimSpace(a.body)
	media := a.header.Get("Content-Type")
	if media != "application/json" {
		media, _, _ = mime.ParseMediaType(media)
	}
	_, nothing := out.(*none)
	switch {
	case len(body) == 0 && nothing:
		return nil
	case len(body) == 0:
		return errEmpty
	case media == "text/html" || looksLikeHTML(body):
		return errHTML
	case media != "" && media != "application/json" && media != "text/plain":
		return strangeAnswerError(fmt.Sprintf("content of type %q where GitLab answers with JSON", media))
	case bytes.Equal(body, []byte("null")) && !nothing:
		return errNull
	case outgrows(body, a.limit):
		return errTooMuch
	}
	if rows, list := out.(*[]Runner); list {
		if parsed, ok := parseRunners(body); ok {
			*rows = parsed
			return nil
		}
	}
	return json.Unmarshal(body, out)
}
