package message

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const asked = "www.example."

// reply is one to a question, without records.
func reply(t testing.TB, qtype uint16) []byte {
	t.Helper()
	m, err := new(dns.Msg).SetReply(new(dns.Msg).SetQuestion(asked, qtype)).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// with appends a record of the name asked for to a section of a message, whose
// later sections are empty.
func with(m []byte, section int, rrtype uint16, rdata []byte) []byte {
	m = bytes.Clone(m)
	m[7+2*section]++
	m = append(m, 0xc0, headerLen)
	m = binary.BigEndian.AppendUint16(m, rrtype)
	m = append(m, 0, dns.ClassINET, 0, 0, 0, 60)
	m = binary.BigEndian.AppendUint16(m, uint16(len(rdata)))
	return append(m, rdata...)
}

func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rdataOf are the data of the records that a message has when it is written
// again.
func rdataOf(t testing.TB, m *dns.Msg) (all [][]byte) {
	t.Helper()
	m.Compress = true
	written, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for r := range Records(written) {
		rdata, ok := data(written, r)
		if !ok {
			t.Errorf("a record that cannot be read: %x", written[r.Owner:r.End])
		}
		all = append(all, rdata)
	}
	return all
}

// Shows RFC 1035 2.3.4b, 4.1.4b.
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
		"MX with a part of a name":        {dns.TypeMX, []byte{0, 10, 2, 'n', 's'}, false},
		"MX with a reference to itself":   {dns.TypeMX, []byte{0, 10, 0xc0, 43}, false},
		"MX with a reference to nothing":  {dns.TypeMX, []byte{0, 10, 0xff, 0xff}, false},
		"MX with half a reference":        {dns.TypeMX, []byte{0, 10, 0xc0}, false},
		"MX with another kind of label":   {dns.TypeMX, []byte{0, 10, 0x41, 'n', 0}, false},
		"MX with a name that is too long": {dns.TypeMX, slices.Concat([]byte{0, 10}, bytes.Repeat([]byte("\x03abc"), 61), []byte{0xc0, headerLen}), false},
		"CNAME without data":              {dns.TypeCNAME, nil, false},
		"SOA without numbers":             {dns.TypeSOA, soaWithoutNumbers, false},
		"SOA, a number short":             {dns.TypeSOA, append(soaWithoutNumbers, make([]byte, 16)...), false},
		"SOA":                             {dns.TypeSOA, append(soaWithoutNumbers, make([]byte, 20)...), true},
		"TXT":                             {dns.TypeTXT, []byte{1, 'x'}, true},
		"TXT of nothing":                  {dns.TypeTXT, []byte{0}, true},
		"TXT without data":                {dns.TypeTXT, nil, false},
		"TXT with half a string":          {dns.TypeTXT, []byte{1, 'x', 2, 'y'}, false},
		"SVCB without a target":           {dns.TypeSVCB, []byte{0, 1}, false},
		"RRSIG without a signature":       {dns.TypeRRSIG, append(make([]byte, 18), 0), false},
		"NSEC3 without types":             {dns.TypeNSEC3, []byte{1, 0, 0, 0, 0, 1, 7}, true},
		"NSEC3 with half a hash":          {dns.TypeNSEC3, []byte{1, 0, 0, 0, 0, 2, 7}, false},
		"CAA":                             {dns.TypeCAA, []byte{0, 1, 97, 98}, true},
		"NULL without data":               {dns.TypeNULL, nil, true},
		"APL without data":                {dns.TypeAPL, nil, true},
		"EUI48 without data":              {dns.TypeEUI48, nil, true},
		"an unknown type":                 {unknown, []byte{0xc0, 0x0c, 0}, true},
		"an unknown type without data":    {unknown, nil, true},
		"a known type with an extra part": {dns.TypeMX, append([]byte{0, 10}, append(name, 1)...), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for section := range 3 {
				broken := with(reply(t, tt.rrtype), section, tt.rrtype, tt.rdata)
				for place, m := range map[string][]byte{"at the end": broken, "before another": with(broken, section, tt.rrtype, tt.rdata)} {
					m, err := Read(m)
					switch wants := section == 0 && !tt.fine; {
					case wants != errors.Is(err, ErrMalformed) || !wants && err != nil:
						t.Errorf("section %d, %s: %v", section, place, err)
					case err == nil && tt.fine != (len(rdataOf(t, m)) > 0):
						t.Errorf("section %d, %s: got\n%v", section, place, m)
					}
				}
			}
		})
	}
}

// What the library does not read, or would write in another way, is written as it
// came.
// Shows RFC 1035 4.1.4a.
// Shows RFC 3597 4b.
// Shows RFC 4343 4.1b.
// Shows RFC 9460 2.2, 4.3.
func TestRecordsAreCarriedAsTheyAre(t *testing.T) {
	const next = "026e7300 " // a name
	tests := map[string]struct {
		rrtype uint16
		rdata  string
		want   string // if it is not the same
	}{
		"keys that are not sorted":     {dns.TypeHTTPS, "0001 00 0003000201bb 000100030268 32", ""},
		"a key twice":                  {dns.TypeSVCB, "0001 00 0003000201bb 0003000201bb", ""},
		"a mapped hint":                {dns.TypeHTTPS, "0001 00 0006 0010 00000000000000000000ffffc0000201", ""},
		"a hint without addresses":     {dns.TypeHTTPS, "0001 00 00040000", ""},
		"half a hint":                  {dns.TypeHTTPS, "0001 00 00040003 c00002", ""},
		"half a key":                   {dns.TypeHTTPS, "0001 00 0003", ""},
		"mandatory keys not sorted":    {dns.TypeHTTPS, "0001 00 00000004 00040003 0003000201bb 00040004c0000201", ""},
		"an alias with keys":           {dns.TypeSVCB, "0000 c00c 0003000201bb", "0000 03777777076578616d706c6500 0003000201bb"},
		"windows not sorted":           {dns.TypeNSEC, next + "0101 40 0001 40", ""},
		"a window twice":               {dns.TypeNSEC, next + "0001 40 0001 40", ""},
		"a window without types":       {dns.TypeNSEC, next + "0000", ""},
		"a window of zeros":            {dns.TypeNSEC, next + "000400000000", ""},
		"zeros at the end":             {dns.TypeNSEC, next + "00024000", ""},
		"a window that is too long":    {dns.TypeNSEC, next + "0021" + strings.Repeat("01", 33), ""},
		"a referenced name before it":  {dns.TypeNSEC, "c00c 0000", "03777777076578616d706c6500 0000"},
		"odd types of CSYNC":           {dns.TypeCSYNC, "00000001 0003 0000", ""},
		"odd types of NSEC3":           {dns.TypeNSEC3, "01000000 00 01aa 0000", ""},
		"a relay's name":               {dns.TypeAMTRELAY, "0a03 0572656c61790765 78616d706c6500", ""},
		"no relay":                     {dns.TypeAMTRELAY, "0a00", ""},
		"a relay of no type":           {dns.TypeAMTRELAY, "0a05 00", ""},
		"a gateway's name":             {dns.TypeIPSECKEY, "0a0302 02677700 0103", ""},
		"a gateway of no type":         {dns.TypeIPSECKEY, "0a0902 01", ""},
		"prefixes with zeros":          {dns.TypeAPL, "0001 18 04 c0000200", ""},
		"prefixes of no family":        {dns.TypeAPL, "0003 18 01 c0", ""},
		"half a EUI-48":                {dns.TypeEUI48, "0001", ""},
		"a LOC of another version":     {dns.TypeLOC, "01 12 16 13 80000000 80000000 00989680", ""},
		"a HIP without a key":          {dns.TypeHIP, "00 02 0000", ""},
		"a referenced name":            {dns.TypeMX, "000a c00c", "000a 03777777076578616d706c6500"},
		"names that end so":            {dns.TypeMINFO, "026e73c00c c00c", "026e7303777777076578616d706c6500 03777777076578616d706c6500"},
		"names of an old type":         {dns.TypePX, "000a c00c c010", "000a 03777777076578616d706c6500 076578616d706c6500"},
		"a signer's name":              {dns.TypeSIG, strings.Repeat("00", 18) + "c010 01", strings.Repeat("00", 18) + "076578616d706c6500 01"},
		"letters of both cases":        {dns.TypeCNAME, "035777570745 78616d706c6500", ""},
		"all octets in a label":        {dns.TypeCNAME, "07002e5c22ff20 2a 00", ""},
		"a TXT with odd octets":        {dns.TypeTXT, "0400ff225c 00", ""},
		"a CAA with a long tag":        {dns.TypeCAA, "80 05 6973737565 3b", ""},
		"a CAA without a tag":          {dns.TypeCAA, "80 00 3b", ""},
		"a URI with quotes":            {dns.TypeURI, "000a0001 22", ""},
		"a key of no algorithm":        {dns.TypeDNSKEY, "0000 03 00 01", ""},
		"what looks like a reference":  {65400, "c00c", ""},
		"types of no use in a message": {dns.TypeNULL, "c00cff", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.rdata
			}
			for section := range 3 {
				m, err := Read(with(reply(t, tt.rrtype), section, tt.rrtype, octets(t, tt.rdata)))
				if err != nil {
					t.Fatal(err)
				}
				written, err := m.Pack()
				if err != nil {
					t.Fatal(err)
				}
				again, err := Read(written)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range []*dns.Msg{m, again} {
					if got := rdataOf(t, m); len(got) != 1 || !bytes.Equal(got[0], octets(t, want)) {
						t.Errorf("section %d: got %x, want %s", section, got, want)
					}
				}
			}
		})
	}
}

// What can't be carried is left out if the answer is the same without it.
func TestAGoodAnswerSurvivesWhatIsBesideIt(t *testing.T) {
	address := with(reply(t, dns.TypeA), 0, dns.TypeA, []byte{192, 0, 2, 1})
	counted := func(m []byte, section int) []byte {
		m = bytes.Clone(m)
		m[7+2*section]++
		return m
	}
	alias := with(reply(t, dns.TypeA), 0, dns.TypeCNAME, []byte{1, 'x', 0})
	for name, tt := range map[string]struct {
		message []byte
		want    error
	}{
		"a bad additional record":         {with(address, 2, dns.TypeA, []byte{192}), nil},
		"a bad record of the authority":   {with(address, 1, dns.TypeNS, nil), nil},
		"a bad record of another type":    {with(address, 0, dns.TypeTXT, nil), nil},
		"a bad signature":                 {with(address, 0, dns.TypeRRSIG, nil), nil},
		"nothing but a bad record":        {with(reply(t, dns.TypeA), 0, dns.TypeTXT, nil), ErrMalformed},
		"a bad record of the type":        {with(address, 0, dns.TypeA, nil), ErrMalformed},
		"a bad alias":                     {with(address, 0, dns.TypeCNAME, nil), ErrMalformed},
		"an alias and a bad address":      {with(alias, 0, dns.TypeA, nil), ErrMalformed},
		"a count without OPT":             {counted(address, 2), nil},
		"a count without authority":       {counted(address, 1), nil},
		"a count without an answer":       {counted(address, 0), ErrUnreadable},
		"half an additional record":       {append(counted(address, 2), 0xc0, headerLen, 0, 1), nil},
		"a length beyond the end":         {with(address, 2, dns.TypeA, []byte{192, 0, 2, 1})[:len(address)+14], nil},
		"more than was counted":           {append(bytes.Clone(address), 1, 2, 3), nil},
		"an owner that refers to nothing": {append(counted(address, 2), octets(t, "ffff 0001 0001 00000000 0004 c0000202")...), nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Read(tt.message)
			if !errors.Is(err, tt.want) {
				t.Fatal(err)
			}
			if err != nil {
				failed := bytes.Clone(tt.message)
				failed[3] |= dns.RcodeRefused
				if m, err := Read(failed); err != nil || m.Rcode != dns.RcodeRefused {
					t.Errorf("with a code of an error: %v", err)
				}
				return
			}
			if rdata := rdataOf(t, m); len(m.Answer) != 1 || len(rdata) != 1 || !bytes.Equal(rdata[0], []byte{192, 0, 2, 1}) {
				t.Errorf("got\n%v", m)
			}
		})
	}
}

// The OPT record counts in whatever section it is, and without the options that
// cannot be read.
// Shows RFC 6891 6.1.3b.
func TestOPT(t *testing.T) {
	const ede = "000f 0003 000f 78"
	for name, tt := range map[string]struct {
		rdata string
		want  int // options
	}{
		"no option":          {"", 0},
		"a reason":           {ede, 1},
		"behind a bad one":   {"000f 0001 00" + ede, 1},
		"before half of one": {ede + "000f 0009 00", 1},
		"before half a code": {ede + "00", 1},
		"an unknown one too": {ede + "fde9 0001 ff", 2},
	} {
		t.Run(name, func(t *testing.T) {
			for section := range 3 {
				message := with(reply(t, dns.TypeA), 0, dns.TypeA, []byte{192, 0, 2, 1})
				message[7+2*section]++
				rdata := octets(t, tt.rdata)
				message = append(message, 0, 0, byte(dns.TypeOPT), 0x10, 0, 1, 0, 0x80, 0)
				message = binary.BigEndian.AppendUint16(message, uint16(len(rdata)))
				m, err := Read(append(message, rdata...))
				if err != nil {
					t.Fatal(err)
				}
				opt := m.IsEdns0()
				if opt == nil || opt.UDPSize() != 4096 || !opt.Do() || len(opt.Option) != tt.want || m.Rcode != 1<<4 || len(m.Answer) != 1 || len(m.Ns) != 0 {
					t.Errorf("section %d: got\n%v", section, m)
				}
			}
		})
	}
}

// Shows RFC 1035 4.1.4b.
func TestMessagesThatCannotBeRead(t *testing.T) {
	for name, m := range map[string][]byte{
		"nothing":             nil,
		"half a header":       make([]byte, headerLen-1),
		"a question cut off":  reply(t, dns.TypeA)[:headerLen+5],
		"a question's loop":   append(bytes.Clone(reply(t, dns.TypeA)[:headerLen]), 0xc0, headerLen, 0, 1, 0, 1),
		"a type that is half": reply(t, dns.TypeA)[:headerLen+len(asked)+2],
	} {
		if got, err := Read(m); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// Whatever is read can be written, and is then read as the same.
func FuzzRead(f *testing.F) {
	m := reply(f, dns.TypeMX)
	for _, rdata := range []string{"000a c00c", "000a 026e73c010", "0001 00 0003000201bb 0003000201bb"} {
		f.Add(with(m, 0, dns.TypeMX, octets(f, rdata)))
		f.Add(with(m, 1, dns.TypeSVCB, octets(f, rdata)))
		f.Add(with(m, 2, dns.TypeOPT, octets(f, rdata)))
		f.Add(with(m, 2, dns.TypeNSEC, octets(f, rdata)))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		m, err := Read(message)
		if err != nil {
			if m != nil {
				t.Error("an error, and a message")
			}
			return
		}
		m.Compress = true
		written, err := m.Pack()
		if err != nil {
			t.Fatalf("cannot be written: %v\n%v", err, m)
		}
		if len(written) > maxData {
			return // names that were compressed take more room
		}
		again, err := Read(written)
		if err != nil {
			t.Fatalf("cannot be read again: %v\n%v", err, m)
		}
		a, b := rdataOf(t, m), rdataOf(t, again)
		if !slices.EqualFunc(a, b, bytes.Equal) {
			t.Errorf("read as\n%v\nand then as\n%v", m, again)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	m := reply(b, dns.TypeA)
	for i := range 4 {
		m = with(m, 0, dns.TypeA, []byte{192, 0, 2, byte(i)})
		m = with(m, 0, dns.TypeMX, []byte{0, 10, 0xc0, headerLen})
	}
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			_, _ = Read(m)
		}
	})
	b.Run("by the library", func(b *testing.B) {
		for b.Loop() {
			_ = new(dns.Msg).Unpack(m)
		}
	})
}
