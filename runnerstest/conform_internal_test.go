// The conformance suite finds what is wrong.

package runnerstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// A garbler spoils the bodies of answers on their way.
type garbler struct {
	http.RoundTripper
	spoil func(status int, body []byte) []byte
}

func (g garbler) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := g.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	body = g.spoil(resp.StatusCode, body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, err
}

// A witness is a test that only notes its failures.
type witness struct {
	testing.TB
	failures []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	panic(w)
}

func (w *witness) Fatal(args ...any) { w.Fatalf("%s", fmt.Sprint(args...)) }
func (w *witness) Cleanup(func())    {}

// failures runs a part against a GitLab whose answers are spoilt.
func failures(t *testing.T, part conformPart, spoil func(int, []byte) []byte) []string {
	t.Helper()
	srv := NewServer(t, nil)
	g := srv.AddGroup(Group{Path: "conform"})
	one, two := srv.AddProject(Project{Path: "conform/one"}), srv.AddProject(Project{Path: "conform/two"})
	as := func(token string) (*runners.Client, error) {
		return runners.New("https://gitlab.test", runners.PrivateToken(token), &runners.Options{
			HTTPClient: &http.Client{Transport: garbler{srv.HTTPClient().Transport, spoil}},
		})
	}
	client, err := as(srv.AddToken(AccessToken{User: "root"}).Token)
	require.NoError(t, err)
	w := &witness{TB: t}
	c := conformance{
		Target: Target{Client: client, As: as, Group: g.ID, Projects: [2]int64{one.ID, two.ID}},
		TB:     w, edition: editionOf(newestVersion), word: "word",
	}
	assert.NotPanics(t, func() {
		defer func() {
			if ended := recover(); ended != nil && ended != any(w) {
				panic(ended)
			}
		}()
		part.run(&c)
	})
	return w.failures
}

// TestConformFindsFaults spoils the texts of errors, numbers or booleans: each
// part sees at least one of them, and nothing where nothing is spoilt.
func TestConformFindsFaults(t *testing.T) {
	t.Parallel()
	spoilers := map[string]func(int, []byte) []byte{
		"errors": func(status int, body []byte) []byte {
			if status >= http.StatusBadRequest {
				return []byte(`{"message":"odd"}`)
			}
			return body
		},
		"ids": func(status int, body []byte) []byte {
			if status == http.StatusOK {
				return bytes.ReplaceAll(body, []byte(`"id":`), []byte(`"id":1`))
			}
			return body
		},
		"booleans": func(_ int, body []byte) []byte { return bytes.ReplaceAll(body, []byte("false"), []byte("true")) },
	}
	for _, part := range conformParts() {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			assert.Empty(t, failures(t, part, func(_ int, body []byte) []byte { return body }))
			var found []string
			for name, spoil := range spoilers {
				if failures(t, part, spoil) != nil {
					found = append(found, name)
				}
			}
			assert.NotEmpty(t, found)
		})
	}
}

func TestNearestVersion(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]version{
		"17.5.0": {17, 5, 0}, "17.5.0-ee": {17, 5, 0}, "18.2.1-pre": {18, 2, 1}, "99.0.0": newestVersion, "7.14.3": oldestVersion,
	} {
		got, err := nearest(said)
		require.NoError(t, err)
		assert.Equal(t, want, got, said)
	}
	_, err := nearest("unknown")
	require.Error(t, err)
}
