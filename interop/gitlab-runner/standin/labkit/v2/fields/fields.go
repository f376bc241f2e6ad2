// Package fields stands in for names of fields in the program's log.
package fields

// The names of two fields in the program's own log.
const (
	HTTPStatusCode = "status"
	DurationS      = "duration_s"
)

// Deprecated and VariantVersion say which names have successors: none.
var (
	Deprecated     map[string]struct{ Standard string }
	VariantVersion map[string]int
)
