// The lists of runners: what is in each, and their filters.

package runnerstest_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsListed(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, c := range []struct {
		token, call string
		want        []int
	}{
		{"t-root", "GET /runners", []int{}},
		{"t-audrey", "GET /runners", []int{}},
		{"t-olga", "GET /runners", []int{6, 7, 40, 41, 60}},
		{"t-gil", "GET /runners", []int{6, 7, 60}},
		{"t-mia", "GET /runners", []int{6, 7, 8, 60}},
		{"t-mia", "GET /runners?type=instance_type", []int{}},
		{"t-cli", "GET /runners", []int{7, 60}},
		{"t-dev", "GET /runners", []int{}},
		{"t-root", "GET /runners/all", []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"t-audrey", "GET /runners/all", []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"t-mia", "GET /projects/9/runners", []int{1, 2, 6, 7, 40, 60}},
		{"t-mia", "GET /projects/acme%2Fapp/runners", []int{1, 2, 6, 7, 40, 60}},
		{"t-mia", "GET /projects/acme%2F%61pp/runners", []int{1, 2, 6, 7, 40, 60}},
		{"t-cli", "GET /projects/12/runners", []int{1, 2, 7, 40, 41, 60}},
		{"t-cli", "GET /projects/acme%2Ftools%2Fcli/runners?type=group_type", []int{40, 41}},
		{"t-mia", "GET /projects/21/runners", []int{8}},
		{"t-sam", "GET /projects/sam%2Fown/runners", []int{1, 2}},
		{"t-audrey", "GET /projects/9/runners", []int{1, 2, 6, 7, 40, 60}},
		{"t-gil", "GET /groups/10/runners", []int{1, 2, 40}},
		{"t-gil", "GET /groups/acme/runners", []int{1, 2, 40}},
		{"t-olga", "GET /groups/acme%2Ftools/runners", []int{1, 2, 40, 41}},
		{"t-root", "GET /groups/20/runners", []int{}},
		{"t-root", "GET /groups/10/runners?type=project_type", []int{}},
		{"t-root", "GET /groups/10/runners?scope=nonsense", []int{1, 2, 40}},
		{"t-audrey", "GET /groups/10/runners", []int{1, 2, 40}},
	} {
		a := ask(t, srv, c.token, c.call)
		require.Equal(t, 200, a.status, "%v %s", c, a.body)
		assert.Equal(t, c.want, a.ids(t), "%v", c)
	}
}

func TestWhoMayList(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, c := range []struct {
		token, call string
		status      int
		body        string
	}{
		{"", "GET /runners?type=x", 401, unauthorized},
		{"t-olga", "GET /runners/all", 403, forbidden},
		{"t-olga", "GET /runners/all?type=x", 400, `{"error":"type does not have a valid value"}`},
		{"t-dev", "GET /projects/9/runners", 403, forbidden},
		{"t-dev", "GET /projects/9/runners?type=x", 403, forbidden},
		{"t-gus", "GET /projects/9/runners", 403, forbidden},
		{"t-sam", "GET /projects/9/runners?type=x", 404, noProject},
		{"t-sam", "GET /projects/31/runners", 403, forbidden},
		{"t-root", "GET /projects/99/runners", 404, noProject},
		{"t-root", "GET /projects/app/runners", 404, noProject},
		{"t-root", "GET /projects/acme%2Fnone/runners", 404, noProject},
		{"t-root", "GET /projects/%2e%2e/runners", 404, noProject},
		{"t-root", "GET /projects/99999999999999999999/runners", 404, noProject},
		{"t-mia", "GET /groups/10/runners", 403, forbidden},
		{"t-sam", "GET /groups/10/runners?type=x", 404, noGroup},
		{"t-sam", "GET /groups/30/runners", 403, forbidden},
		{"t-gil", "GET /groups/20/runners", 404, noGroup},
		{"t-root", "GET /groups/nope/runners", 404, noGroup},
	} {
		ask(t, srv, c.token, c.call).want(t, c.status, c.body)
	}
}

func TestWhoMayListByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, token, call string
		status               int
	}{
		{"18.9.0", "t-audrey", "GET /runners/all", 403},
		{"19.0.0", "t-audrey", "GET /runners/all", 200},
		{"13.12.0", "t-gil", "GET /groups/10/runners", 403},
		{"13.12.0", "t-olga", "GET /groups/10/runners", 200},
		{"14.0.0", "t-gil", "GET /groups/10/runners", 200},
	} {
		assert.Equal(t, c.status, ask(t, play(t, c.version), c.token, c.call).status, "%v", c)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for query, want := range map[string][]int{
		"type=instance_type":                {1, 2},
		"type=group_type":                   {40, 41},
		"type=project_type":                 {6, 7, 8, 60},
		"status=online":                     {1, 2, 41, 60},
		"status=offline":                    {6, 8},
		"status=never_contacted":            {7, 40},
		"status=stale":                      {8, 40},
		"status=active":                     {1, 6, 7, 8, 40, 41, 60},
		"status=paused":                     {2},
		"paused=true":                       {2},
		"paused=0":                          {1, 6, 7, 8, 40, 41, 60},
		"paused=":                           {1, 2, 6, 7, 8, 40, 41, 60},
		"tag_list=docker":                   {1, 2},
		"tag_list=docker,linux":             {1},
		"tag_list=linux, docker":            {1},
		"tag_list[]=docker&tag_list[]=ruby": {},
		"tag_list=Docker":                   {},
		"tag_list=":                         {1, 2, 6, 7, 8, 40, 41, 60},
		"version_prefix=16":                 {1, 1},
		"version_prefix=16.":                {1, 1},
		"version_prefix=16.1":               {1},
		"version_prefix=16.1.":              {1},
		"version_prefix=16.1.241":           {1},
		"version_prefix=16.1.24":            {},
		"version_prefix=16.1.241.0":         {},
		"version_prefix=15.0":               {8},
		"version_prefix=15.0.0-rc1":         {},
		"version_prefix=1":                  {},
		"version_prefix=.":                  {},
		"version_prefix=%2b":                {},
		"scope=shared":                      {1, 2},
		"scope=specific":                    {6, 7, 8, 40, 41, 60},
		"scope=instance_type":               {1, 2},
		"scope=group_type":                  {40, 41},
		"scope=project_type":                {6, 7, 8, 60},
		"scope=active":                      {1, 6, 7, 8, 40, 41, 60},
		"scope=paused":                      {2},
		"scope=online":                      {1, 2, 41, 60},
		"scope=offline":                     {6, 8},
		"scope=never_contacted":             {7, 40},
		"scope=stale":                       {8, 40},
		"type=instance_type&status=online&paused=false&tag_list=docker&version_prefix=16.1&scope=shared": {1},
		"unknown=1": {1, 2, 6, 7, 8, 40, 41, 60},
	} {
		a := ask(t, srv, "t-root", "GET /runners/all?"+spaced(query))
		require.Equal(t, 200, a.status, query)
		assert.Equal(t, want, a.ids(t), query)
		assert.Equal(t, []string{strconv.Itoa(len(want))}, a.header["X-Total"], query)
	}
}

// spaced escapes the spaces of a query.
func spaced(query string) string {
	escaped := ""
	for _, r := range query {
		if r == ' ' {
			escaped += "%20"
			continue
		}
		escaped += string(r)
	}
	return escaped
}

func TestBadFilters(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for query, want := range map[string]string{
		"type=x":                     `{"error":"type does not have a valid value"}`,
		"type=":                      `{"error":"type does not have a valid value"}`,
		"status=not_connected":       `{"error":"status does not have a valid value"}`,
		"paused=x":                   `{"error":"paused is invalid"}`,
		"version_prefix=V15":         `{"error":"version_prefix is invalid"}`,
		"version_prefix=":            `{"error":"version_prefix is invalid"}`,
		"scope=x":                    `{"error":"scope does not have a valid value"}`,
		"scope=x&type=y&paused=z":    `{"error":"scope does not have a valid value, type does not have a valid value, paused is invalid"}`,
		"scope=not_connected&page=x": `{"error":"scope does not have a valid value, page is invalid"}`,
	} {
		for _, path := range []string{"/runners", "/runners/all", "/projects/9/runners"} {
			ask(t, srv, "t-root", "GET "+path+"?"+query).want(t, 400, want)
		}
	}
}

func TestScopeOfOwnRunners(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, scope := range []string{"specific", "shared", "instance_type", "group_type", "project_type"} {
		ask(t, srv, "t-mia", "GET /runners?scope="+scope).want(t, 400, `{"message":"Scope contains invalid value"}`)
		assert.Equal(t, 200, ask(t, srv, "t-mia", "GET /projects/9/runners?scope="+scope).status)
	}
	assert.Equal(t, []int{6, 8}, ask(t, srv, "t-mia", "GET /runners?scope=offline").ids(t))
	assert.Equal(t, []int{60}, ask(t, srv, "t-mia", "GET /runners?scope=online").ids(t))
}

// TestFiltersByVersion asks for a filter on both sides of its edge.
func TestFiltersByVersion(t *testing.T) {
	t.Parallel()
	const ignored = 200
	for _, c := range []struct {
		version, query string
		status         int
		want           []int
	}{
		{"11.11.0", "type=group_type", ignored, []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"12.0.0", "type=group_type", 200, []int{40, 41}},
		{"11.11.0", "status=paused", ignored, []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"12.0.0", "status=paused", 200, []int{2}},
		{"11.11.0", "tag_list=linux", ignored, []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"12.0.0", "tag_list=linux", 200, []int{1}},
		{"14.7.0", "paused=true", ignored, []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"14.8.0", "paused=true", 200, []int{2}},
		{"16.5.0", "version_prefix=15", ignored, []int{1, 2, 6, 7, 8, 40, 41, 60}},
		{"16.6.0", "version_prefix=15", 200, []int{8}},
		{"14.10.0", "status=not_connected", 200, []int{7, 40}},
		{"15.0.0", "status=not_connected", 400, nil},
		{"14.5.0", "status=stale", 400, nil},
		{"14.6.0", "status=stale", 200, []int{}},
		{"17.1.0", "status=stale", 200, []int{}},
		{"17.2.0", "status=stale", 200, []int{8, 40}},
		{"14.5.0", "status=never_contacted", 400, nil},
		{"14.6.0", "status=never_contacted", 200, []int{7, 40}},
		{"14.5.0", "status=offline", 200, []int{6, 7, 8, 40}},
		{"14.6.0", "status=offline", 200, []int{6, 8}},
		{"11.11.0", "scope=offline", 400, nil},
		{"11.11.0", "scope=online", 200, []int{1, 2, 41, 60}},
		{"11.11.0", "scope=group_type", 400, nil},
		{"12.0.0", "scope=group_type", 200, []int{40, 41}},
		{"11.11.0", "scope=instance_type", 400, nil},
		{"11.11.0", "scope=project_type", 400, nil},
		{"11.11.0", "scope=shared", 200, []int{1, 2}},
		{"14.5.0", "scope=stale", 400, nil},
		{"14.5.0", "scope=never_contacted", 400, nil},
	} {
		a := ask(t, play(t, c.version), "t-root", "GET /runners/all?"+c.query)
		require.Equal(t, c.status, a.status, "%v", c)
		if c.want != nil {
			assert.Equal(t, c.want, a.ids(t), "%v", c)
		}
	}
}
