package upstream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

const (
	// maxDatagrams is how often one address is asked for one query, before it is
	// asked once over TCP (RFC 9520, section 3.1).
	maxDatagrams = 3
	// beforeTCP is the wait after the last of them. A server that is silent for
	// long is most often one that waits for others.
	beforeTCP = time.Second
	// briefly is how long a server that is down may take, if it is asked at all.
	briefly = 500 * time.Millisecond
)

// attempt is one query to one server: several tries while it is silent, or
// dislikes the form of the query. A reply to any of them counts. Over a
// connection nothing is lost, so there is one try.
type attempt struct {
	session *session
	peer    *peer
	q       *question
	mixed   bool // the case of letters is random
	fixed   bool // the form is not changed
	once    bool // there is one try
	brisk   bool // without the wait before TCP
	timeout time.Duration

	known     ednsUse // that the server takes, as far as is known
	use       ednsUse // of the next try
	datagrams int
	streams   int // tries that were no datagrams
	pending   int
	tries     chan try
	truncated atomic.Bool // what came over UDP, so that the server is alive
}

// try is one message to a server and its reply.
type try struct {
	use   ednsUse
	by    Transport
	reply *dns.Msg
	err   error
}

func newAttempt(s *session, p *peer, q *question) *attempt {
	use := p.ednsUse()
	return &attempt{session: s, peer: p, q: q, timeout: defaultTimeout, known: use, use: use, tries: make(chan try, maxTries)}
}

// maxTries is how many there are at most: datagrams and one over TCP, or one in
// each form over a connection.
const maxTries = maxDatagrams + 1

// run returns the server's reply, of any kind.
func (a *attempt) run(ctx context.Context) (*dns.Msg, Transport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the tries without a reply
	best := try{by: a.peer.server.Transport, err: errTimedOut}
	a.send(ctx)
	timer := time.NewTimer(a.patience())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, best.by, context.Cause(ctx)
		case <-timer.C:
			if !a.again(ctx) {
				return best.reply, best.by, best.err
			}
			timer.Reset(a.patience())
		case t := <-a.tries:
			a.pending--
			switch a.judge(ctx, t) {
			case settled:
				a.learn(t)
				return t.reply, t.by, t.err
			case renewed:
				timer.Reset(a.patience())
			}
			if best.reply == nil && (t.reply != nil || a.pending == 0) {
				best = t
			}
			if a.pending == 0 {
				return best.reply, best.by, best.err
			}
		}
	}
}

// verdict is what a try means for the attempt.
type verdict uint8

const (
	settled verdict = iota // there is no better one
	renewed                // another was made in its place
	ignored                // those that are under way may be better
)

// judge makes another try in place of one that was not in the right form.
func (a *attempt) judge(ctx context.Context, t try) verdict {
	udp := a.peer.server.Transport == UDP
	switch {
	case udp && t.by == UDP && (errors.Is(t.err, errCut) || errors.Is(t.err, errCase) || errors.Is(t.err, transport.ErrFlooded)):
		a.datagrams = maxDatagrams
	case udp && t.by != UDP && t.err != nil: // it may have no TCP, and be slow
		return ignored
	case !rejectsEDNS(t.reply, t.err) || t.use == noEDNS || a.fixed:
		return settled
	case t.use < a.use: // what replaced it is under way
		return ignored
	case t.use == allOptions && a.hasOptions():
		a.use = noOptions
	default:
		a.use = noEDNS
	}
	if !a.send(ctx) {
		return ignored
	}
	return renewed
}

// hasOptions reports whether a query with all options has any.
func (a *attempt) hasOptions() bool {
	return a.peer.token != 0 || a.peer.server.Transport.encrypted() || len(a.q.passed) > 0
}

// patience is how long to wait for a reply until the next try.
func (a *attempt) patience() time.Duration {
	switch {
	case a.once:
		return briefly
	case a.streams > 0 || a.peer.server.Transport != UDP:
		return a.timeout
	case a.datagrams < maxDatagrams || a.brisk:
		return a.peer.pause()
	}
	return beforeTCP
}

// again makes the next try of a server that was silent, if there is one.
func (a *attempt) again(ctx context.Context) bool {
	if a.once || a.peer.server.Transport != UDP {
		return false
	}
	if a.datagrams == maxDatagrams-1 && !a.fixed && a.peer.doubtsEDNS() {
		a.use = noEDNS // that may be why
	}
	a.peer.updateCounts(func(c *Counts) { c.Repeats++ })
	return a.send(ctx)
}

// send begins a try, if there may be another.
func (a *attempt) send(ctx context.Context) bool {
	by, use := a.peer.server.Transport, a.use
	switch {
	case by == UDP && a.datagrams < maxDatagrams:
		a.datagrams++
	case by != UDP && a.streams < maxDatagrams, a.streams == 0:
		a.streams++
		by = max(by, TCP)
	default:
		return false
	}
	a.pending++
	a.peer.updateCounts(func(c *Counts) { c.Queries++ })
	if !a.session.scope.Go(func() { a.tries <- a.exchange(ctx, by, use) }) {
		a.tries <- try{use, by, nil, transport.ErrEnded}
	}
	return true
}

// exchange sends the query once, and waits for the reply.
func (a *attempt) exchange(ctx context.Context, by Transport, use ednsUse) try {
	server := a.peer.server
	server.Transport = by
	f := form{
		edns: use, mark: a.peer.token, padded: by.encrypted(),
		// An attacker off the path cannot forge what comes over a connection.
		mixed: a.mixed && by == UDP,
	}
	sent := a.q.wire(f)
	began := time.Now()
	message, err := a.session.transport(server).RoundTrip(ctx, sent, a.q.check(sent, f.mixed))
	t := try{use, by, nil, err}
	switch {
	case err != nil:
		return t
	case isTruncated(message):
		t.err = errCut
		a.truncated.Store(by == UDP)
	default:
		t.reply, t.err = a.q.parse(message, f.mixed)
	}
	if t.reply != nil {
		attribute(t.reply, a.peer.server)
	}
	a.peer.answered(began, by == a.peer.server.Transport)
	return t
}

// learn has what a try showed about EDNS looked into, and tells a client that
// asked for signatures why it has none.
func (a *attempt) learn(t try) {
	if t.err != nil || a.fixed || rejectsEDNS(t.reply, nil) {
		return
	}
	switch {
	case t.use < noEDNS:
		a.peer.confirmEDNS()
	case a.q.do:
		explainPlain(t.reply, a.peer.server)
	}
	if t.use > a.known {
		a.session.compare(a.peer, t.use)
	}
}
