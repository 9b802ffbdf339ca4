package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
)

// Config is a valid configuration. It is a value: copies are independent as
// long as nobody writes into their slices, and may be read concurrently.
type Config struct {
	Identity Identity
	Zone     Zone
	Local    Local
	Curator  Curator
	Files    Files
	DNS      DNS
	Upstream Upstream
	Cache    Cache
	State    State
	Control  Control
	Varlink  Varlink
	Metrics  Metrics
	Log      Log
}

// Identity says which node this machine is. With NodeID and PublicKey both
// empty it is nobody, which only some commands can live with.
type Identity struct {
	PublicKey string  // absolute path, or empty
	NodeID    zone.ID // overrides PublicKey; empty: derived from it
	Prefix    zone.Prefix
}

// Zone is what the zone answers with, and for how long.
type Zone struct {
	Domains        []string      // canonical: lower case, no final dot
	TTL            time.Duration // whole seconds
	RetainDeparted zone.Retention
}

// Local says where the machine's own addresses come from.
type Local struct {
	Interfaces []string     // globs as in path.Match
	Addresses  []netip.Addr // static; empty: netlink
}

// Curator is the source of the cluster's nodes.
type Curator struct {
	Endpoints    []Endpoint // empty: no cluster
	Credentials  string     // absolute path of a directory, or empty
	Insecure     bool       // plain text; then every endpoint is on loopback
	Report       bool
	RecoverAfter curator.RecoverAfter
}

// Files are the files kept equal to the zone. Paths are absolute, as written
// in the configuration: Rooted tells where they are. An empty one is off.
type Files struct {
	Root            string
	Hosts           string
	HostsMode       HostsMode
	HostsMaxNodes   int // 0: no limit
	MachineID       string
	MachineIDFormat MachineIDFormat
	Hostname        bool
	HostnameFile    string
	ResolvConf      string
	ResolvConfMode  ResolvConfMode
}

// DNS is the service to clients.
type DNS struct {
	Listen      []netip.AddrPort // UDP and TCP; of one address family each, wildcards too
	Allow       []netip.Prefix
	SingleLabel bool
	FastPath    bool
}

// Upstream is where names go that are not ours.
type Upstream struct {
	Servers          []Server
	Routes           []Route       // split DNS
	Timeout          time.Duration // one exchange with one server
	TrustAD          bool
	RandomizeCase    bool
	RebindProtection bool
	RebindAllow      []string // canonical: lower case, no final dot
}

// Cache is the store of other servers' answers.
type Cache struct {
	Size       int64 // bytes
	ServeStale time.Duration
}

// State is what survives a restart.
type State struct {
	Dir string // absolute path, never rooted
}

// Control is the socket of the other commands.
type Control struct {
	Socket string // absolute path, never rooted
}

// Varlink is the socket for glibc's nss-resolve.
type Varlink struct {
	Socket string // absolute path, never rooted; empty: off
}

// Metrics is the Prometheus endpoint.
type Metrics struct {
	Listen netip.AddrPort // the zero value: off
}

// Log is how the daemon logs.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// HostsMode is the share of the hosts file that is ours.
type HostsMode string

// The modes of the hosts file.
const (
	HostsBlock HostsMode = "block" // the lines between our markers
	HostsOwn   HostsMode = "own"   // all of it
)

// MachineIDFormat is what stands in the machine-id file.
type MachineIDFormat string

// The formats of the machine-id file.
const (
	MachineIDAuto   MachineIDFormat = "auto"    // by the init system that runs
	MachineIDNodeID MachineIDFormat = "node-id" // the node's name
	MachineIDHex    MachineIDFormat = "hex"     // as machine-id(5) demands
)

// ResolvConfMode is what is done with resolv.conf.
type ResolvConfMode string

// The modes of resolv.conf.
const (
	ResolvConfOff  ResolvConfMode = "off"  // it is only read
	ResolvConfStub ResolvConfMode = "stub" // it points at us while we answer
)

// LogFormat is the encoding of log lines.
type LogFormat string

// The encodings of log lines.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Rooted returns where the file that the configuration calls path is: below
// Files.Root if there is one. It is meant for the paths in Files and for what
// is in /run/nodedns; State.Dir and Control.Socket are set separately and are
// used as they are. An empty path, a file that is off, stays empty.
func (c Config) Rooted(path string) string {
	if c.Files.Root == "" || path == "" {
		return path
	}
	return filepath.Join(c.Files.Root, path)
}
