package runners_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// odd returns a client of a server that answers one route in a way that no
// GitLab does.
func odd(t *testing.T, method, path string, answer httpmock.Responder) *runners.Client {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(method, "https://gitlab.test/api/v4/"+path, answer)
	c, err := runners.New("https://gitlab.test", runners.PrivateToken("glpat-odd-answers"),
		&runners.Options{Transport: mock, MaxAttempts: 1})
	require.NoError(t, err)
	return c
}

func odds(status int, contentType, body string) httpmock.Responder {
	return httpmock.NewStringResponder(status, body).HeaderSet(http.Header{"Content-Type": {contentType}})
}

// TestOddAnswersToGet reads one runner from servers that have lost their mind:
// whatever comes back is a runner or a clear error, and never a panic.
func TestOddAnswersToGet(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	for name, c := range map[string]struct {
		answer httpmock.Responder
		want   error // nil = a runner
		text   string
	}{
		"as it should be":    {odds(200, json, `{"id":6}`), nil, ""},
		"201 for 200":        {odds(201, json, `{"id":6}`), nil, ""},
		"a charset":          {odds(200, json+"; charset=utf-8", `{"id":6}`), nil, ""},
		"no content type":    {odds(200, "", `{"id":6}`), nil, ""},
		"a login page":       {odds(200, "text/html", "<html>Sign in</html>"), runners.ErrUnexpectedResponse, "HTML page"},
		"HTML in disguise":   {odds(200, json, "<html>Sign in</html>"), runners.ErrUnexpectedResponse, "HTML page"},
		"nothing":            {odds(200, json, ""), runners.ErrUnexpectedResponse, "empty answer"},
		"204":                {odds(204, "", ""), runners.ErrUnexpectedResponse, "empty answer"},
		"null":               {odds(200, json, "null"), runners.ErrUnexpectedResponse, "null"},
		"a list":             {odds(200, json, "[]"), runners.ErrUnexpectedResponse, "array"},
		"a text":             {odds(200, json, `"six"`), runners.ErrUnexpectedResponse, "string"},
		"true":               {odds(200, json, "true"), runners.ErrUnexpectedResponse, "bool"},
		"a text for an id":   {odds(200, json, `{"id":"six"}`), runners.ErrUnexpectedResponse, "id"},
		"a broken date":      {odds(200, json, `{"id":6,"contacted_at":"0000-00-00"}`), runners.ErrUnexpectedResponse, ""},
		"an id beyond 2^53":  {odds(200, json, `{"id":6,"maximum_timeout":9007199254740993}`), nil, ""},
		"a null tag":         {odds(200, json, `{"id":6,"tag_list":[null,"a"]}`), nil, ""},
		"a date far east":    {odds(200, json, `{"id":6,"contacted_at":"2026-01-01T00:00:00+14:00"}`), nil, ""},
		"half of it":         {odds(200, json, `{"id":6,"descr`), runners.ErrUnexpectedResponse, ""},
		"more behind it":     {odds(200, json, `{"id":6} {"id":7}`), runners.ErrUnexpectedResponse, ""},
		"a byte order mark":  {odds(200, json, "\ufeff{\"id\":6}"), runners.ErrUnexpectedResponse, ""},
		"a deep nest":        {odds(200, json, strings.Repeat("[", 100_000)), runners.ErrUnexpectedResponse, ""},
		"XML":                {odds(200, "application/xml", "id: 6"), runners.ErrUnexpectedResponse, "application/xml"},
		"an unknown enum":    {odds(200, json, `{"id":6,"status":"asleep"}`), nil, ""},
		"a field of 2030":    {odds(200, json, `{"id":6,"mood":{"x":[1]}}`), nil, ""},
		"one field twice":    {odds(200, json, `{"id":5,"id":6}`), nil, ""},
		"a status of no use": {odds(299, json, `{"id":6}`), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := odd(t, "GET", "runners/6", c.answer).Runners.Get(t.Context(), 6)
			if c.want == nil {
				require.NoError(t, err)
				assert.Equal(t, int64(6), d.ID)
				return
			}
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			assert.Nil(t, d)
			assert.LessOrEqual(t, len(err.Error()), 1024)
		})
	}
}

// TestOddAnswersToCreate creates a runner, and cannot read what came of it:
// the runner may exist, and the error says so.
func TestOddAnswersToCreate(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]httpmock.Responder{
		"a login page": odds(200, "text/html", "<html>Sign in</html>"),
		"nothing":      odds(201, "application/json", ""),
		"half of it":   odds(201, "application/json", `{"id":7,"tok`),
		"a list":       odds(201, "application/json", "[]"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := odd(t, "POST", "user/runners", answer)
			_, err := c.Runners.Create(t.Context(), runners.ForInstance(), nil)
			require.ErrorIs(t, err, runners.ErrUnexpectedResponse)
			require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		})
	}
}

// TestOddAnswersToDelete deletes a runner, and is told so by somebody else
// than GitLab: a page is no proof.
func TestOddAnswersToDelete(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer httpmock.Responder
		want   error
	}{
		"204":          {odds(204, "", ""), nil},
		"200, empty":   {odds(200, "", ""), nil},
		"200, JSON":    {odds(200, "application/json", `{"id":6}`), nil},
		"a login page": {odds(200, "text/html", "<html>Sign in</html>"), runners.ErrUnexpectedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, odd(t, "DELETE", "runners/6", c.answer).Runners.Delete(t.Context(), 6), c.want)
		})
	}
}
