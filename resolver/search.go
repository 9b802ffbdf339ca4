package resolver

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// spellings are the names that one which a program looks for may stand for, in
// the order in which they are to be looked for: those with the domains of the
// machine's search list, as the C library has them (resolv.conf(5)).
//
// Unlike there, what is ours comes before the search list: the nodes, the
// user's lines of the hosts file and the names with a meaning of their own stand
// for themselves only.
func (s *Server) spellings(name string, st *state) []string {
	bare := strings.TrimSuffix(name, ".")
	dots := strings.Count(bare, ".")
	if bare == "" || bare != name || len(st.search) == 0 || s.isOwn(name, dots, st) {
		return []string{name}
	}
	search := make([]string, 0, len(st.search))
	for _, domain := range st.search {
		search = append(search, domain.String())
	}
	all := resolvconf.Spellings(name, search, resolvconf.Ndots(st.machine.Options))
	return slices.DeleteFunc(all, func(spelling string) bool {
		_, err := decision.ParseName(spelling)
		return err != nil // mostly it is too long
	})
}

// isOwn says whether a name is decided on here, whatever the search list. A
// single label that only has no meaning by itself may have one with a domain.
func (s *Server) isOwn(name string, dots int, st *state) bool {
	wire, err := decision.ParseName(name)
	if err != nil {
		return false
	}
	var v decision.Verdict
	s.decide(&v, &decision.Question{Name: wire, Type: dns.TypeA}, st, s.clock())
	switch v.Source {
	case decision.SourceZone, decision.SourceHosts:
		return true
	case decision.SourceSpecial:
		return dots > 0 || v.Kind == decision.Loopback
	}
	return false
}
