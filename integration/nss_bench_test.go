package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkNSS is one getaddrinfo of a node's name, by each of the C library's
// sources in turn, in one program and on one machine:
//
//	go test ./integration -run '^$' -bench NSS
//
// The hosts file has all nodes, of which 64 are looked up, from its beginning to
// its end.
func BenchmarkNSS(b *testing.B) {
	x := needNSS(b)
	for _, nodes := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			c := newCluster(b, 1, "[files]", "hosts_max_nodes = 0", withVarlink)
			n := c.nodes[0]
			c.curator.tell("fill %d", nodes-1)
			names := n.writtenNames(b, nodes)
			lookups := compile(b, "gcc", "lookups.c")
			for _, source := range []string{"resolve", "dns", "files"} {
				b.Run("source="+source, func(b *testing.B) {
					n.write("/etc/nsswitch.conf", "hosts: "+source+"\n")
					out, err := x.run(n.machine, append([]string{lookups, fmt.Sprint(b.N)}, names...)...)
					must(b, err)
					var took []time.Duration
					for text := range strings.FieldsSeq(out) {
						ns, err := strconv.ParseInt(text, 10, 64)
						must(b, err)
						took = append(took, time.Duration(ns))
					}
					report(b, took)
				})
			}
		})
	}
}

// writtenNames waits until the hosts file has that many nodes, and returns some
// of their names.
func (n *node) writtenNames(b *testing.B, nodes int) (names []string) {
	b.Helper()
	const wanted = 64
	var all []string
	eventually(b, "the file has all nodes", func() error {
		all = nil
		for line := range strings.Lines(n.read("/etc/hosts")) {
			if words := strings.Fields(line); len(words) == 2 && strings.HasPrefix(words[1], "metropolis-") {
				all = append(all, words[1])
			}
		}
		if len(all) < nodes {
			return fmt.Errorf("it has %d", len(all))
		}
		return nil
	})
	for i := range wanted {
		names = append(names, all[i*len(all)/wanted])
	}
	return names
}
