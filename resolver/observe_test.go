package resolver

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

func watching(t *testing.T, s *Server) *querylog.Watcher {
	t.Helper()
	w, err := s.Watch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// observed are the next entries.
func observed(t *testing.T, w *querylog.Watcher) []querylog.Entry {
	t.Helper()
	entries, missed, err := w.Next(t.Context())
	if err != nil || missed != 0 {
		t.Fatalf("%d missed, %v", missed, err)
	}
	return entries
}

// lineOf is what distinguishes one entry from another.
func lineOf(t *testing.T, e *querylog.Entry) string {
	t.Helper()
	reply, name, qtype := new(dns.Msg), "", ""
	if err := reply.Unpack(e.Reply); err != nil {
		t.Fatal(err)
	}
	if len(reply.Question) > 0 {
		name, qtype = reply.Question[0].Name, dns.TypeToString[reply.Question[0].Qtype]
	}
	fields := []string{e.Transport.String(), name, qtype, wire.RcodeName(e.Rcode), e.Source.String(), e.Reason}
	for _, rr := range reply.Answer {
		fields = append(fields, wire.RData(rr))
	}
	for _, ede := range e.Extended {
		fields = append(fields, dns.ExtendedErrorCodeToString[ede.InfoCode]+": "+wire.ExtendedText(ede))
	}
	if e.Server != (upstream.Server{}) {
		fields = append(fields, "by "+e.Server.String())
	}
	return strings.Join(fields, " | ")
}

// Each query is published once, whatever its path and outcome.
func TestWatch(t *testing.T) {
	t.Parallel()
	answers := fakeUpstream(t, answering("www.example.org. 60 IN A 192.0.2.1"))
	broken := fakeUpstream(t, failing)
	set := settings(answers)
	set.Cache = Cache{Size: 1 << 20}
	set.Upstreams.Routes = []Route{{Domains: []string{"broken.example"}, Servers: plain(broken)}}
	s := start(t, newServer(t, set))
	w := watching(t, s)
	odd := oddQueries(t)
	tests := []struct {
		name    string
		message []byte
		want    string
	}{
		{"a node", packed(t, query(strings.ToUpper(theirs), dns.TypeA)), strings.ToUpper(theirs) + ". | A | NOERROR | zone | a node | 10.0.0.10"},
		{"no node", packed(t, query(nobody, dns.TypeAAAA)), nobody + ". | AAAA | NXDOMAIN | zone | no such node"},
		{"forwarded", packed(t, query("www.example.org", dns.TypeA)), "www.example.org. | A | NOERROR | upstream | not a name of ours | 192.0.2.1 | by " + answers.String()},
		{"cached", packed(t, query("www.example.org", dns.TypeA)), "www.example.org. | A | NOERROR | cache | an upstream answered a while ago | 192.0.2.1"},
		{
			"an error that a client without EDNS does not get", packed(t, query("a.broken.example", dns.TypeA)),
			"a.broken.example. | A | SERVFAIL | upstream | the upstreams failed | No Reachable Authority: " + broken.String() + " answered SERVFAIL and not why | by " + broken.String(),
		},
		{"another class", odd["class"], "version.bind. | TXT | REFUSED | request | a class other than IN"},
		{"another version of EDNS", odd["version"], theirs + ". | A | BADVERS | request | unknown version of EDNS"},
		{"another opcode", odd["opcode"], " |  | NOTIMP | request | opcode is not QUERY"},
		{"malformed", odd["cut"], " |  | FORMERR | request | malformed"},
	}
	for _, network := range []string{"udp", "tcp"} {
		s.Flush() // so that queries are forwarded again
		c := dial(t, s, network)
		for _, tt := range tests {
			c.send(tt.message)
			c.receive()
			all := observed(t, w)
			if len(all) != 1 {
				t.Errorf("%s, %s: %d events, want one", tt.name, network, len(all))
				continue
			}
			if got := lineOf(t, &all[0]); got != network+" | "+tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.name, got, network+" | "+tt.want)
			}
			if o := all[0]; o.Client.String() != c.LocalAddr().String() || !o.Time.Equal(wallClock) {
				t.Errorf("%s: by %s at %v", tt.name, o.Client, o.Time)
			}
		}
	}
}

// oddQueries are refused without a decision.
func oddQueries(t *testing.T) map[string][]byte {
	notify := query("example.org", dns.TypeSOA)
	notify.Opcode = dns.OpcodeNotify
	chaos := query("version.bind", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	version := withEDNS(query(theirs, dns.TypeA), 1232)
	version.IsEdns0().SetVersion(1)
	whole := packed(t, query(theirs, dns.TypeA))
	return map[string][]byte{
		"opcode": packed(t, notify), "class": packed(t, chaos), "version": packed(t, version), "cut": whole[:len(whole)-1],
	}
}

func TestUnansweredIsNotPublished(t *testing.T) {
	t.Parallel()
	s := start(t, newServer(t, settings()))
	w, c := watching(t, s), dial(t, s, "udp")
	response := query(theirs, dns.TypeA)
	response.Response = true
	c.send(packed(t, response))
	c.exchange(query("localhost", dns.TypeA))
	if all := observed(t, w); len(all) != 1 || !strings.Contains(lineOf(t, &all[0]), "localhost.") {
		t.Errorf("got %v", all)
	}
}

func TestWatchWhatNeedsNoSocket(t *testing.T) {
	t.Parallel()
	s := newServer(t, settings(fakeUpstream(t, answering("www.example.org. 60 IN A 192.0.2.1"))))
	w := watching(t, s)
	for name, want := range map[string]string{
		theirs:            "query | " + theirs + ". | A | NOERROR | zone | a node | 10.0.0.10",
		"www.example.org": "query | www.example.org. | A | NOERROR | upstream | not a name of ours | 192.0.2.1",
	} {
		_, l := resolve(t.Context(), s, name, dns.TypeA)
		all := observed(t, w)
		if len(all) != 1 || !strings.HasPrefix(lineOf(t, &all[0]), want) || all[0].Client.IsValid() || all[0].Server != l.Server {
			t.Errorf("%s: got %+v, want %s", name, all, want)
		}
	}
}

// The duration of a query is measured by the clock that does not jump.
func TestWatchReportsTheDuration(t *testing.T) {
	t.Parallel()
	s := newPathServer(t, newPathZone(t, zoneReady), nil)
	w := watching(t, s)
	client := clientAt("127.0.0.1:1234")
	client.Now = pathClock - 3*time.Millisecond // as a batch has it
	if reply, _ := s.Handle(packed(t, query(theirs, dns.TypeA)), client, nil); reply == nil {
		t.Fatal("no reply")
	}
	if all := observed(t, w); all[0].Duration != 3*time.Millisecond || all[0].Client != client.Addr {
		t.Errorf("got %+v", all)
	}
}

// A watcher that does not read delays no query: all queries are answered
// before it reads, and what had no room is counted.
func TestAStoppedWatcherDelaysNoQuery(t *testing.T) {
	t.Parallel()
	s := newPathServer(t, newPathZone(t, zoneReady), nil)
	w := watching(t, s)
	message, client := packed(t, query(theirs, dns.TypeA)), clientAt("127.0.0.1:1234")
	worker, buffer := s.newWorker(), make([]byte, 0, 512)
	const asked = 100_000
	for range asked {
		if reply, _ := worker.Handle(message, client, buffer); len(reply) == 0 {
			t.Fatal("no reply")
		}
	}
	events, missed, err := w.Next(t.Context())
	if err != nil || len(events) == 0 || uint64(len(events))+missed != asked {
		t.Errorf("%d events and %d missed of %d, %v", len(events), missed, asked, err)
	}
}
