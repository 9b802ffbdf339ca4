package resolver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/fastpath"
	"github.com/nodedns/nodedns/resolver/internal/forward"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/upstream/transport"
	"github.com/nodedns/nodedns/zone"
)

// maxInFlight bounds the queries that wait for upstreams, over all transports.
// Each has a socket and a goroutine.
const maxInFlight = 1024

// Server answers queries. All its methods may be called concurrently, but only
// one Run at a time.
//
// Query works without Listen and Run, so a Server is also what a program
// embeds that wants names resolved and no sockets.
type Server struct {
	zone    func() *zone.Snapshot
	clock   func() time.Duration
	now     func() time.Time
	log     *slog.Logger
	replies *wire.Replies
	forward *forward.Forwarder
	changed func() // Config.Changed
	refusal func(name string) (reason string, refused bool)

	hosts    *hosts.File // nil: none
	state    atomic.Pointer[state]
	polled   atomic.Pointer[resolvconf.Sources] // what queries look at; nil while Run does
	queryLog querylog.Log
	bound    atomic.Pointer[[]netip.AddrPort] // empty before Listen
	pool     *upstream.Pool
	cache    *cache.Cache
	counters counters
	tallies  tallies
	queries  sync.Pool // of *fastpath.Query, for those without a worker

	mu       sync.Mutex // guards what follows, and who replaces state
	settings Settings
	rules    *decision.Rules
	routes   *routes.Table[decision.Route]
	sites    *routes.Table[struct{}]
	sources  *resolvconf.Sources // of the machine's servers; nil: none
	followed bool                // Run follows them
	refollow func()              // makes Run follow other ones; nil before
	want     []netip.AddrPort
	sockets  *listen.Sockets // bound; nil: none
	running  bool            // Run serves them
	drops    uint64          // of the sockets that were closed
	refused  uint64          // TCP connections, of those sockets
}

// New returns a Server that has not bound anything. The error says which
// setting is wrong.
func New(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		zone:    config.Zone,
		clock:   config.Clock,
		now:     config.Now,
		log:     config.Logger,
		changed: config.Changed,
		refusal: config.Refusal,
		replies: &wire.Replies{Cookies: cookie.New(), Now: config.Now, Idle: listen.IdleTimeout},
		cache:   cache.New(cache.Config{}),
		want:    slices.Clone(config.Listen),
	}
	if config.Hosts.Path != "" {
		s.hosts = hosts.New(config.Hosts)
		s.hosts.Look()
	}
	s.forward = forward.New(forward.Config{
		Replies: s.replies, Cache: s.cache, Clock: s.clock, Logger: s.log, InFlight: maxInFlight,
		Current: func() *forward.Targets { return &s.state.Load().targets },
	})
	s.queries.New = func() any { return new(fastpath.Query) }
	s.bound.Store(new([]netip.AddrPort))
	s.pool = upstream.New(upstream.Config{
		Own:      func() []netip.AddrPort { return *s.bound.Load() },
		Roots:    config.Roots,
		InFlight: maxInFlight,
		Logger:   config.Logger,
	})
	if err := s.Reconfigure(config.Settings); err != nil {
		return nil, err
	}
	return s, nil
}

// Listen binds all addresses, or none; those that this machine does not have
// are bound by Run, when it has them. It does nothing if they are bound. The
// sockets are there when it returns, and are served by Run; queries that come
// before wait in the kernel.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listen()
}

func (s *Server) listen() error {
	if s.sockets != nil {
		return nil
	}
	if s.hosts != nil {
		s.hosts.Look() // before the first query
	}
	sockets, err := listen.Bind(s.want)
	if err != nil {
		return err
	}
	s.sockets = sockets
	s.noteListeners()
	return nil
}

// noteListeners takes over what is listened on now, since none of it is to be
// asked as an upstream. The caller holds mu.
func (s *Server) noteListeners() {
	for i, l := range s.sockets.Listeners() {
		s.want[i] = l.Addr // another Listen, after a failure, gets the same ports
	}
	bound := s.sockets.Addrs()
	s.bound.Store(&bound)
	s.rebuild()
}

// listenersChanged is told by the sockets that one was bound or closed.
func (s *Server) listenersChanged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteListeners()
	if s.changed != nil {
		s.changed()
	}
}

// Addrs are the addresses that are bound, with the ports that port 0 became.
// There are none before Listen.
func (s *Server) Addrs() []netip.AddrPort { return slices.Clone(*s.bound.Load()) }

// Listeners tells how each of Config.Listen stands. There are none while no
// sockets are open.
func (s *Server) Listeners() []listen.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil {
		return nil
	}
	return s.sockets.Listeners()
}

// Progress is how far the UDP loops of the listeners have come. It has none while
// no sockets are open.
func (s *Server) Progress() listen.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil {
		return listen.Progress{}
	}
	return s.sockets.Progress()
}

// NetworkChanged forgets what was learnt of the upstreams: which of them answer,
// how fast and what, may be otherwise on another network.
func (s *Server) NetworkChanged() {
	s.pool.Reset()
	s.cache.Flush()
}

// Flush forgets all answers of upstreams, and returns how many there were.
func (s *Server) Flush() int { return s.cache.Flush() }

// FlushName forgets those to questions for a name, and returns how many there
// were. Answers for other names that lead to it by an alias stay. The error is
// for what is no name.
func (s *Server) FlushName(name string) (int, error) {
	wire, err := decision.ParseName(name)
	if err != nil {
		return 0, fmt.Errorf("flush: %w", err)
	}
	return s.cache.FlushName(wire), nil
}

// Run serves the addresses until ctx ends and then returns nil. It binds them
// if Listen has not. When a socket fails of an address that is always there, it
// returns an error, and may be called again. All sockets are closed when it
// returns.
func (s *Server) Run(ctx context.Context) error {
	sockets, err := s.take()
	if err != nil {
		return err
	}
	defer s.release()
	sockets.Logger, sockets.Clock = s.log, s.clock
	sockets.Changed = s.listenersChanged
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The upstreams end last, for the queries in flight have none without.
	outlasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var parts, pool errgroup.Group
	pool.Go(func() error { return s.pool.Run(outlasting) })
	scope := transport.NewScope(outlasting)
	s.forward.UseScope(scope)
	if s.hosts != nil {
		parts.Go(func() error { return s.hosts.Run(ctx) })
	}
	s.following(true)
	defer s.following(false)
	parts.Go(func() error { s.followSources(ctx); return nil })
	err = sockets.Serve(ctx, func() listen.Handler { return s.newWorker() })
	s.tallies.end()
	s.forward.UseScope(nil)
	cancel()
	err = errors.Join(err, parts.Wait())
	end()
	scope.End()
	return errors.Join(err, pool.Wait())
}

// hostLines are the user's, or nil.
func (s *Server) hostLines() *hosts.Table {
	if s.hosts == nil {
		return nil
	}
	return s.hosts.Table()
}

// HostsSummary is how the user's hosts file was understood.
func (s *Server) HostsSummary() hosts.Summary {
	if s.hosts == nil {
		return hosts.Summary{}
	}
	return s.hosts.Summary()
}

// take hands the bound sockets to Run.
func (s *Server) take() (*listen.Sockets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.listen(); err != nil {
		return nil, err
	}
	s.running = true
	return s.sockets, nil
}

// release forgets the sockets, which Serve has closed.
func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops += s.sockets.Dropped()
	s.refused += s.sockets.Connections().Refused
	s.sockets, s.running = nil, false
}

// receiveDrops is what the kernel threw away on all sockets there were.
func (s *Server) receiveDrops() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil {
		return s.drops
	}
	return s.drops + s.sockets.Dropped()
}

// connections are those of TCP, with what was refused on all sockets there were.
func (s *Server) connections() listen.Connections {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil {
		return listen.Connections{Refused: s.refused}
	}
	now := s.sockets.Connections()
	now.Refused += s.refused
	return now
}

// Close closes what Listen bound and no Run serves. A Run is ended by its
// context.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil || s.running {
		return nil
	}
	sockets := s.sockets
	s.sockets = nil
	err := sockets.Close()
	s.drops += sockets.Dropped()
	return err
}

// Reconfigure replaces the settings at once, for the queries that come from
// now on. With an error the old ones stay.
func (s *Server) Reconfigure(settings Settings) error {
	settings = settings.Clone()
	rules, err := settings.rules()
	if err != nil {
		return err
	}
	table, err := settings.Upstreams.table()
	if err != nil {
		return err
	}
	sites, err := settings.Upstreams.sites()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.useSources(settings)
	s.settings, s.rules, s.routes, s.sites = settings, rules, table, sites
	s.cache.SetConfig(cache.Config{Size: settings.Cache.Size, ServeStale: settings.Cache.ServeStale})
	s.rebuild()
	s.cache.Flush() // what may be kept, and served, depends on the settings
	return nil
}
