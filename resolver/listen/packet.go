package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// packetSocket is a UDP socket.
type packetSocket struct {
	conn *net.UDPConn
	// wildcard sockets learn from each packet which of the machine's addresses
	// was asked, since the reply has to come from there.
	wildcard bool
}

func bindPacket(network string, addr netip.AddrPort) (*packetSocket, error) {
	wildcard := addr.Addr().IsUnspecified()
	var config net.ListenConfig
	if wildcard {
		config.Control = func(_, _ string, raw syscall.RawConn) error {
			return askForDestination(raw, addr.Addr().Is4())
		}
	}
	conn, err := config.ListenPacket(context.Background(), network, addr.String())
	if err != nil {
		return nil, err
	}
	p := &packetSocket{conn: conn.(*net.UDPConn), wildcard: wildcard}
	return p, p.enlarge()
}

// receiveBuffer has room for a burst of some thousand queries, in bytes. What
// does not fit is lost without an answer.
const receiveBuffer = 4 << 20

// enlarge asks for room for bursts: as much as is wanted, with the right to
// that, else as much as the system allows everybody.
func (p *packetSocket) enlarge() error {
	raw, err := p.conn.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			// With less room it works as well, as long as nobody bursts.
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
	})
}

const (
	// maxQuery is the size of the longest query taken over UDP. Longer ones
	// are cut by the kernel, and so get FORMERR.
	maxQuery = 4096
	// replyRoom is enough for any reply over UDP.
	replyRoom = 4096
	// maxReadFailures is after how many failures in a row a socket is given
	// up.
	maxReadFailures = 16
	readPause       = 10 * time.Millisecond
)

// serve answers packets until ctx ends. It returns an error when the socket
// keeps failing.
func (p *packetSocket) serve(ctx context.Context, h Handler) error {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	message, buffer := make([]byte, maxQuery), make([]byte, 0, replyRoom)
	var control [destinationRoom]byte
	for failures := 0; ; {
		n, controlLen, _, from, err := p.conn.ReadMsgUDPAddrPort(message, control[:])
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if failures++; failures == maxReadFailures || errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("receive on %v (udp): %w", p.conn.LocalAddr(), err)
			}
			pause(ctx, readPause) // such as ENOMEM: give the system time
			continue
		}
		failures = 0
		source := replySource(control[:controlLen])
		reply, wait := h.Handle(message[:n], Client{Addr: from}, buffer)
		if wait != nil {
			source = slices.Clone(source)
			waiting.Go(func() { p.send(wait(ctx), source, from) })
			continue
		}
		p.send(reply, source, from)
	}
}

// send writes a reply. One that the kernel refuses is as lost as any that the
// network drops: the client asks again.
func (p *packetSocket) send(reply, source []byte, to netip.AddrPort) {
	if reply != nil {
		_, _, _ = p.conn.WriteMsgUDPAddrPort(reply, source, to)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
