// Faults as flags, and the controls.

package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call sends one request, and returns status and body.
func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func TestFaultFlags(t *testing.T) {
	t.Parallel()
	program := started(t, "-fault", "GET /version 502 nth=2", "-fault", "GET /runners 503 body=be right back")
	var statuses []int
	for range 3 {
		status, _ := call(t, http.MethodGet, program.APIv4URL+"/version?private_token="+program.AdminToken, "")
		statuses = append(statuses, status)
	}
	assert.Equal(t, []int{200, 502, 200}, statuses)
	status, body := call(t, http.MethodGet, program.APIv4URL+"/runners", "")
	assert.Equal(t, 503, status)
	assert.Equal(t, "be right back", body)
	status, body = call(t, http.MethodPost, program.URL+"/_fake/faults", `{"fault":"GET /user 418"}`)
	assert.Equal(t, 200, status, body)
	status, _ = call(t, http.MethodGet, program.APIv4URL+"/user", "")
	assert.Equal(t, 418, status)
}

func TestBadFaultFlag(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, statusUsage, run(t.Context(), []string{"-fault", "GET /nope 502"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), `no route "GET /nope"`)
}
