// What a caller sends, in all the encodings, and what GitLab makes of it.

package runnerstest_test

import (
	"bufio"
	"bytes"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEncodings(t *testing.T) {
	t.Parallel()
	form, boundary := multipartForm(t, "description", "new", "tag_list", "a, b")
	for name, c := range map[string]struct {
		kind, query, body string
	}{
		"query":           {"", "?description=new&tag_list=a%2Cb", ""},
		"urlencoded":      {"application/x-www-form-urlencoded", "", "description=new&tag_list=a,b"},
		"with a charset":  {"application/json; charset=utf-8", "", `{"description":"new","tag_list":["a","b"]}`},
		"multipart":       {"multipart/form-data; boundary=" + boundary, "", form},
		"JSON":            {"application/json", "", `{"description":"new","tag_list":"a,b"}`},
		"repeated":        {"", "", "description=old&tag_list=x&tag_list=a,b&description=new"},
		"merged":          {"application/json", "?tag_list[]=a&tag_list[]=b", `{"description":"new"}`},
		"body over query": {"application/json", "?description=old&tag_list=a,b", `{"description":"new"}`},
		"no type":         {"", "", "description=new&tag_list=a,b"},
		"id of the path":  {"application/json", "?id=1", `{"description":"new","tag_list":"a,b","id":8}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Private-Token": {"t-root"}}
			if c.kind != "" {
				header.Set("Content-Type", c.kind)
			}
			a := send(t, play(t, ""), header, "PUT /runners/6"+c.query, c.body)
			require.Equal(t, 200, a.status, a.body)
			got := a.object(t)
			assert.EqualValues(t, 6, got["id"])
			assert.Equal(t, "new", got["description"])
			assert.Equal(t, []any{"a", "b"}, got["tag_list"])
		})
	}
}

func multipartForm(t *testing.T, pairs ...string) (body, boundary string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		require.NoError(t, w.WriteField(pairs[i], pairs[i+1]))
	}
	require.NoError(t, w.Close())
	return b.String(), w.Boundary()
}

func TestBodyOnDelete(t *testing.T) {
	t.Parallel()
	form, boundary := multipartForm(t, "token", "glrt-app-runner-six")
	for kind, body := range map[string]string{
		"application/json":                          `{"token":"glrt-app-runner-six"}`,
		"application/x-www-form-urlencoded":         "token=glrt-app-runner-six",
		"multipart/form-data; boundary=" + boundary: form,
	} {
		a := send(t, play(t, ""), http.Header{"Content-Type": {kind}}, "DELETE /runners", body)
		a.want(t, 204, "")
	}
}

// TestHarmlessBodies are those that real clients send without a need.
func TestHarmlessBodies(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for _, c := range []struct{ kind, body string }{
		{"application/json", ""},
		{"application/json", "{}"},
		{"application/json", "null"},
		{"application/json", "[]"},
		{"application/json", `"text"`},
		{"application/json", "7"},
		{"application/x-www-form-urlencoded", ""},
		{"application/x-www-form-urlencoded", "all=False"},
		{"text/plain", "whatever"},
	} {
		header := http.Header{"Private-Token": {"t-root"}, "Content-Type": {c.kind}}
		assert.Equal(t, 201, send(t, srv, header, "POST /runners/6/reset_authentication_token", c.body).status, c)
		assert.Equal(t, 200, send(t, srv, header, "GET /runners/all?", c.body).status, c)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	format := `{"error":"message body does not match declared format"}`
	bad := `{"error":"400 Bad Request"}`
	for name, c := range map[string]struct {
		kind, query, body string
		status            int
		answer            string
	}{
		"broken JSON":        {"application/json", "", `{"description":`, 400, format},
		"two documents":      {"application/json", "", `{} {}`, 400, format},
		"trailing garbage":   {"application/json", "", `{}x`, 400, format},
		"deep JSON":          {"application/json", "", strings.Repeat("[", 100_000), 400, format},
		"XML":                {"text/xml", "", "<a/>", 415, `{"error":"The provided content-type 'text/xml' is not supported."}`},
		"no media type":      {";;", "", "x", 415, `{"error":"The provided content-type ';;' is not supported."}`},
		"bad escape":         {"", "?description=%zz", "", 400, bad},
		"bad name":           {"", "?%zz=1", "", 400, bad},
		"bad form":           {"application/x-www-form-urlencoded", "", "a=%", 400, bad},
		"no boundary":        {"multipart/form-data", "", "x", 400, bad},
		"cut multipart":      {"multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb", 400, bad},
		"hash and text":      {"", "?info=1&info[name]=2", "", 400, "{\"error\":\"expected Hash for param `info'\"}"},
		"list and text":      {"", "?a=1&a[]=2", "", 400, "{\"error\":\"expected Array for param `a'\"}"},
		"unclosed":           {"", "?a[b=1", "", 400, bad},
		"text after bracket": {"", "?a[b]c=1", "", 400, bad},
		"deep names":         {"", "?a" + strings.Repeat("[b]", 100) + "=1", "", 400, bad},
		"too large":          {"application/json", "", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, `{"message":"413 Request Entity Too Large"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Private-Token": {"t-root"}}
			if c.kind != "" {
				header.Set("Content-Type", c.kind)
			}
			send(t, srv, header, "PUT /runners/6"+c.query, c.body).want(t, c.status, c.answer)
		})
	}
}

// TestBodiesOnTheWire: a body that has no length, or does not come whole, or
// never ends, costs no more than the bound, and leaves the server at work.
func TestBodiesOnTheWire(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	host := strings.TrimPrefix(srv.URL(), "http://")
	const head = "PUT /api/v4/runners/6 HTTP/1.1\r\nHost: h\r\nPrivate-Token: t-root\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct {
		text   string
		status int // 0 = no answer, or one that says that it broke off
	}{
		"chunked":             {"Transfer-Encoding: chunked\r\n\r\n11\r\n{\"description\":\"d\r\n3\r\nd\"}\r\n0\r\n\r\n", 200},
		"chunked, cut off":    {"Transfer-Encoding: chunked\r\n\r\n11\r\n{\"description\":", 0},
		"chunked, no number":  {"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", 0},
		"cut off":             {"Content-Length: 40\r\n\r\n{\"description\":\"cut", 0},
		"nothing of it":       {"Content-Length: 40\r\n\r\n", 0},
		"a hundred megabytes": {"Content-Length: 104857600\r\n\r\n" + strings.Repeat("x", 2<<20), 413},
		"two lengths":         {"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			_, _ = io.WriteString(conn, head+c.text) // the rest of a large one is not taken
			if c.status == 0 {
				half, ok := conn.(*net.TCPConn)
				require.True(t, ok)
				require.NoError(t, half.CloseWrite())
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if c.status == 0 {
				assert.True(t, err != nil || res.StatusCode == http.StatusBadRequest, "%v", res)
			} else {
				require.NoError(t, err)
				assert.Equal(t, c.status, res.StatusCode)
			}
			if err == nil {
				res.Body.Close()
			}
			assert.Equal(t, 200, ask(t, srv, "t-root", "GET /runners/6").status)
			assert.NotEqual(t, "cut", ask(t, srv, "t-root", "GET /runners/6").object(t)["description"])
		})
	}
}

func TestUploadIsNoText(t *testing.T) {
	t.Parallel()
	body := "--x\r\nContent-Disposition: form-data; name=\"description\"; filename=\"f\"\r\n\r\nb\r\n--x--\r\n"
	header := http.Header{"Private-Token": {"t-root"}, "Content-Type": {"multipart/form-data; boundary=x"}}
	send(t, play(t, ""), header, "PUT /runners/6", body).want(t, 400, `{"error":"description is invalid"}`)
}

func TestCoercions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, field, want string }{
		{`{"paused":true}`, "paused", "true"},
		{`{"paused":"true"}`, "paused", "true"},
		{"paused=True", "paused", "true"},
		{"paused=t", "paused", "true"},
		{"paused=1", "paused", "true"},
		{"paused=yes", "paused", "true"},
		{"paused=ON", "paused", "true"},
		{`{"active":1}`, "paused", "false"},
		{`{"active":0}`, "paused", "true"},
		{"paused=false", "paused", "false"},
		{"paused=F", "paused", "false"},
		{"paused=0", "paused", "false"},
		{"paused=no", "paused", "false"},
		{"paused=off", "paused", "false"},
		{"paused=maybe", "", `{"error":"paused is invalid"}`},
		{`{"paused":[]}`, "", `{"error":"paused is invalid"}`},
		{`{"paused":null}`, "paused", "false"},
		{`{"maximum_timeout":"1200"}`, "maximum_timeout", "1200"},
		{`{"maximum_timeout":1200}`, "maximum_timeout", "1200"},
		{`{"maximum_timeout":1200.0}`, "maximum_timeout", "1200"},
		{`{"maximum_timeout":1.2e3}`, "maximum_timeout", "1200"},
		{`{"maximum_timeout":null}`, "maximum_timeout", "null"},
		{"maximum_timeout=", "maximum_timeout", "null"},
		{"maximum_timeout=abc", "", `{"error":"maximum_timeout is invalid"}`},
		{"maximum_timeout=1h", "", `{"error":"maximum_timeout is invalid"}`},
		{"maximum_timeout=2147483648", "", `{"error":"maximum_timeout is invalid"}`},
		{"maximum_timeout=2147483647", "maximum_timeout", "2147483647"},
		{`{"maximum_timeout":1e300}`, "", `{"error":"maximum_timeout is invalid"}`},
		{`{"maximum_timeout":-1e300}`, "", `{"error":"maximum_timeout is invalid"}`},
		{`{"maximum_timeout":-7}`, "", `{"message":{"maximum_timeout":["needs to be at least 10 minutes"]}}`},
		{`{"maximum_timeout":{}}`, "", `{"error":"maximum_timeout is invalid"}`},
		{`{"description":7}`, "description", `"7"`},
		{`{"description":true}`, "description", `"true"`},
		{`{"description":null}`, "description", `""`},
		{`{"description":["a"]}`, "", `{"error":"description is invalid"}`},
		{`{"description":"\"q\" \\ \n <b> é \u202e"}`, "description", `"\"q\" \\ \u000a <b> é ` + "\u202e" + `"`},
		{"access_level=ref_protected", "access_level", `"ref_protected"`},
		{"access_level=protected", "", `{"error":"access_level does not have a valid value"}`},
		{"access_level=", "", `{"error":"access_level does not have a valid value"}`},
		{`{"access_level":null}`, "access_level", `"not_protected"`},
		{"tag_list=a, b ,,a", "tag_list", `["a","b"]`},
		{"tag_list[]=a&tag_list[]=b,c", "tag_list", `["a","b","c"]`},
		{`{"tag_list":["a,b"," c",7]}`, "tag_list", `["a","b","c","7"]`},
		{`{"tag_list":"a,b"}`, "tag_list", `["a","b"]`},
		{`{"tag_list":null}`, "tag_list", `[]`},
		{`{"tag_list":5}`, "tag_list", `[]`},
		{"tag_list=", "tag_list", `[]`},
		{"tag_list=😀", "tag_list", `["😀"]`},
		{
			"locked=x&run_untagged=y&access_level=z", "",
			`{"error":"run_untagged is invalid, locked is invalid, access_level does not have a valid value"}`,
		},
		{"active=true&paused=true", "", `{"error":"active, paused are mutually exclusive"}`},
	} {
		t.Run(c.body, func(t *testing.T) {
			t.Parallel()
			a := ask(t, play(t, ""), "t-root", "PUT /runners/6", c.body)
			if c.field == "" {
				a.want(t, 400, c.want)
				return
			}
			require.Equal(t, 200, a.status, a.body)
			assert.Contains(t, a.body, `"`+c.field+`":`+c.want)
		})
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	srv := play(t, "")
	for path, want := range map[string]string{
		"/runners/abc":                  `{"error":"id is invalid"}`,
		"/runners/6.json":               `{"error":"id is invalid"}`,
		"/runners/%206":                 `{"error":"id is invalid"}`,
		"/runners/0":                    noRunner,
		"/runners/-6":                   noRunner,
		"/runners/99":                   noRunner,
		"/runners/9223372036854775807":  noRunner,
		"/runners/99999999999999999999": noRunner,
	} {
		assert.Equal(t, want, ask(t, srv, "t-root", "GET "+path).body, path)
	}
}
