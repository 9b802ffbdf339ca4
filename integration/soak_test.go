package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	soakFor    = flag.Duration("soak.for", 0, "how long TestSoak goes on")
	soakSeed   = flag.Uint64("soak.seed", 0, "seed of TestSoak's faults; 0: a new one")
	soakNodes  = flag.Int("soak.nodes", 8, fmt.Sprintf("nodes of TestSoak, %d at most", soakMostNodes))
	soakRate   = flag.Int("soak.rate", 20000, "queries a second of TestSoak, over all nodes")
	soakReport = flag.String("soak.report", "", "file for TestSoak's report, besides standard output")
)

// TestSoak runs the whole system for as long as asked, with faults of all its parts
// in random order, and watches what its users would notice. The faults come in
// rounds: at the end of each all are lifted, and all nodes have to agree on the
// truth with nothing grown. One seed is one sequence of faults; docs/soak.md has
// what is checked.
//
//	go test ./integration -run '^TestSoak$' -v -timeout 2h -soak.for 30m -soak.seed 7
func TestSoak(t *testing.T) {
	if *soakFor == 0 {
		t.Skip("takes long: -soak.for 1m runs it, as .ci/full does")
	}
	needSandbox(t, "dnsmasq")
	needUnpacked(t, "nsd", "unbound")
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to have the same faults again: -soak.seed %d", seed)
	s := newSoak(t, seed, min(*soakNodes, soakMostNodes))
	defer s.publish(*soakReport)
	if s.boot(); s.broken() {
		return
	}
	s.watch()
	s.load(*soakRate)
	s.baseline()
	random := rand.New(rand.NewPCG(seed, 0))
	for end := time.Now().Add(*soakFor); time.Now().Before(end) && !s.broken(); {
		s.carryOut(planRound(random, s.size))
		s.settle()
	}
	s.calm()
}
