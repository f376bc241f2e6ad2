// Deleting a runner for good, whatever it is assigned to.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/seed-832548de/runners"
)

// DeleteOptions are the choices of [DeleteEverywhere].
type DeleteOptions struct {
	// Apply says to delete the runner. Without it nothing is changed.
	Apply bool
}

// Project names a project that a runner is assigned to.
type Project struct {
	ID   int64  `json:"id"`
	Path string `json:"path_with_namespace"`
}

// DeletionState is how far a deletion came.
type DeletionState string

// The states of a deletion.
const (
	DeletionPlanned DeletionState = "planned" // it was not asked for
	DeletionFailed  DeletionState = "failed"  // the runner is still there
	Deleted         DeletionState = "deleted"
	AlreadyGone     DeletionState = "gone" // there was no such runner
)

// Deletion is what [DeleteEverywhere] does to a runner, or would do.
type Deletion struct {
	ID          int64              `json:"id"`
	Description string             `json:"description"`
	Type        runners.RunnerType `json:"runner_type"`

	// Projects are those that the runner is assigned to, as far as the caller
	// may see them. The first owns it.
	Projects []Project `json:"projects,omitzero"`

	// Unassigned are those from which it was taken. Where it could not be
	// deleted after that, they need to be given it back.
	Unassigned []Project `json:"unassigned,omitzero"`

	State DeletionState `json:"state"`
}

// LogValue shows the runner and what became of it.
func (d *Deletion) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", d.ID), slog.String("description", d.Description),
		slog.String("state", string(d.State)), slog.Int("unassigned", len(d.Unassigned)))
}

// DeleteEverywhere deletes a runner, if the options say Apply, and tells what
// it would delete otherwise. That there is no such runner is no error.
//
// GitLab lets only administrators delete a runner that serves several projects.
// For others, it is unassigned first from all but the project that owns it,
// which needs the Maintainer role in each. An error is a [*RunnerError]; the
// Deletion says how far it came.
func DeleteEverywhere(
	ctx context.Context, c *runners.Client, id int64, o *DeleteOptions,
) (*Deletion, error) {
	refuse := func(*runners.RunnerDetails) bool { return !deref(o).Apply }
	d, err := deleteUnless(ctx, c, &gate{}, id, refuse)
	return d, ofRunner(id, err)
}

// deleteUnless deletes a runner, unless refuse speaks against what is seen of
// it now.
func deleteUnless(
	ctx context.Context, c *runners.Client, g *gate, id int64,
	refuse func(*runners.RunnerDetails) bool,
) (*Deletion, error) {
	d := &Deletion{ID: id, State: DeletionPlanned}
	details, err := get(ctx, c, g, id, true)
	if errors.Is(err, runners.ErrNotFound) {
		d.State = AlreadyGone
		return d, nil
	}
	if err != nil {
		d.State = DeletionFailed
		return d, err
	}
	d.describe(details)
	if refuse(details) {
		return d, nil
	}
	err = d.delete(ctx, c, g)
	if errors.Is(err, runners.ErrForbidden) && len(d.Projects) > 1 {
		if err = d.unassign(ctx, c, g); err == nil {
			err = d.delete(ctx, c, g)
		}
	}
	return d, err
}

func (d *Deletion) describe(r *runners.RunnerDetails) {
	d.Description, d.Type = r.Description, r.RunnerType
	for _, p := range r.Projects {
		d.Projects = append(d.Projects, Project{p.ID, p.PathWithNamespace})
	}
}

func (d *Deletion) delete(ctx context.Context, c *runners.Client, g *gate) error {
	err := g.do(ctx, func() error { return c.Runners.Delete(ctx, d.ID) })
	switch {
	case err == nil:
		d.State = Deleted
	case errors.Is(err, runners.ErrNotFound):
		d.State = AlreadyGone
	default:
		d.State = DeletionFailed
		return err
	}
	return nil
}

// unassign takes the runner from all projects but one.
//
// GitLab lets it go from any but the last before 17.9, and from any but the
// owner since then. The owner should be the first in the list; if it is not, a
// refusal shows which one it is.
func (d *Deletion) unassign(ctx context.Context, c *runners.Client, g *gate) error {
	var kept []Project
	var refusal error
	for i, p := range slices.Backward(d.Projects) {
		if i == 0 && len(kept) == 0 {
			break
		}
		err := g.do(ctx, func() error { return c.Projects.Unassign(ctx, runners.ID(p.ID), d.ID) })
		switch {
		case err == nil || errors.Is(err, runners.ErrNotFound):
			d.Unassigned = append(d.Unassigned, p)
		case errors.Is(err, runners.ErrForbidden):
			kept, refusal = append(kept, p), err
		default:
			return err
		}
	}
	if len(kept) > 1 {
		return fmt.Errorf("%d projects keep it, the first is %s: %w", len(kept), kept[0].Path, refusal)
	}
	return nil
}
