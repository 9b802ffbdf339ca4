package resolver

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/zone"
)

// The work of one query, from its bytes to those of the reply, as a socket loop
// has it done.
func BenchmarkWorker(b *testing.B) {
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	type bench struct {
		name  string
		query *dns.Msg
	}
	run := func(store *zone.Store, benches ...bench) {
		s := newPathServer(b, store, nil)
		s.machine.following(true) // as Run does
		for _, bb := range benches {
			b.Run(bb.name, func(b *testing.B) { benchmarkHandler(b, s.newWorker(), [][]byte{packed(b, bb.query)}) })
		}
	}
	ids, names := newPathZoneWith(b, zoneReady, false), newPathZoneWith(b, zoneReady, true)
	run(ids, []bench{
		{"A", query(theirs, dns.TypeA)},
		{"EDNS", withEDNS(query(theirs, dns.TypeA), 1232)},
		{"cookie", withEDNS(query(theirs, dns.TypeA), 1232, cookie)},
		{"domain", query(theirs+".nodes.example", dns.TypeA)},
		{"PTR", query("10.0.0.10.in-addr.arpa", dns.TypePTR)},
		{"NODATA", query(addrless, dns.TypeA)},
		{"NXDOMAIN", query(nobody, dns.TypeA)},
		{"localhost", query("localhost", dns.TypeA)},
		{"hosts", query("printer.lan", dns.TypeA)},
		{"cached", query("www.example.org", dns.TypeA)},
	}...)
	run(names, []bench{
		{"names/ID", query(theirs, dns.TypeA)},
		{"names/cluster", query("web-2", dns.TypeA)},
		{"names/domain", query("web-2.nodes.example", dns.TypeA)},
		{"names/file", query("store", dns.TypeA)},
		{"names/NODATA", query("blank", dns.TypeA)},
		{"names/NXDOMAIN", query("web-3.nodes.example", dns.TypeA)},
		{"names/PTR", query("10.0.0.10.in-addr.arpa", dns.TypePTR)},
		{"names/cached", query("www.example.org", dns.TypeA)},
	}...)
}

// The same for names in random order, which miss the processor's caches.
func BenchmarkWorkerOf100000(b *testing.B) {
	if testing.Short() {
		b.Skip("a zone of 100,000 nodes is left out in short mode")
	}
	random := rand.New(rand.NewPCG(1, 2))
	entries := randomEntries(random, 100_000)
	run := func(store *zone.Store, name string, message func(int, zone.Entry) *dns.Msg) {
		s := newPathServer(b, store, nil)
		s.machine.following(true) // as Run does
		var messages [][]byte
		for i, e := range entries {
			messages = append(messages, packed(b, message(i, e)))
		}
		random.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
		messages = together(messages)
		b.Run(name, func(b *testing.B) { benchmarkHandler(b, s.newWorker(), messages) })
	}
	cluster := storeOf(b, (*zone.Store).Source, entries)
	run(cluster, "A", func(_ int, e zone.Entry) *dns.Msg { return query(e.ID, dns.TypeA) })
	run(cluster, "mix", func(i int, e zone.Entry) *dns.Msg {
		switch n := i % 100; {
		case n < 70:
			return query(e.ID, dns.TypeA)
		case n < 85:
			return query(e.ID, dns.TypeAAAA)
		}
		return query(randomID(random), dns.TypeA)
	})
	run(cluster, "names/domain", func(_ int, e zone.Entry) *dns.Msg { return query(e.Names[0]+".nodes.example", dns.TypeA) })
	run(cluster, "names/cluster", func(_ int, e zone.Entry) *dns.Msg { return query(e.Names[0], dns.TypeA) })
	run(cluster, "names/PTR", func(_ int, e zone.Entry) *dns.Msg {
		name, err := dns.ReverseAddr(e.Addresses[0].String())
		if err != nil {
			b.Fatal(err)
		}
		return query(name, dns.TypePTR)
	})
	run(storeOf(b, (*zone.Store).FileSource, entries), "names/file", func(_ int, e zone.Entry) *dns.Msg { return query(e.Names[0], dns.TypeA) })
}

// randomEntries are nodes with an address and a readable name each.
func randomEntries(random *rand.Rand, nodes int) (entries []zone.Entry) {
	for i := range nodes {
		entries = append(entries, zone.Entry{
			ID:        randomID(random),
			Addresses: testkit.Addrs(fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255)),
			Names:     []string{fmt.Sprintf("host-%05d", i)},
		})
	}
	return entries
}

func randomID(random *rand.Rand) string {
	return fmt.Sprintf("metropolis-%016x%016x", random.Uint64(), random.Uint64())
}

// storeOf is a store to which one source has reported nodes.
func storeOf(b *testing.B, kind func(*zone.Store, string) *zone.Source, entries []zone.Entry) *zone.Store {
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		b.Fatal(err)
	}
	source := kind(store, "nodes")
	source.Begin()
	source.Set(entries...)
	source.Complete()
	return store
}

// together copies messages to one place, in their order, so that the processor
// has the next one at hand as it has what a socket just delivered.
func together(messages [][]byte) (copies [][]byte) {
	all := bytes.Join(messages, nil)
	for _, m := range messages {
		copies = append(copies, all[:len(m):len(m)])
		all = all[len(m):]
	}
	return copies
}

// The ordinary path of one query.
func BenchmarkOrdinaryPath(b *testing.B) {
	s := newPathServer(b, newPathZone(b, zoneReady), func(s *Settings) { s.DisableFastPath = true })
	benchmarkHandler(b, s, [][]byte{packed(b, query(theirs, dns.TypeA))})
}

func benchmarkHandler(b *testing.B, h listen.Handler, messages [][]byte) {
	client := listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1234"), Now: pathClock}
	buffer := make([]byte, 0, 4096)
	b.ReportAllocs()
	began := cpuTime(b)
	for i := 0; b.Loop(); i++ {
		if i == len(messages) {
			i = 0
		}
		if reply, _ := h.Handle(messages[i], client, buffer); len(reply) == 0 {
			b.Fatal("no reply")
		}
	}
	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process has used of the processors: on a busy machine it
// is more meaningful than the elapsed time.
func cpuTime(b *testing.B) int64 {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// A query over a socket, one in flight.
func BenchmarkUDP(b *testing.B) {
	s := start(b, newServer(b, settings()))
	c := dial(b, s, "udp")
	message, reply := packed(b, query(theirs, dns.TypeA)), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		c.send(message)
		if _, err := c.Read(reply); err != nil {
			b.Fatal(err)
		}
	}
}
