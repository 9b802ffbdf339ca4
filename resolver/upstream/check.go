package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
	"github.com/nodedns/nodedns/resolver/internal/transport"
)

var (
	// errCase is a reply whose question differs from ours by case only: a
	// forgery, or a server that does not preserve the case.
	errCase = errors.New("its answer has the question in other letters")
	errBare = errors.New("its answer is a header only")
)

// check reports whether a message with the right ID is the reply to what was
// sent. It compares bytes only: a question cannot be compressed, and is echoed
// unchanged.
//
// A server that rejects a query may leave out the question, and one that has
// nothing to say all but the header.
func (q *question) check(sent []byte, mixed bool) transport.Accept {
	asked := sent[headerLen:q.end]
	return func(octets []byte) error {
		if len(octets) < headerLen || octets[2]&0x80 == 0 || opcode(octets) != dns.OpcodeQuery {
			return transport.ErrNotOurs
		}
		questions := binary.BigEndian.Uint16(octets[4:])
		if questions == 0 && (message.IsError(octets) || len(octets) == headerLen) {
			return nil
		}
		if questions != 1 || len(octets) < q.end {
			return transport.ErrNotOurs
		}
		got := octets[headerLen:q.end]
		name := len(asked) - 4 // type and class follow it
		switch {
		case bytes.Equal(got, asked):
			return nil
		case !bytes.Equal(got[name:], asked[name:]) || !equalFold(got[:name], asked[:name]):
			return transport.ErrNotOurs
		case mixed:
			return errCase
		}
		return nil
	}
}

func opcode(octets []byte) int { return int(octets[2]>>3) & 0xf }

func isTruncated(octets []byte) bool { return octets[2]&0x02 != 0 }

// equalFold compares names in wire form (RFC 4343). Lengths are not letters.
func equalFold(a, b []byte) bool {
	for i := range a {
		if lowered(a[i]) != lowered(b[i]) {
			return false
		}
	}
	return true
}

func lowered(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// parse reads a message that has been accepted, and makes it a reply to the
// client's query: its ID, and its spelling.
func (q *question) parse(octets []byte, mixed bool) (*dns.Msg, error) {
	if binary.BigEndian.Uint16(octets[4:]) == 0 && !message.IsError(octets) {
		return nil, errBare
	}
	reply, err := message.Read(octets)
	if err != nil {
		return nil, err
	}
	reply.Id = q.client
	reply.Question = []dns.Question{q.asked}
	if mixed {
		for _, section := range [][]dns.RR{reply.Answer, reply.Ns, reply.Extra} {
			for _, rr := range section {
				if h := rr.Header(); strings.EqualFold(h.Name, q.asked.Name) {
					h.Name = q.asked.Name
				}
			}
		}
	}
	return reply, nil
}
