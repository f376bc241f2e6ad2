// Package runnerstest is a pretended GitLab for tests of programs that work
// with CI runners. It keeps state, and answers as GitLab does: with its roles
// and scopes, its errors, its pages, and the shapes of the version it plays.
//
//	srv := runnerstest.NewServer(t, nil) // ends with the test
//	client := srv.Client(t)              // an administrator, no sockets
//
// [Server.HTTPClient] reaches it in memory; [Server.URL] opens a port on the
// loopback interface. [Server.Advance] moves its clock, which statuses and the
// ends of tokens follow. [Server.Requests] is the journal of what it was
// asked, without secrets.
//
// # Versions
//
// [Options.Version] chooses the GitLab to play, from 8.2.0 to the newest. The
// API is served below /api/v4 in every version, the CI API of GitLab 8 and 9
// below /ci/api/v1 (and /ci) until 10.0.
//
// # What is not played
//
// Parts of GitLab's API that this server does not play answer 501 with a
// sentence, and never a guess. Among them: everything beside runners, API v3,
// the builds of the CI API, rate limits, moved projects, fine-grained tokens
// and organisations. What GitLab does not have answers 404.
//
// No route was ever held against a real GitLab. Where its behaviour is
// inferred and not known, the comment at that place says so.
package runnerstest
