package resolver

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// Provenance is what an answer was made of. Only what concerns it is there.
type Provenance struct {
	// Step of the decision that settled it: request, localhost, zone, reverse,
	// hosts, route, special, single-label or upstream.
	Step string `json:"step,omitempty"`
	// Node is the one that the answer is about.
	Node *NodeProvenance `json:"node,omitempty"`
	// Refused is why the cluster's entry for the name is refused, so that the
	// answer is without it.
	Refused string `json:"refused,omitempty"`
	// Lines of the hosts file that have the name or address.
	Lines []HostLine `json:"lines,omitempty"`
	// Route is the domain of the route that the name is in, with its final dot.
	Route string `json:"route,omitempty"`
	// Private says that only upstreams on private addresses may be asked.
	Private bool `json:"private,omitempty"`
	// Cache is what the answer was in the cache.
	Cache *CacheProvenance `json:"cache,omitempty"`
}

// NodeProvenance is a node, as far as an answer depends on it.
type NodeProvenance struct {
	ID       string `json:"id"`
	Source   string `json:"source"` // that its addresses come from
	State    string `json:"state"`
	Departed bool   `json:"departed,omitempty"`
	// Since is from when its addresses are or, of one that has departed, when
	// it did. It is absent where that is not known.
	Since *time.Time `json:"since,omitempty"`
}

// HostLine is a line of the hosts file.
type HostLine struct {
	Path string `json:"path"`
	Line int    `json:"line"` // from 1
}

// CacheProvenance is an answer that was in the cache.
type CacheProvenance struct {
	Age   int64 `json:"age"`  // seconds since the upstream answered
	Left  int64 `json:"left"` // seconds for which it stays fresh
	Stale bool  `json:"stale,omitempty"`
	// Failure says that the upstreams had failed.
	Failure bool `json:"failure,omitempty"`
}

// provenance is what became of an lookup, once there is a reply.
func (s *Server) provenance(i *lookup) Provenance {
	v := &i.decided
	f := Provenance{Step: v.Step.String(), Node: nodeProvenance(v), Private: v.Private, Route: i.route(), Lines: s.linesOf(i)}
	f.Refused = s.refusalOf(i)
	if i.verdict.Kind == decision.Cached {
		hit := &i.verdict.Hit
		f.Cache = &CacheProvenance{
			Age: int64(hit.Age().Seconds()), Left: int64(hit.Left().Seconds()),
			Stale: hit.Stale, Failure: hit.Failure,
		}
	}
	return f
}

// refusalOf is why the cluster's entry for a node is refused, of a name that could
// be the node's: its own, one below it or, whatever shape it has, a single label.
func (s *Server) refusalOf(i *lookup) string {
	name := i.Question.Name
	if s.refusal == nil || i.decided.Step != decision.StepNodes && dns.CountLabel(name.String()) != 1 {
		return ""
	}
	for _, label := range dns.SplitDomainName(name.String()) {
		if reason, refused := s.refusal(label); refused {
			return reason
		}
	}
	return ""
}

func nodeProvenance(v *decision.Verdict) *NodeProvenance {
	n := v.Node
	if !n.Exists() {
		return nil
	}
	f := &NodeProvenance{ID: string(n.ID()), Source: n.Source(), State: n.State().String(), Departed: n.Departed()}
	if since := n.Since(); since.Unix() > 0 {
		f.Since = &since
	}
	return f
}

// route is the domain by which a name was found to be in the route of the
// verdict, or "".
func (i *lookup) route() string {
	step := i.decided.Step
	_, labels, ok := i.view.Routes.Lookup(i.Question.Name)
	switch {
	case !ok || step != decision.StepRoutes && step != decision.StepUpstreams:
		return ""
	case labels == 0:
		return "."
	}
	name := i.Question.Name.String()
	starts := dns.Split(name)
	return name[starts[len(starts)-labels]:]
}

// linesOf are the lines of the hosts file that the answer is from, or that have
// the name and not what is asked for.
func (s *Server) linesOf(i *lookup) (lines []HostLine) {
	if i.decided.Step != decision.StepHostLines {
		return nil
	}
	table, v, name := i.view.Hosts, &i.decided, i.Question.Name
	note := func(owner []byte, addr netip.Addr) {
		line := HostLine{Path: s.hosts.Path(), Line: table.Line(owner, addr)}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if addr, reverse := decision.ReverseAddr(name); reverse {
		owner, _ := table.Reverse(addr)
		note([]byte(owner), addr)
		return lines
	}
	addrs, _ := table.Lookup(name)
	for addr := range addrs.All() {
		if v.Kind != decision.HostAddresses || addr.Is4() == (i.Question.Type == dns.TypeA) {
			note(name, addr)
		}
	}
	slices.SortFunc(lines, func(a, b HostLine) int { return cmp.Compare(a.Line, b.Line) })
	return lines
}
