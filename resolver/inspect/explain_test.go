package inspect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// checkSteps wants the steps to match the verdict.
func checkSteps(t *testing.T, e *Explanation, v *decision.Verdict) {
	t.Helper()
	for i, step := range e.Steps[:decision.Steps] {
		want := Passed
		switch {
		case decision.Step(i) > v.Step:
			want = NotReached
		case decision.Step(i) < v.Step:
		case v.Kind == decision.Forward, v.Kind == decision.Cached:
			want = Forwarded
		default:
			want = Settled
		}
		if step.Step != decision.Step(i).String() || step.Outcome != want || (step.Reason == "") != (want == NotReached) {
			t.Errorf("%s %s: the step %v is said to be %+v, want %s", e.Name, e.Type, decision.Step(i), step, want)
		}
	}
	fetched := e.Steps[decision.Steps].Outcome == Settled
	if fetched != (v.Kind == decision.Cached) {
		t.Errorf("%s %s: the cache %+v, with a verdict of kind %v", e.Name, e.Type, e.Steps[decision.Steps], v.Kind)
	}
}

// checkReply wants the explanation to end with the answer that a client gets.
func checkReply(t *testing.T, s *scene, e *Explanation, qtype uint16) {
	t.Helper()
	query, err := new(dns.Msg).SetQuestion(e.Name, qtype).SetEdns0(1232, false).Pack()
	if err != nil {
		t.Fatal(err)
	}
	bytes, wait := s.Server.Handle(query, listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1234"), TCP: true}, nil)
	if wait != nil {
		bytes = wait(t.Context())
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(bytes); err != nil {
		t.Fatal(err)
	}
	want := asAnswer(reply, upstream.Extended(reply))
	got := *e.Answer
	got.Source, got.Reason, got.Provenance, got.Hops, got.Server, got.Protocol, got.Duration = "", "", Provenance{}, nil, "", "", 0
	// Names that a server compressed are spelled as in the question.
	if spell := func(a *Answer) string { return strings.ToLower(fmt.Sprintf("%+v", *a)) }; spell(&got) != spell(want) {
		t.Errorf("explained is\n%+v\nand the reply is\n%+v", got, *want)
	}
}

// What is explained is what is decided, and what is answered.
func TestExplanationIsTheDecision(t *testing.T) {
	for _, state := range []zoneState{zoneReady, zoneUnready, zoneLost, zoneNameless} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			s, up := newFullScene(t, state, upstream.UDP)
			for question := range questions() {
				r, err := wire.Ask(question.name, typeText(question.qtype))
				if err != nil {
					t.Fatal(err)
				}
				up.take()
				decided := s.Server.Lookup(r).Decided
				dry := s.explain(t, question.name, question.qtype, true)
				checkSteps(t, dry, &decided)
				if asked := up.take(); len(asked) != 0 || (dry.Answer == nil) != (decided.Kind == decision.Forward) {
					t.Errorf("%+v: a dry run asks %q, and answers %+v", question, asked, dry.Answer)
				}
				e := s.explain(t, question.name, question.qtype, false)
				checkSteps(t, e, &decided)
				checkReply(t, s, e, question.qtype)
				again := s.Server.Lookup(r)
				again.Finish(t.Context())
				verdict := again.Verdict
				if a := e.Answer; a.Step != decided.Step.String() || a.Source != verdict.Source.String() || a.Reason != verdict.Reason {
					t.Errorf("%+v: the answer is from %s, %s: %s; want %s, %s: %s",
						question, a.Step, a.Source, a.Reason, decided.Step, verdict.Source, verdict.Reason)
				}
			}
		})
	}
}

type inquired struct {
	name  string
	qtype uint16
}

// names have a case for every step of a decision.
var names = []string{
	ours, theirs, departed, addrless, nobody, "x." + theirs,
	ours + ".nodes.example", nobody + ".Nodes.example", "nodes.example", "www.nodes.example", theirs + ".corp.example",
	"1.0.0.10.in-addr.arpa", "10.0.0.10.in-addr.arpa", "11.0.0.10.in-addr.arpa", "99.0.0.10.in-addr.arpa",
	"localhost", "1.0.0.127.in-addr.arpa", "1.1.0.127.in-addr.arpa",
	"printer", "printer.lan", "7.1.168.192.in-addr.arpa", "debian",
	"www.void.example", "www.routed.example", "www.invalid", "x.onion", "scanner", `a\.b`, ".",
	"www.example.org", "absent.example.org", "broken.example.org", "due.example.org", "stale.example.org", "late.example.org", "alias.example.org", "unknown.example.org",
}

var types = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeTXT, dns.TypeSOA, dns.TypeHTTPS, dns.TypeANY,
	dns.TypeAXFR, dns.TypeOPT, dns.TypeNone, 65534,
}

// questions are those that have something for each step, and random ones made
// of the same parts.
func questions() func(yield func(inquired) bool) {
	random := rand.New(rand.NewPCG(7, 53))
	return func(yield func(inquired) bool) {
		for _, name := range names {
			for _, qtype := range types {
				if !yield(inquired{name, qtype}) {
					return
				}
			}
		}
		parts := []string{ours, theirs, nobody, "www", "x", "nodes", "example", "corp", "local", "arpa", "in-addr", "10", "0", "1", "invalid", "printer", "lan", "routed", "void", "localhost"}
		for range 200 {
			labels := make([]string, 1+random.IntN(5))
			for i := range labels {
				labels[i] = parts[random.IntN(len(parts))]
			}
			if !yield(inquired{strings.Join(labels, "."), types[random.IntN(len(types))]}) {
				return
			}
		}
	}
}

// Where an answer comes from, for each kind of origin.
func TestProvenance(t *testing.T) {
	t.Parallel()
	s, script := newFullScene(t, zoneReady, upstream.TCP)
	up, stream := upstream.Plain(script.addr), upstream.Server{Transport: upstream.TCP, Addr: script.addr}
	lines := func(numbers ...int) (all []HostLine) {
		for _, n := range numbers {
			all = append(all, HostLine{s.lines, n})
		}
		return all
	}
	servers := map[string]string{
		"www.routed.example A": up.String(), "www.example.com A": stream.String(), "99.0.0.10.in-addr.arpa PTR": stream.String(),
	}
	since := wallClock
	for question, want := range map[string]Provenance{
		theirs + " A":                     {Step: "zone", Node: &NodeProvenance{ID: theirs, Source: "curator", State: "unknown", Since: &since}},
		departed + " AAAA":                {Step: "zone", Node: &NodeProvenance{ID: departed, Source: "curator", State: "unknown", Departed: true, Since: &since}},
		"10.0.0.10.in-addr.arpa PTR":      {Step: "reverse", Node: &NodeProvenance{ID: theirs, Source: "curator", State: "unknown", Since: &since}},
		nobody + " A":                     {Step: "zone"},
		"localhost A":                     {Step: "localhost"},
		"x.invalid A":                     {Step: "special"},
		"scanner A":                       {Step: "single-label"},
		"www.example.org AXFR":            {Step: "request"},
		"printer A":                       {Step: "hosts", Lines: lines(1)},
		"printer.lan AAAA":                {Step: "hosts", Lines: lines(2)},
		"printer.lan ANY":                 {Step: "hosts", Lines: lines(1, 2)},
		"debian AAAA":                     {Step: "hosts", Lines: lines(3)},
		"7.1.168.192.in-addr.arpa PTR":    {Step: "hosts", Lines: lines(1)},
		"www.void.example A":              {Step: "route", Route: "void.example."},
		"www.routed.example A":            {Step: "route", Route: "routed.example."},
		"www.example.com A":               {Step: "upstream"},
		"99.0.0.10.in-addr.arpa PTR":      {Step: "special", Private: true},
		"www.example.org A":               {Step: "upstream", Cache: &CacheProvenance{Age: 10, Left: 190}},
		"broken.example.org A":            {Step: "upstream", Cache: &CacheProvenance{Left: 1, Failure: true}},
		"stale.example.org A":             {Step: "upstream", Cache: &CacheProvenance{Age: 600, Stale: true}},
		"www.example.com.nodes.example A": {Step: "zone"},
	} {
		t.Run(question, func(t *testing.T) {
			words := strings.Fields(question)
			a, err := s.Query(t.Context(), words[0], words[1])
			if err != nil {
				t.Fatal(err)
			}
			if server := servers[question]; server != a.Server || (server == "") != (a.Protocol == "") {
				t.Errorf("from %q by %q, want %q", a.Server, a.Protocol, server)
			}
			if !reflect.DeepEqual(a.Provenance, want) {
				t.Errorf("got  %+v\nwant %+v", a.Provenance, want)
			}
		})
	}
}

// What does not fit over UDP came over TCP, whatever protocol is configured.
func TestProtocolOfWhatWasTruncated(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 20 {
		records = append(records, fmt.Sprintf("www.example.org. 60 IN TXT %d%s", i, strings.Repeat("x", 98)))
	}
	up := newScript(t, map[string][]string{"www.example.org TXT": records})
	a, err := newScene(t, newZone(t, zoneReady), resolver.Upstreams{Servers: plain(up.addr)}).Query(t.Context(), "www.example.org", "TXT")
	if err != nil || a.Server != upstream.Plain(up.addr).String() || a.Protocol != "tcp" || len(a.Records) != 20 {
		t.Errorf("got %d records from %s by %s, %v", len(a.Records), a.Server, a.Protocol, err)
	}
}

// Servers are listed in the order of use, and a dry run asks none.
func TestExplainUpstreams(t *testing.T) {
	t.Parallel()
	up := newScript(t, map[string][]string{"www.example.org A": {"www.example.org. 60 IN A 192.0.2.1"}})
	silent := nameserver.Serve(t, nil, nil)
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{Servers: plain(silent, up.addr)})
	dry := s.explain(t, "www.example.org", dns.TypeA, true)
	servers := []string{upstream.Plain(silent).String(), upstream.Plain(up.addr).String()}
	if asked := up.take(); !slices.Equal(serversOf(dry), servers) || dry.Answer != nil || len(asked) != 0 {
		t.Errorf("a dry run names %v, answers %+v, and asks %q", serversOf(dry), dry.Answer, asked)
	}
	if last := dry.Steps[len(dry.Steps)-1]; last.Outcome != NotAsked {
		t.Errorf("the last step of a dry run: %+v", last)
	}
	e := s.explain(t, "www.example.org", dns.TypeA, false)
	want := ExplainedStep{"servers", Settled, servers[1] + " answered by udp: NOERROR"}
	if last := e.Steps[len(e.Steps)-1]; last != want {
		t.Errorf("the last step: %+v, want %+v", last, want)
	}
	// The one that did not answer comes first until it is down; none is asked,
	// since the answer is cached.
	e = s.explain(t, "www.example.org", dns.TypeA, false)
	if !slices.Equal(serversOf(e), servers) || e.Upstreams[0].State != "doubtful" || e.Answer.Cache == nil {
		t.Errorf("later they are %v, and the answer %+v", serversOf(e), e.Answer)
	}
}

func serversOf(e *Explanation) (servers []string) {
	for _, u := range e.Upstreams {
		servers = append(servers, u.Server)
	}
	return servers
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{})
	for _, q := range [][2]string{{"a..b", "A"}, {"a", "NONSENSE"}} {
		if _, err := s.Explain(t.Context(), q[0], q[1], true); err == nil {
			t.Errorf("%v is explained", q)
		}
	}
}

// What is explained names each name behind aliases. With dry no upstream is asked,
// also for what a kept alias leads to.
func TestExplainChain(t *testing.T) {
	t.Parallel()
	world := newScript(t, map[string][]string{
		"long.example A": {"long.example. 60 IN CNAME long.corp.example."},
		"far.example A":  {"far.example. 60 IN CNAME www.corp.example."},
	})
	corp := newScript(t, map[string][]string{
		"long.corp.example A": {"long.corp.example. 60 IN CNAME " + theirs + "."},
		"www.corp.example A":  {"www.corp.example. 1 IN A 10.1.1.1"},
	})
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{
		Servers: plain(world.addr),
		Routes:  []resolver.Route{{Domains: []string{"corp.example"}, Servers: plain(corp.addr)}},
	})
	e := s.explain(t, "long.example", dns.TypeA, false)
	want := []Hop{
		{"long.corp.example.", "route", "upstream", "a route has the name", upstream.Plain(corp.addr).String()},
		{theirs + ".", "zone", "zone", "a node", ""},
	}
	if !slices.Equal(e.Answer.Hops, want) || e.Answer.Reason != "not a name of ours; behind its aliases: a node" || e.Answer.Server != upstream.Plain(world.addr).String() {
		t.Errorf("got %+v", e.Answer)
	}
	steps := e.Steps[len(e.Steps)-2:]
	if steps[0] != (ExplainedStep{"alias", Settled, "long.corp.example.: a route has the name"}) || steps[1] != (ExplainedStep{"alias", Settled, theirs + ".: a node"}) {
		t.Errorf("got %+v", steps)
	}
	if e := s.explain(t, "long.example", dns.TypeA, true); e.Answer == nil || len(e.Answer.Hops) != 2 || e.Answer.Source != "cache" {
		t.Errorf("dry, all of it kept: got %+v", e.Answer)
	}
	s.explain(t, "far.example", dns.TypeA, false)
	s.at(bootClock + 2*time.Second)
	world.take()
	corp.take()
	e = s.explain(t, "far.example", dns.TypeA, true)
	if last := e.Steps[len(e.Steps)-1]; e.Answer != nil || last.Step != "alias" || last.Outcome != NotAsked {
		t.Errorf("dry, a part of it kept: got %+v", e)
	}
	if asked := append(world.take(), corp.take()...); len(asked) != 0 {
		t.Errorf("dry: %q were asked for", asked)
	}
}
