// What can go wrong with a call, as one type of error; and reading what GitLab
// says about it, from the shapes of its error bodies and from its headers.

package runners

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-832548de/runners/internal/tokenform"
)

// What an error is about. Use them with [errors.Is]; [Error] has the particulars.
var (
	// ErrInvalid is a request that GitLab refuses as wrong in itself (400,
	// 405, 413, 415, 422), or that this package refuses to send.
	ErrInvalid = errors.New("invalid request")
	// ErrUnauthorized is a missing, unknown, expired or revoked access token
	// (401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden is a call that the user's role or the token's scope does
	// not allow (403), or an unknown runner token.
	ErrForbidden = errors.New("forbidden")
	// ErrInsufficientScope is a token whose scopes do not allow the call. It
	// is also an ErrForbidden.
	ErrInsufficientScope = errors.New("insufficient scope")
	// ErrNotFound is a runner, project or group that does not exist, or that
	// the user may not see (404).
	ErrNotFound = errors.New("not found")
	// ErrConflict is a race with another change (409).
	ErrConflict = errors.New("conflict")
	// ErrGone is a registration where registration tokens are switched off,
	// or an API that GitLab removed (410).
	ErrGone = errors.New("gone")
	// ErrPreconditionFailed is a delete whose IfUnmodifiedSince is older than
	// the last change (412).
	ErrPreconditionFailed = errors.New("precondition failed")
	// ErrRateLimited is a refusal that asks to come back later (429).
	ErrRateLimited = errors.New("rate limited")
	// ErrTemporary is a 408 or a 425.
	ErrTemporary = errors.New("temporary failure")
	// ErrServer is a failure of the server (5xx).
	ErrServer = errors.New("server error")
	// ErrUnavailable is a server that could not be reached, or that said so
	// itself (503). The latter is also an ErrServer.
	ErrUnavailable = errors.New("unavailable")
	// ErrTLS is a certificate that does not hold, or a server that speaks no
	// TLS or one that is too old. It is also an ErrUnavailable.
	ErrTLS = errors.New("certificate not accepted")
	// ErrRedirect is a redirect that is not followed: of anything but a GET, to
	// another scheme, host or port, after five others, or against the caller's
	// own policy.
	ErrRedirect = errors.New("redirect not followed")
	// ErrUnexpectedResponse is an answer that is not what GitLab gives, such
	// as a login page or a proxy's page, or that lacks what was asked for.
	ErrUnexpectedResponse = errors.New("unexpected response")
	// ErrResponseTooLarge is an answer above Options.MaxBodyBytes, one made to
	// take far more room in memory, or one whose headers have no end. It is
	// also an ErrUnexpectedResponse.
	ErrResponseTooLarge = errors.New("response too large")
	// ErrPaginationLoop is a list that came back to a page it had shown, or
	// that goes on without rows.
	ErrPaginationLoop = errors.New("pagination loop")
	// ErrOutcomeUnknown is a create or a rotation that was sent once, and of
	// which nobody knows whether it was done. It is not sent again. The text
	// says what to do; after a create, [FindCreated] looks for the runner.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Class is what kind of operation an endpoint is. It decides what is sent
// again after a failure, whatever the HTTP method.
type Class string

// The classes.
const (
	ClassRead   Class = "read"   // repeated freely
	ClassPut    Class = "put"    // repeated with the same body
	ClassDelete Class = "delete" // repeated; gone is success then
	ClassVerify Class = "verify" // repeated: a second contact does no harm
	ClassCreate Class = "create" // never repeated once it may have been done
	ClassRotate Class = "rotate" // never repeated once it may have been done
)

// once reports whether an operation is never repeated once it may have been
// done.
func (c Class) once() bool { return c == ClassCreate || c == ClassRotate }

// Phase is how far the last attempt of a call came.
type Phase string

// The phases.
const (
	PhaseNotSent  Phase = "not sent" // nothing reached the server
	PhaseSent     Phase = "sent"     // it may have, and there is no answer
	PhaseAnswered Phase = "answered" // the server answered
)

// Error is why a call failed. All errors of this package are of this type; its
// text is one line, without a secret and without a query string.
type Error struct {
	Method     string              // such as "GET"; "" outside of a call
	Route      string              // such as "/runners/{id}"
	Class      Class               // what kind of operation it was
	Phase      Phase               // how far the last attempt came
	Attempts   int                 // how often it was sent
	StatusCode int                 // of the last answer; 0 without one
	Message    string              // what GitLab says, or this package
	Fields     map[string][]string // messages by parameter or attribute
	RetryAfter time.Duration       // the wait that the server asked for
	ResetAt    time.Time           `json:",omitzero"` // its end, by this machine's clock
	RequestID  string              // under which GitLab logged it
	Body       []byte              // of an error answer, the first 64 KiB

	kinds   []error
	cause   error
	created *creation // that may have been done; nil where it is not known
}

// Error returns one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("runners: ")
	if e.Method != "" {
		fmt.Fprintf(&b, "%s %s: ", e.Method, e.Route)
	}
	if code := strconv.Itoa(e.StatusCode); e.StatusCode != 0 && !strings.HasPrefix(e.Message, code) {
		b.WriteString(code + " ")
	}
	b.WriteString(e.Message)
	return oneLine(b.String(), maxText)
}

// Is reports whether target is one of the sentinels that e stands for.
func (e *Error) Is(target error) bool { return slices.Contains(e.kinds, target) }

// Unwrap returns what caused the error: an error of the context or of the
// network, or nil.
func (e *Error) Unwrap() error { return e.cause }

// invalid is a request that is not sent, because of one field.
func invalid(field, fault string) *Error {
	message := field + ": " + fault
	if strings.HasPrefix(fault, field+" ") {
		message = fault
	}
	return &Error{
		Phase:   PhaseNotSent,
		Message: message,
		Fields:  map[string][]string{field: {fault}},
		kinds:   []error{ErrInvalid},
	}
}

// statusKinds returns the sentinels of a status that is not a success.
func statusKinds(status int) []error {
	switch status {
	case http.StatusUnauthorized:
		return []error{ErrUnauthorized}
	case http.StatusForbidden:
		return []error{ErrForbidden}
	case http.StatusNotFound:
		return []error{ErrNotFound}
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return []error{ErrTemporary}
	case http.StatusConflict:
		return []error{ErrConflict}
	case http.StatusGone:
		return []error{ErrGone}
	case http.StatusPreconditionFailed:
		return []error{ErrPreconditionFailed}
	case http.StatusTooManyRequests:
		return []error{ErrRateLimited}
	case http.StatusServiceUnavailable:
		return []error{ErrServer, ErrUnavailable}
	}
	switch status / 100 {
	case 3:
		return []error{ErrRedirect}
	case 4:
		return []error{ErrInvalid}
	case 5:
		return []error{ErrServer}
	default:
		return []error{ErrUnexpectedResponse}
	}
}

// Bounds of what an error keeps.
const (
	maxErrorBody = 64 << 10
	maxText      = 1 << 10
	maxMessage   = 768 // the rest is for where, and for what to do
)

// An errorBody is what GitLab's error bodies have in common.
type errorBody struct {
	Message     json.RawMessage `json:"message"`
	Error       json.RawMessage `json:"error"`
	Description string          `json:"error_description"`
	Scope       string          `json:"scope"`
}

// readErrorBody fills in what GitLab says about a failure.
func (e *Error) readErrorBody(body []byte) {
	e.Body = body
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		e.Message = plainMessage(body)
		return
	}
	var code string
	switch {
	case len(b.Message) > 0 && string(b.Message) != "null":
		e.Message, e.Fields = flatten(b.Message)
	case json.Unmarshal(b.Error, &code) == nil:
		e.Message, e.Fields = code, parameterFaults(code)
		if b.Description != "" {
			e.Message = code + ": " + b.Description
		}
	case len(b.Error) > 0:
		e.Message, e.Fields = flatten(b.Error)
	default:
		e.Message = plainMessage(body)
	}
	if code == "insufficient_scope" || code == "insufficient_granular_scope" {
		e.kinds = append(e.kinds, ErrInsufficientScope)
		if b.Scope != "" {
			e.Message += " (sufficient: " + b.Scope + ")"
		}
	}
}

// plainMessage makes one line of a body that is not GitLab's JSON.
func plainMessage(body []byte) string {
	if looksLikeHTML(body) {
		return errHTML.Error()
	}
	return string(body)
}

func looksLikeHTML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// flatten makes one line of a message, and a map of messages by attribute
// where it is one.
func flatten(raw json.RawMessage) (string, map[string][]string) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var attributes map[string]json.RawMessage
	if json.Unmarshal(raw, &attributes) != nil {
		return strings.Join(texts(raw), ", "), nil
	}
	fields := make(map[string][]string, len(attributes))
	var lines []string
	for name, value := range attributes {
		fields[name] = texts(value)
		lines = append(lines, name+": "+strings.Join(fields[name], ", "))
	}
	slices.Sort(lines)
	if only, ok := fields["error"]; ok && len(fields) == 1 {
		return strings.Join(only, ", "), nil
	}
	return strings.Join(lines, "; "), fields
}

// texts returns the strings of a list, or whatever else stands there.
func texts(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		return []string{string(raw)}
	}
	all := make([]string, len(many))
	for i, m := range many {
		if json.Unmarshal(m, &all[i]) != nil {
			all[i] = string(m)
		}
	}
	return all
}

// parameterFaults reads what GitLab's parameter checks say, such as
// "a is missing, b is invalid" or "a, b are mutually exclusive", into a map.
func parameterFaults(text string) map[string][]string {
	var fields map[string][]string
	var names []string // of the fault that is being read
	parts := strings.Split(text, ", ")
	for i, part := range parts {
		name, fault, whole := strings.Cut(part, " ")
		names = append(names, name)
		if !whole {
			continue
		}
		if fault == "are missing" && i+1 < len(parts) {
			fault += ", " + parts[i+1]
		}
		if isParameterFault(fault) {
			if fields == nil {
				fields = map[string][]string{}
			}
			for _, name := range names {
				fields[name] = append(fields[name], fault)
			}
		}
		names = nil
	}
	return fields
}

// isParameterFault reports whether a fault is one of the parameters before it.
func isParameterFault(fault string) bool {
	switch fault {
	case "is missing", "is invalid", "does not have a valid value", "has a value not allowed",
		"are mutually exclusive",
		"are missing, at least one parameter must be provided",
		"are missing, exactly one parameter must be provided":
		return true
	default:
		return false
	}
}

// parameterForm is a parameter of a URL or a form that holds a token.
var parameterForm = regexp.MustCompile(`token=[^&\s"']+`)

// cleaner returns a function that takes secrets out of a text: those given,
// and whatever else has the form of one.
func cleaner(secrets []string) func(string) string {
	var known []string
	for _, secret := range secrets {
		for _, form := range writtenForms(secret) {
			known = append(known, form, redacted)
		}
	}
	replacer := strings.NewReplacer(known...)
	return func(s string) string {
		s = tokenform.Redact(replacer.Replace(s), redacted)
		return parameterForm.ReplaceAllString(s, redacted)
	}
}

// writtenForms are the ways in which a server, or net/http, may write a secret
// back: as it is, in a URL, in quotes, and in JSON with and without markup.
func writtenForms(secret string) []string {
	quoted := strconv.Quote(secret)
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1]}
	if text, err := json.Marshal(secret); err == nil {
		forms = append(forms, string(text[1:len(text)-1]))
	}
	return forms
}

// withoutStump takes from the end of a text that was cut off what may be the
// beginning of a secret.
func withoutStump(text []byte, secrets []string) []byte {
	stump := 0
	for _, secret := range secrets {
		for _, form := range writtenForms(secret) {
			for length := min(len(form)-1, len(text)); length > stump; length-- {
				if bytes.HasSuffix(text, []byte(form[:length])) {
					stump = length
				}
			}
		}
	}
	return text[:len(text)-stump]
}

// scrub takes secrets out of everything in e that came from the server.
func (e *Error) scrub(secrets []string) {
	clean := cleaner(secrets)
	line := func(s string) string { return oneLine(clean(s), maxMessage) }
	e.Message = cmp.Or(line(e.Message), "no explanation")
	e.RequestID = line(e.RequestID)
	if e.Body != nil {
		e.Body = []byte(clean(string(e.Body)))
	}
	if e.cause != nil && clean(e.cause.Error()) != e.cause.Error() {
		e.cause = newScrubbedError(e.cause, clean)
	}
	if e.Fields == nil {
		return
	}
	fields := make(map[string][]string, len(e.Fields))
	for name, messages := range e.Fields {
		for i := range messages {
			messages[i] = line(messages[i])
		}
		fields[line(name)] = messages
	}
	e.Fields = fields
}

// A scrubbedError stands for an error whose text has a secret. It can be found
// with [errors.Is] and [errors.As], but not unwrapped.
type scrubbedError struct {
	text string
	hold func() error // hides the error from reflection
}

func newScrubbedError(err error, clean func(string) string) *scrubbedError {
	return &scrubbedError{text: clean(err.Error()), hold: func() error { return err }}
}

func (e *scrubbedError) Error() string { return e.text }

// Is reports whether the error that e stands for is target.
func (e *scrubbedError) Is(target error) bool { return errors.Is(e.hold(), target) }

// As finds target in the error that e stands for.
func (e *scrubbedError) As(target any) bool {
	return errors.As(e.hold(), target)
}

// oneLine makes s printable, and short enough for a limit.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, " "), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(s) <= limit {
		return s
	}
	end := limit - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// askedWait returns how long the server asked to wait; 0 where it did not. What
// is too long to be represented is the longest time.
func askedWait(h http.Header, now time.Time) time.Duration {
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d // the times in the other headers are by the server's clock
	}
	var longest time.Duration
	asked := false
	for _, v := range h.Values("Retry-After") {
		if wait, ok := parseRetryAfters(v, now); ok {
			longest, asked = max(longest, wait), true
		}
	}
	if asked {
		return longest
	}
	reset, err := strconv.ParseInt(h.Get("Ratelimit-Reset"), 10, 64)
	if err != nil || reset < now.Unix() || h.Get("Ratelimit-Remaining") > "0" {
		return 0
	}
	return seconds(float64(reset - now.Unix()))
}

// parseRetryAfters returns the longest wait of a header, into which a proxy may
// have joined two.
func parseRetryAfters(v string, now time.Time) (longest time.Duration, asked bool) {
	if wait, ok := parseRetryAfter(strings.TrimSpace(v), now); ok {
		return wait, true
	}
	for part := range strings.SplitSeq(v, ",") {
		if wait, ok := parseRetryAfter(strings.TrimSpace(part), now); ok {
			longest, asked = max(longest, wait), true
		}
	}
	return longest, asked
}

// parseRetryAfter reads seconds or a date.
func parseRetryAfter(v string, now time.Time) (time.Duration, bool) {
	if s, err := strconv.ParseFloat(v, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		if math.IsNaN(s) || s < 0 {
			return 0, false
		}
		return seconds(math.Ceil(s)), true
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return max(0, t.Sub(now)), true
}

// seconds is s seconds, or the longest time there is.
func seconds(s float64) time.Duration {
	if s >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(s) * time.Second
}

// RateLimit is what GitLab says of the caller's budget of requests.
type RateLimit struct {
	Name      string    // such as "throttle_authenticated_api"
	Limit     int       // requests a minute
	Remaining int       // of the running period
	Reset     time.Time // when the next period begins
}

// lastSecond is before the end of the years that JSON can write, wherever we
// are.
const lastSecond = 253402200000

// resetAt returns when a rate limit ends by the server's clock, or the zero time
// where it does not say so in earnest.
func resetAt(h http.Header) time.Time {
	reset, err := strconv.ParseInt(h.Get("Ratelimit-Reset"), 10, 64)
	if err != nil || reset <= 0 || reset > lastSecond {
		return time.Time{}
	}
	return time.Unix(reset, 0)
}

// readRateLimit returns nil where the server says nothing.
func readRateLimit(h http.Header) *RateLimit {
	limit, err := strconv.Atoi(h.Get("Ratelimit-Limit"))
	if err != nil {
		return nil
	}
	r := &RateLimit{Name: h.Get("Ratelimit-Name"), Limit: limit, Reset: resetAt(h)}
	r.Remaining, _ = strconv.Atoi(h.Get("Ratelimit-Remaining"))
	return r
}
