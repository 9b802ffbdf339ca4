package nodedns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/internal/supervise"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/netlink"
	"github.com/nodedns/nodedns/watchers/saved"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// Service is the name service of one machine. Make it with [New].
type Service struct {
	log   *slog.Logger
	id    zone.ID
	state string // the state directory
	clock func() time.Duration

	store   *zone.Store
	nodes   *zone.Source // that of the curator
	cluster *curator.Watcher
	dns     *resolver.Server
	files   *hostsfile.Keeper
	resolv  *resolvconf.Keeper // nil: none
	varlink *varlinkSockets    // nil: none
	saved   *saved.Directory
	self    *selfCheck
	changes *changelog.Writer
	// upstreamHints holds a value when the upstreams may have changed.
	upstreamHints retry.Hint

	mu  sync.Mutex
	cfg Config // in force, completed; mu guards it

	lastReload atomic.Pointer[ReloadStatus] // nil: none yet
	probing    chan struct{}                // holds an element while Alive waits for the store

	started   atomic.Bool
	ready     chan struct{}
	listeners *supervise.Task   // which end last
	sources   []*supervise.Task // what Run keeps running from the start on, varlink too
	readers   []*supervise.Task // and what it does once the files are written
	locally   *supervise.Task   // the one of the sources that runs the local one
}

// New checks cfg and returns a Service that does nothing until it is run.
func New(cfg Config) (*Service, error) {
	prefix, id, err := cfg.identify()
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.clock == nil {
		cfg.clock = boottime.Now
	}
	s := &Service{
		log: cfg.Logger, id: id, state: cfg.StateDir, clock: cfg.clock, ready: make(chan struct{}),
		upstreamHints: retry.NewHint(), probing: make(chan struct{}, 1),
	}
	s.self = newSelfCheck(s)
	s.store, err = zone.NewStore(zone.Config{
		Local:          id,
		BootID:         boottime.ID(),
		Prefix:         &prefix,
		RetainDeparted: cfg.RetainDeparted,
		Clock:          cfg.clock,
		Now:            cfg.now,
		Logger:         cfg.Logger.With("part", "zone"),
	})
	if err != nil {
		return nil, err
	}
	s.nodes = s.store.Source("curator")
	if s.cluster, err = s.newCluster(&cfg, prefix); err != nil {
		return nil, err
	}
	s.dns, err = resolver.New(resolver.Config{
		Zone:     s.store.Snapshot,
		Refusal:  s.store.Refusal,
		Listen:   cfg.Listen,
		Settings: cfg.settings(),
		Hosts:    cfg.hostLines(id, prefix),
		Roots:    cfg.UpstreamRoots,
		Changed:  func() { s.hintResolvConf(); s.self.hints.Send(); s.upstreamHints.Send() },
		Clock:    cfg.clock,
		Logger:   cfg.Logger.With("part", "dns"),
	})
	if err != nil {
		return nil, err
	}
	s.reserveUpstreams() // before the first query
	if s.files, err = s.newFiles(&cfg, prefix); err != nil {
		return nil, err
	}
	if s.resolv, err = s.newResolvConf(&cfg); err != nil {
		return nil, err
	}
	s.varlink = newVarlink(cfg.VarlinkSocket, s.dns, cfg.Logger)
	if s.state != "" {
		s.saved = &saved.Directory{Path: s.state, Store: s.store, Logger: cfg.Logger.With("part", "saved")}
	}
	s.cfg = cfg.clone()
	s.nodes.Expect(cfg.expectsCluster())
	s.plan()
	return s, nil
}

func (s *Service) newCluster(cfg *Config, prefix zone.Prefix) (*curator.Watcher, error) {
	// A free name is not derived from a key, so no certificate can have it.
	certified, err := prefix.Parse(string(s.id))
	if err != nil {
		certified = ""
	}
	return curator.New(curator.Config{
		Endpoints:   cfg.Endpoints,
		Credentials: cfg.Credentials,
		Insecure:    cfg.Insecure,
		BootID:      boottime.ID(),
		Prefix:      prefix,
		LocalID:     certified,
		Resolve:     s.addressesOf,
		Port:        s.curatorPort,
		Dialer:      curator.Dialer(cfg.ClusterDialer),
		Logger:      cfg.Logger.With("part", "curator"),

		RecoverAfter:  cfg.RecoverAfter,
		AuthorityFile: cfg.authorityFile(),
	}, s.nodes)
}

func (s *Service) newFiles(cfg *Config, prefix zone.Prefix) (*hostsfile.Keeper, error) {
	return hostsfile.New(hostsfile.Config{
		Settings: cfg.Files,
		ID:       s.id,
		Prefix:   prefix,
		StateDir: cfg.StateDir,
		Written:  func(string) { s.self.hints.Send() },
		Logger:   cfg.Logger.With("part", "files"),
	})
}

// localSource is where this machine's addresses come from, and its gateways:
// netlink tells of those with addresses from the configuration too, and a
// LocalSource of none.
func (c Config) localSource(reserve func(gateways []netip.Addr)) LocalSource {
	return func(ctx context.Context, publish func([]netip.Addr)) error {
		if c.LocalSource != nil {
			reserve(nil)
			return c.LocalSource(ctx, publish)
		}
		w := netlink.Watcher{Interfaces: c.Interfaces, Publish: publish, Gateways: reserve, Logger: c.Logger.With("part", "netlink")}
		if len(c.Addresses) == 0 {
			return w.Run(ctx)
		}
		publish(c.Addresses)
		w.Publish = func([]netip.Addr) {}
		if err := w.Run(ctx); err != nil && ctx.Err() == nil {
			// What was configured holds all the same, as where netlink is forbidden.
			c.Logger.Warn("the gateways are not known: their addresses may get reverse records from the cluster", "error", err)
			reserve(nil)
			<-ctx.Done()
		}
		return nil
	}
}

// plan lists what Run keeps running.
func (s *Service) plan() {
	s.locally = &supervise.Task{Name: "local addresses", Run: func(ctx context.Context) error {
		s.mu.Lock()
		source := s.cfg.localSource(s.reserveGateways)
		s.mu.Unlock()
		return source(ctx, s.publish)
	}}
	s.changes = &changelog.Writer{Logger: s.log}
	s.listeners = &supervise.Task{Name: "dns", Run: s.dns.Run}
	s.sources = []*supervise.Task{
		{Name: "zone", Run: s.store.Run},
		s.locally,
		{Name: "curator", Run: s.cluster.Run},
		{Name: "upstream addresses", Run: s.followUpstreams},
	}
	s.readers = []*supervise.Task{
		{Name: "files", Run: func(ctx context.Context) error { return s.files.Run(ctx, s.store) }},
		{Name: "self-check", Run: s.self.run},
		{Name: "changes", Run: func(ctx context.Context) error { return s.changes.Run(ctx, s.store) }},
	}
	if s.varlink != nil {
		s.sources = append(s.sources, s.varlink.tasks...)
	}
	if s.resolv != nil {
		s.readers = append(s.readers, &supervise.Task{Name: "resolv.conf", Run: s.resolv.Run})
	}
	if s.saved != nil {
		s.readers = append(s.readers, &supervise.Task{Name: "saved directory", Run: func(ctx context.Context) error {
			if err := s.makeState(); err != nil {
				return err
			}
			return s.saved.Run(ctx)
		}})
	}
}

// tasks are all that Run keeps running.
func (s *Service) tasks() []*supervise.Task {
	return slices.Concat([]*supervise.Task{s.listeners}, s.sources, s.readers)
}

// publish takes the addresses that the local source tells. With other ones we
// are on another network, as far as the upstreams are concerned.
func (s *Service) publish(addrs []netip.Addr) {
	before := s.store.Snapshot().Local()
	s.store.SetLocal(addrs)
	if after := s.store.Snapshot().Local(); !slices.Equal(slices.Collect(before.Addrs()), slices.Collect(after.Addrs())) {
		s.dns.NetworkChanged()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reportAddress()
}

// ErrRunning says that Run was called a second time.
var ErrRunning = errors.New("nodedns: the service has been run already")

// Run serves until ctx ends, and then returns ctx.Err(), as an errgroup and a
// supervisor expect of what ended because it was asked to. It never returns nil.
// It ends early with another error when a listener cannot be bound; all other
// failures are states. It can be called once.
//
// The listeners end last: resolv.conf is given back while they still answer.
func (s *Service) Run(ctx context.Context) error {
	if !s.started.CompareAndSwap(false, true) {
		return ErrRunning
	}
	s.load()
	s.changes.Start(s.store.Snapshot())
	if err := s.dns.Listen(); err != nil {
		return errors.Join(err, s.RestoreResolvConf())
	}
	s.varlink.listen()
	listening, stopListeners := context.WithCancel(context.WithoutCancel(ctx))
	var last, others sync.WaitGroup
	defer func() { others.Wait(); stopListeners(); last.Wait() }()
	last.Go(func() { s.listeners.Supervise(listening, s.log) })
	start := func(t *supervise.Task) { others.Go(func() { t.Supervise(ctx, s.log) }) }
	// Sources and listeners come before the files, so that those are written
	// with what is known by then; a file that cannot be written holds up
	// nothing, and shows in the status until a retry succeeds.
	for _, t := range s.sources {
		start(t)
	}
	if err := s.files.Start(s.store.Snapshot()); err != nil {
		s.log.Error("files not written, trying again", "error", err)
	}
	if s.resolv != nil {
		s.resolv.Start(ctx)
	}
	for _, t := range s.readers {
		start(t)
	}
	close(s.ready)
	<-ctx.Done()
	return ctx.Err()
}

// load reads what an earlier run left in the state directory. An error is
// reported and stops nothing: what is not loaded now comes from the cluster.
func (s *Service) load() {
	if s.saved == nil {
		return
	}
	err := s.makeState()
	if err == nil {
		err = s.saved.Load()
	}
	if err != nil {
		s.log.Error("starting without saved nodes", "error", err)
	}
}

func (s *Service) makeState() error {
	if err := os.MkdirAll(s.state, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w; what is known of the cluster will not survive a restart", err)
	}
	return nil
}

// Ready is closed once all listeners answer and the files have been written, or
// tried. No address and no cluster is needed for that.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// ID is this machine's node ID.
func (s *Service) ID() zone.ID { return s.id }

// Zone is what the service knows. Embedders may read it and add sources.
func (s *Service) Zone() *zone.Store { return s.store }

// Resolver answers queries without the detour of a socket.
func (s *Service) Resolver() *resolver.Server { return s.dns }

// SetClusterDialer sets, replaces or, with nil, takes away the way to reach the
// cluster. A stream that is open ends, and the new way is taken at once. What
// is known of the cluster stays.
func (s *Service) SetClusterDialer(dialer ClusterDialer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.ClusterDialer = dialer
	s.nodes.Expect(s.cfg.expectsCluster())
	s.cluster.SetDialer(curator.Dialer(dialer))
}

// Reload has change edit a copy of the settings in force, takes over what it
// changed, and disturbs nothing else. With an error nothing has changed: it names
// a field that holds until the end of the process, which are all but DNS,
// RetainDeparted, LocalSource, Addresses, Interfaces, Endpoints, RecoverAfter,
// Report and ResolvConf.Mode, or says what is wrong with a value. The
// functions of the copy are nil: a LocalSource stays unless change sets another
// one, other Addresses or other Interfaces. Reload may be called at any time from
// any goroutine; change must not call the Service.
func (s *Service) Reload(change func(*Config)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, next := s.cfg, s.cfg.clone()
	next.LocalSource, next.ClusterDialer = nil, nil
	change(&next)
	next.Logger, next.now, next.clock = cmp.Or(next.Logger, was.Logger), was.now, was.clock
	if field := was.restartField(&next); field != "" {
		return fmt.Errorf("reload: %s cannot change while the service runs; it takes a restart", field)
	}
	moved := was.otherAddresses(&next)
	if !moved {
		next.LocalSource = was.LocalSource
	}
	next.ClusterDialer = was.ClusterDialer
	if err := next.ResolvConf.Check(); err != nil {
		return err
	}
	if err := s.cluster.SetEndpoints(next.Endpoints); err != nil {
		return err
	}
	if !reflect.DeepEqual(was.DNS, next.DNS) {
		if err := s.dns.Reconfigure(next.settings()); err != nil {
			return errors.Join(err, s.cluster.SetEndpoints(was.Endpoints))
		}
	}
	if s.resolv != nil {
		s.resolv.Set(next.ResolvConf.Mode, next.DNS.Upstreams.TrustAD)
	}
	s.cfg = next
	s.cluster.SetRecoverAfter(next.RecoverAfter)
	s.store.SetRetention(next.RetainDeparted)
	s.nodes.Expect(next.expectsCluster())
	if moved {
		s.locally.Restart()
	}
	if was.Report != next.Report {
		s.reportAddress()
	}
	return nil
}
