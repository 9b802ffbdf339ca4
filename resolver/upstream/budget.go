package upstream

import "sync"

const (
	hedgeShare = 0.1 // extra queries for each query
	hedgeBurst = 10  // extra queries saved up at most
)

// budget bounds the extra queries sent only to reduce latency.
type budget struct {
	mu   sync.Mutex
	left float64
}

func newBudget() budget { return budget{left: hedgeBurst} }

// earn records a query.
func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+hedgeShare, hedgeBurst)
}

// take reports whether an extra query may be sent now.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
