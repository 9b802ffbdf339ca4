package resolver

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// isOurs reports whether an address is this machine's or a node's.
func (s *Server) isOurs(addr netip.Addr) bool {
	return s.zone().HasAddr(addr) || s.interfaces.have(addr, s.clock())
}

// interfacesFor is how long the addresses of the interfaces are used: a reply may
// have thousands of addresses, and the machine as many interfaces.
const interfacesFor = time.Second

// interfaces are the addresses of this machine's interfaces. The zone has only those
// that others reach it by.
type interfaces struct {
	list func() ([]net.Addr, error) // net.InterfaceAddrs, but for tests

	mu    sync.Mutex
	until time.Duration
	addrs map[netip.Addr]bool // as they were last read; nil: never
}

// have reports whether an address is among them.
func (i *interfaces) have(addr netip.Addr, now time.Duration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now >= i.until {
		i.read()
		i.until = now + interfacesFor
	}
	return i.addrs[addr]
}

// read keeps what was known if they can't be read.
func (i *interfaces) read() {
	all, err := i.list()
	if err != nil {
		return
	}
	i.addrs = make(map[netip.Addr]bool, len(all))
	for _, one := range all {
		if prefix, err := netip.ParsePrefix(one.String()); err == nil {
			i.addrs[prefix.Addr().Unmap()] = true
		}
	}
}
