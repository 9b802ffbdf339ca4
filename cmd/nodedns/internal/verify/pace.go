package verify

import "time"

const (
	// perSecond bounds the questions to one listener: other programs want to
	// be answered too.
	perSecond = 5000
	// gait is how many of them come at once.
	gait = 50
)

// pace tells how far ahead of its time a row of questions is.
type pace struct {
	begun time.Time
	n     int
}

// next returns how long to wait before the next question.
func (p *pace) next(now time.Time) time.Duration {
	p.n++
	if p.n%gait != 0 {
		return 0
	}
	return p.begun.Add(time.Duration(p.n) * time.Second / perSecond).Sub(now)
}
