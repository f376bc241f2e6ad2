package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	story := out.String()

	for _, sentence := range []string{
		"1. A GitLab of our own",
		"2. Mia creates a runner for acme/app",
		"s_bbbbbbbbbbbb: the token is valid, and belongs to runner 1.",
		"4 runners have the tag linux; page 2 of 2 has 1.",
		"Manager s_aaaaaaaaaaaa is online, and active.",
		"Manager s_bbbbbbbbbbbb is online, and idle.",
		"compile of acme/app, has run for 120 seconds",
		"tags: docker, linux, large; maximum timeout: 3600 s",
		"maximum timeout: none; what was not set stays as it was: docker, linux, large",
		"status: paused",
		"It serves acme/site.",
		"With the old token: runners: POST /runners/verify: 403 Forbidden",
		"403 Forbidden",
		"404 Runner Not Found",
		"410 Gone - runner registration disallowed",
		"By field: map[maximum_timeout:[needs to be at least 10 minutes]]",
		"Runner 1 is deleted: runners: GET /runners/{id}: 404 Runner Not Found",
	} {
		assert.Contains(t, story, sentence)
	}
	secret := regexp.MustCompile(`(glrt|glrtr|glpat)-\S+`)
	assert.Empty(t, secret.FindAllString(story, -1), "a token was told")
	for line := range strings.Lines(story) {
		assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 140, line)
	}
}
