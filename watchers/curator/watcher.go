package curator

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// Sink takes what a stream delivers; [zone.Source] is one. A Watcher never calls
// it concurrently.
type Sink interface {
	// SetCluster names the cluster, before its first node. It is not called
	// when the cluster is not known, as in plain text.
	SetCluster(id string)
	// SetConnected sets whether there is a stream.
	SetConnected(bool)
	// Begin starts a backlog.
	Begin()
	// Set adds or changes nodes.
	Set(entries ...zone.Entry)
	// Gone deletes nodes.
	Gone(ids ...string)
	// Complete ends the backlog: there are no other nodes.
	Complete()
	// Settle means that the backlog seems to be complete, from a curator that
	// does not mark its end.
	Settle()
}

// Config is how to reach a curator.
type Config struct {
	// Endpoints of curators. None means that there is no curator, or only the
	// one of the Dialer.
	Endpoints []Endpoint
	// Credentials is the directory with ca.crt, node.crt and node.key. It and
	// they may appear, change and vanish at any time.
	Credentials string
	// Insecure means plain text, without credentials. Endpoints must then be
	// on loopback.
	Insecure bool
	// Prefix of node IDs.
	Prefix zone.Prefix
	// LocalID is the node that the credentials must belong to; empty accepts
	// those of any node.
	LocalID zone.ID
	// BootID is the kernel's boot ID, a UUID, for the reports of
	// [Watcher.SetReport]. It may be empty.
	BootID string
	// Resolve returns the known addresses of another node, for endpoints that
	// are node IDs. It is called from any goroutine; nil knows none.
	Resolve func(zone.ID) []netip.Addr
	// Port returns the TCP port of a node's curator, or 0 where it is not known.
	// It is called from any goroutine; nil knows none.
	Port func(zone.ID) uint16
	// RecoverAfter is how long only nodes that are not entitled must have
	// answered for one to be believed at an endpoint without a pin.
	RecoverAfter RecoverAfter
	// AuthorityFile keeps which nodes may speak for the cluster across
	// restarts; empty means that each start is a first contact.
	AuthorityFile string
	// NameLabel is the key of the label that has a node's readable name, such as
	// [DefaultNameLabel]; empty means that none has one. Nodes may set their labels
	// themselves: the zone decides what it takes for a name.
	NameLabel string
	// Dialer replaces endpoints and credentials while it is not nil; see
	// [Watcher.SetDialer].
	Dialer Dialer
	// Logger may be nil, which discards.
	Logger *slog.Logger
}

// ErrRunning means that Run was called while another call had not returned.
var ErrRunning = errors.New("curator watcher is running already")

// Watcher follows a cluster. Make it with [New].
type Watcher struct {
	cfg     Config
	sink    Sink
	log     *slog.Logger
	running atomic.Bool
	// authority decides which curators are accepted.
	authority *authority
	// dialContext opens TCP connections.
	dialContext func(ctx context.Context, network, address string) (net.Conn, error)
	sockets     sockets
	isGone      func(local net.Addr) bool
	// transited, if not nil, is called at each change of the state.
	transited func(from, to State)

	mu            sync.Mutex // for all below
	levels        levels
	plan          *plan // never nil
	status        Status
	reports       reporting
	current       currentCurator
	presence      presence
	leaderReports []LeaderReport    // the newest of each curator
	leader        zone.ID           // that most of them name
	peer          *x509.Certificate // of the connected curator, nil if not known
}

// New checks cfg and returns a Watcher that does nothing until it is run.
func New(cfg Config, sink Sink) (*Watcher, error) {
	endpoints, err := endpointsIn(cfg.Prefix, cfg.Endpoints, cfg.Insecure)
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{
		cfg:         cfg,
		sink:        sink,
		log:         cfg.Logger,
		dialContext: new(net.Dialer).DialContext,
		isGone:      isGone,
		levels:      levels{dialer: cfg.Dialer, endpoints: endpoints, nameLabel: cfg.NameLabel},
		status:      Status{State: StateOff, Detail: "not running"},
		reports:     reporting{changed: make(chan struct{})},
	}
	w.plan = w.levels.derive(cfg.Insecure)
	w.authority = newAuthority(cfg.Prefix, cfg.RecoverAfter.duration(), cfg.Logger)
	return w, nil
}

// Run follows the cluster until ctx ends, and then returns nil. It may be
// called again after that; a second call at the same time gets [ErrRunning].
func (w *Watcher) Run(ctx context.Context) error {
	if !w.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer w.running.Store(false)
	defer w.enter(StateOff, "not running")

	var files sync.WaitGroup
	defer files.Wait()
	if path := w.cfg.AuthorityFile; path != "" {
		saved, err := w.authority.load(path)
		if err != nil {
			w.log.Error("starting without knowing who may speak for the cluster", "error", err)
		}
		files.Go(func() { w.authority.keep(ctx, path, saved) })
	}
	if w.cfg.Credentials != "" && !w.cfg.Insecure {
		load := func() {
			w.setCredentials(nodetls.Load(w.cfg.Credentials, w.cfg.Prefix, w.cfg.LocalID))
		}
		// Before the first plan is read, so that a start with credentials does
		// not pass through the state of waiting for them.
		load()
		files.Go(func() { w.followCredentials(ctx, load) })
	}

	var failureLog failureLog
	for ctx.Err() == nil {
		w.runPlan(ctx, w.currentPlan(), &failureLog)
	}
	return nil
}
