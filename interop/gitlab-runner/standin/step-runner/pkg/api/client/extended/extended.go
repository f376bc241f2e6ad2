// Package extended stands in for the client of a runner of CI steps.
package extended

import (
	"context"
	"io"

	"gitlab.com/gitlab-org/step-runner/pkg/api/client"
)

type FollowOutput struct{ Logs io.Writer }

type Client struct{}

func New(any) (*Client, error) { panic("no job has steps") }

func (*Client) CloseConn() error                     { return nil }
func (*Client) Cancel(context.Context, string) error { return nil }
func (*Client) RunAndFollow(context.Context, *client.RunRequest, *FollowOutput) (client.Status, error) {
	panic("no job has steps")
}
