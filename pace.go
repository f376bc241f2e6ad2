// When a request may be sent: one pacer for all calls of a client keeps to the
// budget of requests that GitLab tells of in its headers, and to the time that
// a refusal asks for.

package runners

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxHold is the longest that a client keeps to a time that a server named. A
// later one is taken for a mistake, such as one in milliseconds.
const maxHold = time.Hour

// A pacer says when requests may be sent.
type pacer struct {
	mu      sync.Mutex
	hold    time.Time        // until then, nothing is sent
	windows map[bool]*window // by whether the request is a runner token's own
	changed chan struct{}    // closed when an answer comes; nil if nobody waits
}

// A window is what is known of the period for which GitLab grants a number of
// requests. GitLab counts those of a user apart from those without one.
type window struct {
	reset int64     // its end by GitLab's clock, in seconds; names the period
	ends  time.Time // its end by ours; zero where the next one has begun
	size  int       // requests in a period; 0 where that is not known
	left  int       // requests, but for those on their way
	onWay int       // sent, and not answered
}

func newPacer() *pacer {
	return &pacer{windows: map[bool]*window{false: {}, true: {}}}
}

// A waitError is a wait for one's turn that was not begun, or not ended.
type waitError struct {
	reason string        // what GitLab said
	text   string        // why we do not wait
	wait   time.Duration // that it would have taken
	until  time.Time     // its end
	cause  error         // the context's, or nil
}

// Error returns why nothing was sent.
func (e *waitError) Error() string { return e.reason + ": " + e.text }

// What GitLab said, if requests have to wait.
const (
	reasonHold   = "GitLab asked to wait"
	reasonUsedUp = "GitLab's budget of requests is used up"
)

const (
	textTooLong  = "the wait asked for is longer than Options.MaxWait"
	textTooLate  = "no time is left to wait"
	textCanceled = "while waiting"
)

// A turn says whether a request may be sent, and if not, what to wait for.
type turn struct {
	granted bool
	reason  string
	until   time.Time       // zero where only an answer can tell
	changed <-chan struct{} // closed when there is an answer
}

// wait returns when a request may be sent, which has to be reported by done, and
// how long that took. It waits no longer than patience.
func (p *pacer) wait(ctx context.Context, own bool, patience time.Duration) (time.Duration, *waitError) {
	began := time.Now()
	latest := began.Add(patience)
	for now := began; ; now = time.Now() {
		t := p.ask(own, now)
		if t.granted {
			return now.Sub(began), nil
		}
		if e := t.fault(ctx, now, latest); e != nil {
			return now.Sub(began), e
		}
		if err := t.sleep(ctx, now, latest); err != nil {
			e := &waitError{reason: t.reason, text: textCanceled, wait: t.asked(now), until: t.until, cause: err}
			return time.Since(began), e
		}
	}
}

// fault says why the wait for a turn is not begun, or nil.
func (t turn) fault(ctx context.Context, now, latest time.Time) *waitError {
	e := &waitError{reason: t.reason, text: textTooLong, wait: t.asked(now), until: t.until}
	if t.until.After(latest) || !now.Before(latest) {
		return e
	}
	if deadline, ok := ctx.Deadline(); ok && t.until.After(deadline) {
		e.text, e.cause = textTooLate, context.DeadlineExceeded
		return e
	}
	return nil
}

// asked returns how long GitLab would have us wait, or 0 where it does not say.
func (t turn) asked(now time.Time) time.Duration { return max(0, t.until.Sub(now)) }

// sleep returns when it is time to ask again, or when the context ends.
func (t turn) sleep(ctx context.Context, now, latest time.Time) error {
	until := t.until
	if until.IsZero() {
		until = latest
	}
	timer := time.NewTimer(until.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.changed:
	case <-timer.C:
	}
	return nil
}

// ask grants a request its turn, or tells what to wait for.
func (p *pacer) ask(own bool, now time.Time) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.windows[own]
	w.roll(now)
	switch {
	case now.Before(p.hold):
		return turn{reason: reasonHold, until: p.hold}
	case w.free():
		w.onWay++
		return turn{granted: true}
	case w.left <= 0:
		return turn{reason: reasonUsedUp, until: w.ends}
	}
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return turn{reason: reasonUsedUp, changed: p.changed}
}

// roll begins the next period where the last one has ended: all of it is left,
// as far as we know.
func (w *window) roll(now time.Time) {
	if !w.ends.IsZero() && !now.Before(w.ends) {
		w.ends, w.left = time.Time{}, w.size
	}
}

// free reports whether the period has room for one more request. Each of those
// on their way may be counted in what is left, or not.
func (w *window) free() bool {
	unknown := w.ends.IsZero() && w.size == 0
	return unknown || w.left > w.onWay
}

// done reports what became of a request that had its turn. The answer is nil
// where none came.
func (p *pacer) done(own bool, a *answer, mayHaveSent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	w := p.windows[own]
	w.onWay--
	w.roll(now)
	switch {
	case a != nil:
		w.learn(a.header, now)
		p.obey(a, now)
	case mayHaveSent && !w.ends.IsZero():
		w.left-- // it may have been counted
	}
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// obey keeps the time until which a refusal asks to wait.
func (p *pacer) obey(a *answer, now time.Time) {
	if a.status != http.StatusTooManyRequests {
		return
	}
	if until := now.Add(min(askedWait(a.header, now), maxHold)); until.After(p.hold) {
		p.hold = until
	}
}

// learn reads what an answer says of the period. The lowest count of a period
// is the last one, in whatever order the answers arrive.
func (w *window) learn(h http.Header, now time.Time) {
	if h["Ratelimit-Remaining"] == nil {
		return
	}
	left, err := strconv.Atoi(h.Get("Ratelimit-Remaining"))
	reset, resetErr := strconv.ParseInt(h.Get("Ratelimit-Reset"), 10, 64)
	if err != nil || resetErr != nil {
		return
	}
	server := now
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		server = date
	}
	reset = min(reset, server.Add(maxHold).Unix())
	switch {
	case reset <= server.Unix(), reset < w.reset, reset == w.reset && w.ends.IsZero():
		return // that period is over
	case reset == w.reset:
		w.left = min(w.left, left)
	default:
		w.reset, w.left, w.size = reset, left, sizeOf(h, left)
		w.ends = now.Add(time.Unix(reset, 0).Sub(server))
	}
}

// sizeOf returns how many requests a period has. The header for that, unlike
// the others, counts by the minute, whatever the period.
func sizeOf(h http.Header, left int) int {
	if observed, err := strconv.Atoi(h.Get("Ratelimit-Observed")); err == nil && observed >= 0 {
		return max(left+observed, 0)
	}
	limit, _ := strconv.Atoi(h.Get("Ratelimit-Limit"))
	return max(limit, left, 0)
}
