package message

import "github.com/miekg/dns"

// layouts describe the data of a type: so many octets (1 to 9), a name (n), a
// string (s), one string or more (S), and a rest that may be empty (*) or not
// (+). A type that is not here may have any data, and no reference in them: all
// whose names are compressed, by servers of any age, are here (RFC 3597, section
// 4).
var layouts = map[uint16]string{
	dns.TypeA: "4", dns.TypeAAAA: "88",
	dns.TypeNS: "n", dns.TypeCNAME: "n", dns.TypePTR: "n", dns.TypeDNAME: "n", dns.TypeNSAPPTR: "n",
	dns.TypeMD: "n", dns.TypeMF: "n", dns.TypeMB: "n", dns.TypeMG: "n", dns.TypeMR: "n",
	dns.TypeSOA: "nn992", dns.TypeRP: "nn", dns.TypeMINFO: "nn", dns.TypePX: "2nn",
	dns.TypeMX: "2n", dns.TypeAFSDB: "2n", dns.TypeKX: "2n", dns.TypeRT: "2n",
	dns.TypeSRV: "6n", dns.TypeNAPTR: "4sssn", dns.TypeURI: "4+",
	dns.TypeTXT: "S", dns.TypeSPF: "S", dns.TypeHINFO: "ss", dns.TypeLOC: "88",
	dns.TypeSVCB: "2n*", dns.TypeHTTPS: "2n*",
	dns.TypeCAA: "1s*", dns.TypeCERT: "5+", dns.TypeSSHFP: "2+", dns.TypeOPENPGPKEY: "+",
	dns.TypeTLSA: "3+", dns.TypeSMIMEA: "3+",
	dns.TypeDS: "4+", dns.TypeCDS: "4+", dns.TypeDNSKEY: "4+", dns.TypeCDNSKEY: "4+",
	dns.TypeRRSIG: "99n+", dns.TypeSIG: "99n+", dns.TypeNSEC: "n*", dns.TypeNXT: "n*",
	dns.TypeNSEC3: "4ss*", dns.TypeNSEC3PARAM: "4s",
}

// IsWhole reports whether all the records that a message counts are there, and can
// be carried.
func IsWhole(m []byte) bool {
	if len(m) < headerLen {
		return false
	}
	read := 0
	for r := range Records(m) {
		if _, ok := data(m, r); !ok {
			return false
		}
		read++
	}
	return read == Counted(m)
}

// data returns the data of a record with their names written out, so that they can
// be moved to any other message. They are not ok if something is missing from them
// or is too much: a client could not read them, or would take a part for all.
func data(m []byte, r Record) (octets []byte, ok bool) {
	m = m[:r.End]
	layout, known := layouts[r.Type(m)]
	if !known {
		return m[r.Data:], true
	}
	at := r.Data
	for _, field := range layout {
		from, rest := at, len(m)-at
		fits := rest > 0
		switch field {
		case 'n':
			if octets, at = appendName(octets, m, at); at > len(m) {
				return nil, false
			}
			continue
		case '*':
			at, fits = len(m), rest >= 0
		case '+':
			at = len(m)
		case 's':
			at = skipString(m, at)
		case 'S':
			for at < len(m) {
				at = skipString(m, at)
			}
		default:
			at += int(field - '0')
		}
		if !fits || at > len(m) {
			return nil, false
		}
		octets = append(octets, m[from:at]...)
	}
	return octets, at == len(m)
}

// skipString returns where the string that begins at an offset ends.
func skipString(m []byte, at int) int {
	if at >= len(m) {
		return len(m) + 1
	}
	return at + 1 + int(m[at])
}

// appendName appends the name that begins at an offset, without references (RFC
// 1035, section 4.1.4), and returns where it ends. That is beyond the message's
// end if it is no name.
func appendName(dst, m []byte, at int) (name []byte, end int) {
	const maxName, maxReferences = 255, 127
	begin, references := len(dst), 0
	end = SkipName(m, at)
	for at < len(m) {
		switch n := int(m[at]); {
		case n >= 0xc0 && at+1 < len(m) && references < maxReferences:
			references++
			at = count(m, at) & 0x3fff
		case n >= 0x40 || at+1+n > len(m) || len(dst)-begin+1+n > maxName:
			return dst, len(m) + 1
		default:
			dst = append(dst, m[at:at+1+n]...)
			if at += 1 + n; n == 0 {
				return dst, end
			}
		}
	}
	return dst, len(m) + 1
}
