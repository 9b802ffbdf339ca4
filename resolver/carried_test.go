package resolver

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// rdataOf is the data of a message's first record, which follows a question that
// it has as its owner.
func rdataOf(message []byte) []byte {
	_, at, _ := dns.UnpackDomainName(message, wire.HeaderLen)
	_, at, _ = dns.UnpackDomainName(message, at+4)
	return message[at+10:][:binary.BigEndian.Uint16(message[at+8:])]
}

// The data of an unknown type is passed on unchanged: even what looks like a
// compression pointer (RFC 3597, section 4).
// Shows RFC 1123 6.1.3.5a.
// Shows RFC 3597 3a, 4b.
// Shows RFC 5625 3, 4.3.
func TestUnknownTypesAreCarriedUntouched(t *testing.T) {
	for name, rdata := range map[string]string{
		"octets":               "00ff80c0",
		"like a reference":     "c00c00",
		"like a name":          "03577757076578616d706c6500",
		"nothing":              "",
		"more than a datagram": strings.Repeat("c00c", 700),
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := hex.DecodeString(rdata)
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetReply(q)
				m.Answer = []dns.RR{&dns.RFC3597{
					Hdr:   dns.RR_Header{Name: q.Question[0].Name, Rrtype: 65280, Class: dns.ClassINET, Ttl: 60},
					Rdata: rdata,
				}}
				m.Truncated = w.RemoteAddr().Network() == "udp" && len(want) > wire.UDPLimit
				_ = w.WriteMsg(m)
			})
			c := newCaching(t, u)
			start(t, c.Server)
			for _, source := range []string{"upstream", "cache"} {
				for _, network := range []string{"udp", "tcp"} {
					client := dial(t, c.Server, network)
					client.send(packed(t, withEDNS(query("Www.example.org", 65280), 1232)))
					got := client.receive()
					if cut := network == "udp" && len(want) > wire.UDPLimit; cut != (got[2]&0x02 != 0) || !cut && !bytes.Equal(rdataOf(got), want) {
						t.Errorf("%s, over %s: got %x", source, network, got)
					}
				}
			}
			if got := c.Stats().Cache; got.Hits == 0 {
				t.Errorf("nothing came from the cache: %+v", got)
			}
		})
	}
}

// Records that we need not understand reach the client as they came, and what is
// beside a good answer does not spoil it.
// Shows RFC 3597 4a.
// Shows RFC 5625 4.2.
// Shows RFC 9460 2.2, 4.3.
func TestRecordsAreCarriedAsTheyCame(t *testing.T) {
	const https, opt, in60 = "c00c0041", "0000291000000000000000", "00010000003c"
	record := func(head, rdata string) string { return fmt.Sprintf("%s%s%04x%s", head, in60, len(rdata)/2, rdata) }
	address := record("c00c0001", "c0000201")
	for name, tt := range map[string]struct {
		qtype                         uint16
		answer, authority, additional []string // records
		missing                       byte     // that are counted and not there
		want                          string   // data of the answer
	}{
		"keys that are not sorted": {qtype: dns.TypeHTTPS, answer: []string{record(https, "0001000003000201bb0001000302683200")}, want: "0001000003000201bb0001000302683200"},
		"a key twice":              {qtype: dns.TypeHTTPS, answer: []string{record(https, "0001000003000201bb0003000201bb")}, want: "0001000003000201bb0003000201bb"},
		"a mapped hint":            {qtype: dns.TypeHTTPS, answer: []string{record(https, "00010000060010"+"00000000000000000000ffffc0000201")}, want: "00010000060010" + "00000000000000000000ffffc0000201"},
		"a referenced target":      {qtype: dns.TypeHTTPS, answer: []string{record(https, "0001c0100003000201bb0003000201bb")}, want: "0001076578616d706c65036f7267000003000201bb0003000201bb"},
		"odd windows":              {qtype: dns.TypeNSEC, answer: []string{record("c00c002f", "00010140000140")}, want: "00010140000140"},
		"a relay's name":           {qtype: dns.TypeAMTRELAY, answer: []string{record("c00c0104", "0a030572656c6179076578616d706c6500")}, want: "0a030572656c6179076578616d706c6500"},
		"a bad address beside it":  {qtype: dns.TypeA, answer: []string{address}, additional: []string{record("c00c0001", "c0")}, want: "c0000201"},
		"keys beside it":           {qtype: dns.TypeA, answer: []string{address}, additional: []string{record(https, "0001000003000201bb0001000302683200")}, want: "c0000201"},
		"a bad zone beside it":     {qtype: dns.TypeA, answer: []string{address}, authority: []string{record("c00c0002", "")}, want: "c0000201"},
		"no OPT where one counts":  {qtype: dns.TypeA, answer: []string{address}, missing: 1, want: "c0000201"},
		"an OPT in the answer":     {qtype: dns.TypeA, answer: []string{opt, address}, want: "c0000201"},
		"an OPT in the authority":  {qtype: dns.TypeA, answer: []string{address}, authority: []string{opt}, want: "c0000201"},
		"a bad reason":             {qtype: dns.TypeA, answer: []string{address}, additional: []string{"0000291000000000000005000f000100"}, want: "c0000201"},
		"half an option":           {qtype: dns.TypeA, answer: []string{address}, additional: []string{"0000291000000000000004000a0009"}, want: "c0000201"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := packed(t, new(dns.Msg).SetReply(q))
				for i, section := range [][]string{tt.answer, tt.authority, tt.additional} {
					records, _ := hex.DecodeString(strings.Join(section, ""))
					m[7+2*i] = byte(len(section))
					m = append(m, records...)
				}
				m[11] += tt.missing
				_, _ = w.Write(m)
			})
			c := newCaching(t, u)
			start(t, c.Server)
			want, _ := hex.DecodeString(tt.want)
			for _, source := range []string{"upstream", "cache"} {
				for _, network := range []string{"udp", "tcp"} {
					client := dial(t, c.Server, network)
					client.send(packed(t, withEDNS(query("Www.example.org", tt.qtype), 1232)))
					if got := client.receive(); got[3]&0xf != 0 || got[7] != 1 || !bytes.Equal(rdataOf(got), want) {
						t.Errorf("%s, over %s: got %x", source, network, got)
					}
				}
			}
			if got := c.Stats().Cache; got.Hits == 0 || u.asked.Load() != 1 {
				t.Errorf("asked %d times; the cache: %+v", u.asked.Load(), got)
			}
		})
	}
}

// What a server sends over UDP may be longer than it was asked for.
func TestLongDatagrams(t *testing.T) {
	const many = 3000
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for i := range many {
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
				A:   net.IPv4(192, 0, byte(i>>8), byte(i)),
			})
		}
		m.Compress = true
		_ = w.WriteMsg(m)
	})
	s := start(t, newServer(t, settings(u.addr)))
	if m := dial(t, s, "tcp").exchange(withEDNS(query(asked, dns.TypeA), 1232)); len(m.Answer) != many {
		t.Errorf("got %d records", len(m.Answer))
	}
}

// A client can parse all that it gets: what it could not parse is reported as a
// failure.
// Shows RFC 1034 5.3.3c.
// Shows RFC 8914 4.25.
func TestAnswersThatCannotBePassedOn(t *testing.T) {
	answer := func(records ...string) func(*dns.Msg) []byte {
		return func(q *dns.Msg) []byte {
			m, err := new(dns.Msg).SetReply(q).Pack()
			if err != nil {
				panic(err)
			}
			for _, record := range records {
				octets, _ := hex.DecodeString(record)
				m = append(m, octets...)
			}
			m[7] = byte(len(records))
			return m
		}
	}
	const owner, in60 = "c00c", "00010000003c"
	for name, respond := range map[string]func(*dns.Msg) []byte{
		"an address without data":  answer(owner + "0001" + in60 + "0000"),
		"an exchange without name": answer(owner + "000f" + in60 + "0002000a"),
		"half an SOA":              answer(owner + "0006" + in60 + "0002c00c"),
		"a record of two":          func(q *dns.Msg) []byte { m := answer(owner + "0001" + in60 + "0004c0000201")(q); m[7]++; return m },
		"a name of itself":         answer("c021" + "0001" + in60 + "0004c0000201"),
		"data beyond the end":      answer(owner + "0001" + in60 + "0009c0000201"),
		"more data than an A has":  answer(owner + "0001" + in60 + "0005c000020101"),
		"a header and a question":  func(q *dns.Msg) []byte { m := answer()(q); m[7] = 1; return m },
	} {
		t.Run(name, func(t *testing.T) {
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) { _, _ = w.Write(respond(q)) })
			c := newCaching(t, u)
			start(t, c.Server)
			for _, want := range []int{int(dns.ExtendedErrorCodeInvalidData), int(dns.ExtendedErrorCodeCachedError)} {
				m := dial(t, c.Server, "udp").exchange(withEDNS(query(asked, dns.TypeA), 1232))
				if m.Rcode != dns.RcodeServerFailure || ede(m) != want || len(m.Answer) != 0 {
					t.Errorf("got\n%v", m)
				}
			}
			// Of two servers the other one is asked.
			both := settings(u.addr, newScripted(t, answering(answered60)).addr)
			if got := rcodeOf(t, newServer(t, both), asked, dns.TypeA); got != "NOERROR" {
				t.Errorf("with a second server: %s", got)
			}
		})
	}
}

// optionsOf are a message's options except the extended errors, as text.
func optionsOf(m *dns.Msg) (all []string) {
	for _, option := range m.IsEdns0().Option {
		if option.Option() != dns.EDNS0EDE {
			all = append(all, option.String())
		}
	}
	return all
}

func local(code uint16, data string) *dns.EDNS0_LOCAL {
	return &dns.EDNS0_LOCAL{Code: code, Data: []byte(data)}
}

// Shows RFC 5625 3.
// Shows RFC 7873 5.1.
func TestOptionsAreCarried(t *testing.T) {
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0).To4()}
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	const unknown = 4321
	for name, tt := range map[string]struct {
		query, reply []dns.EDNS0 // of the client and of the upstream
		up, down     []string    // what arrives
	}{
		"none":                 {nil, nil, nil, nil},
		"unknown":              {[]dns.EDNS0{local(unknown, "?")}, []dns.EDNS0{local(unknown, "!")}, []string{"4321:0x3f"}, []string{"4321:0x21"}},
		"empty":                {[]dns.EDNS0{local(unknown, "")}, nil, []string{"4321:0x"}, nil},
		"of local use":         {[]dns.EDNS0{local(65001, "x")}, nil, []string{"65001:0x78"}, nil},
		"the client's subnet":  {[]dns.EDNS0{subnet}, nil, []string{"192.0.2.0/24/0"}, nil},
		"algorithms":           {[]dns.EDNS0{&dns.EDNS0_DAU{AlgCode: []uint8{8}}}, nil, []string{" RSASHA256"}, nil},
		"a cookie":             {[]dns.EDNS0{cookie}, []dns.EDNS0{cookie}, nil, []string{"001122334455667701"}},
		"for neighbours":       {[]dns.EDNS0{&dns.EDNS0_NSID{}, local(13, "."), &dns.EDNS0_PADDING{Padding: make([]byte, 9)}}, []dns.EDNS0{&dns.EDNS0_NSID{Nsid: "aa"}, &dns.EDNS0_PADDING{}}, nil, nil},
		"more than is of use":  {[]dns.EDNS0{local(unknown, strings.Repeat("x", 600))}, []dns.EDNS0{local(unknown, strings.Repeat("x", 600))}, nil, nil},
		"only the upstream's":  {nil, []dns.EDNS0{local(unknown, "!")}, nil, []string{"4321:0x21"}},
		"a mark of a loop too": {[]dns.EDNS0{local(65053, "12345678"), local(unknown, "?")}, nil, []string{"4321:0x3f"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan []string, 4)
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
				if !strings.HasSuffix(q.Question[0].Name, "example.org.") {
					return // a probe
				}
				arrived <- slices.DeleteFunc(optionsOf(q), func(o string) bool { return strings.HasPrefix(o, "65053:") })
				m := new(dns.Msg).SetReply(q)
				m.SetEdns0(1232, false)
				m.IsEdns0().Option = tt.reply
				_ = w.WriteMsg(m)
			})
			s := start(t, newServer(t, settings(u.addr)))
			m := dial(t, s, "udp").exchange(withEDNS(query(asked, dns.TypeA), 1232, tt.query...))
			if got := <-arrived; !slices.Equal(got, tt.up) {
				t.Errorf("the upstream got %q, want %q", got, tt.up)
			}
			down := optionsOf(m)
			if len(down) == 1 && len(tt.down) == 1 && strings.HasPrefix(down[0], tt.down[0]) {
				return
			}
			if !slices.Equal(down, tt.down) {
				t.Errorf("the client got %q, want %q", down, tt.down)
			}
		})
	}
}

// The answer to a query with options is shared with its equals only, and that
// to another query is of no use to it.
func TestOptionsMakeAQueryAnother(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{}, 10)
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		arrived <- struct{}{}
		<-release
		answering(answered60)(w, q)
	})
	c := newCaching(t, u)
	start(t, c.Server)
	plain, special := query(asked, dns.TypeA), withEDNS(query(asked, dns.TypeA), 1232, local(4321, "?"))
	other := withEDNS(query(asked, dns.TypeA), 1232, local(4321, "!"))
	var clients []client
	for _, q := range []*dns.Msg{plain, special, other} {
		for i := range 2 {
			one := dial(t, c.Server, "tcp")
			one.send(packed(t, q))
			if clients = append(clients, one); i == 0 {
				<-arrived
			}
		}
	}
	eventually(t, func() bool { return c.Stats().Coalesced == 3 })
	close(release)
	for _, client := range clients {
		client.receive()
	}
	u.wasAsked(t, 3)
	for range 2 {
		dial(t, c.Server, "udp").exchange(special)
	}
	u.wasAsked(t, 5)
	dial(t, c.Server, "udp").exchange(plain) // which was cached
	u.wasAsked(t, 5)
	if got := c.Stats().Cache.Insertions; got != 1 {
		t.Errorf("%d answers were kept, want that of the plain query", got)
	}
}

// A server that does not understand a client's options is still asked with
// EDNS on behalf of others.
func TestOptionsThatAreRefused(t *testing.T) {
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if opt := q.IsEdns0(); opt != nil && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == 4321 }) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
			return
		}
		answering(answered60)(w, q)
	})
	s := start(t, newServer(t, settings(u.addr)))
	m := dial(t, s, "udp").exchange(withEDNS(query(asked, dns.TypeA), 1232, local(4321, "?")))
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
		t.Errorf("got\n%v", m)
	}
	if status := s.UpstreamStatus()[0]; !status.EDNS {
		t.Errorf("got %+v", status)
	}
}

// Options take no room from the records: TC marks a partial reply.
// Shows RFC 5625 4.4.
func TestOptionsAndRecordsThatDoNotFit(t *testing.T) {
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		answer, _ := dns.NewRR(asked + ". 60 IN TXT " + strings.Repeat(strings.Repeat("x", 100)+" ", 3))
		m.Answer = []dns.RR{answer}
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{local(4321, strings.Repeat("!", 300))}
		_ = w.WriteMsg(m)
	})
	s := start(t, newServer(t, settings(u.addr)))
	q := withEDNS(query(asked, dns.TypeTXT), 512, local(4321, "?"))
	if m := dial(t, s, "udp").exchange(q); !m.Truncated || len(m.Answer) != 1 || len(optionsOf(m)) != 0 {
		t.Errorf("over UDP: got\n%v", m)
	}
	if m := dial(t, s, "tcp").exchange(q); m.Truncated || len(m.Answer) != 1 || len(optionsOf(m)) != 1 {
		t.Errorf("over TCP: got\n%v", m)
	}
}

// What a client asks for by DO, CD and RD is what the upstream is asked for; AD
// is set by nodedns.
// Shows RFC 1034 4.3.1b.
// Shows RFC 4035 3.2.1a, 3.2.1b, 3.2.2b, 4.6.
// Shows RFC 6891 6.1.4a.
func TestBitsAreCarried(t *testing.T) {
	for name, tt := range map[string]struct {
		do, cd, rd, ad, trust bool
		want                  [4]bool // DO, CD, RD, AD
	}{
		"none":    {want: [4]bool{}},
		"DO":      {do: true, rd: true, want: [4]bool{true, false, true, false}},
		"CD":      {cd: true, rd: true, want: [4]bool{false, true, true, false}},
		"AD":      {ad: true, rd: true, want: [4]bool{false, false, true, false}},
		"trusted": {rd: true, trust: true, want: [4]bool{false, false, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan [4]bool, 4)
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
				if strings.EqualFold(q.Question[0].Name, asked+".") {
					arrived <- [4]bool{q.IsEdns0().Do(), q.CheckingDisabled, q.RecursionDesired, q.AuthenticatedData}
				}
				answering(answered60)(w, q)
			})
			set := settings(u.addr)
			set.Upstreams.TrustAD = tt.trust
			q := query(asked, dns.TypeA)
			q.SetEdns0(1232, tt.do)
			q.CheckingDisabled, q.RecursionDesired, q.AuthenticatedData = tt.cd, tt.rd, tt.ad
			m := dial(t, start(t, newServer(t, set)), "udp").exchange(q)
			if got := <-arrived; got != tt.want {
				t.Errorf("the upstream got %v, want %v", got, tt.want)
			}
			if m.IsEdns0().Do() != tt.do || m.CheckingDisabled != tt.cd || m.RecursionDesired != tt.rd {
				t.Errorf("the client got\n%v", m)
			}
		})
	}
}

// A long chain of one upstream is passed on, and not completed.
// Shows RFC 1034 3.6.2b.
func TestLongChain(t *testing.T) {
	var chain []string
	for i := range 200 {
		chain = append(chain, fmt.Sprintf("%d.example.org. 60 IN CNAME %d.example.org.", i, i+1))
	}
	u := newScripted(t, answering(chain...))
	s := start(t, newCaching(t, u).Server)
	for range 2 {
		m := dial(t, s, "tcp").exchange(query("0.example.org", dns.TypeA))
		if m.Rcode != dns.RcodeSuccess || !slices.Equal(texts(m.Answer), chain) {
			t.Errorf("got %d records with %s", len(m.Answer), dns.RcodeToString[m.Rcode])
		}
	}
	if n := s.Stats().Cache.Entries; n != 0 {
		t.Errorf("%d entries: nothing says for how long there is no address", n)
	}
}

// The top bit of a TTL makes it 0 (RFC 2181, section 8), and none is longer than
// what the cache would keep.
// Shows RFC 1035 7.3c.
// Shows RFC 2181 8a.
// Shows RFC 8767 4a.
func TestTTLsBeyondTheLargest(t *testing.T) {
	u := newScripted(t, answering("www.example.org. 2147483648 IN A 192.0.2.1", "www.example.org. 2147483647 IN A 192.0.2.2"))
	s := start(t, newServer(t, settings(u.addr)))
	m := dial(t, s, "udp").exchange(query(asked, dns.TypeA))
	if len(m.Answer) != 2 || m.Answer[0].Header().Ttl != 0 || m.Answer[1].Header().Ttl != 24*60*60 {
		t.Errorf("got\n%v", m)
	}
}
