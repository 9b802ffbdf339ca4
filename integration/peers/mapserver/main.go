// Mapserver is a minimal server on miekg/dns that answers from a map. It is
// both one of the servers that are compared and the upstream of those that
// cache.
//
// It takes the names of a hosts file and serves them until it is killed. A line
// of that format on its standard input changes an address of a name.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// table has the addresses of names, which are in lower case and end with a dot.
type table struct {
	ttl   uint32
	mu    sync.RWMutex
	nodes map[string]node
}

type node struct{ v4, v6 net.IP }

func main() {
	listen := flag.String("listen", "127.0.0.1:5353", "`address` to answer on")
	hosts := flag.String("hosts", "", "hosts `file` with the names")
	ttl := flag.Uint("ttl", 10, "`seconds` for which an answer may be kept")
	flag.Parse()
	t := &table{ttl: uint32(*ttl), nodes: map[string]node{}}
	f, err := os.Open(*hosts)
	if err != nil {
		log.Fatal(err)
	}
	if err := t.read(f); err != nil {
		log.Fatalf("read %s: %v", *hosts, err)
	}
	_ = f.Close()
	for _, network := range []string{"udp", "tcp"} {
		server := &dns.Server{Addr: *listen, Net: network, Handler: t, MaxTCPQueries: -1}
		go func() { log.Fatal(server.ListenAndServe()) }()
	}
	if err := t.read(os.Stdin); err != nil {
		log.Fatalf("read the changes: %v", err)
	}
	select {}
}

// read takes lines of an address and a name, which has one of each family.
func (t *table) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 2 || net.ParseIP(words[0]) == nil {
			return fmt.Errorf("want an address and a name, not %q", lines.Text())
		}
		t.set(dns.CanonicalName(words[1]), net.ParseIP(words[0]))
	}
	return lines.Err()
}

func (t *table) set(name string, addr net.IP) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[name]
	if v4 := addr.To4(); v4 != nil {
		n.v4 = v4
	} else {
		n.v6 = addr
	}
	t.nodes[name] = n
}

// ServeDNS answers one query.
func (t *table) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative = true
	question := query.Question[0]
	t.mu.RLock()
	n, ok := t.nodes[dns.CanonicalName(question.Name)]
	t.mu.RUnlock()
	header := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET, Ttl: t.ttl}
	switch {
	case !ok:
		reply.Rcode = dns.RcodeNameError
	case question.Qtype == dns.TypeA && n.v4 != nil:
		reply.Answer = []dns.RR{&dns.A{Hdr: header, A: n.v4}}
	case question.Qtype == dns.TypeAAAA && n.v6 != nil:
		reply.Answer = []dns.RR{&dns.AAAA{Hdr: header, AAAA: n.v6}}
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{t.soa()}
	}
	_ = w.WriteMsg(reply) // to a client that is gone
}

func (t *table) soa() dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: t.ttl},
		Ns:  "localhost.", Mbox: "nobody.invalid.",
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: t.ttl,
	}
}
