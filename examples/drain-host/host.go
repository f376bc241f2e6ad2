// One host: which runners work on it, and how they come to rest.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

// A host is the machine that is to be emptied.
type host struct {
	choices

	client *runners.Client
	out    io.Writer
	began  time.Time
	here   []fleet.Match // the runners that work on it

	mu     sync.Mutex // what follows is told by several runners at once
	log    io.Writer
	paused []int64 // ids of the runners that stay paused because of us
}

// find looks for the runners of the host, and says which they are.
func (h *host) find(ctx context.Context) error {
	list := h.client.Runners.List
	if h.all {
		list = h.client.Runners.ListAll
	}
	found, err := fleet.Find(ctx, h.client, list, &fleet.Query{SystemID: h.systemID})
	if partial, ok := errors.AsType[*fleet.PartialError](err); ok {
		for _, err := range partial.Errs {
			fmt.Fprintln(h.log, program.Plain(err.Error()))
		}
	}
	if err != nil {
		return err // one that could not be looked at may work here
	}
	if len(found) == 0 {
		return fmt.Errorf("no runner that you may manage works on %q", h.systemID)
	}
	h.here = found
	for _, m := range found {
		fmt.Fprintf(h.out, "runner %d, %s, works on %s%s\n",
			m.Runner.ID, program.Plain(m.Runner.Description), h.systemID, h.elsewhere(ctx, m.Runner.ID))
	}
	return nil
}

// elsewhere warns of the other hosts of a runner: pausing stops them, too.
func (h *host) elsewhere(ctx context.Context, id int64) string {
	managers, err := h.client.Runners.Managers(ctx, id)
	if err != nil {
		return "" // it is only a warning
	}
	var others []string
	for _, m := range managers {
		if m.SystemID != h.systemID && m.Status == runners.StatusOnline {
			others = append(others, program.Plain(m.SystemID))
		}
	}
	if others == nil {
		return ""
	}
	return fmt.Sprintf("; while it is paused, %s will take no new jobs either", strings.Join(others, ", "))
}

// drain waits until no job runs on the host, and says how it went.
func (h *host) drain(ctx context.Context) error {
	_, err := fleet.Each(ctx, h.here, h.drainRunner, &fleet.EachOptions{Concurrency: len(h.here)})
	if err != nil {
		h.hint("Not idle: leave the host running.")
		return err
	}
	h.hint(fmt.Sprintf("%s is idle after %s: it may go down.", h.systemID, h.sinceBegin()))
	return nil
}

// drainRunner waits for the jobs of one of the runners.
func (h *host) drainRunner(ctx context.Context, m fleet.Match) error {
	id := m.Runner.ID
	d, err := fleet.Drain(ctx, h.client, id, &fleet.DrainOptions{
		SystemID: h.systemID, Timeout: h.timeout, Interval: h.interval,
		ResumeOnFailure: !h.hold, Progress: h.progress,
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.WasPaused {
		fmt.Fprintf(h.log, "runner %d was paused before, and stays so\n", id)
	} else if !d.Resumed && (d.Idle || h.hold) {
		h.paused = append(h.paused, id)
	}
	if err == nil {
		fmt.Fprintf(h.log, "runner %d has no job left here\n", id)
	} else {
		fmt.Fprintln(h.log, program.Plain(err.Error()))
	}
	if d.Resumed {
		fmt.Fprintf(h.log, "runner %d takes jobs again\n", id)
	}
	return err
}

// progress tells, to who waits, for what.
func (h *host) progress(p fleet.DrainProgress) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what := "a job runs"
	switch {
	case p.Err != nil:
		what = fmt.Sprintf("no answer, and another look soon (%v)", p.Err)
	case p.Jobs == 1:
		what = "1 job runs"
	case p.Jobs > 1:
		what = fmt.Sprintf("%d jobs run", p.Jobs)
	}
	fmt.Fprintf(h.log, "%6s  runner %d: %s\n", h.sinceBegin(), p.ID, what)
}

func (h *host) sinceBegin() time.Duration { return time.Since(h.began).Round(time.Second) }

// hint prints the last lines: the verdict, and how to go back.
func (h *host) hint(verdict string) {
	fmt.Fprintln(h.out, verdict)
	var ids []string
	for _, id := range slices.Sorted(slices.Values(h.paused)) {
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	if ids != nil {
		fmt.Fprintf(h.out, "Afterwards: drain-host -resume %s\n", strings.Join(ids, ","))
	}
}
