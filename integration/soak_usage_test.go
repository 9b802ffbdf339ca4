package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// What a daemon may need more than before the first fault, when all faults are over.
// The bounds are for what comes and goes: connections and their goroutines, and
// memory that Go has not returned yet.
const (
	soakMoreDescriptors = 32
	soakMoreGoroutines  = 48
	soakMoreMemory      = 32 << 20
	// soakIdleMore is when it has nothing to do either.
	soakIdleMore = 16
)

// soakNeeds is what a process needs: descriptors, goroutines, and octets of memory.
type soakNeeds struct{ descriptors, goroutines, memory int }

func (a soakNeeds) most(b soakNeeds) soakNeeds {
	return soakNeeds{max(a.descriptors, b.descriptors), max(a.goroutines, b.goroutines), max(a.memory, b.memory)}
}

func (a soakNeeds) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %.1f MiB", a.descriptors, a.goroutines, float64(a.memory)/(1<<20))
}

// soakUsage is what a node's daemons have needed: before the first fault, after the
// last one, and at most. Goroutines are counted when all faults are over.
type soakUsage struct {
	mu                 sync.Mutex
	before, last, most soakNeeds
}

// sample is for while anything happens. A process that has ended needs nothing.
func (u *soakUsage) sample(pid int) {
	needs := needsOf(pid)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.most = u.most.most(needs)
}

func needsOf(pid int) (needs soakNeeds) {
	descriptors, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // none of a process that has ended
	needs.descriptors = len(descriptors)
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	_, after, _ := strings.Cut(string(text), "\nVmRSS:")
	var kilobytes int
	_, _ = fmt.Sscan(after, &kilobytes)
	needs.memory = kilobytes << 10
	return needs
}

// settled is what the node needs now.
func (u *soakUsage) settled(n *soakNode) error {
	text, err := n.scrape()
	if err != nil {
		return err
	}
	needs := needsOf(int(n.process.Load()))
	needs.goroutines = int(metricsSum(text, "go_goroutines"))
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last, u.most = needs, u.most.most(needs)
	return nil
}

// check fails if the node needs more than it did before the first fault.
func (u *soakUsage) check(n *soakNode) error {
	if err := u.settled(n); err != nil {
		return err
	}
	bound := soakNeeds{
		u.before.descriptors + soakMoreDescriptors, u.before.goroutines + soakMoreGoroutines, u.before.memory + soakMoreMemory,
	}
	if u.last.most(bound) != bound {
		return fmt.Errorf("it needs %v, and needed %v", u.last, u.before)
	}
	return nil
}

// baseline is what all need before the first fault.
func (s *soak) baseline() {
	for _, n := range s.nodes {
		must(s.t, n.usage.settled(n))
		n.usage.before = n.usage.last
	}
}

// isIdle fails unless the daemon waits for nothing, and has given back what it
// needed for that.
func (n *soakNode) isIdle() error {
	text, err := n.scrape()
	if err != nil {
		return err
	}
	var errs []error
	for _, gauge := range []string{"nodedns_dns_in_flight", "nodedns_upstream_in_flight", "nodedns_dns_tcp_connections", "nodedns_zone_quarantined_entries"} {
		if now := metricsSum(text, gauge); now != 0 {
			errs = append(errs, fmt.Errorf("%s is %v", gauge, now))
		}
	}
	if err := n.usage.settled(n); err != nil {
		return err
	}
	if last, before := n.usage.last, n.usage.before; last.descriptors > before.descriptors+soakIdleMore || last.goroutines > before.goroutines+soakIdleMore {
		errs = append(errs, fmt.Errorf("it needs %v, and needed %v", last, before))
	}
	return errors.Join(errs...)
}

// metricsSum adds the values of a metric, over all its labels.
func metricsSum(text, name string) (sum float64) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, name)
		if !found || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(line)
		value, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
		sum += value
	}
	return sum
}
