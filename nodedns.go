package nodedns

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/internal/supervise"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/nssresolve"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/selfcheck"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/netlink"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/watchers/saved"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// Service is the name service of one machine. Make it with [New].
type Service struct {
	log   *slog.Logger
	id    zone.ID
	clock func() time.Duration

	store   *zone.Store
	nodes   *zone.Source // that of the curator
	cluster *curator.Watcher
	dns     *resolver.Server
	files   *hostsfile.Keeper
	cache   *cacheHandover
	resolv  *resolvconf.Keeper // nil: none
	varlink *varlink.Sockets   // nil: none
	saved   *saved.Directory
	kept    *saved.Addresses // nil: nowhere
	self    *selfcheck.Checker
	routes  *netlink.Routes // to the upstreams
	// nodeFiles follows the files of nodes.
	nodeFiles *nodefile.Watcher
	changes   *changelog.Writer
	// loopback is whether localhost is ::1 too.
	loopback *netlink.Loopback
	// candidates are those of the local source; nil: it has none.
	candidates atomic.Pointer[[]netlink.Candidate]
	// upstreamHints holds a value when the upstreams may have changed, and
	// selfHints when our own name may no longer be found.
	upstreamHints, selfHints retry.Hint

	mu      sync.Mutex // guards the following
	cfg     Config     // in force, completed
	present []netlink.Present

	lastReload atomic.Pointer[ReloadStatus] // nil: none yet

	named *zone.Snapshot // whose changes followNames has the server know next

	started   atomic.Bool
	located   retry.Hint // that the local source has published
	ready     chan struct{}
	listeners *supervise.Task   // which end last
	sources   []*supervise.Task // what Run keeps running from the start on
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
		log: cfg.Logger, id: id, clock: cfg.clock, ready: make(chan struct{}),
		upstreamHints: retry.NewHint(), selfHints: retry.NewHint(), located: retry.NewHint(),
	}
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
	s.loopback = netlink.NewLoopback(func() { s.files.Hint() }, cfg.Logger.With("part", "netlink"))
	if err := s.newFilesAndDNS(&cfg, prefix); err != nil {
		return nil, err
	}
	if err := s.newNodeFiles(&cfg, prefix); err != nil {
		return nil, err
	}
	s.reserveUpstreams() // before the first query
	s.routes = netlink.NewRoutes(s.upstreamAddrs, s.dns.RoutesChanged, cfg.Logger.With("part", "netlink"))
	s.self = selfcheck.New(selfcheck.Config{
		Server: s.dns, Store: s.store, ID: id, File: s.checkFile, Hints: s.selfHints, Logger: s.log,
	})
	if s.resolv, err = s.newResolvConf(&cfg); err != nil {
		return nil, err
	}
	if path := cfg.VarlinkSocket; path != "" {
		nss := nssresolve.New(s.dns)
		s.varlink = varlink.NewSockets(path, nss, nss.WatchQueries, cfg.Logger.With("part", "varlink"))
	}
	if cfg.StateDir != "" {
		s.saved = &saved.Directory{Path: cfg.StateDir, Store: s.store, Logger: cfg.Logger.With("part", "saved")}
		s.kept = saved.NewAddresses(cfg.StateDir)
	}
	s.cfg = cfg.clone()
	s.nodes.Expect(cfg.expectsCluster())
	s.plan()
	return s, nil
}

// newFilesAndDNS makes the keeper of the files, and the server, which needs the
// hostname from it.
func (s *Service) newFilesAndDNS(cfg *Config, prefix zone.Prefix) (err error) {
	s.files, err = hostsfile.New(hostsfile.Config{
		Settings:     cfg.Files,
		ID:           s.id,
		Prefix:       prefix,
		Canonical:    cfg.DNS.Canonical(),
		StateDir:     cfg.StateDir,
		IPv6Loopback: s.loopback.HasIPv6,
		BeforeHosts:  func() { s.saved.SaveAhead() }, // it is there: no file is kept without a StateDir
		Written:      func(string) { s.selfHints.Send() },
		Renamed:      s.hostnameChanged,
		Logger:       cfg.Logger.With("part", "files"),
	})
	if err != nil {
		return err
	}
	sockets, caches := cfg.inherit()
	s.dns, err = resolver.New(resolver.Config{
		Zone:         s.store.Snapshot,
		Listen:       cfg.Listen,
		Handover:     sockets,
		Settings:     cfg.settings(),
		Hosts:        cfg.hostLines(s.id, prefix),
		Hostnames:    s.files.Hostnames,
		IPv6Loopback: s.loopback.HasIPv6,
		Roots:        cfg.UpstreamRoots,
		Changed:      s.upstreamsChanged,
		Clock:        cfg.clock,
		Logger:       cfg.Logger.With("part", "dns"),
	})
	s.cache = s.newCacheHandover(cfg, caches)
	return err
}

// newNodeFiles makes what follows the files of nodes. This machine's entry in them
// is found by its hostname, as it was before we set it, and by its addresses.
func (s *Service) newNodeFiles(cfg *Config, prefix zone.Prefix) (err error) {
	s.nodeFiles, err = nodefile.New(nodefile.Config{
		Paths:  cfg.NodeFiles,
		ID:     s.id,
		Prefix: prefix,
		Hostname: func() string {
			_, own := s.files.Hostnames()
			return own
		},
		Addresses: func() []netip.Addr { return slices.Collect(s.store.Snapshot().Local().Addrs()) },
		Logger:    cfg.Logger.With("part", "nodefile"),
	}, s.store.FileSource("files"))
	return err
}

// newResolvConf makes the keeper of resolv.conf, or nil where there is none.
func (s *Service) newResolvConf(cfg *Config) (*resolvconf.Keeper, error) {
	if err := cfg.ResolvConf.Check(); err != nil || cfg.ResolvConf.Path == "" {
		return nil, err
	}
	kept := cfg.resolvConf()
	kept.Listeners, kept.Upstreams = s.dns.Addrs, s.dns.Upstreams
	kept.Probe = selfcheck.Probe
	kept.Hostnames = s.files.Hostnames
	k, err := resolvconf.New(kept)
	if err != nil {
		return nil, err
	}
	k.Set(cfg.ResolvConf.Mode, cfg.DNS.Upstreams.TrustAD, cfg.DNS.LocalDomain())
	return k, nil
}

// plan lists what Run keeps running.
func (s *Service) plan() {
	s.locally = &supervise.Task{Name: "local addresses", Run: s.runLocalSource}
	s.changes = &changelog.Writer{Logger: s.log}
	s.listeners = &supervise.Task{Name: "dns", Run: s.dns.Run}
	s.sources = []*supervise.Task{
		{Name: "zone", Run: s.store.Run},
		s.locally,
		{Name: "curator", Run: s.cluster.Run},
		{Name: "files of nodes", Run: s.nodeFiles.Run},
		{Name: "upstream addresses", Run: s.followUpstreams},
		{Name: "names of nodes", Run: s.followNames},
		{Name: "upstream routes", Run: s.routes.Run},
		{Name: "loopback addresses", Run: s.loopback.Run},
	}
	s.readers = []*supervise.Task{
		{Name: "files", Run: func(ctx context.Context) error { return s.files.Run(ctx, s.store) }},
		{Name: "self-check", Run: s.self.Run},
		{Name: "changes", Run: func(ctx context.Context) error { return s.changes.Run(ctx, s.store) }},
	}
	if s.varlink != nil {
		s.sources = append(s.sources, s.varlink.Tasks...)
	}
	if s.resolv != nil {
		s.readers = append(s.readers, &supervise.Task{Name: "resolv.conf", Run: s.resolv.Run})
	}
	if s.saved != nil {
		s.readers = append(s.readers,
			&supervise.Task{Name: "saved directory", Run: s.saved.Run},
			&supervise.Task{Name: "saved addresses", Run: s.kept.Run})
	}
}

// runLocalSource publishes this machine's addresses, and its gateways: a
// LocalSource has none.
func (s *Service) runLocalSource(ctx context.Context) error {
	s.mu.Lock()
	cfg := s.cfg
	s.mu.Unlock()
	if cfg.LocalSource != nil {
		s.candidates.Store(nil)
		s.reserveGateways(nil)
		return cfg.LocalSource(ctx, s.publish)
	}
	w := netlink.Watcher{
		Interfaces: cfg.Interfaces, Addresses: cfg.Addresses, Present: s.presentAddrs(),
		Publish: s.publish, Gateways: s.reserveGateways, Logger: s.log.With("part", "netlink"),
		Candidates: func(all []netlink.Candidate) { s.candidates.Store(&all) }, Chosen: s.chose,
	}
	return w.Run(ctx)
}

// chose takes the addresses that the local source has chosen, for the next one.
func (s *Service) chose(present []netlink.Present) {
	s.mu.Lock()
	s.present = present
	s.mu.Unlock()
	if s.kept == nil {
		return
	}
	addrs := make([]saved.Address, 0, len(present))
	for _, p := range present {
		addrs = append(addrs, saved.Address(p))
	}
	s.kept.Set(addrs)
}

// presentAddrs are the addresses that were chosen last, by this run or, where that
// is saved, the one before.
func (s *Service) presentAddrs() []netlink.Present {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.present != nil || s.kept == nil {
		return s.present
	}
	addrs, err := s.kept.Load()
	if err != nil {
		s.log.Warn("the addresses of the last run are not known, others may be chosen", "error", err)
	}
	for _, addr := range addrs {
		s.present = append(s.present, netlink.Present(addr))
	}
	return s.present
}

// tasks are all that Run keeps running.
func (s *Service) tasks() []*supervise.Task {
	return slices.Concat([]*supervise.Task{s.listeners}, s.sources, s.readers)
}

// publish takes the addresses that the local source reports. With other ones we
// are on another network, as far as the upstreams are concerned.
func (s *Service) publish(addrs []netip.Addr) {
	before := s.store.Snapshot().Local()
	s.store.SetLocal(addrs)
	if after := s.store.Snapshot().Local(); !slices.Equal(slices.Collect(before.Addrs()), slices.Collect(after.Addrs())) {
		s.dns.NetworkChanged()
		s.cluster.NetworkChanged()
		s.nodeFiles.Hint()
	}
	s.located.Send()
	s.cache.located.Send()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reportAddress()
}

// reportAddress has our first address reported to the cluster, if that is wanted.
// The caller holds s.mu.
func (s *Service) reportAddress() {
	var first netip.Addr
	for addr := range s.store.Snapshot().Local().Addrs() {
		if s.cfg.Report {
			first = addr
		}
		break
	}
	s.cluster.SetReport(first)
}

// followNames has the server know what changes in the zone until ctx ends.
func (s *Service) followNames(ctx context.Context) error {
	for snapshot := range s.store.Watch(ctx) {
		s.dns.ZoneChanged(s.named, snapshot)
		s.named = snapshot
	}
	return nil
}

// hostnameChanged is called when the hostname has changed, whose domain may be the
// search list.
func (s *Service) hostnameChanged() {
	s.dns.HostnameChanged()
	s.nodeFiles.Hint()
	if s.resolv != nil {
		s.resolv.Hint()
	}
}

// ErrRunning means that Run was called a second time.
var ErrRunning = errors.New("nodedns: the service has been run already")

// Run serves until ctx ends, and then returns ctx.Err(), as an errgroup and a
// supervisor expect of what ended on request. It never returns nil. It ends early
// with another error when a listener cannot be bound; all other failures are
// states. It can be called once.
//
// The listeners end last: resolv.conf is restored while they still answer. Then the
// cache is kept for the next process. Where ctx ends before Ready no file is written,
// and what waits in sockets that Config.Descriptors keeps is not answered.
func (s *Service) Run(ctx context.Context) error {
	if !s.started.CompareAndSwap(false, true) {
		return ErrRunning
	}
	if s.saved != nil {
		// What is not loaded now comes from the cluster.
		if err := s.saved.Load(); err != nil {
			s.log.Error("starting without saved nodes", "error", err)
		}
	}
	s.named = s.store.Snapshot() // before the cache is loaded, which depends on it
	s.changes.Start(s.named)
	if err := s.dns.Listen(); err != nil {
		return errors.Join(err, s.RestoreResolvConf())
	}
	if s.varlink != nil {
		s.varlink.Listen()
	}
	listening, stopListeners := context.WithCancel(context.WithoutCancel(ctx))
	var last, others sync.WaitGroup
	defer func() { others.Wait(); stopListeners(); last.Wait(); s.keepCache() }()
	start := func(t *supervise.Task) { others.Go(func() { t.Supervise(ctx, s.log) }) }
	// Sources come before the listeners, whose first queries have waited since the
	// process before ended, and those before the files, so that all begin with what
	// is known by then. A file that cannot be written holds up nothing, and shows in
	// the status until a retry succeeds.
	for _, t := range s.sources {
		start(t)
	}
	others.Go(func() { s.cache.load(ctx) })
	if s.awaitStart(ctx); ctx.Err() != nil {
		stopListeners()
		return s.endAtStart(ctx, listening)
	}
	last.Go(func() { s.listeners.Supervise(listening, s.log) })
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

// Alive proves that the process makes progress, as [selfcheck.Checker.Alive]
// does. It is for a watchdog: an error means that a part of it hangs, and may be
// worth a restart. The deadline is ctx's, which has to have one. Alive may be
// called at any time after the service has become ready, also concurrently.
func (s *Service) Alive(ctx context.Context) error { return s.self.Alive(ctx) }

// Ready is closed once all listeners answer and the files have been written, or
// tried. No address and no cluster is needed for that.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// ID is this machine's node ID.
func (s *Service) ID() zone.ID { return s.id }

// Zone is what the service knows. Embedders may read it and add sources.
func (s *Service) Zone() *zone.Store { return s.store }

// Resolver answers queries. Package inspect asks it without a socket in between.
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

// TrustCurator lets a node speak for the cluster, by an operator's decision, and
// has the curators contacted again. It is remembered until [Service.ResetCurators].
// The error states what is wrong with the ID. It may be called at any time from
// any goroutine.
func (s *Service) TrustCurator(node string) error { return s.cluster.Trust(node) }

// ResetCurators forgets which nodes may speak for the cluster, but for the
// pinned endpoints, so that the next contact is as the first one. The nodes of
// the zone stay. It may be called at any time from any goroutine.
func (s *Service) ResetCurators() { s.cluster.ResetAuthority() }

// RestoreResolvConf makes resolv.conf what it was before nodedns, if an earlier
// run has left it pointing here. Run does so at its end, and where a listener
// cannot be bound; it is for a Service that is not run after all.
func (s *Service) RestoreResolvConf() error {
	if s.resolv == nil {
		return nil
	}
	return s.resolv.Restore()
}
