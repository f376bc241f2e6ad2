package program_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/examples/internal/program"
)

func TestTheTerminalIsLeftInPeace(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a?[31mb ü", program.Plain("a\x1b[31mb ü"))
}
