// Values as answers show them.

package runnerstest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAppendTime holds what is written against what package time writes.
func TestAppendTime(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "null", string(appendTime(nil, time.Time{})))
	for _, at := range someTimes() {
		assert.Equal(t, at.UTC().Format(`"2006-01-02T15:04:05.000Z"`), string(appendTime(nil, at)))
	}
}

func TestAppendText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "plain", `a "quoted" \ text`, "\x00\n\x1f\x7f", "grün", "a\u2028b", "😀 after",
	} {
		var read string
		require.NoError(t, json.Unmarshal(appendText(nil, s), &read), "%q", s)
		assert.Equal(t, s, read)
	}
	assert.JSONEq(t, `"a�b"`, string(appendText(nil, "a\xffb")))
}
