// Package di stands in for the assembly of a runner of CI steps.
package di

import "log/slog"

type Container struct{}

func NewContainer(...func(*Container)) *Container { return new(Container) }

func (*Container) StepRunnerService() (any, error)     { panic("no job has steps") }
func WithBuiltinFunc(string, any) func(*Container)     { return nil }
func WithOperatorLogger(*slog.Logger) func(*Container) { return nil }
