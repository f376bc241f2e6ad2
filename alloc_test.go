//go:build !race

// What a call costs in memory. The counts are exact, of the client alone: the
// server on the other end of the wire allocates nothing.

package runners_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// serveBytes answers each request of a connection with the same bytes, and
// returns a client that speaks to it.
func serveBytes(t *testing.T, answer func(request []byte) []byte) *runners.Client {
	t.Helper()
	address := listen(t, func(conn net.Conn, _ int) { converse(conn, answer) })
	return dial(t, "http://"+address, nil)
}

func converse(conn net.Conn, answer func(request []byte) []byte) {
	var buffer [4096]byte
	for n := 0; ; {
		more, err := conn.Read(buffer[n:])
		if err != nil {
			return
		}
		if n += more; !bytes.HasSuffix(buffer[:n], []byte("\r\n\r\n")) {
			continue
		}
		if _, err := conn.Write(answer(buffer[:n])); err != nil {
			return
		}
		n = 0
	}
}

// wireAnswer is an answer as it stands on the wire, with headers as GitLab has.
func wireAnswer(body string, header ...string) []byte {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(body))
	for _, line := range append(header, "Content-Type: application/json",
		"Date: Sun, 22 Nov 2026 06:00:00 GMT", "X-Request-Id: 01J8Z1ABCDEF", "X-Runtime: 0.046813") {
		b.WriteString(line + "\r\n")
	}
	return []byte(b.String() + "\r\n" + body)
}

// cost returns the allocations and bytes of one run of do.
func cost(runs int, do func()) (allocations, size float64) {
	for range 3 {
		do()
	}
	var before, after runtime.MemStats
	runtime.GC()
	do()
	runtime.ReadMemStats(&before)
	for range runs {
		do()
	}
	runtime.ReadMemStats(&after)
	n := float64(runs)
	return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
}

// TestGet_cost bounds what one call costs.
//
//nolint:paralleltest // it counts the allocations of the process
func TestGet_cost(t *testing.T) {
	body, err := os.ReadFile("testdata/17.5/runner.json")
	require.NoError(t, err)
	answer := wireAnswer(string(body))
	c := serveBytes(t, func([]byte) []byte { return answer })
	allocations, size := cost(500, func() {
		if _, err := c.Runners.Get(t.Context(), 6); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%.1f allocations, %.0f bytes", allocations, size)
	assert.LessOrEqual(t, allocations, 108.0)
	assert.LessOrEqual(t, size, 7250.0)
}

// TestList_cost bounds what a row of a list costs, with eight pages at once.
//
//nolint:paralleltest // it counts the allocations of the process
func TestList_cost(t *testing.T) {
	const pages, perPage = 100, 100
	answers := make([][]byte, pages+1)
	for page := 1; page <= pages; page++ {
		var b strings.Builder
		for row := range perPage {
			_, _ = fmt.Fprintf(&b, `,{"id":%d,"description":"runner-%d","ip_address":"","active":true,`+
				`"paused":false,"is_shared":false,"runner_type":"project_type","name":"gitlab-runner",`+
				`"online":true,"status":"online"}`, (page-1)*perPage+row+1, row)
		}
		next := strconv.Itoa(page + 1)
		if page == pages {
			next = ""
		}
		answers[page] = wireAnswer("["+b.String()[1:]+"]", "X-Next-Page: "+next, "X-Page: "+strconv.Itoa(page),
			"X-Per-Page: 100", "X-Total: 10000", "X-Total-Pages: 100")
	}
	c := serveBytes(t, func(request []byte) []byte {
		number := 0
		_, after, _ := bytes.Cut(request, []byte("?page="))
		for _, digit := range after[:bytes.IndexByte(after, '&')] {
			number = 10*number + int(digit-'0')
		}
		return answers[number]
	})
	rows := 0
	allocations, size := cost(10, func() {
		rows = 0
		for _, err := range c.Runners.ListAll(nil).Prefetch(8).All(t.Context()) {
			if err != nil {
				t.Error(err)
			}
			rows++
		}
	})
	require.Equal(t, pages*perPage, rows)
	t.Logf("%.2f allocations, %.0f bytes a row", allocations/float64(rows), size/float64(rows))
	assert.LessOrEqual(t, allocations/float64(rows), 1.5)
	assert.LessOrEqual(t, size/float64(rows), 300.0)
}
