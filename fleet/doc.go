// Package fleet has what bots do with runners, as small verbs over a client:
//
//   - [Each] does one thing to many, [Details] reads them all, [Find] looks
//     for some;
//   - [Drain] waits until a runner has no more jobs, [DeleteEverywhere] and
//     [Sweep] remove runners, one or all that nobody uses;
//   - a [Rotator] gives out new tokens and loses none;
//   - a [Watcher] tells what changes, and [Apply] makes it as it should be.
//
// What lists runners takes a list of the client's:
//
//	for d, err := range fleet.Details(ctx, c, c.Runners.List(nil), nil) { … }
//
// # Bounds
//
// Each verb ends with its context, makes a bounded number of calls at once, and
// reads a list to its end before it does anything to the runners in it, since
// GitLab's pages shift under who deletes.
//
// # What is done, and what only planned
//
// A verb that takes something away does so only where its options say Apply.
// Otherwise it returns what it would do, as a value to print, to marshal and to
// review.
//
// # Errors
//
// One runner's failure does not end the work on others. What was done is
// returned together with a [*PartialError], which has an error for each
// failure; most of those are a [*RunnerError]. With [errors.Is] they all match
// the sentinels of package runners.
//
// # Rate limits
//
// Where GitLab refuses a call for the number of calls, a verb holds back all
// of its calls for as long as GitLab asks, and then makes that call again. It
// gives up where that would take more than an hour, or longer than the context
// lasts, or where GitLab refuses again and again.
//
// # Seeing what happens
//
// Each call of a verb is one of the client's, so that runners.Options.Observe
// and Logger see it. Plans, reports and events are [log/slog] values.
package fleet
