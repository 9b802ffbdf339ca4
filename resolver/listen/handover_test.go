package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// keptDescriptors is a Store like the service manager's: it has descriptors of its
// own, which each process that begins inherits.
type keptDescriptors struct {
	t     *testing.T
	mu    sync.Mutex
	files []*os.File
}

func newStore(t *testing.T) *keptDescriptors {
	k := &keptDescriptors{t: t}
	t.Cleanup(func() {
		for _, f := range k.files {
			_ = f.Close()
		}
	})
	return k
}

func (k *keptDescriptors) Keep(name string, descriptors ...syscall.Conn) error {
	for _, d := range descriptors {
		k.put(name, d)
	}
	return nil
}

func (k *keptDescriptors) put(name string, d syscall.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw, err := d.SyscallConn()
	must(k.t, err)
	must(k.t, raw.Control(func(fd uintptr) { k.files = append(k.files, duplicate(k.t, int(fd), name)) }))
}

func duplicate(t *testing.T, fd int, name string) *os.File {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	return os.NewFile(uintptr(own), name)
}

func (k *keptDescriptors) Discard(name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files = slices.DeleteFunc(k.files, func(f *os.File) bool {
		if f.Name() != name {
			return false
		}
		_ = f.Close()
		return true
	})
	return nil
}

func (k *keptDescriptors) Inherited() (files []*os.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.files {
		files = append(files, duplicate(k.t, int(f.Fd()), f.Name()))
	}
	return files
}

func (k *keptDescriptors) names() (names []string) {
	for _, f := range k.files {
		names = append(names, f.Name())
	}
	return names
}

// bind is what a process that begins does.
func (k *keptDescriptors) bind(addrs ...netip.AddrPort) (*Sockets, error) {
	h := Handover{Store: k, Inherited: k.Inherited(), Logger: slog.New(slog.DiscardHandler)}
	return h.Bind(addrs)
}

// generation is a process that serves until it is ended.
func (k *keptDescriptors) generation(h Handler, addrs ...netip.AddrPort) (bound []netip.AddrPort, end func()) {
	k.t.Helper()
	s, err := k.bind(addrs...)
	must(k.t, err)
	ctx, cancel := context.WithCancel(k.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, only(h)) }()
	return s.Addrs(), func() {
		k.t.Helper()
		cancel()
		must(k.t, <-done)
	}
}

func onLoopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// Queries that come while no process serves wait for the next, whichever socket of
// those that share the address each is in.
func TestQueriesWaitForTheNextProcess(t *testing.T) {
	for name, listen := range map[string]netip.AddrPort{
		"one address": onLoopback(0), "wildcard": netip.AddrPortFrom(netip.IPv4Unspecified(), 0),
	} {
		t.Run(name, func(t *testing.T) {
			k := newStore(t)
			bound, end := k.generation(echo, listen)
			end()
			addr := onLoopback(bound[0].Port())
			var asking []client
			for range 32 {
				udp, tcp := dial(t, "udp", addr), dial(t, "tcp", addr)
				udp.send([]byte(message("waiting")))
				tcp.send(frame(message("waiting")))
				asking = append(asking, udp, tcp)
			}
			_, end = k.generation(echo, bound...)
			for i := 0; i < len(asking); i += 2 {
				asking[i].wantPacket(message("waiting"))
				asking[i+1].wantFrame(message("waiting"))
			}
			end()
		})
	}
}

// Each generation goes on with the same sockets and adds none, unless it wants
// more.
func TestSocketsOfAnotherNumberOfLoops(t *testing.T) {
	k := newStore(t)
	p, refused := openPair(onLoopback(0), 3, nil)
	if refused != nil {
		t.Fatal(refused)
	}
	k.put("dns-before", p.tcp)
	for _, socket := range p.udp {
		k.put("dns-before", socket.conn)
	}
	must(t, p.close())
	for _, want := range []struct{ loops, sockets int }{{2, 3}, {5, 5}, {1, 5}} {
		h := Handover{Store: k, Inherited: k.Inherited(), Logger: slog.New(slog.DiscardHandler)}
		next, refused := openPair(p.addr, want.loops, h.takeInherited())
		if refused != nil {
			t.Fatal(refused)
		}
		if len(next.udp) != want.sockets {
			t.Errorf("%d loops after %d descriptors: %d sockets, want %d", want.loops, len(k.files), len(next.udp), want.sockets)
		}
		for _, socket := range next.udp[len(k.files)-1:] {
			k.put("dns-before", socket.conn)
		}
		must(t, next.close())
	}
}

// What no listener serves is closed, so that clients get an error at once.
func TestSocketsOfOtherAddressesAreDiscarded(t *testing.T) {
	k := newStore(t)
	bound, end := k.generation(echo, onLoopback(0), onLoopback(0))
	end()
	_, end = k.generation(echo, bound[1])
	defer end()
	for _, name := range k.names() {
		if name != storeName(bound[1]) {
			t.Errorf("%s is kept", name)
		}
	}
	refused(t, bound[0])
	echoes(t, bound[1])
}

// Of a wildcard and one of its addresses only one can be bound to a port: the socket
// of the one is closed before the other is bound.
func TestWildcardGivesWayToAnAddress(t *testing.T) {
	for name, generations := range map[string][2]netip.Addr{
		"to one address":  {netip.IPv4Unspecified(), onLoopback(0).Addr()},
		"to the wildcard": {onLoopback(0).Addr(), netip.IPv4Unspecified()},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStore(t)
			bound, end := k.generation(echo, netip.AddrPortFrom(generations[0], 0))
			end()
			addr := netip.AddrPortFrom(generations[1], bound[0].Port())
			_, end = k.generation(echo, addr)
			defer end()
			echoes(t, onLoopback(addr.Port()))
			for _, name := range k.names() {
				if name != storeName(addr) {
					t.Errorf("%s is kept", name)
				}
			}
		})
	}
}

// A listener is kept under its own name only, or it would be discarded under one and
// stay in use under the other. An interface may have been renamed.
func TestSocketsUnderAnotherName(t *testing.T) {
	k := newStore(t)
	bound, end := k.generation(echo, onLoopback(0))
	end()
	for i, f := range k.files {
		k.files[i] = duplicate(t, int(f.Fd()), "dns-before")
		must(t, f.Close())
	}
	_, end = k.generation(echo, bound...)
	defer end()
	echoes(t, bound[0])
	if names := k.names(); len(names) == 0 || slices.Contains(names, "dns-before") {
		t.Errorf("kept: %v, want %s only", names, storeName(bound[0]))
	}
}

func refused(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	udp := dial(t, "udp", addr)
	udp.send([]byte(message("lost")))
	if _, err := udp.Read(make([]byte, 512)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v over UDP: %v, want %v", addr, err, syscall.ECONNREFUSED)
	}
	if conn, err := net.Dial("tcp", addr.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		if err == nil {
			_ = conn.Close()
		}
		t.Errorf("%v over TCP: %v, want %v", addr, err, syscall.ECONNREFUSED)
	}
}

// A process that cannot bind all of its addresses serves none, and leaves no
// client waiting.
func TestNothingIsKeptWhereBindFails(t *testing.T) {
	k := newStore(t)
	bound, end := k.generation(echo, onLoopback(0))
	end()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer other.Close()
	taken := other.Addr().(*net.TCPAddr).AddrPort()
	if _, err := k.bind(bound[0], taken); err == nil {
		t.Fatal("bound an address that is in use")
	}
	if names := k.names(); len(names) > 0 {
		t.Errorf("kept: %v", names)
	}
	refused(t, bound[0])
}

// Closed by its owner and not by the end of the process, a socket is not kept.
func TestCloseDiscards(t *testing.T) {
	k := newStore(t)
	s, err := k.bind(onLoopback(0))
	must(t, err)
	addr := s.Addrs()[0]
	must(t, s.Close())
	if names := k.names(); len(names) > 0 {
		t.Errorf("kept: %v", names)
	}
	refused(t, addr)
}

// listenTCP listens as a socket unit does: without Multipath TCP.
func listenTCP(t *testing.T, addr string) *net.TCPListener {
	t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(t.Context(), "tcp", addr)
	must(t, err)
	return l.(*net.TCPListener)
}

// A descriptor that is not a socket of the configuration is closed, and what is
// bound then is ours.
func TestInheritedDescriptorsOfOtherKinds(t *testing.T) {
	connected, err := net.Dial("udp", "127.0.0.1:9")
	must(t, err)
	pipe, _, err := os.Pipe()
	must(t, err)
	both := listenTCP(t, "[::]:0") // for IPv4 too
	local, err := net.Listen("unix", t.TempDir()+"/socket")
	must(t, err)
	silent, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	unlistened := os.NewFile(uintptr(silent), "unlistened")
	for name, descriptor := range map[string]interface {
		syscall.Conn
		Close() error
	}{
		"connected": connected.(*net.UDPConn), "pipe": pipe, "both families": both,
		"local": local.(*net.UnixListener), "unlistened": unlistened,
	} {
		t.Run(name, func(t *testing.T) {
			k := newStore(t)
			k.put("dns-other", descriptor)
			must(t, descriptor.Close())
			bound, end := k.generation(echo, onLoopback(0))
			defer end()
			echoes(t, bound[0])
			if slices.Contains(k.names(), "dns-other") {
				t.Error("it is kept")
			}
		})
	}
}

// What a socket unit has given is not taken away: its ReceiveBuffer= may be larger than
// what is requested here.
func TestInheritedReceiveBuffer(t *testing.T) {
	p, refused := openPair(onLoopback(0), 1, nil)
	if refused != nil {
		t.Fatal(refused)
	}
	if err := p.udp[0].setOption(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 2*receiveBuffer); err != nil {
		testkit.Skip(t, fmt.Sprintf("needs CAP_NET_ADMIN, for a large buffer: %v", err))
	}
	k := newStore(t)
	k.put("nodedns.socket", p.udp[0].conn)
	must(t, p.close())
	s, err := k.bind(p.addr)
	must(t, err)
	defer s.Close()
	if got := s.listeners[0].bound().udp[0].buffer(); got != 4*receiveBuffer {
		t.Errorf("a buffer of %d octets, want %d", got, 4*receiveBuffer)
	}
}

// Of the wildcards, [::] is IPv6 only: what is for both is bound again.
func TestInheritedForBothFamilies(t *testing.T) {
	both := listenTCP(t, "[::]:0")
	addr := netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(both.Addr().(*net.TCPAddr).Port))
	k := newStore(t)
	k.put(storeName(addr), both)
	must(t, both.Close())
	_, end := k.generation(echo, addr)
	defer end()
	echoes(t, netip.AddrPortFrom(netip.IPv6Loopback(), addr.Port()))
	refused(t, onLoopback(addr.Port()))
}

// A socket unit's sockets, which the service manager keeps itself, are taken by
// their address; the same socket twice is one.
func TestSocketUnit(t *testing.T) {
	k := newStore(t)
	p, refused := openPair(onLoopback(0), 1, nil)
	if refused != nil {
		t.Fatal(refused)
	}
	for range 2 {
		k.put("nodedns.socket", p.tcp)
		k.put("nodedns.socket", p.udp[0].conn)
	}
	must(t, p.close())
	s, err := k.bind(p.addr)
	must(t, err)
	if got := len(s.listeners[0].bound().udp); got != loops() {
		t.Errorf("%d sockets for UDP, want %d", got, loops())
	}
	serve(t, s, echo)
	echoes(t, p.addr)
}
