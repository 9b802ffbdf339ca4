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

// stubText is a resolv.conf that points at us, with the search list and the
// options that the machine is configured with. Answers with EDNS are larger,
// and report errors in detail.
func stubText(listener netip.AddrPort, m SystemConfig, trustAD bool) string {
	options := appendNew(withoutTrust(m.Options), maxOptions+1, optionEDNS)
	if trustAD {
		options = append(options, optionTrustAD)
	}
	return stubMark + fmt.Sprintf("nameserver %v\n", listener.Addr()) + tail(m.Search, options)
}

// realText is one with the servers that we query. Its readers do not query us,
// so our setting for the AD bit does not apply.
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
	return b.String() + tail(m.Search, withoutTrust(m.Options))
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
