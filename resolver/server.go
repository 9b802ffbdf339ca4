package resolver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/fastpath"
	"github.com/nodedns/nodedns/resolver/internal/forward"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/resolver/internal/transport"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const (
	// maxInFlight bounds what upstreams are asked concurrently, over all
	// transports. Each has a socket and a goroutine.
	maxInFlight = 1024
	// maxWaiting bounds the queries that wait for it. It is far more, since many
	// may wait for the same: those must not keep others from asking.
	maxWaiting = 4 * maxInFlight
)

// Server answers queries. All its methods may be called concurrently, but not
// more than one Run concurrently.
//
// Lookups work without Listen and Run, so a program can also embed a Server to
// resolve names without sockets, by package inspect.
type Server struct {
	zone    func() *zone.Snapshot
	clock   func() time.Duration
	now     func() time.Time
	log     *slog.Logger
	replies *wire.Replies
	forward *forward.Forwarder
	changed func() // Config.Changed

	listeners
	machine    machine
	local      localServer
	interfaces interfaces
	hosts      *hosts.File // nil: none
	loopback6  func() bool // Config.IPv6Loopback
	state      atomic.Pointer[state]
	observer   observer
	pool       *upstream.Pool
	cache      *cache.Cache
	flushed    atomic.Bool   // by a caller, so that no older answers are wanted
	bootID     func() string // boottime.ID, but for tests
	counters   counters
	tallies    tallies
	queries    sync.Pool // of *fastpath.Query, for those without a worker

	mu       sync.Mutex // guards what follows, and replacing state
	settings Settings
	rules    *decision.Rules
	routes   *routes.Table[decision.Route]
	sites    *routes.Table[struct{}]
}

// New returns a Server that has not bound anything. The error has the
// setting that is wrong.
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
		changed: config.Changed, loopback6: config.IPv6Loopback,
		replies: &wire.Replies{Cookies: cookie.New(), Now: config.Now, Idle: listen.IdleTimeout},
		cache:   cache.New(cache.Config{}),
	}
	s.bootID = boottime.ID
	s.local = newLocalServer()
	s.interfaces.list = net.InterfaceAddrs
	s.observer = observer{now: s.now, clock: s.clock, replies: s.replies}
	s.listeners.want, s.listeners.over = slices.Clone(config.Listen), config.Handover
	s.listeners.bound.Store(new([]netip.AddrPort))
	s.listeners.changed = func() {
		s.update()
		s.changed()
	}
	s.machine.log, s.machine.clock, s.machine.changed = s.log, s.clock, s.update
	s.machine.hostnames = config.Hostnames
	if config.Hosts.Path != "" {
		config.Hosts.Changed = func() { s.cache.FlushForeign() } // aliases may lead to the lines
		s.hosts = hosts.New(config.Hosts)
		s.hosts.Look()
	}
	s.forward = forward.New(forward.Config{
		Replies: s.replies, Cache: s.cache, Clock: s.clock, Logger: s.log, InFlight: maxWaiting,
		Current: func() *forward.Targets { return &s.state.Load().targets },
		View:    func(t *forward.Targets) decision.View { return s.view(t, s.clock()) },
	})
	s.queries.New = func() any { return new(fastpath.Query) }
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
	_, err := s.bind(false)
	return err
}

// NetworkChanged forgets what was learned about the upstreams: which of them
// answer, how fast and what may differ on another network.
func (s *Server) NetworkChanged() {
	s.pool.Reset()
	s.cache.Flush()
}

// RoutesChanged forgets what was learned about the upstreams at some addresses,
// since the way to them is another one. What they answered stays in the cache.
func (s *Server) RoutesChanged(to []netip.Addr) {
	s.pool.RouteChanged(func(addr netip.Addr) bool { return slices.Contains(to, addr) })
}

// HostnameChanged takes note of other Hostnames.
func (s *Server) HostnameChanged() { s.update() }

// Flush removes all answers of upstreams from the cache, and returns how many
// there were.
func (s *Server) Flush() int {
	s.flushed.Store(true)
	return s.cache.Flush()
}

// FlushName removes those to questions for a name, and returns how many there
// were. Answers for other names that lead to it by an alias stay. The error is
// for an invalid name.
func (s *Server) FlushName(name string) (int, error) {
	wire, err := decision.ParseName(name)
	if err != nil {
		return 0, fmt.Errorf("flush: %w", err)
	}
	s.flushed.Store(true)
	return s.cache.FlushName(wire), nil
}

// Run serves the addresses until ctx ends and then returns nil. It binds them
// if Listen has not. When a socket on an address that is always there fails, it
// returns an error, and may be called again. All sockets are closed when it
// returns.
func (s *Server) Run(ctx context.Context) error {
	sockets, err := s.bind(true)
	if err != nil {
		return err
	}
	defer s.release()
	sockets.Logger, sockets.Clock = s.log, s.clock
	sockets.Changed = s.refresh
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The upstreams end last, since the queries in flight need them.
	outlasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var parts, pool errgroup.Group
	pool.Go(func() error { return s.pool.Run(outlasting) })
	scope := transport.NewScope(outlasting)
	s.forward.UseScope(scope)
	if s.hosts != nil {
		s.hosts.Look() // before the first query
		parts.Go(func() error { return s.hosts.Run(ctx) })
	}
	s.machine.following(true)
	defer s.machine.following(false)
	parts.Go(func() error { return s.machine.follow(ctx) })
	parts.Go(func() error { return s.local.run(ctx, s.update) })
	err = sockets.Serve(ctx, func() listen.Handler { return s.newWorker() })
	s.tallies.end()
	s.forward.UseScope(nil)
	cancel()
	err = errors.Join(err, parts.Wait())
	end()
	scope.End()
	return errors.Join(err, pool.Wait())
}

// HostsSummary summarizes the user's hosts file as it was parsed.
func (s *Server) HostsSummary() hosts.Summary { return s.hosts.Summary() }

// Reconfigure replaces the settings at once, for queries that arrive from now
// on. After an error the old ones stay in effect.
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
	s.machine.use(settings.Upstreams)
	s.settings, s.rules, s.routes, s.sites = settings, rules, table, sites
	s.cache.SetConfig(cache.Config{Size: settings.Cache.Size, ServeStale: settings.Cache.ServeStale})
	s.rebuild()
	s.cache.Flush() // what may be kept, and served, depends on the settings
	return nil
}
