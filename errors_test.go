// What GitLab says about a failure, as an Error shows it: one line, messages by
// field, no secret.

package runners_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

func TestError_message(t *testing.T) {
	t.Parallel()
	type fields = map[string][]string
	const html = "an HTML page where GitLab answers with JSON: a login page, or a proxy's?"
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
		fields fields
	}{
		"message":            {404, `{"message":"404 Runner Not Found"}`, "404 Runner Not Found", nil},
		"another status":     {400, `{"message":"no such thing"}`, "400 no such thing", nil},
		"list":               {400, `{"message":["a","b"]}`, "400 a, b", nil},
		"one attribute":      {400, `{"message":{"description":["is too long (maximum is 1024 characters)"]}}`, "400 description: is too long (maximum is 1024 characters)", fields{"description": {"is too long (maximum is 1024 characters)"}}},
		"attributes, sorted": {400, `{"message":{"tags_list":["b","c"],"base":"a"}}`, "400 base: a; tags_list: b, c", fields{"base": {"a"}, "tags_list": {"b", "c"}}},
		"nested":             {400, `{"message":{"runner":{"tags":["x"]},"n":[1,{"a":2}]}}`, `400 n: 1, {"a":2}; runner: {"tags":["x"]}`, fields{"n": {"1", `{"a":2}`}, "runner": {`{"tags":["x"]}`}}},
		"error in a message": {400, `{"message":{"error":"not for you"}}`, "400 not for you", nil},
		"parameters":         {400, `{"error":"runner_type is missing, status does not have a valid value"}`, "400 runner_type is missing, status does not have a valid value", fields{"runner_type": {"is missing"}, "status": {"does not have a valid value"}}},
		"parameter":          {400, `{"error":"id is invalid"}`, "400 id is invalid", fields{"id": {"is invalid"}}},
		"size":               {400, `{"error":"per_page has a value not allowed"}`, "400 per_page has a value not allowed", fields{"per_page": {"has a value not allowed"}}},
		"none of them":       {400, `{"error":"description, active are missing, at least one parameter must be provided"}`, "400 description, active are missing, at least one parameter must be provided", fields{"description": {"are missing, at least one parameter must be provided"}, "active": {"are missing, at least one parameter must be provided"}}},
		"not one of them":    {400, `{"error":"group_id, project_id are missing, exactly one parameter must be provided"}`, "400 group_id, project_id are missing, exactly one parameter must be provided", fields{"group_id": {"are missing, exactly one parameter must be provided"}, "project_id": {"are missing, exactly one parameter must be provided"}}},
		"both of them":       {400, `{"error":"active, paused are mutually exclusive"}`, "400 active, paused are mutually exclusive", fields{"active": {"are mutually exclusive"}, "paused": {"are mutually exclusive"}}},
		"all sorts":          {400, `{"error":"id is invalid, a, b are mutually exclusive, c, d are missing, exactly one parameter must be provided, a is missing"}`, "400 id is invalid, a, b are mutually exclusive, c, d are missing, exactly one parameter must be provided, a is missing", fields{"id": {"is invalid"}, "a": {"are mutually exclusive", "is missing"}, "b": {"are mutually exclusive"}, "c": {"are missing, exactly one parameter must be provided"}, "d": {"are missing, exactly one parameter must be provided"}}},
		"prose":              {400, `{"error":"what is missing, is not there"}`, "400 what is missing, is not there", fields{"what": {"is missing"}}},
		"no parameters":      {400, `{"error":"they are missing, or late, are mutually exclusive"}`, "400 they are missing, or late, are mutually exclusive", nil},
		"route":              {404, `{"error":"404 Not Found"}`, "404 Not Found", nil},
		"oauth":              {401, `{"error":"invalid_token","error_description":"Token was revoked."}`, "401 invalid_token: Token was revoked.", nil},
		"scope":              {403, `{"error":"insufficient_scope","error_description":"More.","scope":"manage_runner api"}`, "403 insufficient_scope: More. (sufficient: manage_runner api)", nil},
		"both":               {400, `{"error":"a","message":"b"}`, "400 b", nil},
		"error hash":         {400, `{"error":{"name":["a"]}}`, "400 name: a", fields{"name": {"a"}}},
		"number":             {500, `{"message":12}`, "500 12", nil},
		"null message":       {500, `{"message":null,"error":"a"}`, "500 a", nil},
		"null error":         {500, `{"error":null}`, "500 no explanation", nil},
		"empty message":      {500, `{"message":""}`, "500 no explanation", nil},
		"empty object":       {500, `{"message":{}}`, "500 no explanation", fields{}},
		"empty list":         {500, `{"message":[]}`, "500 no explanation", nil},
		"other object":       {500, `{"detail":"x"}`, `500 {"detail":"x"}`, nil},
		"array":              {500, `["x"]`, `500 ["x"]`, nil},
		"text in quotes":     {500, `"x"`, `500 "x"`, nil},
		"null":               {500, `null`, `500 null`, nil},
		"plain text":         {502, "Bad\r\n Gateway\t\n", "502 Bad Gateway", nil},
		"html":               {502, "<html>502 Bad Gateway</html>", "502 " + html, nil},
		"html after space":   {502, "\n\n <!DOCTYPE html>", "502 " + html, nil},
		"empty":              {500, "", "500 no explanation", nil},
		"white space":        {500, " \n\t", "500 no explanation", nil},
		"binary":             {500, "\x00\x01\x02\x1b[31m", "500 [31m", nil},
		"invalid UTF-8":      {500, "a\xff\xfeb", "500 a b", nil},
		"broken":             {500, `{"message":"a`, `500 {"message":"a`, nil},
		"several lines":      {400, `{"message":"a\nb\u2028c\u0000d\u202ee"}`, "400 a b c d e", nil},
		"description number": {400, `{"error":"a","error_description":3}`, `400 {"error":"a","error_description":3}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, play(reply(c.status, c.body)), &runners.Options{MaxAttempts: 1}).Version(t.Context())
			require.Error(t, err)
			assert.Equal(t, "runners: GET /version: "+c.want, err.Error())
			e := failure(t, err)
			assert.Equal(t, c.fields, e.Fields)
			assert.Equal(t, c.status, e.StatusCode)
			assert.Equal(t, c.body, string(e.Body))
			assert.Zero(t, e.ResetAt)
		})
	}
}

// TestError_kinds: what a body adds to a status.
func TestError_kinds(t *testing.T) {
	t.Parallel()
	for code, insufficient := range map[string]bool{
		"insufficient_scope": true, "insufficient_granular_scope": true, "invalid_token": false,
	} {
		_, err := client(t, play(reply(403, `{"error":"`+code+`"}`)), nil).Version(t.Context())
		require.ErrorIs(t, err, runners.ErrForbidden)
		assert.Equal(t, insufficient, errors.Is(err, runners.ErrInsufficientScope))
	}
}

// TestError_bounded: however much a server says, the text is one line of at
// most a KiB, which ends with what we have to say.
func TestError_bounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("lang ü ", 1<<10)
	for name, body := range map[string]string{
		"message": `{"message":"` + long + `"}`,
		"fields":  `{"message":{"` + long + `":["` + long + `"],"b":["` + long + `"]}}`,
		"error":   `{"error":"` + long + ` is missing"}`,
		"text":    long + long + long + long + long + long + long + long + long,
		"lines":   strings.Repeat("\n\r\u2028", 1<<10),
		"deep":    strings.Repeat(`{"message":`, 11_000),
		"5 MB":    `{"message":"` + strings.Repeat("x", 5<<20) + `"}`,
		"page":    "<html>" + strings.Repeat("<p>", 5<<19),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, play(reply(500, body, "X-Request-Id", long)), nil)
			err := one(c.Runners.ResetToken(t.Context(), 6))
			require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
			oneShortLine(t, err.Error())
			assert.True(t, strings.HasSuffix(err.Error(), " ("+hints[runners.ClassRotate]+")"), err.Error())
			e := failure(t, err)
			oneShortLine(t, e.RequestID)
			assert.LessOrEqual(t, len(e.Body), 64<<10)
			for field, messages := range e.Fields {
				oneShortLine(t, field)
				oneShortLine(t, strings.Join(messages, ""))
			}

			err = c.Do(t.Context(), "POST", strings.Repeat("a", 1<<12), nil, nil, nil)
			require.Error(t, err)
			oneShortLine(t, err.Error())
		})
	}
}

// oneShortLine asserts that text is one, and printable.
func oneShortLine(t *testing.T, text string) {
	t.Helper()
	assert.LessOrEqual(t, len(text), 1<<10)
	assert.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
}

// TestError_scrubbed: a server that echoes what it was told, and other tokens,
// shows none of them to whoever reads the error.
func TestError_scrubbed(t *testing.T) {
	t.Parallel()
	const odd = "canary/odd+Token=" // a secret that has no form of GitLab's
	for _, secret := range []string{
		accessToken, runnerToken, odd, url.QueryEscape(odd),
		"glrt-t1_canary-Other0123456789", "glrtr-canaryOther", "GR1348941canaryOther", "gloas-canary0123",
		"glcbt-64_canary", "gldt-canary0", "glffct-canary0", "acme-glagent-canary0", "global-glpat-canary0",
		"private_token=canary", "access_token=canary", "token=canary",
	} {
		echo := "you said " + secret
		text, err := json.Marshal(echo)
		require.NoError(t, err)
		for name, body := range map[string]string{
			"message": `{"message":` + string(text) + `}`,
			"fields":  `{"message":{` + string(text) + `:[` + string(text) + `]}}`,
			"error":   `{"error":` + string(text) + `,"error_description":` + string(text) + `}`,
			"scope":   `{"error":"insufficient_scope","scope":` + string(text) + `}`,
			"text":    echo,
		} {
			t.Run(name+" "+secret, func(t *testing.T) {
				t.Parallel()
				c := clientAs(t, runners.Bearer(odd), play(reply(403, body, "X-Request-Id", echo)), nil)
				_, own := clientAs(t, runners.PrivateToken(accessToken), play(reply(403, body, "X-Request-Id", echo)), nil).
					Tokens.Verify(t.Context(), runners.NewToken("canary/odd+Token="), nil)
				_, err := c.Version(t.Context())
				for _, err := range []error{err, own} {
					require.ErrorIs(t, err, runners.ErrForbidden)
					assert.Contains(t, err.Error(), redacted)
					hasNoCanary(t, failure(t, err))
				}
			})
		}
	}
}

// What is sent back in quotes, in JSON or in a URL is the secret all the same.
func TestError_scrubbedForms(t *testing.T) {
	t.Parallel()
	const odd = `ca<n>&"ry\\/x+y=`
	text, err := json.Marshal(odd)
	require.NoError(t, err)
	for name, form := range map[string]string{
		"plain": odd, "json": string(text), "go": strconv.Quote(odd),
		"query": url.QueryEscape(odd), "path": url.PathEscape(odd),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := clientAs(t, runners.Bearer(odd), play(reply(403, "you said "+form)), nil).Version(t.Context())
			require.ErrorIs(t, err, runners.ErrForbidden)
			assert.NotContains(t, err.Error(), "ry")
			assert.NotContains(t, string(failure(t, err).Body), "ry")
		})
	}
}

// A secret that a body breaks off in is not shown as far as it came.
func TestError_cutSecret(t *testing.T) {
	t.Parallel()
	const secret = "canary0123456789"
	for at := 1; at <= len(secret); at++ {
		for _, filler := range []string{"y", " "} {
			c := clientAs(t, runners.Bearer(secret), play(reply(403, strings.Repeat(filler, 64<<10-at)+secret)), nil)
			_, err := c.Version(t.Context())
			require.ErrorIs(t, err, runners.ErrForbidden)
			assert.NotContains(t, err.Error(), "ca")
			assert.NotContains(t, string(failure(t, err).Body), "ca")
		}
	}
	address := listenOnce(t, says("HTTP/1.1 403 No\r\nContent-Length: 80\r\n\r\nyou said canary01234"))
	two := authFunc(func(req *http.Request) error {
		req.Header.Set("X-Ticket", secret)
		req.Header.Set("X-Other", "4-begins-as-the-text-ends")
		return nil
	})
	for range 10 { // in whatever order the two are looked for
		c, err := runners.New("http://"+address, two, nil)
		require.NoError(t, err)
		_, err = c.Version(t.Context())
		require.ErrorIs(t, err, runners.ErrForbidden)
		assert.Equal(t, "you said ", string(failure(t, err).Body))
	}
}

// TestError_words: what only begins like a token is no secret.
func TestError_words(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"no such runner: global-runners", "glossary-of-terms", "glue-code_and-more", "gl-pat-runner", "glrt- is the prefix",
		"GR1348941 begins it", "glx-abcdefghijklmn", "a glpat-like one",
	} {
		body, err := json.Marshal(map[string]string{"message": text})
		require.NoError(t, err)
		_, err = client(t, play(reply(400, string(body))), nil).Version(t.Context())
		assert.Equal(t, "runners: GET /version: 400 "+text, err.Error())
	}
}

// hasNoCanary asserts that nothing of e, in no form, shows a secret.
func hasNoCanary(t *testing.T, e *runners.Error) {
	t.Helper()
	data, err := json.Marshal(e)
	require.NoError(t, err)
	var recorder recordingT
	assert.Equal(&recorder, e, "something else")
	for _, text := range []string{
		e.Error(), fmt.Sprintf("%v %+v %s %q", e, e, e, e), fmt.Sprintf("%#v", *e),
		string(e.Body), e.RequestID, fmt.Sprint(e.Fields), string(data), recorder.text,
		fmt.Sprint(errors.Unwrap(e)),
	} {
		assert.NotContains(t, text, "canary")
		assert.NotContains(t, text, "0x63, 0x61, 0x6e, 0x61, 0x72, 0x79")
	}
}

// TestError_shortSecret: a secret that is part of the placeholder does not
// make a text grow.
func TestError_shortSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"E", "RED", "[REDACTED]", "D]"} {
		body := `{"message":{"` + secret + `":["say ` + secret + `"]}}`
		_, err := clientAs(t, runners.PrivateToken(secret), play(reply(401, body)), nil).Version(t.Context())
		assert.Equal(t, "runners: GET /version: 401 [REDACTED]: say [REDACTED]", err.Error())
		assert.Equal(t, map[string][]string{redacted: {"say " + redacted}}, failure(t, err).Fields)
	}
}

// TestError_shortWords: what an Auth adds that is too short for a secret stays
// readable.
func TestError_shortWords(t *testing.T) {
	t.Parallel()
	auth := authFunc(func(req *http.Request) error {
		req.Header.Set("X-Team", "builder")
		return nil
	})
	err := one(clientAs(t, auth, play(reply(403, `{"message":"not for a builder"}`)), nil).Version(t.Context()))
	assert.Equal(t, "runners: GET /version: 403 not for a builder", err.Error())
}

// TestError_json: an error can be logged as JSON.
func TestError_json(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := client(t, play(reply(400, `{"message":{"a":["b"]}}`, "X-Request-Id", "01ABC", "Retry-After", "7")), nil).
			Runners.Get(t.Context(), 6)
		e := failure(t, err)
		e.ResetAt = e.ResetAt.UTC()
		data, jsonErr := json.Marshal(e)
		require.NoError(t, jsonErr)
		assert.JSONEq(t, `{
			"Method":"GET","Route":"/runners/{id}","Class":"read","Phase":"answered","Attempts":1,"StatusCode":400,
			"Message":"a: b","Fields":{"a":["b"]},"RetryAfter":7000000000,"ResetAt":"2000-01-01T00:00:07Z","RequestID":"01ABC",
			"Body":"eyJtZXNzYWdlIjp7ImEiOlsiYiJdfX0="}`, string(data))
	})
}

// TestError_made: errors can be made by tests of whoever uses this package.
func TestError_made(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*runners.Error{
		"runners: text":                     {Message: "text"},
		"runners: 400 text":                 {StatusCode: 400, Message: "text"},
		"runners: 400 Bad":                  {StatusCode: 400, Message: "400 Bad"},
		"runners: GET /runners/{id}: text":  {Method: "GET", Route: "/runners/{id}", Message: "text"},
		"runners: PUT /runners/{id}: 412 a": {Method: "PUT", Route: "/runners/{id}", Message: "a", StatusCode: 412},
	} {
		assert.Equal(t, want, e.Error())
		assert.NoError(t, e.Unwrap())
		assert.NotErrorIs(t, e, runners.ErrInvalid)
	}
}
