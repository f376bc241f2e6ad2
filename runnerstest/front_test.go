// What is too long for the web server before GitLab, and for a link.

package runnerstest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTooLong(t *testing.T) {
	t.Parallel()
	srv := fleetOf(t, 1)
	const path = "/api/v4/runners/all"
	fits := 8<<10 - len(path)
	for _, query := range []string{"?x=" + strings.Repeat("y", fits-2), strings.Repeat("/", fits)} {
		a := ask(t, srv, "t-root", "GET "+path+query)
		assert.NotEqual(t, 414, a.status)
		for _, body := range []string{"", "{"} {
			a = ask(t, srv, "", "GET "+path+query+"y", body)
			assert.Equal(t, 414, a.status)
			assert.Equal(t, "text/html", a.header.Get("Content-Type"))
			assert.Contains(t, a.body, "<h1>414 Request-URI Too Large</h1>")
		}
	}
}

func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	srv := fleetOf(t, 2)
	long := ask(t, srv, "t-root", "GET /runners/all?per_page=1&x="+strings.Repeat(",", 8000))
	assert.Contains(t, long.header.Get("Link"), "x="+strings.Repeat("%2C", 8000)+`>; rel="next"`)
	for size, linked := range map[int]bool{1: true, 24_000: true, 25_000: false, 900_000: false} {
		body := `{"per_page":1,"x":"` + strings.Repeat("x", size) + `"}`
		a := ask(t, srv, "t-root", "GET /runners/all", body)
		assert.Equal(t, linked, a.header["Link"] != nil, size)
		assert.Equal(t, []any{200, "2"}, []any{a.status, a.header.Get("X-Next-Page")})
		a = ask(t, playSeed(t, "", acme), "t-root", "GET /runners/1/jobs?pagination=keyset", body)
		assert.Equal(t, linked, a.header["Link"] != nil, size)
		assert.NotEmpty(t, a.header.Get("X-Next-Cursor"))
	}
}
