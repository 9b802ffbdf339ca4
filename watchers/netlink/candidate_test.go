package netlink

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Every candidate has a reason, and the list has an end.
func TestCandidates(t *testing.T) {
	t.Parallel()
	addrs := list(
		on(lo, "127.0.0.1"), on(lo, "192.0.2.1"), on(eth0, "10.0.0.2"), on(eth0, "10.0.0.3"), on(eth1, "10.1.0.2"),
		on(docker0, "172.17.0.1"), on(wg0, "10.8.0.2"), on(dark, "10.9.0.2"), on(eth0, "fe80::1"),
		on(eth0, "2001:db8::1"), flagged(eth0, "2001:db8::2", unix.IFA_F_DEPRECATED),
		flagged(eth0, "2001:db8::3", unix.IFA_F_TEMPORARY), flagged(eth0, "2001:db8::4", unix.IFA_F_TENTATIVE),
		flagged(eth0, "2001:db8::5", unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED),
	)
	k := asked(allLinks, addrs, []route{via(eth0, 0), via6(eth0, 0)})
	var got []string
	for _, c := range candidates(k, nil, choose(k, nil, nil)) {
		got = append(got, fmt.Sprintf("%s %s %v: %s", c.Address, c.Interface, c.Chosen, c.Reason))
	}
	want := want(
		"10.0.0.2 eth0 true: the kernel's source address for packets by the default route",
		"2001:db8::1 eth0 true: the kernel's source address for packets by the default route",
		"192.0.2.1 lo false: not on eth0, as the chosen 10.0.0.2 is",
		"10.0.0.3 eth0 false: 10.0.0.2 is the kernel's source address for packets by the default route",
		"10.1.0.2 eth1 false: not on eth0, as the chosen 10.0.0.2 is",
		"172.17.0.1 docker0 false: not on eth0, as the chosen 10.0.0.2 is",
		"10.8.0.2 wg0 false: on a tunnel",
		"10.9.0.2 eth9 false: its interface is down",
		"2001:db8::2 eth0 false: deprecated, and 2001:db8::1 is not",
		"2001:db8::3 eth0 false: temporary",
		"2001:db8::4 eth0 false: it is being checked whether another machine has it",
		"2001:db8::5 eth0 false: another machine has it",
	)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// The reasons hold beside an address that stays, and beside one that is deprecated.
	deprecated := list(flagged(eth0, "10.0.0.2", unix.IFA_F_DEPRECATED), flagged(eth0, "10.0.0.3", unix.IFA_F_DEPRECATED))
	k = asked(allLinks, deprecated, []route{via(eth0, 0)})
	stays := []Present{{netip.MustParseAddr("10.0.0.3"), true}}
	const left = "10.0.0.3 is the one published before, and still good"
	if all := candidates(k, nil, choose(k, nil, stays)); len(all) != 2 || all[1].Reason != left {
		t.Errorf("candidates %+v, want %q", all, left)
	}

	var many []address
	for i := range 10 * maxCandidates {
		many = append(many, address{link: eth0.index, ip: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), global: true})
	}
	k = asked(allLinks, many, []route{via(eth0, 0)})
	if n := len(candidates(k, nil, choose(k, nil, nil))); n != maxCandidates {
		t.Errorf("%d candidates, want %d", n, maxCandidates)
	}
}
