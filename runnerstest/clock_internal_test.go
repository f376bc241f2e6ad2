// Times as the world keeps them.

package runnerstest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestInstant(t *testing.T) {
	t.Parallel()
	assert.Zero(t, instantOf(time.Time{}))
	assert.True(t, instant(0).time().IsZero())
	for _, at := range someTimes() {
		i := instantOf(at)
		assert.Equal(t, at.Truncate(time.Microsecond).UTC(), i.time())
		assert.Equal(t, i+1_000_000, instantOf(at.Add(time.Second)), at)
	}
}

func someTimes() []time.Time {
	zone := time.FixedZone("", -5*3600)
	return []time.Time{
		time.Unix(0, 0),
		time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2016, 1, 25, 16, 39, 48, 66_000_000, time.UTC),
		time.Date(2026, 11, 22, 23, 5, 9, 7_000_001, zone),
		time.Date(9999, 12, 31, 10, 0, 0, 999_999_000, zone),
	}
}
