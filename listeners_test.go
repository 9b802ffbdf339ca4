package nodedns

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/selfcheck"
)

// Without any address that is there no client is answered, which is a fault.
func TestAllListenersWait(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Listen = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.77:53")} })
	f.eventually("the daemon is degraded", func() bool {
		status := f.Status()
		return status.State == StateDegraded && strings.Contains(strings.Join(status.Errors, " "), selfcheck.ErrNoListener.Error()) &&
			status.Self.DNS != nil && !*status.Self.DNS
	})
}

// An address that is not there yet is no fault. 192.0.2.0/24 is on no machine.
func TestListenerThatWaits(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Listen = append(c.Listen, netip.MustParseAddrPort("192.0.2.77:53")) })
	f.publish("192.0.2.1")
	f.lookup(self) // is answered all the same
	status := f.Status()
	if status.State != StateReady || len(status.Errors) > 0 || len(status.Listeners) != 1 || len(status.ListenerStatus) != 2 {
		t.Fatalf("status is %+v", status)
	}
	bound, waits := status.ListenerStatus[0], status.ListenerStatus[1]
	if bound != (listen.Status{Addr: status.Listeners[0], State: listen.Listening}) {
		t.Errorf("the first listener is %+v", bound)
	}
	if waits != (listen.Status{Addr: netip.MustParseAddrPort("192.0.2.77:53"), State: listen.Waiting, Error: "no interface has the address"}) {
		t.Errorf("the second listener is %+v", waits)
	}
}
