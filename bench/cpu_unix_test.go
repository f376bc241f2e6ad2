//go:build unix

package bench_test

import (
	"syscall"
	"time"
)

// processorTime is what this process has spent so far, the collector's work
// included.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
