package resolver

import (
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/decision"
)

// maxNdots is the most dots that an option can ask for (resolv.conf(5)).
const maxNdots = 15

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
	var all []string
	if dots >= ndots(st.machine.Options) {
		all = append(all, name)
	}
	for _, domain := range st.search {
		spelling := name
		if !domain.IsRoot() {
			spelling += "." + domain.String()
		}
		if _, err := decision.ParseName(spelling); err == nil && !slices.Contains(all, spelling) {
			all = append(all, spelling)
		}
	}
	if !slices.Contains(all, name) {
		all = append(all, name)
	}
	return all
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

// ndots is the number of dots from which on a name is first looked for as it is.
func ndots(options []string) int {
	most := 1
	for _, option := range options {
		if text, ok := strings.CutPrefix(option, "ndots:"); ok {
			if n, err := strconv.Atoi(text); err == nil && n >= 0 {
				most = min(n, maxNdots)
			}
		}
	}
	return most
}
