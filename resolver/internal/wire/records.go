package wire

import (
	"iter"
	"net"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// answers are the records that a verdict stands for. Their owner is spelled as
// in the question, and what cannot fit into the limit is left out.
func answers(asked *dns.Question, v *decision.Verdict, limit int) []dns.RR {
	header := func(rrtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: asked.Name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: v.TTL}
	}
	pointer := func(name string) []dns.RR {
		return []dns.RR{&dns.PTR{Hdr: header(dns.TypePTR), Ptr: name}}
	}
	switch v.Kind {
	case decision.Addresses:
		return addressRecords(header(asked.Qtype), v.Node.Addrs())
	case decision.HostAddresses:
		return addressRecords(header(asked.Qtype), v.HostAddrs.All())
	case decision.HostName:
		return pointer(decision.Name(v.HostName).String())
	case decision.Loopback:
		if asked.Qtype == dns.TypeA {
			return []dns.RR{&dns.A{Hdr: header(dns.TypeA), A: net.IPv4(127, 0, 0, 1)}}
		}
		return []dns.RR{&dns.AAAA{Hdr: header(dns.TypeAAAA), AAAA: net.IPv6loopback}}
	case decision.NodeName:
		return pointer(string(v.Node.AppendCanonical(nil, *v.Canonical)) + ".")
	case decision.LocalhostName:
		return pointer("localhost.")
	case decision.Text:
		return []dns.RR{textRecord(header(dns.TypeTXT), v.Node)}
	case decision.RoleAddresses:
		return roleRecords(header(asked.Qtype), v, limit)
	case decision.CuratorServices:
		return serviceRecords(header(dns.TypeSRV), v)
	case decision.ZoneAuthority:
		record := soa(v)
		record.Hdr.Name = asked.Name
		return []dns.RR{record}
	case decision.ZoneServer:
		return []dns.RR{&dns.NS{Hdr: header(dns.TypeNS), Ns: soaServer}}
	case decision.AnyType:
		// RFC 8482, section 4.2.
		return []dns.RR{&dns.HINFO{Hdr: header(dns.TypeHINFO), Cpu: "RFC8482"}}
	}
	return nil
}

// addressRecords are the addresses of the header's family.
func addressRecords(header dns.RR_Header, addrs iter.Seq[netip.Addr]) (records []dns.RR) {
	for addr := range addrs {
		switch {
		case addr.Is4() && header.Rrtype == dns.TypeA:
			records = append(records, &dns.A{Hdr: header, A: addr.AsSlice()})
		case addr.Is6() && header.Rrtype == dns.TypeAAAA:
			records = append(records, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
		}
	}
	return records
}

// soaServer is the server that our zones' SOA records name, and so their NS
// records too.
const soaServer = "localhost."

// soa limits how long a negative answer holds. There is no zone transfer, so
// the serial and the times for secondaries have no meaning.
func soa(v *decision.Verdict) *dns.SOA {
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: v.SOA.String(), Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: v.Minimum},
		Ns:      soaServer,
		Mbox:    "nobody.invalid.",
		Serial:  1,
		Refresh: 3600,
		Retry:   600,
		Expire:  86400,
		Minttl:  v.Minimum,
	}
}
