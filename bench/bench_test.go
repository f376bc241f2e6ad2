// Go's own benchmarks of the same things:
//
//	go test -run '^$' -bench . -benchmem .

package bench_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

func BenchmarkList(b *testing.B) {
	gitlab := startServer(b)
	for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
		url := gitlab.url(behaviour{Latency: latency, Rows: 10_000})
		c, other := ours(b, url), theirs(b, url)
		for _, k := range []int{1, 6, 8, 16} {
			b.Run(fmt.Sprintf("%v/runners-%d", latency, k), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					listOurs(b, c, k)
				}
			})
		}
		b.Run(fmt.Sprintf("%v/client-go", latency), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				listTheirs(b, other)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	url := startServer(b).url(behaviour{})
	c, other, raw := ours(b, url), theirs(b, url), &http.Client{Transport: &http.Transport{}}
	for name, get := range map[string]func(){
		"runners": func() { getOurs(b, c) }, "client-go": func() { getTheirs(b, other) },
		"net-http": func() { getRaw(b, raw, url) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				get()
			}
		})
	}
}

func BenchmarkFake(b *testing.B) {
	b.Run("start", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			srv := runnerstest.NewServer(b, nil)
			if _, err := srv.Client(b).Version(b.Context()); err != nil {
				b.Fatal(err)
			}
			srv.Close()
		}
	})
	srv := runnerstest.NewServer(b, nil)
	for range 20 {
		srv.AddRunner(runnerstest.Runner{Type: runners.InstanceType})
	}
	c := srv.Client(b)
	b.Run("list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Runners.ListAll(nil).Collect(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
