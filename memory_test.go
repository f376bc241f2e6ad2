//go:build !race

// What a server can make a call take of memory, at most.

package runners_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners"
)

// lists are answers that hold as many values as fit, of some sizes, with their
// length and without.
func lists() map[string]func(net.Conn) {
	all := map[string]func(net.Conn){}
	for name, row := range map[string]string{
		"runners":    `{"id":6,"description":"some runner of ours","is_shared":true,"runner_type":"instance_type","online":true},`,
		"no runners": `{"id":6,"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx":0},`,
		"texts":      `{"description":"` + strings.Repeat("x", 100<<10) + `","is_shared":true},`,
		"escapes":    `{"description":"` + strings.Repeat(`\n`, 100<<10) + `","is_shared":true},`,
		"keys":       `{` + strings.Repeat(`"is_shared":true,`, 5<<10) + `"id":6},`,
	} {
		for _, size := range []int{1 << 20, 2 << 20, 5 << 20, 10 << 20} {
			body := "[" + strings.Repeat(row, size/len(row)-1)
			body = body[:len(body)-1] + "]"
			all[fmt.Sprint(name, " of ", size)] = says(rawHead + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
			all[fmt.Sprint(name, " of ", size, " and no length")] = says(rawHead + "Connection: close\r\n\r\n" + body)
		}
	}
	return all
}

// peak returns what do takes of memory at most, at a time: what of the heap is
// in use, as a collector that never rests finds it.
func peak(do func()) int64 {
	inUse := func() int64 {
		runtime.GC()
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64()) //nolint:gosec // no machine has more
	}
	before, most := inUse(), int64(0)
	ended, end := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for ended.Err() == nil {
			most = max(most, inUse())
		}
	})
	do()
	end()
	group.Wait()
	return most - before
}

// TestHostile_memory: whatever a server answers, one call takes no more than the
// bound of a body and a megabyte at any time, and no time worth mentioning.
// (Bad inputs 38, 40 and 41.)
//
//nolint:paralleltest // it measures the memory of the whole process
func TestHostile_memory(t *testing.T) {
	const limit = 10 << 20
	calls := map[string]func(*runners.Client) error{
		"get":      func(c *runners.Client) error { return one(c.Runners.Get(t.Context(), 6)) },
		"list":     func(c *runners.Client) error { return one(c.Runners.List(nil).Page(t.Context(), 1)) },
		"managers": func(c *runners.Client) error { return one(c.Runners.Managers(t.Context(), 6)) },
	}
	servers := lists()
	maps.Copy(servers, hostile())
	for name, serve := range servers {
		address := listenOnce(t, serve)
		for call, do := range calls {
			t.Run(name+" to "+call, func(t *testing.T) {
				transport := &http.Transport{MaxResponseHeaderBytes: 1 << 20}
				defer transport.CloseIdleConnections()
				c := dial(t, "http://"+address, &runners.Options{MaxAttempts: 1, AttemptTimeout: 20 * time.Second, Transport: transport})
				var err error
				took := int64(math.MaxInt64)
				for i := 0; i < 3 && took > limit+1<<20; i++ { // what dies while it is looked for is found, too
					took = min(took, peak(func() { err = do(c) }))
				}
				assert.LessOrEqual(t, took, int64(limit+1<<20), "%v", err)
				if err != nil {
					oneShortLine(t, err.Error())
					assert.NotErrorIs(t, err, context.DeadlineExceeded, "in no time")
				}
			})
		}
	}
}

// TestHostile_promise: a length that is only promised costs a part of it, where
// no bound forbids it.
//
//nolint:paralleltest // it measures the memory of the whole process
func TestHostile_promise(t *testing.T) {
	address := listenOnce(t, says(rawHead+"Content-Length: 99999999999\r\n\r\n"+strings.Repeat(" ", 1<<20)))
	c := dial(t, "http://"+address, &runners.Options{MaxAttempts: 1, MaxBodyBytes: math.MaxInt64})
	took := peak(func() { assert.ErrorIs(t, one(c.Runners.Get(t.Context(), 6)), io.ErrUnexpectedEOF) })
	assert.LessOrEqual(t, took, int64(20<<20))
}
