package hostsfile

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type step struct {
		at   time.Duration // since start
		do   func(p *pace, now time.Time)
		want time.Duration // when the next write is due; 0 is none
	}
	changed := (*pace).changed
	touched := (*pace).touched
	wrote := func(took time.Duration) func(*pace, time.Time) {
		return func(p *pace, now time.Time) { p.done(now.Add(-took), now, true, false) }
	}
	repaired := func(p *pace, now time.Time) { p.done(now, now, true, true) }
	same := func(p *pace, now time.Time) { p.done(now.Add(-10*time.Millisecond), now, false, false) }
	const ms, sec = time.Millisecond, time.Second
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"the first change waits for its companions only", []step{
			{0, changed, 50 * ms},
			{40 * ms, changed, 50 * ms},
		}},
		{"then at most once a second", []step{
			{0, changed, 50 * ms},
			{50 * ms, wrote(0), 0},
			{100 * ms, changed, 1050 * ms},
			{900 * ms, changed, 1050 * ms},
			{1050 * ms, wrote(0), 0},
			{10 * sec, changed, 10*sec + 50*ms},
		}},
		{"a slow write is followed by nineteen times its length", []step{
			{0, changed, 50 * ms},
			{10 * sec, wrote(9 * sec), 0},
			{11 * sec, changed, 181 * sec},
		}},
		{"when nothing was to write the second does not count, the work does", []step{
			{0, changed, 50 * ms},
			{60 * ms, same, 0},
			{100 * ms, changed, 250 * ms},
		}},
		{"repairs become rarer when they are undone, changes of the zone do not", []step{
			{1 * sec, touched, 1050 * ms},
			{1050 * ms, repaired, 0},
			{1100 * ms, touched, 2050 * ms},
			{2050 * ms, repaired, 0},
			{2100 * ms, touched, 4050 * ms},
			{2200 * ms, changed, 3050 * ms},
			{4050 * ms, repaired, 0},
			{4100 * ms, touched, 8050 * ms},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var p pace
			for i, s := range c.steps {
				s.do(&p, start.Add(s.at))
				var want time.Time
				if s.want != 0 {
					want = start.Add(s.want)
				}
				if !p.due.Equal(want) {
					t.Fatalf("step %d: due %v after the start, want %v", i, p.due.Sub(start), s.want)
				}
			}
		})
	}
}

func TestRepairsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p pace
	for range 20 {
		p.touched(now)
		now = p.due
		p.done(now, now, true, true)
	}
	if p.repair != maxRepair {
		t.Errorf("after 20 repairs the next may come after %v, want %v", p.repair, maxRepair)
	}
	now = now.Add(forgive + time.Second)
	p.touched(now)
	if got := p.due.Sub(now); got != settle {
		t.Errorf("after a long peace a repair waits %v, want %v", got, settle)
	}
}
