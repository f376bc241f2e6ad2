// Package proto stands in for the messages of a runner of CI steps.
package proto

import "google.golang.org/protobuf/types/known/structpb"

type ValueType int

const (
	ValueType_string ValueType = iota
	ValueType_boolean
	ValueType_array
)

type Spec struct{ Spec *Spec_Content }

func (s *Spec) GetSpec() *Spec_Content { return s.Spec }

type Spec_Content struct {
	Inputs map[string]*Spec_Content_Input
}

func (s *Spec_Content) GetInputs() map[string]*Spec_Content_Input { return s.Inputs }

type Spec_Content_Input struct {
	Type      ValueType
	Default   *structpb.Value
	Sensitive bool
}

func RegisterStepRunnerServer(_, _ any) {}
