package hostsfile

import "time"

const (
	// settle is how long a write waits for what comes with the change that
	// caused it, such as the address of the other family. It leaves half of
	// the 100 ms after which the file must be up to date.
	settle = 50 * time.Millisecond
	// interval is the least time from one write to the next.
	interval = time.Second
	// share is how many times the duration of a write passes without one
	// after it: 19 of 20 parts of the time are free.
	share = 19
	// maxRepair is the longest time from one repair to the next, when another
	// program undoes them again and again; after forgive it is forgotten.
	maxRepair = time.Minute
	forgive   = 10 * maxRepair
)

// pace decides when the hosts file is written.
type pace struct {
	due      time.Time // of the next write; zero: there is nothing to write
	after    time.Time // no write before
	repaired time.Time
	repair   time.Duration // least time from the last repair to the next
}

// changed schedules a write for a change of the zone.
func (p *pace) changed(now time.Time) { p.ask(now.Add(settle)) }

// touched schedules a write as another program may have written to the file.
func (p *pace) touched(now time.Time) {
	if now.Sub(p.repaired) > forgive {
		p.repair = 0
	}
	p.ask(later(now.Add(settle), p.repaired.Add(p.repair)))
}

// ask moves the next write forward to at, or as near to it as is allowed.
func (p *pace) ask(at time.Time) {
	at = later(at, p.after)
	if p.due.IsZero() || at.Before(p.due) {
		p.due = at
	}
}

// done notes that the file is up to date, whether that took a write, and
// whether another program was the reason. What it cost counts also without
// a write.
func (p *pace) done(start, end time.Time, wrote, repair bool) {
	p.due = time.Time{}
	next := end.Add(share * end.Sub(start))
	if wrote {
		next = later(next, start.Add(interval))
	}
	p.after = later(p.after, next)
	if repair {
		p.repaired = end
		p.repair = min(max(2*p.repair, interval), maxRepair)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
