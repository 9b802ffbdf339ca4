package listen

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// resolvedName is the name of systemd-resolved as truncated by the kernel, and
// the user that it runs as.
const resolvedName = "systemd-resolve"

// owner is the process that has a socket open. The process is not known, and
// its pid 0, where we may not inspect it: that takes its user's privileges, or
// CAP_SYS_PTRACE. The user is visible to every process.
type owner struct {
	uid     string
	pid     int
	command string // as the kernel has it: at most 15 characters
}

// SocketOwner names the process that has an address bound for network "udp" or
// "tcp", as can be seen below proc, where the kernel's tables are mounted, and
// what to do about it. It reports whether one was found.
func SocketOwner(proc, network string, addr netip.AddrPort) (who, remedy string, held bool) {
	remedy = "stop it, or set another address in dns.listen"
	by, held := findOwner(proc, network, addr)
	if !held {
		return "", remedy, false
	}
	owner := "user " + by.uid
	if u, err := user.LookupId(by.uid); err == nil {
		owner = "user " + u.Username
	}
	who = fmt.Sprintf("%s (pid %d)", by.command, by.pid)
	if by.pid == 0 {
		who = "a process of " + owner
	}
	if by.command == resolvedName || by.pid == 0 && owner == "user "+resolvedName {
		who = "systemd-resolved, " + who
		remedy = "set DNSStubListener=no in /etc/systemd/resolved.conf and restart it, or set another address in dns.listen"
	}
	return who, remedy, true
}

// ReceiveDrops returns how many UDP messages to an address the kernel dropped,
// as can be seen below proc. It needs no privileges.
func ReceiveDrops(proc string, addr netip.AddrPort) uint64 {
	var n uint64
	for _, table := range []string{"udp", "udp6"} {
		for _, socket := range boundSockets(filepath.Join(proc, "net", table), "udp", addr) {
			n += socket.drops
		}
	}
	return n
}

// findOwner looks below proc, where the kernel's tables are mounted, for the process that
// has an address bound for network "udp" or "tcp".
func findOwner(proc, network string, addr netip.AddrPort) (owner, bool) {
	var found []boundSocket
	for _, table := range []string{network, network + "6"} {
		found = append(found, boundSockets(filepath.Join(proc, "net", table), network, addr)...)
	}
	if len(found) == 0 {
		return owner{}, false
	}
	by := owner{uid: found[0].uid}
	by.pid, by.command = findProcess(proc, found)
	return by, true
}

// findProcess finds a process that has one of the sockets open, if we may see
// it.
func findProcess(proc string, sockets []boundSocket) (pid int, command string) {
	descriptors, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	for _, path := range descriptors {
		target, err := os.Readlink(path)
		if err != nil || !slices.ContainsFunc(sockets, func(s boundSocket) bool { return s.link == target }) {
			continue
		}
		dir := filepath.Dir(filepath.Dir(path))
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return pid, strings.TrimSpace(string(comm))
	}
	return 0, ""
}

// boundSocket is a socket in one of the kernel's tables.
type boundSocket struct {
	link  string // as the links in /proc/PID/fd have it
	uid   string
	drops uint64 // of UDP
}

// boundSockets lists the sockets in one of the kernel's tables that conflict
// with an address.
func boundSockets(table, network string, addr netip.AddrPort) (sockets []boundSocket) {
	file, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer file.Close() // it was only read
	const (
		local, state, uid, inode, drops = 1, 3, 7, 9, 12 // columns
		listening                       = "0A"
	)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) <= inode || network == "tcp" && columns[state] != listening {
			continue
		}
		bound, err := parseHexAddr(columns[local])
		if err != nil || !conflicts(bound, addr) {
			continue
		}
		socket := boundSocket{link: "socket:[" + columns[inode] + "]", uid: columns[uid]}
		if network == "udp" && len(columns) > drops {
			socket.drops, _ = strconv.ParseUint(columns[drops], 10, 64)
		}
		sockets = append(sockets, socket)
	}
	return sockets
}

// conflicts reports whether a socket that is bound to one address keeps another
// address from being bound.
func conflicts(bound, wanted netip.AddrPort) bool {
	a, b := bound.Addr().Unmap(), wanted.Addr().Unmap().WithZone("")
	return bound.Port() == wanted.Port() &&
		(a == b || a.IsUnspecified() && (a.Is6() || b.Is4()) || b.IsUnspecified() && a.Is4() == b.Is4())
}

// parseHexAddr reads an address as the kernel prints it: 32-bit words in the
// byte order of the machine, then the port.
func parseHexAddr(text string) (netip.AddrPort, error) {
	host, service, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("address %q: want words of 8 hex digits", text)
	}
	if littleEndian {
		for word := range slices.Chunk(b, 4) {
			slices.Reverse(word)
		}
	}
	addr, ok := netip.AddrFromSlice(b)
	port, err := strconv.ParseUint(service, 16, 16)
	if err != nil || !ok {
		return netip.AddrPort{}, fmt.Errorf("address %q: want ADDRESS:PORT in hex digits", text)
	}
	return netip.AddrPortFrom(addr, uint16(port)), nil
}

// littleEndian is the byte order of this machine.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
