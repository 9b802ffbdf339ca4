package resolver

import (
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/fastpath"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// worker is the Handler of one socket loop, with what it needs for itself: the
// space for a query, and counters that no other core writes to. Datagrams are
// handled one after the other; TCP connections share a worker concurrently.
type worker struct {
	server *Server
	tally  *tally
	query  fastpath.Query
}

// newWorker returns a worker whose replies count until Run ends.
func (s *Server) newWorker() *worker {
	return &worker{server: s, tally: s.tallies.begin()}
}

// Handle implements [listen.Handler].
func (w *worker) Handle(message []byte, client listen.Client, buffer []byte) ([]byte, listen.Wait) {
	if client.TCP {
		return w.server.Handle(message, client, buffer)
	}
	return w.server.handle(&arrival{message: message, client: client, buffer: buffer}, &w.query, w.tally)
}

// progress is how far the fast path got with a message.
type progress uint8

const (
	unread  progress = iota // the message is not for the fast path
	decided                 // the verdict is not for the fast path
	replied                 // the reply is written
)

// fast answers a message without the DNS library, if it can. The verdict must
// be zero; it is the decision on the query unless that is unread.
//
// What the ordinary path refuses before it decides is not read here, except for
// the client's address and the names that detect loops.
func (s *Server) fast(a *arrival, q *fastpath.Query, v *decision.Verdict) ([]byte, progress) {
	st, client := a.state, a.client.Addr.Addr()
	if st.settings.DisableFastPath || !q.Parse(a.message) || !st.allows(client) || upstream.MayBeProbe(q.Name) {
		return nil, unread
	}
	s.decide(v, &q.Question, st, a.now)
	if v.Kind == decision.Forward {
		return nil, decided
	}
	var fresh []byte
	if q.Cookie != nil {
		made := s.replies.Cookies.Reply(q.Cookie, client, s.now())
		fresh = made[:]
	}
	reply, ok := q.Append(a.buffer, v, wire.ReplyLimit(a.client.TCP, q.EDNS, q.UDPSize), fresh)
	if !ok {
		return nil, decided
	}
	return reply, replied
}
