// Statuses and ends of tokens as time goes by.

package runnerstest_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/runnerstest"
)

const aging = `{"users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],"runners":[
  {"id":1,"contacted_at":"now","managers":[{"system_id":"s_1","contacted_at":"now"}]},
  {"id":2,"contacted_at":"now","paused":true},
  {"id":3},
  {"id":4,"paused":true,"managers":[{"system_id":"s_4"}]}]}`

func TestStatusOverTime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct {
		version string
		after   time.Duration
		want    string // of the runners 1 to 4
		online  string
	}{
		{"", 0, "online paused never_contacted never_contacted", "true true null null"},
		{"", 2*time.Hour - time.Second, "online paused never_contacted never_contacted", "true true null null"},
		{"", 2 * time.Hour, "offline paused never_contacted never_contacted", "false false null null"},
		{"", 7*day - time.Second, "offline paused never_contacted never_contacted", "false false null null"},
		{"", 7 * day, "stale stale stale stale", "false false null null"},
		{"17.2.0", 7 * day, "stale stale stale stale", "false false null null"},
		{"17.1.0", 7 * day, "offline paused never_contacted never_contacted", "false false null null"},
		{"17.1.0", 93 * day, "stale stale stale stale", "false false null null"},
		{"14.10.0", 93 * day, "offline paused not_connected not_connected", "false false null null"},
		{"15.0.0", 93 * day, "stale stale stale stale", "false false null null"},
		{"13.12.0", time.Hour, "offline paused not_connected not_connected", "false false null null"},
		{"13.12.0", time.Hour - time.Second, "online paused not_connected not_connected", "true true null null"},
		{"14.0.0", time.Hour, "online paused not_connected not_connected", "true true null null"},
	} {
		srv := playSeed(t, c.version, aging)
		srv.Advance(c.after)
		var status, online []string
		for _, r := range ask(t, srv, "t-root", "GET /runners/all").list(t) {
			shown, _ := r["status"].(string)
			status = append(status, shown)
			word := "null"
			if b, ok := r["online"].(bool); ok {
				word = map[bool]string{true: "true", false: "false"}[b]
			}
			online = append(online, word)
		}
		assert.Equal(t, c.want, strings.Join(status, " "), "%v", c)
		assert.Equal(t, c.online, strings.Join(online, " "), "%v", c)
	}
}

func TestManagerStatusOverTime(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", aging)
	status := func(runner string) any {
		return ask(t, srv, "t-root", "GET /runners/"+runner+"/managers").list(t)[0]["status"]
	}
	assert.Equal(t, "online", status("1"))
	assert.Equal(t, "never_contacted", status("4"))
	srv.Advance(2 * time.Hour)
	assert.Equal(t, "offline", status("1"))
	srv.Advance(7 * 24 * time.Hour)
	assert.Equal(t, "stale", status("1"))
	assert.Equal(t, "stale", status("4"))
}

func TestClock(t *testing.T) {
	t.Parallel()
	fixed := time.Date(2024, 10, 17, 8, 0, 0, 0, time.FixedZone("", 7200))
	srv, err := runnerstest.Start(&runnerstest.Options{Now: func() time.Time { return fixed }})
	assert.NoError(t, err)
	assert.Equal(t, "2024-10-17T06:00:00Z", srv.Now().Format(time.RFC3339))
	srv.Advance(time.Hour)
	srv.Advance(-2 * time.Hour)
	assert.Equal(t, "2024-10-17T05:00:00Z", srv.Now().Format(time.RFC3339))
}

// TestClockFarAway: statuses and ends of tokens follow the clock as far as it
// goes, and back.
func TestClockFarAway(t *testing.T) {
	t.Parallel()
	srv := playSeed(t, "", aging)
	status := func() any { return ask(t, srv, "t-root", "GET /runners/1").object(t)["status"] }
	assert.Equal(t, "online", status())
	const century = 100 * 365 * 24 * time.Hour
	srv.Advance(century)
	assert.Equal(t, "stale", status())
	srv.Advance(-2 * century)
	assert.Equal(t, "online", status(), "a contact that is still to come is no old one")
	srv.Advance(century)
	assert.Equal(t, "online", status())
}

// TestClockTogether: who advances the clock at once advances it by the sum.
func TestClockTogether(t *testing.T) {
	t.Parallel()
	fixed := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	srv := runnerstest.NewServer(t, &runnerstest.Options{Now: func() time.Time { return fixed }})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { srv.Advance(time.Minute) })
	}
	all.Wait()
	assert.Equal(t, 100*time.Minute, srv.Now().Sub(fixed))
}

// TestSynctest lives through two hours at once.
func TestSynctest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := playSeed(t, "", aging)
		assert.Equal(t, "online", ask(t, srv, "t-root", "GET /runners/1").object(t)["status"])
		time.Sleep(2 * time.Hour)
		assert.Equal(t, "offline", ask(t, srv, "t-root", "GET /runners/1").object(t)["status"])
	})
}

func TestRunnerTokenEnds(t *testing.T) {
	t.Parallel()
	seed := `{"users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],` +
		`"runners":[{"id":1,"token":"glrt-ends-in-an-hour","token_expires_at":"+1h"}]}`
	for version, status := range map[string]int{"": 403, "15.3.0": 403, "15.2.0": 200} {
		srv := playSeed(t, version, seed)
		assert.Equal(t, 200, ask(t, srv, "", "POST /runners/verify", "token=glrt-ends-in-an-hour").status)
		srv.Advance(time.Hour)
		assert.Equal(t, status, ask(t, srv, "", "POST /runners/verify", "token=glrt-ends-in-an-hour").status, version)
	}
}

// TestIntervals resets tokens where several settings bound their lives.
func TestIntervals(t *testing.T) {
	t.Parallel()
	const seed = `{"settings":{"runner_token_expiration_interval":100,` +
		`"group_runner_token_expiration_interval":90,"project_runner_token_expiration_interval":80},
	  "users":[{"username":"root","admin":true,"tokens":[{"token":"t-root"}]}],
	  "groups":[
	    {"id":1,"full_path":"a","runner_token_expiration_interval":70,
	     "subgroup_runner_token_expiration_interval":60,"project_runner_token_expiration_interval":50},
	    {"id":2,"full_path":"a/b","runner_token_expiration_interval":65},
	    {"id":3,"full_path":"c"}],
	  "projects":[
	    {"id":1,"path_with_namespace":"c/p"},
	    {"id":2,"path_with_namespace":"c/q","runner_token_expiration_interval":40},
	    {"id":3,"path_with_namespace":"a/b/r"}],
	  "runners":[
	    {"id":1},{"id":2,"runner_type":"group_type","groups":[1]},{"id":3,"runner_type":"group_type","groups":[2]},
	    {"id":4,"runner_type":"group_type","groups":[3]},{"id":5,"runner_type":"project_type","projects":[1]},
	    {"id":6,"runner_type":"project_type","projects":[1,2]},{"id":7,"runner_type":"project_type","projects":[3]}]}`
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	srv := runnerstest.NewServer(t, &runnerstest.Options{
		Seed: strings.NewReader(seed), Now: func() time.Time { return start },
	})
	for id, seconds := range map[string]int{"1": 100, "2": 70, "3": 60, "4": 90, "5": 80, "6": 40, "7": 50} {
		a := ask(t, srv, "t-root", "POST /runners/"+id+"/reset_authentication_token")
		want := start.Add(time.Duration(seconds) * time.Second).Format("2006-01-02T15:04:05.000Z")
		assert.Equal(t, want, a.object(t)["token_expires_at"], id)
	}
}
