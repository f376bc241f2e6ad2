// Conformance: what any GitLab answers, the pretended one included, as one
// suite of tests over the client. What each part asks is in conform_parts.go.

package runnerstest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-832548de/runners"
)

// A Target is a GitLab for [Conform].
type Target struct {
	// Client is an administrator's, with the scope api, and with admin_mode
	// where that is switched on.
	Client *runners.Client
	// As returns a client of the same GitLab that shows another access token.
	As func(token string) (*runners.Client, error)
	// Group is the id of a group, Projects those of two projects in it. They
	// get runners, which are deleted at the end; nothing else is changed.
	Group    int64
	Projects [2]int64
	// RegistrationToken is that of the first project, for a GitLab before
	// 15.11, which has no other way to make a runner.
	RegistrationToken runners.Token
}

// Conform holds a GitLab against what this package believes of its version.
// All runners that it makes carry one random word, and are deleted. Ids, times
// and tokens are compared by their kind only. Where a real GitLab fails it,
// this package is wrong; so far it was never run on one.
//
// The newest version that is played stands for those after it.
func Conform(t *testing.T, target Target) {
	t.Helper()
	answer, err := target.Client.Version(t.Context())
	if err != nil {
		t.Fatalf("the target has no version: %v", err)
	}
	v, err := nearest(answer.Version)
	if err != nil {
		t.Fatal(err)
	}
	c := &conformance{
		Target: target, edition: editionOf(v),
		word: "conform-" + strings.ToLower(rand.Text()[:8]),
	}
	for _, part := range conformParts() {
		if c.edition.has(part.needs) {
			t.Run(part.name, func(t *testing.T) { part.run(c.in(t, part.name)) })
		}
	}
}

// A conformPart is one test of the suite. It runs where its version has what
// it needs, a subject of the version table.
type conformPart struct {
	name, needs string
	run         func(*conformance)
}

// A conformance is the suite while it runs.
type conformance struct {
	Target
	testing.TB
	edition *edition
	word    string // in the descriptions and tags of all that the suite makes
}

func (c *conformance) in(t *testing.T, part string) *conformance {
	t.Helper()
	own := *c
	own.TB, own.word = t, c.word+"-"+strings.ReplaceAll(part, " ", "-")
	return &own
}

// creates reports whether users create runners in this version.
func (c *conformance) creates() bool { return c.edition.has("POST /user/runners") }

// runner makes a runner of the first project that is deleted at the end.
func (c *conformance) runner() *runners.NewRunner {
	c.Helper()
	if c.creates() {
		return c.create(runners.ForProject(c.Projects[0]))
	}
	r, err := c.Client.Tokens.Register(c.Context(), c.RegistrationToken, &runners.RegisterOptions{ //nolint:staticcheck // old GitLabs have nothing else
		Description: c.word, TagList: []string{c.word},
	})
	c.must(err)
	c.deleteLater(r.ID)
	return r
}

func (c *conformance) create(owner runners.Owner) *runners.NewRunner {
	c.Helper()
	r, err := c.Client.Runners.Create(c.Context(), owner, &runners.CreateOptions{
		Description: c.word, TagList: []string{c.word},
	})
	c.must(err)
	c.deleteLater(r.ID)
	return r
}

func (c *conformance) deleteLater(id int64) {
	ctx := context.WithoutCancel(c.Context())
	c.Cleanup(func() {
		if err := c.Client.Runners.Delete(ctx, id); err != nil && !errors.Is(err, runners.ErrNotFound) {
			c.Errorf("runner %d is left behind: %v", id, err)
		}
	})
}

// must ends the part at an error.
func (c *conformance) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// same compares a value with what it should be, objects member by member.
func (c *conformance) same(what string, got, want any) {
	c.Helper()
	g, ok := got.(map[string]any)
	w, also := want.(map[string]any)
	if !ok || !also {
		if !reflect.DeepEqual(got, want) {
			c.Errorf("%s: got %v, want %v", what, got, want)
		}
		return
	}
	for name := range w {
		if _, there := g[name]; !there {
			c.Errorf("%s: lacks %s", what, name)
			continue
		}
		c.same(what+"."+name, g[name], w[name])
	}
	for name := range g {
		if _, known := w[name]; !known {
			c.Errorf("%s: has %s, which is not known", what, name)
		}
	}
}

// refused wants an error with a status and a body.
func (c *conformance) refused(what string, err error, status int, body string) {
	c.Helper()
	e, ok := errors.AsType[*runners.Error](err)
	if !ok {
		c.Errorf("%s: got %v, want an answer with status %d", what, err, status)
		return
	}
	got := fmt.Sprintf("%d %s", e.StatusCode, strings.TrimSpace(string(e.Body)))
	c.same(what, got, fmt.Sprintf("%d %s", status, body))
}

// raw sends a request, and returns the answer in normal form.
func (c *conformance) raw(method, path string, body any) any {
	c.Helper()
	var answer any
	c.must(c.Client.Do(c.Context(), method, path, nil, body, &answer))
	return c.normal("", answer)
}

// normal puts the kind of a value in place of those that differ from one
// GitLab to the next.
func (c *conformance) normal(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		if kind, ok := map[string]string{"created_by": "<user>", "each projects": "<project>"}[name]; ok {
			return kind
		}
		v = maps.Clone(v)
		for member := range v {
			v[member] = c.normal(member, v[member])
		}
		return v
	case []any:
		rows := make([]any, len(v))
		for i := range v {
			rows[i] = c.normal("each "+name, v[i])
		}
		return rows
	case json.Number, float64:
		if name == "id" {
			return "<id>"
		}
	case string:
		return c.normalText(name, v)
	case nil:
		if name == "token_expires_at" {
			return "<time>" // the instance may limit the lives of tokens
		}
	}
	return value
}

func (c *conformance) normalText(name, text string) string {
	if name == "token" && text != "" {
		return "<token>"
	}
	if _, err := time.Parse("2006-01-02T15:04:05.999Z07:00", text); err == nil {
		return "<time>"
	}
	return strings.ReplaceAll(text, c.word, "<word>")
}
