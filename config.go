package nodedns

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// ClusterDialer returns a connection to the leading curator, authenticated both
// ways. It is called for each stream, must return soon after ctx has ended, and may
// return the same connection each time. A connection should notice by itself that
// the other end is out of reach (gRPC keepalive).
//
// A connection without a release function stays the caller's. Calls over it wait
// until it is ready, and follow where its resolver leads: one that the program
// has for its own calls will do. One with a release function is for one stream:
// calls fail where it cannot connect, and release is called at the end;
// [grpc.ClientConn.Close] is one.
type ClusterDialer func(ctx context.Context) (conn grpc.ClientConnInterface, release func() error, err error)

// LocalSource publishes this machine's addresses until ctx ends: once at the
// start and then with each change. An empty list is ignored once there was another.
// It is run again after a pause when it returns an error.
type LocalSource func(ctx context.Context, publish func([]netip.Addr)) error

// Config of a [Service]. Of all fields only StateDir and one of PublicKey and
// NodeID are needed; of the others the zero value does what its comment states.
type Config struct {
	// PublicKey is the node's; its ID is derived from it. NodeID overrides it.
	PublicKey ed25519.PublicKey
	NodeID    zone.ID
	// Prefix of node IDs. nil means [zone.DefaultPrefix].
	Prefix *zone.Prefix

	// RetainDeparted is how long a departed node is still answered.
	RetainDeparted zone.Retention

	// LocalSource publishes this machine's addresses. nil means Addresses or,
	// without any, what netlink reports of Interfaces (globs; none: the interface
	// of the default route). With a LocalSource the gateways are not known, whose
	// addresses no node must rename: give them to [zone.Store.SetReserved] of
	// Service.Zone, by a name of their own.
	LocalSource LocalSource
	Addresses   []netip.Addr
	Interfaces  []string

	// ClusterDialer reaches the cluster, and may be set later. Where there is
	// none, Endpoints ([curator.ParseEndpoint]) with the files ca.crt, node.crt
	// and node.key of the directory Credentials do; with Insecure in plain text,
	// on loopback only.
	ClusterDialer ClusterDialer
	Endpoints     []curator.Endpoint
	Credentials   string
	Insecure      bool
	// RecoverAfter is how long only nodes that may not speak for the cluster must
	// have answered for one to be believed at an endpoint without a pin.
	RecoverAfter curator.RecoverAfter
	// NameLabel is the key of the label by which a node of the cluster has a readable
	// name, such as [curator.DefaultNameLabel]. Empty means that none has.
	NameLabel string
	// Report has our first address reported to the cluster whenever it changes.
	// Never set it where the node's own daemon does so, as Metropolis does.
	Report bool

	// NodeFiles are files that list nodes, or directories of them, as package
	// nodefile describes them: absolute paths. None of them needs to exist. They
	// are not below Files.Root.
	NodeFiles []string

	// StateDir is a directory, made where it is missing, for what survives a
	// restart.
	StateDir string
	// Files that are kept equal to the zone. No file outside of StateDir is read
	// or written that is not named, here or by HostsLines and ResolvConf.
	Files Files
	// HostsLines is a hosts file that is only read, where Files.Hosts is empty:
	// the user's lines in it are answered, as those in Files.Hosts are.
	HostsLines string
	// ResolvConf is the machine's resolv.conf, below Files.Root.
	ResolvConf resolvconf.Settings

	// Listen addresses, for UDP and TCP. Their port may be 0, and those that the
	// machine does not have yet are bound when it has them.
	Listen []netip.AddrPort
	// Descriptors keeps the sockets of Listen open over a restart, while queries wait
	// in them, and the cache from a clean stop on, and has those of the process before.
	// The service manager's store is one. nil keeps none.
	Descriptors listen.Store
	// VarlinkSocket is the path of the socket for glibc's nss-resolve, and with
	// ".Monitor" behind it for resolvectl's monitor. Empty means none.
	VarlinkSocket string
	// DNS is how queries are answered. Without Allow the clients on loopback
	// are; a TTL of 0 forbids them to keep answers. Where the machine's servers
	// are listed is up to ResolvConf, if its path is set.
	DNS resolver.Settings
	// UpstreamRoots verify the certificates of upstreams that are queried over
	// TLS or HTTPS. nil means the system's.
	UpstreamRoots *x509.CertPool

	// Logger may be nil, which discards.
	Logger *slog.Logger

	now   func() time.Time     // the wall clock of tests; nil: the machine's
	clock func() time.Duration // and CLOCK_BOOTTIME
}

// Files describes which files are kept, and how.
type Files = hostsfile.Settings

// ErrNoIdentity means that a Config has neither a public key nor a node ID.
var ErrNoIdentity = errors.New("no identity: neither a public key nor a node ID is given")

// identify returns the prefix and this machine's ID.
func (c *Config) identify() (zone.Prefix, zone.ID, error) {
	prefix := zone.DefaultPrefix
	if c.Prefix != nil {
		prefix = *c.Prefix
	}
	switch {
	case c.NodeID != "":
		id, err := zone.ParseID(string(c.NodeID))
		return prefix, id, err
	case len(c.PublicKey) == ed25519.PublicKeySize:
		return prefix, prefix.FromPublicKey(c.PublicKey), nil
	default:
		return prefix, "", ErrNoIdentity
	}
}

// clone protects the settings in force from a caller that writes into its lists.
func (c *Config) clone() Config {
	n := *c
	n.Addresses, n.Interfaces = slices.Clone(c.Addresses), slices.Clone(c.Interfaces)
	n.Endpoints, n.Listen = slices.Clone(c.Endpoints), slices.Clone(c.Listen)
	n.NodeFiles = slices.Clone(c.NodeFiles)
	n.DNS = c.DNS.Clone()
	return n
}

// expectsCluster reports whether there is a way to a cluster.
func (c *Config) expectsCluster() bool { return len(c.Endpoints) > 0 || c.ClusterDialer != nil }

// otherAddresses reports whether our addresses come from another source by next,
// which has a LocalSource only if it was set.
func (c *Config) otherAddresses(next *Config) bool {
	return next.LocalSource != nil || !slices.Equal(c.Addresses, next.Addresses) || !slices.Equal(c.Interfaces, next.Interfaces)
}

// restartField names the first field that next changes and that holds until the
// end of the process, or is empty.
func (c *Config) restartField(next *Config) string {
	if next.ClusterDialer != nil {
		return "ClusterDialer (use SetClusterDialer)"
	}
	return firstDifference("", reflect.ValueOf(c.lasting()), reflect.ValueOf(next.lasting()))
}

// lasting is the part that Reload does not take over.
func (c *Config) lasting() Config {
	l := *c
	l.DNS, l.RetainDeparted = resolver.Settings{}, zone.Retention{}
	l.LocalSource, l.Addresses, l.Interfaces = nil, nil, nil
	l.ClusterDialer, l.Endpoints, l.RecoverAfter, l.NameLabel, l.Report = nil, nil, 0, "", false
	l.NodeFiles = nil
	l.ResolvConf.Mode = ""
	return l
}

// firstDifference names the first exported field in which two structs differ.
func firstDifference(path string, a, b reflect.Value) string {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		switch {
		case !field.IsExported():
		case field.Type.Kind() == reflect.Struct:
			if name := firstDifference(path+field.Name+".", a.Field(i), b.Field(i)); name != "" {
				return name
			}
		case !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			return path + field.Name
		}
	}
	return ""
}

// settings are those of the resolver, completed.
func (c *Config) settings() resolver.Settings {
	settings := c.DNS
	if settings.Allow == nil {
		settings.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if c.ResolvConf.Path != "" {
		place := c.resolvConf().Location()
		up := &settings.Upstreams
		up.Root, up.ResolvConf, up.BackupDir = place.Root, place.Path, place.BackupDir
	}
	return settings
}

// hostLines returns where the user's lines of the hosts file are. In a file that
// is all ours there are none.
func (c *Config) hostLines(id zone.ID, prefix zone.Prefix) resolver.HostsFile {
	if c.Files.HostsMode == hostsfile.HostsOwn {
		return resolver.HostsFile{}
	}
	return resolver.HostsFile{
		Root: c.Files.Root,
		Path: cmp.Or(c.Files.Hosts, c.HostsLines),
		// The domains are left to the decision, which has them first: they may
		// change, and a name that is theirs no more is a line's again.
		Zone:   resolver.HostsZone{Prefix: prefix, Local: id},
		Logger: c.Logger.With("part", "hosts"),
	}
}

// newCluster makes what follows the curators.
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
		NameLabel:     cfg.NameLabel,
		AuthorityFile: cfg.authorityFile(),
	}, s.nodes)
}

// addressesOf finds a curator that is known by its node ID in our own zone: no
// other name service need work for the cluster to be reached.
func (s *Service) addressesOf(id zone.ID) []netip.Addr {
	n, _ := s.store.Snapshot().Lookup(string(id))
	return slices.Collect(n.Addrs())
}

// curatorPort is the port that a node reports for its curator, or 0.
func (s *Service) curatorPort(id zone.ID) uint16 {
	n, _ := s.store.Snapshot().Lookup(string(id))
	return n.CuratorPort()
}

// resolvConf is what resolv.conf is kept with.
func (c *Config) resolvConf() resolvconf.Config {
	return resolvconf.Config{
		Settings: c.ResolvConf, Root: c.Files.Root, StateDir: c.StateDir,
		Logger: c.Logger.With("part", "resolv.conf"),
	}
}

// authorityName is the file in the state directory that keeps which nodes may
// speak for the cluster.
const authorityName = "curators.json"

func (c *Config) authorityFile() string {
	if c.StateDir == "" {
		return ""
	}
	return filepath.Join(c.StateDir, authorityName)
}

// Reload has change edit a copy of the settings in force, takes over what it
// changed, and disturbs nothing else. With an error nothing has changed: it names
// a field that holds until the end of the process, which are all but DNS,
// RetainDeparted, LocalSource, Addresses, Interfaces, Endpoints, RecoverAfter,
// NameLabel, Report, NodeFiles and ResolvConf.Mode, or states what is wrong with a
// value. The functions of the copy are nil: a LocalSource stays unless change sets
// another one, other Addresses or other Interfaces. Reload may be called at any time
// from any goroutine; change must not call the Service.
func (s *Service) Reload(change func(*Config)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, next := s.cfg, s.cfg.clone()
	next.LocalSource, next.ClusterDialer = nil, nil
	change(&next)
	next.Logger, next.now, next.clock = cmp.Or(next.Logger, was.Logger), was.now, was.clock
	next.Descriptors = cmp.Or(next.Descriptors, was.Descriptors)
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
	if err := nodefile.Check(next.NodeFiles); err != nil {
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
	s.nodeFiles.SetPaths(next.NodeFiles)
	s.files.SetCanonical(next.DNS.Canonical())
	if s.resolv != nil {
		s.resolv.Set(next.ResolvConf.Mode, next.DNS.Upstreams.TrustAD, next.DNS.LocalDomain())
	}
	s.cfg = next
	s.cluster.SetRecoverAfter(next.RecoverAfter)
	s.cluster.SetNameLabel(next.NameLabel)
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

// ReloadStatus is what became of the last attempt to load the configuration
// again.
type ReloadStatus struct {
	At time.Time `json:"at"`
	// Error is why it was refused, one line for each problem, or empty.
	Error string `json:"error"`
}

// ReportReload notes for the status that the configuration was loaded again just
// now or, with an error, why it was refused. What is in the files is up to the
// embedder, so the service cannot know by itself: [Service.Reload] does not call
// it. It may be called concurrently.
func (s *Service) ReportReload(err error) {
	r := &ReloadStatus{At: time.Now().UTC().Truncate(time.Millisecond)}
	if err != nil {
		r.Error = err.Error()
	}
	s.lastReload.Store(r)
}
