package forward

import (
	"errors"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Servers that forward to each other in a circle must not wait for each other.
func TestForwardedQueryJoinsNoOther(t *testing.T) {
	t.Parallel()
	f, targets := newForwarder(t)
	r := newRequest(t)
	r.OPT.Option = append(r.OPT.Option, &dns.EDNS0_LOCAL{Code: 65053, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}})
	one, other := newQuery(r, targets, new(decision.Verdict)), newQuery(r, targets, new(decision.Verdict))
	for _, q := range []*query{one, other} {
		if _, first := f.calls.join(q.callKey()); !first {
			t.Error("it waits for another one")
		}
	}
}

func TestCallsAreForgotten(t *testing.T) {
	t.Parallel()
	f, targets := newForwarder(t)
	var asking sync.WaitGroup
	for range 10 {
		asking.Go(func() {
			if _, _, err := f.await(t.Context(), newQuery(newRequest(t), targets, new(decision.Verdict)), nil); !errors.Is(err, upstream.ErrNoServers) {
				t.Errorf("got %v, want %v", err, upstream.ErrNoServers)
			}
		})
	}
	asking.Wait()
	if n := len(f.calls.all); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, err := range []error{upstream.ErrNoServers, errors.New("odd")} {
		if got := reason(err); got.InfoCode != dns.ExtendedErrorCodeNetworkError || got.ExtraText != err.Error() {
			t.Errorf("%v: %v", err, got)
		}
	}
}
