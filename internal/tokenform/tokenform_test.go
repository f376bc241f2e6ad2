package tokenform_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-832548de/runners/internal/tokenform"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]struct {
		use    tokenform.Use
		prefix string
	}{
		"glpat-x":                  {tokenform.Access, "glpat-"},
		"gliamat-x":                {tokenform.Access, "gliamat-"},
		"glrt-t1_x":                {tokenform.Runner, "glrt-"},
		"glrtr-x":                  {tokenform.Runner, "glrtr-"},
		"GR1348941x":               {tokenform.Runner, "GR1348941"},
		"gloas-x":                  {tokenform.Other, "gloas-"},
		"glffct-x":                 {tokenform.Other, "glffct-"},
		"":                         {tokenform.Unknown, ""},
		"x-glpat-x":                {tokenform.Unknown, ""}, // a prefix of the instance's own
		"deadbeefdeadbeefdeadbeef": {tokenform.Unknown, ""}, // as before GitLab had prefixes
	} {
		use, prefix := tokenform.Of(token)
		assert.Equal(t, want.use, use, token)
		assert.Equal(t, want.prefix, prefix, token)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "",
		"nothing here":                     "nothing here",
		"glrt-123456":                      "#",
		"glrt-12345":                       "glrt-12345",
		"glrt-12345 glrt-123456 glrt-":     "glrt-12345 # glrt-",
		"a glpat-abc_DE.F-9! and more":     "a #! and more",
		"glpat-123456glpat-123456":         "#",
		"acme-glagent-123456":              "acme-#",
		"global-glft-123456, global-terms": "global-#, global-terms",
		"glrt-glpat-123456":                "glrt-#",
		"GR1348941abcdef":                  "#",
		"gliamat-eyJh.eyJz.c2ln":           "#",
		"gldt-12345é":                      "gldt-12345é",
		"\xffglwt-123456\xff":              "\xff#\xff",
	} {
		assert.Equal(t, want, tokenform.Redact(text, "#"), "%q", text)
	}
}

// FuzzRedact: a token is gone, whatever stands around it, and what was cleaned
// once is clean.
func FuzzRedact(f *testing.F) {
	for _, seed := range []string{"", "glrt-", "glpat-12345", "acme-", "GR1348941", "\xff", "gl", "ü", "glft-gl"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "glrt-t1_0123456789"
		clean := tokenform.Redact(before+secret+after, "[REDACTED]")
		assert.NotContains(t, clean, "t1_0123456789")
		assert.Equal(t, clean, tokenform.Redact(clean, "[REDACTED]"))
	})
}
