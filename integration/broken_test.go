package integration

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// brokenServer is an upstream that is malicious, or just bad.
type brokenServer struct {
	name string
	does script
	// cause is the text of the extended error, or "" where the daemon gets the
	// right answer out of it all the same.
	cause string
}

// What the daemon reports of them.
const (
	silent     = "no answer in time"
	closed     = "the connection was closed"
	unreadable = "its answer cannot be read"
	notWhole   = "its answer is not whole"
	bare       = "its answer is a header only"
)

// Whatever a server does, a client gets the right answer, from that server or
// from the next, or an error with its cause. None of them gets a forgery.
func TestBrokenServers(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	h := l.join("servers").address()
	second := newScripted(h, script{udp: answersWell}).addr()
	n := newNode(l, "node")
	n.address()
	config := []string{"[upstream]", "servers = []", "randomize_case = true"}
	type placed struct {
		brokenServer
		alone, first *scripted
	}
	var cases []placed
	for i, b := range brokenServers() {
		p := placed{b, newScripted(h, b.does), newScripted(h, b.does)}
		cases = append(cases, p)
		config = append(config,
			route(fmt.Sprintf("alone%d.example", i), p.alone.addr()),
			route(fmt.Sprintf("first%d.example", i), p.first.addr(), second))
	}
	n.configure(config...)
	n.boot()
	n.awaitReady()
	// The names have so many letters that their case cannot be guessed.
	for i, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := n.ask(fmt.Sprintf("a-rather-long-name.alone%d.example", i), "A")
			must(t, err)
			must(t, test.right(r))
			if test.alone.asked.Load() == 0 {
				t.Error("the server was not asked")
			}
		})
		t.Run(test.name+", and a good one", func(t *testing.T) {
			t.Parallel()
			r, err := n.ask(fmt.Sprintf("a-rather-long-name.first%d.example", i), "A")
			must(t, err)
			must(t, r.expectStatus("NOERROR"))
			must(t, r.expectAnswer(goodData))
			if test.first.asked.Load() == 0 {
				t.Error("the first server was not asked")
			}
		})
	}
}

// route is a part of a configuration: a domain and its servers.
func route[Server any](domain string, servers ...Server) string {
	var quoted []string
	for _, s := range servers {
		quoted = append(quoted, strconv.Quote(fmt.Sprint(s)))
	}
	return fmt.Sprintf("[[upstream.route]]\ndomains = [%q]\nservers = [%s]", domain, strings.Join(quoted, ", "))
}

// right fails unless a reply is what can be made of the server's behaviour: the
// answer, or else the extended error that names the cause: 24 (Invalid Data)
// where there is a useless answer, and 22 (No Reachable Authority) for all
// else.
func (b brokenServer) right(r reply) error {
	if b.cause == "" {
		return errors.Join(r.expectStatus("NOERROR"), r.expectAnswer(goodData))
	}
	number := 22
	if slices.Contains([]string{unreadable, notWhole, bare}, b.cause) {
		number = 24
	}
	if !r.hasError(number, b.cause) {
		return fmt.Errorf("want the extended error %d %q:\n%s", number, b.cause, r.text)
	}
	return errors.Join(r.expectStatus("SERVFAIL"), r.expectAnswer(""))
}

func brokenServers() []brokenServer {
	return slices.Concat(forgers(), deafToEDNS(), badOverTCP(), plainlyBroken())
}

// says is a script for UDP that answers with one message.
func says(message func(q query) []byte) script {
	return script{udp: func(s *scripted, q query, from netip.AddrPort) { s.say(from, message(q)) }}
}

// answersWell is what a server should do.
func answersWell(s *scripted, q query, from netip.AddrPort) { s.say(from, q.reply(goodRecord)) }

// answersWellByTCP is the same over a connection.
func answersWellByTCP(_ *scripted, q query, conn net.Conn) {
	_, _ = conn.Write(framed(q.reply(goodRecord))) // the other side may have gone
}

// forgers send what is not the reply. Some are followed by the real one.
func forgers() []brokenServer {
	wrongID := func(q query) []byte { m := q.reply(forgedRecord); return changed(m, 1, m[1]^1) }
	wrongName := func(q query) []byte { m := q.reply(forgedRecord); return changed(m, headerLen+1, 'x') }
	wrongType := func(q query) []byte {
		m := q.reply(forgedRecord)
		return changed(m, headerLen+len(q.question())-3, 28)
	}
	small := func(q query) []byte {
		m := q.reply(forgedRecord)
		copy(m[headerLen:], strings.ToLower(q.question()))
		return m
	}
	return []brokenServer{
		{"the wrong ID", says(wrongID), silent},
		{"another name", says(wrongName), silent},
		{"another type", says(wrongType), silent},
		{"no question", says(func(q query) []byte { return append([]byte(q[:2]), "\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00"...) }), bare},
		{"a query and no reply", says(func(q query) []byte { return changed(q.reply(forgedRecord), flagsHigh, 1) }), silent},
		{"another opcode", says(func(q query) []byte { return changed(q.reply(forgedRecord), flagsHigh, 0xa1) }), silent},
		{"another port", script{udp: func(s *scripted, q query, from netip.AddrPort) {
			_, _ = s.other.WriteToUDPAddrPort(q.reply(forgedRecord), from) // as in say
		}}, silent},
		{"other letters", says(small), closed},
		{"other letters, but not over TCP", script{udp: says(small).udp, tcp: answersWellByTCP}, ""},
		{"forged before the answer", script{udp: func(s *scripted, q query, from netip.AddrPort) {
			s.say(from, wrongID(q))
			s.say(from, wrongName(q))
			answersWell(s, q, from)
		}}, ""},
		{"a flood of guesses", script{udp: guesses, tcp: answersWellByTCP}, ""},
	}
}

// guesses tries a thousand IDs, all but the right one.
func guesses(s *scripted, q query, from netip.AddrPort) {
	for i := range 1000 {
		m := q.reply(forgedRecord)
		m[0] ^= byte(i >> 8)
		m[1] ^= byte(i)
		if i != 0 {
			s.say(from, m)
		}
	}
}

// deafToEDNS are servers without EDNS (RFC 1035 only).
func deafToEDNS() []brokenServer {
	unless := func(refuse func(q query) []byte) script {
		return script{udp: func(s *scripted, q query, from netip.AddrPort) {
			switch {
			case !q.hasEDNS():
				answersWell(s, q, from)
			case refuse != nil:
				s.say(from, refuse(q))
			}
		}}
	}
	return []brokenServer{
		{"FORMERR to EDNS", unless(func(q query) []byte { return q.fails(1) }), ""},
		{"FORMERR to EDNS, a bare header", unless(func(q query) []byte { return changed(q.fails(1)[:headerLen], 5, 0) }), ""},
		{"NOTIMP to EDNS", unless(func(q query) []byte { return q.fails(4) }), ""},
		{"silence to EDNS", unless(nil), ""},
	}
}

// badOverTCP are servers that set TC, so that queries go over TCP.
func badOverTCP() []brokenServer {
	truncates := func(tcp func(s *scripted, q query, conn net.Conn)) script {
		return script{udp: says(query.cut).udp, tcp: tcp}
	}
	writes := func(message func(q query) []byte) script {
		return truncates(func(_ *scripted, q query, conn net.Conn) {
			_, _ = conn.Write(message(q)) // the other side may have gone
			conn.Close()
		})
	}
	return []brokenServer{
		{"right over TCP", truncates(answersWellByTCP), ""},
		{"TCP closed at once", truncates(nil), closed},
		{"TCP half closed", truncates(func(_ *scripted, _ query, conn net.Conn) { _ = conn.(*net.TCPConn).CloseWrite() }), closed},
		// Either the connection or the query times out first.
		{"TCP silent", truncates(func(*scripted, query, net.Conn) {}), "10.88.0."},
		{"TCP with too great a length", writes(func(q query) []byte { return changed(framed(q.reply(goodRecord)), 0, 0x7f) }), closed},
		{"TCP with too small a length", writes(func(q query) []byte { return changed(framed(q.reply(forgedRecord)), 1, 20) }), closed},
		{"TCP with length 0", writes(func(query) []byte { return []byte{0, 0} }), closed},
		{"TCP with the wrong ID", writes(func(q query) []byte { m := framed(q.reply(forgedRecord)); return changed(m, 3, m[3]^1) }), closed},
		{"TCP truncated too", writes(func(q query) []byte { return framed(q.cut()) }), "truncated over TCP too"},
		{"TCP octet by octet", truncates(func(_ *scripted, q query, conn net.Conn) {
			for _, octet := range framed(q.reply(goodRecord)) {
				_, _ = conn.Write([]byte{octet}) // the other side may have gone
			}
		}), ""},
	}
}

// plainlyBroken are all the others.
func plainlyBroken() []brokenServer {
	return []brokenServer{
		{"silent", script{}, silent},
		{"slow", script{udp: func(s *scripted, q query, from netip.AddrPort) {
			s.later(700*time.Millisecond, func() { answersWell(s, q, from) })
		}}, ""},
		{"too slow", script{udp: func(s *scripted, q query, from netip.AddrPort) {
			s.later(5*time.Second, func() { answersWell(s, q, from) })
		}}, silent},
		{"too short for a header", says(func(q query) []byte { return []byte(q[:7]) }), silent},
		{"a record cut off", says(func(q query) []byte { m := q.reply(goodRecord); return m[:len(m)-3] }), unreadable},
		{"a count too great", says(func(q query) []byte { return changed(q.reply(goodRecord), 7, 9) }), unreadable},
		{"a name that points at itself", says(func(q query) []byte {
			m := q.reply(goodRecord)
			return changed(m, headerLen+len(q.question())+1, byte(headerLen+len(q.question())))
		}), notWhole},
		{"SERVFAIL", says(func(q query) []byte { return q.fails(2) }), "answered SERVFAIL"},
	}
}
