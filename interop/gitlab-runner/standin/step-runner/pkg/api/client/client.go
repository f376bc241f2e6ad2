// Package client stands in for requests to a runner of CI steps.
package client

import "time"

type Variable struct {
	Key, Value   string
	File, Masked bool
}

type RunRequest struct {
	Id, WorkDir, BuildDir, Steps string
	Timeout                      *time.Duration
	Env                          map[string]string
	Variables                    []Variable
}

type State int

func (State) String() string { return "" }

const (
	StateSuccess State = iota
	StateCancelled
)

type ErrorKind int

const (
	ErrorUnknown ErrorKind = iota
	ErrorInternal
	ErrorStepFailure
	ErrorCancelled
	ErrorTimeout
)

type Status struct {
	State     State
	Message   string
	ErrorKind ErrorKind
}
