// The readers of status codes, and of the headers that ask for a wait.

package runners

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestStatusKinds(t *testing.T) {
	t.Parallel()
	own := map[int][]error{
		401: {ErrUnauthorized}, 403: {ErrForbidden}, 404: {ErrNotFound}, 408: {ErrTemporary},
		409: {ErrConflict}, 410: {ErrGone}, 412: {ErrPreconditionFailed}, 425: {ErrTemporary},
		429: {ErrRateLimited}, 503: {ErrServer, ErrUnavailable},
	}
	byClass := map[int]error{3: ErrRedirect, 4: ErrInvalid, 5: ErrServer}
	for status := range 1000 {
		want := own[status]
		switch class := byClass[status/100]; {
		case want != nil:
		case class != nil:
			want = []error{class}
		default:
			want = []error{ErrUnexpectedResponse}
		}
		assert.Equal(t, want, statusKinds(status), status)
	}
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0":                                 0,
		"7":                                 7 * time.Second,
		"007":                               7 * time.Second,
		"2.5":                               3 * time.Second,
		"0.000001":                          time.Second,
		"1e2":                               100 * time.Second,
		"-0":                                0,
		"9223372036":                        9223372036 * time.Second,
		"9223372037":                        math.MaxInt64,
		"1e400":                             math.MaxInt64,
		"Inf":                               math.MaxInt64,
		"Wed, 01 Jul 2026 12:00:09 GMT":     9 * time.Second,
		"Wednesday, 01-Jul-26 12:00:09 GMT": 9 * time.Second,
		"Wed Jul  1 12:00:09 2026":          9 * time.Second,
		"Wed, 01 Jul 2026 11:59:59 GMT":     0,
		"Fri, 01 Jan 9999 00:00:00 GMT":     math.MaxInt64,
		"Mon, 01 Jan 0001 00:00:00 GMT":     0,
	} {
		got, ok := parseRetryAfter(value, now)
		assert.True(t, ok, value)
		assert.Equal(t, want, got, value)
	}
	for _, value := range []string{"", " ", "-1", "-Inf", "NaN", "soon", "7s", "7 8", "2026-07-01T12:00:09Z", "١"} {
		got, ok := parseRetryAfter(value, now)
		assert.False(t, ok, value)
		assert.Zero(t, got, value)
	}
}

func TestAskedWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) // 1782907200
	for name, c := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"nothing":       {http.Header{}, 0},
		"zero":          {http.Header{"Retry-After": {"0"}}, 0},
		"zero of both":  {http.Header{"Retry-After": {"0"}, "Ratelimit-Reset": {"1782907205"}}, 0},
		"longest":       {http.Header{"Retry-After": {"3", "x", "9", "1"}}, 9 * time.Second},
		"reset":         {http.Header{"Ratelimit-Reset": {"1782907205"}}, 5 * time.Second},
		"reset now":     {http.Header{"Ratelimit-Reset": {"1782907200"}}, 0},
		"reset before":  {http.Header{"Ratelimit-Reset": {"1782907199"}}, 0},
		"reset by date": {http.Header{"Ratelimit-Reset": {"1782907205"}, "Date": {"Wed, 01 Jul 2026 12:00:03 GMT"}}, 2 * time.Second},
		"bad date":      {http.Header{"Ratelimit-Reset": {"1782907205"}, "Date": {"today"}}, 5 * time.Second},
		"nothing left":  {http.Header{"Ratelimit-Reset": {"1782907205"}, "Ratelimit-Remaining": {"0"}}, 5 * time.Second},
		"some left":     {http.Header{"Ratelimit-Reset": {"1782907205"}, "Ratelimit-Remaining": {"12"}}, 0},
		"milliseconds":  {http.Header{"Ratelimit-Reset": {"1782907205000000"}}, math.MaxInt64},
		"overflow":      {http.Header{"Ratelimit-Reset": {"99999999999999999999"}}, 0},
		"both":          {http.Header{"Retry-After": {"1"}, "Ratelimit-Reset": {"1782907205"}}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, askedWait(c.header, now))
		})
	}
}

func TestReadRateLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header http.Header
		want   *RateLimit
	}{
		"nothing":   {http.Header{}, nil},
		"no number": {http.Header{"Ratelimit-Limit": {"many"}}, nil},
		"limit":     {http.Header{"Ratelimit-Limit": {"60"}}, &RateLimit{Limit: 60}},
		"all": {
			http.Header{
				"Ratelimit-Limit": {"60"}, "Ratelimit-Remaining": {"59"}, "Ratelimit-Reset": {"1782907205"},
				"Ratelimit-Name": {"throttle_unauthenticated"},
			},
			&RateLimit{Name: "throttle_unauthenticated", Limit: 60, Remaining: 59, Reset: time.Unix(1782907205, 0)},
		},
		"garbage": {
			http.Header{"Ratelimit-Limit": {"60"}, "Ratelimit-Remaining": {"x"}, "Ratelimit-Reset": {"x"}},
			&RateLimit{Limit: 60},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, readRateLimit(c.header))
		})
	}
}
