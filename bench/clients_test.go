// The same things done with either client, and with neither.

package bench_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/seed-832548de/runners"
)

const token = "glpat-fake0123456789"

func ours(tb testing.TB, url string) *runners.Client {
	tb.Helper()
	c, err := runners.New(url, runners.PrivateToken(token), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func theirs(tb testing.TB, url string) *gitlab.Client {
	tb.Helper()
	c, err := gitlab.NewClient(token, gitlab.WithBaseURL(url))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// listOurs walks a list, and fails where a row is not in its place.
func listOurs(tb testing.TB, c *runners.Client, k int) {
	tb.Helper()
	rows := 0
	for r, err := range c.Runners.ListAll(nil).Prefetch(k).All(context.Background()) {
		if err != nil {
			tb.Fatal(err)
		}
		if rows++; r.ID != int64(rows) {
			tb.Fatalf("row %d has id %d", rows, r.ID)
		}
	}
}

// listTheirs walks a list with client-go.
func listTheirs(tb testing.TB, c *gitlab.Client) {
	tb.Helper()
	o := &gitlab.ListRunnersOptions{ListOptions: gitlab.ListOptions{PerPage: 100, Page: 1}}
	for o.Page != 0 {
		_, res, err := c.Runners.ListAllRunners(o)
		if err != nil {
			tb.Fatal(err)
		}
		o.Page = res.NextPage
	}
}

func getOurs(tb testing.TB, c *runners.Client) {
	if _, err := c.Runners.Get(context.Background(), 6); err != nil {
		tb.Error(err)
	}
}

func getTheirs(tb testing.TB, c *gitlab.Client) {
	if _, _, err := c.Runners.GetRunnerDetails(6); err != nil {
		tb.Error(err)
	}
}

// getRaw is what anybody would write without a client.
func getRaw(tb testing.TB, c *http.Client, url string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/api/v4/runners/6", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Private-Token", token)
	res, err := c.Do(req)
	if err != nil {
		tb.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Error(err)
	}
	var d runners.RunnerDetails
	if err := json.Unmarshal(body, &d); err != nil {
		tb.Error(err)
	}
}

// each does something n times, k at once.
func each(n, k int, do func(i int)) {
	var group sync.WaitGroup
	turns := make(chan int)
	for range k {
		group.Go(func() {
			for i := range turns {
				do(i)
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	group.Wait()
}
