package listen

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// acceptWaiting serves the connections that wait to be accepted, and waits for none:
// the kernel resets them when the listener is closed. There may be so many of them at
// most, or clients that keep coming would keep us from ending.
func acceptWaiting(listener *net.TCPListener, most int, serve func(*net.TCPConn)) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return // it is closed
	}
	for range most {
		fd, acceptErr := -1, error(nil)
		// Not by the listener's own method: that would wait, or not look at all.
		err := raw.Control(func(waiting uintptr) {
			fd, _, acceptErr = unix.Accept4(int(waiting), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		})
		if errors.Is(acceptErr, unix.EINTR) || errors.Is(acceptErr, unix.ECONNABORTED) {
			continue
		}
		if err != nil || acceptErr != nil {
			return // there are no more, or there is no descriptor for them
		}
		file := os.NewFile(uintptr(fd), "accepted")
		conn, err := net.FileConn(file)
		_ = file.Close() // the connection has a descriptor of its own
		if err == nil {
			serve(conn.(*net.TCPConn))
		}
	}
}
