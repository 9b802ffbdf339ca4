package varlink

import (
	"cmp"
	"errors"
	"slices"
	"sync"
)

// Stats count since the Server was made.
type Stats struct {
	Connections int         `json:"connections"` // open now
	Refused     uint64      `json:"-"`           // connections: too many were open
	Calls       []CallCount `json:"-"`
}

// CallCount is the number of calls of one method with one outcome.
type CallCount struct {
	Method string // the full name; empty: unknown method
	Error  string // its ID; empty: none
	Count  uint64
}

// Stats returns the counters, sorted by method and error.
func (s *Server) Stats() Stats {
	open, refused := s.pool.count()
	return Stats{Connections: open, Refused: refused, Calls: s.counts.all()}
}

// callCounts count calls. Methods and errors are ours and not the clients', so they
// are few.
type callCounts struct {
	mu   sync.Mutex
	each map[CallCount]uint64 // by counts of 0
}

func (c *callCounts) add(method string, err error) {
	key := CallCount{Method: method}
	if failed := (*Error)(nil); errors.As(err, &failed) {
		key.Error = failed.ID
	} else if err != nil {
		key.Error = errDisconnected.ID
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.each == nil {
		c.each = map[CallCount]uint64{}
	}
	c.each[key]++
}

func (c *callCounts) all() []CallCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]CallCount, 0, len(c.each))
	for key, count := range c.each {
		key.Count = count
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b CallCount) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(a.Error, b.Error))
	})
	return all
}
