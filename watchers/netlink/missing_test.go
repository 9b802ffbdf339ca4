package netlink

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		links  []link
		addrs  []address
		routes []route
		globs  []string
		want   string
	}{
		"there is one":                       {alone(lo, eth0), list(on(eth0, "10.0.0.2")), nil, nil, " []"},
		"loopback only":                      {alone(lo), list(on(lo, "127.0.0.1")), nil, nil, "no interface is up []"},
		"a service address on loopback":      {alone(lo), list(on(lo, "192.0.2.1")), nil, nil, "no interface is up []"},
		"down":                               {alone(lo, dark), nil, nil, nil, "no interface is up [eth9]"},
		"without an address":                 {alone(lo, eth1, eth0), nil, []route{via(eth0, 1)}, nil, "no usable address [eth0 eth1]"},
		"tentative":                          {alone(lo, eth0), list(flagged(eth0, "2001:db8::2", unix.IFA_F_TENTATIVE)), nil, nil, "no usable address [eth0]"},
		"a bridge for containers, no route":  {alone(lo, docker0, veth1), list(on(docker0, "172.17.0.1")), nil, nil, "addresses on interfaces that are left out [docker0]"},
		"a bridge with the default route":    {alone(lo, docker0, veth1), list(on(docker0, "172.17.0.1")), []route{via(docker0, 1)}, nil, " []"},
		"a tunnel with the default route":    {alone(lo, wg0), list(on(wg0, "10.8.0.2")), []route{via(wg0, 1)}, nil, "addresses on interfaces that are left out [wg0]"},
		"a pattern that matches nothing":     {alone(lo, eth1, eth0), list(on(eth0, "10.0.0.2")), nil, want("wlan*"), "no interface matches [eth0 eth1]"},
		"a pattern that matches one without": {alone(lo, eth1, eth0), list(on(eth0, "10.0.0.2")), nil, want("eth1"), "no usable address [eth1]"},
		"a pattern that matches one down":    {alone(lo, eth0, dark), list(on(eth0, "10.0.0.2")), nil, want("eth9"), "no interface is up [eth9]"},
		"a pattern, an alternative name":     {alone(lo, eth0), list(on(eth0, "10.0.0.2")), nil, want("enp1s0"), " []"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			absence, concerned := missing(asked(tt.links, tt.addrs, tt.routes), tt.globs)
			if got := fmt.Sprint(absence, " ", concerned); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
