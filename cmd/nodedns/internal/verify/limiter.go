package verify

import "time"

const (
	// perSecond bounds the questions to one listener: other programs want to
	// be answered too.
	perSecond = 5000
	// batchSize is how many of them come at once.
	batchSize = 50
)

// limiter tells how far ahead of its time a row of questions is.
type limiter struct {
	begun time.Time
	n     int
}

// next returns how long to wait before the next question.
func (p *limiter) next(now time.Time) time.Duration {
	p.n++
	if p.n%batchSize != 0 {
		return 0
	}
	return p.begun.Add(time.Duration(p.n) * time.Second / perSecond).Sub(now)
}
