package fastpath

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

const node = "metropolis-0000000000000000000000000000000a"

func query(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
}

func withEDNS(m *dns.Msg, options ...dns.EDNS0) *dns.Msg {
	m.SetEdns0(1232, true)
	m.IsEdns0().Option = options
	return m
}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Shows RFC 1123 2.1b, 6.1.3.5b.
func TestParse(t *testing.T) {
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	checking := query("www.Example", dns.TypeMX)
	checking.CheckingDisabled = true
	for name, tt := range map[string]struct {
		query   *dns.Msg
		cookie  string
		do, cd  bool
		udpSize uint16
	}{
		"plain":        {query(node, dns.TypeA), "", false, false, 0},
		"capitals, CD": {checking, "", false, true, 0},
		"the root":     {query(".", dns.TypeNS), "", false, false, 0},
		"odd octets":   {query(`\000\@\[\`+"`"+`\{\200Z.example`, dns.TypeA), "", false, false, 0},
		"longest name": {query(strings.Repeat("A23456789012345678901234567890.", 8)+"ABCDE.", dns.TypeA), "", false, false, 0},
		"EDNS":         {withEDNS(query(node, dns.TypeTXT)), "", true, false, 1232},
		"a cookie":     {withEDNS(query(node, dns.TypeTXT), cookie), "\x00\x11\x22\x33\x44\x55\x66\x77", true, false, 1232},
	} {
		t.Run(name, func(t *testing.T) {
			q := &Query{Cookie: []byte("of another query"), EDNS: true, UDPSize: 1}
			message := packed(t, tt.query)
			if !q.Parse(message) {
				t.Fatal("not taken")
			}
			asked := tt.query.Question[0]
			want, err := decision.ParseName(asked.Name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(q.Name, want) || q.Type != asked.Qtype || q.DO != tt.do || q.CD != tt.cd {
				t.Errorf("question %+v, want %+v", q.Question, asked)
			}
			if q.EDNS != (tt.udpSize != 0) || q.UDPSize != tt.udpSize || string(q.Cookie) != tt.cookie {
				t.Errorf("EDNS %t, size %d, cookie %q", q.EDNS, q.UDPSize, q.Cookie)
			}
		})
	}
}

// mutations make a query with a cookie into one for the ordinary path.
var mutations = map[string]func([]byte) []byte{
	"shorter than a header":  func(b []byte) []byte { return b[:headerLen-1] },
	"a header only":          func(b []byte) []byte { return b[:headerLen] },
	"a response":             set(2, 0x80),
	"an opcode":              set(2, 0x10),
	"AA":                     set(2, 0x04),
	"TC":                     set(2, 0x02),
	"RA":                     set(3, 0x80),
	"Z":                      set(3, 0x40),
	"an rcode":               set(3, 0x01),
	"no question":            set(5, 0),
	"two questions":          set(5, 2),
	"256 more questions":     set(4, 1),
	"an answer":              set(7, 1),
	"an authority":           set(9, 1),
	"no additional counted":  set(11, 0),
	"two additional counted": set(11, 2),
	"256 more of them":       set(10, 1),
	"a reference":            set(headerLen, 0xc0),
	"a label of 64 octets":   set(headerLen, 64),
	"a name without end":     set(headerLen, 63),
	"class CH":               set(questionEnd-1, 3),
	"type ANY":               set(questionEnd-3, 255),
	"type AXFR":              set(questionEnd-3, 252),
	"type TSIG":              set(questionEnd-3, 250),
	"type OPT":               set(questionEnd-3, 41),
	"type 0":                 set(questionEnd-3, 0),
	"OPT not at the root":    set(questionEnd, 1),
	"no OPT":                 set(questionEnd+2, 1),
	"an extended rcode":      set(questionEnd+5, 1),
	"EDNS version 1":         set(questionEnd+6, 1),
	"CO":                     set(questionEnd+7, 0xc0),
	"another flag":           set(questionEnd+8, 1),
	"options too short":      set(questionEnd+10, 11),
	"options too long":       set(questionEnd+10, 13),
	"another option":         set(questionEnd+12, 12),
	"an option too short":    set(questionEnd+14, 7),
	"an option too long":     set(questionEnd+14, 9),
	"trailing octets":        func(b []byte) []byte { return append(b, 0) },
	"cut":                    func(b []byte) []byte { return b[:len(b)-1] },
	"cut in the question":    func(b []byte) []byte { return b[:questionEnd-1] },
	"cut in the OPT":         func(b []byte) []byte { return b[:questionEnd+5] },
	"two cookies": func(b []byte) []byte {
		b[questionEnd+10] = 24
		return append(b, b[questionEnd+optLen:]...)
	},
	"one stray octet in the OPT":   strayOctets(1),
	"three stray octets in it":     strayOctets(3),
	"an option without its length": strayOctets(2),
	"a cookie of 7 octets": func(b []byte) []byte {
		b[questionEnd+10], b[questionEnd+14] = 11, 7
		return b[:len(b)-1]
	},
	"trailing octets without OPT": func(b []byte) []byte {
		b[11] = 0
		return b[:questionEnd+1]
	},
	"a name of 256 octets": func(b []byte) []byte {
		label := strings.Repeat("x", 63)
		return slices.Insert(b, headerLen, []byte("\x3f"+label+"\x3f"+label+"\x3f"+label+"\x12"+label[:18])...)
	},
}

// strayOctets makes the data of the OPT the beginning of an option's header.
func strayOctets(n byte) func([]byte) []byte {
	return func(b []byte) []byte {
		b[questionEnd+10] = n
		return b[:questionEnd+optLen+int(n)]
	}
}

// questionEnd is where the OPT record of such a query begins.
const questionEnd = headerLen + 1 + len(node) + 1 + 4

func set(at int, octet byte) func([]byte) []byte {
	return func(b []byte) []byte { b[at] = octet; return b }
}

// Shows RFC 1035 2.3.4b.
func TestParseLeavesAlone(t *testing.T) {
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	valid := packed(t, withEDNS(query(node, dns.TypeA), cookie))
	q := new(Query)
	if !q.Parse(valid) || binary.BigEndian.Uint16(valid[questionEnd+1:]) != dns.TypeOPT {
		t.Fatal("what is changed is not taken itself")
	}
	for name, change := range mutations {
		t.Run(name, func(t *testing.T) {
			if q.Parse(change(slices.Clone(valid))) {
				t.Error("taken")
			}
		})
	}
}

// Shows RFC 4343 3.1.
func TestCapitalsIn(t *testing.T) {
	for octet := range 256 {
		for at := range 8 {
			word := [8]byte{'a', 'Z', '@', '[', 'A', 0xc1, 0x80, 0xff}
			word[at] = byte(octet)
			want := [8]byte{}
			for i, c := range word {
				if c >= 'A' && c <= 'Z' {
					want[i] = 0x80
				}
			}
			if got := capitalsIn(binary.LittleEndian.Uint64(word[:])); got != binary.LittleEndian.Uint64(want[:]) {
				t.Fatalf("%x: %x, want %x", word, got, want)
			}
		}
	}
}

// A capital must be found wherever in a name it is, however long that is.
func TestParseLowers(t *testing.T) {
	t.Parallel()
	for length := 1; length <= maxLabel; length++ {
		for place := range length {
			small := strings.Repeat("a", length)
			q := new(Query)
			if !q.Parse(packed(t, query(small[:place]+"A"+small[place+1:], dns.TypeA))) {
				t.Fatalf("a label of %d: not taken", length)
			}
			if got := string(q.Name[1 : 1+length]); got != small {
				t.Fatalf("a label of %d with a capital at %d is read as %q", length, place, got)
			}
		}
	}
}
