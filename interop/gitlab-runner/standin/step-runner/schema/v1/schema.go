// Package schema stands in for how CI steps are written.
package schema

type StepInputs map[string]any

type Step struct {
	Name   *string
	Step   any
	Inputs StepInputs
	Run    []Step
}
