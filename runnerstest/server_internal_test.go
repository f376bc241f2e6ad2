// What a server costs.

package runnerstest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCost is exact and so runs alone: a server and one request in memory.
func TestCost(t *testing.T) { //nolint:paralleltest // counts allocations
	ask := func() {
		var s Server
		secret, _ := s.administratorToken()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/api/v4/user", http.NoBody)
		r.Header.Set("Private-Token", secret)
		resp, err := s.HTTPClient().Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Error(err, resp.StatusCode)
		}
		resp.Body.Close()
		s.Close()
	}
	ask()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, ask), 60.0)
}

func BenchmarkStartAndGet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var s Server
		secret, _ := s.administratorToken()
		r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://h/api/v4/runners/all", http.NoBody)
		r.Header.Set("Private-Token", secret)
		resp, err := s.HTTPClient().Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(err, resp.StatusCode)
		}
		resp.Body.Close()
	}
}

func BenchmarkList(b *testing.B) {
	var s Server
	secret, _ := s.administratorToken()
	for range 100_000 {
		v := s.world.viewAt(s.start)
		v.add(&runner{kind: "instance_type", runUntagged: true})
	}
	for _, query := range []string{"", "?page=5000", "?status=online"} {
		b.Run(query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://h/api/v4/runners/all"+query, http.NoBody)
				r.Header.Set("Private-Token", secret)
				resp, err := s.HTTPClient().Do(r)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatal(err, resp.StatusCode)
				}
				resp.Body.Close()
			}
		})
	}
}
