//go:build !race

package listen

import "testing"

// The race detector's runtime drops what a sync.Pool holds at random, so these
// tests hold only without it.
func TestNothingIsAllocatedForAQuery(t *testing.T) {
	for name, addr := range map[string]string{"udp": "127.0.0.1:0", "udp wildcard": "0.0.0.0:0", "tcp": "127.0.0.1:0"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, echo, Limits{}, addr)
			round := newRound(t, name[:3], s)
			if got := testing.AllocsPerRun(100, round); got != 0 {
				t.Errorf("%v allocations for %d queries", got, roundSize)
			}
		})
	}
}
