package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What dig shows for the kinds of queries that are answered locally, on a
// machine without other nodes and upstreams.
// Shows RFC 2308 3.
// Shows RFC 6303 3a, 3b.
// Shows RFC 6761 6.3a, 6.4.
// Shows RFC 6891 6.1.3a.
// Shows RFC 7686 2.
// Shows RFC 8482 4.2.
// Shows RFC 8914 4.21.
func TestAnswersByKind(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nsearch lan.example\n")
	n.configure(noUpstream, "[zone]", `domains = ["nodes.example"]`, `ttl = "33s"`)
	n.boot()
	stranger := strangerID(t)
	n.awaitReady()

	tests := []struct {
		name   string
		query  string
		status string
		answer string // data of the only record
		soa    string // owner of the SOA in the authority section
		ede    int    // extended error, 0: none
	}{
		{"a node", n.id, "NOERROR", n.v4().String(), "", 0},
		{"a node in another case", strings.ToUpper(n.id), "NOERROR", n.v4().String(), "", 0},
		{"a node under a local domain", n.id + ".nodes.example", "NOERROR", n.v4().String(), "", 0},
		{"another type of a node", n.id + " MX", "NOERROR", "", ".", 0},
		{"another type under a local domain", n.id + ".nodes.example MX", "NOERROR", "", "nodes.example.", 0},
		{"ANY of a node", n.id + " ANY", "NOERROR", `"RFC8482" ""`, "", 0},
		{"a stranger", stranger, "NXDOMAIN", "", ".", 0},
		{"a stranger under a local domain", stranger + ".nodes.example", "NXDOMAIN", "", "nodes.example.", 0},
		{"anything under a local domain", "www.nodes.example", "NXDOMAIN", "", "nodes.example.", 0},
		{"a stranger under the search list", stranger + ".lan.example", "NXDOMAIN", "", ".", 0},
		{"below a node", "www." + n.id, "NXDOMAIN", "", ".", 0},
		{"the SOA of a local domain", "nodes.example SOA", "NOERROR", "localhost. nobody.invalid. 1 3600 600 86400 33", "", 0},
		{"its NS", "nodes.example NS", "NOERROR", "localhost.", "", 0},
		{"its DS", "nodes.example DS", "NOERROR", "", "nodes.example.", 0},
		{"the SOA of an empty zone", "254.169.in-addr.arpa SOA", "NOERROR", "localhost. nobody.invalid. 1 3600 600 86400 33", "", 0},
		{"below it", "-x 169.254.1.1", "NXDOMAIN", "", "254.169.in-addr.arpa.", 0},
		{"localhost", "localhost", "NOERROR", "127.0.0.1", "", 0},
		{"below localhost", "db.localhost AAAA", "NOERROR", "::1", "", 0},
		{"reverse of 127.0.0.1", "-x 127.0.0.1", "NOERROR", "localhost.", "", 0},
		{"reverse of a private address", "-x 192.168.7.7", "NXDOMAIN", "", "*", 0},
		{"invalid", "www.invalid", "NXDOMAIN", "", "*", 0},
		{"onion", "www.onion", "NXDOMAIN", "", "*", 0},
		{"a single label", "printer2", "NOERROR", "", "*", 0},
		{"without upstreams", "www.example.com", "REFUSED", "", "", 20},
		{"class CH", "version.bind TXT CH", "REFUSED", "", "", 0},
		{"opcode STATUS", "+opcode=status " + n.id, "NOTIMP", "", "", 0},
		{"EDNS version 1", "+edns=1 +noednsnegotiation " + n.id, "BADVERS", "", "", 0},
		{"without EDNS", "+noedns " + n.id, "NOERROR", n.v4().String(), "", 0},
	}
	var queries []string
	for _, test := range tests {
		queries = append(queries, "+notcp +nocookie "+test.query)
	}
	replies, err := n.digAll(queries)
	must(t, err)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := replies[i]
			must(t, r.expectStatus(test.status))
			must(t, r.expectAnswer(test.answer))
			must(t, r.expectSOA(test.soa))
			if (test.ede != 0) != (len(r.errors) > 0) || test.ede != 0 && !r.hasError(test.ede, "") {
				t.Errorf("extended errors are %v, want %d:\n%s", r.errors, test.ede, r.text)
			}
		})
	}
	t.Run("zone transfer", func(t *testing.T) {
		r, err := n.dig("nodes.example", "AXFR")
		must(t, err)
		if !strings.Contains(r.text, "Transfer failed") {
			t.Errorf("want a failed transfer:\n%s", r.text)
		}
	})
	t.Run("the TTL is the configured one", func(t *testing.T) {
		r, err := n.dig(n.id)
		must(t, err)
		if len(r.answer) != 1 || r.answer[0].ttl != "33" {
			t.Errorf("want a TTL of 33:\n%s", r.text)
		}
	})
}

// expectAnswer fails unless the only record has this data, or there is none.
func (r reply) expectAnswer(data string) error {
	var want []string
	if data != "" {
		want = []string{data}
	}
	var got []string
	for _, rec := range r.answer {
		got = append(got, rec.data)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the answer is %v, want %v:\n%s", got, want, r.text)
	}
	return nil
}

// expectSOA fails unless the authority section is an SOA of this owner, of any
// ("*"), or is empty ("").
func (r reply) expectSOA(owner string) error {
	if owner == "" && len(r.authority) == 0 {
		return nil
	}
	if len(r.authority) == 1 && r.authority[0].typ == "SOA" && (owner == "*" || owner == r.authority[0].name) {
		return nil
	}
	return fmt.Errorf("want an SOA of %q:\n%s", owner, r.text)
}
