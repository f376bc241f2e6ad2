// The jobs of a runner: which, in which order, in pages of both kinds, and how
// they look.

package runnerstest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, c := range []struct {
		token, call string
		want        []int
	}{
		{"t-root", "GET /runners/7/jobs", []int{3, 4, 5}},
		{"t-root", "GET /runners/7/jobs?sort=asc", []int{3, 4, 5}},
		{"t-root", "GET /runners/7/jobs?sort=desc", []int{3, 4, 5}},
		{"t-root", "GET /runners/7/jobs?order_by=id", []int{5, 4, 3}},
		{"t-root", "GET /runners/7/jobs?order_by=id&sort=desc", []int{5, 4, 3}},
		{"t-root", "GET /runners/7/jobs?order_by=id&sort=asc", []int{3, 4, 5}},
		{"t-root", "GET /runners/7/jobs?pagination=keyset", []int{5, 4, 3}},
		{"t-root", "GET /runners/7/jobs?pagination=keyset&sort=asc", []int{5, 4, 3}},
		{"t-root", "GET /runners/7/jobs?pagination=keyset&order_by=id&sort=desc", []int{5, 4, 3}},
		{"t-root", "GET /runners/7/jobs?status=running", []int{5}},
		{"t-root", "GET /runners/7/jobs?status=waiting_for_callback", []int{}},
		{"t-audrey", "GET /runners/7/jobs", []int{3, 4, 5}},
		{"t-olga", "GET /runners/7/jobs", []int{3, 4, 5}},
		{"t-mia", "GET /runners/7/jobs", []int{3, 5}},
		{"t-mia", "GET /runners/7/jobs?pagination=keyset", []int{5, 3}},
		{"t-cli", "GET /runners/7/jobs", []int{4}},
		{"t-root", "GET /runners/1/jobs", []int{1, 2}},
		{"t-root", "GET /runners/1/jobs?system_id=s_1&status=running", []int{2}},
		{"t-root", "GET /runners/1/jobs?system_id=r_2", []int{}},
		{"t-root", "GET /runners/1/jobs?system_id=none", []int{}},
		{"t-gil", "GET /runners/40/jobs", []int{}},
	} {
		a := ask(t, srv, c.token, c.call)
		require.Equal(t, 200, a.status, "%v %s", c, a.body)
		assert.Equal(t, c.want, a.ids(t), "%v", c)
	}
}

func TestJobFaults(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	const keyset = `{"error":"Keyset pagination is not yet available for this type of request"}`
	for _, c := range []struct {
		token, call string
		status      int
		want        string
	}{
		{"", "GET /runners/1/jobs", 401, unauthorized},
		{"t-root", "GET /runners/1/jobs?status=x", 400, `{"error":"status does not have a valid value"}`},
		{"t-root", "GET /runners/1/jobs?order_by=name&sort=up", 400, `{"error":"order_by does not have a valid value, sort does not have a valid value"}`},
		{"t-root", "GET /runners/1/jobs?order_by=created_at", 400, `{"error":"order_by does not have a valid value"}`},
		{"t-sam", "GET /runners/1/jobs", 403, noAccess},
		{"t-mia", "GET /runners/1/jobs", 403, noAccess},
		{"t-dev", "GET /runners/6/jobs", 403, noAccess},
		{"t-mia", "GET /runners/40/jobs", 403, noAccess},
		{"t-root", "GET /runners/1/jobs?pagination=keyset&order_by=id&sort=asc", 405, keyset},
		{"t-sam", "GET /runners/1/jobs?pagination=keyset&order_by=id&sort=asc", 403, noAccess},
		{"t-root", "GET /runners/1/jobs?pagination=keyset&cursor=nonsense", 400, `{"error":"cursor is invalid"}`},
		{"t-root", "GET /runners/1/jobs?pagination=keyset&cursor=e30", 400, `{"error":"cursor is invalid"}`},
	} {
		ask(t, srv, c.token, c.call).want(t, c.status, c.want)
	}
}

func TestCountless(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	a := ask(t, srv, "t-root", "GET /runners/1/jobs?system_id=s_1&per_page=1")
	assert.NotContains(t, a.header, "X-Total")
	assert.NotContains(t, a.header, "X-Total-Pages")
	assert.Equal(t, "2", a.header.Get("X-Next-Page"))
	assert.Equal(t, "next first", relsOf(a.header))
	a = ask(t, srv, "t-root", "GET /runners/1/jobs?system_id=s_1&per_page=1&page=2")
	assert.Equal(t, "", a.header.Get("X-Next-Page"))
	assert.Equal(t, "prev first", relsOf(a.header))
}

func TestKeyset(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for id := range 25 {
		fmt.Fprintf(&b, `,{"id":%d}`, id+1)
	}
	srv := playSeed(t, "", `{"users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],
	  "groups":[{"id":1,"full_path":"g"}],"projects":[{"id":1,"path_with_namespace":"g/p"}],
	  "runners":[{"id":1,"runner_type":"project_type","projects":[1],"jobs":[`+b.String()[1:]+`]}]}`)
	var seen []int
	next := "/runners/1/jobs?pagination=keyset&per_page=10"
	for pages := 1; next != ""; pages++ {
		require.LessOrEqual(t, pages, 3)
		a := ask(t, srv, "t-root", "GET "+next)
		require.Equal(t, 200, a.status, a.body)
		seen = append(seen, a.ids(t)...)
		assert.NotContains(t, a.header, "X-Page")
		assert.NotContains(t, a.header, "X-Total")
		link := a.header.Get("Link")
		next = ""
		if link != "" {
			assert.True(t, strings.HasPrefix(link, "<http://gitlab.test/api/v4/runners/1/jobs?cursor="), link)
			assert.Contains(t, link, "&id=1&pagination=keyset&per_page=10&sort=desc>; rel=\"next\"")
			assert.Contains(t, link, "cursor="+a.header.Get("X-Next-Cursor"))
			next, _, _ = strings.Cut(strings.TrimPrefix(link, "<http://gitlab.test/api/v4"), ">")
		}
	}
	require.Len(t, seen, 25)
	for i, id := range seen {
		assert.Equal(t, 25-i, id)
	}
	old := ask(t, play(t, "18.9.0"), "t-root", "GET /runners/7/jobs?pagination=keyset&per_page=1")
	assert.NotContains(t, old.header, "X-Next-Cursor")
	assert.NotEmpty(t, old.header.Get("Link"))
}

func TestJobShape(t *testing.T) {
	t.Parallel()
	all := "allow_failure commit coverage created_at duration erased_at finished_at id name pipeline " +
		"project queued_duration ref stage started_at status tag user web_url"
	for version, want := range map[string]string{
		"19.1.0": all,
		"17.5.0": all,
		"13.10.0": "allow_failure commit coverage created_at duration finished_at id ip_address name pipeline " +
			"project ref stage started_at status tag user web_url",
		"10.3.0": "commit coverage created_at duration finished_at id name pipeline " +
			"project ref stage started_at status tag user",
	} {
		got := ask(t, play(t, version), "t-root", "GET /runners/1/jobs").list(t)
		assert.Equal(t, want, strings.Join(keysOf(got[0]), " "), version)
	}
	ask(t, play(t, "10.2.0"), "t-root", "GET /runners/1/jobs").want(t, 404, `{"error":"404 Not Found"}`)
}

func TestJobDetails(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	got := ask(t, srv, "t-root", "GET /runners/1/jobs").list(t)
	done, running := got[0], got[1]
	assert.Equal(t, []any{120.0, 600.0, false, nil, "main"},
		[]any{done["duration"], done["queued_duration"], done["tag"], done["coverage"], done["ref"]})
	assert.InDelta(t, 120, running["duration"], 60)
	assert.Nil(t, running["finished_at"])
	assert.Nil(t, running["user"])
	assert.Equal(t, "http://gitlab.test/acme/app/-/jobs/1", done["web_url"])
	assert.Equal(t, "avatar_url bio created_at id linkedin location name organization public_email skype state twitter username web_url website_url",
		strings.Join(keysOf(member(t, done, "user")), " "))
	assert.Equal(t, "author_email author_name authored_date committed_date committer_email committer_name created_at id message parent_ids short_id title",
		strings.Join(keysOf(member(t, done, "commit")), " "))
	assert.Equal(t, "created_at id iid project_id ref sha source status updated_at web_url",
		strings.Join(keysOf(member(t, done, "pipeline")), " "))
	assert.Equal(t, "created_at description id name name_with_namespace path path_with_namespace",
		strings.Join(keysOf(member(t, done, "project")), " "))
	assert.Regexp(t, `^[0-9a-f]{40}$`, member(t, done, "commit")["id"])
	assert.Equal(t, member(t, done, "commit")["id"], member(t, done, "pipeline")["sha"])
	failed := ask(t, srv, "t-root", "GET /runners/7/jobs?status=failed").list(t)[0]
	assert.Equal(t, "script_failure", failed["failure_reason"])
	assert.Equal(t, "10.0.0.1", ask(t, play(t, "13.10.0"), "t-root", "GET /runners/1/jobs").list(t)[0]["ip_address"])
}

func TestFailureReasonByVersion(t *testing.T) {
	t.Parallel()
	for version, shown := range map[string]bool{"13.12.0": false, "14.0.0": true} {
		failed := ask(t, play(t, version), "t-root", "GET /runners/7/jobs?status=failed").list(t)[0]
		_, found := failed["failure_reason"]
		assert.Equal(t, shown, found, version)
	}
}

func TestJobOrderByVersion(t *testing.T) {
	t.Parallel()
	created := "GET /runners/1/jobs?order_by=created_at"
	assert.Equal(t, []int{2, 1}, ask(t, play(t, "12.10.0"), "t-root", created).ids(t))
	assert.Equal(t, []int{1, 2}, ask(t, play(t, "12.10.0"), "t-root", created+"&sort=asc").ids(t))
	assert.Equal(t, 400, ask(t, play(t, "13.0.0"), "t-root", created).status)
	assert.Equal(t, []int{1, 2}, ask(t, play(t, "11.11.0"), "t-root", created).ids(t))
	assert.Equal(t, 400, ask(t, play(t, "16.7.0"), "t-root", "GET /runners/1/jobs?status=waiting_for_callback").status)
	assert.Equal(t, 400, ask(t, play(t, "16.11.0"), "t-root", "GET /runners/1/jobs?status=canceling").status)
	assert.Equal(t, []int{1, 2}, ask(t, play(t, "16.11.0"), "t-root", "GET /runners/1/jobs?pagination=keyset").ids(t))
	assert.Equal(t, []int{1, 2}, ask(t, play(t, "16.11.0"), "t-root", "GET /runners/1/jobs?system_id=none").ids(t))
	assert.Equal(t, 200, ask(t, play(t, "11.11.0"), "t-root", "GET /runners/1/jobs?sort=up").status)
	assert.Equal(t, 400, ask(t, play(t, "12.0.0"), "t-root", "GET /runners/1/jobs?sort=up").status)
	assert.Equal(t, 200, ask(t, play(t, "16.11.0"), "t-root", "GET /runners/1/jobs?cursor[]=x").status)
	assert.Equal(t, 400, ask(t, play(t, "17.0.0"), "t-root", "GET /runners/1/jobs?cursor[]=x").status)
}
