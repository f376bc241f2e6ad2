// Package runners is a client for GitLab's Runners API, from the CI API of
// GitLab 8.0 to GitLab 19.1. Package runnerstest, beside it, is a GitLab to
// test against.
//
//	c, err := runners.New("https://gitlab.example.com", runners.PrivateToken(token), nil)
//	if err != nil {
//		return err
//	}
//	stale := &runners.ListOptions{Status: runners.StatusStale}
//	for r, err := range c.Runners.List(stale).All(ctx) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(r.ID, r.Description)
//	}
//
// # Services
//
// A [Client] has its methods in groups, as GitLab has its endpoints:
// [RunnersService] for runners as such, [ProjectsService] and [GroupsService]
// for those of a project or a group, [TokensService] for what a runner does
// with a token of its own, and [LegacyService] for GitLab 8 and 9. What is
// missing can be called with [Client.Do].
//
// # Options
//
// What a call needs is a parameter; everything else is a field of a struct
// that may be nil, is copied, and is never written to. The zero value of a
// field leaves GitLab's default. Where the zero value means something, the
// field is a pointer, set with new: Paused: new(true). Where null means
// something too, it is a [Nullable], set with [Value] or [Null].
//
// Enumerations are string types with constants for what GitLab documents;
// other values pass through.
//
// # Answers
//
// One set of types serves every version. What a version lacks is zero, or nil
// where zero could be mistaken: [Runner].Online is nil for a runner that never
// made contact. Unknown fields are ignored.
//
// # Lists
//
// A method that lists returns a [Listing] and sends nothing. [Listing.All]
// ranges over the rows, page by page; [Listing.Page] asks for one page;
// [Listing.Collect] returns all. Each use asks anew. An error is the last thing
// that a list yields.
//
// # Errors
//
// Every error is an [*Error], and matches at least one of the sentinels:
//
//	if errors.Is(err, runners.ErrNotFound) { … }
//
// or, where the context ended the call, the context's error. [Error.Fields] has
// what GitLab says about single parameters.
//
// # What is sent again
//
// Each endpoint has a [Class], and that, not the HTTP method, decides what is
// tried again. Reads, updates and deletes are; a delete that finds nothing
// after an attempt that may have worked is a success. Creating a runner,
// assigning one and resetting a token are sent again only if it is proven that
// nothing was done; else the error is [ErrOutcomeUnknown]. GitLab's Retry-After
// is obeyed, up to [Options].MaxWait, and so is its budget of requests, by all
// goroutines that share a client.
//
// # Secrets
//
// A [Token] shows itself to nobody but the caller of [Token.Reveal]. No error
// and no log has a token in it, and none is ever part of a URL. Tokens go only
// to the origin that the client was made for; redirects elsewhere are errors.
//
// # What it does not do
//
// It has no cache, no GraphQL and no other part of GitLab's API, and it sends
// no request that you did not ask for, but for retries and, on servers older
// than 14.8, the second one of [RunnersService.Pause].
package runners
