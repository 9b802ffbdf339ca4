package netlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	rtnetlink "github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func TestNexthops(t *testing.T) {
	t.Parallel()
	anywhere := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
	somewhere := &net.IPNet{IP: net.IPv4(10, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}
	for name, tt := range map[string]struct {
		route rtnetlink.Route
		want  []route
	}{
		"default": {
			rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: anywhere, LinkIndex: 2, Priority: 7, Family: unix.AF_INET, Src: net.IP{10, 0, 0, 2}},
			[]route{{link: 2, metric: 7, source: netip.MustParseAddr("10.0.0.2")}},
		},
		"IPv6": {
			rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}, LinkIndex: 2, Family: unix.AF_INET6},
			[]route{{link: 2, v6: true}},
		},
		"multipath": {
			rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: anywhere, Priority: 7, MultiPath: []*rtnetlink.NexthopInfo{
				{LinkIndex: 4}, {LinkIndex: 3, Flags: unix.RTNH_F_DEAD}, {LinkIndex: 2, Flags: unix.RTNH_F_LINKDOWN},
			}},
			[]route{{link: 4, metric: 7}, {link: 2, metric: 7}},
		},
		"without carrier":   {rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: anywhere, LinkIndex: 2, Flags: unix.RTNH_F_LINKDOWN}, []route{{link: 2}}},
		"dead":              {rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: anywhere, LinkIndex: 2, Flags: unix.RTNH_F_DEAD}, nil},
		"cloned":            {rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: anywhere, LinkIndex: 2, Flags: unix.RTM_F_CLONED}, nil},
		"unreachable":       {rtnetlink.Route{Type: unix.RTN_UNREACHABLE, Dst: anywhere, LinkIndex: 1}, nil},
		"blackhole":         {rtnetlink.Route{Type: unix.RTN_BLACKHOLE, Dst: anywhere}, nil},
		"to a network":      {rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: somewhere, LinkIndex: 2}, nil},
		"no destination":    {rtnetlink.Route{Type: unix.RTN_UNICAST, LinkIndex: 2}, nil},
		"all hops are dead": {rtnetlink.Route{Type: unix.RTN_UNICAST, Dst: anywhere, MultiPath: []*rtnetlink.NexthopInfo{{LinkIndex: 3, Flags: unix.RTNH_F_DEAD}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := nexthops(tt.route); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("nexthops = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestIsHint(t *testing.T) {
	t.Parallel()
	routeTo := func(bits uint8) []byte {
		msg := nl.RtMsg{}
		msg.Dst_len = bits
		return msg.Serialize()
	}
	for name, tt := range map[string]struct {
		kind uint16
		data []byte
		want bool
	}{
		"link":          {unix.RTM_NEWLINK, nil, true},
		"address":       {unix.RTM_DELADDR, nil, true},
		"default route": {unix.RTM_NEWROUTE, routeTo(0), true},
		"other route":   {unix.RTM_DELROUTE, routeTo(24), false},
		"short":         {unix.RTM_NEWROUTE, []byte{1}, true},
	} {
		msg := syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: tt.kind}, Data: tt.data}
		if got := isHint(msg); got != tt.want {
			t.Errorf("%s: isHint = %v, want %v", name, got, tt.want)
		}
	}
}

// Of messages of the kernel itself, that of a default route is a hint, and that of
// another one is not.
func TestDefaultRouteAloneIsAHint(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	n.sysctl("ipv6/conf/all/disable_ipv6", "1") // which adds addresses and routes in its own time
	n.must(n.LinkSetUp(n.link("lo")))
	n.addr("lo", "10.0.0.2/32", 0)
	sub, err := subscribe(&n.ns, receiveBuffer, addressGroups...)
	n.must(err)
	defer sub.close()
	receiving := make(chan struct{})
	sub.start(func() error {
		return sub.receive(func() {
			select {
			case receiving <- struct{}{}:
			case <-sub.closed:
			}
		})
	})
	await := func(what string, ready <-chan struct{}) {
		t.Helper()
		select {
		case <-ready:
		case <-time.After(patience):
			t.Fatalf("no %s", what)
		}
	}
	await("start", receiving)
	n.defaultRoute("lo", 0, "", "10.1.0.0/16")
	await("message of another route", receiving)
	select {
	case <-sub.hints:
		t.Error("the message of another route is a hint")
	default:
	}
	n.defaultRoute("lo", 0, "", "0.0.0.0/0")
	await("hint by a default route", sub.hints)
}

func TestRetry(t *testing.T) {
	t.Parallel()
	interrupted := fmt.Errorf("list: %w", rtnetlink.ErrDumpInterrupted)
	for name, tt := range map[string]struct {
		errs []error // of the first calls; then nil
		want error
		used int
	}{
		"at once":              {used: 1},
		"interrupted by all":   {errs: []error{interrupted, unix.EINTR, interrupted}, used: 4},
		"another error":        {errs: []error{unix.ENOBUFS}, want: unix.ENOBUFS, used: 1},
		"interrupted for ever": {errs: make([]error, 2*listTries), want: rtnetlink.ErrDumpInterrupted, used: listTries},
	} {
		for i, err := range tt.errs {
			if err == nil {
				tt.errs[i] = interrupted
			}
		}
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			got, err := listAgain(t.Context(), func() ([]int, error) {
				calls++
				if calls <= len(tt.errs) {
					return []int{1}, tt.errs[calls-1]
				}
				return []int{1, 2}, nil
			})
			if !errors.Is(err, tt.want) || calls != tt.used {
				t.Errorf("%s: error %v after %d calls, want %v after %d", name, err, calls, tt.want, tt.used)
			}
			if err == nil && len(got) != 2 {
				t.Errorf("%s: got the interrupted list", name)
			}
		})
	}
}

func TestRetryStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := listAgain(ctx, func() ([]int, error) {
		cancel()
		return nil, rtnetlink.ErrDumpInterrupted
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("retry = %v, want context.Canceled", err)
	}
}
