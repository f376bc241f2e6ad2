// What is told of spans and metrics: a tree and a table.

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// show prints the spans, each below its parent, and then the metrics.
func show(ctx context.Context, out io.Writer, spans tracetest.SpanStubs, reader sdkmetric.Reader) error {
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	fmt.Fprint(out, "\nSpans\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	tree(table, spans, trace.SpanID{}, "  ")
	if err := table.Flush(); err != nil {
		return err
	}
	var metrics metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &metrics); err != nil {
		return err
	}
	fmt.Fprint(out, "\nMetrics\n")
	for _, scope := range metrics.ScopeMetrics {
		slices.SortFunc(scope.Metrics, func(a, b metricdata.Metrics) int { return cmp.Compare(a.Name, b.Name) })
		for _, m := range scope.Metrics {
			for _, line := range points(m) {
				fmt.Fprintf(table, "  %s%s\t%s\t%s\n", m.Name, unit(m), line.value, line.labels)
			}
		}
	}
	return table.Flush()
}

// tree prints the spans below one, and what happened in each.
func tree(out io.Writer, spans tracetest.SpanStubs, parent trace.SpanID, indent string) {
	for _, s := range spans {
		if s.Parent.SpanID() != parent {
			continue
		}
		took := s.EndTime.Sub(s.StartTime).Round(time.Millisecond)
		fmt.Fprintf(out, "%s%s\t%v\t%s\n", indent, s.Name, took, labels(s.Attributes, "http.request.method", "url.template"))
		if s.Status.Code == codes.Error {
			fmt.Fprintf(out, "%s  ! %s\n", indent, s.Status.Description)
		}
		for _, e := range s.Events {
			fmt.Fprintf(out, "%s  * %s\t%v\t%s\n", indent, e.Name, e.Time.Sub(s.StartTime).Round(time.Millisecond), labels(e.Attributes, "level"))
		}
		tree(out, spans, s.SpanContext.SpanID(), indent+"  ")
	}
}

// labels prints attributes, but for some, and for those that say nothing.
func labels(attrs []attribute.KeyValue, but ...string) string {
	var all []string
	for _, a := range attrs {
		value := a.Value.String()
		if a.Value.Type() == attribute.FLOAT64 {
			value = strings.TrimPrefix(fmt.Sprintf("%.3f", a.Value.AsFloat64()), "0.000")
		}
		if !slices.Contains(but, string(a.Key)) && value != "" && value != "0" {
			all = append(all, fmt.Sprintf("%s=%s", a.Key, value))
		}
	}
	return strings.Join(all, " ")
}

func unit(m metricdata.Metrics) string {
	if m.Unit == "" {
		return ""
	}
	return " (" + m.Unit + ")"
}

// A point is a value of a metric, and the attributes it is for.
type point struct{ value, labels string }

// points are the values of a metric, by their attributes.
func points(m metricdata.Metrics) []point {
	var all []point
	add := func(set attribute.Set, format string, values ...any) {
		all = append(all, point{fmt.Sprintf(format, values...), labels(set.ToSlice())})
	}
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%d calls, %.3f in all", p.Count, p.Sum)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%d", p.Value)
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%.3f", p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%d", p.Value)
		}
	}
	slices.SortFunc(all, func(a, b point) int { return cmp.Compare(a.labels, b.labels) })
	return all
}
