package upstream

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// Each of several servers is named with its own reason, the first few of many.
// Of what happened to one the last counts.
func TestFailureNamesServers(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "read", Net: "udp", Err: errors.New("connection refused")}
	tests := map[string]struct {
		first  error // of the first server, before the others
		errs   []error
		failed string
	}{
		"one":             {nil, []error{errTimedOut}, "192.0.2.1: no answer in time"},
		"two":             {nil, []error{refused, errTimedOut}, "192.0.2.1: connection refused; 192.0.2.2: no answer in time"},
		"two, the same":   {nil, []error{errTimedOut, errTimedOut}, "192.0.2.1: no answer in time; 192.0.2.2: no answer in time"},
		"the last counts": {errCut, []error{errTimedOut, refused}, "192.0.2.1: no answer in time; 192.0.2.2: connection refused"},
		"five": {
			nil,
			[]error{errTimedOut, errLooping, refused, errBare, errOwn},
			"192.0.2.1: no answer in time; 192.0.2.2: it asks us what we ask it; 192.0.2.3: connection refused; and 2 more",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := &Failure{}
			server := netip.MustParseAddr("192.0.2.1")
			if tt.first != nil {
				failure.note(Plain(netip.AddrPortFrom(server, 53)), tt.first)
			}
			for _, err := range tt.errs {
				failure.note(Plain(netip.AddrPortFrom(server, 53)), err)
				server = server.Next()
			}
			if got := failure.Error(); got != tt.failed {
				t.Errorf("got %q, want %q", got, tt.failed)
			}
		})
	}
}
