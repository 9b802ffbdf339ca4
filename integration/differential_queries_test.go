package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// generator makes queries.
type generator struct {
	*rand.Rand
	names []string
}

func newGenerator(t testing.TB, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	for _, rr := range slices.Concat(plainRecords(t, plainZone), plainRecords(t, signedZone),
		readZone(t, "testdata/child.plain.example.zone", childZone)) {
		if name := rr.Header().Name; !strings.HasSuffix(name, elsewhere) {
			g.names = append(g.names, name)
		}
	}
	slices.Sort(g.names)
	g.names = slices.Compact(g.names)
	return g
}

// next is a query of any kind, of names in the zones and of others below them.
func (g *generator) next() *dns.Msg {
	q := new(dns.Msg).SetQuestion(g.mixed(g.name()), g.typ())
	q.RecursionDesired = g.IntN(10) > 0
	q.CheckingDisabled = g.IntN(4) == 0
	q.AuthenticatedData = g.IntN(4) == 0
	if g.IntN(3) > 0 {
		q.SetEdns0([]uint16{512, 1232, 4096, uint16(g.IntN(1 << 16))}[g.IntN(4)], g.IntN(2) == 0)
		g.vary(q.IsEdns0())
	}
	if g.IntN(100) == 0 {
		q.Question[0].Qclass = dns.ClassHESIOD
	}
	return q
}

// vary makes an OPT record less usual.
func (g *generator) vary(opt *dns.OPT) {
	switch g.IntN(40) {
	case 0:
		opt.SetVersion(uint8(1 + g.IntN(255)))
	case 1:
		opt.SetZ(uint16(1 + g.IntN(1<<14-1)))
	case 2:
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	case 3:
		opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: fmt.Sprintf("%016x", g.Uint64())})
	case 4:
		opt.Option = append(opt.Option, &dns.EDNS0_PADDING{Padding: make([]byte, g.IntN(100))})
	case 5:
		// The mark of our own queries is below these.
		opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: uint16(65100 + g.IntN(400)), Data: []byte(g.label())})
	}
}

func (g *generator) name() string {
	name := g.names[g.IntN(len(g.names))]
	if wildcard, ok := strings.CutPrefix(name, "*."); ok {
		name = fmt.Sprintf("w%d.%s", g.IntN(20), wildcard)
	}
	switch g.IntN(10) {
	case 0: // as odd as the wire allows
		if odd := g.label() + "." + name; len(odd) < 200 {
			return odd
		}
	case 1, 2: // mostly does not exist
		return fmt.Sprintf("x%d.%s", g.IntN(20), name)
	case 3, 4: // often is empty, or a zone
		if labels := dns.CountLabel(name); labels > 3 {
			return name[dns.Split(name)[g.IntN(labels-2)]:]
		}
	}
	return name
}

// label is one of any octets, and of any length that keeps the name short enough.
func (g *generator) label() string {
	var label strings.Builder
	for range 1 + g.IntN(20) {
		fmt.Fprintf(&label, "\\%03d", g.IntN(256))
	}
	return label.String()
}

func (g *generator) typ() uint16 {
	known := []uint16{
		dns.TypeA, dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeMX, dns.TypeNS,
		dns.TypePTR, dns.TypeSOA, dns.TypeSRV, dns.TypeTXT, dns.TypeCAA, dns.TypeHTTPS, dns.TypeLOC,
		dns.TypeDNSKEY, dns.TypeNSEC, dns.TypeDS, dns.TypeRRSIG, dns.TypeSVCB, dns.TypeNAPTR, 65280, 65281,
	}
	if i := g.IntN(len(known) + 2); i < len(known) {
		return known[i]
	}
	return uint16(300 + g.IntN(60000)) // mostly unassigned
}

// mixed writes a name in random letters.
func (g *generator) mixed(name string) string {
	letters := []byte(name)
	for i := range letters {
		if c := letters[i] | 0x20; 'a' <= c && c <= 'z' && g.IntN(2) == 0 {
			letters[i] ^= 0x20
		}
	}
	return string(letters)
}
