// What a plan could not be made for: it is part of the plan, so that who reviews
// it knows what it leaves out.

package fleet

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
)

// Unplanned is a runner that a plan says nothing about, because of an error.
type Unplanned struct {
	ID          int64  `json:"id,omitzero"` // 0 where it is not known
	Description string `json:"description"`
	Problem     string `json:"problem"`
	Err         error  `json:"-"` // what Problem says
}

// unplanned makes an Unplanned of an error.
func unplanned(id int64, description string, err error) Unplanned {
	return Unplanned{ID: id, Description: description, Problem: err.Error(), Err: err}
}

// LogValue shows the runner and the problem.
func (u Unplanned) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", u.ID), slog.String("description", u.Description),
		slog.String("problem", u.Problem))
}

// String returns one line.
func (u Unplanned) String() string {
	if u.ID == 0 {
		return fmt.Sprintf("not planned: %q: %s", u.Description, u.Problem)
	}
	return fmt.Sprintf("not planned: %d %q: %s", u.ID, u.Description, u.Problem)
}

// unplannedLines writes a line for each.
func unplannedLines(b *strings.Builder, all []Unplanned) {
	for _, u := range all {
		fmt.Fprintln(b, u)
	}
}

// missed returns the error of a plan for so many runners, or nil.
func missed(total int, all []Unplanned) error {
	if len(all) == 0 {
		return nil
	}
	e := &PartialError{Total: total}
	for _, u := range all {
		e.Errs = append(e.Errs, u.Err)
	}
	return e
}

// together returns the error of a plan together with that of what was done
// about it; either may be nil.
func together(done, plan error) error {
	if done == nil || plan == nil {
		return cmp.Or(done, plan)
	}
	return fmt.Errorf("%w; and in the plan: %w", done, plan)
}
