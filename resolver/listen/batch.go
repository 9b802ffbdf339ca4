package listen

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many messages one system call moves. More gain
	// nothing: the call itself is a small part of the cost by then.
	batchSize = 32
	// maxQuery is the size of the longest query taken. Longer ones are cut,
	// over UDP by the kernel, and so get FORMERR.
	maxQuery = 4096
	// replyRoom is enough for any reply over UDP.
	replyRoom = 4096
)

// slot is what one message of a batch needs. Its size is not a power of two, so
// that the beginnings of messages, usually all that is touched, do not compete
// for the same cache lines.
type slot struct {
	query, sent unix.Iovec
	source      []byte                // of control: where the reply leaves from; nil: as routed
	control     [destinationRoom]byte // aligned, for it holds structures
	name        sockaddr
	message     [maxQuery]byte
	reply       [replyRoom]byte
}

// batch holds the messages that one system call receives, and the replies that
// another sends. It is allocated once for a socket. The kernel gets pointers
// into it, which stay valid because a batch lives on the heap.
type batch struct {
	received [batchSize]unix.Mmsghdr
	replies  [batchSize]unix.Mmsghdr
	answered [batchSize]uint8 // the slot that each reply belongs to
	slots    [batchSize]slot
	wildcard bool // control messages are requested
}

func newBatch(wildcard bool) *batch {
	b := &batch{wildcard: wildcard}
	for i := range b.slots {
		s := &b.slots[i]
		s.query.Base = &s.message[0]
		s.query.SetLen(maxQuery)
		in, out := &b.received[i].Hdr, &b.replies[i].Hdr
		in.Name, in.Iov = (*byte)(unsafe.Pointer(&s.name)), &s.query
		in.SetIovlen(1)
		if wildcard {
			in.Control = &s.control[0]
		}
		out.SetIovlen(1)
	}
	b.renew(batchSize)
	return b
}

// renew undoes what receiving wrote over the lengths of the first n slots.
func (b *batch) renew(n int) {
	for i := range n {
		in := &b.received[i].Hdr
		in.Namelen = unix.SizeofSockaddrInet6
		if b.wildcard {
			in.SetControllen(destinationRoom)
		}
	}
}

// receive takes what has arrived, up to a batch of it, and returns how many
// messages that is. It does not wait.
func (b *batch) receive(fd uintptr) (int, unix.Errno) {
	// Raw, because the runtime need not know: a non-blocking call returns
	// before another thread could use its processor, and a handover costs more
	// than the call.
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.received)), batchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// message is what was received in a slot.
func (b *batch) message(i int) []byte { return b.slots[i].message[:b.received[i].Len] }

// destination records which address the reply to a slot has to leave from.
func (b *batch) destination(i int) {
	if b.wildcard {
		b.slots[i].source = replySource(b.slots[i].control[:b.received[i].Hdr.Controllen])
	}
}

// stage makes a reply to slot i the k-th one to be sent.
func (b *batch) stage(k, i int, reply []byte) {
	s, out := &b.slots[i], &b.replies[k].Hdr
	b.answered[k] = uint8(i)
	s.sent.Base = unsafe.SliceData(reply)
	s.sent.SetLen(len(reply))
	out.Iov = &s.sent
	out.Name, out.Namelen = (*byte)(unsafe.Pointer(&s.name)), b.received[i].Hdr.Namelen
	out.Control = unsafe.SliceData(s.source)
	out.SetControllen(len(s.source))
}

// staged is the k-th reply that was staged, and the slot it belongs to.
func (b *batch) staged(k int) ([]byte, *slot) {
	s := &b.slots[b.answered[k]]
	return unsafe.Slice(s.sent.Base, s.sent.Len), s
}

// send sends the staged replies from the k-th to the n-th, and returns how many
// the kernel took. An error is about the first of them. It does not wait.
func (b *batch) send(fd uintptr, k, n int) (int, unix.Errno) {
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.replies[k])), uintptr(n-k), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sent), 0
}
