package listen

import (
	"encoding/binary"
	"sync"
)

const (
	// outboxSize is how much is collected before it is sent, in bytes.
	outboxSize = 4 << 10
	// outboxKept is the largest outbox that is used again.
	outboxKept = 4 * outboxSize
)

// outbox collects the replies to pipelined queries, each with its length before
// it, so that they are sent by one system call. Connections have one only while
// they answer.
type outbox struct {
	replies []byte // to be sent
	scratch []byte // for the Handler to make a reply in
}

// outboxes are those that are not in use.
type outboxes struct{ free sync.Pool }

func (all *outboxes) take() *outbox {
	if o, ok := all.free.Get().(*outbox); ok {
		return o
	}
	return &outbox{replies: make([]byte, 0, outboxSize), scratch: make([]byte, 0, replyRoom)}
}

func (all *outboxes) give(o *outbox) {
	if cap(o.replies) <= outboxKept {
		o.replies = o.replies[:0]
		all.free.Put(o)
	}
}

func (o *outbox) add(reply []byte) { o.replies = appendFramed(o.replies, reply) }

func (o *outbox) full() bool { return len(o.replies) >= outboxSize }

// appendFramed appends a message with its length (RFC 7766, section 8).
func appendFramed(b, message []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	return append(b, message...)
}
