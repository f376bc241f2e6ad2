// Otel sweeps runners, as sweep-stale does, and shows the OpenTelemetry spans and
// metrics of it: of the runners on the GitLab at GITLAB_URL, as the user of
// GITLAB_TOKEN; or, where these are not set, on a fake GitLab that has its bad
// moments:
//
//	cd examples/otel && go run . -apply
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/fleet"
)

const usage = `Otel shows the spans and metrics of a sweep of your runners; without GITLAB_URL and GITLAB_TOKEN, of a fake GitLab's.

Usage: otel [flags]

It prints what an OpenTelemetry exporter would send, and sends nothing. Without
-apply it only plans, and changes nothing.

`

func main() { program.Main("otel", run) }

// choices are what the flags say.
type choices struct {
	all, apply bool
	days       int
}

func parse(args []string, log io.Writer) (choices, error) {
	var c choices
	flags := program.Flags("otel", usage, log)
	flags.BoolVar(&c.apply, "apply", false, "remove the runners; without it nothing is changed")
	flags.BoolVar(&c.all, "all", false, "look at all runners of the instance, as an administrator")
	flags.IntVar(&c.days, "days", 30, "for how many `days` nothing was heard of a runner")
	err := program.Parse(flags, args)
	switch {
	case err != nil:
	case c.days < 0:
		err = errors.New("-days cannot be negative")
	}
	return c, err
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c, err := parse(args, log)
	if err != nil {
		return err
	}
	// In place of these two, a service has exporters of its own.
	spans, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	t, err := newTelemetry(
		sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
		sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	)
	if err != nil {
		return err
	}
	gitlab, closeFake, err := connect(&runners.Options{
		Observe: t.observe, Logger: slog.New(spanLog{level: slog.LevelWarn}),
	}, log)
	if err != nil {
		return err
	}
	defer closeFake()
	plan, failed := c.sweep(ctx, t, gitlab)
	if plan != nil {
		fmt.Fprintln(out, plan)
	}
	return errors.Join(failed, show(ctx, out, spans.GetSpans(), reader))
}

// sweep is what the program is there for, in a span of its own. The calls that it
// makes are below that, since their context is its.
func (c choices) sweep(
	ctx context.Context, t *telemetry, gitlab *runners.Client,
) (*fleet.SweepPlan, error) {
	ctx, span := t.tracer.Start(ctx, "sweep")
	defer span.End()
	plan, err := fleet.Sweep(ctx, gitlab, program.List(gitlab, c.all, ""), &fleet.SweepOptions{
		OlderThan: time.Duration(c.days) * 24 * time.Hour, Apply: c.apply,
	})
	if plan != nil {
		span.SetAttributes(
			attribute.Int("fleet.runners", plan.Seen), attribute.Int("fleet.planned", len(plan.Items)),
			attribute.Int("fleet.unplanned", len(plan.Unplanned)),
		)
	}
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return plan, err
}
