package integration

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
)

// differentialSeed is the seed of the generator of queries, unless NODEDNS_SEED is
// set.
const differentialSeed = 1

// Clients get from us what the server behind us answers, whether we have queried
// it just now or before, but for the differences that are explained. With
// NODEDNS_FULL=1 there are 100,000 queries, and more servers.
func TestSameAsServer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	needUnpacked(t, "nsd", "unbound")
	seed := uint64(differentialSeed)
	if text := os.Getenv("NODEDNS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	unbound, _ := newRecursor(l, "unbound", nsd)
	servers := []comparedServer{{nsd.host, nil}, {unbound, recursive}}
	if testkit.Full() {
		needSandbox(t, "dnsmasq")
		needUnpacked(t, "knotd")
		dnsmasq := l.join("dnsmasq").address()
		// What it answers from a cache lacks proofs, and what an alias leads to.
		startDNSMasq(dnsmasq.machine, dnsmasq.v4().String(), "--server="+nsd.v4().String(), "--cache-size=0")
		servers = append(servers, comparedServer{newKnot(l, "knot"), nil}, comparedServer{dnsmasq, fitDNSMasq})
	}
	t.Run("compared", func(t *testing.T) {
		for number, server := range servers {
			n := through(l, "node-of-"+server.name, server.v4().String(), "trust_ad = true")
			t.Run(server.name, func(t *testing.T) {
				t.Parallel()
				t.Logf("NODEDNS_SEED=%d", seed)
				n.boot()
				n.awaitReady()
				d := &differential{t: t, node: n, server: server.v4().String() + ":53"}
				g := newGenerator(t, seed+uint64(number))
				if server.fit == nil {
					// A recursive server would search for it for a long time.
					g.names = append(g.names, elsewhere)
				}
				for range testkit.Times(400, 100_000/len(servers)) {
					q := g.next()
					if server.fit != nil {
						server.fit(q)
					}
					d.queries = append(d.queries, q)
				}
				d.run("asked")
				d.run("asked again")
			})
		}
	})
}

// comparedServer is a server, and what makes a query fit for it if it is not
// authoritative.
type comparedServer struct {
	*host
	fit func(*dns.Msg)
}

// recursive makes a query fit for a server that asks further.
func recursive(q *dns.Msg) {
	// Without RD it answers what it happens to have in its cache, and so do we.
	q.RecursionDesired = true
	if q.Question[0].Qtype == dns.TypeDS {
		// The parents of the zones are nowhere.
		q.Question[0].Qtype = dns.TypeA
	}
}

func fitDNSMasq(q *dns.Msg) {
	recursive(q)
	// The refusal of NSD lacks the question, so that it is silent.
	q.Question[0].Qclass = dns.ClassINET
	if opt := q.IsEdns0(); opt != nil {
		// A BADVERS would be the reply to concurrent queries of the name, too.
		opt.SetVersion(0)
	}
}

// differential asks a node and the server behind it the same.
type differential struct {
	t       *testing.T
	node    *node
	server  string
	queries []*dns.Msg
}

// run compares the answers to all queries, several concurrently. It ends after ten
// that are wrong.
func (d *differential) run(round string) {
	d.t.Helper()
	const workers, enough = 16, 10
	var (
		mu       sync.Mutex
		failed   []*dns.Msg // which may be for a while
		wrong    []error
		queries  = make(chan *dns.Msg)
		comparer sync.WaitGroup
	)
	for range workers {
		both := d.connect()
		comparer.Go(func() {
			defer closeBoth(both)
			for q := range queries {
				fails, err := d.compare(both, q)
				mu.Lock()
				if err != nil && fails {
					failed = append(failed, q)
				} else if err != nil {
					wrong = append(wrong, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, q := range d.queries {
		queries <- q
		mu.Lock()
		ends := len(wrong) >= enough
		mu.Unlock()
		if ends {
			break
		}
	}
	close(queries)
	comparer.Wait()
	for _, err := range wrong {
		d.t.Errorf("%s: %v", round, err)
	}
	if len(wrong) > 0 {
		d.t.FailNow()
	}
	both := d.connect()
	defer closeBoth(both)
	awaitAll(d.t, "the same is "+round, failed, func(q *dns.Msg) error { _, err := d.compare(both, q); return err })
}

// connect opens connections to us and to the server.
func (d *differential) connect() [2]*client {
	d.t.Helper()
	return [2]*client{newClient(d.t, d.node.machine, "127.0.0.53:53"), newClient(d.t, d.node.machine, d.server)}
}

func (d *differential) compare(both [2]*client, q *dns.Msg) (failed bool, err error) {
	ours, err := both[0].ask(q)
	if err != nil {
		return false, err
	}
	theirs, err := both[1].ask(q)
	if err != nil {
		return false, err
	}
	return ours.Rcode == dns.RcodeServerFailure, comparison{q, ours, theirs}.unexplained()
}

// closeBoth ends them: a dnsmasq has room for 20 connections over TCP.
func closeBoth(both [2]*client) {
	for _, c := range both {
		c.close()
	}
}

// client queries one server, and over TCP what UDP is too small for. Its
// connections stay open for the next query.
type client struct {
	m        *machine
	server   string
	udp, tcp *dns.Conn
}

func newClient(t testing.TB, m *machine, server string) *client {
	t.Helper()
	c := &client{m: m, server: server}
	conn, err := m.dial("udp", server)
	must(t, err)
	c.udp = &dns.Conn{Conn: conn, UDPSize: dns.MaxMsgSize}
	return c
}

func (c *client) close() {
	c.udp.Close()
	if c.tcp != nil {
		c.tcp.Close()
	}
}

// ask sends a query that was lost, or that met the end of a connection, again.
func (c *client) ask(q *dns.Msg) (r *dns.Msg, err error) {
	q.Id = dns.Id()
	timed := &dns.Client{Timeout: 5 * time.Second}
	for range 3 {
		if r, _, err = timed.ExchangeWithConn(q, c.udp); err != nil {
			continue
		}
		if !r.Truncated {
			return r, nil
		}
		if c.tcp == nil {
			conn, dialErr := c.m.dial("tcp", c.server)
			if dialErr != nil {
				return nil, dialErr
			}
			c.tcp = &dns.Conn{Conn: conn}
		}
		if r, _, err = timed.ExchangeWithConn(q, c.tcp); err == nil {
			return r, nil
		}
		c.tcp.Close()
		c.tcp = nil
	}
	return nil, fmt.Errorf("%s: %w: %v", c.server, err, q)
}
