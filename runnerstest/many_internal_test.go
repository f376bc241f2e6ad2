// Many servers at once, and what is left of them.

package runnerstest

import (
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestManyServers counts goroutines, and so runs alone.
func TestManyServers(t *testing.T) { //nolint:paralleltest // counts goroutines
	before := runtime.NumGoroutine()
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			var s Server
			s.Fault(On("GET /version"), Hang())
			secret, _ := s.administratorToken()
			get := func(path string) (*http.Response, error) {
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/api/v4"+path, http.NoBody)
				r.Header.Set("Private-Token", secret)
				return s.HTTPClient().Do(r)
			}
			res, err := get("/runners/all")
			if assert.NoError(t, err) {
				assert.Equal(t, http.StatusOK, res.StatusCode)
				assert.NoError(t, res.Body.Close())
			}
			var hung sync.WaitGroup
			hung.Go(func() {
				_, err := get("/version") //nolint:bodyclose // there is no answer
				assert.Error(t, err)
			})
			for len(s.Requests()) < 2 {
				runtime.Gosched()
			}
			s.Close()
			hung.Wait()
		})
	}
	all.Wait()
	for range 100 { // a goroutine that has done its work may still be counted
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
