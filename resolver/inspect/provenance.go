package inspect

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Provenance is what an answer was derived from. Fields that do not apply are
// absent.
type Provenance struct {
	// Step of the decision that settled it: request, localhost, zone, reverse,
	// hosts, name, search-list, route, special, cluster-name, single-label or
	// upstream.
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
	// Private is set if only upstreams on private addresses may be asked.
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
	// Failure is set if the upstreams had failed.
	Failure bool `json:"failure,omitempty"`
}

// provenance describes a lookup, once there is a reply.
func (l *lookup) provenance() Provenance {
	v := &l.Decided
	f := Provenance{Step: v.Step.String(), Node: nodeProvenance(v), Private: v.Private, Route: l.route(), Lines: l.lines()}
	f.Refused = l.refused()
	if l.Verdict.Kind == decision.Cached {
		hit := &l.Verdict.Hit
		f.Cache = &CacheProvenance{
			Age: int64(hit.Age().Seconds()), Left: int64(hit.Left().Seconds()),
			Stale: hit.Stale, Failure: hit.Failure,
		}
	}
	return f
}

// hops are the names behind aliases that were decided on.
func (l *lookup) hops() (all []Hop) {
	for _, hop := range l.Hops {
		one := Hop{
			Name: hop.Msg.Question[0].Name, Step: hop.Verdict.Step.String(),
			Source: hop.Verdict.Source.String(), Reason: hop.Verdict.Reason,
		}
		if hop.Server != (upstream.Server{}) {
			one.Server = hop.Server.String()
		}
		all = append(all, one)
	}
	return all
}

// refused is why the cluster's entry for a node is refused, of a name that could
// be the node's: its own, one below it or with a search domain, or any single label.
func (l *lookup) refused() string {
	name, step := l.Question.Name, l.Decided.Step
	ofNodes := step == decision.StepNodes || step == decision.StepSearchList
	if l.refusal == nil || !ofNodes && dns.CountLabel(name.String()) != 1 {
		return ""
	}
	for _, label := range dns.SplitDomainName(name.String()) {
		if reason, refused := l.refusal(label); refused {
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
func (l *lookup) route() string {
	step := l.Decided.Step
	_, labels, ok := l.View.Routes.Lookup(l.Question.Name)
	switch {
	case !ok || step != decision.StepRoutes && step != decision.StepUpstreams:
		return ""
	case labels == 0:
		return "."
	}
	name := l.Question.Name.String()
	starts := dns.Split(name)
	return name[starts[len(starts)-labels]:]
}

// lines are the lines of the hosts file that the answer is from, or that have
// the name without the type asked for.
func (l *lookup) lines() (lines []HostLine) {
	if l.Decided.Step != decision.StepHostLines {
		return nil
	}
	table, v, name := l.View.Hosts, &l.Decided, l.Question.Name
	note := func(owner []byte, addr netip.Addr) {
		line := HostLine{Path: table.Path(), Line: table.Line(owner, addr)}
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
		if v.Kind != decision.HostAddresses || addr.Is4() == (l.Question.Type == dns.TypeA) {
			note(name, addr)
		}
	}
	slices.SortFunc(lines, func(a, b HostLine) int { return cmp.Compare(a.Line, b.Line) })
	return lines
}
