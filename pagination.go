// Lists: pages, the way from one to the next by GitLab's headers, and the
// guard against lists that never end.

package runners

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
)

// maxPerPage is GitLab's own bound, and our default.
const maxPerPage = 100

// Listing is a list that has not been asked for yet. Making one sends nothing;
// each of its methods asks anew, and several goroutines may do so at once.
//
// Several pages are asked for at once, see [Listing.Prefetch].
//
// GitLab's pages are counted by offset: while a list is read, rows that come
// or go elsewhere make later rows move, so that one may be missed. None is
// shown twice. What deletes runners from a list should collect it first.
type Listing[T any] struct {
	client   *Client
	endpoint endpoint
	paging   paging
	prefetch int // how many pages are asked for at once
}

// paging is where a list starts, and in what steps it goes.
type paging struct {
	page    int // 0 = the first
	perPage int // 0 = maxPerPage
	keyset  bool
	cursor  string // of a keyset list
	empty   int    // pages before this one that had no rows
}

// list makes a Listing.
func list[T any](c *Client, e endpoint, p paging) *Listing[T] {
	switch {
	case p.page < 0:
		e = e.reject(invalid("page", "negative"))
	case p.perPage < 0:
		e = e.reject(invalid("per_page", "negative"))
	case p.keyset && p.page != 0:
		e = e.reject(invalid("page", "a keyset list has cursors, not page numbers"))
	}
	setDefault(&p.perPage, maxPerPage)
	p.perPage = min(p.perPage, maxPerPage)
	if !p.keyset {
		setDefault(&p.page, 1)
	}
	return &Listing[T]{client: c, endpoint: e, paging: p, prefetch: defaultPrefetch}
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T
	Number     int    // from 1; 0 in a keyset list
	PerPage    int    // the size of a full page
	Total      *int   // rows in all; nil where GitLab does not count them
	TotalPages *int   // pages in all; nil where GitLab does not count them
	NextPage   int    // 0 on the last page, and in a keyset list
	NextCursor string // "" on the last page, and where pages are numbered
}

// Page asks for the page with this number, which counts from 1. A page past
// the end has no items.
//
// A keyset list has no page numbers: the error is [ErrInvalid].
func (l *Listing[T]) Page(ctx context.Context, number int) (*Page[T], error) {
	at := l.paging
	e := l.endpoint
	switch {
	case number <= 0:
		e = e.reject(invalid("page", "not a positive number"))
	case at.keyset:
		e = e.reject(invalid("page", "a keyset list has cursors, not page numbers"))
	}
	at.page = number
	return l.fetch(ctx, e, at)
}

// Pages yields the pages, in order. An error is the last thing it yields.
func (l *Listing[T]) Pages(ctx context.Context) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		read, stop := l.reader(ctx)
		defer stop()
		at, latest := l.paging, int64(0)
		seen := map[string]bool{}
		for more := true; more; {
			page, err := read(at)
			if err != nil {
				yield(nil, err)
				return
			}
			latest = page.dropShown(latest)
			if !yield(page, nil) {
				return
			}
			if at, more, err = l.next(page, at, seen); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// dropShown drops the rows up to the one that was shown last, where rows moved
// from the page before to this one. It returns the id of the last row so far.
func (p *Page[T]) dropShown(latest int64) int64 {
	for i := range p.Items {
		if latest != 0 && idOf(&p.Items[i]) == latest {
			p.Items = p.Items[i+1:]
			break
		}
	}
	if len(p.Items) == 0 {
		return latest
	}
	return idOf(&p.Items[len(p.Items)-1])
}

// idOf returns the id of a row; 0 for a row without one.
func idOf(row any) int64 {
	switch r := row.(type) {
	case *Runner:
		return r.ID
	case *Job:
		return r.ID
	case *Project:
		return r.ID
	default:
		return 0
	}
}

// next returns where the page after p is, and whether there is one. It keeps
// the cursors it has seen.
func (l *Listing[T]) next(p *Page[T], at paging, seen map[string]bool) (paging, bool, error) {
	next := at
	next.page, next.cursor = p.NextPage, p.NextCursor
	next.empty++
	if len(p.Items) > 0 {
		next.empty = 0
	}
	switch {
	case p.NextPage == 0 && p.NextCursor == "":
		return next, false, nil
	case !at.keyset && next.page <= at.page:
		return next, false, l.loop(fmt.Sprintf("it leads back to page %d", next.page))
	case at.keyset && seen[fingerprint(next.cursor)]:
		return next, false, l.loop("it leads back to a cursor that it has given before")
	case next.empty >= maxEmptyPages:
		return next, false, l.loop(fmt.Sprintf("%d pages on end have no rows", next.empty))
	}
	seen[fingerprint(next.cursor)] = at.keyset
	return next, true, nil
}

// maxEmptyPages is how many pages without a row are read on end.
const maxEmptyPages = 100

// fingerprint returns what stands for a cursor, however long it is.
func fingerprint(cursor string) string {
	if len(cursor) <= sha256.Size {
		return cursor
	}
	sum := sha256.Sum256([]byte(cursor))
	return string(sum[:])
}

// All yields the rows of all pages, in order. An error is the last thing it
// yields, with a nil row. Each row stays valid after the loop.
func (l *Listing[T]) All(ctx context.Context) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range l.Pages(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
					return
				}
			}
		}
	}
}

// Collect returns the rows of all pages. With an error, it returns those that
// came before it.
func (l *Listing[T]) Collect(ctx context.Context) ([]*T, error) {
	var rows []*T
	for row, err := range l.All(ctx) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// fetch asks for one page.
func (l *Listing[T]) fetch(ctx context.Context, e endpoint, at paging) (*Page[T], error) {
	q := maps.Clone(e.query)
	if q == nil {
		q = url.Values{}
	}
	q.Set("per_page", strconv.Itoa(at.perPage))
	if at.keyset {
		q.Set("pagination", "keyset")
	} else {
		q.Set("page", strconv.Itoa(at.page))
	}
	if at.cursor != "" {
		q.Set("cursor", at.cursor)
	}
	e.query = q
	var page *Page[T]
	err := l.client.roundTrip(ctx, e, nil, func(a *answer) error {
		page = &Page[T]{}
		if err := a.decode(&page.Items); err != nil {
			return err
		}
		page.readHeader(a.header, at)
		if at.keyset && page.NextCursor == "" && isNumbered(a.header) {
			return errNumbered
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// loop is the error of a list that would never end.
func (l *Listing[T]) loop(why string) error {
	return &Error{
		Method: l.endpoint.method, Route: l.endpoint.route, Class: l.endpoint.class,
		Phase: PhaseAnswered, Attempts: 1, StatusCode: http.StatusOK,
		Message: "the list does not end: " + why,
		kinds:   []error{ErrPaginationLoop},
	}
}

// errNumbered is the error of a keyset list from a server that does not know of
// them: to take its page for one would lose the rows behind it.
const errNumbered strangeAnswerError = "pages with numbers where a keyset list was asked for: " +
	"this GitLab is too old for JobsOptions.Keyset"

// readHeader reads what the headers say about a page. Missing ones are taken
// from the Link header, and without that a full page has another one after it.
func (p *Page[T]) readHeader(h http.Header, at paging) {
	p.Number, p.PerPage = at.page, at.perPage
	if at.keyset {
		p.NextCursor = nextParameter(h, "cursor")
		return
	}
	p.Total, p.TotalPages = count(h.Get("X-Total")), count(h.Get("X-Total-Pages"))
	if size := count(h.Get("X-Per-Page")); size != nil && *size > 0 {
		p.PerPage = *size
	}
	switch next := h.Values("X-Next-Page"); {
	case len(next) > 0 && (next[0] == "" || count(next[0]) != nil):
		p.NextPage = deref(count(next[0]))
	case h.Get("Link") != "":
		p.NextPage = deref(count(nextParameter(h, "page")))
	case len(p.Items) >= p.PerPage:
		p.NextPage = at.page + 1
	}
}

// isNumbered reports whether the pages of a list have numbers.
func isNumbered(h http.Header) bool {
	return len(h.Values("X-Page")) > 0 || len(h.Values("X-Next-Page")) > 0 || nextParameter(h, "page") != ""
}

// count reads a number that may be absent.
func count(s string) *int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// links finds the parts of a Link header: a URL in angle brackets, which may
// hold commas, and its parameters.
var links = regexp.MustCompile(`<([^<>]*)>\s*((?:;\s*[a-zA-Z*]+\s*=\s*(?:"[^"]*"|[^",;\s]*)\s*)*)`)

var relNext = regexp.MustCompile(`(?i);\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)`)

// maxLink is more than GitLab's links need.
const maxLink = 32 << 10

// nextParameter returns one parameter of the next page's URL. Nothing else of
// that URL is ever used: where a request goes is ours to say.
func nextParameter(h http.Header, name string) string {
	for _, header := range h.Values("Link") {
		if len(header) > maxLink {
			continue
		}
		for _, link := range links.FindAllStringSubmatch(header, -1) {
			if !relNext.MatchString(link[2]) {
				continue
			}
			if u, err := url.Parse(link[1]); err == nil {
				return u.Query().Get(name)
			}
		}
	}
	return ""
}
