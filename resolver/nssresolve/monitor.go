package nssresolve

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// WatchQueries is [resolver.Server.Watch] for [varlink.Monitor].
func (r *Resolver) WatchQueries() (varlink.QueryWatcher, error) {
	w, err := r.server.Watch()
	if errors.Is(err, querylog.ErrTooMany) {
		return nil, varlink.ErrTooManyWatchers
	}
	return &queryWatcher{w}, err
}

type queryWatcher struct{ *querylog.Watcher }

// Next leaves out what had no question that could be read.
func (w *queryWatcher) Next(ctx context.Context) (results []varlink.QueryResult, missed uint64, err error) {
	events, missed, err := w.Watcher.Next(ctx)
	if err != nil {
		return nil, 0, err
	}
	for i := range events {
		m, err := message.Read(events[i].Reply)
		if err != nil || len(m.Question) == 0 {
			continue
		}
		asked := m.Question[0]
		result := varlink.QueryResult{
			Name: wire.WithoutDot(asked.Name), Class: asked.Qclass, Type: asked.Qtype, Rcode: events[i].Rcode,
		}
		for _, rr := range m.Answer {
			if record, ok := recordOf(rr); ok {
				result.Answer = append(result.Answer, record)
			}
		}
		results = append(results, result)
	}
	return results, missed, nil
}

func recordOf(rr dns.RR) (varlink.Record, bool) {
	h := rr.Header()
	packed := make([]byte, dns.Len(rr))
	n, err := dns.PackRR(rr, packed, 0, nil, false)
	return varlink.Record{Name: wire.WithoutDot(h.Name), Class: h.Class, Type: h.Rrtype, Wire: packed[:n]}, err == nil
}
