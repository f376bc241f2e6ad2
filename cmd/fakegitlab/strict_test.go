package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked runs the program, asks for one path and ends it.
func asked(t *testing.T, path string, args ...string) (status int, stderr string) {
	t.Helper()
	line, end := launch(t, args...)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, line.APIv4URL+path, http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Private-Token", line.AdminToken)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	return end()
}

func TestStrict(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path  string
		args  []string
		says  string // "" = nothing, and status 0
		times int    // how often
	}{
		"misspelt":       {"/runners/all?statsu=online", []string{"-strict"}, `did you mean "status"?`, 2},
		"without a flag": {"/runners/all?statsu=online", nil, "", 0},
		"nothing wrong":  {"/runners/all?status=online", []string{"-strict"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stderr := asked(t, test.path, test.args...)
			if test.says == "" {
				assert.Equal(t, statusOK, status)
				assert.NotContains(t, stderr, "strict")
				return
			}
			assert.Equal(t, statusFailed, status)
			assert.Equal(t, test.times, strings.Count(stderr, test.says), stderr)
			assert.True(t, strings.HasSuffix(stderr, "fakegitlab: -strict found 1\n"), stderr)
		})
	}
}
