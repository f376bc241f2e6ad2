// Package snowplow stands in for the billing of usage, which is off.
package snowplow

import (
	"github.com/prometheus/client_golang/prometheus"

	"gitlab.com/gitlab-org/labkit/v2/events/snowplow/metrics"
)

type SendResult struct {
	EventCount, StatusCode int
	Err                    error
}

type SendCallback func(successes, failures []SendResult)

type EmitterOption struct{}

func WithCallback(SendCallback) EmitterOption { return EmitterOption{} }

func WithTokenSource(any) EmitterOption { return EmitterOption{} }

func WithMetricsCollectorOptions(...metrics.CollectorOption) EmitterOption { return EmitterOption{} }

type Emitter struct{}

func NewEmitter(string, ...EmitterOption) (*Emitter, error) { panic("no usage is billed") }

func (*Emitter) Collector() prometheus.Collector { return nil }

type Tracker struct{}

func NewTracker(string, *Emitter) (*Tracker, error) { panic("no usage is billed") }

func (*Tracker) Stop() {}

func (*Tracker) TrackBillingEventWithOptionalInput(BillingEventRequiredInput, BillingEventOptionalInput) error {
	return nil
}

type BillingEventRequiredInput struct {
	Category, EventType, Realm, UnitOfMeasure string
	Quantity                                  float64
}

type BillingEventOptionalInput struct {
	Subject, DeploymentType, InstanceID, UniqueInstanceID   string
	ProjectID, NamespaceID, RootNamespaceID, OrganizationID int64
	Metadata                                                map[string]any
}
