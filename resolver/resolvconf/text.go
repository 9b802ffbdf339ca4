package resolvconf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/resolver/upstream"
)

// The options that we set, see resolv.conf(5).
const (
	optionEDNS    = "edns0"
	optionTrustAD = "trust-ad"
)

// stubText is a resolv.conf that points at us, but for its comments, with the
// search list and the options that the machine is configured with, and the local
// domain behind that list. Answers with EDNS are larger, and report errors in
// detail. implied is the domain of the present hostname.
func stubText(listener netip.AddrPort, m SystemConfig, trustAD bool, domain, implied string) string {
	options := appendNew(withoutTrust(m.Options), maxOptions+1, optionEDNS)
	if trustAD {
		options = append(options, optionTrustAD)
	}
	return fmt.Sprintf("nameserver %v\n", listener.Addr()) + tail(m.searchLine(domain, implied), options)
}

// searchLine is the list that a file of ours has to have, for the machine's
// programs to use that of the configuration, and the local domain last. Without a
// list they use the domain of the hostname, and the root is how a list says that
// there is none.
func (m SystemConfig) searchLine(domain, implied string) []string {
	if list, added := m.searchToo(domain); added {
		return list
	}
	switch {
	case len(m.Search) == 0 && implied != "":
		return []string{"."}
	case m.Derived && m.Search[0] == implied:
		return nil
	}
	return m.Search
}

// SearchToo is the search list that programs have by a file of ours, with a local
// domain or "" for none.
func (m SystemConfig) SearchToo(domain string) []string {
	if list, added := m.searchToo(domain); added {
		return list
	}
	return m.Search
}

// searchToo is the search list with a domain behind it, and whether it was added.
// It is not where the list has it, or where a list that musl reads would become
// one that it does not: the machine's own domains come first.
func (m SystemConfig) searchToo(domain string) (list []string, added bool) {
	all := domains(append(slices.Clone(m.Search), domain))
	longer := len(portable(m.Search)) == len(m.Search) && len(portable(all)) < len(all)
	return all, len(all) > len(m.Search) && !longer
}

// realText is one with the servers that we query. Its readers do not query us,
// so our setting for the AD bit does not apply, and they have hostnames of their
// own, so that a list that is derived from ours is not theirs.
func realText(servers []upstream.Server, m SystemConfig) string {
	var b strings.Builder
	b.WriteString(realMark)
	for _, s := range servers {
		if s.Transport == upstream.UDP && s.Addr.Port() == dnsPort {
			fmt.Fprintf(&b, "nameserver %v\n", s.Addr.Addr())
		} else {
			fmt.Fprintf(&b, "# %v is left out: this file can only name servers for UDP on port %d\n", s, dnsPort)
		}
	}
	var search []string
	if !m.Derived {
		search = portable(m.Search)
	}
	return b.String() + tail(search, withoutTrust(m.Options))
}

// maxSearchLine is how long a search list may be, in characters: musl ignores a
// longer one as a whole, and glibc before 2.26 cuts it, within a name.
const maxSearchLine = 255

// portable is the beginning of a search list, as far as every C library takes it.
func portable(search []string) []string {
	length := -1 // no space before the first
	for i, domain := range search {
		if length += 1 + len(domain); length > maxSearchLine {
			return search[:i]
		}
	}
	return search
}

func withoutTrust(options []string) []string {
	return slices.DeleteFunc(slices.Clone(options), func(o string) bool { return o == optionTrustAD })
}

func tail(search, options []string) string {
	text := ""
	if len(search) > 0 {
		text += "search " + strings.Join(search, " ") + "\n"
	}
	if len(options) > 0 {
		text += "options " + strings.Join(options, " ") + "\n"
	}
	return text
}
