// Package runnerstest is a pretended GitLab for tests of programs that work
// with CI runners. It keeps state, and answers as GitLab does: with its roles
// and scopes, its errors, its pages, and the shapes of the version it plays.
//
// # In a minute
//
// A server for one test, and a client of its administrator. There are no
// sockets, and nothing to close:
//
//	srv := runnerstest.NewServer(t, nil)
//	client := srv.Client(t)
//
// A world to play in. What is left out is made up: ids, secrets, and the
// groups of a path:
//
//	app := srv.AddProject(runnerstest.Project{Path: "acme/app"})
//	r := srv.AddRunner(runnerstest.Runner{Projects: []int64{app.ID}})
//
// Somebody with fewer rights gets the errors that production would give:
//
//	mia := srv.ClientAs(t, srv.AddToken(runnerstest.AccessToken{User: "mia"}))
//	srv.AddMember(runnerstest.Member{
//		User: "mia", Project: app.ID, Role: runnerstest.Developer,
//	})
//	_, err := mia.Runners.Get(t.Context(), r.ID) // runners.ErrForbidden
//
// Time goes by when the test says so, and statuses and the ends of tokens
// follow:
//
//	srv.Advance(8 * 24 * time.Hour) // r is stale now
//
// Work waits until a runner asks for it, over POST /jobs/request:
//
//	srv.AddJob(runnerstest.Job{ProjectID: app.ID})
//
// Settings are changed in the state, where the instance's registration token
// stands, too. A group's and a project's are in what the Add methods return:
//
//	state := srv.Snapshot()
//	state.AllowRegistrationToken = new(false)
//	err = srv.Restore(state) // every registration ends in 410
//
// What goes wrong in production goes wrong here when the test says so: once or
// always, before GitLab has done its work or after ([Server.Fault]), by a rate
// limit ([Server.Limit]), or in whatever way ([Server.Handle]):
//
//	srv.Fault(runnerstest.On("POST /user/runners"), runnerstest.AfterCommit(),
//		runnerstest.Status(502)) // created, and the answer is lost
//
// Client, server and clock live in one bubble of [testing/synctest], where time
// passes when all wait: a test in which GitLab asks to come back in an hour
// (Retry-After: 3600) takes a few milliseconds. The example named Synctest is
// one.
//
// [Server.Requests] is the journal of what was asked, without secrets.
// [Server.HTTPClient] reaches the server in memory, by any host name;
// [Server.URL] opens a port on the loopback interface. [Server.Snapshot] and
// [Server.Restore] keep and bring back the whole state, in the format that
// [Options.Seed] reads.
//
// # Versions
//
// [Options.Version] chooses the GitLab to play, from 8.2.0 to the newest. The
// API is served below /api/v4 in every version, the CI API of GitLab 8 and 9
// below /ci/api/v1 (and /ci) until 10.0.
//
// # What is modelled
//
// Every route that [Routes] lists: the lists of runners with their filters and
// pages, details, updates, deletion, jobs, managers, projects, creation and
// registration, verification, authentication and registration tokens,
// assignment to projects, requests for jobs and reports on them, and who one
// is and on which version. CONTRACT.md beside the source lists the rules, each
// with the tests that hold it. Who may do what is one table, permissions; what
// begins and ends with which version is another, history:
//
//	go doc -u github.com/seed-832548de/runners/runnerstest.permissions
//
// # What is not modelled
//
// A route of these answers 501 with a sentence, and never a guess; a rule of
// these is as if it were off. What GitLab does not have answers 404.
//
//   - everything beside runners, and API v3
//   - builds of the CI API beyond those of a runner without work
//   - limits of single endpoints, such as that of requests for jobs
//   - fine-grained access tokens
//   - impersonation tokens, session cookies and deploy tokens
//   - organisations, and their read-only mode
//   - quoted segments in tag lists: every comma splits
//   - group maintainers in the list of one's own runners, as in old releases
//   - long polling: a request for a job is answered at once
//   - lost races for a job or a lock (409)
//   - the text of a job's log, and its artifacts
//   - forwarded addresses behind a proxy
//   - limits on the length of what a manager tells of itself
//   - prefixes of tokens that an instance chooses, and routable tokens
//   - redirects of moved groups, and of moved projects before 16.7
//   - GitLab older than 8.2
//
// # What is inferred
//
// No route was held against a real GitLab yet. Where its behaviour follows
// from what is known and is not known itself, the comment at that place begins
// with "inferred". Among such are the texts of a refused assignment, the
// answers to bodies that cannot be read, to a blank or long system id and to
// a cursor that GitLab did not make, and the releases that the version table
// marks as near.
package runnerstest
