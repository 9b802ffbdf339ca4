package upstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// How a server handles the query for a name shows nothing of its support for
// EDNS: it may pass on an error that the owner of the name made. So a query that
// it rejects is asked in a lesser form, for itself, and what the server is asked
// by from then on is decided by a pair of queries for a name of ours, one in the
// form that it takes and one in the next better form.

// ednsUse is how much of EDNS is in a query. More is less.
type ednsUse uint8

const (
	allOptions ednsUse = iota // ours, and those that the client's query came with
	noOptions
	noEDNS
)

var ednsUses = [...]string{"with EDNS", "without options of EDNS", "without EDNS"}

const (
	// lessFor is how long a server is asked in a lesser form: servers get
	// updated.
	lessFor = 15 * time.Minute
	// compareEvery bounds the pairs of queries that names can cause.
	compareEvery = 10 * time.Second
)

// ednsSupport is what is known about a server and EDNS.
type ednsSupport struct {
	confirmed bool      // it has answered a query with EDNS
	use       ednsUse   // what it takes
	until     time.Time // and until when that holds
	compared  time.Time // when that was last looked into
}

// ednsUse is what a server is asked by.
func (p *peer) ednsUse() ednsUse {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.edns.current()
}

func (e *ednsSupport) current() ednsUse {
	if time.Now().Before(e.until) {
		return e.use
	}
	return allOptions
}

// doubtsEDNS reports whether silence may be due to EDNS.
func (p *peer) doubtsEDNS() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.edns.confirmed
}

// confirmEDNS records that the server has answered a query with EDNS.
func (p *peer) confirmEDNS() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edns.confirmed = true
}

// rejectsEDNS reports whether a reply is that of a server that does not support
// EDNS (RFC 6891, section 7), or supports it badly.
func rejectsEDNS(reply *dns.Msg, err error) bool {
	if err != nil {
		return errors.Is(err, message.ErrUnreadable)
	}
	return reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented || reply.Rcode == dns.RcodeBadVers
}

// compare finds out, in the background, whether a server answers queries in a
// lesser form only.
func (s *session) compare(p *peer, use ednsUse) {
	p.mu.Lock()
	q, recently := p.probeQuestion(), time.Since(p.edns.compared) < compareEvery
	if !recently {
		p.edns.compared = time.Now()
	}
	p.mu.Unlock()
	if recently || !s.kept {
		return
	}
	answers := func(use ednsUse) bool {
		ctx, cancel := context.WithTimeoutCause(s.scope.Context(), probeLimit, errTimedOut)
		defer cancel()
		a := newAttempt(s, p, q)
		a.use, a.fixed = use, true
		reply, _, err := a.run(ctx)
		return err == nil && !rejectsEDNS(reply, nil)
	}
	s.scope.Go(func() {
		if !answers(use-1) && answers(use) {
			p.takesLess(use)
		}
	})
}

// takesLess has a server asked in a lesser form for a while.
func (p *peer) takesLess(use ednsUse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edns.use, p.edns.until = use, time.Now().Add(lessFor)
	p.log.Info("the upstream does not support EDNS as it should", "asked", ednsUses[use], "for", lessFor)
}

// explainPlain adds to an answer why it has no signatures, before the extended errors
// that it came with, of which only some are passed on.
func explainPlain(reply *dns.Msg, server Server) {
	if reply.IsEdns0() == nil {
		reply.SetEdns0(payload, true)
	}
	opt := reply.IsEdns0()
	opt.Option = append([]dns.EDNS0{&dns.EDNS0_EDE{
		InfoCode:  dns.ExtendedErrorCodeRRSIGsMissing,
		ExtraText: fmt.Sprintf("%v answers queries without EDNS only", server),
	}}, opt.Option...)
}
