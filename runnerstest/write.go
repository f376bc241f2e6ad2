// What goes back: statuses, headers, JSON and GitLab's shapes of errors.
// Nothing else writes an answer.

package runnerstest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// A reply is what a handler returns.
type reply struct {
	status int
	body   []byte // empty = none
	header http.Header
}

// A refusal is what a step or a handler returns instead, when GitLab says no.
type refusal struct {
	status int
	body   []byte
	header http.Header
}

// refuse makes GitLab's usual shape of an error: {"message": text}.
func refuse(status int, text string) *refusal {
	return &refusal{status: status, body: appendPair(nil, "message", text)}
}

// refuseError makes the shape of its API framework: {"error": text}.
func refuseError(status int, text string) *refusal {
	return &refusal{status: status, body: appendPair(nil, "error", text)}
}

// refuseOAuth makes the shape of an access token's faults.
func refuseOAuth(status int, code, description, scope string) *refusal {
	b := appendText([]byte(`{"error":`), code)
	b = appendText(append(b, `,"error_description":`...), description)
	if scope != "" {
		b = appendText(append(b, `,"scope":`...), scope)
	}
	return &refusal{status: status, body: append(b, '}')}
}

// A violation is what is wrong with one attribute of a record.
type violation struct{ attribute, text string }

// refuseViolations makes the shape of a record that is not valid:
// {"message": {attribute: [text, …], …}}.
func refuseViolations(violations []violation) *refusal {
	b := []byte(`{"message":{`)
	for i, v := range violations {
		if i > 0 && violations[i-1].attribute == v.attribute {
			b = append(appendText(append(b[:len(b)-1], ','), v.text), ']')
			continue
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, v.attribute), ":["...)
		b = append(appendText(b, v.text), ']')
	}
	return &refusal{status: http.StatusBadRequest, body: append(b, "}}"...)}
}

// forbidden is a 403, with GitLab's reason or without one.
func forbidden(reason string) *refusal {
	if reason == "" {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	return refuse(http.StatusForbidden, "403 Forbidden - "+reason)
}

func unauthorized() *refusal {
	return refuse(http.StatusUnauthorized, "401 Unauthorized")
}

func notModelled(sentence string) *refusal {
	return refuse(http.StatusNotImplemented, "501 Not Implemented - "+sentence)
}

// reply returns the refusal as the reply that it is.
func (f *refusal) reply() reply { return reply(*f) }

// noContent is the reply of a request that leaves nothing to tell.
func noContent() (reply, *refusal) { return reply{status: http.StatusNoContent}, nil }

// writeTo sends a reply.
func (a reply) writeTo(w http.ResponseWriter, requestID string) {
	h := w.Header()
	maps.Copy(h, a.header)
	setCommon(h, a, requestID)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller has gone: nobody to tell
}

// setCommon sets the headers that every answer has. What is not JSON has its
// Content-Type already.
func setCommon(h http.Header, a reply, requestID string) {
	values := [...]string{"application/json", "nosniff", "SAMEORIGIN", requestID, strconv.Itoa(len(a.body))}
	if h["Content-Type"] == nil {
		h["Content-Type"] = values[0:1:1]
	}
	h["X-Content-Type-Options"] = values[1:2:2]
	h["X-Frame-Options"] = values[2:3:3]
	h["X-Request-Id"] = values[3:4:4]
	if a.status != http.StatusNoContent {
		h["Content-Length"] = values[4:5:5]
	}
}

// A field is one member of a JSON object that shows a T.
type field[T any] struct {
	name   string
	append func(b []byte, v *view, row *T) []byte
	when   func(v *view, row *T) bool // nil = always
}

// A shape is the fields of an object in the order in which they are written.
type shape[T any] []field[T]

// kept returns the fields that a version has; kind is their group in the
// version table.
func kept[T any](e *edition, kind string, all shape[T]) shape[T] {
	return slices.DeleteFunc(all, func(f field[T]) bool { return !e.has(kind + "." + f.name) })
}

// without returns the shape with one field less.
func (s shape[T]) without(name string) shape[T] {
	return slices.DeleteFunc(slices.Clone(s), func(f field[T]) bool { return f.name == name })
}

// appendObject writes a row in a shape.
func appendObject[T any](b []byte, s shape[T], v *view, row *T) []byte {
	b = append(b, '{')
	first := len(b)
	for i := range s {
		f := &s[i]
		if f.when != nil && !f.when(v, row) {
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), `":`...)
		b = f.append(b, v, row)
	}
	return append(b, '}')
}

// appendArray writes rows in a shape.
func appendArray[T any](b []byte, s shape[T], v *view, rows []*T) []byte {
	b = append(b, '[')
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendObject(b, s, v, row)
	}
	return append(b, ']')
}

// show replies with one row.
func show[T any](q *request, status int, s shape[T], row *T) (reply, *refusal) {
	return reply{status: status, body: appendObject(make([]byte, 0, 1024), s, &q.view, row)}, nil
}

// The constructors below make the fields whose values need no view.

func text[T any](name string, get func(*T) string) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, row *T) []byte {
		return appendText(b, get(row))
	}}
}

func maybeText[T any](name string, get func(*T) *string) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, row *T) []byte {
		return appendMaybe(b, get(row))
	}}
}

func number[T any](name string, get func(*T) int64) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, row *T) []byte {
		return strconv.AppendInt(b, get(row), 10)
	}}
}

func flag[T any](name string, get func(*T) bool) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, row *T) []byte {
		return strconv.AppendBool(b, get(row))
	}}
}

func moment[T any](name string, get func(*T) time.Time) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, row *T) []byte {
		return appendTime(b, get(row))
	}}
}

func texts[T any](name string, get func(*T) []string) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, row *T) []byte {
		b = append(b, '[')
		for i, s := range get(row) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, s)
		}
		return append(b, ']')
	}}
}

// fixed is a field that looks the same in every row; value is JSON.
func fixed[T any](name, value string) field[T] {
	return field[T]{name: name, append: func(b []byte, _ *view, _ *T) []byte {
		return append(b, value...)
	}}
}

// seen is a text that depends on who looks, and when.
func seen[T any](name string, get func(*view, *T) string) field[T] {
	return field[T]{name: name, append: func(b []byte, v *view, row *T) []byte {
		return appendText(b, get(v, row))
	}}
}

func appendPair(b []byte, name, value string) []byte {
	b = slices.Grow(b, len(name)+len(value)+len(`{"":""}`))
	b = append(append(append(b, `{"`...), name...), `":`...)
	return append(appendText(b, value), '}')
}

func appendMaybe(b []byte, s *string) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return appendText(b, *s)
}

// appendTime writes a time as GitLab does; the zero time is null.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(appendDigits(append(b, '"'), year, 4), '-')
	b = append(appendDigits(b, int(month), 2), '-')
	b = append(appendDigits(b, day, 2), 'T')
	b = append(appendDigits(b, hour, 2), ':')
	b = append(appendDigits(b, minute, 2), ':')
	b = append(appendDigits(b, second, 2), '.')
	return append(appendDigits(b, t.Nanosecond()/1e6, 3), 'Z', '"')
}

// appendDigits writes the last digits of n. Lists are full of times, and
// [time.Time.AppendFormat] reads its layout for each.
func appendDigits(b []byte, n, digits int) []byte {
	b = append(b, "0000"[:digits]...)
	for i := len(b) - 1; n > 0 && digits > 0; i-- {
		b[i] += byte(n % 10)
		n /= 10
		digits--
	}
	return b
}

// appendText writes a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0
	for plain < len(s) && isPlain(s[plain]) {
		plain++
	}
	b = append(b, s[:plain]...)
	for _, r := range s[plain:] {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, `\u00`...)
			b = append(b, hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// isPlain reports whether c is a character that a JSON string shows as it is.
func isPlain(c byte) bool {
	return ' ' <= c && c < 0x7f && c != '"' && c != '\\'
}
