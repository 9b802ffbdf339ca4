package integration

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// oddRecords are records that some programs read and others do not: by the first
// label of a name, type and data in hexadecimal digits.
var oddRecords = map[string]struct {
	typ  string
	data string
}{
	"unsorted": {"HTTPS", "000100" + "0003000201bb" + "00010003026832"},
	"doubled":  {"SVCB", "000100" + "0003000201bb" + "0003000201bc"},
	"mapped":   {"HTTPS", "000100" + "00060010" + "00000000000000000000ffffc0000201"},
	"windows":  {"NSEC", "026e7300" + "010140" + "000140"},
	"zeros":    {"NSEC", "026e7300" + "00024000"},
	"relay":    {"AMTRELAY", "0a03" + "0572656c6179076578616d706c6500"},
	"gateway":  {"IPSECKEY", "0a0302" + "02677700" + "0103"},
	"prefixes": {"APL", "00011804" + "c0000200"},
	"unknown":  {"TYPE65400", "c00cff"},
	"referred": {"MX", "000ac00c"},
}

// answersOddly has those records, and for the first labels named here a good address
// beside what is not right.
func answersOddly(s *scripted, q query, from netip.AddrPort) {
	label, _, _ := strings.Cut(q.name(), ".")
	address := q.reply(goodRecord)
	if odd, ok := oddRecords[label]; ok {
		typ, known := dns.StringToType[odd.typ]
		if !known {
			_, _ = fmt.Sscanf(odd.typ, "TYPE%d", &typ) // checked by the answer
		}
		data, _ := hex.DecodeString(odd.data)
		s.say(from, q.reply(wireRecord(typ, 300, string(data))))
		return
	}
	switch label {
	case "additional":
		s.say(from, append(changed(address, additionals, 1), wireRecord(dns.TypeA, 300, "\xc0")...))
	case "count":
		s.say(from, changed(address, additionals, 1))
	case "place":
		s.say(from, q.reply(wireRecordOf("\x00", dns.TypeOPT, 0, ""), goodRecord))
	case "option":
		s.say(from, append(changed(address, additionals, 1), wireRecordOf("\x00", dns.TypeOPT, 0, "\x00\x0f\x00\x01\x00")...))
	case "long":
		records := make([]string, 2500)
		for i := range uint32(len(records)) {
			records[i] = wireRecord(dns.TypeA, 300, string(binary.BigEndian.AppendUint32(nil, 0xc6120000+i)))
		}
		s.say(from, q.reply(records...))
	default:
		s.say(from, address)
	}
}

// What we need not understand reaches the client as it reaches that of an Unbound,
// which reads it or not. What is beside a good answer does not spoil it.
// Shows RFC 3597 3a.
// Shows RFC 9460 2.2.
func TestOddRecordsAreCarried(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	needUnpacked(t, "unbound")
	l := newLAN(t)
	server := newScripted(l.join("server").address(), script{udp: answersOddly})
	n := newNode(l, "node")
	n.address()
	n.configure("[dns]", fmt.Sprintf("listen = [%q, %q]", "127.0.0.53:53", n.v4().String()+":53"), `allow = ["127.0.0.0/8", "10.88.0.0/16"]`,
		"[upstream]", fmt.Sprintf("servers = [%q]", server.addr()))
	n.boot()
	n.awaitReady()
	peer := l.join("unbound").address()
	peer.write("/etc/unbound/unbound.conf", fmt.Sprintf(`
server:
	username: ""
	chroot: ""
	directory: "/etc/unbound"
	pidfile: ""
	use-syslog: no
	interface: %s
	access-control: 0.0.0.0/0 allow
	module-config: "iterator"
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: %s@%d
`, peer.v4(), server.addr().Addr(), server.addr().Port()))
	peer.serve(unpacked(t, "unbound", "-d", "-c", "/etc/unbound/unbound.conf"))
	eventually(t, "Unbound answers", func() error {
		_, err := peer.answerData(peer.v4(), "www.example.", dns.TypeA)
		return err
	})

	var queries []string
	for label, odd := range oddRecords {
		name := label + ".example."
		typ, known := dns.StringToType[odd.typ]
		if !known {
			_, err := fmt.Sscanf(odd.typ, "TYPE%d", &typ)
			must(t, err)
		}
		theirs, err := peer.answerData(peer.v4(), name, typ)
		must(t, err)
		for _, source := range []string{"asked", "cached"} {
			ours, err := peer.answerData(n.v4(), name, typ)
			must(t, err)
			if len(ours) != 1 || !slices.Equal(ours, theirs) {
				t.Errorf("%s, %s: got %v, Unbound has %v", label, source, ours, theirs)
			}
		}
		queries = append(queries, name+" "+odd.typ)
	}
	ours, theirs := peer.shownBy(n.v4(), queries), peer.shownBy(peer.v4(), queries)
	for i, query := range queries {
		if ours[i] != theirs[i] {
			t.Errorf("%s: dig shows\n%s\nand of Unbound\n%s", query, ours[i], theirs[i])
		}
	}
	for _, label := range []string{"additional", "count", "place", "option", "www"} {
		for range 2 {
			r, err := n.ask(label+".example", "A")
			must(t, err)
			if r.status != "NOERROR" || len(r.answer) != 1 || r.answer[0].data != goodData {
				t.Errorf("%s:\n%s", label, r.text)
			}
		}
	}
	r, err := n.askBy("tcp", "long.example", "A")
	must(t, err)
	if len(r.data("A")) != 2500 {
		t.Errorf("of a long datagram there are %d addresses", len(r.data("A")))
	}
}

// shownBy has for each query what dig reads of a server's answer, or that it cannot
// read it.
func (m *machine) shownBy(server netip.Addr, queries []string) (shown []string) {
	m.t.Helper()
	var lines strings.Builder
	for _, query := range queries {
		fmt.Fprintf(&lines, "@%s +tries=1 +noall +answer +nottlid +unknownformat %s\n", server, query)
	}
	m.write("/etc/queries", lines.String())
	text, _ := m.try("dig", "-f", "/etc/queries")
	for line := range strings.Lines(text) {
		// What cannot be read is followed by its octets.
		if strings.HasPrefix(line, ";; Got bad packet") || strings.Contains(line, ".example.\t") {
			shown = append(shown, line)
		}
	}
	if len(shown) != len(queries) {
		m.t.Fatalf("dig shows %d answers to %d queries:\n%s", len(shown), len(queries), text)
	}
	return shown
}

// answerData are the data of the answer of a server to the machine, as octets.
func (m *machine) answerData(server netip.Addr, name string, typ uint16) (all []string, err error) {
	conn, err := m.dial("udp", netip.AddrPortFrom(server, 53).String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, err
	}
	q := new(dns.Msg).SetQuestion(name, typ)
	q.SetEdns0(1232, false)
	message, err := q.Pack()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	buffer := make([]byte, 1<<16)
	length, err := conn.Read(buffer)
	if err != nil {
		return nil, err
	}
	message = buffer[:length]
	if rcode := message[flagsLow] & 0xf; rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("%v answered %s %s", server, name, dns.RcodeToString[int(rcode)])
	}
	at := headerLen + len(query(message).question())
	for range binary.BigEndian.Uint16(message[6:]) {
		if _, at, err = dns.UnpackDomainName(message, at); err != nil {
			return nil, err
		}
		end := at + 10 + int(binary.BigEndian.Uint16(message[at+8:]))
		data := message[at+10 : end]
		if binary.BigEndian.Uint16(message[at:]) == dns.TypeMX { // it may have a reference
			host, _, err := dns.UnpackDomainName(message, at+12)
			if err != nil {
				return nil, err
			}
			data = append(data[:2:2], host...)
		}
		all = append(all, fmt.Sprintf("%x", data))
		at = end
	}
	return all, nil
}
