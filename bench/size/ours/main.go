// Command ours lists runners with this module.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-832548de/runners"
)

func main() {
	c, err := runners.New(os.Args[1], runners.PrivateToken(os.Args[2]), nil)
	if err != nil {
		panic(err)
	}
	for r, err := range c.Runners.List(nil).All(context.Background()) {
		if err != nil {
			panic(err)
		}
		fmt.Println(r.ID, r.Description)
	}
}
