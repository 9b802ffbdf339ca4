package integration

import (
	"crypto"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The zones of the real servers.
const (
	plainZone  = "plain.example."
	childZone  = "child.plain.example." // served, and delegated, by the same server
	signedZone = "signed.example."
)

// elsewhere is delegated to a server that does not exist.
const elsewhere = "elsewhere." + plainZone

// zoneTTL is the greatest TTL of the zones, in seconds.
const zoneTTL = 300

// manyAddresses and bigText are more than a UDP reply may have.
const manyAddresses = 100

// readZone reads a zone of testdata, with an origin of the caller's choice.
func readZone(t testing.TB, path, origin string) []dns.RR {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	var rrs []dns.RR
	parser := dns.NewZoneParser(file, origin, path)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		rrs = append(rrs, rr)
	}
	must(t, parser.Err())
	return rrs
}

// plainRecords are the records of plain.example, or the same of another name, and more
// lines with names that are relative to it.
func plainRecords(t testing.TB, origin string, more ...string) []dns.RR {
	t.Helper()
	rrs := readZone(t, "testdata/plain.example.zone", origin)
	add := func(format string, args ...any) {
		rr, err := dns.NewRR(fmt.Sprintf(format, args...))
		must(t, err)
		rrs = append(rrs, rr)
	}
	for i := range manyAddresses {
		add("many.%s 300 A 198.18.0.%d", origin, i+1)
	}
	_, texts := bigText()
	for _, text := range texts {
		add("big.%s 300 TXT %s", origin, text)
	}
	for _, text := range more {
		add("$ORIGIN %s\n%s", origin, text)
	}
	if origin == plainZone {
		add("child.%s 300 NS ns.%s", origin, origin)
		add("%s 300 NS ns.%s", elsewhere, elsewhere)
		add("ns.%s 300 A 10.88.0.250", elsewhere)
	}
	return rrs
}

// zoneText is a zone as the servers read it.
func zoneText(rrs []dns.RR) string {
	var text strings.Builder
	for _, rr := range rrs {
		fmt.Fprintln(&text, rr)
	}
	return text.String()
}

// signZone adds what DNSSEC needs to a zone without delegations: a key, NSEC
// records and signatures. It returns the key too, as a trust anchor.
func signZone(t testing.TB, origin string, rrs []dns.RR) (signed []dns.RR, anchor string) {
	t.Helper()
	key := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ED25519,
	}
	private, err := key.Generate(256)
	must(t, err)
	sets := groupSets(append(slices.Clone(rrs), key))
	sets = append(sets, denials(origin, sets)...)
	for _, set := range sets {
		sig := &dns.RRSIG{
			Hdr:       dns.RR_Header{Ttl: set[0].Header().Ttl},
			Algorithm: key.Algorithm, KeyTag: key.KeyTag(), SignerName: origin,
			Inception:  uint32(time.Now().Add(-24 * time.Hour).Unix()),
			Expiration: uint32(time.Now().Add(24 * time.Hour).Unix()),
		}
		must(t, sig.Sign(private.(crypto.Signer), set))
		signed = append(append(signed, set...), sig)
	}
	return signed, key.String()
}

// groupSets sorts records into RRsets, in the order of their owners (RFC 4034,
// section 6.1).
func groupSets(rrs []dns.RR) (sets [][]dns.RR) {
	slices.SortStableFunc(rrs, func(a, b dns.RR) int {
		if c := compareNames(a.Header().Name, b.Header().Name); c != 0 {
			return c
		}
		return int(a.Header().Rrtype) - int(b.Header().Rrtype)
	})
	for i, rr := range rrs {
		if i == 0 || !dns.IsRRset([]dns.RR{rrs[i-1], rr}) {
			sets = append(sets, nil)
		}
		sets[len(sets)-1] = append(sets[len(sets)-1], rr)
	}
	return sets
}

// denials are the NSEC records of a zone, whose RRsets are sorted.
func denials(origin string, sets [][]dns.RR) (nsecs [][]dns.RR) {
	var last *dns.NSEC
	for _, set := range sets {
		h := set[0].Header()
		if last == nil || compareNames(last.Hdr.Name, h.Name) != 0 {
			next := &dns.NSEC{Hdr: dns.RR_Header{Name: h.Name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60}}
			if last != nil {
				last.NextDomain = h.Name
			}
			last = next
			nsecs = append(nsecs, []dns.RR{next})
		}
		last.TypeBitMap = append(last.TypeBitMap, h.Rrtype)
	}
	last.NextDomain = origin
	for _, set := range nsecs {
		nsec := set[0].(*dns.NSEC)
		nsec.TypeBitMap = append(nsec.TypeBitMap, dns.TypeNSEC, dns.TypeRRSIG)
		slices.Sort(nsec.TypeBitMap)
	}
	return nsecs
}

// compareNames orders names as DNSSEC does: by labels, from the last one. The
// names of the zones have escapes only where that makes no difference.
func compareNames(a, b string) int {
	x, y := dns.SplitDomainName(dns.CanonicalName(a)), dns.SplitDomainName(dns.CanonicalName(b))
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}
