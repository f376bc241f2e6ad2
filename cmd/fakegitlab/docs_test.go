// docs/fakegitlab.md: that what it says of seeds, controls and faults is so.

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// page returns the part of the documentation from a heading to the next one.
func page(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/fakegitlab.md")
	require.NoError(t, err)
	_, part, found := strings.Cut("\n"+string(text), "\n"+heading+"\n")
	require.True(t, found, heading)
	part, _, _ = strings.Cut(part, "\n#")
	return part
}

// firstCells returns what stands in backticks in the first cells of the tables.
func firstCells(part string) []string {
	var names []string
	for line := range strings.Lines(part) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

func TestDocumentedSeedNames(t *testing.T) {
	t.Parallel()
	for heading, types := range map[string][]reflect.Type{
		"### The GitLab": {
			reflect.TypeFor[runnerstest.State](), reflect.TypeFor[runnerstest.Settings](), reflect.TypeFor[runnerstest.PlanLimits](),
		},
		"### `users`":    {reflect.TypeFor[runnerstest.User](), reflect.TypeFor[runnerstest.AccessToken]()},
		"### `groups`":   {reflect.TypeFor[runnerstest.Group]()},
		"### `projects`": {reflect.TypeFor[runnerstest.Project]()},
		"### `runners`": {
			reflect.TypeFor[runnerstest.Runner](), reflect.TypeFor[runnerstest.Manager](), reflect.TypeFor[runnerstest.Job](),
		},
	} {
		var want []string
		for _, record := range types {
			for field := range record.Fields() {
				if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" {
					want = append(want, name)
				}
			}
		}
		assert.ElementsMatch(t, want, firstCells(page(t, heading)), heading)
	}
	for field := range reflect.TypeFor[runnerstest.LastIDs]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		assert.Regexp(t, "`last_ids` has .*`"+name+"`", page(t, "### The GitLab"))
	}
}

func TestDocumentedSeed(t *testing.T) {
	t.Parallel()
	seed := block(t, page(t, "## Seeds"))
	fake := runnerstest.NewServer(t, &runnerstest.Options{Seed: strings.NewReader(seed)})
	state := fake.Snapshot()
	assert.Len(t, state.Runners, 2)
	assert.Equal(t, "17.5.0", state.GitLabVersion)
}

func TestDocumentedStartup(t *testing.T) {
	t.Parallel()
	var want, got map[string]any
	require.NoError(t, json.Unmarshal([]byte(block(t, page(t, "# A GitLab for tests in any language"))), &want))
	text, err := json.Marshal(started(t))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &got))
	assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	assert.Equal(t, want["admin_token"], got["admin_token"])
	assert.Equal(t, want["version"], got["version"])
}

// block returns the first JSON of a part.
func block(t *testing.T, part string) string {
	t.Helper()
	_, text, found := strings.Cut(part, "```json\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	return text
}

func TestDocumentedControls(t *testing.T) {
	t.Parallel()
	url := started(t).URL
	bodies := map[string]string{
		"PUT /_fake/state":   `{"users": [{"username": "mia"}]}`,
		"POST /_fake/faults": `{"fault": "POST /user/runners 502 after-commit"}`,
		"POST /_fake/clock":  `{"advance": "3h"}`,
	}
	controls := slices.DeleteFunc(firstCells(page(t, "## While it runs")), func(cell string) bool {
		return !strings.Contains(cell, "/_fake/")
	})
	assert.Len(t, controls, 9)
	for _, control := range controls {
		method, path, _ := strings.Cut(control, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(bodies[control]))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Less(t, res.StatusCode, http.StatusMultipleChoices, control)
	}
	for _, body := range bodies {
		if strings.Contains(body, "fault") || strings.Contains(body, "advance") {
			assert.Contains(t, page(t, "## While it runs"), body)
		}
	}
}

func TestDocumentedFaultWords(t *testing.T) {
	t.Parallel()
	part := page(t, "## While it runs")
	words := slices.DeleteFunc(firstCells(part), func(cell string) bool { return strings.Contains(cell, "/_fake/") })
	assert.Greater(t, len(words), 15)
	for _, word := range append(words, "rate-limited=retry-after:30s") {
		effect := ""
		if slices.Contains([]string{"nth=2", "times=3", "always", "after-commit"}, word) {
			effect = "502 "
		}
		_, err := runnerstest.ParseFault(effect + strings.ReplaceAll(word, "URL", "http://127.0.0.1/x"))
		assert.NoError(t, err, word)
	}
}
