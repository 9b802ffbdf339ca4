package integration

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// publish prints what came of it, as a part of a page, and writes it to a file if one
// is named.
func (s *soak) publish(path string) {
	text := s.report()
	fmt.Print("\n", text, "\n")
	if path == "" {
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Error(err)
	}
}

func (s *soak) report() string {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	var text strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	p("| what | how much |\n| --- | --- |")
	p("| seed | %d |", s.seed)
	p("| duration | %v, %d rounds |", s.passed().Round(time.Second), s.rounds)
	p("| system | %d nodes, %d curators, %d upstreams, %d CPUs |", len(s.nodes), len(s.curators), len(s.upstreams), runtime.NumCPU())
	p("| queries | %d, %.0f a second |", s.seen.queries.Load(), float64(s.seen.queries.Load())/s.passed().Seconds())
	p("| looks at a node | %d, with %d lookups by glibc |", s.seen.looks.Load(), s.seen.lookups.Load())
	p("| answers, but of frozen daemons, within | 50 %%: %v, 99 %%: %v, 99.9 %%: %v |", s.seen.within(0.5), s.seen.within(0.99), s.seen.within(0.999))
	p("| rounds after which another curator led | %d |", s.seen.leaders)
	p("| until all agreed, at most | %v |", s.seen.agreement.Round(time.Millisecond))
	p("| carried out to its end | %v |", s.finished)
	p("| failures | %d |\n", s.seen.failed)
	s.reportCounts(p)
	s.reportNodes(p)
	p("Failures: %d", s.seen.failed)
	for _, failure := range s.seen.failures {
		p("\n```text\n%s\n```", failure)
	}
	return text.String()
}

func (s *soak) reportCounts(p func(string, ...any)) {
	p("| answer | count |\n| --- | ---: |")
	for _, kind := range sorted(s.seen.answers) {
		p("| %s | %d |", kind, s.seen.answers[kind])
	}
	lost := 0
	for _, all := range s.seen.lost {
		lost += len(all)
	}
	p("| none: read by a daemon that was killed | %d |", s.seen.killed)
	p("| none: dropped by the kernel, for want of room | %d |", s.seen.dropped)
	p("| none: lost otherwise | %d |\n", lost)
	p("| fault | count |\n| --- | ---: |")
	for _, kind := range sorted(s.seen.faults) {
		p("| %s | %d |", kind, s.seen.faults[kind])
	}
	p("")
}

func (s *soak) reportNodes(p func(string, ...any)) {
	p("| node | longest wait | before the first fault | at the end | at most |\n| --- | ---: | --- | --- | --- |")
	for _, n := range s.nodes {
		n.usage.mu.Lock()
		p("| %s | %v | %v | %v | %v |", n.name, s.seen.longest[n.name].Round(time.Millisecond), n.usage.before, n.usage.last, n.usage.most)
		n.usage.mu.Unlock()
	}
	p("")
}
