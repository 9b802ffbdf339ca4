package integration

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// repeatedQueries is how often a server is asked, and what others pay for it.
func repeatedQueries() []everydayRow {
	rows := []everydayRow{
		{
			"a name that a server never answers, which answers others: the queries to it",
			"SERVFAIL after 3 over UDP and 1 over TCP", unansweredName, nil,
		},
		{
			"300 names that are never answered, 40 of them a second, and 75 that are, meanwhile",
			"75 of 75 answered", unansweredNames, nil,
		},
		{
			"400 equal queries with an EDNS option, all before the server has answered one",
			"at most 10 queries", equalQueries, nil,
		},
	}
	for _, code := range []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeFormatError, dns.RcodeNotImplemented} {
		rows = append(rows, everydayRow{
			"100 equal queries, one after another; the server says " + dns.RcodeToString[code],
			"at most 10 queries", repeatedFailure(code), nil,
		})
	}
	return rows
}

func unansweredName(s *site) string {
	var datagrams, overTCP queryLog
	s.behind(s.server(silentTo("never.", &datagrams, &overTCP)))
	if got := s.ask("before.example"); got != answered {
		return got + " at first"
	}
	begin := time.Now()
	text := s.ask("never.example")
	took := time.Since(begin)
	text += fmt.Sprintf(" after %d over UDP", datagrams.count("never.example."))
	if count := overTCP.count("never.example."); count > 0 {
		text += fmt.Sprintf(" and %d over TCP", count)
	}
	return text + within(took)
}

// silentTo is a script that answers all names but those with such a beginning. It
// counts what it gets.
func silentTo(prefix string, datagrams, overTCP *queryLog) script {
	return script{
		udp: func(s *scripted, q query, from netip.AddrPort) {
			if datagrams.add(q.name()); !strings.HasPrefix(q.name(), prefix) {
				answersProperly(s, q, from)
			}
		},
		tcp: func(s *scripted, q query, conn net.Conn) {
			if overTCP.add(q.name()); !strings.HasPrefix(q.name(), prefix) {
				answersWellByTCP(s, q, conn)
			}
		},
	}
}

func unansweredNames(s *site) string {
	const names, good = 300, 75
	s.behind(s.server(silentTo("never-", new(queryLog), new(queryLog))))
	conn, err := s.node.dial("udp", "127.0.0.53:53")
	must(s.t, err)
	defer conn.Close()
	outcomes := make(chan string, good)
	for i := range names {
		message, err := newQuery(fmt.Sprintf("never-%d.example", i)).Pack()
		must(s.t, err)
		_, err = conn.Write(message)
		must(s.t, err)
		if i%(names/good) == 0 {
			go func() { outcomes <- s.ask(fmt.Sprintf("good-%d.example", i)) }()
		}
		time.Sleep(25 * time.Millisecond) // the rate
	}
	count := 0
	for range good {
		if <-outcomes == answered {
			count++
		}
	}
	return fmt.Sprintf("%d of %d answered", count, good)
}

// equalQueries are sent in parts: of a larger one the socket would drop some. A
// forwarder has taken a part when it has answered a query behind it.
func equalQueries(s *site) string {
	var asked queryLog
	release := make(chan struct{})
	s.behind(s.server(script{udp: func(s *scripted, q query, from netip.AddrPort) {
		if !strings.HasPrefix(q.name(), "equal.") {
			answersProperly(s, q, from)
			return
		}
		asked.add(q.name())
		s.tasks.Go(func() {
			select {
			case <-release:
				answersProperly(s, q, from)
			case <-s.ended:
			}
		})
	}}))
	query := newQuery("equal.example")
	opt := query.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("everyday")})
	conn, err := s.node.dial("udp", "127.0.0.53:53")
	must(s.t, err)
	defer conn.Close()
	for i := range 400 {
		query.Id = uint16(i)
		message, err := query.Pack()
		must(s.t, err)
		_, err = conn.Write(message)
		must(s.t, err)
		if i%50 == 49 {
			must(s.t, s.node.answers("NOERROR", "localhost"))
		}
	}
	count := asked.count("equal.example.")
	close(release)
	if got := outcome(s.exchange("udp", query, answerWithin)); got != answered {
		return got
	}
	return queries(count)
}

func repeatedFailure(code int) func(s *site) string {
	return func(s *site) string {
		var asked queryLog
		s.behind(s.server(says(func(q query) []byte {
			if !strings.HasPrefix(q.name(), "failing.") {
				return q.properly(goodRecord)
			}
			asked.add(q.name())
			return changed(q.properly(), flagsLow, 0x80|byte(code))
		})))
		// On a busy machine 100 take so long that it is right to try again.
		for i, begin := 0, time.Now(); i < 100 && time.Since(begin) < 3*time.Second; i++ {
			s.ask("failing.example")
		}
		return queries(asked.count("failing.example."))
	}
}
