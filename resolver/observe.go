package resolver

import (
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
)

// maxExtended is how many extended errors of one reply are published.
const maxExtended = 4

// Watch begins to watch the outcome of each query over any transport, refused
// ones included. Messages that are no query and get no reply are not reported.
// Queries never wait for the watcher, which must be closed. The error is
// [querylog.ErrTooMany].
func (s *Server) Watch() (*querylog.Watcher, error) { return s.observer.log.Watch() }

// observer publishes the outcome of each query.
type observer struct {
	log     querylog.Log
	now     func() time.Time
	clock   func() time.Duration
	replies *wire.Replies
}

func (a *arrival) origin() wire.Origin {
	return wire.Origin{Client: a.client.Addr, Transport: transportOf(a.client), Began: a.now}
}

func transportOf(client listen.Client) querylog.Transport {
	if client.TCP {
		return querylog.TCP
	}
	return querylog.UDP
}

// fast publishes a reply of the fast path. It is a separate method so that it
// costs nothing while there is no watcher.
func (o *observer) fast(a *arrival, v *decision.Verdict, reply []byte) {
	extended := wire.ExtendedOf(v)
	if v.Kind == decision.Cached {
		extended = append(extended, v.Hit.ExtendedErrors()...)
	}
	o.publish(a.origin(), v, &querylog.Entry{Rcode: v.Rcode, Extended: extended, Reply: reply})
}

// request publishes a reply of the ordinary path.
func (o *observer) request(r *wire.Request, v *decision.Verdict, rcode int, reply []byte) {
	o.publish(r.Origin, v, &querylog.Entry{Rcode: rcode, Server: r.Server, Extended: r.Extended, Reply: reply})
}

// answer publishes an answer that needs no socket, as it would be sent. The
// answer may be used after it.
func (o *observer) answer(r *wire.Request, v *decision.Verdict, answer *dns.Msg) {
	if !o.log.Watched() {
		return
	}
	sent, verdict := *r, *v // the caller gets the answer itself, sendable or not
	reply, rcode := o.replies.Encode(&sent, answer.Copy(), &verdict, nil)
	o.request(&sent, &verdict, rcode, reply)
}

// publish completes an event, and publishes it, for all transports.
func (o *observer) publish(from wire.Origin, v *decision.Verdict, e *querylog.Entry) {
	e.Time, e.Duration = o.now(), o.clock()-from.Began
	e.Client, e.Transport = from.Client, from.Transport
	e.Source, e.Reason = v.Source, v.Reason
	e.Extended = e.Extended[:min(len(e.Extended), maxExtended)]
	o.log.Publish(e)
}
