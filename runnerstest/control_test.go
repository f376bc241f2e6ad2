// The controls below /_fake/, and faults as text.

package runnerstest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

func TestControl(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	srv := runnerstest.NewServer(t, &runnerstest.Options{
		Control: true, Seed: strings.NewReader(acme), Now: func() time.Time { return now },
	})
	control := func(call, body string) answer {
		t.Helper()
		method, name, _ := strings.Cut(call, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "http://h/_fake/"+name, strings.NewReader(body))
		require.NoError(t, err)
		res, err := srv.HTTPClient().Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return answer{res.StatusCode, res.Header, string(text)}
	}
	srv.Fault(runnerstest.Hang(), runnerstest.Always())
	control("GET clock", "").want(t, 200, `{"now":"2026-01-02T03:04:05Z"}`)
	control("POST clock", `{"advance":"90m"}`).want(t, 200, `{"now":"2026-01-02T04:34:05Z"}`)
	control("GET faults", "").want(t, 200, `[{"fault":"hang always","seen":0,"fired":0}]`)
	control("DELETE faults", "").want(t, 204, "")
	srv.Limit(1, time.Minute)
	control("POST faults", `{"fault":"GET /runners 502"}`).want(t, 200, `{"fault":"GET /runners 502","seen":0,"fired":0}`)
	assert.Equal(t, 502, ask(t, srv, "t-root", "GET /runners").status)
	assert.Contains(t, control("GET journal", "").body, `"route":"GET /runners"`)
	assert.Equal(t, 204, ask(t, srv, "t-root", "DELETE /runners/6").status)
	before := control("GET state", "")
	control("POST reset", "").want(t, 204, "")
	control("GET journal", "").want(t, 200, "[]")
	control("GET faults", "").want(t, 200, "[]")
	assert.Equal(t, 200, ask(t, srv, "t-root", "GET /runners/6").status)
	control("PUT state", before.body).want(t, 204, "")
	assert.Equal(t, before.body, control("GET state", "").body)

	for call, body := range map[string]string{
		"POST faults": "{}", "POST clock": `{"advance":"x"}`, "PUT state": "{]",
	} {
		assert.Equal(t, 400, control(call, body).status, call)
	}
	assert.Equal(t, 400, control("POST faults", "[").status)
	assert.Equal(t, 404, control("GET nothing", "").status)
	large := before.body + strings.Repeat(" ", 1<<20)
	control("PUT state", large).want(t, 204, "") // worlds of thousands of runners are as large
	assert.Equal(t, 413, ask(t, srv, "t-root", "PUT /runners/6", large).status)
	assert.Equal(t, 404, ask(t, play(t, ""), "", "GET /api/../_fake/state").status)
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"POST /user/runners 502 nth=2 after-commit":        "",
		"after-commit nth=2 status=502 POST /user/runners": "POST /user/runners 502 nth=2 after-commit",
		"GET /runners GET /runners/all hang always":        "",
		"rate-limited times=3":                             "rate-limited=all:1m0s times=3",
		"rate-limited=reset:90s":                           "rate-limited=reset:1m30s",
		"delay=2s":                                         "",
		"reset":                                            "",
		"close after-commit":                               "",
		"garbage":                                          "",
		"html":                                             "",
		"500 endless truncate=100 slow-body=10ms":          "",
		"redirect=307:https://evil.test/a?b=c":             "",
		"next-link=//evil.test":                            "",
		"503 always body=two words body=x":                 "",
	} {
		if want == "" {
			want = text
		}
		options, err := runnerstest.ParseFault(text)
		require.NoError(t, err, text)
		srv, err := runnerstest.Start(nil)
		require.NoError(t, err)
		assert.Equal(t, want, srv.Fault(options...).String())
		srv.Close()
	}
	for text, want := range map[string]string{
		"":                      `fault "": no effect: say what goes wrong, as with Status(502)`,
		"GET":                   `fault "GET": GET needs a path; no effect: say what goes wrong, as with Status(502)`,
		"GET /nope 502":         `fault "GET /nope 502": no route "GET /nope": did you mean`,
		"502 503":               `fault "502 503": two statuses`,
		"5x2 hang":              `fault "5x2 hang": status: "5x2" is no number`,
		"hang=1 502":            `fault "hang=1 502": unknown word "hang=1"`,
		"hang body=x":           `fault "hang body=x": body= needs a status`,
		"delay=2":               `fault "delay=2": delay: "2" is no time such as 2s; Delay(0s): want more than 0`,
		"rate-limited=some 502": `fault "rate-limited=some 502": RateLimited: no form "some"; two effects: rate-limited and status`,
		"hang nth=0":            `fault "hang nth=0": Nth(0): the first request is 1`,
		"redirect=x 502":        `fault "redirect=x 502": redirect: "x" is no number`,
	} {
		_, err := runnerstest.ParseFault(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseFault(f *testing.F) {
	for _, text := range []string{
		"POST /user/runners 502 nth=2 after-commit", "delay=1s rate-limited=none:1h", "500 endless body=<x", "redirect=301:// next-link=a",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		options, err := runnerstest.ParseFault(text)
		if err != nil {
			return
		}
		srv, err := runnerstest.Start(nil)
		require.NoError(t, err)
		once := srv.Fault(options...).String()
		options, err = runnerstest.ParseFault(once)
		require.NoError(t, err, once)
		assert.Equal(t, once, srv.Fault(options...).String())
	})
}
