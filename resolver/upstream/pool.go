package upstream

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// Total is how long an Exchange takes at most. It leaves 300 ms of the four
// seconds that a client is promised.
const Total = 3700 * time.Millisecond

const (
	defaultTimeout   = 2 * time.Second
	defaultInFlight  = 1024
	defaultPerServer = 512
)

// Config of a Pool.
type Config struct {
	// Own returns the addresses that we listen on, which are never queried. Nil
	// means none.
	Own func() []netip.AddrPort
	// Roots verify certificates; the system's where nil.
	Roots *x509.CertPool
	// Logger gets changes of the servers' states; nil discards.
	Logger *slog.Logger
	// InFlight bounds the concurrent Exchanges, 1024 where zero; PerServer those
	// that wait for one server, 512 where zero. Beyond that the one that has been
	// late for the longest gives way.
	InFlight, PerServer int
}

// Options may differ from one Use to the next.
type Options struct {
	// Timeout of a server that has been silent over UDP, or of a connection; 2 s
	// where zero.
	Timeout time.Duration
	// RandomizeCase makes forgery harder where nothing is encrypted (0x20).
	RandomizeCase bool
}

// Pool holds the servers in use and the state of each. Its methods may be
// called concurrently, but only one Run may run.
//
// Without Run queries are answered too, but each one makes its own
// connections, and servers that failed are tried again by queries.
type Pool struct {
	config       Config
	newTransport func(Server, *transport.Scope) roundTripper // replaced in tests
	total        time.Duration                               // Total, but for tests
	places       places                                      // for the Exchanges
	budget       budget
	leftOut      broadcast    // a server is
	wakeup       retry.Hint   // holds one element when the prober has to check
	used         atomic.Int64 // nanoseconds from born to the last use
	born         time.Time

	mu      sync.Mutex
	peers   map[Server]*peer
	tokens  map[token]*peer
	standby standby
	session *session // nil: not running
}

// New returns a Pool without servers. It starts nothing.
func New(config Config) *Pool {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	config.InFlight = cmp.Or(config.InFlight, defaultInFlight)
	config.PerServer = cmp.Or(config.PerServer, defaultPerServer)
	p := &Pool{
		config: config,
		total:  Total,
		places: places{limit: config.InFlight},
		budget: newBudget(),
		wakeup: retry.NewHint(),
		born:   time.Now(),
		peers:  map[Server]*peer{},
		tokens: map[token]*peer{},
	}
	p.newTransport = p.makeTransport
	return p
}

// Use sets which servers are in use from now on, and returns a Group for each
// list. Our own listeners and repetitions are left out. The state of a server
// is kept if it was in use before. Groups from earlier calls keep working with
// their servers.
func (p *Pool) Use(options Options, lists ...[]Server) []*Group {
	options.Timeout = cmp.Or(options.Timeout, defaultTimeout)
	own := p.own()
	p.mu.Lock()
	defer p.mu.Unlock()
	peers, tokens := map[Server]*peer{}, map[token]*peer{}
	groups := make([]*Group, len(lists))
	for i, list := range lists {
		groups[i] = &Group{pool: p, options: options}
		for _, server := range list {
			server.Addr = Normalize(server.Addr)
			if IsOwn(own, server.Addr, netip.Addr{}) {
				continue
			}
			known := p.peer(server, peers, tokens)
			if !slices.Contains(groups[i].peers, known) {
				groups[i].peers = append(groups[i].peers, known)
			}
		}
	}
	p.peers, p.tokens = peers, tokens
	if p.session != nil {
		p.session.forget(p.isUnused)
	}
	p.touch()
	p.wake()
	return groups
}

// isUnused reports whether a server is not in use, not even over TCP for what UDP
// cannot carry. The caller holds mu.
func (p *Pool) isUnused(server Server) bool {
	if p.peers[server] != nil {
		return false
	}
	return server.Transport != TCP || p.peers[Server{Transport: UDP, Addr: server.Addr}] == nil
}

// peer finds a server among those that are known, or adds it. The caller holds
// mu.
func (p *Pool) peer(server Server, peers map[Server]*peer, tokens map[token]*peer) *peer {
	known := peers[server]
	if known == nil {
		if known = p.peers[server]; known == nil {
			known = newPeer(server, p.config, p.wake, p.leftOut.send)
		}
		peers[server] = known
		tokens[known.token] = known // that of zero is never looked up
	}
	return known
}

func (p *Pool) byToken(t token) *peer {
	if t == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens[t]
}

// Reset clears what was learned about the servers, and closes connections: the
// network has changed. Queries in flight go on.
func (p *Pool) Reset() { p.RouteChanged(func(netip.Addr) bool { return true }) }

// RouteChanged is Reset for the servers at some addresses: the way to them has
// changed. Counts and loops stay, as neither depends on the network.
func (p *Pool) RouteChanged(to func(netip.Addr) bool) {
	for _, peer := range p.list() {
		if to(peer.server.Addr.Addr()) {
			peer.reset()
		}
	}
	p.mu.Lock()
	if p.session != nil {
		p.session.forget(func(server Server) bool { return to(server.Addr.Addr()) })
	}
	p.mu.Unlock()
	p.touch()
	p.wake()
}

// Status returns that of each server in use, ordered by their texts.
func (p *Pool) Status() []Status {
	peers := p.list()
	all := make([]Status, len(peers))
	for i, peer := range peers {
		all[i] = peer.status()
	}
	return all
}

// list returns the peers in use, ordered by their servers' texts.
func (p *Pool) list() []*peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	peers := make([]*peer, 0, len(p.peers))
	for _, peer := range p.peers {
		peers = append(peers, peer)
	}
	slices.SortFunc(peers, func(a, b *peer) int { return cmp.Compare(a.server.String(), b.server.String()) })
	return peers
}

// Run keeps connections, and probes servers, until ctx ends. It then ends the
// queries in flight, waits for its goroutines, and returns nil.
func (p *Pool) Run(ctx context.Context) error {
	s := newSession(ctx, p.newTransport, true)
	p.mu.Lock()
	if p.session != nil {
		p.mu.Unlock()
		s.end()
		return errors.New("run the upstreams: they are running already")
	}
	p.session = s
	p.mu.Unlock()
	p.touch()
	p.probe(ctx, s)
	p.mu.Lock()
	p.session = nil
	p.mu.Unlock()
	s.end()
	return nil
}

// current returns the session of the Run, or a new one that ends by calling
// done.
func (p *Pool) current(ctx context.Context) (s *session, done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session != nil {
		return p.session, func() {}
	}
	s = newSession(ctx, p.newTransport, false)
	return s, s.end
}

// running reports whether Run is running, so that servers are probed.
func (p *Pool) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session != nil
}

func (p *Pool) own() []netip.AddrPort {
	if p.config.Own == nil {
		return nil
	}
	return p.config.Own()
}

// wake makes the prober check the servers.
func (p *Pool) wake() { p.wakeup.Send() }

// touch records that the pool is in use.
func (p *Pool) touch() { p.used.Store(int64(time.Since(p.born))) }

// idle returns how long it has not been in use.
func (p *Pool) idle() time.Duration { return time.Since(p.born) - time.Duration(p.used.Load()) }
