package nss

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// Config is the configuration of glibc on a machine, and in the environment of
// this process.
type Config struct {
	// Switch is the hosts line of nsswitch.conf, and SwitchError why glibc would
	// find nothing at all, or nil.
	Switch      nsswitch.Line
	SwitchError error
	// Servers are those of resolv.conf that are queried, in their order.
	Servers []netip.AddrPort
	// Search is the search list, and Dots the number of dots from which on a
	// name is tried as it is before it.
	Search []string
	Dots   int

	machine  machine.Machine
	hosts    []byte // the hosts file
	multiple bool   // a name may be in several lines of it
	rotate   bool   // servers take turns
	hostname string
	v4, v6   bool // addresses besides loopback
}

// Read returns the configuration of glibc on a machine. Files that are not
// there are as good as empty, as for glibc.
func Read(files machine.Machine) (*Config, error) {
	m := &Config{machine: files}
	var text [4]string
	for i, path := range []string{machine.Nsswitch, machine.Hosts, machine.HostConf, machine.ResolvConf} {
		var err error
		if text[i], err = readFile(files, path); err != nil {
			return nil, fmt.Errorf("read what glibc reads: %w", err)
		}
	}
	m.Switch, m.SwitchError = nsswitch.Hosts([]byte(text[0]))
	m.hosts = []byte(text[1])
	m.multiple = machine.MultiEnabled(text[2])
	var err error
	if m.hostname, err = os.Hostname(); err != nil {
		return nil, err
	}
	m.readResolvConf(text[3], os.Getenv)
	if m.v4, m.v6, err = families(); err != nil {
		return nil, err
	}
	return m, nil
}

func readFile(m machine.Machine, path string) (string, error) {
	text, err := m.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return text, err
}

// maxServers of those in resolv.conf are queried (resolv.conf(5)).
const maxServers = 3

// readResolvConf takes the settings of resolv.conf and the environment.
func (m *Config) readResolvConf(text string, getenv func(string) string) {
	c := resolvconf.Parse(text)
	m.Servers = c.Servers[:min(len(c.Servers), maxServers)]
	if len(m.Servers) == 0 {
		m.Servers = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}
	m.Search = c.Search
	if words := strings.Fields(getenv("LOCALDOMAIN")); len(words) > 0 {
		m.Search = words
	}
	if len(m.Search) == 0 {
		if _, domain, found := strings.Cut(m.hostname, "."); found {
			m.Search = []string{domain}
		}
	}
	options := slices.Concat(c.Options, strings.Fields(getenv("RES_OPTIONS")))
	m.Dots, m.rotate = resolvconf.Ndots(options), slices.Contains(options, "rotate")
}

// families returns which families the machine has addresses of besides
// loopback: those that getaddrinfo looks up.
func families() (v4, v6 bool, err error) {
	addrs, err := net.InterfaceAddrs()
	for _, addr := range addrs {
		prefix, err := netip.ParsePrefix(addr.String())
		if err != nil {
			continue
		}
		switch a := prefix.Addr(); a {
		case netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback():
		default:
			v4, v6 = v4 || a.Is4(), v6 || a.Is6()
		}
	}
	return v4, v6, err
}

// maxName is how long a name can be, in presentation form without escapes.
const maxName = 253

// Names are those under which a name is looked up over DNS, in their order.
func (m *Config) Names(name string) []string {
	all := resolvconf.Spellings(name, m.Search, m.Dots)
	return slices.DeleteFunc(all, func(spelling string) bool { return spelling != name && len(spelling) > maxName })
}
