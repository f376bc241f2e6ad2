// Package metrics stands in for the billing of usage's own metrics.
package metrics

type CollectorOption struct{}

func WithCollectorNamespace(string) CollectorOption { return CollectorOption{} }

func WithCollectorBatchDeliveryDurationBuckets([]float64) CollectorOption { return CollectorOption{} }
