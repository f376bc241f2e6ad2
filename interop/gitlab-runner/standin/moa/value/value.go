// Package value stands in for the values of job inputs.
package value

import "errors"

type Kind string

const (
	NullKind   Kind = "null"
	StringKind Kind = "string"
	NumberKind Kind = "number"
	BoolKind   Kind = "bool"
	ArrayKind  Kind = "array"
	ObjectKind Kind = "object"
)

var (
	ErrAttributeNotFound = errors.New("attribute not found")
	ErrInvalidKey        = errors.New("invalid key")
)

type Mapper any

type Value struct{ text string }

func (v Value) Kind() Kind             { return NullKind }
func (v Value) String() string         { return v.text }
func (v Value) WithMarks(uint16) Value { return v }
func (v Value) HasMarks(uint16) bool   { return false }

func Null() Value           { return Value{} }
func String(s string) Value { return Value{s} }
func Object(Mapper) Value   { return Value{} }
