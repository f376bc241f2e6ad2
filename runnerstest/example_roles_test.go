// What somebody with fewer rights may do.

package runnerstest_test

import (
	"context"
	"fmt"

	"github.com/seed-832548de/runners/runnerstest"
)

// A maintainer pauses what her project owns, and not what it only uses.
func ExampleServer_ClientAs() {
	srv, _ := started()
	defer srv.Close()
	token := srv.AddToken(runnerstest.AccessToken{User: "mia"})
	mia := srv.ClientAs(nil, token) // in a test: t, not nil
	app := srv.AddProject(runnerstest.Project{
		Path:    "acme/app",
		Members: map[string]runnerstest.Role{"mia": runnerstest.Maintainer},
	})
	own := srv.AddRunner(runnerstest.Runner{Description: "own", Projects: []int64{app.ID}})
	shared := srv.AddRunner(runnerstest.Runner{Description: "shared"})

	for _, r := range []runnerstest.Runner{own, shared} {
		_, err := mia.Runners.Pause(context.Background(), r.ID)
		fmt.Println(r.Description, err)
	}
	// Output:
	// own <nil>
	// shared runners: PUT /runners/{id}: 403 Forbidden - No access granted
}

// What a token's scopes do not open stays shut, whoever has the token.
func ExampleServer_AddToken() {
	srv, _ := started()
	defer srv.Close()
	r := srv.AddRunner(runnerstest.Runner{})
	reader := srv.ClientAs(nil, srv.AddToken(runnerstest.AccessToken{
		User: "root", Scopes: []string{"read_api"},
	}))

	d, err := reader.Runners.Get(context.Background(), r.ID)
	fmt.Println(d.Status, err)
	fmt.Println(reader.Runners.Delete(context.Background(), r.ID))
	// Output:
	// never_contacted <nil>
	// runners: DELETE /runners/{id}: 403 insufficient_scope: The request requires higher privileges than provided by the access token. (sufficient: manage_runner api read_api)
}
