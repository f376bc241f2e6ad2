// -strict: what is told of bad requests, when they come and at the end.

package main

import (
	"fmt"
	"log"
	"sync"

	"github.com/seed-832548de/runners/runnerstest"
)

// findings are what the server found so far.
type findings struct {
	mu     sync.Mutex
	all    []runnerstest.Finding
	logger *log.Logger
}

// add prints a finding and keeps it for the end.
func (f *findings) add(found runnerstest.Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, found)
	f.logger.Printf("strict: %s", found)
}

// end lists all findings; they are an error.
func (f *findings) end() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) == 0 {
		return nil
	}
	f.logger.Print("strict: in all:")
	for i, found := range f.all {
		f.logger.Printf("%4d. %s", i+1, found)
	}
	return fmt.Errorf("-strict found %d", len(f.all))
}
