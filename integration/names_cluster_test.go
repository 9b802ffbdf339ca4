package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// mailHost is mail.corp.example, which the company's server has.
var mailHost = netip.MustParseAddr("192.0.2.25")

// labelled is a cluster whose nodes give themselves names by labels, on a site with a
// server that has mail.corp.example and nothing else.
type labelled struct {
	*cluster
	x       *nss
	company *queryLog
}

// newLabelled makes it of three nodes in mode stub: web-1, mail and web-3. The first
// label of each is set before the daemons start.
func newLabelled(x *nss, lines ...string) *labelled {
	x.t.Helper()
	l := newLAN(x.t)
	c := &labelled{cluster: &cluster{lan: l, curator: newCurator(l, "curator")}, x: x, company: &queryLog{}}
	newCompany := func(s *scripted, q query, from netip.AddrPort) {
		c.company.add(q.name())
		switch name, typ := q.name(), q.question(); {
		case name != "mail.corp.example.":
			s.say(from, q.fails(dns.RcodeNameError))
		case typ[len(typ)-3] == byte(dns.TypeA):
			s.say(from, q.reply(wireRecord(dns.TypeA, 300, string(mailHost.AsSlice()))))
		default:
			s.say(from, q.reply())
		}
	}
	server := startScripted(l.router, netip.MustParseAddrPort(routerV4+":53"), script{udp: newCompany})
	for i, name := range []string{"web-1", "mail", "web-3"} {
		n := newNode(l, fmt.Sprintf("node%d", i))
		n.address()
		n.write(resolvConf, "nameserver "+routerV4+"\nsearch corp.example\n")
		n.configure(append([]string{
			follows(c.curator), "[zone]", `domains = ["nodes.example"]`,
			"[upstream]", route("corp.example", server.addr()), stubMode, withVarlink,
		}, lines...)...)
		c.curator.enrol(n)
		c.curator.tell("set %s %s name=%s", n.id, n.v4(), name)
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		n.boot()
	}
	for _, n := range c.nodes {
		n.awaitReady()
		eventually(c.t, n.name+" knows the cluster", func() error {
			return errors.Join(n.connection(true), n.counts(4, 0, 0), n.pointsHere("search corp.example nodes.example", "options edns0"))
		})
	}
	return c
}

// answer fails unless all nodes come to answer as the rows have it.
func (c *labelled) answer(t *testing.T, rows []nameRow, some ...*node) {
	t.Helper()
	if some == nil {
		some = c.nodes
	}
	awaitAll(t, "the names are answered", some, func(n *node) error { return n.answersRows(rows) })
}

// Nodes of a cluster name themselves, and can take over no other name.
func TestNamesFromLabels(t *testing.T) {
	t.Parallel()
	c := newLabelled(needNSS(t))
	t.Run("each finds each", c.findEachOther)
	t.Run("names of the company", c.keepCompanyNames)
	t.Run("hostile labels", c.refuseHostileLabels)
	t.Run("renamed", c.renameOne)
	t.Run("two with one name", c.contest)
	t.Run("without the curator", c.loseCurator)
}

func (c *labelled) findEachOther(t *testing.T) {
	web1, mail, web3 := c.nodes[0], c.nodes[1], c.nodes[2]
	rows := slices.Concat(
		exist(web3.v4(), netip.Addr{}, "web-3", "web-3.nodes.example"),
		exist(mail.v4(), netip.Addr{}, "mail", "MAIL.nodes.example"),
		[]nameRow{
			{query: web3.v4().String(), status: "NOERROR", data: []string{"web-3.nodes.example."}},
			{query: "web-3.nodes.example TXT", status: "NOERROR", data: []string{`"id=` + web3.id + `"`}},
			{query: "x.web-3.nodes.example", status: "NXDOMAIN"},
			{query: "web-9.nodes.example", status: "NXDOMAIN"},
			{query: "web-9", status: "NOERROR"},
		})
	must(t, web1.answersRows(rows))
	must(t, web1.digRows(rows))
	for i, n := range c.nodes {
		for j, name := range []string{"web-1", "mail", "web-3"} {
			if i != j && i > 0 && !testkit.Full() {
				continue
			}
			peer := c.nodes[j]
			addrs, qualified := []netip.Addr{peer.v4()}, name+".nodes.example"
			if peer == n {
				addrs = append(addrs, peer.v6())
			}
			eventually(t, n.name+" finds "+qualified, func() error {
				return c.x.findsBy(n.machine, services, qualified, addrs...)
			})
			must(t, n.fileHas(name)) // the bare one would be found before everything that DNS has
			must(t, c.x.findsBy(n.machine, []string{"files"}, name))
			if name != "mail" {
				must(t, c.x.findsBy(n.machine, []string{"dns", "resolve"}, name, addrs...))
			}
			must(t, c.x.namesBy(n.machine, peer.v4(), qualified+" "+peer.id, qualified))
		}
	}
}

// keepCompanyNames has what the site means by a name found before the node that calls
// itself so.
func (c *labelled) keepCompanyNames(t *testing.T) {
	n := c.nodes[0]
	must(t, c.x.findsBy(n.machine, []string{"dns", "resolve"}, "mail", mailHost))
	must(t, c.x.findsBy(n.machine, []string{"dns", "resolve"}, "mail.corp.example", mailHost))
	must(t, c.x.findsBy(n.machine, services, "mail.nodes.example", c.nodes[1].v4()))
	must(t, n.resolves("mail.corp.example", mailHost))
	if c.company.count("web-3.corp.example.") == 0 { // it may have been a host of the site
		t.Error("the site's server was not asked for a name of its domain")
	}
	if asked := c.company.count("nodes.example."); asked > 0 {
		t.Errorf("the site's server was asked %d times for names of ours", asked)
	}
}

// refuseHostileLabels has names refused alone: the node is found by its ID, and every
// other node as before.
func (c *labelled) refuseHostileLabels(t *testing.T) {
	n, victim, addr := c.nodes[0], strangerID(t), netip.MustParseAddr("10.88.0.66")
	file := func() (ours string) { _, ours, _ = strings.Cut(n.read("/etc/hosts"), "# BEGIN"); return ours }
	c.curator.tell("set %s %s name=good", victim, addr)
	c.answer(t, exist(addr, netip.Addr{}, "good.nodes.example"))
	for _, label := range []string{
		"localhost", "www.bank.example", "wpad", "isatap", "role", "ip6-localhost", "../x", "a b", "a\nb", "a\n10.88.0.67 www",
		"\u202eweb", "a,b", "a#b", "-a", "192.0.2.1", "10", strings.Repeat("x", 300), strings.Repeat("x", 64), "\x00", n.id, strangerID(t),
	} {
		c.curator.tell("set %s %s name=%s", victim, addr, strings.ReplaceAll(strconv.Quote(label), " ", `\x20`))
		eventually(t, fmt.Sprintf("%.40q is refused", label), func() error {
			return errors.Join(n.counts(5, 0, 1), n.answersRow(nameRow{query: "good.nodes.example", status: "NXDOMAIN"}))
		})
		must(t, n.resolves(victim, addr))
		var s struct{ Refused []struct{ ID, Reason string } }
		must(t, n.readStatus(&s))
		if len(s.Refused) != 1 || s.Refused[0].ID != victim || s.Refused[0].Reason == "" {
			t.Errorf("%.40q: refused are %+v", label, s.Refused)
		}
		c.curator.tell("rename %s good", victim)
		eventually(t, "the good name is back", func() error { return n.resolves("good.nodes.example", addr) })
	}
	must(t, n.resolves("localhost", loopback4, loopback6))
	for _, name := range []string{"wpad", "role", "www.bank.example", "x"} {
		must(t, c.x.findsBy(n.machine, services, name))
	}
	eventually(t, "the file has the node by its good name", func() error { return n.fileHas("good.nodes.example", addr) })
	for line := range strings.Lines(file()) {
		if words := strings.Fields(line); strings.Contains(line, victim) && !slices.Equal(words, []string{addr.String(), "good.nodes.example", victim}) {
			t.Errorf("the hosts file has %q", line)
		}
	}
	if strings.Contains(file(), "10.88.0.67") {
		t.Errorf("a label has written a line of the hosts file:\n%s", file())
	}
	c.curator.tell("rename %s -", victim)
	eventually(t, "the name is gone", func() error {
		return errors.Join(n.answers("NXDOMAIN", "good.nodes.example"), n.fileHas(victim, addr), n.counts(5, 0, 0))
	})
	c.curator.tell("rename %s good", victim)
	c.answer(t, exist(addr, netip.Addr{}, "good.nodes.example"))
	c.curator.tell("remove %s", victim)
	c.answer(t, []nameRow{{query: "good.nodes.example", status: "NOERROR", data: []string{addr.String()}, ede: "3 since "}})
}

func (c *labelled) renameOne(t *testing.T) {
	n, web3 := c.nodes[0], c.nodes[2]
	c.curator.tell("rename %s API-3", web3.id)
	c.answer(t, append(exist(web3.v4(), netip.Addr{}, "api-3", "api-3.nodes.example"),
		nameRow{query: "web-3.nodes.example", status: "NXDOMAIN"},
		nameRow{query: web3.v4().String(), status: "NOERROR", data: []string{"api-3.nodes.example."}}), n, c.nodes[1])
	must(t, web3.resolves("api-3", web3.v4(), web3.v6()))
	eventually(t, "glibc finds it", func() error { return c.x.findsBy(n.machine, services, "api-3.nodes.example", web3.v4()) })
	must(t, c.x.findsBy(n.machine, []string{"dns", "resolve"}, "api-3", web3.v4()))
	must(t, n.fileHas("web-3.nodes.example"))
}

// contest has two nodes come with one name, one leave it, and claim it again.
func (c *labelled) contest(t *testing.T) {
	n, a, b := c.nodes[0], strangerID(t), strangerID(t)
	addrA, addrB := netip.MustParseAddr("10.88.0.71"), netip.MustParseAddr("10.88.0.72")
	// Both come in one backlog, so that none is the first.
	c.curator.tell("follower on")
	c.curator.tell("drop")
	c.curator.tell("set %s %s name=twin", a, addrA)
	c.curator.tell("set %s %s name=twin", b, addrB)
	c.curator.tell("follower off")
	contested := func(id string) nameRow {
		return nameRow{query: "twin.nodes.example", status: "SERVFAIL", ede: "0 " + id}
	}
	c.answer(t, []nameRow{
		contested(a), contested(b),
		{query: "twin", status: "SERVFAIL", ede: "0 " + a},
		{query: addrA.String(), status: "NOERROR", data: []string{a + "."}},
	})
	must(t, n.contestedNames(1))
	must(t, c.x.findsBy(n.machine, services, "twin"))
	must(t, n.resolves(a, addrA))
	eventually(t, "the file has neither", func() error {
		return errors.Join(n.fileHas("twin.nodes.example"), n.fileHas(a, addrA), n.fileHas(b, addrB))
	})

	c.curator.tell("rename %s single", a)
	settled := append(exist(addrB, netip.Addr{}, "twin", "twin.nodes.example"), exist(addrA, netip.Addr{}, "single.nodes.example")...)
	c.answer(t, settled)
	c.curator.tell("rename %s twin", a)
	settled[len(settled)-3] = nameRow{query: "single.nodes.example", status: "NXDOMAIN"}
	settled = settled[:len(settled)-2]
	c.answer(t, settled)
	must(t, n.contestedNames(1))
	for _, command := range []string{"status", "doctor", "nodes twin"} {
		out, _ := n.nodedns(append(strings.Fields(command), "--config", configFile)...)
		for _, part := range []string{"twin", a, b} {
			if !strings.Contains(out, part) {
				t.Errorf("%s has no %s:\n%s", command, part, out)
			}
		}
	}
	n.restart()
	eventually(t, "the cluster is followed", func() error { return n.connection(true) })
	c.answer(t, settled, n)
}

// loseCurator restarts daemons, orderly and by force, while no curator is there.
func (c *labelled) loseCurator(t *testing.T) {
	n, peer, web3 := c.nodes[0], c.nodes[1], c.nodes[2]
	last := strangerID(t)
	c.curator.tell("set %s 10.88.0.73 name=last", last)
	eventually(t, "all of it is saved", func() error {
		for _, m := range []*node{n, peer} {
			if !strings.Contains(m.read(savedFile), "last") {
				return fmt.Errorf("%s has not saved the last name", m.name)
			}
		}
		return nil
	})
	c.curator.kill()
	for i, m := range []*node{n, peer} {
		m.daemon.signal([]unix.Signal{unix.SIGTERM, unix.SIGKILL}[i])
		m.daemon.exit()
		must(t, c.x.findsBy(m.machine, []string{"files"}, "api-3.nodes.example", web3.v4()))
		m.boot()
		m.awaitReady()
		c.answer(t, slices.Concat(
			exist(web3.v4(), netip.Addr{}, "api-3", "api-3.nodes.example"),
			exist(netip.MustParseAddr("10.88.0.72"), netip.Addr{}, "twin.nodes.example")), m)
		must(t, m.contestedNames(1))
		eventually(t, "resolv.conf points here again", func() error {
			return c.x.findsBy(m.machine, services, "api-3.nodes.example", web3.v4())
		})
	}
}
