package listen

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// resolvedComm is what the kernel keeps of systemd-resolved's name.
const resolvedComm = "systemd-resolve"

// holder is a process that has a socket open.
type holder struct {
	pid     int
	command string // as the kernel has it: at most 15 characters
}

// findHolder looks below proc, where the kernel's tables are mounted, for the process
// that has an address bound for network "udp" or "tcp". Without root it finds
// only processes of the same user.
func findHolder(proc, network string, addr netip.AddrPort) (holder, bool) {
	var inodes []string
	for _, table := range []string{network, network + "6"} {
		inodes = append(inodes, boundInodes(filepath.Join(proc, "net", table), network, addr)...)
	}
	if len(inodes) == 0 {
		return holder{}, false
	}
	descriptors, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	for _, path := range descriptors {
		target, err := os.Readlink(path)
		if err != nil || !slices.Contains(inodes, target) {
			continue
		}
		dir := filepath.Dir(filepath.Dir(path))
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return holder{pid: pid, command: strings.TrimSpace(string(comm))}, true
	}
	return holder{}, false
}

// boundInodes lists the sockets in one of the kernel's tables that stand in
// the way of an address, in the form of the links in /proc/PID/fd.
func boundInodes(table, network string, addr netip.AddrPort) (inodes []string) {
	file, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer file.Close() // it was only read
	const (
		local, state, inode = 1, 3, 9 // columns
		listening           = "0A"
	)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) <= inode || network == "tcp" && columns[state] != listening {
			continue
		}
		bound, err := parseHexAddr(columns[local])
		if err == nil && conflicts(bound, addr) {
			inodes = append(inodes, "socket:["+columns[inode]+"]")
		}
	}
	return inodes
}

// conflicts says whether a socket that is bound to one address keeps another
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
