// Package gracefulexitcmd stands in for the commands of CI steps.
package gracefulexitcmd

import (
	"context"
	"os/exec"
	"time"
)

func New(ctx context.Context, _ time.Duration, name string, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, arguments...)
}
