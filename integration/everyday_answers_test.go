package integration

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// orderedServers are two servers, of which the first one is to be asked.
func orderedServers() []everydayRow {
	rows := []everydayRow{{
		"a company's server first, and a public one second, which is faster and denies the company's names",
		"40 of 40 answered", companyFirst, nil,
	}, {
		"the first of two servers is silent; 20 names, one after another",
		"20 of 20 answered", func(s *site) string {
			s.behind(s.server(script{}), s.server(script{udp: answersProperly}))
			return s.askEach(20)
		}, nil,
	}}
	for _, bad := range []struct {
		name string
		says func(q query) []byte
	}{
		{"says FORMERR", func(q query) []byte { return q.fails(1) }},
		{"says NOTAUTH", func(q query) []byte { return q.fails(9) }},
		{"says SERVFAIL", func(q query) []byte { return q.fails(2) }},
		{"says REFUSED", func(q query) []byte { return q.fails(5) }},
		{"has no answer, and neither recurses nor is the zone's", func(q query) []byte { return changed(q.reply(), flagsLow, 0) }},
		{"only refers to other servers", func(q query) []byte {
			referral := changed(q.reply(wireRecordOf("\x07example\x00", dns.TypeNS, 300, "\x02ns\x07example\x00")), flagsLow, 0)
			return changed(changed(referral, 7, 0), 9, 1)
		}},
		{"says a header and nothing more", func(q query) []byte { return changed(q.reply()[:headerLen], 5, 0) }},
		{"says what can't be read", func(q query) []byte { m := q.reply(goodRecord); return m[:len(m)-3] }},
	} {
		rows = append(rows, everydayRow{
			"the first of two servers " + bad.name + "; 5 names",
			"5 of 5 answered", func(s *site) string {
				s.behind(s.server(says(bad.says)), s.server(script{udp: answersProperly, tcp: answersWellByTCP}))
				return s.askEach(5)
			}, nil,
		})
	}
	return rows
}

// companyFirst has a first server that is slow enough to be so for a busy machine
// too: the deadline that it gets follows from its usual time.
func companyFirst(s *site) string {
	company := s.server(script{udp: func(s *scripted, q query, from netip.AddrPort) {
		s.later(300*time.Millisecond, func() { answersProperly(s, q, from) })
	}})
	public := s.server(says(func(q query) []byte { return changed(q.properly(), flagsLow, 0x83) }))
	s.behind(company, public)
	s.ask("before.example")
	return s.askAll("udp", 40)
}

// ownNames are names that the forwarder has by itself, or from another server than
// most.
func ownNames() []everydayRow {
	return []everydayRow{
		{"an alias leads to a name of the hosts file", "followed", aliasToHosts(false), nil},
		{"the same, and the server forges that name's address beside it", "followed", aliasToHosts(true), nil},
		{"an alias leads to a domain that has a server of its own", "followed", aliasToRoute, nil},
		{"type DS of a domain that has a server of its own", "asked above it", apexDS, nil},
		{"type SOA of a private reverse zone (RFC 6303)", "answered", emptyZone, nil},
		{"answers with private addresses are kept out; type A of ipv4only.arpa (RFC 7050)", answered, translatorPrefix, []string{"systemd-resolved"}},
	}
}

const ownAddress, forgedData = "192.0.2.77", "192.0.2.66" // the latter as in forgedRecord

func aliasToHosts(forges bool) func(s *site) string {
	return func(s *site) string {
		const own = "\x05inner\x03net\x00"
		alias := wireRecord(dns.TypeCNAME, 300, own)
		server := s.server(says(func(q query) []byte {
			switch {
			case !strings.HasPrefix(q.name(), "www."):
				return changed(q.properly(), flagsLow, 0x83)
			case forges:
				return q.properly(alias, wireRecordOf(own, dns.TypeA, 300, "\xc0\x00\x02\x42"))
			}
			return q.properly(alias)
		}))
		s.begin(wiring{servers: addrsOf(server), hosts: map[string]string{"inner.net": ownAddress}})
		return s.followed("www.example", ownAddress)
	}
}

func aliasToRoute(s *site) string {
	public := s.server(says(func(q query) []byte {
		if strings.HasPrefix(q.name(), "www.") {
			return q.properly(wireRecord(dns.TypeCNAME, 300, "\x02db\x04corp\x07example\x00"))
		}
		return changed(q.properly(), flagsLow, 0x83)
	}))
	inside := s.server(script{udp: answersProperly})
	s.begin(wiring{servers: addrsOf(public), route: "corp.example", routeServer: inside.addr()})
	return s.followed("www.example", goodData)
}

// followed states where the alias that a name is leads to.
func (s *site) followed(name, want string) string {
	s.t.Helper()
	m, err := s.exchange("udp", newQuery(name), answerWithin)
	switch {
	case err != nil || m.Rcode != dns.RcodeSuccess:
		return outcome(m, err)
	case hasAddress(m, want):
		return "followed"
	case hasAddress(m, forgedData):
		return "forged"
	}
	return "not followed"
}

func apexDS(s *site) string {
	var above, below queryLog
	denies := func(asked *queryLog) script {
		return says(func(q query) []byte {
			asked.add(q.name())
			return q.properly()
		})
	}
	public, inside := s.server(denies(&above)), s.server(denies(&below))
	s.begin(wiring{servers: addrsOf(public), route: "corp.example", routeServer: inside.addr()})
	m, err := s.exchange("udp", new(dns.Msg).SetQuestion("corp.example.", dns.TypeDS).SetEdns0(1232, true), answerWithin)
	switch {
	case below.count("corp.example.") > 0:
		return "asked below it"
	case above.count("corp.example.") > 0:
		return "asked above it"
	}
	return outcome(m, err)
}

func emptyZone(s *site) string {
	s.behind(s.server(says(func(q query) []byte { return changed(q.properly(), flagsLow, 0x83) })))
	m, err := s.exchange("udp", new(dns.Msg).SetQuestion("2.0.192.in-addr.arpa.", dns.TypeSOA), answerWithin)
	if err == nil && len(m.Answer) > 0 {
		return answered
	}
	return outcome(m, err)
}

// translatorPrefix asks for a private address as well, to be sure.
func translatorPrefix(s *site) string {
	server := s.server(says(func(q query) []byte {
		if q.name() == "ipv4only.arpa." {
			return q.properly(wireRecord(dns.TypeA, 300, "\xc0\x00\x00\xaa"))
		}
		return q.properly(wireRecord(dns.TypeA, 300, "\x0a\x00\x00\x01"))
	}))
	s.begin(wiring{servers: addrsOf(server), rebind: true})
	has := func(name string) bool {
		m, err := s.exchange("udp", newQuery(name), answerWithin)
		return err == nil && len(m.Answer) > 0
	}
	switch {
	case has("private.example"):
		return "not kept out"
	case has("ipv4only.arpa"):
		return answered
	}
	return "kept out"
}

// readableReplies are replies that others can read.
func readableReplies() []everydayRow {
	https := func(data string) func(s *site) string {
		return func(s *site) string { return s.carried(dns.TypeHTTPS, data) }
	}
	sends := func(message func(q query) []byte) func(s *site) string {
		return func(s *site) string {
			s.behind(s.server(script{udp: says(message).udp, tcp: answersWellByTCP}))
			return s.ask("name.example")
		}
	}
	const opt = "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
	return []everydayRow{
		{"an answer of 5,000 octets over UDP", answered, sends(func(q query) []byte {
			return q.reply(goodRecord, wireRecordOf("\x03pad"+theName, dns.TypeTXT, 300, strings.Repeat("\xc8"+strings.Repeat("x", 200), 24)))
		}), nil},
		{"the count of additional records has an OPT record that is not there", answered, sends(func(q query) []byte {
			return changed(q.reply(goodRecord), additionals, 1)
		}), nil},
		{"the OPT record is in the answer section", answered, sends(func(q query) []byte {
			return q.reply(goodRecord, opt)
		}), nil},
		{"a good answer, and an additional A record of three octets", answered, sends(func(q query) []byte {
			message := changed(q.reply(goodRecord), additionals, 1)
			return append(message, wireRecordOf("\x05other"+theName, dns.TypeA, 300, "\xc0\x00\x02")...)
		}), nil},
		{"an HTTPS record whose keys are not in order", "carried", https("\x00\x01\x00\x00\x04\x00\x04\xc0\x00\x02\x01\x00\x01\x00\x03\x02h2"), nil},
		{"an HTTPS record with an IPv4 address as an IPv6 hint", "carried", https("\x00\x01\x00\x00\x06\x00\x10" + strings.Repeat("\x00", 10) + "\xff\xff\xc0\x00\x02\x01"), nil},
	}
}

// carried states whether a record arrives as the server has it.
func (s *site) carried(typ uint16, data string) string {
	s.t.Helper()
	s.behind(s.server(says(func(q query) []byte { return q.properly(wireRecord(typ, 300, data)) })))
	conn, err := s.node.dial("udp", "127.0.0.53:53")
	must(s.t, err)
	defer conn.Close()
	message, err := new(dns.Msg).SetQuestion("name.example.", typ).SetEdns0(1232, false).Pack()
	must(s.t, err)
	_, err = conn.Write(message)
	must(s.t, err)
	must(s.t, conn.SetReadDeadline(time.Now().Add(answerWithin)))
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		return outcome(nil, err)
	}
	if code := int(buf[flagsLow] & 0xf); code != dns.RcodeSuccess {
		return dns.RcodeToString[code]
	}
	if bytes.Contains(buf[:n], []byte(data)) {
		return "carried"
	}
	return "left out"
}
