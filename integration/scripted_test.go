package integration

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// scripted is an upstream of our own that says what the test wants, byte by
// byte. Its address is that of a machine, with a port of its own.
type scripted struct {
	udp    *net.UDPConn
	other  *net.UDPConn // a socket that nobody asks
	tcp    *net.TCPListener
	script script
	ended  <-chan struct{} // closed when the test ends
	tasks  sync.WaitGroup
	asked  atomic.Int32 // queries, by whatever transport
}

// script is what a scripted upstream does with a query. What is nil does
// nothing: then UDP is silent, and TCP connections are closed.
type script struct {
	udp func(s *scripted, q query, from netip.AddrPort)
	tcp func(s *scripted, q query, conn net.Conn)
}

// newScripted starts it on the machine's address, until the test ends.
func newScripted(h *host, does script) *scripted {
	h.t.Helper()
	s := &scripted{script: does, ended: h.t.Context().Done()}
	var err error
	for _, conn := range []**net.UDPConn{&s.udp, &s.other} {
		h.do(func() { *conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(h.v4(), 0))) })
		must(h.t, err)
	}
	h.do(func() { s.tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(s.addr())) })
	must(h.t, err)
	s.tasks.Go(s.serveUDP)
	s.tasks.Go(func() { s.serveTCP(h.t.Context()) })
	h.t.Cleanup(func() {
		s.udp.Close()
		s.other.Close()
		s.tcp.Close()
		s.tasks.Wait()
	})
	return s
}

func (s *scripted) addr() netip.AddrPort { return s.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *scripted) serveUDP() {
	buf := make([]byte, 65535)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed, as the test has ended
		}
		s.asked.Add(1)
		if s.script.udp != nil {
			s.script.udp(s, query(strings.Clone(string(buf[:n]))), from)
		}
	}
}

func (s *scripted) serveTCP(ctx context.Context) {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return // closed, as the test has ended
		}
		s.tasks.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			s.converse(conn)
		})
	}
}

// converse reads queries until either side closes the connection.
func (s *scripted) converse(conn net.Conn) {
	var length [2]byte
	for {
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, message); err != nil {
			return
		}
		s.asked.Add(1)
		if s.script.tcp == nil {
			return
		}
		s.script.tcp(s, query(message), conn)
	}
}

// later calls f after a time, unless the test ends before.
func (s *scripted) later(after time.Duration, f func()) {
	s.tasks.Go(func() {
		select {
		case <-time.After(after):
			f()
		case <-s.ended:
		}
	})
}

// say sends a message by UDP. That nobody waits for it any more is no failure.
func (s *scripted) say(to netip.AddrPort, message []byte) {
	_, _ = s.udp.WriteToUDPAddrPort(message, to)
}

// query is the message of a query.
type query string

// Where things are in a message's header.
const (
	flagsHigh   = 2  // QR, opcode, AA, TC, RD
	flagsLow    = 3  // RA, Z, AD, CD, rcode
	additionals = 11 // the low octet of the number of records
	headerLen   = 12
)

// question is the part of the message behind the header.
func (q query) question() string {
	end := headerLen
	for q[end] != 0 {
		end += 1 + int(q[end])
	}
	return string(q[headerLen : end+5])
}

// name is what is asked for, in small letters.
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

// cut is a reply that says to ask over TCP.
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

// goodRecord is an A record with 192.0.2.1, and forgedRecord one that nobody
// may ever see.
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

// framed puts a message's length before it, as on TCP.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// queryLog counts what a scripted upstream was asked, by name. The zero value
// is empty.
type queryLog struct {
	mu    sync.Mutex
	names []string
}

func (l *queryLog) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
}

// count is how many queries were for a name or for one below it.
func (l *queryLog) count(name string) (n int) {
	for _, asked := range l.all() {
		if strings.HasSuffix("."+asked, "."+name) {
			n++
		}
	}
	return n
}

func (l *queryLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.names)
}
