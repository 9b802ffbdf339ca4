package resolver

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const (
	ours   = "metropolis-00000000000000000000000000000001"
	theirs = "metropolis-0000000000000000000000000000000a"
	nobody = "metropolis-ffffffffffffffffffffffffffffffff"
)

var wallClock = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// newZone is a ready zone with our node and another one.
func newZone(t testing.TB) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	source := store.Source("curator")
	source.Begin()
	source.Set(zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a")})
	source.Complete()
	return store
}

func settings(upstreams ...netip.AddrPort) Settings {
	return Settings{
		Domains:   []string{"nodes.example"},
		TTL:       10 * time.Second,
		Allow:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Upstreams: Upstreams{Servers: plain(upstreams...)},

		DisableFastPath: *ordinaryPath,
	}
}

func plain(addrs ...netip.AddrPort) (servers []upstream.Server) {
	for _, addr := range addrs {
		servers = append(servers, upstream.Plain(addr))
	}
	return servers
}

func newServer(t testing.TB, settings Settings) *Server {
	t.Helper()
	s, err := New(Config{
		Zone:     newZone(t).Snapshot,
		Listen:   []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: settings,
		Now:      func() time.Time { return wallClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a server until the test ends. It returns when exchanges outlive the
// queries that began them.
func start(t testing.TB, s *Server) *Server {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	eventually(t, s.forward.HasScope)
	return s
}

// resolve answers a question as a client on loopback would have it answered,
// without a socket.
func resolve(ctx context.Context, s *Server, name string, qtype uint16) (*dns.Msg, *Lookup) {
	return finish(ctx, s, name, qtype, false)
}

// resolveOffline does so without any upstream; the message is nil if it takes
// one.
func resolveOffline(ctx context.Context, s *Server, name string, qtype uint16) (*dns.Msg, *Lookup) {
	return finish(ctx, s, name, qtype, true)
}

func finish(ctx context.Context, s *Server, name string, qtype uint16, offline bool) (*dns.Msg, *Lookup) {
	r, err := wire.Ask(name, typeText(qtype))
	if err != nil {
		panic(err) // the test has the name
	}
	r.Offline = offline
	l := s.Lookup(r)
	return l.Finish(ctx), l
}

// typeText is a type in a form that no mnemonic is needed for.
func typeText(qtype uint16) string { return fmt.Sprintf("TYPE%d", qtype) }

// rcodeOf is the response code that a question gets.
func rcodeOf(t *testing.T, s *Server, name string, qtype uint16) string {
	t.Helper()
	m, _ := resolve(t.Context(), s, name, qtype)
	return wire.RcodeName(m.Rcode)
}

// client talks to a server over one socket.
type client struct {
	t testing.TB
	net.Conn
	tcp bool
}

func dial(t testing.TB, s *Server, network string) client {
	t.Helper()
	conn, err := net.Dial(network, s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return client{t, conn, network == "tcp"}
}

func (c client) send(b []byte) {
	c.t.Helper()
	if c.tcp {
		b = append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
	}
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// receive returns the octets of the next reply.
func (c client) receive() []byte {
	c.t.Helper()
	b := make([]byte, 1<<16)
	n, err := 0, error(nil)
	if c.tcp {
		if _, err = io.ReadFull(c, b[:2]); err == nil {
			n, err = io.ReadFull(c, b[:binary.BigEndian.Uint16(b)])
		}
	} else {
		n, err = c.Read(b)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return b[:n]
}

func (c client) exchange(query *dns.Msg) *dns.Msg {
	c.t.Helper()
	c.send(packed(c.t, query))
	reply := new(dns.Msg)
	if err := reply.Unpack(c.receive()); err != nil {
		c.t.Fatal(err)
	}
	if reply.Id != query.Id || !reply.Response {
		c.t.Fatalf("not a reply to %d: %v", query.Id, reply)
	}
	return reply
}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func query(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), qtype)
	return m
}

// withEDNS gives a query an OPT record with options.
func withEDNS(m *dns.Msg, size uint16, options ...dns.EDNS0) *dns.Msg {
	m.SetEdns0(size, false)
	m.IsEdns0().Option = options
	return m
}

// fakeUpstream answers over UDP and TCP with a function, until the test ends.
func fakeUpstream(t testing.TB, answer func(w dns.ResponseWriter, q *dns.Msg)) netip.AddrPort {
	t.Helper()
	return nameserver.Serve(t, answer, answer)
}

// answering replies with records in the answer section.
func answering(records ...string) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		if udp := w.RemoteAddr().Network() == "udp"; udp {
			size := dns.MinMsgSize
			if opt := q.IsEdns0(); opt != nil {
				size = int(opt.UDPSize())
			}
			m.Truncate(size)
		}
		_ = w.WriteMsg(m)
	}
}

// texts are the records of a section as text with single blanks.
func texts(records []dns.RR) []string {
	all := []string{}
	for _, rr := range records {
		all = append(all, squeeze(rr.String()))
	}
	return all
}

func squeeze(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == '\t' {
			b[i] = ' '
		}
	}
	return string(b)
}

// ede is the extended error in a reply, or -1.
func ede(m *dns.Msg) int {
	if opt := m.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if e, ok := option.(*dns.EDNS0_EDE); ok {
				return int(e.InfoCode)
			}
		}
	}
	return -1
}
