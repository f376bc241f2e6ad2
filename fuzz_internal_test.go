// Whatever stands in a header.

package runners

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// FuzzRetryAfter: a wait is never negative, and seconds are obeyed exactly.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"0", "7", "-5", "2.5", "9223372037", "253402300799", "253402300800", "9223372036854775807", "1e400", "NaN", "Inf", "0x7p3", "1_000", "", " 7 ", "garbage",
		"Wed, 01 Jul 2026 12:00:09 GMT", "Wednesday, 01-Jul-26 12:00:09 GMT", "Wed Jul  1 12:00:09 2026",
	} {
		f.Add(seed, seed, seed, seed)
	}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, reset, remaining, date string) {
		header := http.Header{
			"Retry-After": {after}, "Ratelimit-Reset": {reset}, "Ratelimit-Remaining": {remaining}, "Date": {date},
		}
		wait := askedWait(header, now)
		assert.GreaterOrEqual(t, wait, time.Duration(0))
		if s, err := strconv.Atoi(after); err == nil && s >= 0 && s <= 1<<30 {
			assert.Equal(t, time.Duration(s)*time.Second, wait)
		}
		_ = readRateLimit(header)
		_, err := resetAt(header).MarshalJSON()
		assert.NoError(t, err)
	})
}

// FuzzLink: nothing of a Link header but a page number or a cursor is used.
func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`<https://h/x?page=2>; rel="next"`, `<https://h/x?page=2&a=b,c>; rel="next", <https://h/x?page=1>; rel="first"`,
		`<x?cursor=abc>; rel=next`, `<>; rel="next"`, `<<>>; rel="next"`, `; rel="next"`, `<%zz>; rel="next"`, `<a>;;;;rel=next`,
	} {
		f.Add(seed, "3")
	}
	f.Fuzz(func(t *testing.T, link, next string) {
		h := http.Header{"Link": {link}}
		page := Page[Runner]{Items: make([]Runner, 2)}
		page.readHeader(h, paging{page: 1, perPage: 2})
		assert.GreaterOrEqual(t, page.NextPage, 0)
		assert.Empty(t, page.NextCursor)
		h.Set("X-Next-Page", next)
		page.readHeader(h, paging{page: 1, perPage: 2})
		assert.GreaterOrEqual(t, page.NextPage, 0)

		var keyset Page[Runner]
		keyset.readHeader(h, paging{perPage: 2, keyset: true})
		assert.Zero(t, keyset.NextPage)
		if keyset.NextCursor != "" {
			_, err := url.ParseQuery("cursor=" + url.QueryEscape(keyset.NextCursor))
			assert.NoError(t, err)
		}
	})
}

// FuzzBaseURL: what is accepted is a URL of the web, without a secret, and
// keeps its meaning when it is read again.
func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{
		"https://h", "https://h/gitlab/api/v4/", "http://[::1]:80/a%2Fb", "https://u:p@h", "ftp://h", "h", "https://h:0",
		"https://[fe80::1%25eth0]/x", "https://h/%2e%2e", "https://h//a//", "https://h?a#b",
		"http://[::%25\xe7]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseBaseURL(s)
		if err != nil {
			assert.ErrorIs(t, err, ErrInvalid)
			return
		}
		assert.Contains(t, []string{"http", "https"}, u.Scheme)
		assert.NotEmpty(t, u.Hostname())
		assert.Nil(t, u.User)
		assert.Empty(t, u.RawQuery+u.Fragment)
		again, err := parseBaseURL(u.String())
		assert.NoError(t, err)
		assert.Equal(t, u.String(), again.String())
	})
}
