// What is made of a success: which answers are GitLab's, and which are not.

package runners_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestAnswer_strange: a success that is not GitLab's is an error that says so.
func TestAnswer_strange(t *testing.T) {
	t.Parallel()
	const html = "an HTML page where GitLab answers with JSON: a login page, or a proxy's?"
	for name, c := range map[string]struct {
		step step
		want string
	}{
		"html":          {reply(200, "<!DOCTYPE html><title>Sign in</title>", "Content-Type", "text/html; charset=utf-8"), html},
		"html as json":  {reply(200, "\n <html>"), html},
		"html, no type": {reply(200, "<html>", "Content-Type", ""), html},
		"empty":         {reply(200, ""), "an empty answer where GitLab answers with JSON"},
		"no content":    {reply(204, ""), "an empty answer where GitLab answers with JSON"},
		"white space":   {reply(200, " \n"), "an empty answer where GitLab answers with JSON"},
		"null":          {reply(200, "null"), "null where GitLab answers with an object or a list"},
		"xml":           {reply(200, `{"id":6}`, "Content-Type", "application/xml"), `content of type "application/xml" where GitLab answers with JSON`},
		"image":         {reply(200, "GIF89a", "Content-Type", "image/gif"), `content of type "image/gif" where GitLab answers with JSON`},
		"switched":      {reply(101, ""), "a status that is no answer"},
		"no runner":     {reply(200, `{}`), "no id where GitLab answers with one"},
		"another's":     {reply(200, `{"status":"ok"}`), "no id where GitLab answers with one"},
		"list":          {reply(200, `[{"id":6}]`), ""},
		"number":        {reply(200, `6`), ""},
		"true":          {reply(200, `true`), ""},
		"text":          {reply(200, `"6"`), ""},
		"broken":        {reply(200, `{"id":`), ""},
		"exponent":      {reply(200, `{"id":1e3}`), ""},
		"garbage after": {reply(200, `{"id":6}garbage`), ""},
		"two documents": {reply(200, `{"id":6}{"id":7}`), ""},
		"byte order":    {reply(200, "\ufeff"+`{"id":6}`), ""},
		"deep":          {reply(200, strings.Repeat("[", 100_000)), ""},
		"wrong kind":    {reply(200, `{"id":"six"}`), ""},
		"float":         {reply(200, `{"id":6.5}`), ""},
		"large":         {reply(200, `{"id":9223372036854775808}`), ""},
		"date":          {reply(200, `{"id":6,"created_at":"0000-00-00"}`), ""},
	} {
		inBubble(t, name, func(t *testing.T) {
			d, err := client(t, play(c.step), nil).Runners.Get(t.Context(), 6)
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			assert.Nil(t, d)
			assert.Contains(t, err.Error(), "runners: GET /runners/{id}: ")
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "\n")
			assert.LessOrEqual(t, len(err.Error()), 1024)
		})
	}
}

// TestAnswer_kinds: what is of another kind than it should be is an error that
// names the call, the field and the kind.
func TestAnswer_kinds(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *runners.Client) error { return one(c.Runners.Get(ctx, 6)) }
	list := func(ctx context.Context, c *runners.Client) error { return all(ctx, c.Runners.List(nil)) }
	create := func(ctx context.Context, c *runners.Client) error {
		return one(c.Runners.Create(ctx, runners.ForInstance(), nil))
	}
	for _, c := range []struct {
		call  func(context.Context, *runners.Client) error
		body  string
		names []string
	}{
		{get, `null`, []string{"GET /runners/{id}", "null"}},
		{get, `[]`, []string{"GET /runners/{id}", "array"}},
		{get, `""`, []string{"GET /runners/{id}", "string"}},
		{get, `true`, []string{"GET /runners/{id}", "bool"}},
		{get, `7`, []string{"GET /runners/{id}", "number"}},
		{get, `{"id":"12"}`, []string{"GET /runners/{id}", "id", "string"}},
		{get, `{"projects":[{"id":[]}]}`, []string{"GET /runners/{id}", "projects", "id", "array"}},
		{get, `{"tag_list":{"a":1}}`, []string{"GET /runners/{id}", "tag_list", "object"}},
		{get, `{"locked":"yes"}`, []string{"GET /runners/{id}", "locked", "string"}},
		{create, `[]`, []string{"POST /user/runners", "array into Go value of type runners.newRunner"}},
		{create, `{"id":[]}`, []string{"POST /user/runners", "array"}},
		{list, `{"id":6}`, []string{"GET /runners:", "object"}},
		{list, `null`, []string{"GET /runners:", "null"}},
		{list, `[7]`, []string{"GET /runners:", "number"}},
		{list, `[{"id":6},{"description":[]}]`, []string{"GET /runners:", "description", "array"}},
	} {
		inBubble(t, c.body, func(t *testing.T) {
			err := c.call(t.Context(), client(t, play(reply(200, c.body)), nil))
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			for _, name := range c.names {
				assert.Contains(t, err.Error(), name)
			}
		})
	}
}

// TestAnswer_bounded: neither the depth nor the length of an answer can do
// more than fail.
func TestAnswer_bounded(t *testing.T) {
	t.Parallel()
	large := `{"id":6,"description":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, c := range map[string]struct {
		body string
		is   error
	}{
		"lists":          {strings.Repeat("[", 100_000), runners.ErrUnexpectedResponse},
		"objects":        {strings.Repeat(`{"groups":`, 100_000), runners.ErrUnexpectedResponse},
		"closed":         {`{"tag_list":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, runners.ErrUnexpectedResponse},
		"unknown":        {`{"id":6,"new":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, runners.ErrUnexpectedResponse},
		"ten megabytes":  {large, runners.ErrResponseTooLarge},
		"in spaces":      {strings.Repeat(" ", 11<<20) + aRunner, runners.ErrResponseTooLarge},
		"a byte too few": {large[:len(large)-1], runners.ErrResponseTooLarge},
	} {
		inBubble(t, name, func(t *testing.T) {
			for _, call := range []func() error{
				func() error { return one(client(t, play(reply(200, c.body)), nil).Runners.Get(t.Context(), 6)) },
				func() error { return all(t.Context(), client(t, play(reply(200, c.body)), nil).Runners.List(nil)) },
			} {
				err := call()
				require.ErrorIs(t, err, c.is)
				oneShortLine(t, err.Error())
			}
		})
	}
}

// TestAnswer_accepted: what is odd, and can be read.
func TestAnswer_accepted(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{
		"created":        reply(201, aRunner),
		"299":            reply(299, aRunner),
		"charset":        reply(200, aRunner, "Content-Type", "application/json; charset=utf-8"),
		"no type":        reply(200, aRunner, "Content-Type", ""),
		"plain text":     reply(200, aRunner, "Content-Type", "text/plain"),
		"white space":    reply(200, "\r\n "+aRunner+"\n"),
		"unknown fields": reply(200, `{"id":6,"paused":true,"new":{"a":[1,null]}}`),
		"duplicate keys": reply(200, `{"id":5,"id":6,"paused":true}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := client(t, play(s), nil).Runners.Get(t.Context(), 6)
			require.NoError(t, err)
			assert.EqualValues(t, 6, d.ID)
			assert.True(t, d.IsPaused())
		})
	}
}

// TestAnswer_created: a runner whose creation was answered with something else
// may exist, and the error says so.
func TestAnswer_created(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{
		"html":       reply(200, "<html>Sign in</html>", "Content-Type", "text/html"),
		"empty":      reply(201, ""),
		"no content": reply(204, ""),
		"cut off":    reply(201, `{"id":7,"tok`),
		"list":       reply(201, "[]"),
		"no token":   reply(201, aRunner),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(s)
			made, err := client(t, s, nil).Runners.Create(t.Context(), runners.ForInstance(), nil)
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
			assert.Nil(t, made)
			assert.Len(t, s.requests(), 1)
		})
	}
}

// TestAnswer_deleted: a delete is a success only where the answer may be
// GitLab's.
func TestAnswer_deleted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		is   error
	}{
		"no content": {reply(204, ""), nil},
		"empty":      {reply(200, ""), nil},
		"runner":     {reply(200, aRunner), nil}, // as GitLab 8 answered
		"null":       {reply(200, "null"), nil},
		"html":       {reply(200, "<html>", "Content-Type", "text/html"), runners.ErrUnexpectedResponse},
		"garbage":    {reply(200, "OK"), runners.ErrUnexpectedResponse},
		"switched":   {reply(101, ""), runners.ErrUnexpectedResponse},
		"redirect":   {reply(302, "", "Location", "/users/sign_in"), runners.ErrRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(c.step)
			require.ErrorIs(t, client(t, s, nil).Runners.Delete(t.Context(), 6), c.is)
			assert.Len(t, s.requests(), 1)
		})
	}
}
