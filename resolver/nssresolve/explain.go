package nssresolve

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// Explanation is how glibc's nss-resolve is answered for a host name:
// which names the search list makes of it, the result of each, and which of
// them counts.
type Explanation struct {
	Name string `json:"name"` // as the program gave it
	// Search and Ndots are those of the machine's resolv.conf, with the first local
	// domain behind its list, and Names what they make of the name, in the order in
	// which they are asked for. A name that is complete, or ours, is the only one.
	Search []string `json:"search"`
	Ndots  int      `json:"ndots"`
	Names  []string `json:"names"`
	// Questions are those that were asked. Names after the one that counts have
	// none.
	Questions []Question `json:"questions"`
	// Addresses that were found, and the name that has them, or the ID of the
	// varlink error. With NoSource the result is not known: an upstream would be
	// asked.
	Addresses []string `json:"addresses"`
	Found     string   `json:"found,omitempty"`
	Error     string   `json:"error,omitempty"`
}

// Question is one question of a search, and what it got.
type Question struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Rcode string `json:"rcode,omitempty"` // absent: an upstream was not to be asked
	// Step that settled it, Source of the answer, and Reason for it, as in
	// Answer.
	Step   string `json:"step"`
	Source string `json:"source,omitempty"`
	Reason string `json:"reason"`
	Count  int    `json:"count"` // of the addresses
}

// Explain looks for the addresses of a name as for nss-resolve, by the
// same search, and reports how. With dry no upstream is asked, and the search ends
// at the first name that takes one. The error is for an invalid name.
func (r *Resolver) Explain(ctx context.Context, name string, v4, v6, dry bool) (*Explanation, error) {
	if _, err := decision.ParseName(name); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	q := varlink.HostnameQuestion{Name: name, V4: v4, V6: v6}
	if dry {
		q.Flags = varlink.NoNetwork
	}
	search, ndots := r.searchList()
	e := &Explanation{
		Name: name, Search: []string{}, Ndots: ndots,
		Names: r.spellings(name, search, ndots), Questions: []Question{}, Addresses: []string{},
	}
	for _, domain := range search {
		e.Search = append(e.Search, wire.WithoutDot(domain))
	}
	unasked := false
	found, err := r.search(ctx, &q, e.Names, func(f finding) {
		if question, ok := f.explain(); ok {
			e.Questions = append(e.Questions, question)
			unasked = unasked || question.Rcode == ""
		}
	})
	failed := (*varlink.Error)(nil)
	switch {
	case unasked: // for one family, or for an earlier name: the result is not known
		e.Error = varlink.ErrNoSource.ID
	case errors.As(err, &failed):
		e.Error = failed.ID
	default:
		e.Found = e.Questions[len(e.Questions)-1].Name
		for _, addr := range found.All {
			e.Addresses = append(e.Addresses, addr.String())
		}
	}
	return e, nil
}

// explain is the question of a finding; not ok if there was none.
func (f *finding) explain() (q Question, ok bool) {
	l := f.lookup
	if l == nil {
		return q, false
	}
	asked := l.Msg.Question[0]
	q = Question{
		Name: wire.WithoutDot(asked.Name), Type: dns.TypeToString[asked.Qtype],
		Step: l.Decided.Step.String(), Reason: l.Decided.Forwarding(),
	}
	if f.reply != nil {
		q.Rcode, q.Source, q.Reason = dns.RcodeToString[f.reply.Rcode], l.Verdict.Source.String(), l.Verdict.Reason
		if f.err == nil {
			addresses := f.addresses()
			q.Count = len(addresses.All)
		}
	}
	return q, true
}
