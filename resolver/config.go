package resolver

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// Config of a Server.
type Config struct {
	// Zone returns the newest snapshot. It is called for each query.
	Zone func() *zone.Snapshot
	// Listen are the addresses to answer on, over UDP and TCP. Port 0 is a
	// free one. An address that the machine does not have is bound when it
	// appears; a link-local one of IPv6 needs the name of its interface as
	// zone.
	Listen []netip.AddrPort
	// Handover passes the sockets on to the next process, and has those of the one
	// before; the zero value does neither. The Server takes over what it has.
	Handover listen.Handover
	// Settings may be changed later by Reconfigure.
	Settings Settings
	// Hostnames are the machine's. Where no file has a search list, it is the
	// domain of its own one. They may be nil.
	Hostnames resolvconf.Hostnames
	// Hosts locates the user's hosts file, whose lines are answered too. Without a
	// path there is none.
	Hosts hosts.Config

	// IPv6Loopback reports whether this machine has ::1, without which localhost
	// has no IPv6 address. It is called for such queries, must not block, and may be
	// nil where it has.
	IPv6Loopback func() bool

	// Changed, if not nil, is called after the upstreams, those of routes too,
	// what SystemConfig returns or what Addrs returns have changed. It must neither
	// block nor call the Server.
	Changed func()

	// Roots verify the certificates of upstreams that are asked over TLS or
	// HTTPS; the system's where nil.
	Roots *x509.CertPool
	// Clock is CLOCK_BOOTTIME, the clock that the zone has too; the system's
	// where nil.
	Clock func() time.Duration
	// Now is the wall clock, which cookies are timestamped with; time.Now where
	// nil.
	Now func() time.Time
	// Logger gets changes of the upstreams and failures to accept; nil
	// discards.
	Logger *slog.Logger
}

// Settings are what can change while a Server runs.
type Settings struct {
	// Domains are those under which nodes are known besides their bare names.
	Domains []string
	// PTR is the name of a node in PTR records.
	PTR PTR
	// TTL of answers on nodes, in whole seconds.
	TTL time.Duration
	// SingleLabel forwards addresses of names with one label.
	SingleLabel bool
	// Allow are the networks whose clients are answered.
	Allow []netip.Prefix
	// DisableFastPath makes the DNS library parse every query. Otherwise those
	// that need no upstream are answered without it, several times as fast and by
	// the same decision.
	DisableFastPath bool
	// Upstreams are asked for what is not ours.
	Upstreams Upstreams
	// Cache keeps their answers.
	Cache Cache
}

// PTR is which of its names a node has in PTR records.
type PTR string

// The names for PTR records. The zero value is PTRName.
const (
	// PTRName is a readable name of the node, below the first local domain where it
	// is one label; its ID where it has none. See [zone.Canonical].
	PTRName PTR = "name"
	// PTRID is always its ID.
	PTRID PTR = "id"
)

// Cache is how other servers' answers are kept.
type Cache struct {
	// Size in bytes; 0 keeps none.
	Size int64
	// ServeStale is how long after its expiry an answer may still be given
	// when the upstreams fail (RFC 8767); 0 for never.
	ServeStale time.Duration
}

// Upstreams are the servers to ask.
type Upstreams struct {
	// Servers, in the order in which they are asked; Auto stands for those of the
	// machine. Our own listeners among them are left out.
	Servers []upstream.Server
	// Routes send the names in their domains elsewhere.
	Routes []Route
	// ResolvConf is the path of the machine's resolv.conf. While nodedns manages
	// it, the original counts, which is backed up in BackupDir. If that has no
	// usable server, those of systemd-resolved or NetworkManager are used. The
	// search list is used with and without Auto. Empty: none of this applies. Root
	// is a directory that replaces / in the paths and in symlinks on them, but not
	// in BackupDir.
	ResolvConf, Root, BackupDir string
	// Timeout of one exchange with one server; 2 s where zero.
	Timeout time.Duration
	// RandomizeCase makes answers harder to forge (0x20).
	RandomizeCase bool
	// TrustAD passes the AD bit on, to clients that ask for it: the servers
	// validate, and nothing on the way to them can forge (RFC 6840, section
	// 5.7).
	TrustAD bool
	// RebindProtection withholds from clients answers that point a name of the
	// public DNS to a network that is not public. The names in home.arpa, in the
	// domains of Routes and in those of RebindAllow may point there.
	RebindProtection bool
	RebindAllow      []string
}

// Route is split DNS: the names in its domains, the domains themselves
// included, are asked at its servers only. Of several domains that a name is in
// the longest counts; "." is in every name, except for special-use names.
// Without servers such names do not exist.
type Route struct {
	Domains []string
	Servers []upstream.Server // Auto is none of them
}

// Auto among the servers stands for those that the machine itself is configured
// with.
var Auto = upstream.Auto

const defaultTimeout = 2 * time.Second

// auto reports whether the machine's own servers are asked.
func (u Upstreams) auto() bool { return slices.Contains(u.Servers, Auto) }

// LocalDomain is the first of Domains, in lower case and without the final dot, or
// "": the one below which nodes are called.
func (s *Settings) LocalDomain() string {
	if len(s.Domains) == 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(s.Domains[0], "."))
}

// Clone returns a copy that shares no list, with the defaults filled in.
func (s Settings) Clone() Settings {
	s.Domains = slices.Clone(s.Domains)
	s.Allow = slices.Clone(s.Allow)
	s.Upstreams.Servers = slices.Clone(s.Upstreams.Servers)
	s.Upstreams.Routes = slices.Clone(s.Upstreams.Routes)
	s.Upstreams.RebindAllow = slices.Clone(s.Upstreams.RebindAllow)
	if s.Upstreams.Timeout == 0 {
		s.Upstreams.Timeout = defaultTimeout
	}
	return s
}

// Canonical is which name of a node is the first: in PTR records, and on its lines in
// the hosts file.
func (s Settings) Canonical() zone.Canonical {
	return zone.Canonical{Domain: s.LocalDomain(), ByID: s.PTR == PTRID}
}

// rules checks the settings.
func (s Settings) rules() (*decision.Rules, error) {
	if s.Upstreams.Timeout < 0 {
		return nil, fmt.Errorf("upstream timeout %v: want more than 0", s.Upstreams.Timeout)
	}
	if s.Cache.Size < 0 || s.Cache.ServeStale < 0 {
		return nil, fmt.Errorf("cache size %d, serve_stale %v: want no less than 0", s.Cache.Size, s.Cache.ServeStale)
	}
	for _, server := range s.Upstreams.Servers {
		if server != Auto && !askable(server) {
			return nil, fmt.Errorf("upstream server %v: want an address and a port", server)
		}
	}
	switch s.PTR {
	case "", PTRName, PTRID:
	default:
		return nil, fmt.Errorf("zone ptr %q: want %s or %s", s.PTR, PTRName, PTRID)
	}
	return decision.NewRules(decision.RulesConfig{
		Domains: s.Domains, Canonical: s.Canonical(), TTL: s.TTL, SingleLabel: s.SingleLabel,
	})
}

func askable(server upstream.Server) bool { return server.Addr.IsValid() && server.Addr.Port() != 0 }

// table checks the routes, and makes them what a decision can use.
func (u Upstreams) table() (*routes.Table[decision.Route], error) {
	return tableOf(u.Routes, len(u.Routes))
}

// tableOf is that of some routes, the first of which are configured.
func tableOf(list []Route, configured int) (*routes.Table[decision.Route], error) {
	var all []routes.Route[decision.Route]
	for i, r := range list {
		for _, server := range r.Servers {
			if !askable(server) {
				return nil, fmt.Errorf("upstream route %d: server %v: want an address and a port", i+1, server)
			}
		}
		all = append(all, routes.Route[decision.Route]{
			Domains: r.Domains,
			Target:  decision.Route{Number: i + 1, Empty: len(r.Servers) == 0, Searched: i >= configured},
		})
	}
	table, err := routes.New(all)
	if err != nil {
		return nil, fmt.Errorf("upstream routes: %w", err)
	}
	return table, nil
}

// sites checks the domains whose names may point to private networks. In all of
// them is home.arpa, which is each site's own (RFC 8375).
func (u Upstreams) sites() (*routes.Table[struct{}], error) {
	table, err := routes.New([]routes.Route[struct{}]{{Domains: append([]string{"home.arpa"}, u.RebindAllow...)}})
	if err != nil {
		return nil, fmt.Errorf("domains that may rebind: %w", err)
	}
	return table, nil
}

// allows reports whether clients at an address are answered.
func (s *Settings) allows(client netip.Addr) bool {
	client = client.Unmap()
	if client.Is6() {
		client = client.WithZone("")
	}
	for _, network := range s.Allow {
		if network.Contains(client) {
			return true
		}
	}
	return false
}

// allowsLoopback reports whether all clients on loopback are answered.
func (s *Settings) allowsLoopback() bool {
	four := slices.ContainsFunc(s.Allow, func(p netip.Prefix) bool {
		return p.Bits() <= 8 && p.Contains(netip.AddrFrom4([4]byte{127}))
	})
	return four && s.allows(netip.IPv6Loopback())
}

func (c Config) withDefaults() (Config, error) {
	if c.Zone == nil {
		return c, errors.New("resolver: Config.Zone is not set; pass a zone.Store's Snapshot method")
	}
	if c.Clock == nil {
		c.Clock = boottime.Now
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Handover.Logger = c.Logger
	return c, nil
}
