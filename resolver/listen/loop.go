package listen

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// turnBatches is how many batches a loop answers before it lets other
	// goroutines have the processor: about two milliseconds of work.
	turnBatches = 16
	// lastBatches bounds what is still answered at the end: all that a
	// receive buffer holds, but not a flood that goes on.
	lastBatches = 512
	// maxReadFailures is after how many failures in a row a socket is closed.
	maxReadFailures = 16
	readPause       = 10 * time.Millisecond
)

// packetLoop answers what comes over one socket.
type packetLoop struct {
	*packetSocket
	handler Handler
	clock   func() time.Duration
	batch   *batch

	inFlight context.Context // of the queries that wait, see lasting
	waiting  sync.WaitGroup  // for them

	failures int // to receive, in a row
	errno    unix.Errno
}

// serve answers packets until ctx ends, and then what has arrived by then and
// what is in flight, within the limits. It returns an error when the socket keeps
// failing. Either way the socket is closed.
func (p *packetSocket) serve(ctx context.Context, h Handler, clock func() time.Duration, limits Limits) error {
	defer p.close() // it is over either way
	inFlight, end := lasting(ctx, limits.Grace)
	defer end()
	l := &packetLoop{packetSocket: p, handler: h, clock: clock, batch: newBatch(p.wildcard), inFlight: inFlight}
	defer context.AfterFunc(ctx, func() {
		_ = p.conn.SetReadDeadline(past)
		_ = p.conn.SetWriteDeadline(time.Now().Add(limits.Grace + limits.Write))
	})()
	defer l.waiting.Wait()
	turn := func(fd uintptr) bool { return l.turn(ctx, fd) } // allocated once
	for ctx.Err() == nil {
		err := p.raw.Read(turn)
		switch {
		case ctx.Err() != nil:
		case err == nil && l.errno == 0:
			runtime.Gosched()
		case err == nil && l.failures < maxReadFailures:
			retry.Sleep(ctx, readPause) // such as ENOMEM: give the system time
		default:
			if err == nil {
				err = l.errno
			}
			return fmt.Errorf("receive on %v (udp): %w", p.addr(), err)
		}
	}
	return p.raw.Control(l.finish)
}

// turn answers one batch after the other, until there are no more queries or it
// has had its turn. It returns false to be called again when more have come.
//
// A batch that is not full has emptied the socket, so another read to find it
// empty is not needed: the poller reports everything that comes after, as long
// as it is not armed again, which only [syscall.RawConn]'s Read does, when it
// is called.
func (l *packetLoop) turn(ctx context.Context, fd uintptr) bool {
	l.errno = 0
	for range turnBatches {
		n, errno := l.batch.receive(fd)
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			l.errno = errno
			l.failures++
			return true
		}
		l.failures = 0
		l.answer(fd, n)
		if ctx.Err() != nil {
			return true
		}
		if n < batchSize {
			return false
		}
	}
	return true
}

// finish answers what has arrived and was not read yet.
func (l *packetLoop) finish(fd uintptr) {
	for range lastBatches {
		n, errno := l.batch.receive(fd)
		if errno != 0 {
			return
		}
		l.answer(fd, n)
	}
}

// answer answers the n queries of a batch.
func (l *packetLoop) answer(fd uintptr, n int) {
	b, staged := l.batch, 0
	client := Client{Now: l.clock()}
	for i := range n {
		s := &b.slots[i]
		client.Addr = s.name.addrPort()
		b.destination(i)
		reply, wait := l.handler.Handle(b.message(i), client, s.reply[:0])
		switch {
		case wait != nil:
			l.await(wait, slices.Clone(s.source), client.Addr)
		case reply != nil:
			b.stage(staged, i, reply)
			staged++
		}
	}
	l.send(fd, staged)
	b.renew(n)
	l.handled.Add(uint64(n))
}

// await sends a reply when it is ready.
func (l *packetLoop) await(wait Wait, source []byte, to netip.AddrPort) {
	l.waiting.Go(func() { l.sendOne(wait(l.inFlight), source, to) })
}

// send sends the replies of a batch. An error of the kernel concerns one reply,
// or none of them, and must not affect the others: that one is tried once more,
// alone.
func (l *packetLoop) send(fd uintptr, n int) {
	for k := 0; k < n; {
		sent, errno := l.batch.send(fd, k, n)
		if errno != 0 {
			reply, s := l.batch.staged(k)
			l.sendOne(reply, s.source, s.name.addrPort())
			sent = 1
		}
		k += sent
	}
}

// sendOne sends a reply, and waits until there is room for it. One that the
// kernel rejects is as lost as any that the network drops: the client retries.
func (l *packetLoop) sendOne(reply, source []byte, to netip.AddrPort) {
	if reply != nil {
		_, _, _ = l.conn.WriteMsgUDPAddrPort(reply, source, to)
	}
}
