package nodedns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/resolver/listen"
)

// What containers ask need not answer this machine, unless it has nothing else.
func TestOwnListeners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ listen, want string }{
		"loopback":      {"127.0.0.53:53 [::1]:53", "[127.0.0.53:53 [::1]:53]"},
		"all addresses": {"0.0.0.0:53 [::]:54", "[127.0.0.1:53 [::1]:54]"},
		"a bridge too":  {"172.17.0.1:53 127.0.0.53:53 [fe80::1%br0]:53", "[127.0.0.53:53]"},
		"a bridge only": {"172.17.0.1:53", "[172.17.0.1:53]"},
		"none":          {"", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []netip.AddrPort
			for _, text := range strings.Fields(c.listen) {
				all = append(all, netip.MustParseAddrPort(text))
			}
			if got := fmt.Sprint(ownListeners(all)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// An address that is not there yet is nothing wrong. 192.0.2.0/24 is nobody's.
func TestListenerThatWaits(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Listen = append(c.Listen, netip.MustParseAddrPort("192.0.2.77:53")) })
	f.lookup(self) // is answered all the same
	status := f.Status()
	if status.State != StateReady || len(status.Errors) > 0 || len(status.Listeners) != 1 || len(status.ListenerStatus) != 2 {
		t.Fatalf("status is %+v", status)
	}
	bound, waits := status.ListenerStatus[0], status.ListenerStatus[1]
	if bound != (ListenerStatus{Address: status.Listeners[0], State: listen.Listening}) {
		t.Errorf("the first listener is %+v", bound)
	}
	if waits != (ListenerStatus{Address: "192.0.2.77:53", State: listen.Waiting, Error: "no interface has the address"}) {
		t.Errorf("the second listener is %+v", waits)
	}
}
