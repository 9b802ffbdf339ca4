package wire

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/zone"
)

const (
	// TCPRoom is what the largest message has for records, in octets.
	TCPRoom = 1<<16 - 1 - 512
	// MaxServices bounds the curators in one reply: far above any
	// control plane, and what fits over TCP whatever the names' lengths, since
	// targets are not compressed (RFC 2782).
	MaxServices = 200
)

// fitting is how many records of a size, compressed, are worth making for a
// reply with a limit: one more than fits over UDP, so that the reply is
// truncated and asked for again (RFC 2181, section 9), and no more than fit
// over TCP, where a sample of a larger group has to suffice.
func fitting(limit, size int) int { return min(limit/size+1, TCPRoom/size) }

// roleRecords are the addresses of the nodes that have a role, in random order.
// If not all nodes fit they are a random sample.
func roleRecords(header dns.RR_Header, v *decision.Verdict, limit int) (records []dns.RR) {
	size := 12 + 16
	if header.Rrtype == dns.TypeA {
		size = 12 + 4
	}
	most := fitting(limit, size)
	for n := range v.Zone.WithRole(v.Role, decision.Family(header.Rrtype), rand.Uint64()) {
		if len(records) >= most {
			break
		}
		records = append(records, addressRecords(header, n.Addrs())...)
	}
	shuffle(records)
	return records
}

// serviceRecords are the nodes that run a curator. All have the same priority
// and weight, since each of them knows the leader.
func serviceRecords(header dns.RR_Header, v *decision.Verdict) (records []dns.RR) {
	for n := range limited(v.Zone.Curators(rand.Uint64()), MaxServices) {
		records = append(records, &dns.SRV{Hdr: header, Port: n.CuratorPort(), Target: inDomain(n, v)})
	}
	shuffle(records)
	return records
}

// inDomain is a node's name below the local domain of a verdict, where any
// client that could resolve the question can resolve it.
func inDomain(n zone.Node, v *decision.Verdict) string { return string(n.ID()) + "." + v.SOA.String() }

// additional are the addresses of the targets in the answer, which save the
// client further queries (RFC 2782).
func additional(v *decision.Verdict, answer []dns.RR) (records []dns.RR) {
	if v.Kind != decision.CuratorServices {
		return nil
	}
	for _, rr := range answer {
		target := rr.(*dns.SRV).Target
		id, _, _ := strings.Cut(target, ".")
		n, _ := v.Zone.Lookup(id)
		for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			header := dns.RR_Header{Name: target, Rrtype: rrtype, Class: dns.ClassINET, Ttl: v.TTL}
			records = append(records, addressRecords(header, n.Addrs())...)
		}
	}
	return records
}

// textRecord describes a node for people.
func textRecord(header dns.RR_Header, n zone.Node) *dns.TXT {
	roles := n.Roles().String()
	if roles == "" {
		roles = "none"
	}
	texts := ownID(n)
	texts = append(texts, "state="+n.State().String(), "roles="+roles, "source="+n.Source())
	if n.Departed() {
		texts = append(texts, "departed=true")
	}
	if since := n.Since(); since.Unix() > 0 {
		texts = append(texts, fmt.Sprintf("since=%s", since.UTC().Format(time.RFC3339)))
	}
	return &dns.TXT{Hdr: header, Txt: texts}
}

// maxString is how long one string of a TXT record may be (RFC 1035, section 3.3.14).
const maxString = 255

// ownID is the ID of a node that has readable names too, which may be what was asked
// for. It takes two strings where it is as long as a name can be.
func ownID(n zone.Node) (texts []string) {
	for range n.Names() {
		text := "id=" + string(n.ID())
		if len(text) > maxString {
			texts, text = append(texts, text[:maxString]), text[maxString:]
		}
		return append(texts, text)
	}
	return nil
}

func shuffle(records []dns.RR) {
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
}

// limited yields the first most elements of all.
func limited[T any](all iter.Seq[T], most int) iter.Seq[T] {
	return func(yield func(T) bool) {
		left := most
		for v := range all {
			if left == 0 || !yield(v) {
				return
			}
			left--
		}
	}
}
