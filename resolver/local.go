package resolver

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

const (
	// localTimeout bounds a probe of the local server, and maxLocalPause is the
	// longest pause before the next one: it may be started at any moment.
	localTimeout  = 2 * time.Second
	maxLocalPause = 10 * time.Second
)

// fromDefault is what is given as the source of the local server.
const fromDefault = "no file lists one, which means 127.0.0.1 (resolv.conf(5))"

// localServer is the server on this machine that a resolv.conf without any means,
// [resolvconf.Default]. It is asked from when it has answered, since on most
// machines without a server there is none on port 53 either.
type localServer struct {
	probe   func(ctx context.Context) bool
	wanted  atomic.Bool // it is meant, and is not us
	answers atomic.Bool // it has answered since it is wanted
	hint    retry.Hint  // wanted may have changed
}

func newLocalServer() localServer {
	return localServer{probe: probeLocalServer, hint: retry.NewHint()}
}

// want sets whether the server is wanted, and reports whether it is to be asked.
func (l *localServer) want(wanted bool) (asked bool) {
	if !wanted {
		l.answers.Store(false)
	}
	if l.wanted.Swap(wanted) != wanted {
		l.hint.Send()
	}
	return l.answers.Load()
}

// run probes the server while it is wanted and has not answered, until ctx ends.
// It calls found when it answers.
func (l *localServer) run(ctx context.Context, found func()) error {
	pauses := retry.Backoff{First: time.Second, Max: maxLocalPause}
	for ctx.Err() == nil {
		var due <-chan time.Time
		switch {
		case !l.wanted.Load() || l.answers.Load():
			pauses.Reset()
		case l.probe(ctx):
			l.answers.Store(true)
			found()
			continue
		default:
			due = time.After(pauses.Next())
		}
		select {
		case <-ctx.Done():
		case <-l.hint:
		case <-due:
		}
	}
	return nil
}

// probeLocalServer reports whether the server would answer. The name is one that
// it need not ask others for. One that refuses is for others than us.
func probeLocalServer(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, localTimeout)
	defer cancel()
	query := new(dns.Msg).SetQuestion("localhost.", dns.TypeA)
	reply, err := dns.ExchangeContext(ctx, query, resolvconf.Default.String())
	return err == nil && reply.Rcode != dns.RcodeRefused
}
