package listen

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// past is a deadline that ends at once what waits.
var past = time.Unix(1, 0)

// lastOctets bounds what is still read of a connection after the deadline: all that
// a receive buffer holds, but not a stream that goes on.
const lastOctets = 4 << 20

// arrivals reads a connection. After its deadline it still reads what has arrived,
// and waits for nothing: what a client has sent by then is answered.
type arrivals struct {
	*net.TCPConn
	left int // octets that may still be read after the deadline
}

func (a *arrivals) Read(b []byte) (int, error) {
	n, err := a.TCPConn.Read(b)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	b = b[:min(len(b), a.left)]
	if n = a.readNow(b); n <= 0 {
		return 0, err
	}
	a.left -= n
	return n, nil
}

// readNow reads what is there, if anything is.
func (a *arrivals) readNow(b []byte) (n int) {
	raw, err := a.SyscallConn()
	if err != nil {
		return 0
	}
	if err := raw.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), b) }); err != nil {
		return 0
	}
	return n
}
