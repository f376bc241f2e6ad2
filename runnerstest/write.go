// What goes back: statuses, headers, JSON, GitLab's shapes of errors, and the
// headers of a page. Nothing else writes an answer.

package runnerstest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// A fault is what is wrong with one attribute of a record.
type fault struct{ attribute, text string }

// refuseFaults makes the shape of a record that is not valid:
// {"message": {attribute: [text, …], …}}.
func refuseFaults(faults []fault) *refusal {
	b := []byte(`{"message":{`)
	for i, f := range faults {
		if i > 0 && faults[i-1].attribute == f.attribute {
			b = append(appendText(append(b[:len(b)-1], ','), f.text), ']')
			continue
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, f.attribute), ":["...)
		b = append(appendText(b, f.text), ']')
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

// setCommon sets the headers that every answer has.
func setCommon(h http.Header, a reply, requestID string) {
	values := [...]string{"application/json", "nosniff", "SAMEORIGIN", requestID, strconv.Itoa(len(a.body))}
	h["Content-Type"] = values[0:1:1]
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
	return t.UTC().AppendFormat(b, `"2006-01-02T15:04:05.000Z"`)
}

// appendText writes a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
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

// A page is what one request asks for of a list.
type page struct {
	number, size int64
	countless    bool // no totals
}

// Pages start here and end there when the caller says nothing, or too much.
const (
	defaultPerPage = 20
	maxPerPage     = 100
	maxCounted     = 10_000 // above it GitLab tells no totals
)

// pageOf reads page and per_page.
func pageOf(q *request) page {
	p := page{number: 1, size: defaultPerPage}
	if n, ok := q.integer("page"); ok && n > 0 {
		p.number = n
	}
	if n, ok := q.integer("per_page"); ok && n > 0 {
		p.size = min(n, maxPerPage)
	}
	return p
}

// window returns which rows the page holds: from (included) to (excluded).
func (p page) window() (from, to int64) {
	if p.number > 1<<40 {
		return 1 << 60, 1 << 60
	}
	return (p.number - 1) * p.size, p.number * p.size
}

// A pageWriter renders those of the rows it is shown that its page holds, and
// counts all of them.
type pageWriter[T any] struct {
	shape    shape[T]
	view     *view
	from, to int64
	count    int64
	body     []byte
}

func (w *pageWriter[T]) add(row *T) {
	if w.count >= w.from && w.count < w.to {
		if len(w.body) > 1 {
			w.body = append(w.body, ',')
		}
		w.body = appendObject(w.body, w.shape, w.view, row)
	}
	w.count++
}

// listed replies with a page of rows. times says how often a row is in the
// list; nil stands for once each, and then only the page's rows are looked at.
func listed[T any](q *request, s shape[T], p page, rows []*T, times func(*T) int) (reply, *refusal) {
	w := pageWriter[T]{shape: s, view: &q.view, body: append(make([]byte, 0, 2048), '[')}
	w.from, w.to = p.window()
	if times == nil {
		all := int64(len(rows))
		w.count = min(w.from, all)
		for _, row := range rows[w.count:min(w.to, all)] {
			w.add(row)
		}
		w.count = all
	}
	for i := 0; times != nil && i < len(rows); i++ {
		for range times(rows[i]) {
			w.add(rows[i])
		}
	}
	return reply{status: http.StatusOK, body: append(w.body, ']'), header: p.headers(q, w.count)}, nil
}

// headers returns the headers of a page of a list of count rows.
func (p page) headers(q *request, count int64) http.Header {
	pages := max(1, (count+p.size-1)/p.size)
	counted := !p.countless && count <= maxCounted
	previous, next := "", ""
	links := linkTo(q, "page")
	if p.number > 1 && p.number <= pages {
		previous = links.add(p.number-1, "prev")
	}
	if p.number < pages {
		next = links.add(p.number+1, "next")
	}
	links.add(1, "first")
	values := [...]string{
		strconv.FormatInt(p.size, 10), strconv.FormatInt(p.number, 10), previous, next,
		strconv.FormatInt(count, 10), strconv.FormatInt(pages, 10), "",
	}
	h := make(http.Header, 12)
	h["X-Per-Page"], h["X-Page"] = values[0:1:1], values[1:2:2]
	h["X-Prev-Page"], h["X-Next-Page"] = values[2:3:3], values[3:4:4]
	if counted {
		h["X-Total"], h["X-Total-Pages"] = values[4:5:5], values[5:6:6]
		links.add(pages, "last")
	}
	values[6] = string(links.text)
	h["Link"] = values[6:7:7]
	return h
}

// A linkWriter writes a Link header: the request's own address, with one
// parameter changed.
type linkWriter struct {
	before, after string // of the value that changes
	text          []byte
}

// linkTo returns a writer of links to the request's address with all its
// parameters, sorted, the defaults and the path's included, but for the
// caller's secret. key is the parameter that changes.
func linkTo(q *request, key string) *linkWriter {
	var pairs []string
	for name, value := range q.given {
		if converted, ok := q.args[name]; ok {
			value = converted
		}
		if !hidden(name) {
			pairs = appendPairs(pairs, name, value)
		}
	}
	for name, value := range q.args {
		if !q.sent(name) && !hidden(name) {
			pairs = appendPairs(pairs, name, value)
		}
	}
	slices.SortStableFunc(pairs, byKey)
	at, _ := slices.BinarySearchFunc(pairs, key, byKey)
	w := &linkWriter{before: "<" + q.base + q.URL.EscapedPath() + "?"}
	w.before += strings.Join(slices.Concat(pairs[:at], []string{key + "="}), "&")
	w.after = strings.Join(slices.Concat([]string{""}, pairs[at:]), "&") + `>; rel="`
	return w
}

// byKey compares pairs by what stands before their equals signs.
func byKey(a, b string) int {
	keyA, _, _ := strings.Cut(a, "=")
	keyB, _, _ := strings.Cut(b, "=")
	return strings.Compare(keyA, keyB)
}

// add adds a link to a page, and returns the page.
func (w *linkWriter) add(page int64, rel string) string {
	value := strconv.FormatInt(page, 10)
	w.addValue(value, rel)
	return value
}

func (w *linkWriter) addValue(value, rel string) {
	if len(w.text) > 0 {
		w.text = append(w.text, ", "...)
	}
	w.text = append(append(append(w.text, w.before...), value...), w.after...)
	w.text = append(append(w.text, rel...), '"')
}

// hidden reports whether links leave a parameter out: where they set it
// themselves, and where it is a secret.
func hidden(name string) bool {
	return name == "page" || name == "cursor" || secretName(name)
}

// appendPairs writes a parameter as name=value, once for each element of a
// list or hash.
func appendPairs(pairs []string, name string, value any) []string {
	switch v := value.(type) {
	case []string:
		for _, element := range v {
			pairs = appendPairs(pairs, name+"[]", element)
		}
	case []any:
		for _, element := range v {
			pairs = appendPairs(pairs, name+"[]", element)
		}
	case given:
		for key, element := range v {
			pairs = appendPairs(pairs, name+"["+key+"]", element)
		}
	case map[string]any:
		return appendPairs(pairs, name, given(v))
	case int64:
		return appendPairs(pairs, name, strconv.FormatInt(v, 10))
	case string:
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(v))
	default:
		text, _ := toText(value)
		s, _ := text.(string)
		return appendPairs(pairs, name, s)
	}
	return pairs
}
