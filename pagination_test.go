// Lists: the ways from one page to the next, and what ends them.

package runners_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// rows is a page's body: runners with ids from first on.
func rows(first, count int) string {
	var all []string
	for id := range count {
		all = append(all, fmt.Sprintf(`{"id":%d}`, first+id))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// pages answers each page by its number.
func pages(byNumber map[string]step) step {
	return func(req *http.Request) (*http.Response, error) {
		do := byNumber[req.URL.Query().Get("page")]
		if do == nil {
			do = reply(500, `{"message":"never asked for"}`)
		}
		return do(req)
	}
}

func link(url, rel string) string { return `<` + url + `>; rel="` + rel + `"` }

// TestListing_next: how the next page is found.
func TestListing_next(t *testing.T) {
	t.Parallel()
	const here = "https://gitlab.example.com/api/v4/runners"
	last := reply(200, rows(5, 1), "X-Next-Page", "")
	for name, c := range map[string]struct {
		first step
		want  []int64
	}{
		"header":               {reply(200, rows(1, 2), "X-Next-Page", "2"), []int64{1, 2, 5}},
		"header, empty":        {reply(200, rows(1, 2), "X-Next-Page", "", "Link", link(here+"?page=2", "next")), []int64{1, 2}},
		"header over link":     {reply(200, rows(1, 2), "X-Next-Page", "2", "Link", link(here+"?page=9", "next")), []int64{1, 2, 5}},
		"header, nonsense":     {reply(200, rows(1, 2), "X-Next-Page", "two", "Link", link(here+"?page=2", "next")), []int64{1, 2, 5}},
		"header, negative":     {reply(200, rows(1, 2), "X-Next-Page", "-2"), []int64{1, 2, 5}},
		"short, yet more":      {reply(200, rows(1, 1), "X-Next-Page", "2"), []int64{1, 5}},
		"empty, yet more":      {reply(200, `[]`, "X-Next-Page", "2"), []int64{5}},
		"link":                 {reply(200, rows(1, 2), "Link", link(here+"?page=2&per_page=2", "next")), []int64{1, 2, 5}},
		"link among others":    {reply(200, rows(1, 2), "Link", link(here+"?page=1", "first")+", "+link(here+"?page=2", "next")+", "+link(here+"?page=7", "last")), []int64{1, 2, 5}},
		"links in two headers": {reply(200, rows(1, 2), "Link", link(here+"?page=1", "first"), "Link", link(here+"?page=2", "next")), []int64{1, 2, 5}},
		"commas in a link":     {reply(200, rows(1, 2), "Link", link(here+"?page=7&tag_list=a,b", "last")+","+link(here+"?tag_list=a,b,c&page=2", "next")), []int64{1, 2, 5}},
		"several relations":    {reply(200, rows(1, 2), "Link", link(here+"?page=2", "last next")), []int64{1, 2, 5}},
		"no quotes":            {reply(200, rows(1, 2), "Link", `<`+here+`?page=2>; rel=next`), []int64{1, 2, 5}},
		"other parameters":     {reply(200, rows(1, 2), "Link", `<`+here+`?page=2>; title="a, b; c"; rel="next"`), []int64{1, 2, 5}},
		"capitals":             {reply(200, rows(1, 2), "Link", `<`+here+`?page=2>;REL="NEXT"`), []int64{1, 2, 5}},
		"two nexts":            {reply(200, rows(1, 2), "Link", link(here+"?page=2", "next")+", "+link(here+"?page=9", "next")), []int64{1, 2, 5}},
		"other host":           {reply(200, rows(1, 2), "Link", link("http://evil.example/../x?private_token=a&sudo=root&per_page=9&page=2", "next")), []int64{1, 2, 5}},
		"no next link":         {reply(200, rows(1, 2), "Link", link(here+"?page=1", "first")), []int64{1, 2}},
		"nearly next":          {reply(200, rows(1, 2), "Link", link(here+"?page=2", "nextish")), []int64{1, 2}},
		"link without a page":  {reply(200, rows(1, 2), "Link", link(here, "next")), []int64{1, 2}},
		"malformed link":       {reply(200, rows(1, 2), "Link", here+"?page=2; rel=next"), []int64{1, 2}},
		"no URL":               {reply(200, rows(1, 2), "Link", link("%zz:?page=2", "next")), []int64{1, 2}},
		"no header, full page": {reply(200, rows(1, 2)), []int64{1, 2, 5}},
		"no header, short":     {reply(200, rows(1, 1)), []int64{1}},
		"no header, empty":     {reply(200, `[]`), nil},
		"smaller pages":        {reply(200, rows(1, 1), "X-Per-Page", "1"), []int64{1, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(pages(map[string]step{"1": c.first, "2": last}))
			all, err := client(t, s, nil).Runners.List(&runners.ListOptions{PerPage: 2}).Prefetch(1).Collect(t.Context())
			require.NoError(t, err)
			var ids []int64
			for _, r := range all {
				ids = append(ids, r.ID)
			}
			assert.Equal(t, c.want, ids)
			for i, r := range s.requests() {
				assert.Equal(t, gitlabURL, "https://"+r.Host)
				assert.Equal(t, fmt.Sprintf("/api/v4/runners?page=%d&per_page=2", i+1), r.URI)
			}
		})
	}
}

// TestListing_fullLast: without headers, a full last page is followed by an
// empty one.
func TestListing_fullLast(t *testing.T) {
	t.Parallel()
	s := play(reply(200, rows(1, 2)), reply(200, rows(3, 2)), reply(200, `[]`))
	all, err := client(t, s, nil).Runners.List(&runners.ListOptions{PerPage: 2}).Prefetch(1).Collect(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 4)
	assert.Len(t, s.requests(), 3)
}

// TestPage: what the headers of one page say.
func TestPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header []string
		want   runners.Page[runners.Runner]
	}{
		"all": {
			[]string{"X-Page", "3", "X-Per-Page", "2", "X-Total", "7", "X-Total-Pages", "4", "X-Next-Page", "4"},
			runners.Page[runners.Runner]{PerPage: 2, Total: new(7), TotalPages: new(4), NextPage: 4},
		},
		"last":       {[]string{"X-Total", "6", "X-Total-Pages", "3", "X-Next-Page", ""}, runners.Page[runners.Runner]{PerPage: 2, Total: new(6), TotalPages: new(3)}},
		"no totals":  {[]string{"X-Next-Page", "4"}, runners.Page[runners.Runner]{PerPage: 2, NextPage: 4}},
		"bad totals": {[]string{"X-Total", "abc", "X-Total-Pages", "-1", "X-Next-Page", ""}, runners.Page[runners.Runner]{PerPage: 2}},
		"zero":       {[]string{"X-Total", "0", "X-Total-Pages", "1", "X-Next-Page", ""}, runners.Page[runners.Runner]{PerPage: 2, Total: new(0), TotalPages: new(1)}},
		"bad size":   {[]string{"X-Per-Page", "0", "X-Next-Page", ""}, runners.Page[runners.Runner]{PerPage: 2}},
		"capped":     {[]string{"X-Per-Page", "1", "X-Next-Page", "4"}, runners.Page[runners.Runner]{PerPage: 1, NextPage: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, rows(5, 2), c.header...))
			page, err := client(t, s, nil).Runners.List(&runners.ListOptions{PerPage: 2, Page: 9}).Page(t.Context(), 3)
			require.NoError(t, err)
			want := c.want
			want.Number, want.Items = 3, []runners.Runner{{ID: 5}, {ID: 6}}
			assert.Equal(t, &want, page)
			assert.Equal(t, "/api/v4/runners?page=3&per_page=2", s.requests()[0].URI)
		})
	}
}

// TestPage_past: a page past the end has no items, and is no error.
func TestPage_past(t *testing.T) {
	t.Parallel()
	s := play(reply(200, `[]`, "X-Page", "1000000", "X-Next-Page", "", "X-Total", "3"))
	page, err := client(t, s, nil).Runners.List(nil).Page(t.Context(), 1_000_000)
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	assert.NotNil(t, page.Items)
	assert.Zero(t, page.NextPage)
	assert.Equal(t, 3, *page.Total)
}

func TestPage_refused(t *testing.T) {
	t.Parallel()
	c := client(t, fails{t}, nil)
	for _, number := range []int{0, -1} {
		page, err := c.Runners.List(nil).Page(t.Context(), number)
		require.ErrorIs(t, err, runners.ErrInvalid)
		assert.Equal(t, "runners: GET /runners: page: not a positive number", err.Error())
		assert.Nil(t, page)
	}
	_, err := c.Runners.Jobs(6, &runners.JobsOptions{Keyset: true}).Page(t.Context(), 1)
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, "runners: GET /runners/{id}/jobs: page: a keyset list has cursors, not page numbers", err.Error())
}

// TestPerPage: what is more than GitLab gives is what it gives.
func TestPerPage(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int]int{0: 100, 1: 1, 100: 100, 101: 100, 1 << 40: 100} {
		s := play(reply(200, `[]`))
		page, err := client(t, s, nil).Runners.List(&runners.ListOptions{PerPage: asked}).Page(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, want, page.PerPage)
		assert.Equal(t, "/api/v4/runners?page=1&per_page="+strconv.Itoa(want), s.requests()[0].URI)
	}
}

// TestListing_loop: a list that leads back ends, with the rows it had.
func TestListing_loop(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		byNumber map[string]step
		want     string
		requests int
	}{
		"same page":     {map[string]step{"1": reply(200, rows(1, 1), "X-Next-Page", "1")}, "page 1", 1},
		"page before":   {map[string]step{"1": reply(200, rows(1, 1), "X-Next-Page", "2"), "2": reply(200, rows(2, 1), "X-Next-Page", "1")}, "page 1", 2},
		"link":          {map[string]step{"1": reply(200, rows(1, 1), "Link", link("/x?page=1", "next"))}, "page 1", 1},
		"empty, repeat": {map[string]step{"1": reply(200, `[]`, "X-Next-Page", "1")}, "page 1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(pages(c.byNumber))
			_, err := client(t, s, nil).Runners.List(nil).Prefetch(1).Collect(t.Context())
			require.ErrorIs(t, err, runners.ErrPaginationLoop)
			assert.Equal(t, "runners: GET /runners: 200 the list does not end: it leads back to "+c.want, err.Error())
			assert.Len(t, s.requests(), c.requests)
		})
	}
}

// cursors answers a keyset list: each cursor leads to the next.
func cursors(next map[string]string) step {
	return func(req *http.Request) (*http.Response, error) {
		at := req.URL.Query().Get("cursor")
		if next[at] == "" {
			return reply(200, rows(len(at), 1))(req)
		}
		return reply(200, rows(len(at), 1), "Link",
			link("http://evil.example/?sudo=root&cursor="+next[at], "next"))(req)
	}
}

func TestListing_keyset(t *testing.T) {
	t.Parallel()
	keyset := &runners.JobsOptions{Keyset: true, Status: runners.JobFailed}
	s := play(cursors(map[string]string{"": "a", "a": "bb%3D", "bb=": "cccc"}))
	list := client(t, s, nil).Runners.Jobs(6, keyset)
	var next []string
	for page, err := range list.Pages(t.Context()) {
		require.NoError(t, err)
		assert.Zero(t, page.Number)
		assert.Zero(t, page.NextPage)
		assert.Nil(t, page.Total)
		next = append(next, page.NextCursor)
	}
	assert.Equal(t, []string{"a", "bb=", "cccc", ""}, next)
	var uris []string
	for _, r := range s.requests() {
		uris = append(uris, r.Host+r.URI)
	}
	const path = "gitlab.example.com/api/v4/runners/6/jobs?"
	assert.Equal(t, []string{
		path + "pagination=keyset&per_page=100&status=failed",
		path + "cursor=a&pagination=keyset&per_page=100&status=failed",
		path + "cursor=bb%3D&pagination=keyset&per_page=100&status=failed",
		path + "cursor=cccc&pagination=keyset&per_page=100&status=failed",
	}, uris)

	s = play(cursors(map[string]string{"": "a", "a": "bb", "bb": "a"}))
	jobs, err := client(t, s, nil).Runners.Jobs(6, keyset).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrPaginationLoop)
	assert.Equal(t, "runners: GET /runners/{id}/jobs: 200 the list does not end: "+
		"it leads back to a cursor that it has given before", err.Error())
	assert.Len(t, jobs, 3)
	assert.Len(t, s.requests(), 3)
}

// TestListing_keysetIgnored: a server that numbers the pages of a keyset list
// has ignored what it was asked. Without any header nothing tells a full last
// page from others, and GitLab's keyset lists do end with such pages.
func TestListing_keysetIgnored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header []string
		is     error
	}{
		"numbers":        {[]string{"X-Page", "1", "X-Next-Page", "2", "Link", link("/x?page=2", "next")}, runners.ErrUnexpectedResponse},
		"next number":    {[]string{"X-Next-Page", "2"}, runners.ErrUnexpectedResponse},
		"last of one":    {[]string{"X-Page", "1", "X-Next-Page", ""}, runners.ErrUnexpectedResponse},
		"number alone":   {[]string{"X-Page", "1"}, runners.ErrUnexpectedResponse},
		"link alone":     {[]string{"Link", link("/x?page=2", "next")}, runners.ErrUnexpectedResponse},
		"link backwards": {[]string{"Link", link("/x?page=1", "first")}, nil},
		"nothing":        {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, rows(1, 2), c.header...))
			jobs, err := client(t, s, nil).Runners.Jobs(6, &runners.JobsOptions{Keyset: true, PerPage: 2}).Collect(t.Context())
			require.ErrorIs(t, err, c.is)
			assert.Len(t, s.requests(), 1)
			assert.Equal(t, c.is == nil, len(jobs) == 2)
		})
	}
	s := play(reply(200, rows(1, 1), "X-Page", "1", "Link", link("/x?cursor=a", "next")), reply(200, rows(2, 1)))
	jobs, err := client(t, s, nil).Runners.Jobs(6, &runners.JobsOptions{Keyset: true}).Collect(t.Context())
	require.NoError(t, err)
	assert.Len(t, jobs, 2, "a cursor is what was asked for")
}

// TestListing_lazy: nothing is sent before it is asked for, and nothing after
// a break.
func TestListing_lazy(t *testing.T) {
	t.Parallel()
	s := play(pages(map[string]step{
		"1": reply(200, rows(1, 2), "X-Next-Page", "2"),
		"2": reply(200, rows(3, 2), "X-Next-Page", ""),
	}))
	list := client(t, s, nil).Runners.List(nil).Prefetch(1)
	all := list.All(t.Context())
	assert.Empty(t, s.requests())
	for r, err := range all {
		require.NoError(t, err)
		assert.EqualValues(t, 1, r.ID)
		break
	}
	assert.Len(t, s.requests(), 1)
	for _, err := range list.Pages(t.Context()) {
		require.NoError(t, err)
		break
	}
	assert.Len(t, s.requests(), 2)

	for range 2 { // each range starts anew
		var kept []*runners.Runner
		for r, err := range all {
			require.NoError(t, err)
			kept = append(kept, r)
		}
		require.Len(t, kept, 4)
		assert.EqualValues(t, 1, kept[0].ID, "a row stays valid after the loop")
		assert.EqualValues(t, 4, kept[3].ID)
	}
	assert.Len(t, s.requests(), 6)
}

// TestListing_from: a list may start later.
func TestListing_from(t *testing.T) {
	t.Parallel()
	s := play(pages(map[string]step{"7": reply(200, rows(1, 1), "X-Next-Page", "8"), "8": reply(200, rows(2, 1), "X-Next-Page", "")}))
	all, err := client(t, s, nil).Runners.List(&runners.ListOptions{Page: 7}).Collect(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 2)
}

// TestListing_panic: a panic in the body of a loop is the caller's, and the
// list can be used again.
func TestListing_panic(t *testing.T) {
	t.Parallel()
	s := play(reply(200, rows(1, 2), "X-Next-Page", ""))
	list := client(t, s, nil).Runners.List(nil)
	assert.PanicsWithValue(t, "mine", func() {
		for _, err := range list.All(t.Context()) {
			assert.NoError(t, err)
			panic("mine")
		}
	})
	all, err := list.Collect(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 2)
}

// TestListing_error: an error is the last thing that a list yields; Collect
// returns the rows that came before it.
func TestListing_error(t *testing.T) {
	t.Parallel()
	forbidden := reply(403, `{"message":"403 Forbidden"}`)
	s := play(pages(map[string]step{"1": reply(200, rows(1, 2), "X-Next-Page", "2"), "2": forbidden}))
	list := client(t, s, nil).Runners.List(nil)
	var ids []int64
	var errs []error
	for r, err := range list.All(t.Context()) {
		if err != nil {
			assert.Nil(t, r)
			errs = append(errs, err)
			continue // as somebody might who wants to go on
		}
		assert.Empty(t, errs)
		ids = append(ids, r.ID)
	}
	assert.Equal(t, []int64{1, 2}, ids)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], runners.ErrForbidden)

	count := 0
	for page, err := range list.Pages(t.Context()) {
		count++
		assert.Equal(t, err == nil, page != nil)
	}
	assert.Equal(t, 2, count)

	all, err := list.Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Len(t, all, 2)

	page, err := list.Page(t.Context(), 2)
	require.ErrorIs(t, err, runners.ErrForbidden)
	assert.Nil(t, page)
}

// TestListing_cancelled: a context that ends between two pages ends the list.
func TestListing_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := play(reply(200, rows(1, 1), "X-Next-Page", "2"))
	var errs []error
	for _, err := range client(t, s, nil).Runners.List(nil).Prefetch(1).All(ctx) {
		if err != nil {
			errs = append(errs, err)
		}
		cancel()
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.Canceled)
	assert.Len(t, s.requests(), 1)
}

// TestListing_strange: a list that is none is an error, and no rows.
func TestListing_strange(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"object": `{"id":6}`, "null": `null`, "empty": ``, "html": `<html>`, "text": `"x"`,
		"list of lists": `[[1]]`, "cut off": `[{"id":1},{"id"`,
	} {
		inBubble(t, name, func(t *testing.T) {
			all, err := client(t, play(reply(200, body)), nil).Runners.List(nil).Collect(t.Context())
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			assert.Empty(t, all)
		})
	}
}
