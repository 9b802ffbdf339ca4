package upstream

import "time"

const (
	// plainFor is how long a server that rejected EDNS is queried without it.
	plainFor = 15 * time.Minute
	// maxSilences is how often a server may answer nothing but plain queries
	// before its silence counts as rejection: silence is mostly loss.
	maxSilences = 3
)

// ednsUse is what is known about a server and EDNS.
type ednsUse struct {
	confirmed bool      // it has answered a query with EDNS
	silences  int       // plain queries answered while one with EDNS was not
	plain     time.Time // until when it is queried without EDNS
}

// usesEDNS reports whether to query with EDNS.
func (p *peer) usesEDNS() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !time.Now().Before(p.edns.plain)
}

// doubtsEDNS reports whether silence may be due to EDNS.
func (p *peer) doubtsEDNS() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.edns.confirmed
}

// answeredEDNS records that the server supports it.
func (p *peer) answeredEDNS() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edns = ednsUse{confirmed: true}
}

// answeredPlain records that a plain query was answered where the one with EDNS
// before it was not.
func (p *peer) answeredPlain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.edns.confirmed {
		return
	}
	if p.edns.silences++; p.edns.silences >= maxSilences {
		p.giveUpEDNS("it does not answer queries with EDNS")
	}
}

// rejectedEDNS records that the server properly answers only plain queries.
func (p *peer) rejectedEDNS() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveUpEDNS("it answers queries with EDNS by an error")
}

// giveUpEDNS disables EDNS for a while: servers get updated. The caller holds
// mu.
func (p *peer) giveUpEDNS(reason string) {
	p.edns = ednsUse{plain: time.Now().Add(plainFor)}
	p.log.Info("the upstream is asked without EDNS", "reason", reason, "for", plainFor)
}
