package transport

import (
	"context"
	"errors"
	"net"
)

var (
	// ErrNotOurs is what an [Accept] returns for a message that is not the reply
	// to its query: forged, or late.
	ErrNotOurs = errors.New("not the reply to this query")
	// ErrFlooded is returned when a server, or an attacker, sent so many messages
	// that are no reply that reading on is useless.
	ErrFlooded = errors.New("too many messages that are not the reply")
	// ErrBusy is returned when all of a server's connections are full.
	ErrBusy = errors.New("too many queries in flight to it")
	// ErrEnded is returned when the [Scope] has ended.
	ErrEnded = errors.New("the program is stopping")
)

const (
	headerLen = 12
	// maxIgnored is how many messages that are no reply are read in one UDP
	// exchange, or on one connection. To guess an ID takes some 2^15 tries.
	maxIgnored = 64
)

// Dial connects to the server of a transport.
type Dial func(ctx context.Context) (net.Conn, error)

// Accept judges a message with the ID of a query: nil if it is the reply,
// ErrNotOurs if it is to be ignored. Over UDP another error ends the exchange;
// over a connection it is like ErrNotOurs. It must not keep the message.
type Accept func(message []byte) error

// isReply reports whether a message is a reply to a query with this ID.
func isReply(message []byte, id uint16) bool {
	return len(message) >= headerLen && messageID(message) == id && message[2]&0x80 != 0
}

func messageID(message []byte) uint16 { return uint16(message[0])<<8 | uint16(message[1]) }

func setMessageID(message []byte, id uint16) { message[0], message[1] = byte(id>>8), byte(id) }

// contextCause prefers the cause of a context's end to the socket error that it
// led to.
func contextCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
