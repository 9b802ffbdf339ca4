package decision

import (
	"iter"
	"net/netip"

	"github.com/miekg/dns"
)

// hostLines answers from the user's lines of the hosts file. Other types of
// their names may exist elsewhere. A DS record is no record of the name's own
// zone, and a denial of it has to stay as it was signed.
func hostLines(q *Question, view *View, v *Verdict) bool {
	const reason = "a line of the hosts file"
	if q.Type == dns.TypeDS || !inHosts(q.Name, view) {
		return false
	}
	if behindZone(q.Name, view) {
		v.OwnLine = true
		return false
	}
	v.InHosts = true
	addrs, forward := view.Hosts.Lookup(q.Name)
	switch {
	case q.Type == dns.TypeANY:
		v.answer(AnyType, SourceHosts, reason, view.Rules)
	case !forward && q.Type == dns.TypePTR:
		addr, _ := ReverseAddr(q.Name)
		v.HostName, _ = view.Hosts.Reverse(addr)
		v.answer(HostName, SourceHosts, reason, view.Rules)
	case !forward || !q.wantsAddress():
		return false
	case hasFamily(addrs.All(), q.Type):
		v.HostAddrs = addrs
		v.answer(HostAddresses, SourceHosts, reason, view.Rules)
	default:
		v.negative(dns.RcodeSuccess, SourceHosts, "a line of the hosts file without such an address", view.Rules)
	}
	return true
}

// inHosts reports whether the hosts file has a name, or the address that it is
// the reverse name of. Such a name exists, whatever type is asked for.
func inHosts(name Name, view *View) bool {
	if addr, ok := ReverseAddr(name); ok {
		_, known := view.Hosts.Reverse(addr)
		return known
	}
	_, known := view.Hosts.Lookup(name)
	return known
}

// behindZone reports whether the lines of a name give only loopback addresses to this
// machine, by one of its readable names, and its addresses are known. Installers, such
// as Debian's, write "127.0.1.1 HOSTNAME" for as long as there is nothing better; the
// other nodes must not see another address than this one does.
func behindZone(name Name, view *View) bool {
	addrs, ok := view.Hosts.Lookup(name)
	if !ok {
		return false // a reverse name
	}
	for addr := range addrs.All() {
		if !addr.IsLoopback() {
			return false
		}
	}
	return view.Zone.Local().HasAddr() && lookupName(name, view).Node.IsLocal()
}

func hasFamily(addrs iter.Seq[netip.Addr], qtype uint16) bool {
	for addr := range addrs {
		if addr.Is4() == (qtype == dns.TypeA) {
			return true
		}
	}
	return false
}
