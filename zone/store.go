package zone

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The names of the layers that are always there.
const (
	LocalSource = "local" // this machine's own addresses
	SavedSource = "saved" // what an earlier run of the process knew
)

// Config of a Store. The zero value of each field but Local is usable.
type Config struct {
	// Local is this machine's own ID.
	Local ID
	// BootID is the kernel's ID of the present boot, as 16 bytes or a UUID.
	// Without it a second machine with our key is found by its address only.
	BootID string
	// Prefix of node IDs; DefaultPrefix where nil, since an empty one is valid.
	Prefix *Prefix
	// RetainDeparted is how long a departed node is still answered.
	RetainDeparted Retention
	// MaxNodes bounds the zone; a node beyond it is refused, and the zone is
	// then [Snapshot.Overflowed]. 0 means DefaultMaxNodes.
	MaxNodes int
	// Clock is CLOCK_BOOTTIME, which goes on while the machine is suspended.
	// Without it the time since NewStore by time.Now is taken.
	Clock func() time.Duration
	// Now is the wall clock; time.Now where nil. It may step at any time, and
	// is only used for what people read.
	Now func() time.Time
	// Logger gets what is refused and dropped; nil discards.
	Logger *slog.Logger
}

// Store merges what the sources report and publishes Snapshots. Readers of
// these take no lock.
type Store struct {
	clock  func() time.Duration
	now    func() time.Time
	log    *slog.Logger
	retain Retention
	max    int

	current atomic.Pointer[Snapshot]

	mu       sync.Mutex
	draft    content // what the next snapshot will have
	edit     *edit   // the batch of changes under way
	sources  []*Source
	saved    *Source
	claims   map[key]*claimants      // addresses that several nodes claim
	restored map[key]key             // during a batch: the node that had a reverse record when it was saved
	reserved map[string][]netip.Addr // by the part that needs them: see SetReserved
	withheld map[key]statement       // what a source reports, while an address in it is ours

	nameClaims    map[uint64]*nameClaimants // names that several nodes claim, by their hash
	restoredNames map[uint64]key            // while the saved nodes are loaded: the one that had a name when it was saved
	namesBefore   *nameIndex                // during a backlog: the index when it began
	refusals      refusals
	// refusalLog has those that have yet to be logged. refusalsHeld gets an
	// element when it has some.
	refusalLog   refusalLog
	refusalsHeld chan struct{}
	detector     duplicateKeyDetector
	marks        map[key]time.Duration // departed nodes: connectedFor at their departure
	watchers     map[chan *Snapshot]struct{}

	localReported bool          // the local source has reported
	retains       bool          // the time of the retention runs
	connectedAt   time.Duration // clock at the connection, while connected
	connected     time.Duration // how long earlier connections lasted
}

// NewStore returns a Store that knows this machine's name and nothing else.
// Its first snapshot is available at once.
func NewStore(cfg Config) (*Store, error) {
	prefix := DefaultPrefix
	if cfg.Prefix != nil {
		prefix = *cfg.Prefix
	}
	if err := prefix.Check(); err != nil {
		return nil, err
	}
	id, err := ParseID(string(cfg.Local))
	if err != nil {
		return nil, err
	}
	s := &Store{
		clock:         cfg.Clock,
		now:           cfg.Now,
		log:           cfg.Logger,
		retain:        cfg.RetainDeparted,
		max:           cfg.MaxNodes,
		claims:        map[key]*claimants{},
		restored:      map[key]key{},
		reserved:      map[string][]netip.Addr{},
		withheld:      map[key]statement{},
		nameClaims:    map[uint64]*nameClaimants{},
		restoredNames: map[uint64]key{},
		marks:         map[key]time.Duration{},
		watchers:      map[chan *Snapshot]struct{}{},
		refusalsHeld:  make(chan struct{}, 1),
		detector:      duplicateKeyDetector{boot: canonicalBoot(cfg.BootID)},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.clock == nil {
		start := time.Now()
		s.clock = func() time.Duration { return time.Since(start) }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.max == 0 {
		s.max = DefaultMaxNodes
	}
	l := &local{id: id}
	hasher := newHasher()
	if l.key, l.shaped = shapedKeyOf(prefix, string(id)); !l.shaped {
		l.key = hasher.free(string(id))
	}
	s.draft = content{prefix: prefix, names: nameIndex{hasher: hasher}, local: l, counts: Counts{Live: 1}, sources: &[]string{}}
	s.saved = s.addSource(SavedSource)
	s.publish()
	return s, nil
}

// Snapshot is the newest one.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// update makes one batch of changes and publishes the result, once.
func (s *Store) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edit = new(edit)
	change()
	clear(s.restored)
	if !s.saved.reporting {
		clear(s.restoredNames)
	}
	s.setCluster()
	s.noteOverflow()
	s.listRefused()
	s.draft.counts.Quarantined = s.refusals.count(s.sources) + len(s.withheld)
	s.draft.ready = s.isReady()
	s.publish()
}

// pause has others change the zone who wait for that, during a batch of which a part
// may be published before the rest.
func (s *Store) pause() {
	own := s.edit
	s.mu.Unlock()
	s.mu.Lock()
	if s.edit != own {
		s.edit = new(edit) // readers have seen what this batch had made
	}
}

// publish makes the draft the newest snapshot unless it already is.
func (s *Store) publish() {
	next := &Snapshot{serial: 1, content: s.draft}
	if newest := s.current.Load(); newest != nil {
		if newest.content == s.draft {
			return
		}
		next.serial = newest.serial + 1
	}
	s.current.Store(next)
	for watcher := range s.watchers {
		offer(watcher, next)
	}
}

// SetLocal sets the addresses that this machine has, in the order in which they
// are to be answered. Those that no node can be reached at are left out. Once
// one was known, an empty list is ignored: the last known addresses stay until
// there are new ones.
func (s *Store) SetLocal(addrs []netip.Addr) {
	addrs = usable(addrs)
	s.update(func() {
		s.localReported = true
		was := s.draft.local.addrs
		if len(addrs) == 0 || slices.Equal(addrs, was) {
			return
		}
		fresh := *s.draft.local
		fresh.addrs, fresh.since = addrs, s.now()
		s.draft.local = &fresh
		s.detector.remember(was)
		s.reconcileClaimsOn(was, addrs)
	})
}

// usable leaves out what no node can be reached at, and repetitions.
func usable(addrs []netip.Addr) (good []netip.Addr) {
	for _, addr := range addrs {
		if CheckAddr(addr) == nil && !slices.Contains(good, addr) {
			good = append(good, addr)
		}
	}
	return good
}

// SetRetention changes how long departed nodes are answered; see
// [Config.RetainDeparted].
func (s *Store) SetRetention(retain Retention) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retain = retain
}

// Run drops departed nodes whose retention is over, and logs what was held back,
// until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	expiry := time.NewTicker(expiryInterval)
	defer expiry.Stop()
	var late <-chan time.Time // while refusals are held back
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-expiry.C:
			s.dropExpired()
			s.endDuplicate()
		case <-s.refusalsHeld:
			if late == nil {
				late = time.After(refusalLogInterval)
			}
		case <-late:
			late = nil
			s.flushLateRefusals()
		}
	}
}
