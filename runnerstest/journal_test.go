// The journal: what it keeps, and that it keeps no secret.

package runnerstest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	ask(t, srv, "t-mia", "PUT /runners/6?x[]=1", `{"description":"d","maximum_timeout":600,"paused":null,"info":{"name":"n"}}`)
	ask(t, srv, "", "POST /runners/verify", "token=glrt-app-runner-six")
	ask(t, srv, "", "GET /nope")
	all := srv.Requests()
	require.Len(t, all, 3)
	assert.Equal(t, []string{"PUT /runners/{id}", "PUT", "/api/v4/runners/6", "mia", "fake0000000000000000000000000001"},
		[]string{all[0].Route, all[0].Method, all[0].Path, all[0].Actor, all[0].RequestID})
	assert.Equal(t, map[string]any{
		"id": "6", "description": "d", "maximum_timeout": json.Number("600"), "paused": nil,
		"x": []any{"1"}, "info": map[string]any{"name": "n"},
	}, all[0].Params)
	assert.Equal(t, 200, all[0].Status)
	assert.False(t, all[0].Time.IsZero())
	assert.Equal(t, "runner 6", all[1].Actor)
	assert.Equal(t, map[string]any{"token": "[redacted]"}, all[1].Params)
	assert.Equal(t, runnerstest.Request{
		Method: "GET", Path: "/api/v4/nope", Status: 404, Time: all[2].Time, RequestID: all[2].RequestID,
	}, all[2])

	assert.Len(t, srv.Requests(runnerstest.ByRoute("POST /runners/verify")), 1)
	assert.Len(t, srv.Requests(runnerstest.ByActor("mia"), runnerstest.ByStatus(200)), 1)
	assert.Empty(t, srv.Requests(runnerstest.ByActor("mia"), runnerstest.ByStatus(404)))
	all[0].Params["id"] = "changed"
	assert.Equal(t, "6", srv.Requests()[0].Params["id"])
}

// TestJournalHoldsNoSecret puts secrets wherever they can stand.
func TestJournalHoldsNoSecret(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	secrets := []string{"t-root", "glrt-app-runner-six", "reg-instance", "reg-acme", "reg-app", "glpat-unknown", "s3cret"}
	for _, secret := range secrets {
		header := http.Header{
			"Private-Token": {secret}, "Authorization": {"Bearer " + secret},
			"Runner-Token": {secret}, "X-Request-Id": {secret},
		}
		if secret == "s3cret" {
			header.Del("X-Request-ID")
		}
		send(t, srv, header, "PUT /runners/6?private_token="+secret, "access_token="+secret+"&runner_token="+secret)
		send(t, srv, header, "POST /runners", `{"token":"`+secret+`","info":{"token":["`+secret+`"],"x":{"token":"`+secret+`"}}}`)
		if secret == "s3cret" {
			continue // nobody can know that it is one
		}
		send(t, srv, header, "GET /runners/"+secret, "description="+secret)
		send(t, srv, header, "GET /nope/"+secret+"/x?"+secret+"=1")
		send(t, srv, header, "PUT /runners/6", `{"tag_list":["`+secret+`"],"info":{"a":"`+secret+`"}}`)
	}
	journal := fmt.Sprintf("%+v", srv.Requests())
	for _, secret := range secrets {
		assert.NotContains(t, journal, secret)
	}
	assert.Contains(t, journal, "[redacted]")
}

// TestJournalFindsSecretsWithinTexts: a secret of this world is known by nothing
// but what it is, wherever in a text it stands, and when it came to be.
func TestJournalFindsSecretsWithinTexts(t *testing.T) {
	t.Parallel()
	srv := play(t, "14.4.0") // whose tokens have no beginning of their own
	reset, _ := ask(t, srv, "t-root", "POST /runners/reset_registration_token").object(t)["token"].(string)
	registered, _ := ask(t, srv, "", "POST /runners", "token="+reset).object(t)["token"].(string)
	require.NotEmpty(t, registered)
	srv.AddGroup(runnerstest.Group{Path: "new", RunnersToken: "given-to-new"})
	for _, secret := range []string{
		registered, reset, "given-to-new",
		srv.AddToken(runnerstest.AccessToken{User: "mia"}).Token,
		srv.AddToken(runnerstest.AccessToken{User: "mia", Token: "given-to-mia-0123456789"}).Token,
	} {
		within := "is" + secret + "here"
		ask(t, srv, "t-root", "PUT /runners/6", "description="+within)
		ask(t, srv, "", "GET /nope/"+within+"?"+within+"=1")
	}
	all := srv.Requests(runnerstest.ByRoute("PUT /runners/{id}"))
	require.Len(t, all, 5)
	for _, r := range all {
		assert.Equal(t, "[redacted]", r.Params["description"])
	}
	for _, r := range srv.Requests(runnerstest.ByStatus(http.StatusNotFound)) {
		assert.Equal(t, "/api/v4/nope/[redacted]", r.Path)
	}
}

// TestJournalKeepsWords: what only begins like a token is no secret.
func TestJournalKeepsWords(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	ask(t, srv, "t-root", "GET /groups/global-runners/runners?search=glossary-of-terms")
	r := srv.Requests()[0]
	assert.Equal(t, "/api/v4/groups/global-runners/runners", r.Path)
	assert.Equal(t, "glossary-of-terms", r.Params["search"])
	for _, token := range []string{"glptt-unknown0", "acme-glrt-unknown0", "glffct-unknown0", "glagent-unknown0"} {
		ask(t, srv, "t-root", "GET /groups/x/runners?search="+token)
	}
	for _, r := range srv.Requests()[1:] {
		assert.Equal(t, "[redacted]", r.Params["search"])
	}
}

func TestJournalKeepsFiles(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	body := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nb\r\n--x--\r\n"
	send(t, srv, http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, "POST /runners", body)
	assert.Equal(t, map[string]any{"f": "[file]"}, srv.Requests()[0].Params)
}

func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for range 10_001 {
		ask(t, srv, "", "GET /version")
	}
	all := srv.Requests()
	assert.Len(t, all, 5_001)
	assert.Equal(t, fmt.Sprintf("fake%028x", 10_001), all[len(all)-1].RequestID)
}
