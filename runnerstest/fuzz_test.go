// Whatever is sent: an answer that GitLab could give, never a panic.

package runnerstest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-832548de/runners/runnerstest"
)

// fuzzed are the versions that are asked.
var fuzzed = []string{"19.1.0", "13.10.0", "8.2.0"}

func FuzzHandler(f *testing.F) {
	for _, seed := range [][5]string{
		{"GET", "/api/v4/runners/all", "page=2&per_page=1&tag_list[]=a", "", ""},
		{"GET", "/api/v4/runners/7/jobs", "pagination=keyset&cursor=e30", "", ""},
		{"PUT", "/api/v4/runners/6", "", "application/json", `{"tag_list":["a"],"paused":"true"}`},
		{"POST", "/api/v4/runners", "", "application/x-www-form-urlencoded", "token=reg-instance&info[a][b]=c"},
		{"POST", "/api/v4/projects/acme%2Fapp/runners", "runner_id=7", "", ""},
		{"DELETE", "/api/v4/runners", "", "multipart/form-data; boundary=x", "--x\r\n\r\n\r\n--x--"},
		{"POST", "/api/v4/jobs/request", "", "application/json", `{"token":"glrt-app-runner-six","info":{"version":1}}`},
		{"GET", "/api/v4/projects/old%2Fapp/runners", "page=2", "", ""},
		{"PUT", "/ci/api/v1/builds/-1.json", "", "application/json", `{"token":"glrt-app-runner-six"}`},
		{"GET", "/api/v3/x", "", "", ""},
		{"GET", "/api/v4/runners/glrt%2Dapp-runner-six", "token=t-mia", "", ""},
		{"GET", "/ci/runners.json", "", "", ""},
		{"PATCH", "//..//%2f", "%zz", ";", "\x00"},
	} {
		for era := range len(fuzzed) {
			f.Add(uint8(era), seed[0], seed[1], seed[2], seed[3], seed[4])
		}
	}
	f.Fuzz(func(t *testing.T, era uint8, method, path, query, kind, body string) {
		address, err := url.ParseRequestURI(path)
		if err != nil || strings.ContainsAny(method, " /") || method == "" {
			return
		}
		address.RawQuery = query
		srv, err := runnerstest.Start(&runnerstest.Options{
			Version: fuzzed[int(era)%len(fuzzed)], Seed: strings.NewReader(moving()),
			Found: func(f runnerstest.Finding) { _ = f.String() },
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://gitlab.test/", strings.NewReader(body))
		r.Method, r.URL = method, address
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Private-Token", "t-mia")
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		checkAnswer(t, w)
		if len(srv.Requests()) != 1 {
			t.Fatalf("%d requests in the journal", len(srv.Requests()))
		}
		noSecret(t, srv.Requests()[0])
	})
}

// noSecret checks that the journal has no token of this world.
func noSecret(t *testing.T, entry runnerstest.Request) {
	t.Helper()
	entry.Method = ""
	shown, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := url.PathUnescape(entry.Path)
	if err != nil {
		t.Fatal(err)
	}
	for secret, text := range map[string]string{
		"glrt-app-runner-six": string(shown) + plain, // wherever it stands
		"reg-instance":        string(shown) + plain,
		`"t-mia"`:             string(shown), // too short to be looked for within texts
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows in %s", secret, shown)
		}
	}
}

// FuzzBody sends bodies to an update as one who may do it. What is refused
// changes nothing.
func FuzzBody(f *testing.F) {
	kinds := []string{
		"application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "",
	}
	for _, body := range []string{
		`{"tag_list":["a,b",{"c":[null]}],"maximum_timeout":"600","info":{"a":{"b":1e999}}}`, `{"paused":1,"active":0}`,
		"tag_list[]=a&tag_list[]=b&paused=yes&info[config][gpus]=all", "%zz=%", "a[b=1&a[b]]=2&a[][c]=3", "null", "[[[[", "{}{}",
		"--x\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nb\r\n--x--\r\n", "--x\r\n\r\n--x",
	} {
		for kind := range len(kinds) {
			f.Add(uint8(kind), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		srv := playSeed(t, "", acme)
		before := ask(t, srv, "t-root", "GET /runners/6").body
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/api/v4/runners/6", bytes.NewReader(body))
		r.Header.Set("Content-Type", kinds[int(kind)%len(kinds)])
		r.Header.Set("Authorization", "Bearer t-root")
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		checkAnswer(t, w)
		if after := ask(t, srv, "t-root", "GET /runners/6").body; w.Code >= 300 && after != before {
			t.Errorf("%d %s, and yet %s became %s", w.Code, w.Body, before, after)
		}
	})
}

// maxAnswer bounds what is answered to one request of these worlds.
const maxAnswer = 256 << 10

// checkAnswer wants a status of GitLab's, and JSON or nothing. A redirect is
// plain text.
func checkAnswer(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	switch {
	case w.Code < 200 || w.Code == 500 || w.Code > 501:
		t.Errorf("status %d", w.Code)
	case w.Body.Len() > maxAnswer:
		t.Errorf("%d bytes", w.Body.Len())
	case w.Code == 204 && w.Body.Len() > 0:
		t.Errorf("204 with a body: %s", w.Body)
	case w.Code != 204 && w.Code != 301 && !json.Valid(w.Body.Bytes()):
		t.Errorf("no JSON: %s", w.Body)
	}
}
