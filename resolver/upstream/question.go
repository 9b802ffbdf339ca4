package upstream

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/miekg/dns"
)

const (
	headerLen = 12
	// payload is the largest UDP reply requested: what fits an IPv6 packet of
	// the minimum MTU.
	payload = 1232
	// paddedTo hides how long the name is from observers of the length of an
	// encrypted query (RFC 8467, section 4.1).
	paddedTo = 128
)

// question is a client's query as it is forwarded: its question and the flags
// that matter to the answer. It is immutable.
type question struct {
	plain  []byte // the message without EDNS, its ID zero
	end    int    // of the question in it
	do     bool
	hops   []byte // the marks that the query came with
	passed []byte // the other options to pass on
	asked  dns.Question
	client uint16 // the client's ID
}

// form is how a question is sent to a server.
type form struct {
	edns   ednsUse
	mark   token // zero: none
	padded bool
	mixed  bool // the case of letters is random (0x20)
}

// newQuestion extracts from a query what is passed on.
func newQuestion(query *dns.Msg) (*question, error) {
	if len(query.Question) != 1 {
		return nil, fmt.Errorf("a query with %d questions", len(query.Question))
	}
	out := new(dns.Msg)
	out.RecursionDesired = query.RecursionDesired
	out.CheckingDisabled = query.CheckingDisabled
	out.AuthenticatedData = query.AuthenticatedData
	out.Question = query.Question
	plain, err := out.Pack()
	if err != nil {
		return nil, fmt.Errorf("encode the query: %w", err)
	}
	q := &question{plain: plain, end: len(plain), asked: query.Question[0], client: query.Id}
	if opt := query.IsEdns0(); opt != nil {
		q.do = opt.Do()
		q.hops = marks(opt)
		if q.passed, err = EncodeOptions(PassedOn(query)); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// wire is the message to send, but for its ID, which the transport chooses.
func (q *question) wire(f form) []byte {
	message := slices.Clone(q.plain)
	if f.mixed {
		mixCase(message[headerLen : q.end-4])
	}
	if f.edns == noEDNS {
		return message
	}
	message[11] = 1 // additional records
	var flags uint16
	if q.do {
		flags = 0x8000
	}
	message = append(message, 0)
	message = binary.BigEndian.AppendUint16(message, dns.TypeOPT)
	message = binary.BigEndian.AppendUint16(message, payload)
	message = append(message, 0, 0) // extended RCODE, version
	message = binary.BigEndian.AppendUint16(message, flags)
	length := len(message)
	message = append(message, 0, 0)
	if f.edns == noOptions {
		return message
	}
	message = append(message, q.passed...)
	if f.mark != 0 {
		message = appendOption(message, markOption, binary.BigEndian.AppendUint64(slices.Clone(q.hops), uint64(f.mark)))
	}
	if f.padded {
		missing := -(len(message) + 4) & (paddedTo - 1)
		message = appendOption(message, dns.EDNS0PADDING, make([]byte, missing))
	}
	binary.BigEndian.PutUint16(message[length:], uint16(len(message)-length-2))
	return message
}

func appendOption(message []byte, code uint16, value []byte) []byte {
	message = binary.BigEndian.AppendUint16(message, code)
	message = binary.BigEndian.AppendUint16(message, uint16(len(value)))
	return append(message, value...)
}

// mixCase gives each letter of a name in wire form a random case. Lengths are
// below the letters.
func mixCase(name []byte) {
	for i, c := range name {
		if lower := c | 0x20; lower >= 'a' && lower <= 'z' {
			name[i] = c ^ byte(rand.Uint32()&0x20)
		}
	}
}
