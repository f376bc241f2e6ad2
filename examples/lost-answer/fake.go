// Where the answers get lost: in a fake GitLab, yours or one of this program's
// own.

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

// fault is what goes wrong once, in the words of fakegitlab's flag -fault.
const fault = "POST /user/runners 502 after-commit"

// A site is a fake GitLab that takes faults below /_fake/.
type site struct {
	url, token string
	client     *runners.Client // an administrator's
	close      func()
}

// connect takes the fake GitLab that the environment names, or starts one.
func connect(log io.Writer) (*site, error) {
	s := &site{url: os.Getenv("GITLAB_URL"), token: os.Getenv("GITLAB_TOKEN"), close: func() {}}
	if !program.Configured() {
		fake, err := runnerstest.Start(&runnerstest.Options{Control: true})
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(log, "GITLAB_URL and GITLAB_TOKEN are not set: this GitLab is made up.")
		s.url, s.close = fake.URL(), fake.Close
		s.token = fake.AddToken(runnerstest.AccessToken{User: "root"}).Token
	}
	client, err := runners.New(s.url, runners.PrivateToken(s.token), nil)
	s.client = client
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// arm lets the answer to the next create get lost.
func (s *site) arm(ctx context.Context) error {
	address := strings.TrimRight(s.url, "/") + "/_fake/faults"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(`{"fault": "`+fault+`"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is no fakegitlab, and loses no answers: %s", s.url, res.Status)
	}
	return nil
}
