// A hundred thousand runners.

package runnerstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manyRunners is a seed of n runners.
func manyRunners(n int) string {
	var b strings.Builder
	b.WriteString(`{"users":[{"username":"root","admin":true,"tokens":[{"token":"glpat-fake0123456789",` +
		`"scopes":["api"]}]}],"runners":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&b, `{"runner_type":"instance_type","description":"runner-%d"}`, i)
	}
	b.WriteString("]}")
	return b.String()
}

func BenchmarkSeed(b *testing.B) {
	seed := manyRunners(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Start(&Options{Seed: strings.NewReader(seed)}); err != nil {
			b.Fatal(err)
		}
	}
}

// asking returns a function that asks a server of n runners.
func asking(b *testing.B, n int, path string) func() {
	b.Helper()
	s, err := Start(&Options{Seed: strings.NewReader(manyRunners(n))})
	if err != nil {
		b.Fatal(err)
	}
	client := s.HTTPClient()
	return func() {
		r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://gitlab.test/api/v4"+path, http.NoBody)
		r.Header.Set("Private-Token", "glpat-fake0123456789")
		res, err := client.Do(r)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res, err)
		}
		_ = res.Body.Close()
	}
}

// BenchmarkPage asks for pages of a list of 100,000 runners.
func BenchmarkPage(b *testing.B) {
	for name, query := range map[string]string{
		"first": "page=1", "last": "page=5000",
		"filtered": "status=never_contacted&paused=false&page=3",
	} {
		b.Run(name, func(b *testing.B) {
			ask := asking(b, 100_000, "/runners/all?"+query)
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}

// BenchmarkQuery finds a page of 20 among 100,000 runners, with its headers and
// without rendering a row.
func BenchmarkQuery(b *testing.B) {
	w := newWorld()
	for id := int64(1); id <= 100_000; id++ {
		w.runners.put(id, &runner{id: id})
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v4/runners/all", http.NoBody)
	q := &request{Request: r, view: view{world: w}}
	for _, number := range []int64{1, 5000} {
		b.Run(strconv.FormatInt(number, 10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = listed(q, nil, page{number: number, size: 20}, w.runners.rows, nil)
			}
		})
	}
}

// TestSeed_memory bounds what a runner of a seed takes up.
func TestSeed_memory(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	const n = 20_000
	seed := manyRunners(n)
	before := liveHeap()
	s, err := Start(&Options{Seed: strings.NewReader(seed)})
	require.NoError(t, err)
	size := (liveHeap() - before) / n
	runtime.KeepAlive(s)
	t.Logf("%.0f bytes a runner", size)
	assert.LessOrEqual(t, size, 410.0)
}

func liveHeap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
