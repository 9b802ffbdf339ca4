package listen

import (
	"time"

	"golang.org/x/sys/unix"
)

// Limits bound the resources that clients can use. The zero value of a field
// stands for its default.
type Limits struct {
	Connections int           // TCP connections in all: 16384, or half the descriptors that the process may have
	PerClient   int           // of them from one address, loopback excepted: 64
	InFlight    int           // queries that wait, for each connection: 128
	Idle        time.Duration // a connection may be silent for this long: IdleTimeout
	Write       time.Duration // a client may take this long to take a reply: 2 s
	Grace       time.Duration // a query in flight has this long after the end of Serve's context: 300 ms
}

// IdleTimeout is how long a TCP connection may be silent by default (RFC 7766,
// section 6.2.3).
const IdleTimeout = 10 * time.Second

func (l Limits) withDefaults() Limits {
	setDefault(&l.Connections, defaultConnections())
	setDefault(&l.PerClient, 64)
	setDefault(&l.InFlight, 128)
	setDefault(&l.Idle, IdleTimeout)
	setDefault(&l.Write, 2*time.Second)
	setDefault(&l.Grace, 300*time.Millisecond)
	return l
}

// defaultConnections leaves half of the descriptors to what else the process
// does: queries of upstreams above all.
func defaultConnections() int {
	const most = 16384
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return most // it cannot fail
	}
	return int(min(files.Cur/2, most))
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
