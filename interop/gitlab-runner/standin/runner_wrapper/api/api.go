// Package api stands in for the protocol of the wrapper command.
package api

import (
	"context"
	"errors"
)

type Status string

const (
	StatusUnknown    Status = "unknown"
	StatusRunning    Status = "running"
	StatusInShutdown Status = "in shutdown"
	StatusStopped    Status = "stopped"
)

func (s Status) String() string { return string(s) }

var ErrProcessNotInitialized = errors.New("process not initialized")

type ShutdownCallback interface{ Run(context.Context) }

type ShutdownCallbackDef interface {
	URL() string
	Method() string
}

type InitGracefulShutdownRequest interface{ ShutdownCallbackDef() ShutdownCallbackDef }

func NewShutdownCallback(any, ShutdownCallbackDef) ShutdownCallback { panic("nothing is wrapped") }
