// Package oidc stands in for how the billing of usage signs in.
package oidc

type Option struct{}

type Source struct{}

func NewSource(...Option) *Source            { return new(Source) }
func WithSkipIfUnsupportedCloud(bool) Option { return Option{} }
