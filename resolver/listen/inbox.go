package listen

import (
	"bufio"
	"encoding/binary"
	"io"
)

const (
	// inboxSize has room for what a client usually pipelines, and is all that
	// an idle connection keeps.
	inboxSize  = 2048
	prefixSize = 2  // of the length before each message (RFC 7766, section 8)
	minMessage = 12 // a DNS header
)

// inbox takes messages out of the stream of a connection.
type inbox struct {
	reader *bufio.Reader
	used   int // octets of the message returned last, still in the reader
}

func newInbox(r io.Reader) inbox { return inbox{reader: bufio.NewReaderSize(r, inboxSize)} }

// ready reports whether the next message is there already.
func (in *inbox) ready() bool {
	buffered := in.reader.Buffered() - in.used
	if buffered < prefixSize {
		return false
	}
	b, _ := in.reader.Peek(in.used + prefixSize)
	return buffered >= prefixSize+int(binary.BigEndian.Uint16(b[in.used:]))
}

// next reads the next message, which is valid until the following call of a
// method. It returns false at the end of the stream, and for less than a
// header.
func (in *inbox) next() ([]byte, bool) {
	_, _ = in.reader.Discard(in.used) // it is buffered
	in.used = 0
	prefix, err := in.reader.Peek(prefixSize)
	if err != nil {
		return nil, false
	}
	length := int(binary.BigEndian.Uint16(prefix))
	if length < minMessage {
		return nil, false
	}
	if prefixSize+length > in.reader.Size() {
		return in.long(length)
	}
	message, err := in.reader.Peek(prefixSize + length)
	if err != nil {
		return nil, false
	}
	in.used = prefixSize + length
	return message[prefixSize:], true
}

// long reads a message that the reader has no room for. Its memory is not
// kept, since few queries are long and connections may be many; for the same
// reason what no query needs is cut off, as the kernel does over UDP.
func (in *inbox) long(length int) ([]byte, bool) {
	_, _ = in.reader.Discard(prefixSize) // it is buffered
	message := make([]byte, min(length, maxQuery))
	if _, err := io.ReadFull(in.reader, message); err != nil {
		return nil, false
	}
	_, err := in.reader.Discard(length - len(message))
	return message, err == nil
}
