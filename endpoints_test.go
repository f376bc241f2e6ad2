package runners_test

import (
	"context"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// An endpoint is a line of testdata/endpoints.txt.
type endpoint struct {
	method, route string
	client        []string // methods such as "Runners.Get"
	since         string
	golden        []string
}

func endpoints(t *testing.T) []endpoint {
	t.Helper()
	text, err := os.ReadFile("testdata/endpoints.txt")
	require.NoError(t, err)
	var all []endpoint
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" || strings.HasPrefix(fields[0], "#") {
			continue
		}
		require.Len(t, fields, 5, line)
		all = append(all, endpoint{
			method: fields[0], route: fields[1], client: split(fields[2]),
			since: fields[3], golden: split(fields[4]),
		})
	}
	return all
}

func split(column string) []string {
	if column == "-" {
		return nil
	}
	return strings.Split(column, ",")
}

// everyCall calls each method of the client once, whatever comes of it.
var everyCall = map[string]func(context.Context, *runners.Client){
	"Runners.List":    func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.List(nil).Collect(ctx) },
	"Runners.ListAll": func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.ListAll(nil).Collect(ctx) },
	"Runners.Get":     func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.Get(ctx, 1) },
	"Runners.Create": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Runners.Create(ctx, runners.ForInstance(), nil)
	},
	"Runners.Update":   func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.Update(ctx, 1, nil) },
	"Runners.Pause":    func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.Pause(ctx, 1) },
	"Runners.Resume":   func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.Resume(ctx, 1) },
	"Runners.Delete":   func(ctx context.Context, c *runners.Client) { _ = c.Runners.Delete(ctx, 1) },
	"Runners.Jobs":     func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.Jobs(1, nil).Collect(ctx) },
	"Runners.Managers": func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.Managers(ctx, 1) },
	"Runners.Projects": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Runners.Projects(1, nil).Collect(ctx)
	},
	"Runners.ResetToken": func(ctx context.Context, c *runners.Client) { _, _ = c.Runners.ResetToken(ctx, 1) },
	"Runners.ResetRegistrationToken": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Runners.ResetRegistrationToken(ctx)
	},
	"Projects.List": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Projects.List(runners.ID(1), nil).Collect(ctx)
	},
	"Projects.Assign": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Projects.Assign(ctx, runners.ID(1), 1)
	},
	"Projects.Unassign": func(ctx context.Context, c *runners.Client) {
		_ = c.Projects.Unassign(ctx, runners.ID(1), 1)
	},
	"Projects.ResetRegistrationToken": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Projects.ResetRegistrationToken(ctx, runners.ID(1))
	},
	"Groups.List": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Groups.List(runners.ID(1), nil).Collect(ctx)
	},
	"Groups.ResetRegistrationToken": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Groups.ResetRegistrationToken(ctx, runners.ID(1))
	},
	"Tokens.Register": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Tokens.Register(ctx, runners.NewToken("t"), nil)
	},
	"Tokens.Verify": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Tokens.Verify(ctx, runners.NewToken("t"), nil)
	},
	"Tokens.Reset": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Tokens.Reset(ctx, runners.NewToken("t"))
	},
	"Tokens.Delete": func(ctx context.Context, c *runners.Client) {
		_ = c.Tokens.Delete(ctx, runners.NewToken("t"))
	},
	"Tokens.DeleteManager": func(ctx context.Context, c *runners.Client) {
		_ = c.Tokens.DeleteManager(ctx, runners.NewToken("t"), "s_1")
	},
	"Legacy.List": func(ctx context.Context, c *runners.Client) { _, _ = c.Legacy.List(ctx) },
	"Legacy.Register": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Legacy.Register(ctx, runners.NewToken("t"), nil)
	},
	"Legacy.Delete": func(ctx context.Context, c *runners.Client) {
		_, _ = c.Legacy.Delete(ctx, runners.NewToken("t"))
	},
	"Client.Version": func(ctx context.Context, c *runners.Client) { _, _ = c.Version(ctx) },
}

// TestMethodsAreTheEndpoints holds the client's methods and the list of
// endpoints equal. That the fake has the same routes, a test beside them says.
func TestMethodsAreTheEndpoints(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, e := range endpoints(t) {
		listed = append(listed, e.client...)
	}
	slices.Sort(listed)
	assert.Equal(t, methods(), listed)
	for _, name := range listed {
		assert.Contains(t, everyCall, name)
	}
	assert.Len(t, everyCall, len(listed))
}

// methods returns the exported methods of a client that call an endpoint.
func methods() []string {
	all := []string{"Client.Version"}
	client := reflect.TypeFor[runners.Client]()
	for service := range client.Fields() {
		if !service.IsExported() {
			continue
		}
		for m := range service.Type.Methods() {
			all = append(all, service.Name+"."+m.Name)
		}
	}
	slices.Sort(all)
	return all
}

// TestMethodsCallTheirEndpoint calls each method, and sees the route.
func TestMethodsCallTheirEndpoint(t *testing.T) {
	t.Parallel()
	gitlab := runnerstest.NewServer(t, nil)
	token := gitlab.AddToken(runnerstest.AccessToken{User: "root"})
	for _, e := range endpoints(t) {
		for _, method := range e.client {
			var calls []string
			c, err := runners.New("https://gitlab.test", runners.PrivateToken(token.Token), &runners.Options{
				HTTPClient: gitlab.HTTPClient(),
				Observe: func(_ context.Context, call runners.Call) {
					calls = append(calls, call.Method+" "+call.Route)
				},
			})
			require.NoError(t, err)
			everyCall[method](t.Context(), c)
			assert.Equal(t, []string{e.method + " " + e.route}, calls, method)
		}
	}
}
