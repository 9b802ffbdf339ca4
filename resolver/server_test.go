package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/upstream"
)

// rebinding is a server that will bind its port a second time. No other program
// gets that meanwhile: the kernel does not assign it as an ephemeral one, and
// only this process uses the address.
func rebinding(t *testing.T, port uint16) *Server {
	s := newServer(t, settings())
	pid := os.Getpid()
	addr := netip.AddrFrom4([4]byte{127, 64 | byte(pid>>16&63), byte(pid >> 8), byte(pid)})
	s.want = []netip.AddrPort{netip.AddrPortFrom(addr, port)}
	return s
}

func TestListenKeepsThePort(t *testing.T) {
	s := newServer(t, settings())
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	bound := s.Addrs()
	if err := s.Close(); err != nil || s.want[0] != bound[0] || bound[0].Port() == 0 {
		t.Errorf("got %v, %v; want %v", s.want, err, bound)
	}
}

func TestRunTwice(t *testing.T) {
	s := rebinding(t, 5301)
	var addrs []netip.AddrPort
	for range 2 {
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		if addrs == nil {
			addrs = s.Addrs()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		dial(t, s, "udp").exchange(query(ours, dns.TypeA))
		for name, call := range map[string]func() error{"Listen": s.Listen, "Close": s.Close} {
			if err := call(); err != nil {
				t.Errorf("%s while running: %v", name, err)
			}
		}
		dial(t, s, "udp").exchange(query(ours, dns.TypeA))
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := s.Addrs(); got[0] != addrs[0] {
			t.Errorf("listening on %v, first on %v", got, addrs)
		}
	}
}

func TestCloseWithoutRun(t *testing.T) {
	s := rebinding(t, 5302)
	for range 2 { // the same port, so that the second shows that the first was closed
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestListenFailsAsAWhole(t *testing.T) {
	taken := start(t, newServer(t, settings())).Addrs()[0]
	s, err := New(Config{Zone: newZone(t).Snapshot, Listen: []netip.AddrPort{taken}, Settings: settings()})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Listen": s.Listen(), "Run": s.Run(t.Context())} {
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if addrs := s.Addrs(); len(addrs) != 0 {
		t.Errorf("bound %v", addrs)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no zone":          func(c *Config) { c.Zone = nil },
		"root as a domain": func(c *Config) { c.Settings.Domains = []string{"."} },
		"negative TTL":     func(c *Config) { c.Settings.TTL = -time.Second },
		"negative timeout": func(c *Config) { c.Settings.Upstreams.Timeout = -time.Second },
		"server, no port": func(c *Config) {
			c.Settings.Upstreams.Servers = plain(netip.MustParseAddrPort("192.0.2.1:0"))
		},
	} {
		c := Config{Zone: newZone(t).Snapshot, Settings: settings()}
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestReconfigure(t *testing.T) {
	s := start(t, newServer(t, settings()))
	next := settings()
	next.Domains = []string{"other.example"}
	next.TTL = time.Minute
	if err := s.Reconfigure(next); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, "udp")
	m := c.exchange(query(ours+".other.example", dns.TypeA))
	if len(m.Answer) != 1 || m.Answer[0].Header().Ttl != 60 {
		t.Errorf("got %v", m)
	}
	if m := c.exchange(query(ours+".nodes.example", dns.TypeA)); m.Rcode != dns.RcodeRefused {
		t.Errorf("the old domain gets %v", m)
	}
	wrong := settings()
	wrong.Domains = []string{"a..b"}
	if err := s.Reconfigure(wrong); err == nil {
		t.Error("a wrong domain is accepted")
	}
	next.Allow = nil
	if m := c.exchange(query(ours+".other.example", dns.TypeA)); len(m.Answer) != 1 {
		t.Errorf("after a wrong one, and a change to what was passed before: %v", m)
	}
	if err := s.Reconfigure(next); err != nil {
		t.Fatal(err)
	}
	if m := c.exchange(query(ours, dns.TypeA)); m.Rcode != dns.RcodeRefused {
		t.Errorf("a client that is not allowed any more gets %v", m)
	}
}

func TestServersOfTheMachine(t *testing.T) {
	up := fakeUpstream(t, answering("www.example.org. 60 IN A 192.0.2.1"))
	root := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, "resolv.conf"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("search corp.example .\nnameserver 127.0.0.53\n")
	var clock time.Duration
	auto := settings()
	auto.Upstreams = Upstreams{Servers: []upstream.Server{Auto}, Root: root, ResolvConf: "/resolv.conf"}
	s, err := New(Config{
		Zone: newZone(t).Snapshot, Settings: auto,
		Clock: func() time.Duration { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	servers := s.Upstreams
	if got := servers(); len(got) != 1 || got[0].String() != "127.0.0.53" {
		t.Errorf("servers %v", got)
	}
	if got := rcodeOf(t, s, theirs+".corp.example", dns.TypeA); got != "NXDOMAIN" {
		t.Errorf("a node with a search domain is %s", got)
	}

	// Its own listener is none of its upstreams.
	own := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")}
	s.bound.Store(&own)
	write("nameserver 127.0.0.53\nnameserver 127.0.0.53\n")
	clock += time.Second
	if got := servers(); len(got) != 0 {
		t.Errorf("servers %v", got)
	}
	if got := rcodeOf(t, s, "www.example.org", dns.TypeA); got != "REFUSED" {
		t.Errorf("without upstreams: %s", got)
	}
	if got := rcodeOf(t, s, theirs+".corp.example", dns.TypeA); got != "REFUSED" {
		t.Errorf("a node with what was a search domain is %s", got)
	}

	// Without auto, resolv.conf gives its search list only.
	auto.Upstreams.Servers = plain(up)
	write("nameserver 192.0.2.1\nsearch lab.example\n")
	clock += time.Second
	if err := s.Reconfigure(auto); err != nil {
		t.Fatal(err)
	}
	if got := servers(); len(got) != 1 || got[0].Addr != up {
		t.Errorf("servers %v", got)
	}
	if got := rcodeOf(t, s, theirs+".lab.example", dns.TypeA); got != "NXDOMAIN" {
		t.Errorf("a node with a search domain is %s", got)
	}
	if got := rcodeOf(t, s, "www.example.org", dns.TypeA); got != "NOERROR" {
		t.Errorf("forwarded: %s", got)
	}

	// The machine's own are asked in their place among the others.
	auto.Upstreams.Servers = []upstream.Server{upstream.Plain(up), Auto, upstream.Plain(netip.MustParseAddrPort("192.0.2.9:53"))}
	if err := s.Reconfigure(auto); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(servers()); got != fmt.Sprintf("[%v 192.0.2.1 192.0.2.9]", up) {
		t.Errorf("servers %v", got)
	}
}

// A reader of the counters, however slow, delays no query.
func TestStatsHoldUpNoQuery(t *testing.T) {
	s := start(t, newServer(t, settings()))
	for _, network := range []string{"udp", "tcp"} {
		c := dial(t, s, network)
		c.exchange(query(ours, dns.TypeA)) // its connection is open
		func() {
			s.listeners.mu.Lock()
			defer s.listeners.mu.Unlock()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tallies.mu.Lock()
			defer s.tallies.mu.Unlock()
			c.exchange(query(theirs, dns.TypeA))
		}()
	}
}

func TestStats(t *testing.T) {
	s := start(t, newServer(t, settings()))
	dial(t, s, "udp").exchange(query(ours, dns.TypeA))
	dial(t, s, "udp").exchange(query(nobody, dns.TypeA))
	dial(t, s, "tcp").exchange(query("localhost", dns.TypeA))
	version := withEDNS(query(ours, dns.TypeA), 1232)
	version.IsEdns0().SetVersion(1)
	dial(t, s, "tcp").exchange(version)
	stats := s.Stats()
	if stats.UDP != 2 || stats.TCP != 2 {
		t.Errorf("%d by UDP and %d by TCP, want 2 each", stats.UDP, stats.TCP)
	}
	if c := stats.Connections; c.Open != 2 || c.Limit < c.Open || c.Refused != 0 {
		t.Errorf("%+v, want 2 connections that are open", c)
	}
	want := map[ReplyCount]bool{
		{"zone", "NOERROR", 1}: true, {"zone", "NXDOMAIN", 1}: true,
		{"special", "NOERROR", 1}: true, {"request", "BADVERS", 1}: true,
	}
	for _, got := range stats.Replies {
		if !want[got] {
			t.Errorf("unexpected %+v", got)
		}
		delete(want, got)
	}
	if len(want) > 0 {
		t.Errorf("missing %v", want)
	}
}
