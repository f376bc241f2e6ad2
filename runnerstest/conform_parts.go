// The parts of the conformance suite, one for each thing that is done with
// runners.

package runnerstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-832548de/runners"
)

func conformParts() []conformPart {
	return []conformPart{
		{"created", "POST /user/runners", (*conformance).created},
		{"creating refused", "POST /user/runners", (*conformance).creatingRefused},
		{"shown", "POST /user/runners", (*conformance).shown},
		{"listed", "list?tag_list", (*conformance).listed},
		{"filtered", "list?tag_list", (*conformance).filtered},
		{"paged", "list?tag_list", (*conformance).paged},
		{"updated", "update?maximum_timeout", (*conformance).updated},
		{"updating refused", "update?paused", (*conformance).updatingRefused},
		{"paused", "PUT /runners/{id}", (*conformance).paused},
		{"assigned", "rule: assigning fails with a text", (*conformance).assigned},
		{"verified", "POST /runners/verify", (*conformance).verified},
		{"managed", "GET /runners/{id}/managers", (*conformance).managed},
		{"reset", "POST /runners/{id}/reset_authentication_token", (*conformance).reset},
		{"reset by token", "POST /runners/reset_authentication_token", (*conformance).resetByToken},
		{"worked", "GET /runners/{id}/jobs", (*conformance).worked},
		{"projects", "GET /runners/{id}/projects", (*conformance).inProjects},
		{"deleted", "DELETE /runners/{id}", (*conformance).deleted},
		{"unauthorized", "GET /runners", (*conformance).unauthorized},
	}
}

// created makes one runner of each type.
func (c *conformance) created() {
	for _, owner := range []struct {
		of   runners.Owner
		kind runners.RunnerType
	}{
		{runners.ForInstance(), runners.InstanceType},
		{runners.ForGroup(c.Group), runners.GroupType},
		{runners.ForProject(c.Projects[0]), runners.ProjectType},
	} {
		made := c.create(owner.of)
		c.same("the token's prefix", strings.HasPrefix(made.Token.Reveal(), "glrt-"), true)
		d, err := c.Client.Runners.Get(c.Context(), made.ID)
		c.must(err)
		c.same("the type", d.RunnerType, owner.kind)
		c.same("is_shared", d.IsShared, owner.kind == runners.InstanceType)
		c.same("groups", len(d.Groups), count(owner.kind == runners.GroupType))
		c.same("projects", len(d.Projects), count(owner.kind == runners.ProjectType))
	}
	body := map[string]any{
		"runner_type": runners.ProjectType, "project_id": c.Projects[0], "description": c.word,
		"tag_list": c.word + "-2", "paused": "true", // loose types
	}
	var made struct{ ID int64 }
	c.must(c.Client.Do(c.Context(), http.MethodPost, "user/runners", nil, body, &made))
	c.deleteLater(made.ID)
	d, err := c.Client.Runners.Get(c.Context(), made.ID)
	c.must(err)
	c.same("paused", d.IsPaused(), true)
	c.same("tag_list", d.TagList, []string{c.word + "-2"})
}

func count(one bool) int {
	if one {
		return 1
	}
	return 0
}

func (c *conformance) creatingRefused() {
	do := func(body map[string]any) error {
		return c.Client.Do(c.Context(), http.MethodPost, "user/runners", nil, body, nil)
	}
	c.refused("no type", do(map[string]any{}), 400,
		`{"error":"runner_type is missing, runner_type does not have a valid value"}`)
	c.refused("a wrong type", do(map[string]any{"runner_type": "x"}), 400,
		`{"error":"runner_type does not have a valid value"}`)
	c.refused("no project", do(map[string]any{"runner_type": runners.ProjectType}), 400,
		`{"error":"project_id is missing"}`)
	c.refused("no such project", do(map[string]any{"runner_type": runners.ProjectType, "project_id": nowhere}), 400,
		`{"message":"400 Bad request - Missing/invalid project"}`)
}

// nowhere is an id that nothing has.
const nowhere = 1<<31 - 1

// shown compares a new runner's whole answers.
func (c *conformance) shown() {
	made := c.create(runners.ForProject(c.Projects[0]))
	path := "runners/" + strconv.FormatInt(made.ID, 10)
	want := map[string]any{}
	for name, value := range c.newRunner() {
		if c.edition.has("runner." + name) {
			want[name] = value
		}
	}
	c.same("details", c.raw(http.MethodGet, path, nil), want)
	c.same("a reset", c.raw(http.MethodPost, path+"/reset_authentication_token", nil),
		map[string]any{"token": "<token>", "token_expires_at": "<time>"})
}

// newRunner is how a new runner looks, in normal form.
func (c *conformance) newRunner() map[string]any {
	var address any
	if c.edition.has("rule: ip_address is an empty text") {
		address = ""
	}
	status := "not_connected"
	if c.edition.has("rule: never_contacted is shown") {
		status = "never_contacted"
	}
	return map[string]any{
		"id": "<id>", "description": "<word>", "ip_address": address, "active": true, "paused": false,
		"is_shared": false, "runner_type": "project_type", "name": nil, "online": nil,
		"created_by": "<user>", "created_at": "<time>", "status": status, "job_execution_status": "idle",
		"tag_list": []any{"<word>"}, "run_untagged": true, "locked": false, "maximum_timeout": nil,
		"access_level": "not_protected", "version": nil, "revision": nil, "platform": nil,
		"architecture": nil, "contacted_at": nil, "maintenance_note": nil,
		"projects": []any{"<project>"}, "groups": []any{}, "token": "<token>",
	}
}

// mine lists the runners of this part in the whole instance.
func (c *conformance) mine(o runners.ListOptions) *runners.Listing[runners.Runner] {
	o.TagList = []string{c.word}
	return c.Client.Runners.ListAll(&o)
}

func (c *conformance) ids(l *runners.Listing[runners.Runner]) []int64 {
	c.Helper()
	ids := []int64{}
	for r, err := range l.All(c.Context()) {
		c.must(err)
		ids = append(ids, r.ID)
	}
	return ids
}

// listed finds a runner in the lists that have it.
func (c *conformance) listed() {
	one, two := c.runner(), c.runner()
	both := []int64{one.ID, two.ID}
	slices.Sort(both)
	tagged := runners.ListOptions{TagList: []string{c.word}}
	project := c.Client.Projects.List(runners.ID(c.Projects[0]), &tagged)
	c.same("all", c.ids(c.mine(runners.ListOptions{})), both)
	c.same("the project's", c.ids(project), both)
	c.same("the other project's", c.ids(c.Client.Projects.List(runners.ID(c.Projects[1]), &tagged)), []int64{})
	if c.edition.has("GET /groups/{id}/runners") {
		of := runners.GroupListOptions{TagList: []string{c.word}}
		c.same("the group's", c.ids(c.Client.Groups.List(runners.ID(c.Group), &of)), []int64{})
	}
	_, err := c.Client.Projects.List(runners.ID(nowhere), nil).Page(c.Context(), 1)
	c.refused("no project", err, 404, `{"message":"404 Project Not Found"}`)
}

// filtered tries each filter.
func (c *conformance) filtered() {
	made := c.runner()
	is, none := []int64{made.ID}, []int64{}
	c.same("its type", c.ids(c.mine(runners.ListOptions{Type: runners.ProjectType})), is)
	c.same("another type", c.ids(c.mine(runners.ListOptions{Type: runners.GroupType})), none)
	if c.edition.has("list?paused") {
		c.same("paused", c.ids(c.mine(runners.ListOptions{Paused: new(true)})), none)
		c.same("not paused", c.ids(c.mine(runners.ListOptions{Paused: new(false)})), is)
	}
	if c.creates() {
		c.same("never contacted", c.ids(c.mine(runners.ListOptions{Status: runners.StatusNeverContacted})), is)
		c.same("online", c.ids(c.mine(runners.ListOptions{Status: runners.StatusOnline})), none)
		c.same("stale", c.ids(c.mine(runners.ListOptions{Status: runners.StatusStale})), none)
	}
	other := runners.ListOptions{TagList: []string{c.word, c.word + "-other"}}
	c.same("a tag more", c.ids(c.Client.Runners.ListAll(&other)), none)
	_, err := c.mine(runners.ListOptions{Status: "asleep"}).Page(c.Context(), 1)
	c.refused("no status", err, 400, `{"error":"status does not have a valid value"}`)
	_, err = c.mine(runners.ListOptions{Type: "odd"}).Page(c.Context(), 1)
	c.refused("no type", err, 400, `{"error":"type does not have a valid value"}`)
}

// paged turns the pages of three runners.
func (c *conformance) paged() {
	var ids []int64
	for range 3 {
		ids = append(ids, c.runner().ID)
	}
	slices.Sort(ids)
	l := c.mine(runners.ListOptions{PerPage: 2})
	for number, want := range [][]any{{ids[:2], 2}, {ids[2:], 0}, {[]int64{}, 0}} {
		page, err := l.Page(c.Context(), number+1)
		c.must(err)
		got := []int64{}
		for _, r := range page.Items {
			got = append(got, r.ID)
		}
		name := "page " + strconv.Itoa(number+1)
		c.same(name, []any{got, page.NextPage}, want)
		c.same(name+"'s size", page.PerPage, 2)
		if page.Total == nil || page.TotalPages == nil {
			c.Errorf("%s does not count", name)
			continue
		}
		c.same(name+" counts", []int{*page.Total, *page.TotalPages}, []int{3, 2})
	}
	c.same("all pages", c.ids(l), ids)
}

func (c *conformance) updated() {
	id := c.runner().ID
	d, err := c.Client.Runners.Update(c.Context(), id, &runners.UpdateOptions{
		Description: new(c.word + " 2"), TagList: &[]string{c.word, c.word + "-b"},
		RunUntagged: new(false), Locked: new(true), AccessLevel: runners.RefProtected,
		MaximumTimeout: runners.Value(600),
	})
	c.must(err)
	slices.Sort(d.TagList) // GitLab keeps no order
	c.same("the answer", []any{d.Description, d.TagList, d.RunUntagged, d.Locked, d.AccessLevel, *d.MaximumTimeout},
		[]any{c.word + " 2", []string{c.word, c.word + "-b"}, false, true, runners.RefProtected, 600})
	_, err = c.Client.Runners.Update(c.Context(), id, &runners.UpdateOptions{MaximumTimeout: runners.Null[int]()})
	c.must(err)
	d, err = c.Client.Runners.Get(c.Context(), id)
	c.must(err)
	c.same("a timeout of null", d.MaximumTimeout == nil, true)
	c.same("what was not sent", d.Description, c.word+" 2")
	if c.edition.has("update?maintenance_note") {
		note := runners.UpdateOptions{MaintenanceNote: runners.Value(c.word)}
		d, err = c.Client.Runners.Update(c.Context(), id, &note)
		c.must(err)
		c.same("the note", *d.MaintenanceNote, c.word)
	}
}

func (c *conformance) updatingRefused() {
	path := "runners/" + strconv.FormatInt(c.runner().ID, 10)
	put := func(body map[string]any) error {
		return c.Client.Do(c.Context(), http.MethodPut, path, nil, body, nil)
	}
	c.refused("no value of an enum", put(map[string]any{"access_level": "x"}), 400,
		`{"error":"access_level does not have a valid value"}`)
	c.refused("no number", put(map[string]any{"maximum_timeout": "soon"}), 400,
		`{"error":"maximum_timeout is invalid"}`)
	c.refused("a short timeout", put(map[string]any{"maximum_timeout": 599}), 400,
		`{"message":{"maximum_timeout":["needs to be at least 10 minutes"]}}`)
	c.refused("no tags", put(map[string]any{"tag_list": []string{}, "run_untagged": false}), 400,
		`{"message":{"tags_list":["can not be empty when runner is not allowed to pick untagged jobs"]}}`)
	c.refused("a long text", put(map[string]any{"description": strings.Repeat("x", 1025)}), 400,
		`{"message":{"description":["is too long (maximum is 1024 characters)"]}}`)
}

func (c *conformance) paused() {
	id := c.runner().ID
	for _, paused := range []bool{true, false} {
		change := c.Client.Runners.Resume
		if paused {
			change = c.Client.Runners.Pause
		}
		_, err := change(c.Context(), id)
		c.must(err)
		d, err := c.Client.Runners.Get(c.Context(), id)
		c.must(err)
		c.same("paused", d.IsPaused(), paused)
		c.same("active", d.Active, !paused) //nolint:staticcheck // deprecated, and still in the answer
	}
}

func (c *conformance) assigned() {
	id := c.runner().ID
	first, second := runners.ID(c.Projects[0]), runners.ID(c.Projects[1])
	r, err := c.Client.Projects.Assign(c.Context(), second, id)
	c.must(err)
	c.same("the answer's id", r.ID, id)
	_, err = c.Client.Projects.Assign(c.Context(), second, id)
	c.refused("twice", err, 400, `{"message":"Assign to Validation failed: `+
		`Runner projects runner has already been taken - runner_error"}`)
	_, err = c.Client.Projects.Assign(c.Context(), second, nowhere)
	c.refused("no runner", err, 404, c.missing())
	if c.edition.has("rule: owner projects stay assigned") {
		err = c.Client.Projects.Unassign(c.Context(), first, id)
		c.refused("the owner", err, 403, `{"message":"403 Forbidden - `+
			`You cannot unassign a runner from the owner project. Delete the runner instead"}`)
	}
	c.must(c.Client.Projects.Unassign(c.Context(), second, id))
	d, err := c.Client.Runners.Get(c.Context(), id)
	c.must(err)
	c.same("projects", len(d.Projects), 1)
	if !c.creates() {
		return
	}
	_, err = c.Client.Projects.Assign(c.Context(), second, c.create(runners.ForGroup(c.Group)).ID)
	c.refused("a group's", err, 403, `{"message":"403 Forbidden - Runner is a group runner"}`)
}

// missing is the body of an answer without a runner.
func (c *conformance) missing() string {
	if c.edition.has("rule: a missing runner is named") {
		return `{"message":"404 Runner Not Found"}`
	}
	return `{"message":"404 Not found"}`
}

func (c *conformance) verified() {
	made := c.runner()
	v, err := c.Client.Tokens.Verify(c.Context(), made.Token, nil)
	c.must(err)
	if c.edition.has("rule: verify answers an object") {
		c.same("the answer", []any{v.ID, v.Token.Equal(made.Token)}, []any{made.ID, true})
	}
	_, err = c.Client.Tokens.Verify(c.Context(), runners.NewToken(c.word), nil)
	c.refused("no runner's token", err, 403, `{"message":"403 Forbidden"}`)
	err = c.Client.Do(c.Context(), http.MethodPost, "runners/verify", nil, map[string]any{}, nil)
	c.refused("no token", err, 400, `{"error":"token is missing"}`)
}

func (c *conformance) managed() {
	made := c.runner()
	for range 2 {
		_, err := c.Client.Tokens.Verify(c.Context(), made.Token, &runners.VerifyOptions{SystemID: "s_0123456789ab"})
		c.must(err)
	}
	managers, err := c.Client.Runners.Managers(c.Context(), made.ID)
	c.must(err)
	if len(managers) != 1 {
		c.Fatalf("%d managers, want 1", len(managers))
	}
	c.same("the manager", []any{managers[0].SystemID, managers[0].Status},
		[]any{"s_0123456789ab", runners.StatusNeverContacted})
	c.must(c.Client.Tokens.DeleteManager(c.Context(), made.Token, "s_0123456789ab"))
	managers, err = c.Client.Runners.Managers(c.Context(), made.ID)
	c.must(err)
	c.same("managers", len(managers), 0)
	_, err = c.Client.Runners.Managers(c.Context(), nowhere)
	c.refused("no runner", err, 404, c.missing())
}

func (c *conformance) reset() {
	made := c.runner()
	fresh, err := c.Client.Runners.ResetToken(c.Context(), made.ID)
	c.must(err)
	c.replaced(made.Token, fresh.Token)
}

func (c *conformance) resetByToken() {
	made := c.runner()
	fresh, err := c.Client.Tokens.Reset(c.Context(), made.Token)
	c.must(err)
	c.replaced(made.Token, fresh.Token)
}

// replaced checks that one token took the place of another.
func (c *conformance) replaced(old, fresh runners.Token) {
	c.Helper()
	_, err := c.Client.Tokens.Verify(c.Context(), old, nil)
	c.refused("the old token", err, 403, `{"message":"403 Forbidden"}`)
	_, err = c.Client.Tokens.Verify(c.Context(), fresh, nil)
	c.must(err)
}

func (c *conformance) worked() {
	id := c.runner().ID
	jobs, err := c.Client.Runners.Jobs(id, nil).Collect(c.Context())
	c.must(err)
	c.same("jobs", len(jobs), 0)
	_, err = c.Client.Runners.Jobs(id, &runners.JobsOptions{Status: "asleep"}).Collect(c.Context())
	c.refused("no status", err, 400, `{"error":"status does not have a valid value"}`)
	_, err = c.Client.Runners.Jobs(nowhere, nil).Collect(c.Context())
	c.refused("no runner", err, 404, c.missing())
}

func (c *conformance) inProjects() {
	id := c.runner().ID
	projects, err := c.Client.Runners.Projects(id, nil).Collect(c.Context())
	c.must(err)
	if len(projects) != 1 {
		c.Fatalf("%d projects, want 1", len(projects))
	}
	c.same("the project", projects[0].ID, c.Projects[0])
}

func (c *conformance) deleted() {
	one, two := c.runner(), c.runner()
	c.must(c.Client.Runners.Delete(c.Context(), one.ID))
	_, err := c.Client.Runners.Get(c.Context(), one.ID)
	c.refused("a deleted runner", err, 404, c.missing())
	err = c.Client.Runners.Delete(c.Context(), one.ID)
	c.refused("deleting it again", err, 404, c.missing())
	c.must(c.Client.Tokens.Delete(c.Context(), two.Token))
	_, err = c.Client.Runners.Get(c.Context(), two.ID)
	c.refused("one deleted by its token", err, 404, c.missing())
}

func (c *conformance) unauthorized() {
	nobody, err := c.As(c.word)
	c.must(err)
	_, err = nobody.Runners.List(nil).Page(c.Context(), 1)
	c.refused("an unknown token", err, 401, `{"message":"401 Unauthorized"}`)
	_, err = nobody.Version(c.Context())
	c.refused("the version", err, 401, `{"message":"401 Unauthorized"}`)
}
