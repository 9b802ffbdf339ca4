package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPortZeroIsOnePort(t *testing.T) {
	s := start(t, echo, Limits{}, "127.0.0.1:0", "127.0.0.2:0")
	if len(s.Addrs()) != 2 {
		t.Fatalf("addresses %v", s.Addrs())
	}
	for _, addr := range s.Addrs() {
		udp, tcp := dial(t, "udp", addr), dial(t, "tcp", addr)
		udp.send([]byte(message("u")))
		udp.wantPacket(message("u"))
		tcp.send(frame(message("t")))
		tcp.wantFrame(message("t"))
	}
}

func TestBindIsAllOrNothing(t *testing.T) {
	taken := start(t, echo, Limits{})
	// Not 127.0.0.1, where a client of any program may get the port meanwhile.
	free, err := Bind([]netip.AddrPort{netip.MustParseAddrPort("127.0.53.3:0")})
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Bind([]netip.AddrPort{free.Addrs()[0], taken.Addrs()[0]})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("error %v, want EADDRINUSE", err)
	}
	again, err := Bind([]netip.AddrPort{free.Addrs()[0]})
	if err != nil {
		t.Fatalf("the first address was kept: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestBindErrorNamesOwnerAndRemedy(t *testing.T) {
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Skip("needs /proc")
	}
	holder, err := net.ListenPacket("udp4", "127.0.53.4:0") // TCP is free
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close() // the test is over
	addr := holder.LocalAddr().(*net.UDPAddr).AddrPort()
	_, err = Bind([]netip.AddrPort{addr})
	if err == nil {
		t.Fatal("bound")
	}
	for _, part := range []string{
		addr.String(), "udp", "in use", "by " + strings.TrimSpace(string(comm)),
		fmt.Sprintf("pid %d", os.Getpid()), "dns.listen",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestBindErrorRemedies(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.53:53")
	for errno, want := range map[syscall.Errno]string{
		syscall.EACCES:        "CAP_NET_BIND_SERVICE",
		syscall.EADDRNOTAVAIL: "an address that this machine has",
		syscall.EMFILE:        "too many open files",
	} {
		if err := describeBindError("tcp", addr, errno); !errors.Is(err, errno) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "127.0.0.53:53") {
			t.Errorf("%v: %q lacks %q", errno, err, want)
		}
	}
}

// fakeProc has the tables of a machine where systemd-resolved, process 512,
// has socket 1001 (UDP 127.0.0.53:53) and 1002 (TCP), dnsmasq, 600, socket
// 1003 (UDP [::]:5353), and a client connection from port 53, 1004.
func fakeProc(t *testing.T) string {
	t.Helper()
	if !littleEndian {
		t.Skip("the tables are those of a little-endian machine")
	}
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	line := func(local, state, inode string) string {
		return "   0: " + local + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000   101        0 " + inode + " 2 0000000000000000 0\n"
	}
	write("net/udp", head+"garbage\n"+line("3500007F:0035", "07", "1001"))
	write("net/tcp", head+line("3500007F:0036", "01", "1004")+line("3500007F:0035", "0A", "1002"))
	write("net/udp6", head+line("00000000000000000000000000000000:14E9", "07", "1003"))
	write("512/comm", resolvedName+"\n")
	write("600/comm", "dnsmasq\n")
	write("sys/fd/ignored", "")
	for path, target := range map[string]string{"512/fd/3": "/dev/null", "512/fd/12": "socket:[1001]", "512/fd/13": "socket:[1002]", "600/fd/4": "socket:[1003]"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindOwner(t *testing.T) {
	root := fakeProc(t)
	tests := map[string]struct {
		network, addr string
		pid           int
		command       string
	}{
		"UDP":                           {"udp", "127.0.0.53:53", 512, resolvedName},
		"TCP":                           {"tcp", "127.0.0.53:53", 512, resolvedName},
		"our wildcard and its address":  {"udp", "0.0.0.0:53", 512, resolvedName},
		"its wildcard of both families": {"udp", "127.0.0.1:5353", 600, "dnsmasq"},
		"another address":               {"udp", "127.0.0.1:53", 0, ""},
		"another port":                  {"udp", "127.0.0.53:54", 0, ""},
		"not a listener":                {"tcp", "127.0.0.53:54", 0, ""},
		"another family":                {"udp", "[::]:53", 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := findOwner(root, tt.network, netip.MustParseAddrPort(tt.addr))
			if got.pid != tt.pid || got.command != tt.command || ok != (tt.pid != 0) {
				t.Errorf("got %+v, %t", got, ok)
			}
		})
	}
}

func TestRemedyForSystemdResolved(t *testing.T) {
	got := inUse(fakeProc(t), "udp", netip.MustParseAddrPort("127.0.0.53:53"))
	for _, part := range []string{"systemd-resolved", "512", "DNSStubListener=no", "dns.listen"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
}

// Without the right to look into other users' processes, the user can still be
// named.
func TestOwnerThatCannotBeSeen(t *testing.T) {
	root := fakeProc(t)
	for _, pid := range []string{"512", "600"} {
		if err := os.RemoveAll(filepath.Join(root, pid, "fd")); err != nil {
			t.Fatal(err)
		}
	}
	got := inUse(root, "udp", netip.MustParseAddrPort("127.0.0.1:5353"))
	if !strings.Contains(got, " by a process of user ") || !strings.Contains(got, "dns.listen") {
		t.Errorf("%q names neither the user nor the remedy", got)
	}
}

func TestReceiveDrops(t *testing.T) {
	proc := t.TempDir()
	if err := os.Mkdir(filepath.Join(proc, "net"), 0o755); err != nil {
		t.Fatal(err)
	}
	const table = "sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode ref pointer drops\n" +
		"1: 3500007F:0035 00000000:0000 07 0:0 0:0 0 101 0 1001 2 0 17\n" +
		"2: 3500007F:0035 00000000:0000 07 0:0 0:0 0 101 0 1002 2 0 4\n" +
		"3: 0100007F:0035 00000000:0000 07 0:0 0:0 0 101 0 1003 2 0 100\n"
	if err := os.WriteFile(filepath.Join(proc, "net", "udp"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ReceiveDrops(proc, netip.MustParseAddrPort("127.0.0.53:53")); got != 21 {
		t.Errorf("got %d, want those of both sockets", got)
	}
}
