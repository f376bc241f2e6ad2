package runnerstest_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/seed-832548de/runners/runnerstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTimeJSON(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]runnerstest.Time{
		`null`:                       runnerstest.Never(),
		`"now"`:                      runnerstest.In(0),
		`"-5m"`:                      runnerstest.Ago(5 * time.Minute),
		`"-1h30m"`:                   runnerstest.Ago(90 * time.Minute),
		`"-100d"`:                    runnerstest.Ago(100 * day),
		`"+30d"`:                     runnerstest.In(30 * day),
		`"+1d1h1m1.5s"`:              runnerstest.In(day + time.Hour + time.Minute + 1500*time.Millisecond),
		`"-0.000000001s"`:            runnerstest.Ago(1),
		`"2024-10-17T08:00:00.000Z"`: runnerstest.At(time.Date(2024, 10, 17, 8, 0, 0, 0, time.UTC)),
		`"1000-01-01T00:00:00.001Z"`: runnerstest.At(time.Date(1000, 1, 1, 0, 0, 0, 1e6, time.UTC)),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got runnerstest.Time
			require.NoError(t, json.Unmarshal([]byte(text), &got))
			assert.Equal(t, want, got)
			data, err := json.Marshal(want)
			require.NoError(t, err)
			assert.Equal(t, text, string(data))
		})
	}
}

func TestTimeOtherSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]runnerstest.Time{
		`"2024-10-17T08:00:00Z"`:        runnerstest.At(time.Date(2024, 10, 17, 8, 0, 0, 0, time.UTC)),
		`"2024-10-17T10:00:00.5+02:00"`: runnerstest.At(time.Date(2024, 10, 17, 8, 0, 0, 5e8, time.UTC)),
		`"-90m"`:                        runnerstest.Ago(90 * time.Minute),
		`"-30s30s"`:                     runnerstest.Ago(time.Minute),
		`"-0d"`:                         runnerstest.In(0),
	} {
		var got runnerstest.Time
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.Equal(t, want, got, text)
	}
}

func TestBadTimes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`""`, `"-"`, `"+"`, `"5m"`, `"-5"`, `"-m"`, `"-5x"`, `"-5ms"`, `"-5m "`, `"--5m"`, `"-.5h"`, `"-5.h"`,
		`"-1.2.3s"`, `"-99999999999999999999s"`, `"-106752d"`, `"-100000d100000d"`, `"-5é"`, `"never"`,
		`"0000-00-00"`, `"0001-01-01T00:00:00Z"`, `"2024-10-17"`, `"2024-10-17 08:00:00Z"`, `"2024-10-17T08:00:00"`,
		`"2024-02-30T08:00:00Z"`, `"9999-12-31T23:59:59-23:00"`, `1729152000`, `true`, `{}`,
	} {
		assert.Error(t, json.Unmarshal([]byte(text), new(runnerstest.Time)), text)
	}
}

func TestTimeValues(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 10, 17, 10, 0, 0, 0, time.FixedZone("", 7200))
	assert.True(t, runnerstest.At(at).Time().Equal(at))
	assert.Equal(t, time.UTC, runnerstest.At(at).Time().Location())
	assert.Equal(t, runnerstest.Never(), runnerstest.At(time.Time{}))
	assert.True(t, runnerstest.Time{}.IsZero())
	assert.False(t, runnerstest.Never().IsZero())
	assert.True(t, runnerstest.Ago(time.Hour).Time().IsZero(), "no time yet")
	assert.Equal(t, "-1h", runnerstest.Ago(time.Hour).String())
	assert.Equal(t, "null", runnerstest.Time{}.String())
	assert.NotPanics(t, func() { _ = runnerstest.Ago(math.MinInt64).String() })
}
