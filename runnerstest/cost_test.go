//go:build !race

// What a fake costs.

package runnerstest_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners/runnerstest"
)

// TestServer_cost bounds what a server and a request in memory allocate.
//
//nolint:paralleltest // it counts the allocations of the process
func TestServer_cost(t *testing.T) {
	allocations := testing.AllocsPerRun(200, func() {
		srv := &runnerstest.Server{}
		res, err := srv.HTTPClient().Get("http://gitlab.test/api/v4/version")
		if err != nil {
			t.Error(err)
			return
		}
		assert.NoError(t, res.Body.Close())
		srv.Close()
	})
	t.Logf("%.0f allocations", allocations)
	assert.LessOrEqual(t, allocations, 40.0)
}

// TestServer_costOverTCP bounds what a server allocates above one that does
// nothing, from the start over a request to the end.
//
//nolint:paralleltest // it counts the allocations of the process
func TestServer_costOverTCP(t *testing.T) {
	get := func(url string) {
		client := &http.Client{Transport: &http.Transport{}}
		res, err := client.Get(url + "/api/v4/version")
		if assert.NoError(t, err) {
			assert.NoError(t, res.Body.Close())
		}
		client.CloseIdleConnections()
	}
	empty := testing.AllocsPerRun(100, func() {
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		get(srv.URL)
		srv.Close()
	})
	fake := testing.AllocsPerRun(100, func() {
		srv := &runnerstest.Server{}
		get(srv.URL())
		srv.Close()
	})
	t.Logf("%.0f allocations, %.0f for an empty server", fake, empty)
	assert.LessOrEqual(t, fake/empty, 1.2)
}

// TestServer_listCost bounds what a list of twenty runners allocates.
//
//nolint:paralleltest // it counts the allocations of the process
func TestServer_listCost(t *testing.T) {
	srv := runnerstest.NewServer(t, nil)
	for range 20 {
		srv.AddRunner(runnerstest.Runner{})
	}
	token := srv.AddToken(runnerstest.AccessToken{User: "root"}).Token
	client := srv.HTTPClient()
	allocations := testing.AllocsPerRun(200, func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gitlab.test/api/v4/runners/all", http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Private-Token", token)
		res, err := client.Do(r)
		if assert.NoError(t, err) {
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.NoError(t, res.Body.Close())
		}
	})
	t.Logf("%.0f allocations", allocations)
	assert.LessOrEqual(t, allocations, 42.0)
}

// TestServer_many: a thousand servers need no goroutine.
//
//nolint:paralleltest // it counts the goroutines of the process
func TestServer_many(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 1000 {
		_, err := runnerstest.NewServer(t, nil).Client(t).Version(t.Context())
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before)
}
