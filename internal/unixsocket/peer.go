package unixsocket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Peer is a process at the other end of a socket, as of when it connected or
// began to listen.
type Peer struct {
	UID uint32
	PID int32 // 0 where it cannot be seen from here
}

// PeerOf returns the process at the other end, from the kernel.
func PeerOf(conn net.Conn) (Peer, error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return Peer{}, errors.New("not a UNIX socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var credentials *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, failed); err != nil {
		return Peer{}, err
	}
	return Peer{UID: credentials.Uid, PID: credentials.Pid}, nil
}

// Trusted reports whether the peer is root or the user that we run as.
func (p Peer) Trusted() bool { return p.UID == 0 || int64(p.UID) == int64(os.Geteuid()) }

// serverOf describes the process that serves a path, or is empty.
func serverOf(path string) string {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return ""
	}
	defer conn.Close()
	return server(conn)
}

// server describes the process that accepts a connection, or is empty.
func server(conn net.Conn) string {
	peer, err := PeerOf(conn)
	if err != nil || peer.PID == 0 {
		return ""
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", peer.PID))
	if err != nil {
		return fmt.Sprintf("process %d", peer.PID)
	}
	return fmt.Sprintf("%s, process %d", strings.TrimSpace(string(name)), peer.PID)
}
