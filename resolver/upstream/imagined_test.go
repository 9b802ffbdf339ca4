package upstream

import (
	"context"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// imagined is a server without sockets, so that its time can be a bubble's.
type imagined struct {
	server Server

	mu      sync.Mutex
	delay   func() time.Duration // negative: lost
	respond func(*dns.Msg) *dns.Msg
	asked   []*dns.Msg
	most    int // concurrent queries
	now     int
}

// lost is the delay of what never arrives.
const lost = time.Duration(-1)

func after(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

func withRcode(rcode int) func(*dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, rcode) }
}

// RoundTrip implements roundTripper.
func (s *imagined) RoundTrip(ctx context.Context, wire []byte, accept transport.Accept) ([]byte, error) {
	q := new(dns.Msg)
	if err := q.Unpack(wire); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked = append(s.asked, q)
	s.now++
	s.most = max(s.most, s.now)
	delay, respond := s.delay(), s.respond
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	var m *dns.Msg
	if respond == nil {
		m = reply(q, "192.0.2.1")
	} else {
		m = respond(q)
	}
	if delay >= 0 && m != nil {
		select {
		case <-time.After(delay):
			message, err := m.Pack()
			if err != nil {
				return nil, err
			}
			return message, accept(message)
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (*imagined) Close() {}

// set changes how the server answers from now on.
func (s *imagined) set(delay func() time.Duration, respond func(*dns.Msg) *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay, s.respond = delay, respond
}

// take returns the queries since the last call.
func (s *imagined) take() []*dns.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// queries counts them without probes.
func queries(asked []*dns.Msg) (n int) {
	for _, q := range asked {
		if _, loop := parseLoopName(q.Question[0].Name); !loop && q.Question[0].Name != "." {
			n++
		}
	}
	return n
}

// imagine makes servers with these delays, known to a pool.
func imagine(config Config, delays ...func() time.Duration) (*Pool, []*imagined, *Group) {
	p := New(config)
	servers := make([]*imagined, len(delays))
	list := make([]Server, len(delays))
	known := map[Server]*imagined{}
	for i, delay := range delays {
		list[i] = Plain(netip.MustParseAddrPort("198.51.100." + strconv.Itoa(i+1) + ":53"))
		servers[i] = &imagined{server: list[i], delay: delay}
		known[list[i]] = servers[i]
	}
	p.newTransport = func(server Server, _ *transport.Scope) roundTripper {
		server.Transport = UDP
		return known[server]
	}
	return p, servers, p.Use(Options{}, list)[0]
}

// run runs a pool until the function that it returns is called.
func run(t testing.TB, p *Pool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	for running := false; !running; runtime.Gosched() {
		p.mu.Lock()
		running = p.session != nil
		p.mu.Unlock()
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// ask makes an exchange that must succeed, and returns how long it took.
func ask(t testing.TB, g *Group) (*Reply, time.Duration) {
	t.Helper()
	began := time.Now()
	got, err := g.Exchange(t.Context(), query("www.example."))
	if err != nil {
		t.Fatal(err)
	}
	return got, time.Since(began)
}

// state is that of one server.
func state(p *Pool, server Server) State {
	for _, s := range p.Status() {
		if s.Server == server.String() {
			return s.State
		}
	}
	return Unknown
}
