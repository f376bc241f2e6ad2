// How many retries one client may make: a budget that failures use up and
// answers fill again, so that a GitLab that is down is not asked more often
// than one that is up.

package runners

import "sync"

// What a budget holds, in tenths of a retry.
const (
	fullBudget   = 100 // ten retries
	retryCost    = 10
	answerRefund = 1
)

// A budget is shared by all calls of a client. The nil budget has no end.
type budget struct {
	mu   sync.Mutex
	left int
}

// newBudget returns a full budget, or nil where there is to be none.
func newBudget(none bool) *budget {
	if none {
		return nil
	}
	return &budget{left: fullBudget}
}

// spend takes one retry out of the budget, and reports whether it was there.
func (b *budget) spend() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < retryCost {
		return false
	}
	b.left -= retryCost
	return true
}

// refund puts a tenth of a retry back.
func (b *budget) refund() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+answerRefund, fullBudget)
}
