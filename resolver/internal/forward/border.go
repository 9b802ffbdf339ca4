package forward

import (
	"errors"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

const (
	// maxHops bounds how often one query is decided on again, behind its aliases.
	maxHops = 16
	// maxAliases bounds the way through one reply. The resolvers that we ask end
	// after some 16 themselves; but a few DNAME records can lead through more names
	// than there is time or memory for.
	maxAliases = 256
)

var (
	errLoop = errors.New("its aliases lead in a circle")
	errLong = errors.New("its aliases lead through too many names")
)

// isEndless reports whether an error is that aliases have no end.
func isEndless(err error) bool { return errors.Is(err, errLoop) || errors.Is(err, errLong) }

// finish makes a verdict on what an alias leads to into a reply. Where it must not
// wait for upstreams it returns nil if that would be needed.
type finish func(r *wire.Request, verdict *decision.Verdict) *dns.Msg

// border reduces a reply to what its servers may say: see trace.
func (f *Forwarder) border(q *query, reply *dns.Msg) (open bool, err error) {
	view := f.view(q.targets)
	return trace(decision.Name(q.key.Name).String(), q.key.Type, reply, func(name string) bool {
		wire, err := decision.ParseName(name)
		return err == nil && q.from.Covers(wire, &view)
	})
}

// follow completes a reply whose chain is open: it decides on what its last alias
// leads to, as on a query of its own. The verdict is about the first name.
func (f *Forwarder) follow(r *wire.Request, t *Targets, verdict *decision.Verdict, head *dns.Msg, finish finish) *dns.Msg {
	passed, target := passedBy(head)
	rest, err := r.Behind(target, passed)
	if err != nil {
		f.log.Debug("an alias of a reply is of no use", "error", err)
		return nil
	}
	var next decision.Verdict
	switch {
	case slices.Contains(rest.Passed, dns.CanonicalName(target)):
		next = endless(errLoop)
	case rest.Depth > maxHops:
		next = endless(errLong)
	default:
		view := f.view(t)
		decision.DecideInto(&next, &rest.Question, &view)
	}
	tail := finish(rest, &next)
	if tail == nil {
		return nil
	}
	r.Hops = append([]wire.Hop{{Request: rest, Verdict: next}}, rest.Hops...)
	f.replies.Join(r, head, tail, rest)
	verdict.Rcode, verdict.Endless = head.Rcode, next.Endless
	if r.Depth == 0 {
		verdict.Reason += "; behind its aliases: " + r.Hops[len(r.Hops)-1].Verdict.Reason
	}
	if next.Error.Present() {
		verdict.Error = next.Error
	}
	// An address that an upstream's alias leads to is the upstream's answer,
	// whoever has it.
	if addr, rebinds := t.rebinds(head, r.Question.Name, verdict.Site); rebinds {
		return f.blocked(r, verdict, addr, "its aliases")
	}
	return head
}

// endless is the verdict on a name that aliases must not lead to.
func endless(err error) decision.Verdict {
	verdict := decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, err.Error(),
		decision.ExtendedError{Code: dns.ExtendedErrorCodeInvalidData, Text: err.Error()})
	verdict.Endless = true
	return verdict
}

// passedBy are the names that the aliases of a traced reply lead through, in lower
// case, and the one that they lead to.
func passedBy(m *dns.Msg) (passed []string, target string) {
	target = m.Question[0].Name
	for _, rr := range m.Answer {
		if alias, ok := rr.(*dns.CNAME); ok {
			passed, target = append(passed, dns.CanonicalName(alias.Hdr.Name)), alias.Target
		}
	}
	return passed, target
}

// trace follows the aliases of a reply from the name asked for on, and takes out of
// it what belongs neither to them nor to the name at their end. Where they lead to a
// name that the servers which replied do not cover, the chain is open: the reply
// ends with that alias, and with it all that it says of what is behind. An alias
// that a DNAME record makes is the one that the record makes (RFC 6672, section
// 3.4), whatever the reply has. It fails if there is no end to them.
func trace(name string, qtype uint16, reply *dns.Msg, covers func(name string) bool) (open bool, err error) {
	c := chain{qtype: qtype, answer: map[string][]dns.RR{}, passed: map[string]bool{}}
	for _, rr := range reply.Answer {
		owner := dns.CanonicalName(rr.Header().Name)
		c.answer[owner] = append(c.answer[owner], rr)
		c.dnames = c.dnames || rr.Header().Rrtype == dns.TypeDNAME
	}
	for !open {
		switch {
		case c.passed[dns.CanonicalName(name)]:
			return false, errLoop
		case len(c.passed) > maxAliases:
			return false, errLong
		}
		target, rcode := c.step(name)
		if rcode != dns.RcodeSuccess {
			reply.Rcode = rcode
		}
		if target == "" {
			break
		}
		name, open = target, !covers(target)
	}
	reply.Answer = c.kept
	if open {
		c.end(reply)
	} else {
		c.filter(reply, name, covers)
	}
	return open, nil
}

// chain is the way along the aliases of a reply.
type chain struct {
	qtype  uint16
	answer map[string][]dns.RR // the answer section, by owner in lower case
	dnames bool                // it has DNAME records
	passed map[string]bool     // the names on the way, in lower case
	kept   []dns.RR
}

// step keeps the records of a name, or the alias that it is, and returns what
// that leads to; "" for the end of the chain. The rcode is YXDOMAIN if the
// name that a DNAME record makes would be too long.
func (c *chain) step(name string) (target string, rcode int) {
	owner := dns.CanonicalName(name)
	c.passed[owner] = true
	records := c.answer[owner]
	above := c.dnameAbove(owner)
	if !follows(c.qtype) {
		if above != nil {
			c.keepWithSignatures(above)
		}
		c.kept = append(c.kept, records...)
		return "", dns.RcodeSuccess
	}
	alias := first[*dns.CNAME](records)
	switch {
	case slices.ContainsFunc(records, ofType(c.qtype)), alias == nil && above == nil:
		c.kept = append(c.kept, slices.DeleteFunc(records, ofType(dns.TypeCNAME))...)
		return "", dns.RcodeSuccess
	case above != nil:
		made, ok := substitute(name, above)
		c.keepWithSignatures(above)
		if !ok {
			return "", dns.RcodeYXDomain
		}
		if alias == nil || dns.CanonicalName(alias.Target) != dns.CanonicalName(made) {
			alias = &dns.CNAME{
				Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: above.Hdr.Ttl},
				Target: made,
			}
		}
		c.kept = append(c.kept, alias)
	default:
		c.keepWithSignatures(alias)
	}
	return alias.Target, dns.RcodeSuccess
}

// follows reports whether a question is answered by what an alias leads to, and
// not by the alias (RFC 1034, section 3.6.2, and RFC 6672, section 2.4).
func follows(qtype uint16) bool {
	return qtype != dns.TypeCNAME && qtype != dns.TypeDNAME && qtype != dns.TypeANY
}

// dnameAbove is the DNAME record nearest above a name.
func (c *chain) dnameAbove(name string) *dns.DNAME {
	if !c.dnames {
		return nil
	}
	for at, end := dns.NextLabel(name, 0); !end; at, end = dns.NextLabel(name, at) {
		if dname := first[*dns.DNAME](c.answer[name[at:]]); dname != nil {
			return dname
		}
	}
	return nil
}

// substitute is the name that a DNAME record above it makes of a name. It is not
// ok if that is too long.
func substitute(name string, dname *dns.DNAME) (made string, ok bool) {
	made = name[:len(name)-len(dname.Hdr.Name)]
	if dname.Target != "." {
		made += dname.Target
	}
	_, err := decision.ParseName(made)
	return made, err == nil
}

// keepWithSignatures keeps a record, unless it is kept already, and the signatures
// of its kind.
func (c *chain) keepWithSignatures(record dns.RR) {
	if slices.Contains(c.kept, record) {
		return
	}
	c.kept = append(c.kept, record)
	for _, rr := range c.answer[dns.CanonicalName(record.Header().Name)] {
		if signature, ok := rr.(*dns.RRSIG); ok && signature.TypeCovered == record.Header().Rrtype {
			c.kept = append(c.kept, rr)
		}
	}
}

// end ends a reply with the last alias of an open chain. The response code was
// about what is behind it, and so was its reason.
func (c *chain) end(reply *dns.Msg) {
	zones := c.wildcards()
	reply.Ns = slices.DeleteFunc(reply.Ns, func(rr dns.RR) bool {
		return !isDenial(rr) || !slices.ContainsFunc(zones, func(zone string) bool { return dns.IsSubDomain(zone, rr.Header().Name) })
	})
	reply.Extra = slices.DeleteFunc(reply.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
	if opt := reply.IsEdns0(); opt != nil && reply.Rcode != dns.RcodeSuccess {
		opt.Option = slices.DeleteFunc(opt.Option, func(option dns.EDNS0) bool { return option.Option() == dns.EDNS0EDE })
	}
	reply.Rcode = dns.RcodeSuccess
}

// wildcards are the zones with aliases that a wildcard has made: their proof is in
// the authority section (RFC 4035, section 3.1.3.3).
func (c *chain) wildcards() (zones []string) {
	for _, rr := range c.kept {
		if signature, ok := rr.(*dns.RRSIG); ok && int(signature.Labels) < dns.CountLabel(signature.Hdr.Name) {
			zones = append(zones, signature.SignerName)
		}
	}
	return zones
}

// filter takes out of the other sections of a reply what is about names that its
// servers do not cover. What denies a name, or says of the zones above it where they
// are and who has them, stays.
func (c *chain) filter(reply *dns.Msg, last string, covers func(name string) bool) {
	foreign := func(rr dns.RR) bool {
		owner := dns.CanonicalName(rr.Header().Name)
		return !c.passed[owner] && !covers(owner)
	}
	reply.Ns = slices.DeleteFunc(reply.Ns, func(rr dns.RR) bool {
		above := describesZone(rr) && dns.IsSubDomain(rr.Header().Name, last)
		return !isDenial(rr) && !above && foreign(rr)
	})
	reply.Extra = slices.DeleteFunc(reply.Extra, func(rr dns.RR) bool {
		return rr.Header().Rrtype != dns.TypeOPT && foreign(rr)
	})
}

// isDenial reports whether a record proves what there is not, or is the signature
// of one that does.
func isDenial(rr dns.RR) bool {
	rrtype := covered(rr)
	return rrtype == dns.TypeNSEC || rrtype == dns.TypeNSEC3
}

// describesZone reports whether a record describes a zone, and no host of that name,
// or is the signature of one that does.
func describesZone(rr dns.RR) bool {
	rrtype := covered(rr)
	return rrtype == dns.TypeSOA || rrtype == dns.TypeNS || rrtype == dns.TypeDS
}

// covered is the type of a record, or of those that it signs.
func covered(rr dns.RR) uint16 {
	if signature, ok := rr.(*dns.RRSIG); ok {
		return signature.TypeCovered
	}
	return rr.Header().Rrtype
}

func ofType(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}

// first is the first record of a type, or nil.
func first[T dns.RR](records []dns.RR) (record T) {
	for _, rr := range records {
		if record, ok := rr.(T); ok {
			return record
		}
	}
	return record
}
