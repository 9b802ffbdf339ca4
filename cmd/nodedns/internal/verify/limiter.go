package verify

import "time"

const (
	// perSecond bounds the queries to one listener: other programs need answers
	// too.
	perSecond = 5000
	// batchSize is how many of them are sent at once.
	batchSize = 50
)

// limiter tracks how far ahead of its rate a series of queries is.
type limiter struct {
	begun time.Time
	n     int
}

// next returns how long to wait before the next query.
func (p *limiter) next(now time.Time) time.Duration {
	p.n++
	if p.n%batchSize != 0 {
		return 0
	}
	return p.begun.Add(time.Duration(p.n) * time.Second / perSecond).Sub(now)
}
