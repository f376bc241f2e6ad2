// Package runner stands in for what a runner of CI steps gives to its steps.
package runner

import (
	"context"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"gitlab.com/gitlab-org/step-runner/proto"
)

type Kind int

const (
	KindString Kind = iota
	KindBool
	KindList
)

type BuiltinResult struct{}

type BuiltinFunction interface {
	Spec() *proto.Spec
	Run(context.Context, BuiltinContext) (BuiltinResult, error)
}

type BuiltinContext interface {
	GetInput(string, Kind) (*structpb.Value, error)
	GetJobVars() map[string]*structpb.Value
	GetEnvs() map[string]string
	Pipe() (stdout, stderr io.Writer)
	WorkDir() string
	GracefulExitDelay() time.Duration
	ListenCancel(context.Context) (context.Context, context.CancelFunc)
}
