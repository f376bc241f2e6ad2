// Emptying a runner: it is told to take no new jobs, and then one waits for
// those that it has.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-832548de/runners"
)

// DrainOptions are the choices of [Drain].
type DrainOptions struct {
	// SystemID names a runner manager: only its jobs are waited for. The whole
	// runner is paused, since GitLab cannot pause a single manager. Before
	// GitLab 17.1 all jobs of the runner are waited for.
	SystemID string

	// Interval is the time between two looks. The default is 10 seconds.
	Interval time.Duration

	// Timeout bounds the whole, beside the context. The default is no bound.
	Timeout time.Duration

	// ResumeOnFailure says to resume the runner where it does not get idle in
	// time, or where something else fails. A runner that was paused before
	// stays paused.
	ResumeOnFailure bool

	// Progress is called after each look that found jobs, or that failed.
	Progress func(DrainProgress)
}

// DrainProgress is what a look at a runner that drains found.
type DrainProgress struct {
	ID      int64
	Elapsed time.Duration

	// Jobs is how many jobs run; 0 where GitLab only says that there are some.
	Jobs int

	// Err is why the look failed, where another one may work.
	Err error
}

// LogValue shows the jobs, or the error.
func (p DrainProgress) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int64("id", p.ID), slog.Duration("elapsed", p.Elapsed)}
	if p.Err != nil {
		return slog.GroupValue(append(attrs, slog.Any("error", p.Err))...)
	}
	return slog.GroupValue(append(attrs, slog.Int("jobs", p.Jobs))...)
}

// Drained is what [Drain] did.
type Drained struct {
	ID        int64         `json:"id"`
	WasPaused bool          `json:"was_paused"` // before Drain began
	Idle      bool          `json:"idle"`       // no job runs, and none will
	Resumed   bool          `json:"resumed"`    // after a failure
	Elapsed   time.Duration `json:"elapsed"`    // nanoseconds
}

var (
	// ErrResumed is a runner that somebody resumed while it drained.
	ErrResumed = errors.New("resumed by somebody else")
	// ErrNoManager is a runner without a manager of the system id.
	ErrNoManager = errors.New("no such runner manager")
)

// Drain pauses a runner and waits until no job runs on it. It stays paused.
//
// A look that fails does not end the wait if another may work. What ends it is
// the time, with the context's error; a runner that is gone, with
// [runners.ErrNotFound]; one that is resumed by somebody else, with
// [ErrResumed]; and a missing right, with [runners.ErrForbidden]. Errors are
// a [*RunnerError].
//
// The caller needs the rights to update the runner and, before GitLab 18, to
// see its jobs. Jobs that are being canceled do not count, as with GitLab.
func Drain(ctx context.Context, c *runners.Client, id int64, o *DrainOptions) (*Drained, error) {
	d := &draining{
		Drained: Drained{ID: id}, gate: &gate{}, client: c, options: deref(o), began: time.Now(),
	}
	if d.options.Interval <= 0 {
		d.options.Interval = 10 * time.Second
	}
	if d.options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.options.Timeout)
		defer cancel()
	}
	err := d.pause(ctx)
	if err == nil {
		err = d.wait(ctx)
	}
	if err != nil && d.paused && d.options.ResumeOnFailure {
		err = d.resume(ctx, err)
	}
	d.Elapsed = time.Since(d.began)
	return &d.Drained, ofRunner(id, err)
}

// draining is the work of one [Drain].
type draining struct {
	Drained

	gate    *gate
	client  *runners.Client
	options DrainOptions
	began   time.Time
	paused  bool // by us, as far as we know
	known   bool // the manager was seen
}

func (d *draining) get(ctx context.Context) (*runners.RunnerDetails, error) {
	return get(ctx, d.client, d.gate, d.ID, false)
}

func (d *draining) pause(ctx context.Context) error {
	r, err := d.get(ctx)
	if err != nil {
		return err
	}
	if d.options.SystemID != "" {
		if _, err = d.managerStatus(ctx); err != nil {
			return err
		}
	}
	if d.WasPaused = r.IsPaused(); d.WasPaused {
		return nil
	}
	_, err = ask(ctx, d.gate, func(ctx context.Context) (*runners.RunnerDetails, error) {
		return d.client.Runners.Pause(ctx, d.ID)
	})
	d.paused = err == nil || passing(err) || ctx.Err() != nil
	return err
}

// settling is how long a request for a job may have been under way when the
// runner was paused.
const settling = time.Second

// wait looks at the runner until it is idle.
func (d *draining) wait(ctx context.Context) error {
	settled := d.WasPaused
	for {
		progress := DrainProgress{ID: d.ID}
		d.Idle, progress.Jobs, progress.Err = d.look(ctx)
		progress.Elapsed = time.Since(d.began)
		pause := about(d.options.Interval)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("not idle in time: %w", ctx.Err())
		case progress.Err != nil && !passing(progress.Err):
			return progress.Err
		case d.Idle && settled:
			return nil
		case d.Idle:
			settled, pause = true, settling
		case d.options.Progress != nil:
			d.options.Progress(progress)
		}
		if progress.Err != nil {
			d.gate = &gate{} // one that gave up stays closed
		}
		if err := sleep(ctx, pause); err != nil {
			d.Idle = false
			return fmt.Errorf("not idle in time: %w", err)
		}
	}
}

// look reports whether no job runs, and otherwise how many do, if GitLab says.
func (d *draining) look(ctx context.Context) (idle bool, jobs int, err error) {
	r, err := d.get(ctx)
	if err != nil {
		return false, 0, err
	}
	if !r.IsPaused() {
		return false, 0, ErrResumed
	}
	status := r.JobExecutionStatus
	if d.options.SystemID != "" {
		if status, err = d.managerStatus(ctx); err != nil {
			return false, 0, err
		}
	}
	if status != "" {
		return status == runners.ExecutionIdle, 0, nil
	}
	jobs, err = d.countJobs(ctx)
	return err == nil && jobs == 0, jobs, err
}

// managerStatus returns what the manager does, "" where GitLab does not say.
func (d *draining) managerStatus(ctx context.Context) (runners.JobExecutionStatus, error) {
	managers, err := ask(ctx, d.gate, func(ctx context.Context) ([]runners.RunnerManager, error) {
		return d.client.Runners.Managers(ctx, d.ID)
	})
	if errors.Is(err, runners.ErrNotFound) {
		return "", nil // GitLab shows no managers yet: the runner is there
	}
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(managers, func(m runners.RunnerManager) bool {
		return m.SystemID == d.options.SystemID
	})
	switch {
	case i >= 0:
		d.known = true
		return managers[i].JobExecutionStatus, nil
	case d.known:
		return runners.ExecutionIdle, nil // it went away
	default:
		return "", fmt.Errorf("%w: %q", ErrNoManager, d.options.SystemID)
	}
}

func (d *draining) countJobs(ctx context.Context) (int, error) {
	list := d.client.Runners.Jobs(d.ID, &runners.JobsOptions{
		Status: runners.JobRunning, SystemID: d.options.SystemID,
	})
	page, err := ask(ctx, d.gate, func(ctx context.Context) (*runners.Page[runners.Job], error) {
		return list.Page(ctx, 1)
	})
	if err != nil {
		return 0, err
	}
	if page.Total != nil {
		return *page.Total, nil
	}
	return len(page.Items), nil
}

// resuming bounds the resumption, which is not the context's any more.
const resuming = time.Minute

// resume lets the runner take jobs again, after a failure.
func (d *draining) resume(ctx context.Context, failure error) error {
	if errors.Is(failure, ErrResumed) || errors.Is(failure, runners.ErrNotFound) {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resuming)
	defer cancel()
	_, err := ask(ctx, &gate{}, func(ctx context.Context) (*runners.RunnerDetails, error) {
		return d.client.Runners.Resume(ctx, d.ID)
	})
	if d.Resumed = err == nil; d.Resumed {
		return failure
	}
	return fmt.Errorf("%w (and it was not resumed: %w)", failure, err)
}
