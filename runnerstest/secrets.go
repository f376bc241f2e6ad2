// The secrets that the server makes, in the forms that its version gives them.
// They come from a seeded source, and say "fake" where their form allows it.

package runnerstest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/internal/tokenform"
)

// The alphabets of secrets. GitLab's friendly one avoids what looks alike.
const (
	friendly    = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789-_sxyz"
	hexadecimal = "0123456789abcdef"
)

// random returns n characters of an alphabet, after a prefix.
func (w *world) random(prefix, alphabet string, n int) string {
	if w.rng == nil {
		w.rng = rand.New(rand.NewPCG(w.randSeed, 0x66616b65))
	}
	var b strings.Builder
	b.Grow(len(prefix) + n)
	b.WriteString(prefix)
	for range n {
		b.WriteByte(alphabet[w.rng.IntN(len(alphabet))])
	}
	return b.String()
}

// unused makes secrets until one is new.
func (w *world) unused(secret func() string) string {
	for {
		if s := secret(); !w.holdsSecret(s) {
			w.noteSize(s)
			return s
		}
	}
}

// fake returns the body of a secret of 20 friendly characters.
func (w *world) fake() string { return w.random("fake", friendly, 16) }

// newRunnerToken makes an authentication token for r, which says whether r was
// created by a user or registered.
func (w *world) newRunnerToken(r *runner) string {
	e := w.edition()
	return w.unused(func() string {
		switch {
		case r.createdByUser && e.has("rule: glrt tokens"):
			return "glrt-" + w.partition(r) + w.fake()
		case e.has("rule: glrtr tokens"):
			return "glrtr-" + w.fake()
		case e.has("rule: registered tokens are hexadecimal"):
			return w.random("", hexadecimal, 30)
		default:
			return w.partition(r) + w.fake()
		}
	})
}

// partition is the part of a token that tells its runner's type.
//
// inferred: that tokens of created runners kept it after 17.10.
func (w *world) partition(r *runner) string {
	if !w.edition().has("rule: tokens tell the runner's type") {
		return ""
	}
	switch r.kind {
	case runners.InstanceType:
		return "t1_"
	case runners.GroupType:
		return "t2_"
	case runners.ProjectType:
		return "t3_"
	default:
		return ""
	}
}

// newRegistrationToken makes the registration token of the instance, a group
// or a project.
func (w *world) newRegistrationToken(kind runners.RunnerType) string {
	return w.unused(func() string {
		if kind != runners.InstanceType && w.edition().has("rule: GR1348941 tokens") {
			return "GR1348941" + w.fake()
		}
		return w.fake()
	})
}

// newAccessToken makes a personal access token.
func (w *world) newAccessToken() string {
	return w.unused(func() string {
		if w.edition().has("rule: glpat tokens") {
			return "glpat-" + w.fake()
		}
		return w.fake()
	})
}

// newQueueValue makes the value that tells a runner whether its queue changed.
func (w *world) newQueueValue() string { return w.random("", hexadecimal, 32) }

// newJobToken makes the token with which a job reports.
func (w *world) newJobToken() string {
	if w.edition().has("rule: glcbt tokens") {
		return "glcbt-" + w.fake()
	}
	return w.fake()
}

// secretName reports whether a parameter of this name holds a secret.
func secretName(name string) bool {
	return strings.HasSuffix(strings.ToLower(name), "token")
}

// redact hides a text that is or holds a secret of this world, or what looks
// like one of GitLab's.
func (w *world) redact(text string) string {
	if text != "" && (w.holdsSecret(text) || w.secretWithin(text)) ||
		tokenform.Redact(text, redacted) != text {
		return redacted
	}
	return text
}

// longSecret is how many bytes a secret has at least that is looked for within
// texts. GitLab's own have twenty; a short one that a test made up may well be
// part of a word.
const longSecret = 12

// noteSize remembers how long a secret of this world is.
func (w *world) noteSize(secret string) {
	if n := len(secret); n >= longSecret && !slices.Contains(w.secretSizes, n) {
		w.secretSizes = append(w.secretSizes, n)
	}
}

// secretWithin reports whether a long secret of this world is part of text. It
// tries every part that is as long as a secret: there may be many secrets, but
// they have few sizes.
func (w *world) secretWithin(text string) bool {
	for _, size := range w.secretSizes {
		for i := range len(text) - size + 1 {
			if w.holdsSecret(text[i : i+size]) {
				return true
			}
		}
	}
	return false
}

// redacted stands where a secret stood.
const redacted = "[redacted]"
