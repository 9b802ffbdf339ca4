package upstream

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// raw is a reply to a question with one record, of whose data the wire form is
// given.
func raw(t *testing.T, q *dns.Msg, rrtype uint16, rdata []byte) []byte {
	t.Helper()
	m := new(dns.Msg).SetReply(q)
	message, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	message[7] = 1 // answers
	message = append(message, 0xc0, headerLen)
	message = binary.BigEndian.AppendUint16(message, rrtype)
	message = append(message, 0, dns.ClassINET, 0, 0, 0, 60)
	message = binary.BigEndian.AppendUint16(message, uint16(len(rdata)))
	return append(message, rdata...)
}

func TestRecordsThatAreNotWhole(t *testing.T) {
	const unknown = 65400
	name := []byte{2, 'n', 's', 0}
	soaWithoutNumbers := slices.Concat(name, name)
	tests := map[string]struct {
		rrtype uint16
		rdata  []byte
		fine   bool
	}{
		"A":                               {dns.TypeA, []byte{192, 0, 2, 1}, true},
		"A without data":                  {dns.TypeA, nil, false},
		"AAAA without data":               {dns.TypeAAAA, nil, false},
		"MX":                              {dns.TypeMX, append([]byte{0, 10}, name...), true},
		"MX without data":                 {dns.TypeMX, nil, false},
		"MX without a name":               {dns.TypeMX, []byte{0, 10}, false},
		"CNAME without data":              {dns.TypeCNAME, nil, false},
		"SOA without numbers":             {dns.TypeSOA, soaWithoutNumbers, false},
		"SOA, a number short":             {dns.TypeSOA, append(soaWithoutNumbers, make([]byte, 16)...), false},
		"SOA":                             {dns.TypeSOA, append(soaWithoutNumbers, make([]byte, 20)...), true},
		"TXT":                             {dns.TypeTXT, []byte{1, 'x'}, true},
		"TXT of nothing":                  {dns.TypeTXT, []byte{0}, true},
		"TXT without data":                {dns.TypeTXT, nil, false},
		"SVCB without a target":           {dns.TypeSVCB, []byte{0, 1}, false},
		"RRSIG without a signature":       {dns.TypeRRSIG, append(make([]byte, 18), 0), false},
		"NSEC3 without types":             {dns.TypeNSEC3, []byte{1, 0, 0, 0, 0, 1, 7}, true},
		"NSEC3 with half a hash":          {dns.TypeNSEC3, []byte{1, 0, 0, 0, 0, 2, 7}, false},
		"CAA":                             {dns.TypeCAA, []byte{0, 1, 97, 98}, true},
		"NULL without data":               {dns.TypeNULL, nil, true},
		"APL without data":                {dns.TypeAPL, nil, true},
		"an unknown type":                 {unknown, []byte{0xc0, 0x0c, 0}, true},
		"an unknown type without data":    {unknown, nil, true},
		"a known type with an extra part": {dns.TypeMX, append([]byte{0, 10}, append(name, 1)...), false},
	}
	asked := query("www.example.")
	q := mustQuestion(t, asked)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			message := raw(t, asked, tt.rrtype, tt.rdata)
			if _, err := q.parse(message, false); (err == nil) != tt.fine {
				t.Errorf("at the end of a message: got %v", err)
			}
			// The same record twice, so that one of them is not at the end.
			record := message[len(message)-12-len(tt.rdata):]
			message = append(message, record...)
			message[7] = 2
			if _, err := q.parse(message, false); (err == nil) != tt.fine {
				t.Errorf("in the middle of one: got %v", err)
			}
		})
	}
}

func TestFewerRecordsThanCounted(t *testing.T) {
	asked := query("www.example.")
	q := mustQuestion(t, asked)
	for section := range 3 {
		message := raw(t, asked, dns.TypeA, []byte{192, 0, 2, 1})
		message[7+2*section]++
		if _, err := q.parse(message, false); !errors.Is(err, errMalformed) {
			t.Errorf("section %d: got %v", section, err)
		}
		message[3] |= dns.RcodeRefused
		if _, err := q.parse(message, false); err != nil {
			t.Errorf("section %d of an error: got %v", section, err)
		}
	}
}

// A record that is malformed shows nothing about the server: another one is
// queried, and this one is still queried with EDNS.
func TestReplyThatIsNotWhole(t *testing.T) {
	broken := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_, _ = w.Write(raw(t, q, dns.TypeMX, []byte{0, 10}))
	}, nil)
	g := grouped(broken.addr)
	_, err := g.Exchange(t.Context(), query("www.example."))
	failure := (*Failure)(nil)
	if !errors.As(err, &failure) || failure.Code() != dns.ExtendedErrorCodeInvalidData {
		t.Fatalf("got %v", err)
	}
	if !g.pool.Status()[0].EDNS {
		t.Error("it is asked without EDNS from now on")
	}
	if got, _ := ask(t, grouped(broken.addr, serve(t, answering("192.0.2.1"), nil).addr)); firstA(got.Msg) != "192.0.2.1" {
		t.Errorf("got %v", got.Msg)
	}
}
