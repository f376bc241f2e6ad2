// Pages of a list: which rows they hold, and the headers that lead from one to
// the next.

package runnerstest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

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
	w := pageWriter[T]{shape: s, view: &q.view, body: append(make([]byte, 0, 512), '[')}
	w.from, w.to = p.window()
	if times == nil {
		all := int64(len(rows))
		w.count = min(w.from, all)
		rest := rows[w.count:min(w.to, all)]
		for i, row := range rest {
			w.add(row)
			if i == 0 {
				w.body = slices.Grow(w.body, len(rest)*(len(w.body)+1))
			}
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
	if len(links.text) > 0 {
		values[6] = string(links.text)
		h["Link"] = values[6:7:7]
	}
	return h
}

// A linkWriter writes a Link header: the request's own address, with one
// parameter changed.
type linkWriter struct {
	before, after []byte // of the value that changes
	text          []byte
}

// linkTo returns a writer of links to the request's address with all its
// parameters, sorted, the defaults and the path's included, but for the
// caller's secret. key is the parameter that changes.
func linkTo(q *request, key string) *linkWriter {
	pairs := make([]string, 0, len(q.given)+len(q.args))
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
	b := append(append(make([]byte, 0, 256), '<'), q.base...)
	b = append(append(b, q.URL.EscapedPath()...), '?')
	for _, pair := range pairs[:at] {
		b = append(append(b, pair...), '&')
	}
	b = append(append(b, key...), '=')
	end := len(b)
	for _, pair := range pairs[at:] {
		b = append(append(b, '&'), pair...)
	}
	b = append(b, `>; rel="`...)
	return &linkWriter{
		before: b[:end], after: b[end:],
		text: make([]byte, 0, 4*(len(b)+16)), // four links as a rule
	}
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
	if len(w.before)+len(w.after) > maxLink {
		return
	}
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
