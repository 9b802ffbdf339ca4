package zone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

func TestQuarantineRefusesTheEntryAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		entry Entry
	}{
		{"no prefix", node(strings.TrimPrefix(b, "metropolis-"), "192.0.2.2")},
		{"too short", node(b[:len(b)-1], "192.0.2.2")},
		{"too long", node(b+"0", "192.0.2.2")},
		{"not hex", node(b[:len(b)-1]+"g", "192.0.2.2")},
		{"a line break", node(b[:len(b)-1]+"\n", "192.0.2.2")},
		{"empty name", node("", "192.0.2.2")},
		{"localhost", node("localhost", "192.0.2.2")},
		{"not an address", node(b, "192.0.2.256")},
		{"nil printed", node(b, "<nil>")},
		{"address with a line break", node(b, "192.0.2.2\n")},
		{"unspecified", node(b, "0.0.0.0")},
		{"unspecified IPv6", node(b, "::")},
		{"this network", node(b, "0.1.2.3")},
		{"loopback", node(b, "127.3.2.1")},
		{"loopback IPv6", node(b, "::1")},
		{"multicast", node(b, "224.0.0.1")},
		{"multicast IPv6", node(b, "ff02::1")},
		{"broadcast", node(b, "255.255.255.255")},
		{"link-local", node(b, "169.254.1.1")},
		{"link-local IPv6", node(b, "fe80::1")},
		{"zoned", node(b, "2001:db8::1%eth0")},
		{"IPv4-mapped", node(b, "::ffff:192.0.2.2")},
		{"ours", node(b, "192.0.2.7")},
		{"two of a family", node(b, "192.0.2.2", "192.0.2.3")},
		{"good and bad", node(b, "192.0.2.2", "::1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.setLocal("192.0.2.7")
			f.connect(node(a, "192.0.2.1"), test.entry, node(c, "192.0.2.3"))
			f.want(a, "192.0.2.1")
			f.want(c, "192.0.2.3")
			f.want(b, "")
			f.wantCounts(Counts{Live: 3, Quarantined: 1})
			if got := strings.Count(f.logged.String(), "invalid cluster entries ignored"); got != 1 {
				t.Errorf("logged %d times, want once:\n%s", got, &f.logged)
			}
			if strings.Count(f.logged.String(), "\n") != 1 {
				t.Errorf("more than one log line:\n%s", &f.logged)
			}
		})
	}
}

func TestQuarantineKeepsThePreviousGoodAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	f.curator.Set(node(a, "127.0.0.1"))
	f.want(a, "192.0.2.1")
	f.wantCounts(Counts{Live: 2, Quarantined: 1})
	f.backlog(node(a, "127.0.0.1"))
	f.wantDeparted(a, false)
	f.wantCounts(Counts{Live: 2, Quarantined: 1})
	f.curator.Set(node(a, "192.0.2.2"))
	f.want(a, "192.0.2.2")
	f.wantCounts(Counts{Live: 2})
}

func TestQuarantineOfOurAddressFollowsOurAddresses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.8", "2001:db8::b"))
	f.curator.Set(node(a, "192.0.2.7"))
	f.want(a, "192.0.2.1") // the previous good one
	f.wantReverse("192.0.2.7", self)

	f.setLocal("192.0.2.8")
	f.want(a, "192.0.2.7") // restored
	f.want(b, "2001:db8::b")
	f.wantReverse("192.0.2.8", self)
	f.wantReverse("192.0.2.7", a)
	f.wantCounts(Counts{Live: 3, Quarantined: 1})

	f.setLocal("192.0.2.9")
	f.want(b, "192.0.2.8 2001:db8::b")
	f.wantReverse("192.0.2.8", b)
	f.wantCounts(Counts{Live: 3})
}

func TestQuarantineOfOurAddressFromAnUnknownNode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(node(a, "192.0.2.7"), node(b, "192.0.2.7"))
	f.want(a, "")
	f.setLocal("192.0.2.8")
	f.want(a, "192.0.2.7")
	f.want(b, "192.0.2.7")
	f.wantReverse("192.0.2.7", a)
	f.setLocal("192.0.2.7")
	f.want(a, "-")
	f.want(b, "-")
	f.wantCounts(Counts{Live: 3, Quarantined: 2})
	f.curator.Gone(a)
	f.backlog()
	f.wantDeparted(a, true)
	f.wantDeparted(b, true)
	f.setLocal("192.0.2.8")
	f.want(a, "192.0.2.7")
	f.wantDeparted(a, true)
	f.wantCounts(Counts{Live: 1, Departed: 2})
}

// What is reported without an address leaves the one that is withheld in place, as it
// does one that counts.
func TestQuarantineKeepsTheWithheldAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(node(a, "192.0.2.1"))
	f.curator.Set(node(a, "192.0.2.7"))
	f.curator.Set(Entry{ID: a, Roles: ConsensusMember})
	f.want(a, "192.0.2.1")
	f.setLocal("192.0.2.8")
	f.want(a, "192.0.2.7")
}

func TestQuarantineForgetsWhatIsNoLongerReported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(node("x", "192.0.2.1"), node(a, "127.0.0.1"), node(b, "192.0.2.7"))
	f.wantCounts(Counts{Live: 1, Quarantined: 3})
	f.curator.Gone("x", b)
	f.wantCounts(Counts{Live: 1, Quarantined: 1})
	f.backlog()
	f.wantCounts(Counts{Live: 1})
	f.setLocal("192.0.2.8")
	f.want(b, "")
}

func TestQuarantineOfASecondNameByCaseOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	upper := strings.ToUpper(a)
	f.connect(node(a, "192.0.2.1"), node(upper, "192.0.2.2"))
	f.want(a, "192.0.2.1")
	f.wantCounts(Counts{Live: 2, Quarantined: 1})
	f.curator.Gone(upper)
	f.wantDeparted(a, false)
	f.wantCounts(Counts{Live: 2})

	f = newFixture(t)
	f.connect(node(upper, "192.0.2.2"), node(a, "192.0.2.1"))
	f.want(a, "192.0.2.2")
	f.curator.Set(node(upper, "192.0.2.3"))
	f.want(a, "192.0.2.3")
	f.wantCounts(Counts{Live: 2, Quarantined: 1})
	f.curator.Gone(upper)
	f.wantDeparted(a, true)
}

func TestQuarantineStaysBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const bogus = 10 * maxRefusals
	entries := []Entry{node(a, "192.0.2.1")}
	for i := range bogus {
		entries = append(entries, node(fmt.Sprint("bogus", i), "192.0.2.2"))
	}
	f.connect(entries...)
	f.want(a, "192.0.2.1")
	f.wantCounts(Counts{Live: 2, Quarantined: bogus})
	if len(f.refusals.named) > maxRefusals {
		t.Errorf("%d names remembered, want at most %d", len(f.refusals.named), maxRefusals)
	}
	if f.logged.Len() > 4000 || strings.Count(f.logged.String(), "\n") != 1 {
		t.Errorf("logged %d bytes:\n%.2000s", f.logged.Len(), &f.logged)
	}
	f.backlog(entries...)
	f.wantCounts(Counts{Live: 2, Quarantined: bogus})
	f.backlog(node(a, "192.0.2.1"))
	f.wantCounts(Counts{Live: 2})
}

func TestZoneStaysBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxNodes = 3 }) // our own record among them
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"), node(c, "192.0.2.3"))
	f.want(c, "")
	f.curator.Set(node(a, "192.0.2.11"))
	f.want(a, "192.0.2.11")
	f.wantCounts(Counts{Live: 3, Quarantined: 1})
}

func TestEndlessBacklogStaysBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.curator.Begin()
	for range 10_000 {
		f.curator.Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	}
	if cap(f.curator.seen) > 1000 {
		t.Errorf("room for %d names after a backlog of two, want it bounded", cap(f.curator.seen))
	}
}

func TestQuarantineOfOurAddressChangesNothingElse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(Entry{ID: a, Addresses: testkit.Addrs("192.0.2.1"), Roles: KubernetesWorker})
	for _, address := range []string{"192.0.2.7", "127.0.0.1"} {
		f.curator.Set(Entry{ID: a, Addresses: testkit.Addrs(address), Roles: ConsensusMember, CuratorPort: 7})
		if n, _ := f.Snapshot().Lookup(a); n.Roles() != KubernetesWorker || n.CuratorPort() != 0 {
			t.Errorf("with %s refused: roles %v, port %d", address, n.Roles(), n.CuratorPort())
		}
		f.want(a, "192.0.2.1")
		f.wantCounts(Counts{Live: 2, Quarantined: 1})
	}
}

func TestQuarantinedSpellingIsPresent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	f.backlog(node(strings.ToUpper(a), "192.0.2.1"))
	f.wantDeparted(a, false)
}

func TestQuarantineBeyondItsBoundStaysQuiet(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var entries []Entry
	for i := range maxRefusals + 10 {
		entries = append(entries, node(fmt.Sprint("bogus", i)))
	}
	f.connect(entries...)
	f.wantCounts(Counts{Live: 1, Quarantined: maxRefusals + 10})
	f.unchanged("one that is not remembered", func() {
		for range 100 {
			f.curator.Set(entries[len(entries)-1])
		}
	})
	if got := strings.Count(f.logged.String(), "\n"); got != 1 {
		t.Errorf("%d log lines, want 1", got)
	}
}
