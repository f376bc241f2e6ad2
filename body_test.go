// How much of an answer's body is read.

package runners_test

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestBodyLimit: what is larger than the limit is not read to its end, be it a
// success or not; and no limit is too large.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		limit  int64
		most   int // bytes
	}{
		"success": {200, 1000, 4 << 10},
		"failure": {400, 1000, 68 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total, closed := 0, false
			s := play(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: c.status, Body: body{
					readFunc(func(p []byte) (int, error) {
						total += len(p)
						return copy(p, strings.Repeat("x", len(p))), nil
					}),
					func() { closed = true },
				}}, nil
			})
			_, err := client(t, s, &runners.Options{MaxBodyBytes: c.limit}).Runners.Get(t.Context(), 6)
			require.Error(t, err)
			assert.Equal(t, c.status == 200, errors.Is(err, runners.ErrResponseTooLarge))
			assert.LessOrEqual(t, total, c.most)
			assert.LessOrEqual(t, len(failure(t, err).Body), 64<<10)
			assert.True(t, closed)
		})
	}
	exact := play(reply(200, aRunner))
	for _, limit := range []int64{int64(len(aRunner)), math.MaxInt64} {
		_, err := client(t, exact, &runners.Options{MaxBodyBytes: limit}).Runners.Get(t.Context(), 6)
		require.NoError(t, err)
	}
	_, err := client(t, exact, &runners.Options{MaxBodyBytes: int64(len(aRunner)) - 1}).Runners.Get(t.Context(), 6)
	require.ErrorIs(t, err, runners.ErrResponseTooLarge)
}

type body struct {
	io.Reader

	close func()
}

func (b body) Close() error {
	b.close()
	return nil
}
