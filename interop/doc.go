// Package interop has no code but tests: clients that others wrote for GitLab
// work with the pretended one, unchanged. They are GitLab's own Go client, and
// curl in the forms that GitLab's documentation shows.
//
// It is a module of its own, so that nobody who uses the library downloads
// them.
package interop
