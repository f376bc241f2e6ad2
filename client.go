// What a client is made of: where GitLab is, who we are, and the options.

package runners

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// The defaults of Options.
const (
	defaultMaxAttempts    = 4
	defaultAttemptTimeout = 30 * time.Second
	defaultMaxWait        = time.Minute
	defaultMaxBodyBytes   = 10 << 20
	defaultUserAgent      = "runners-go"
)

// Client speaks to one GitLab as one user. Make one with [New] or
// [NewFromEnv], and share it: all its methods may be called from many
// goroutines at once.
type Client struct {
	Runners  *RunnersService  // /runners and /user/runners
	Projects *ProjectsService // /projects/:id/runners
	Groups   *GroupsService   // /groups/:id/runners
	Tokens   *TokensService   // whatever a runner's own token authenticates
	Legacy   *LegacyService   // /ci/api/v1/runners, GitLab 8 and 9

	base     *url.URL // without a trailing slash, without /api/v4
	address  string   // base, written out
	renewal  renewal
	options  Options // every field set, but for the transport
	predates func(major, minor int) bool
	retries  *budget
	pace     *pacer
	header   http.Header // of every request
	bodies   *bodies

	// Functions, since a client that is printed shows what it points to: the
	// transport knows a proxy's password, and an Auth the token.
	authenticate func(*http.Request) error
	exchange     func(*http.Request) (*http.Response, error)
}

// Options are the choices a client can be made with. Each field's zero value
// stands for its default, and a nil *Options for all of them.
type Options struct {
	// HTTPClient brings a transport, a cookie jar and a redirect policy of
	// your own, for instance for a custom CA, client certificates or a proxy.
	// It is copied, never changed. Redirects that the client itself forbids
	// stay forbidden. Its Timeout, if shorter, takes the place of
	// AttemptTimeout.
	HTTPClient *http.Client

	// Transport brings only a transport. It is an error to set both.
	Transport http.RoundTripper

	// UserAgent is sent with each request. The default is "runners-go".
	UserAgent string

	// RequestID returns the X-Request-Id of a call, for instance one that the
	// context carries. GitLab logs it. Without it, or where it returns "" or
	// what no header can hold, GitLab makes one up.
	RequestID func(context.Context) string

	// MaxAttempts is how often one request is sent at most, the first time
	// included. The default is 4; 1 means no retries.
	MaxAttempts int

	// AttemptTimeout bounds each attempt, its answer's body included. The
	// default is 30 seconds. A context bounds the whole call.
	AttemptTimeout time.Duration

	// MaxWait is the longest wait before an attempt: for another try, or for
	// one's turn where GitLab says that its budget of requests is used up.
	// Where GitLab asks for a longer one, the call ends with [ErrRateLimited]
	// or [ErrUnavailable] at once. The default is one minute.
	MaxWait time.Duration

	// NoRetryBudget lets each call retry as often as MaxAttempts says. Without
	// it, all calls of a client share a budget of ten retries, which each
	// answer below 500 fills by a tenth of one, so that a GitLab in trouble is
	// not asked more often for it.
	NoRetryBudget bool

	// MaxBodyBytes bounds the body of an answer, to half of it where its length
	// is not told beforehand; and, with another MiB, the memory that it and the
	// values made of it take at a time. The default is 10 MiB.
	MaxBodyBytes int64

	// AllowInsecure permits sending tokens over plain http to a host other
	// than this one.
	AllowInsecure bool

	// GitLabVersion says which GitLab answers, such as "13.10", where that is
	// known. It saves [RunnersService.Pause] and [RunnersService.Resume] a
	// request on servers older than 14.8.
	GitLabVersion string

	// Logger gets one debug record for each attempt, and one warning for each
	// retry. The default logs nothing.
	Logger *slog.Logger

	// Observe is called at the end of each call, on its goroutine, also where
	// nothing was sent. The calls of a list that is read ahead have goroutines
	// of their own, and those that were made in vain end as cancelled.
	Observe func(context.Context, Call)
}

// New returns a client for the GitLab at baseURL.
//
// The URL may have a path, for GitLab below a relative root, and may end in
// /api/v4. A nil auth is an error; see [Anonymous]. Errors match [ErrInvalid].
func New(baseURL string, auth Auth, o *Options) (*Client, error) {
	base, err := parseBaseURL(baseURL)
	if err != nil {
		return nil, err
	}
	if fault := authFault(auth); fault != "" {
		return nil, invalid("token", fault)
	}
	options := deref(o)
	if err := options.setDefaults(); err != nil {
		return nil, err
	}
	predates, err := parseGitLabVersion(options.GitLabVersion)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, address: base.String(), options: options, predates: predates, bodies: &bodies{}}
	if _, none := auth.(anonymous); !none && !c.maySendTokens() {
		return nil, invalid("base URL", "a token would travel over plain http: "+
			"use https, or set Options.AllowInsecure")
	}
	c.header = http.Header{"Accept": {"application/json"}, "User-Agent": {options.UserAgent}}
	c.authenticate, c.exchange = auth.Authenticate, options.HTTPClient.Transport.RoundTrip
	c.options.Transport, c.options.HTTPClient.Transport = nil, nil
	c.renewal = newRenewal(auth)
	c.retries, c.pace = newBudget(options.NoRetryBudget), newPacer()
	c.Runners, c.Projects, c.Groups = &RunnersService{c}, &ProjectsService{c}, &GroupsService{c}
	c.Tokens, c.Legacy = &TokensService{c}, &LegacyService{c}
	return c, nil
}

// NewFromEnv returns a client for the GitLab at GITLAB_URL, or at
// CI_SERVER_URL where that is not set, with the access token in GITLAB_TOKEN.
func NewFromEnv(o *Options) (*Client, error) {
	baseURL := os.Getenv("GITLAB_URL")
	if baseURL == "" {
		baseURL = os.Getenv("CI_SERVER_URL")
	}
	if baseURL == "" {
		return nil, invalid("base URL", "neither GITLAB_URL nor CI_SERVER_URL is set")
	}
	token := os.Getenv("GITLAB_TOKEN")
	if token == "" {
		return nil, invalid("token", "GITLAB_TOKEN is not set")
	}
	return New(baseURL, PrivateToken(token), o)
}

// setDefaults checks the options and fills in what is not set.
func (o *Options) setDefaults() error {
	switch {
	case o.MaxAttempts < 0 || o.MaxAttempts > 100:
		return invalid("MaxAttempts", "not between 1 and 100")
	case o.AttemptTimeout < 0:
		return invalid("AttemptTimeout", "negative")
	case o.MaxWait < 0:
		return invalid("MaxWait", "negative")
	case o.MaxBodyBytes < 0:
		return invalid("MaxBodyBytes", "negative")
	case o.HTTPClient != nil && o.Transport != nil:
		return invalid("Transport", "set together with HTTPClient")
	case strings.ContainsFunc(o.UserAgent, isControl):
		return invalid("UserAgent", "has a control character")
	}
	setDefault(&o.MaxAttempts, defaultMaxAttempts)
	setDefault(&o.AttemptTimeout, defaultAttemptTimeout)
	setDefault(&o.MaxWait, defaultMaxWait)
	setDefault(&o.MaxBodyBytes, defaultMaxBodyBytes)
	setDefault(&o.UserAgent, defaultUserAgent)
	setDefault(&o.Logger, slog.New(slog.DiscardHandler))
	o.HTTPClient = o.httpClient()
	if t := o.HTTPClient.Timeout; t > 0 {
		o.AttemptTimeout = min(o.AttemptTimeout, t)
	}
	return nil
}

// setDefault sets *field where it is zero.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// httpClient returns an [http.Client] of our own with the caller's parts in it.
func (o *Options) httpClient() *http.Client {
	own := &http.Client{Transport: o.Transport}
	if o.HTTPClient != nil {
		*own = *o.HTTPClient
	}
	if own.Transport == nil {
		own.Transport = newTransport()
	}
	return own
}

// newTransport returns a transport with room for many calls at once: the
// default one keeps two idle connections and drops the others.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialFor(dialer.DialContext),
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// parseBaseURL reads and normalises a base URL. Its errors show nothing of it
// that could be a secret.
func parseBaseURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, invalid("base URL", "base URL is empty")
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, invalid("base URL", "not a URL")
	}
	if fault := baseURLFault(u); fault != "" {
		return nil, invalid("base URL", fault)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for strings.HasSuffix(path, "/api/v4") {
		path = strings.TrimRight(strings.TrimSuffix(path, "/api/v4"), "/")
	}
	root := url.URL{Scheme: u.Scheme, Host: u.Host}
	if u, err = url.Parse(root.String() + path); err != nil {
		return nil, invalid("base URL", "not a URL") // a zone that is no text
	}
	return u, nil
}

func baseURLFault(u *url.URL) string {
	switch {
	case u.User != nil:
		return "credentials in the URL are not allowed"
	case u.Scheme == "" || u.Host == "" && u.Opaque != "":
		return "no scheme: did you mean https://…?"
	case u.Scheme != "http" && u.Scheme != "https":
		return "unsupported scheme " + strconv.Quote(u.Scheme)
	case u.Hostname() == "":
		return "no host"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "a query or a fragment is not allowed"
	case hasDotSegment(u.Path):
		return "dot segments are not allowed"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "no port " + strconv.Quote(port)
		}
	}
	return ""
}

// maySendTokens reports whether a token may travel to the base URL.
func (c *Client) maySendTokens() bool {
	if c.base.Scheme == "https" || c.options.AllowInsecure {
		return true
	}
	host := strings.ToLower(c.base.Hostname())
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		err == nil && ip.IsLoopback()
}

// parseGitLabVersion returns a function that reports whether the server is
// known to be older than a version.
func parseGitLabVersion(s string) (func(major, minor int) bool, error) {
	if s == "" {
		return func(int, int) bool { return false }, nil
	}
	parts := strings.SplitN(s, ".", 3)
	major, err := strconv.Atoi(parts[0])
	if len(parts) < 2 || err != nil {
		return nil, invalid("GitLabVersion", "not like \"17.5\"")
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, invalid("GitLabVersion", "not like \"17.5\"")
	}
	return func(m, n int) bool { return major < m || major == m && minor < n }, nil
}

// Version is which GitLab answers.
type Version struct {
	Version  string `json:"version"`  // such as "17.5.0-ee"
	Revision string `json:"revision"` // the commit it was built from
}

// Version returns the version of GitLab.
//
// GitLab 8.13 or newer: [GET /version].
//
// [GET /version]: https://docs.gitlab.com/api/version/
func (c *Client) Version(ctx context.Context) (*Version, error) {
	return call[*Version](ctx, c, read("GET /version"), nil)
}

// Do calls an endpoint that this package does not have, with the client's
// credential, retries, errors and bounds.
//
// The path is relative to /api/v4 and URL-encoded, without a query. The class
// of the call follows from the method: GET and HEAD are repeated freely, PUT
// and DELETE with the same body, POST and PATCH never once they may have been
// done; others are [ErrInvalid]. A body, unless nil, is sent as JSON; out,
// unless nil, is what the answer is decoded into.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, body, out any) error {
	e := literal(method, path)
	e.query = query
	if out == nil {
		out = &none{}
	}
	return c.roundTrip(ctx, e, body, func(a *answer) error { return a.decode(out) })
}
