//go:build !race

// What a fake costs.

package runnerstest_test

import (
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
	assert.LessOrEqual(t, allocations, 60.0)
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
