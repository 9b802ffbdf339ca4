package netlink

import (
	"path"
	"slices"
)

// link is a network interface.
type link struct {
	index    int
	names    []string // its name, then its alternative names
	kind     string   // of driver, as ip-link(8) calls it; "device" for hardware
	encap    string   // hardware type (ARPHRD_*), as ip-link(8) calls it
	up       bool
	loopback bool
	master   int // index of the bridge, bond or VRF it is a member of, or 0
}

// tunnelKinds are the links whose addresses are reached through the packets of
// another link, so that they are of use to the tunnel's other ends only.
// Not among them are ppp and the raw links of mobile modems: they carry a
// private network sometimes, but a machine's only uplink often.
var tunnelKinds = []string{
	"amt", "bareudp", "erspan", "geneve", "gre", "gretap", "gtp", "ip6erspan", "ip6gre", "ip6gretap",
	"ip6tnl", "ipip", "ovpn", "sit", "tun", "tuntap", "vti", "vti6", "vxlan", "wireguard", "xfrm",
}

// tunnelEncaps are the hardware types of tunnels, for drivers that do not
// report their kind.
var tunnelEncaps = []string{"gre", "ipip", "sit", "tunnel6"}

func (l link) tunnel() bool {
	return slices.Contains(tunnelKinds, l.kind) || slices.Contains(tunnelEncaps, l.encap)
}

// leadsOut reports whether l, one of all, may be taken to lead out of the
// machine although no default route leads through it.
func leadsOut(l link, all []link) bool {
	switch {
	case l.loopback || l.tunnel() || l.master != 0:
		return false
	case l.kind == "dummy" || l.kind == "ifb" || l.kind == "vrf":
		return false
	case l.kind == "bridge":
		return slices.ContainsFunc(all, func(port link) bool { return port.master == l.index && port.outward() })
	default:
		return true
	}
}

// outward reports whether a bridge's port is more than a cable to a container
// or a virtual machine.
func (l link) outward() bool {
	return !l.tunnel() && l.kind != "veth" && l.kind != "netkit" && l.kind != "dummy"
}

// matches reports whether a pattern matches one of l's names.
func matches(l link, globs []string) bool {
	for _, glob := range globs {
		for _, name := range l.names {
			// Run has rejected invalid patterns.
			if ok, err := path.Match(glob, name); err == nil && ok {
				return true
			}
		}
	}
	return false
}
