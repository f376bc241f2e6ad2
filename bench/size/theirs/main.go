// Command theirs lists runners with GitLab's own client.
package main

import (
	"fmt"
	"os"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

func main() {
	c, err := gitlab.NewClient(os.Args[2], gitlab.WithBaseURL(os.Args[1]))
	if err != nil {
		panic(err)
	}
	o := &gitlab.ListRunnersOptions{ListOptions: gitlab.ListOptions{PerPage: 100, Page: 1}}
	for o.Page != 0 {
		rows, res, err := c.Runners.ListRunners(o)
		if err != nil {
			panic(err)
		}
		for _, r := range rows {
			fmt.Println(r.ID, r.Description)
		}
		o.Page = res.NextPage
	}
}
