// What happens at the very instant at which something changes.

package runnerstest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/runnerstest"
)

// TestInstants stops the clock a microsecond before an instant, and at it.
func TestInstants(t *testing.T) {
	t.Parallel()
	const seed = `{
	  "users": [{"username": "root", "admin": true, "tokens": [{"token": "t-root"}, {"token": "t-hour", "expires_at": "+1h"}]}],
	  "runners": [{"token": "glrt-good-for-an-hour", "token_expires_at": "+1h", "contacted_at": "now", "created_at": "-30d"}]}`
	const verify = "POST /runners/verify?token=glrt-good-for-an-hour"
	const day = 24 * time.Hour
	for _, c := range []struct {
		after         time.Duration
		token, call   string
		before, since string // that the answer contains
	}{
		{time.Hour, "t-hour", "GET /user", `"username":"root"`, "Token is expired"},
		{time.Hour, "", verify, `"id":1`, "403 Forbidden"},
		{2 * time.Hour, "t-root", "GET /runners/1", `"status":"online"`, `"status":"offline"`},
		{2 * time.Hour, "t-root", "GET /runners/1", `"online":true`, `"online":false`},
		{2 * time.Hour, "t-root", "GET /runners/all?status=online", `"id":1`, "[]"},
		{2 * time.Hour, "t-root", "GET /runners/all?status=offline", "[]", `"id":1`},
		{7 * day, "t-root", "GET /runners/1", `"status":"offline"`, `"status":"stale"`},
		{7 * day, "t-root", "GET /runners/all?status=stale", "[]", `"id":1`},
	} {
		now := time.Date(2024, time.October, 17, 8, 0, 0, 0, time.UTC)
		srv := runnerstest.NewServer(t, &runnerstest.Options{
			Seed: strings.NewReader(seed), Now: func() time.Time { return now }, Lenient: true,
		})
		srv.Advance(c.after - time.Microsecond)
		assert.Contains(t, ask(t, srv, c.token, c.call).body, c.before, c.call)
		srv.Advance(time.Microsecond)
		assert.Contains(t, ask(t, srv, c.token, c.call).body, c.since, c.call)
	}
}
