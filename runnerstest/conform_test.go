// The suite that every GitLab should pass. To hold it against a real one, run
//
//	GITLAB_URL=https://gitlab.example.com GITLAB_TOKEN=glpat-… go test -v -run TestConformGitLab ./runnerstest
//
// with an administrator's token. It makes a group with two projects, and
// deletes them at the end.

package runnerstest_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// pretended is a target of this package, in a strict server.
func pretended(t *testing.T, version string) (runnerstest.Target, *runnerstest.Server) {
	t.Helper()
	srv := runnerstest.NewServer(t, &runnerstest.Options{Version: version})
	g := srv.AddGroup(runnerstest.Group{Path: "conform"})
	one := srv.AddProject(runnerstest.Project{Path: "conform/one"})
	two := srv.AddProject(runnerstest.Project{Path: "conform/two"})
	return runnerstest.Target{
		Client: srv.Client(t), Group: g.ID, Projects: [2]int64{one.ID, two.ID},
		As: func(token string) (*runners.Client, error) {
			return srv.ClientAs(t, runnerstest.AccessToken{Token: token}), nil
		},
		RegistrationToken: runners.NewToken(one.RunnersToken),
	}, srv
}

func TestConform(t *testing.T) {
	t.Parallel()
	for _, version := range []string{
		"19.1.0", "18.0.0", "17.11.0", "17.5.0", "16.11.0", "16.0.0", "15.11.0", "15.0.0", "14.8.0", "13.10.0", "12.0.0", "10.7.0", "8.2.0",
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			target, srv := pretended(t, version)
			t.Run("suite", func(t *testing.T) {
				runnerstest.Conform(t, target)
			})
			assert.NotEmpty(t, srv.Requests())
			assert.Empty(t, srv.Snapshot().Runners, "it cleans up")
		})
	}
}

// TestConformGitLab is for a real GitLab, by environment variables; without
// them it is one more look at the pretended one.
func TestConformGitLab(t *testing.T) {
	t.Parallel()
	if os.Getenv("GITLAB_URL") == "" {
		target, _ := pretended(t, "")
		runnerstest.Conform(t, target)
		return
	}
	client, err := runners.NewFromEnv(nil)
	require.NoError(t, err)
	target := runnerstest.Target{
		Client: client,
		As: func(token string) (*runners.Client, error) {
			return runners.New(os.Getenv("GITLAB_URL"), runners.PrivateToken(token), nil)
		},
	}
	name := "conform-" + strings.ToLower(rand.Text()[:8])
	target.Group = made(t, client, "groups", map[string]any{"name": name, "path": name})
	for i := range target.Projects {
		target.Projects[i] = made(t, client, "projects", map[string]any{
			"name": name + "-" + strconv.Itoa(i), "namespace_id": target.Group,
		})
	}
	runnerstest.Conform(t, target)
}

// made creates a group or a project that is deleted with the test.
func made(t *testing.T, client *runners.Client, kind string, body map[string]any) int64 {
	t.Helper()
	var answer struct{ ID int64 }
	require.NoError(t, client.Do(t.Context(), http.MethodPost, kind, nil, body, &answer))
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		path := kind + "/" + strconv.FormatInt(answer.ID, 10)
		assert.NoError(t, client.Do(ctx, http.MethodDelete, path, nil, nil, nil))
	})
	return answer.ID
}
