package message

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// packed is a message with a question and a record in each section, whose owners
// are written out, compressed and the root.
func packed(tb testing.TB) []byte {
	tb.Helper()
	m := new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA)
	for text, section := range map[string]*[]dns.RR{
		"www.example.org. 300 A 192.0.2.1":            &m.Answer,
		"example.org. 60 NS ns.example.net.":          &m.Ns,
		"ns.example.net. 4294967295 AAAA 2001:db8::1": &m.Extra,
	} {
		rr, err := dns.NewRR(text)
		if err != nil {
			tb.Fatal(err)
		}
		*section = append(*section, rr)
	}
	m.SetEdns0(1232, true)
	m.Compress = true
	octets, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return octets
}

func TestRecords(t *testing.T) {
	octets := packed(t)
	var sections []int
	var types []uint16
	end := 0
	for r := range Records(octets) {
		sections, types = append(sections, r.Section), append(types, r.Type(octets))
		if end != 0 && r.Owner != end {
			t.Errorf("a record begins at %d, and the one before ends at %d", r.Owner, end)
		}
		end = r.End
	}
	if want := []int{0, 1, 2, 2}; !slices.Equal(sections, want) {
		t.Errorf("sections %v, want %v", sections, want)
	}
	if want := []uint16{dns.TypeA, dns.TypeNS, dns.TypeAAAA, dns.TypeOPT}; !slices.Equal(types, want) {
		t.Errorf("types %v, want %v", types, want)
	}
	if end != len(octets) || Counted(octets) != len(types) {
		t.Errorf("the last of %d records ends at %d of %d", Counted(octets), end, len(octets))
	}
}

// Of a message that is cut the records before the cut are there, wherever it is.
func TestRecordsOfACutMessage(t *testing.T) {
	octets := packed(t)
	var ends []int
	for r := range Records(octets) {
		ends = append(ends, r.End)
	}
	for length := range octets {
		whole := 0
		for _, end := range ends {
			if end <= length {
				whole++
			}
		}
		if got := len(slices.Collect(Records(octets[:length]))); got != whole {
			t.Errorf("%d records in %d octets, want %d", got, length, whole)
		}
	}
}

// Whatever the octets are, a record that is there is within them.
func FuzzRecords(f *testing.F) {
	f.Add(packed(f))
	f.Add([]byte{11: 1})
	f.Fuzz(func(t *testing.T, octets []byte) {
		for r := range Records(octets) {
			if r.Owner >= r.Fixed || r.Fixed >= r.Data || r.Data > r.End || r.End > len(octets) {
				t.Errorf("%+v in %d octets", r, len(octets))
			}
		}
	})
}
