// Package interop has no code but tests: clients that others wrote for GitLab
// work with the pretended one, unchanged. They are GitLab's own Go client,
// libraries for Python, Ruby, Perl and JavaScript with their command lines,
// and curl in the forms that GitLab's documentation shows. The official runner
// program has a module of its own in the folder gitlab-runner.
//
// It is a module of its own, so that nobody who uses the library downloads
// them. README.md says what to install.
package interop
