package integration

import (
	"encoding/binary"
	"io"
	"net"
	"strings"

	"github.com/miekg/dns"
)

// query is the message of a query.
type query string

// Where things are in a message's header.
const (
	flagsHigh   = 2 // QR, opcode, AA, TC, RD
	flagsLow    = 3 // RA, Z, AD, CD, rcode
	answers     = 6 // the number of records
	authorities = 9 // the low octets of the other numbers
	additionals = 11
	headerLen   = 12
)

// question is the part of the message after the header.
func (q query) question() string {
	end := headerLen
	for q[end] != 0 {
		end += 1 + int(q[end])
	}
	return string(q[headerLen : end+5])
}

// name is the queried name, in lower case.
func (q query) name() string {
	var labels []string
	for rest := q.question(); rest[0] != 0; rest = rest[1+rest[0]:] {
		labels = append(labels, strings.ToLower(rest[1:1+rest[0]]))
	}
	return strings.Join(labels, ".") + "."
}

func (q query) hasEDNS() bool { return q[additionals] > 0 }

// reply has the query's ID and question, and these records in wire form, if any.
func (q query) reply(records ...string) []byte {
	message := []byte(q[:2] + "\x81\x80\x00\x01" + "\x00\x00\x00\x00\x00\x00" + query(q.question()))
	binary.BigEndian.PutUint16(message[6:], uint16(len(records)))
	return append(message, strings.Join(records, "")...)
}

// fails is a reply with this rcode.
func (q query) fails(rcode byte) []byte { return changed(q.reply(), flagsLow, 0x80|rcode) }

// cut is a truncated reply, which makes clients query over TCP.
func (q query) cut() []byte { return changed(q.reply(), flagsHigh, 0x83) }

// wireRecord is a record in wire form, of the question's name.
func wireRecord(typ uint16, ttl uint32, data string) string {
	return wireRecordOf(theName, typ, ttl, data)
}

// theName is a pointer to the question's name.
const theName = "\xc0\x0c"

func wireRecordOf(owner string, typ uint16, ttl uint32, data string) string {
	head := binary.BigEndian.AppendUint16([]byte(owner), typ)
	head = binary.BigEndian.AppendUint32(append(head, 0, 1), ttl)
	return string(binary.BigEndian.AppendUint16(head, uint16(len(data)))) + data
}

// remarked adds an extended error (RFC 8914) to a reply.
func remarked(message []byte, code uint16, text string) []byte {
	option := binary.BigEndian.AppendUint16([]byte{0, 15, 0, byte(2 + len(text))}, code)
	opt := wireRecordOf("\x00", dns.TypeOPT, 0, string(option)+text)
	return append(changed(message, additionals, 1), opt...)
}

// goodRecord is an A record with 192.0.2.1, and forgedRecord one that must
// never reach a client.
var (
	goodRecord   = wireRecord(dns.TypeA, 300, "\xc0\x00\x02\x01")
	forgedRecord = wireRecord(dns.TypeA, 300, "\xc0\x00\x02\x42")
)

const goodData = "192.0.2.1"

// changed replaces one octet.
func changed(message []byte, at int, octet byte) []byte {
	message[at] = octet
	return message
}

// receive is the next message on a connection, most often a query.
func receive(conn net.Conn) (query, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return "", err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, message)
	return query(message), err
}

// framed puts a message's length before it, as on TCP.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}
