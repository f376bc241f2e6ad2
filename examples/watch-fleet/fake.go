// Where the runners come from: your GitLab, or one that is made up.

package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/examples/internal/program"
	"github.com/seed-832548de/runners/runnerstest"
)

// connect returns a client, and what to call when it is used no more.
func connect(ctx context.Context, log io.Writer) (*runners.Client, func(), error) {
	var l *life
	c, closeFake, err := program.Connect(nil, program.Fake{
		MadeUp: "these runners, and their fates, are",
		Fill: func(fake *runnerstest.Server) {
			l = &life{fake: fake, project: fake.AddProject(runnerstest.Project{Path: "acme/app"}).ID}
			for i := range 12 {
				l.add(i)
			}
		},
	}, log)
	if err != nil || l == nil {
		return c, closeFake, err
	}
	l.client = c
	end := l.begin(ctx)
	return c, func() { end(); closeFake() }, nil
}

// A life is what happens to the runners of the fake.
type life struct {
	fake    *runnerstest.Server
	project int64
	client  *runners.Client
	ids     []int64
	chapter int
}

// add makes one more runner. The longer they have been silent, the sooner they
// will be offline.
func (l *life) add(i int) {
	r := l.fake.AddRunner(runnerstest.Runner{
		Description: fmt.Sprintf("%s-%d", []string{"builder", "tester", "deployer"}[i%3], i+1),
		Projects:    []int64{l.project}, ContactedAt: runnerstest.Ago(time.Duration(i%12) * 10 * time.Minute),
	})
	l.ids = append(l.ids, r.ID)
}

// begin lets something happen now and then, until the end.
func (l *life) begin(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(2500 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				l.goOn(ctx)
			}
		}
	})
	return func() { cancel(); running.Wait() }
}

// goOn is one thing that happens. A failure means that it does not.
func (l *life) goOn(ctx context.Context) {
	one := l.ids[(l.chapter*5)%len(l.ids)]
	switch l.chapter % 7 {
	case 0:
		_, _ = l.client.Runners.Pause(ctx, one)
	case 1:
		l.fake.Advance(12 * time.Minute)
	case 2:
		l.add(len(l.ids))
	case 3:
		_, _ = l.client.Runners.Resume(ctx, l.ids[((l.chapter-3)*5)%len(l.ids)])
	case 4:
		_, _ = l.client.Runners.Update(ctx, one, &runners.UpdateOptions{
			Description: new("renamed at " + l.fake.Now().Format(time.TimeOnly)),
		})
	case 5:
		_ = l.client.Runners.Delete(ctx, one)
	case 6:
		_, _ = l.client.Runners.Update(ctx, one, &runners.UpdateOptions{TagList: &[]string{"docker", "large"}})
	}
	l.chapter++
}
