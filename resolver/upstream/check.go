package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

var (
	errGarbled = errors.New("its answer cannot be read")
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
	return func(message []byte) error {
		if len(message) < headerLen || message[2]&0x80 == 0 || opcode(message) != dns.OpcodeQuery {
			return transport.ErrNotOurs
		}
		questions := binary.BigEndian.Uint16(message[4:])
		if questions == 0 && (isRejection(message) || len(message) == headerLen) {
			return nil
		}
		if questions != 1 || len(message) < q.end {
			return transport.ErrNotOurs
		}
		got := message[headerLen:q.end]
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

func opcode(message []byte) int { return int(message[2]>>3) & 0xf }

func isTruncated(message []byte) bool { return message[2]&0x02 != 0 }

// isRejection reports whether a message's RCODE, as far as the header has it, is
// neither NOERROR nor NXDOMAIN.
func isRejection(message []byte) bool {
	rcode := int(message[3] & 0xf)
	return rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError
}

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
func (q *question) parse(message []byte, mixed bool) (*dns.Msg, error) {
	if binary.BigEndian.Uint16(message[4:]) == 0 && !isRejection(message) {
		return nil, errBare
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(message); err != nil {
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	}
	if err := checkWellFormed(message); err != nil {
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
