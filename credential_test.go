package runners_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

// TestBearerSource_manyCancelled: calls that wait for a credential that never
// comes end with their contexts, all of them, and leave nothing behind.
func TestBearerSource_manyCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := runners.BearerSource(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		c, err := runners.New("https://gitlab.test", source, &runners.Options{Transport: play()})
		require.NoError(t, err)
		var calls sync.WaitGroup
		for i := range 1000 {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%10+1)*time.Second)
				defer cancel()
				_, err := c.Runners.Get(ctx, 6)
				if ctx.Err() == nil || err == nil {
					t.Errorf("ended before its context: %v", err)
				}
			})
		}
		calls.Wait()
	})
}
