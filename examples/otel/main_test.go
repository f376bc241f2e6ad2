package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/fakegitlab"
	"github.com/seed-832548de/runners/fleet"
	"github.com/seed-832548de/runners/runnerstest"
)

// measured is a telemetry whose spans and metrics stay in memory, and a client
// that it observes.
type measured struct {
	*telemetry
	*runnerstest.Server
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
	client *runners.Client
}

func measure(t *testing.T) *measured {
	t.Helper()
	m := &measured{
		Server: runnerstest.NewServer(t, nil),
		spans:  tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader(),
	}
	var err error
	m.telemetry, err = newTelemetry(
		sdktrace.NewTracerProvider(sdktrace.WithSyncer(m.spans)),
		sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader)),
	)
	require.NoError(t, err)
	m.AddRunner(runnerstest.Runner{Description: "builder"})
	token := m.AddToken(runnerstest.AccessToken{User: "root"})
	m.client, err = runners.New("https://gitlab.test", runners.PrivateToken(token.Token), &runners.Options{
		HTTPClient: m.HTTPClient(), Observe: m.observe, Logger: slog.New(spanLog{level: slog.LevelWarn}),
	})
	require.NoError(t, err)
	return m
}

// metrics returns the points of the metrics by name.
func (m *measured) metrics(t *testing.T) map[string][]point {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(t.Context(), &all))
	require.Len(t, all.ScopeMetrics, 1)
	assert.Equal(t, scope, all.ScopeMetrics[0].Scope.Name)
	named := map[string][]point{}
	for _, metric := range all.ScopeMetrics[0].Metrics {
		named[metric.Name+unit(metric)] = points(metric)
	}
	return named
}

// of returns the attributes of a span as a map.
func of(s tracetest.SpanStub) map[attribute.Key]any {
	all := map[attribute.Key]any{}
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.AsInterface()
	}
	return all
}

// A refusal for the number of calls, a server error and a lost answer, as spans
// below one of our own, and as metrics.
func TestSpansAndMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := measure(t)
		m.Limit(600, time.Hour)
		m.Fault(runnerstest.On("GET /runners/{id}"), runnerstest.RateLimited("retry-after", 5*time.Second))
		m.Fault(runnerstest.On("POST /runners/{id}/reset_authentication_token"),
			runnerstest.AfterCommit(), runnerstest.Status(502))
		ctx, own := m.tracer.Start(t.Context(), "own")
		_, err := m.client.Runners.Get(ctx, 1)
		require.NoError(t, err)
		_, err = m.client.Runners.ResetToken(ctx, 1)
		require.ErrorIs(t, err, runners.ErrOutcomeUnknown)
		_, err = m.client.Runners.Get(ctx, 4711)
		require.ErrorIs(t, err, runners.ErrNotFound)
		own.End()

		spans := m.spans.GetSpans()
		require.Len(t, spans, 4)
		for _, s := range spans[:3] {
			assert.Equal(t, trace.SpanKindClient, s.SpanKind)
			assert.Equal(t, own.SpanContext().SpanID(), s.Parent.SpanID())
			assert.NotEmpty(t, of(s)["gitlab.request_id"])
		}
		got, reset, none := spans[0], spans[1], spans[2]
		assert.Equal(t, "GET /runners/{id}", got.Name)
		assert.Equal(t, 5*time.Second, got.EndTime.Sub(got.StartTime))
		assert.Equal(t, codes.Unset, got.Status.Code)
		assert.Subset(t, of(got), map[attribute.Key]any{
			"http.request.method": "GET", "url.template": "/runners/{id}", "http.response.status_code": int64(200),
			"http.request.resend_count": int64(1), "gitlab.client.wait.time": 5.0,
		})
		assert.Equal(t, codes.Error, reset.Status.Code)
		assert.Equal(t, err.Error(), none.Status.Description)
		assert.Equal(t, "outcome unknown", of(reset)["error.type"])
		assert.Equal(t, int64(502), of(reset)["http.response.status_code"])
		assert.Equal(t, "404", of(none)["error.type"])
		require.Len(t, spans[3].Events, 1, "what was tried again")
		assert.Equal(t, "gitlab request is tried again", spans[3].Events[0].Name)
		assert.Contains(t, labels(spans[3].Events[0].Attributes), "level=WARN method=GET route=/runners/{id} attempt=1 status=429 wait=5s")

		metrics := m.metrics(t)
		assert.Equal(t, []point{{"1", ""}}, metrics["gitlab.client.outcome_unknown"])
		assert.Equal(t, []point{{"1", ""}}, metrics["gitlab.client.resends"])
		assert.Equal(t, []point{{"5.000", ""}}, metrics["gitlab.client.wait.time (s)"])
		require.Len(t, metrics["gitlab.client.rate_limit.remaining"], 1)
		assert.Equal(t, "name=throttle_authenticated_api", metrics["gitlab.client.rate_limit.remaining"][0].labels)
		assert.Regexp(t, `^59\d$`, metrics["gitlab.client.rate_limit.remaining"][0].value)
		assert.Equal(t, []point{
			{"1 calls, 0.000 in all", "error.type=404 http.request.method=GET http.response.status_code=404 url.template=/runners/{id}"},
			{
				"1 calls, 0.000 in all", "error.type=outcome unknown http.request.method=POST " +
					"http.response.status_code=502 url.template=/runners/{id}/reset_authentication_token",
			},
			{"1 calls, 5.000 in all", "http.request.method=GET http.response.status_code=200 url.template=/runners/{id}"},
		}, metrics["http.client.request.duration (s)"])
	})
}

// A verb's calls are below the span in whose context it is called, also those of
// other goroutines.
func TestAVerbBelowASpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := measure(t)
		for range 250 {
			m.AddRunner(runnerstest.Runner{})
		}
		ctx, own := m.tracer.Start(t.Context(), "own")
		for _, err := range fleet.Details(ctx, m.client, m.client.Runners.ListAll(nil), nil) {
			require.NoError(t, err)
		}
		own.End()
		spans := m.spans.GetSpans()
		require.Len(t, spans, 3+251+1)
		for _, s := range spans[:254] {
			assert.Equal(t, own.SpanContext().SpanID(), s.Parent.SpanID())
		}
	})
}

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]runners.Call{
		"unavailable":      {Err: runners.ErrUnavailable},
		"context canceled": {Err: context.Canceled},
		"400":              {Err: runners.ErrInvalid, StatusCode: 400},
		"other":            {Err: runners.ErrInvalid},
	} {
		assert.Equal(t, want, errorType(call))
	}
}

func TestSpanLog(t *testing.T) {
	t.Parallel()
	m := measure(t)
	ctx, own := m.tracer.Start(t.Context(), "own")
	log := slog.New(spanLog{level: slog.LevelWarn})
	log.WithGroup("a").With("b", 1).WithGroup("c").WarnContext(ctx, "text", "d", errors.New("e"))
	log.InfoContext(ctx, "too quiet")
	log.WarnContext(t.Context(), "in no span")
	own.End()
	events := m.spans.GetSpans()[0].Events
	require.Len(t, events, 1)
	assert.Equal(t, "text", events[0].Name)
	assert.Equal(t, "level=WARN a.b=1 a.c.d=e", labels(events[0].Attributes))
}

func TestSweepsTheFake(t *testing.T) {
	t.Setenv("GITLAB_URL", "")
	t.Setenv("GITLAB_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		var out, log bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-apply"}, &out, &log))
		for _, want := range []string{
			`2 to remove, 0 to keep, of 5 runners\n`,
			`\n  sweep +\S+s +fleet\.runners=5 fleet\.planned=2\n`,
			`\n    \* gitlab request is tried again .*method=GET route=/runners attempt=1 status=429 wait=1s`,
			`\n    GET /runners +1\.?\d*s .*resend_count=1 gitlab\.client\.wait\.time=[12]\.\d+ `,
			`\n    DELETE /runners/\{id\} .*status_code=404 .*gitlab\.already_gone=true`,
			`\n  gitlab\.client\.resends +3 *\n`,
			`\n  http\.client\.request\.duration \(s\) +4 calls, 0\.\d+ in all +http\.request\.method=GET`,
		} {
			assert.Regexp(t, want, out.String())
		}
		assert.NotContains(t, out.String(), "glpat-")
		assert.Contains(t, log.String(), "made up")
	})
}

func TestWhatFailsIsShown(t *testing.T) {
	gitlab := runnerstest.NewServer(t, nil)
	gitlab.Fault(runnerstest.On("GET /runners/all"), runnerstest.Status(403))
	t.Setenv("GITLAB_URL", gitlab.URL())
	t.Setenv("GITLAB_TOKEN", gitlab.AddToken(runnerstest.AccessToken{User: "root"}).Token)
	var out, log bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-all"}, &out, &log), runners.ErrForbidden)
	assert.Regexp(t, `\n  sweep .*\n    ! .*403`, out.String())
	assert.Regexp(t, `\n    GET /runners/all .*error\.type=403`, out.String())
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"not defined":                {"-nonsense"},
		`unexpected argument "acme"`: {"acme"},
		"-days cannot be negative":   {"-days", "-1"},
	} {
		var out, log bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out, &log), want)
	}
}

// TestTheProgram runs it as its user does.
func TestTheProgram(t *testing.T) {
	t.Parallel()
	built, folder := fakegitlab.Build(t, "."), t.TempDir()
	binary := filepath.Join(built, "otel")
	out, log := fakegitlab.Run(t, folder, fakegitlab.Environment(), binary)
	assert.Regexp(t, `\n    GET /runners/\{id\} .*resend_count=1`, out)
	assert.Contains(t, log, "made up")
	fakegitlab.Help(t, folder, binary)

	url, token := fakegitlab.Start(t, built, "-fault", "GET /runners/all 502")
	out, log = fakegitlab.Run(t, folder, fakegitlab.Environment("GITLAB_URL="+url, "GITLAB_TOKEN="+token),
		binary, "-all", "-apply")
	assert.Contains(t, out, `remove 11 "forgotten"`)
	assert.Regexp(t, `\n    GET /runners/all .*resend_count=1`, out)
	assert.Regexp(t, `\n    DELETE /runners/\{id\} .*status_code=204`, out)
	assert.Empty(t, log)
}
