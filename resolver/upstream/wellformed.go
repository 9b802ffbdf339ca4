package upstream

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// errMalformed is a reply with something missing from it. Unlike what cannot be
// read at all it does not mean that a server fails with EDNS: the owner of a
// name may have published it so.
var errMalformed = errors.New("its answer is not whole")

// layouts describe the RDATA of a type: so many octets (1 to 9), a name (n), a
// string (s), one string or more (S), and a rest that may be empty (*) or not
// (+). Types that are hardly ever queried are left out, and so are those whose
// data may be anything.
var layouts = map[uint16]string{
	dns.TypeA: "4", dns.TypeAAAA: "88",
	dns.TypeNS: "n", dns.TypeCNAME: "n", dns.TypePTR: "n", dns.TypeDNAME: "n",
	dns.TypeSOA: "nn992", dns.TypeRP: "nn",
	dns.TypeMX: "2n", dns.TypeAFSDB: "2n", dns.TypeKX: "2n",
	dns.TypeSRV: "6n", dns.TypeNAPTR: "4sssn", dns.TypeURI: "4+",
	dns.TypeTXT: "S", dns.TypeSPF: "S", dns.TypeHINFO: "ss", dns.TypeLOC: "88",
	dns.TypeSVCB: "2n*", dns.TypeHTTPS: "2n*",
	dns.TypeCAA: "1s*", dns.TypeCERT: "5+", dns.TypeSSHFP: "2+", dns.TypeOPENPGPKEY: "+",
	dns.TypeTLSA: "3+", dns.TypeSMIMEA: "3+",
	dns.TypeDS: "4+", dns.TypeCDS: "4+", dns.TypeDNSKEY: "4+", dns.TypeCDNSKEY: "4+",
	dns.TypeRRSIG: "99n+", dns.TypeNSEC: "n*", dns.TypeNSEC3: "4ss*", dns.TypeNSEC3PARAM: "4s",
}

// checkWellFormed returns why a reply is not to be passed on: a client could not
// read it, or would take a part for all. The parser is lenient. It accepts fewer records than the header counts,
// with records without data, and with the first few fields of a record. Written
// again, the result would be unreadable, or differ from what was sent.
//
// Of an error only the code matters, and servers that cannot handle a query are
// known to leave counts in the header for sections that they omit.
func checkWellFormed(reply []byte) error {
	if isRejection(reply) {
		return nil
	}
	read := 0
	for record := range message.Records(reply) {
		if !matchesLayout(reply[:record.End], record.Data, layouts[record.Type(reply)]) {
			return fmt.Errorf("%w: data are missing from a record of type %v, or too much", errMalformed, dns.Type(record.Type(reply)))
		}
		read++
	}
	if counted := message.Counted(reply); read < counted {
		return fmt.Errorf("%w: %d of %d records are there", errMalformed, read, counted)
	}
	return nil
}

// matchesLayout reports whether the end of some octets, from an offset on, has a
// layout. All have that of a type without any.
func matchesLayout(octets []byte, at int, layout string) bool {
	for _, field := range layout {
		rest := len(octets) - at
		switch {
		case field == '*':
			return rest >= 0
		case rest <= 0:
			return false
		case field == '+':
			return true
		case field == 'n':
			at = message.SkipName(octets, at)
		case field == 's':
			at += 1 + int(octets[at])
		case field == 'S':
			for at < len(octets) {
				at += 1 + int(octets[at])
			}
		default:
			at += int(field - '0')
		}
	}
	return layout == "" || at == len(octets)
}
