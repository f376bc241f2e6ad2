// What is tried again, when, and what never: one call's attempts, over
// go-retryablehttp.

package runners

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// An outcome is what is known of one attempt when it has ended.
type outcome uint8

const (
	succeeded outcome = iota
	unsent            // nothing reached the server
	refused           // the server proved that it did nothing
	renewed           // the credential was renewed after a 401
	busy              // 408, 425: not taken up
	lost              // sent, and no answer
	failed            // an answer that leaves open what was done
	garbled           // a success whose body cannot be read
	spoiled           // a success that is not GitLab's
	hopeless          // another attempt would end alike
)

// again reports whether a request of this class is sent again after o.
func (o outcome) again(class Class) bool {
	switch o {
	case unsent, refused, renewed:
		return true
	case busy, lost, failed:
		return !class.once()
	case garbled:
		return class == ClassRead
	case succeeded, spoiled, hopeless:
		return false
	}
	return false
}

// doubtful reports whether, after o, the request may have been done.
func (o outcome) doubtful() bool {
	return o == lost || o == failed || o == garbled || o == spoiled
}

// A trip is one call: its attempts, and what is known of them.
type trip struct {
	client   *Client
	endpoint endpoint
	read     func(*answer) error
	began    time.Time

	reach       reach
	requestID   string // that the caller gave
	body        *body
	answer      *answer  // of the last attempt; nil without one
	secrets     []string // that were sent
	renewals    uint64   // of the credential, when the last attempt began
	attempts    int
	doubt       bool // an attempt may have been done
	alreadyGone bool
	reread      bool // an attempt was garbled
	renewed     bool // the credential was renewed for this call
	ended       bool
	vetoed      error // by the caller's own redirect policy
	wait        time.Duration
	resting     time.Time     // since when it waits for another attempt; zero if it does not
	waited      time.Duration // so far
	failure     *Error        // of the last attempt
}

// send makes attempts until one is final.
func (t *trip) send(ctx context.Context, address string, payload []byte) *Error {
	var sent any
	if payload != nil {
		sent = payload
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, t.endpoint.method, address, sent)
	if err != nil {
		return t.unsent(invalid("URL", "not a URL"))
	}
	req.Host = "" // RoundTrip sets it: with it, net/http would copy the URL
	t.requestID = t.ownRequestID(ctx)
	for _, token := range t.endpoint.tokens {
		t.secrets = append(t.secrets, token.Reveal())
	}
	loop := &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: t, CheckRedirect: t.checkRedirect, Jar: t.client.options.HTTPClient.Jar,
		},
		RetryMax:     t.client.options.MaxAttempts,
		CheckRetry:   t.check,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return t.wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	res, err := loop.Do(req)
	t.rested()
	if res != nil {
		_ = res.Body.Close() // in memory: it was read by RoundTrip
	}
	if !t.ended { // the context ended a wait
		t.failure = t.failure.because(err, "while waiting to try again")
	}
	return t.failure
}

// RoundTrip makes one attempt, and reads the answer's body with it, so that
// the same timeout and the same retries hold for both.
//
// It has no CloseIdleConnections, so that one failed call does not close the
// connections of others.
func (t *trip) RoundTrip(req *http.Request) (res *http.Response, err error) {
	pace, own := t.client.pace, t.endpoint.own
	t.rested()
	turn, late := pace.wait(req.Context(), own, t.client.options.MaxWait-t.wait)
	t.waited += turn
	if late != nil {
		return nil, late
	}
	t.answer = nil
	defer func() { pace.done(own, t.answer, t.mayHaveSent(err)) }()
	ctx, cancel := context.WithTimeout(req.Context(), t.client.options.AttemptTimeout)
	defer cancel()
	t.reach.reset()
	a := &attempt{Context: ctx}
	req = t.reach.follow(a, req, cancel) //nolint:contextcheck // it is ctx, and more
	req.Host = req.URL.Host
	req.Header = t.header(req.Header, req.Body != nil)
	if err = t.authenticate(req); err != nil {
		return nil, err
	}
	res, err = t.exchange(req)
	a.answered.Store(t.answer != nil)
	return res, err
}

// exchange sends the request and reads the answer.
func (t *trip) exchange(req *http.Request) (*http.Response, error) {
	res, err := t.client.exchange(req)
	if err != nil || res == nil {
		return nil, err
	}
	if res.Body == nil {
		res.Body = http.NoBody
	}
	t.answer = &answer{status: res.StatusCode, header: res.Header, limit: t.client.options.MaxBodyBytes}
	t.answer.body, err = t.readBody(res)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = http.NoBody
	return res, nil
}

// An authError is a credential that could not be had.
type authError struct{ error }

func (e authError) Unwrap() error { return e.error }

// authenticate adds the client's credential, unless the endpoint has its own.
func (t *trip) authenticate(req *http.Request) error {
	defer func() { t.secrets = appendCredentials(t.secrets, req.Header) }()
	if t.endpoint.own {
		return nil
	}
	var err error
	if t.client.renewal.refresh != nil {
		if t.renewals, err = t.client.renewal.count(req.Context()); err != nil {
			return authError{err}
		}
	}
	if err = t.client.authenticate(req); err != nil {
		return authError{err}
	}
	return nil
}

// minSecret is the length from which on the value of any header that is not
// our own is taken for a secret.
const minSecret = 8

// appendCredentials adds what stands for who we are in a request's headers:
// those of GitLab, and whatever an Auth or a cookie jar may have added.
func appendCredentials(all []string, h http.Header) []string {
	for name, values := range h {
		for _, value := range values {
			switch name {
			case "Accept", "User-Agent", "Content-Type", "If-Unmodified-Since", "X-Request-Id":
			case "Private-Token", "Authorization", "Job-Token":
				if secret := value[strings.LastIndexByte(value, ' ')+1:]; secret != "" {
					all = append(all, secret)
				}
			default:
				all = append(all, longParts(value)...)
			}
		}
	}
	return all
}

// longParts returns the parts of a header that may be secrets.
func longParts(value string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(value, isSeparator),
		func(part string) bool { return len(part) < minSecret })
}

// isSeparator reports whether r stands between a secret and its name or scheme.
func isSeparator(r rune) bool { return r == ' ' || r == ';' || r == '=' }

// maxRedirects is how many redirects of a GET are followed.
const maxRedirects = 5

// checkRedirect follows GETs within the origin, as far as the caller's own
// policy does, too.
func (t *trip) checkRedirect(req *http.Request, via []*http.Request) error {
	if t.endpoint.method != http.MethodGet || len(via) > maxRedirects ||
		!sameOrigin(req.URL, t.client.base) {
		return http.ErrUseLastResponse
	}
	own := t.client.options.HTTPClient.CheckRedirect
	if own == nil {
		return nil
	}
	err := own(req, via)
	if !errors.Is(err, http.ErrUseLastResponse) {
		t.vetoed = err
	}
	return err
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) &&
		portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// check is go-retryablehttp's question whether to try again. The wait is
// decided here as well, since this is where the context is at hand.
func (t *trip) check(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if late, ok := errors.AsType[*waitError](err); ok {
		t.giveUp(late)
		return false, nil
	}
	t.attempts++
	if t.answer != nil && t.answer.status < http.StatusInternalServerError {
		t.client.retries.refund()
	}
	o := t.judge(ctx, err)
	if logger := t.client.options.Logger; logger.Enabled(ctx, slog.LevelDebug) {
		logger.LogAttrs(ctx, slog.LevelDebug, "gitlab request", t.attributes()...)
	}
	t.doubt = t.doubt || o.doubtful()
	t.ended = !t.tryAgain(ctx, o)
	if !t.ended {
		t.client.options.Logger.LogAttrs(ctx, slog.LevelWarn, "gitlab request is tried again",
			append(t.attributes(), slog.Duration("wait", t.wait),
				slog.String("cause", t.failure.Message))...)
		t.resting = time.Now()
	}
	return !t.ended, nil
}

// rested adds up a wait for another attempt, if there was one.
func (t *trip) rested() {
	if !t.resting.IsZero() {
		t.waited += time.Since(t.resting)
		t.resting = time.Time{}
	}
}

// tryAgain decides on another attempt and on the wait before it.
func (t *trip) tryAgain(ctx context.Context, o outcome) bool {
	class, limit := t.endpoint.class, t.client.options.MaxAttempts
	if !o.again(class) || t.attempts >= limit && o != renewed || o == garbled && t.reread {
		return false
	}
	t.reread = t.reread || o == garbled
	if o == renewed {
		t.wait = 0
		return true
	}
	longest := t.client.options.MaxWait
	t.wait = max(min(backoff(t.attempts), longest), t.failure.RetryAfter)
	if t.wait > longest {
		t.failure = t.failure.because(nil, textTooLong)
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Now().Add(t.wait).After(deadline) {
		t.failure = t.failure.because(context.DeadlineExceeded, "no time is left to wait and try again")
		return false
	}
	if !t.mayRetry() {
		t.failure = t.failure.because(nil, "not retried: client retry budget empty")
		return false
	}
	return true
}

// mayRetry reports whether the client's budget has room for another attempt.
// One for which the server itself named the time costs nothing, unless the
// server is in trouble.
func (t *trip) mayRetry() bool {
	if t.answer != nil && t.answer.status == http.StatusTooManyRequests && t.failure.RetryAfter > 0 {
		return true
	}
	return t.client.retries.spend()
}

// giveUp ends the call before another attempt, because of the wait for it.
func (t *trip) giveUp(late *waitError) {
	t.ended = true
	if t.failure == nil {
		t.failure = t.unsent(&Error{Message: "not sent: " + late.reason})
		t.failure = t.failure.because(late.cause, late.text)
	} else {
		t.failure = t.failure.because(late.cause, late.Error())
	}
	t.failure.kinds = append(t.failure.kinds, ErrRateLimited)
	if late.until.After(t.failure.ResetAt) {
		t.failure.RetryAfter, t.failure.ResetAt = late.wait, late.until
	}
}

// The bounds of the waits that the server does not ask for.
const (
	minBackoff = 200 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// backoff returns a random wait below a bound that doubles with each attempt.
func backoff(attempt int) time.Duration {
	bound := min(maxBackoff, minBackoff<<min(attempt-1, 10))
	return rand.N(bound) + time.Millisecond
}

// attributes are what a log record says of an attempt.
func (t *trip) attributes() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", t.endpoint.method),
		slog.String("route", t.endpoint.route),
		slog.Int("attempt", t.attempts),
	}
	if t.answer != nil {
		attrs = append(attrs, slog.Int("status", t.answer.status))
	}
	return attrs
}

// judge finds out what became of an attempt, and keeps why it failed.
func (t *trip) judge(ctx context.Context, err error) outcome {
	t.failure = nil
	var o outcome
	switch {
	case t.answer == nil:
		o = t.judgeLoss(ctx, err)
	case t.answer.status >= http.StatusMultipleChoices:
		o = t.judgeStatus(ctx)
		if end := contextEnd(err); end != nil && t.failure != nil {
			t.failure = t.failure.because(end, "while its body was read")
		}
	default:
		o = t.judgeSuccess(ctx, err)
	}
	if t.failure != nil {
		t.complete(o)
	}
	return o
}

// contextEnd returns the error of the context that ended an attempt, or nil.
func contextEnd(err error) error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return end
		}
	}
	return nil
}

// complete fills in what every failure of the trip has in common.
func (t *trip) complete(o outcome) {
	f := t.failure
	f.Method, f.Route, f.Class = t.endpoint.method, t.endpoint.route, t.endpoint.class
	f.Attempts, f.Phase = t.attempts, PhaseAnswered
	if t.answer != nil {
		f.StatusCode, f.RequestID = t.answer.status, t.answer.header.Get("X-Request-ID")
	} else if f.Phase = PhaseSent; o == unsent || !t.mayHaveSent(f.cause) {
		f.Phase = PhaseNotSent
	}
	f.scrub(t.secrets)
	if f.Class.once() && o.doubtful() {
		f.kinds = append(f.kinds, ErrOutcomeUnknown)
		f.Message += " (outcome unknown: " + t.endpoint.wayOut() + ")"
		f.created = t.endpoint.creates
	}
}

// judgeLoss judges an attempt that brought no answer.
func (t *trip) judgeLoss(ctx context.Context, err error) outcome {
	t.failure = &Error{cause: bare(err), kinds: []error{ErrUnavailable}}
	if t.reach.turnedAway() && ctx.Err() == nil {
		t.failure.cause = errTurnedAway
	}
	text := t.failure.cause.Error()
	var auth authError
	switch {
	case errors.As(err, &auth):
		t.failure.kinds = []error{ErrUnauthorized}
		if ctx.Err() != nil {
			t.failure.kinds = nil
		}
		t.failure.Message = "no credential: " + text
		return hopeless
	case t.mayHaveSent(err):
		return t.judgeSilence(ctx, text)
	}
	t.failure.Message = "not sent: " + text
	if ctx.Err() != nil {
		t.failure.kinds, t.failure.cause = nil, ctx.Err()
		return hopeless
	}
	if badCertificate(err) {
		t.failure.kinds = []error{ErrTLS, ErrUnavailable}
		t.failure.Message = "not sent: " + t.client.base.Host + ": " + text
		return hopeless
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return hopeless
	}
	return unsent
}

// judgeSilence judges a request that may have been sent, and has no answer.
func (t *trip) judgeSilence(ctx context.Context, text string) outcome {
	t.failure.Message = "no answer: " + text
	switch {
	case ctx.Err() != nil:
		t.failure.kinds, t.failure.cause = nil, ctx.Err()
	case outgrown(text):
		t.failure.kinds = append(t.failure.kinds, ErrResponseTooLarge, ErrUnexpectedResponse)
	default:
		return lost
	}
	return ended(t.endpoint.class)
}

// mayHaveSent reports whether something of the request may have reached the
// server, though no answer came.
func (t *trip) mayHaveSent(err error) bool {
	if err == nil {
		return true
	}
	var op *net.OpError
	var auth authError
	dialling := errors.As(err, &op) && op.Op == "dial"
	proven := dialling || errors.As(err, &auth) || errors.Is(err, errTurnedAway)
	return !proven && t.reach.mayHaveSent()
}

// ended is the outcome of an attempt that was sent and is the last one, be it
// because the caller's context has ended.
func ended(class Class) outcome {
	if class.once() {
		return lost
	}
	return hopeless
}

// outgrown reports whether an answer's head went past the transport's bounds:
// another would, too. net/http tells it by the text only.
func outgrown(text string) bool {
	return strings.Contains(text, "server response headers exceeded")
}

// bare takes off what net/http wraps an error in: it shows the whole URL.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// badCertificate reports whether the server could not prove who it is.
func badCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		record       tls.RecordHeaderError
		op           *net.OpError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &hostname) || errors.As(err, &record) ||
		errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &op) && op.Op == "remote error" // what crypto/tls calls an alert
}

// judgeSuccess judges a 2xx by whether its body can be read.
func (t *trip) judgeSuccess(ctx context.Context, err error) outcome {
	if err == nil && t.answer.status < http.StatusOK {
		err = errStatus
	}
	if err == nil {
		err = t.read(t.answer)
	}
	if err == nil {
		return succeeded
	}
	t.failure = &Error{Message: bare(err).Error(), kinds: []error{ErrUnexpectedResponse}, cause: bare(err)}
	var stranger strangeAnswerError
	switch {
	case ctx.Err() != nil:
		t.failure.kinds, t.failure.cause = nil, ctx.Err()
		return spoiled
	case errors.Is(err, errTooLarge), errors.Is(err, errTooMuch):
		t.failure.kinds = []error{ErrResponseTooLarge, ErrUnexpectedResponse}
		return spoiled
	case errors.As(err, &stranger):
		return spoiled
	default:
		return garbled
	}
}

// judgeStatus judges an answer that is not a success.
func (t *trip) judgeStatus(ctx context.Context) outcome {
	a := t.answer
	t.failure = &Error{kinds: statusKinds(a.status)}
	if a.status < http.StatusBadRequest {
		t.failure.Message = t.redirectMessage(a.header.Get("Location"))
		if t.vetoed != nil {
			t.failure = t.failure.because(t.vetoed, t.vetoed.Error())
		}
		return hopeless
	}
	t.failure.readErrorBody(a.body)
	now := time.Now()
	if wait := askedWait(a.header, now); wait > 0 {
		t.failure.RetryAfter, t.failure.ResetAt = wait, now.Add(wait)
	}
	switch {
	case t.isGone():
		t.failure, t.alreadyGone = nil, true
		return succeeded
	case a.status == http.StatusUnauthorized:
		return t.renew(ctx)
	case a.status == http.StatusTooManyRequests, t.isMaintenance():
		return refused
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		return busy
	case a.status == http.StatusNotImplemented, a.status == http.StatusHTTPVersionNotSupported:
		return hopeless
	case a.status >= http.StatusInternalServerError:
		return failed
	case a.status == http.StatusGone && t.endpoint.class == ClassCreate && t.endpoint.own:
		t.failure.Message += "; use Runners.Create (POST /user/runners)"
	}
	return hopeless
}

// isGone reports whether a delete found nothing, after an attempt that may
// have worked.
func (t *trip) isGone() bool {
	gone := t.answer.status == http.StatusNotFound || t.answer.status == t.endpoint.goneToo
	return t.endpoint.class == ClassDelete && t.doubt && gone
}

// isMaintenance reports whether GitLab itself, and not something before it,
// refused a write for now.
func (t *trip) isMaintenance() bool {
	return t.answer.status == http.StatusServiceUnavailable && t.answer.header.Get("Retry-After") != "" &&
		json.Valid(t.answer.body) && maintenance.MatchString(t.failure.Message)
}

var maintenance = regexp.MustCompile(`(?i)read-only|maintenance`)

// renew renews the credential after a 401, once in a call.
func (t *trip) renew(ctx context.Context) outcome {
	if t.renewed || t.endpoint.own || t.client.renewal.refresh == nil {
		return hopeless
	}
	t.renewed = true
	ctx, cancel := context.WithTimeout(ctx, t.client.options.AttemptTimeout)
	defer cancel()
	if err := t.client.renewal.renew(ctx, t.renewals); err != nil {
		t.failure.cause = err
		t.failure.Message += " (and the credential was not renewed: " + err.Error() + ")"
		return hopeless
	}
	return renewed
}

// redirectMessage names the origin that an answer points to, and no more of it.
func (t *trip) redirectMessage(location string) string {
	u, err := t.client.base.Parse(location)
	var target string
	switch {
	case location == "" || err != nil:
		target = "nowhere"
	case sameOrigin(u, t.client.base):
		target = "another path"
	default:
		origin := url.URL{Scheme: u.Scheme, Host: u.Host}
		target = origin.String()
	}
	return "redirected to " + target + ": check the base URL, http or https too"
}

// because adds to an error what kept it from being mended.
func (e *Error) because(err error, text string) *Error {
	e.Message += " (" + text + ")"
	e.cause = errors.Join(e.cause, err)
	return e
}
