// From what a client tells to spans and metrics. This is the file to take along.

package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-832548de/runners"
)

// scope names who measures.
const scope = "github.com/seed-832548de/runners/examples/otel"

// A telemetry turns calls into spans and metrics. Names that OpenTelemetry has a
// convention for are as it says.
type telemetry struct {
	tracer    trace.Tracer
	duration  metric.Float64Histogram // of calls, in seconds; its count is that of calls
	resent    metric.Int64Counter     // attempts after the first
	waited    metric.Float64Counter   // seconds between attempts, and for the rate limit
	remaining metric.Int64Gauge       // requests that GitLab grants in this period
	unknown   metric.Int64Counter     // calls that may have been done
}

func newTelemetry(traces trace.TracerProvider, meters metric.MeterProvider) (*telemetry, error) {
	meter := meters.Meter(scope)
	t := &telemetry{tracer: traces.Tracer(scope)}
	var errs [5]error
	t.duration, errs[0] = meter.Float64Histogram("http.client.request.duration", metric.WithUnit("s"))
	t.resent, errs[1] = meter.Int64Counter("gitlab.client.resends")
	t.waited, errs[2] = meter.Float64Counter("gitlab.client.wait.time", metric.WithUnit("s"))
	t.remaining, errs[3] = meter.Int64Gauge("gitlab.client.rate_limit.remaining")
	t.unknown, errs[4] = meter.Int64Counter("gitlab.client.outcome_unknown")
	return t, errors.Join(errs[:]...)
}

// observe is for runners.Options.Observe. It is called when a call has ended:
// the span begins in the past.
func (t *telemetry) observe(ctx context.Context, call runners.Call) {
	ended := time.Now()
	_, span := t.tracer.Start(ctx, call.Method+" "+call.Route, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(ended.Add(-call.Duration)))
	labels := attributes(call)
	span.SetAttributes(labels...)
	span.SetAttributes(
		attribute.Int("http.request.resend_count", max(0, call.Attempts-1)),
		attribute.Float64("gitlab.client.wait.time", call.Waited.Seconds()),
		attribute.String("gitlab.request_id", call.RequestID),
	)
	if call.AlreadyGone { // a delete whose first answer was lost: 404, and no error
		span.SetAttributes(attribute.Bool("gitlab.already_gone", true))
	}
	if call.Err != nil {
		span.SetStatus(codes.Error, call.Err.Error()) // without secrets, and without ids
	}
	span.End(trace.WithTimestamp(ended))
	t.measure(ctx, call, metric.WithAttributes(labels...))
}

func (t *telemetry) measure(ctx context.Context, call runners.Call, labels metric.MeasurementOption) {
	t.duration.Record(ctx, call.Duration.Seconds(), labels)
	t.resent.Add(ctx, int64(max(0, call.Attempts-1)))
	t.waited.Add(ctx, call.Waited.Seconds())
	if limit := call.RateLimit; limit != nil {
		t.remaining.Record(ctx, int64(limit.Remaining), metric.WithAttributes(attribute.String("name", limit.Name)))
	}
	lost := int64(0)
	if errors.Is(call.Err, runners.ErrOutcomeUnknown) {
		lost = 1
	}
	t.unknown.Add(ctx, lost) // also 0, so that there is something to watch
}

// attributes are what spans and metrics have in common. There are few values of
// each: a route is a template, such as /runners/{id}.
func attributes(call runners.Call) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("http.request.method", call.Method),
		attribute.String("url.template", call.Route),
	}
	if call.StatusCode != 0 {
		all = append(all, attribute.Int("http.response.status_code", call.StatusCode))
	}
	if call.Err != nil {
		all = append(all, attribute.String("error.type", errorType(call)))
	}
	return all
}

// errorType is a short word for what went wrong.
func errorType(call runners.Call) string {
	for _, kind := range []error{
		runners.ErrOutcomeUnknown, runners.ErrRateLimited, runners.ErrUnavailable,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(call.Err, kind) {
			return kind.Error()
		}
	}
	if call.StatusCode >= 400 {
		return strconv.Itoa(call.StatusCode)
	}
	return "other"
}

// A spanLog is a [slog.Handler] that makes records events of the span in whose
// context something is logged. The client logs each attempt that failed.
type spanLog struct {
	level slog.Level
	attrs []attribute.KeyValue
	group string
}

// Enabled reports whether records of a level become events.
func (l spanLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= l.level && trace.SpanFromContext(ctx).IsRecording()
}

// Handle makes a record an event.
func (l spanLog) Handle(ctx context.Context, r slog.Record) error {
	attrs := append([]attribute.KeyValue{attribute.String("level", r.Level.String())}, l.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, l.attribute(a))
		return true
	})
	trace.SpanFromContext(ctx).AddEvent(r.Message, trace.WithTimestamp(r.Time), trace.WithAttributes(attrs...))
	return nil
}

func (l spanLog) attribute(a slog.Attr) attribute.KeyValue {
	return attribute.String(l.group+a.Key, a.Value.Resolve().String())
}

// WithAttrs returns a handler that adds attributes.
func (l spanLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	own := l
	own.attrs = append([]attribute.KeyValue{}, l.attrs...)
	for _, a := range attrs {
		own.attrs = append(own.attrs, l.attribute(a))
	}
	return own
}

// WithGroup returns a handler that puts a name before those of attributes.
func (l spanLog) WithGroup(name string) slog.Handler {
	l.group = cmp.Or(l.group+name+".", l.group)
	return l
}
