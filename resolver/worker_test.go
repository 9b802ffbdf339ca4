package resolver

import (
	"flag"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/listen"
)

var ordinaryPath = flag.Bool("ordinary", false, "have all servers under test take every query apart")

// All tests of the package pass both ways: here it is run by itself again, with
// the fast path switched off. Tests that compare the two are skipped. It takes
// long for what TestPathsAgree makes unlikely to find anything.
func TestTheOrdinaryWay(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), self, "-ordinary", "-test.skip=^Test(TheOrdinaryWay|PathsAgree)$", "-test.shuffle=on", "-test.timeout=5m")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", again.Args, err, out)
	}
}

// cheap are queries that the fast path answers in full.
var cheap = map[string]struct {
	name  string
	qtype uint16
}{
	"A":               {theirs, dns.TypeA},
	"AAAA":            {theirs, dns.TypeAAAA},
	"in a domain":     {ours + ".nodes.example", dns.TypeA},
	"departed":        {departed, dns.TypeA},
	"PTR":             {"10.0.0.10.in-addr.arpa", dns.TypePTR},
	"NODATA":          {theirs, dns.TypeMX},
	"NXDOMAIN":        {nobody, dns.TypeA},
	"NXDOMAIN, below": {"x.nodes.example", dns.TypeA},
	"name":            {"web-2", dns.TypeA},
	"name in domain":  {"web-2.nodes.example", dns.TypeAAAA},
	"name, NODATA":    {"blank", dns.TypeA},
	"name, departed":  {"left", dns.TypeA},
	"name, file's":    {"db.site.example", dns.TypeA},
	"name, PTR":       {"1.2.0.10.in-addr.arpa", dns.TypePTR},
	"name, long PTR":  {"3.2.0.10.in-addr.arpa", dns.TypePTR},
	"name, contested": {"twins", dns.TypeA},
	"below a name":    {"x.db", dns.TypeA},
	"searched name":   {"db.corp.example", dns.TypeA},
	"localhost":       {"localhost", dns.TypeAAAA},
	"localhost, PTR":  {"1.0.0.127.in-addr.arpa", dns.TypePTR},
	"special use":     {"www.invalid", dns.TypeA},
	"single label":    {"scanner", dns.TypeA},
	"hosts line":      {"printer.lan", dns.TypeA},
	"hosts line, PTR": {"7.1.168.192.in-addr.arpa", dns.TypePTR},
	"cached":          {"www.example.org", dns.TypeA},
	"cached NODATA":   {"www.example.org", dns.TypeAAAA},
	"cached NXDOMAIN": {"absent.example.org", dns.TypeA},
	"cached SERVFAIL": {"broken.example.org", dns.TypeA},
	"stale":           {"stale.example.org", dns.TypeA},
}

// forms are how stub resolvers ask: those before the first odd variant, except
// the one whose EDNS size is so small that its limit is 512 octets.
func forms(name string, qtype uint16) []*dns.Msg {
	const wellKnown = 9
	return variants(name, qtype)[:wellKnown]
}

func TestFastPathAllocatesNothing(t *testing.T) {
	s := newPathServer(t, newPathZone(t, zoneLost), nil)
	w := s.newWorker()
	client := clientAt("127.0.0.1:1234")
	client.Now = pathClock
	buffer := make([]byte, 0, 4096)
	for name, q := range cheap {
		for _, m := range forms(q.name, q.qtype) {
			message := packed(t, m)
			before := w.tally.udp()
			const runs = 20
			if n := testing.AllocsPerRun(runs, func() { w.Handle(message, client, buffer) }); n != 0 {
				t.Errorf("%s: %v allocations for\n%v", name, n, m)
			}
			if got := w.tally.udp() - before; got != runs+1 {
				t.Errorf("%s: %d of %d answered by the fast path:\n%v", name, got, runs+1, m)
			}
		}
	}
}

// What a worker counts is in the Stats, while it works and afterwards.
func TestWorkersCount(t *testing.T) {
	s := newPathServer(t, newPathZone(t, zoneReady), nil)
	udp, tcp := clientAt("127.0.0.1:1234"), clientAt("127.0.0.1:1234")
	tcp.TCP = true
	message, cut := packed(t, query(theirs, dns.TypeA)), []byte("cut")
	const each = 100
	var running sync.WaitGroup
	for range 3 {
		w := s.newWorker()
		running.Go(func() {
			for range each {
				for _, client := range []listen.Client{udp, tcp} {
					w.Handle(message, client, make([]byte, 0, 512))
					w.Handle(cut, client, nil)
				}
				s.Stats()
			}
		})
	}
	running.Wait()
	for _, when := range []string{"while they work", "afterwards"} {
		got := s.Stats()
		if got.UDP != 6*each || got.TCP != 6*each || got.Dropped != 6*each || len(got.Replies) != 1 || got.Replies[0] != (ReplyCount{"zone", "NOERROR", 6 * each}) {
			t.Errorf("%s: %+v", when, got)
		}
		s.tallies.end()
	}
	if len(s.tallies.each) != 0 {
		t.Error("the tallies of workers that have ended are kept")
	}
}
