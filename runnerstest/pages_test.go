// Pages of a list: their headers, links and bounds.

package runnerstest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// fleetOf starts a server with n instance runners.
func fleetOf(t *testing.T, n int) *runnerstest.Server {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],"runners":[{}`)
	b.WriteString(strings.Repeat(",{}", n-1))
	return playSeed(t, "", b.String()+"]}")
}

func TestPages(t *testing.T) {
	t.Parallel()
	srv := fleetOf(t, 45)
	for _, c := range []struct {
		query                                      string
		first, rows                                int
		perPage, page, prev, next, total, allPages string
		rels                                       string
	}{
		{"", 1, 20, "20", "1", "", "2", "45", "3", "next first last"},
		{"?page=2", 21, 20, "20", "2", "1", "3", "45", "3", "prev next first last"},
		{"?page=3", 41, 5, "20", "3", "2", "", "45", "3", "prev first last"},
		{"?page=4", 0, 0, "20", "4", "", "", "45", "3", "first last"},
		{"?page=9223372036854775807", 0, 0, "20", "9223372036854775807", "", "", "45", "3", "first last"},
		{"?page=0", 1, 20, "20", "1", "", "2", "45", "3", "next first last"},
		{"?page=-3", 1, 20, "20", "1", "", "2", "45", "3", "next first last"},
		{"?page=", 1, 20, "20", "1", "", "2", "45", "3", "next first last"},
		{"?per_page=1000", 1, 45, "100", "1", "", "", "45", "1", "first last"},
		{"?per_page=-1", 1, 20, "20", "1", "", "2", "45", "3", "next first last"},
		{"?per_page=1&page=45", 45, 1, "1", "45", "44", "", "45", "45", "prev first last"},
		{"?paused=true", 0, 0, "20", "1", "", "", "0", "1", "first last"},
	} {
		t.Run(c.query, func(t *testing.T) {
			t.Parallel()
			a := ask(t, srv, "t-root", "GET /runners/all"+c.query)
			require.Equal(t, 200, a.status)
			ids := a.ids(t)
			require.Len(t, ids, c.rows)
			if c.rows > 0 {
				assert.Equal(t, c.first, ids[0])
			}
			for name, want := range map[string]string{
				"X-Per-Page": c.perPage, "X-Page": c.page, "X-Prev-Page": c.prev,
				"X-Next-Page": c.next, "X-Total": c.total, "X-Total-Pages": c.allPages,
			} {
				assert.Equal(t, []string{want}, a.header[name], name)
			}
			assert.Equal(t, c.rels, relsOf(a.header))
		})
	}
}

func relsOf(h http.Header) string {
	var rels []string
	for part := range strings.SplitSeq(h.Get("Link"), ", ") {
		if _, rel, ok := strings.Cut(part, `rel="`); ok {
			rels = append(rels, strings.TrimSuffix(rel, `"`))
		}
	}
	return strings.Join(rels, " ")
}

func TestBadPages(t *testing.T) {
	t.Parallel()
	srv := fleetOf(t, 1)
	for query, want := range map[string]string{
		"per_page=0":        "per_page has a value not allowed",
		"per_page=x":        "per_page is invalid",
		"page=x":            "page is invalid",
		"page=x&per_page=0": "page is invalid, per_page has a value not allowed",
	} {
		ask(t, srv, "t-root", "GET /runners/all?"+query).want(t, 400, `{"error":"`+want+`"}`)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, c := range []struct{ call, want string }{
		{
			"GET /projects/acme%2Fapp/runners?per_page=1&all=False",
			`<http://gitlab.test/api/v4/projects/acme%2Fapp/runners?all=False&id=acme%2Fapp&page=2&per_page=1>; rel="next"`,
		},
		{
			"GET /runners/all?per_page=1&private_token=t-root&access_token=x&tag_list=docker,",
			`<http://gitlab.test/api/v4/runners/all?page=2&per_page=1&tag_list%5B%5D=docker>; rel="next"`,
		},
		{
			"GET /runners/all?tag_list[]=linux&tag_list[]=docker&per_page=1000",
			`<http://gitlab.test/api/v4/runners/all?page=1&per_page=1000&tag_list%5B%5D=linux&tag_list%5B%5D=docker>; rel="first"`,
		},
		{
			"GET /runners/all?paused=1&info[config][gpus]=all&x[]=1&y",
			`<http://gitlab.test/api/v4/runners/all?info%5Bconfig%5D%5Bgpus%5D=all&page=1&paused=true&per_page=20&x%5B%5D=1&y=>; rel="first"`,
		},
	} {
		a := ask(t, srv, "t-root", c.call)
		require.Equal(t, 200, a.status, a.body)
		assert.Contains(t, a.header.Get("Link"), c.want)
		assert.NotContains(t, a.header.Get("Link"), "t-root")
	}
}

// TestLinksFollowTheHost makes sure that links lead back the way that the
// request came.
func TestLinksFollowTheHost(t *testing.T) {
	t.Parallel()
	srv := fleetOf(t, 2)
	for _, base := range []string{"https://gitlab.example.com", "http://[::1]:8080", srv.URL()} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v4/runners/all?per_page=1", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Private-Token", "t-root")
		client := srv.HTTPClient()
		if base == srv.URL() {
			client = http.DefaultClient
		}
		resp, err := client.Do(r)
		require.NoError(t, err)
		resp.Body.Close()
		assert.True(t, strings.HasPrefix(resp.Header.Get("Link"), "<"+base+"/api/v4/runners/all?"), resp.Header)
	}
}

func TestNoTotalsAboveTenThousand(t *testing.T) {
	t.Parallel()
	for n, counted := range map[int]bool{10_000: true, 10_001: false} {
		a := ask(t, fleetOf(t, n), "t-root", "GET /runners/all?per_page=100&page=100")
		_, total := a.header["X-Total"]
		_, pages := a.header["X-Total-Pages"]
		assert.Equal(t, counted, total, n)
		assert.Equal(t, counted, pages, n)
		assert.Equal(t, counted, strings.Contains(a.header.Get("Link"), `rel="last"`))
		want := ""
		if !counted {
			want = "101"
		}
		assert.Equal(t, want, a.header.Get("X-Next-Page"))
		assert.Len(t, a.ids(t), 100)
	}
}

// TestEveryListHasPages asks each list for its second row.
func TestEveryListHasPages(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for call, want := range map[string][]int{
		"GET /runners":              {},
		"GET /runners/all":          {2},
		"GET /runners/7/jobs":       {4},
		"GET /runners/7/projects":   {12},
		"GET /projects/9/runners":   {2},
		"GET /groups/acme/runners":  {2},
		"GET /groups/other/runners": {},
	} {
		a := ask(t, srv, "t-root", call+"?page=2&per_page=1")
		assert.Equal(t, want, a.ids(t), call)
		assert.Equal(t, "2", a.header.Get("X-Page"), call)
	}
	assert.NotContains(t, ask(t, srv, "t-root", "GET /runners/1/managers?page=2").header, "Link")
}

func TestWalk(t *testing.T) {
	t.Parallel()
	srv := fleetOf(t, 95)
	seen, next := 0, "1"
	for next != "" {
		a := ask(t, srv, "t-root", fmt.Sprintf("GET /runners/all?per_page=10&page=%s", next))
		for _, id := range a.ids(t) {
			seen++
			assert.Equal(t, seen, id)
		}
		next = a.header.Get("X-Next-Page")
	}
	assert.Equal(t, 95, seen)
}
