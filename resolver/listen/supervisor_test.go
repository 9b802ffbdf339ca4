package listen

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/nodedns/nodedns/internal/testkit"
)

// observed are sockets that are served until the test ends, and report changes.
type observed struct {
	*Sockets
	t       *testing.T
	changes chan struct{}
}

func observe(t *testing.T, addrs ...string) *observed {
	t.Helper()
	var listen []netip.AddrPort
	for _, addr := range addrs {
		listen = append(listen, netip.MustParseAddrPort(addr))
	}
	// What the store has of an address that was lost would keep it in use.
	s, err := newStore(t).bind(listen...)
	must(t, err)
	o := &observed{Sockets: s, t: t, changes: make(chan struct{}, 100)}
	s.Changed = func() { o.changes <- struct{}{} }
	serve(t, s, echo)
	return o
}

// want waits until the last listener is in a state, for a reason with this text.
func (o *observed) want(state State, reason string) {
	o.t.Helper()
	late := time.After(20 * time.Second)
	for {
		all := o.Listeners()
		now := all[len(all)-1]
		if now.State == state && (reason == "") == (now.Error == "") && strings.Contains(now.Error, reason) {
			return
		}
		select {
		case <-o.changes:
		case <-late:
			o.t.Fatalf("the listener is %s (%v), want %s %q", now.State, now.Error, state, reason)
		}
	}
}

// answers queries the last listener, whose zone the net package caches too
// long.
func (o *observed) answers() {
	o.t.Helper()
	all := o.Listeners()
	addr := all[len(all)-1].Addr
	numbered, err := numberZone(addr.Addr())
	must(o.t, err)
	echoes(o.t, netip.AddrPortFrom(numbered, addr.Port()))
}

func echoes(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	udp, tcp := dial(t, "udp", addr), dial(t, "tcp", addr)
	udp.send([]byte(message("u")))
	udp.wantPacket(message("u"))
	tcp.send(frame(message("t")))
	tcp.wantFrame(message("t"))
}

// An address that comes late, goes, comes back, and whose interface is deleted
// and made again, is answered on whenever it is there. A listener beside it keeps
// its sockets and connections meanwhile.
func TestListenerFollowsItsAddress(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	for _, tt := range []struct{ name, listen, prefix, absent string }{
		{"IPv4", "10.9.0.1:53", "10.9.0.1/24", "no interface has the address"},
		{"IPv4 link-local", "169.254.9.1:53", "169.254.9.1/16", "no interface has the address"},
		{"IPv6", "[fd09::1]:53", "fd09::1/64", "no interface has the address"},
		{"IPv6 link-local", "[fe80::1%br0]:53", "fe80::1/64", "there is no interface br0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := observe(t, "127.0.0.1:53", tt.listen)
			steady := dial(t, "tcp", s.Addrs()[0])
			s.want(Waiting, tt.absent)
			bridge(t, "br0")
			s.want(Waiting, "no interface has the address")
			assign(t, "br0", tt.prefix)
			s.want(Listening, "")
			s.answers()
			withdraw(t, "br0", tt.prefix)
			s.want(Waiting, "no interface has the address")
			assign(t, "br0", tt.prefix)
			s.want(Listening, "")
			s.answers()
			must(t, netlink.LinkDel(link(t, "br0")))
			s.want(Waiting, tt.absent)
			bridge(t, "br0")
			assign(t, "br0", tt.prefix)
			s.want(Listening, "")
			s.answers()
			steady.send(frame(message("still")))
			steady.wantFrame(message("still"))
			must(t, netlink.LinkDel(link(t, "br0")))
			s.want(Waiting, tt.absent)
		})
	}
}

// An interface that is replaced between two checks has another number and the
// same name and address.
func TestInterfaceReplacedAtOnce(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	bridge(t, "br0")
	assign(t, "br0", "fe80::1/64")
	s := observe(t, "[fe80::1%br0]:53")
	s.want(Listening, "")
	s.answers()
	for range 3 {
		must(t, netlink.LinkDel(link(t, "br0")))
		bridge(t, "br0")
		assign(t, "br0", "fe80::1/64")
		<-s.changes
		s.want(Listening, "")
		s.answers()
	}
}

// A port that another program takes while the address is away is no reason to end, and
// not for ever.
func TestPortTakenWhenTheAddressComes(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	s := observe(t, "127.0.0.1:0", "10.9.0.1:53")
	s.want(Waiting, "no interface has the address")
	holder, err := net.ListenPacket("udp4", "0.0.0.0:53")
	must(t, err)
	defer holder.Close() // it may have been
	bridge(t, "br0")
	assign(t, "br0", "10.9.0.1/24")
	name, err := os.ReadFile("/proc/self/comm")
	must(t, err)
	s.want(Failed, "in use by "+strings.TrimSpace(string(name)))
	echoes(t, s.Addrs()[0])
	must(t, holder.Close())
	bridge(t, "br1") // notified sooner than the next poll
	s.want(Listening, "")
	s.answers()
}

func TestFamilyTurnedOff(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	sysctl(t, "ipv6/conf/lo/disable_ipv6", "1")
	s := observe(t, "127.0.0.1:53", "[::1]:53")
	s.want(Waiting, "IPv6 is turned off")
	echoes(t, s.Addrs()[0])
	sysctl(t, "ipv6/conf/lo/disable_ipv6", "0")
	s.want(Listening, "")
	s.answers()
}

// A socket that fails is closed and opened again, without affecting the others.
func TestAttendedSocketThatFails(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	s := observe(t, "127.0.0.1:53", "[::1]:53")
	s.want(Listening, "")
	must(t, s.listeners[1].bound().tcp.Close())
	s.want(Failed, "accept on [::1]:53")
	echoes(t, s.Addrs()[0])
	bridge(t, "br0") // a notification
	s.want(Listening, "")
	s.answers()
}

// What is in flight when the address goes delays nothing.
func TestAddressGoesWithQueriesInFlight(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	bridge(t, "br0")
	assign(t, "br0", "10.9.0.1/24")
	started := make(chan struct{}, 2)
	s, err := Bind([]netip.AddrPort{netip.MustParseAddrPort("10.9.0.1:53")})
	must(t, err)
	o := &observed{Sockets: s, t: t, changes: make(chan struct{}, 100)}
	s.Changed = func() { o.changes <- struct{}{} }
	serve(t, s, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		if !bytes.HasPrefix(m, []byte("slow")) {
			return append(b, m...), nil
		}
		started <- struct{}{}
		return nil, func(ctx context.Context) []byte { <-ctx.Done(); return nil }
	}))
	for network, text := range map[string]string{"udp": message("slow"), "tcp": string(frame(message("slow")))} {
		dial(t, network, s.Addrs()[0]).send([]byte(text))
		<-started
	}
	withdraw(t, "br0", "10.9.0.1/24")
	o.want(Waiting, "no interface has the address")
	assign(t, "br0", "10.9.0.1/24")
	o.want(Listening, "")
	o.answers()
}

func TestAbsenceOfAFamilyWaits(t *testing.T) {
	err := &bindError{"udp", netip.MustParseAddrPort("[fd09::1]:53"), syscall.EAFNOSUPPORT}
	if got := missing(err.addr.Addr(), err); !absent(err) || got != errFamilyOff {
		t.Errorf("absent %t, for %v", absent(err), got)
	}
}

// An interface's number stands as it is, whatever digits it has and whether or not
// there is one: binding says so.
func TestNumberOfAnInterfaceStands(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"1", "9", "98", "2147483647"} {
		addr := netip.MustParseAddr("fe80::1%" + zone)
		if got, err := numberZone(addr); err != nil || got != addr {
			t.Errorf("%s: %s, %v", addr, got, err)
		}
	}
}

// The check is made whenever the kernel reports something, for as long as the
// process lives.
func TestCheckOfAnAddressLeavesNoSocket(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close those of package net
	open := func() (n int) {
		links, err := filepath.Glob("/proc/self/fd/*")
		must(t, err)
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, "socket:") {
				n++
			}
		}
		return n
	}
	before := open()
	for _, text := range []string{"127.0.53.9", "192.0.2.1", "fe80::1%lo", "fe80::1%none"} {
		addr := netip.MustParseAddr(text)
		there := &pair{addr: netip.AddrPortFrom(addr, 53)}
		if numbered, err := numberZone(addr); err == nil {
			there.addr = netip.AddrPortFrom(numbered, 53)
		}
		for range 20 {
			if got := there.assigned(addr); got != addr.IsLoopback() {
				t.Fatalf("%v is assigned: %t", addr, got)
			}
		}
	}
	if now := open(); now > before {
		t.Errorf("%d sockets are open, and were %d before", now, before)
	}
}
