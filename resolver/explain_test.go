package resolver

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// explain explains a question to a server.
func explain(t *testing.T, s *Server, name string, qtype uint16, dry bool) *Explanation {
	t.Helper()
	e, err := s.Explain(t.Context(), name, typeText(qtype), dry)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

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
func checkReply(t *testing.T, s *Server, e *Explanation, qtype uint16) {
	t.Helper()
	client := clientAt("127.0.0.1:1234")
	client.TCP = true
	bytes, wait := s.Handle(packed(t, withEDNS(query(e.Name, qtype), 1232)), client, nil)
	if wait != nil {
		t.Fatalf("%s %s: the query waits", e.Name, e.Type)
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
			s := newPathServer(t, newPathZone(t, state), nil)
			for question := range questions() {
				r, err := wire.Ask(question.name, typeText(question.qtype))
				if err != nil {
					t.Fatal(err)
				}
				decided := s.Lookup(r).Decided
				dry := explain(t, s, question.name, question.qtype, true)
				checkSteps(t, dry, &decided)
				if (dry.Answer == nil) != (decided.Kind == decision.Forward) {
					t.Errorf("%+v: without asking anybody the answer is %+v", question, dry.Answer)
				}
				e := explain(t, s, question.name, question.qtype, false)
				checkSteps(t, e, &decided)
				checkReply(t, s, e, question.qtype)
				again := s.Lookup(r)
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

// questions are those that have something for each step, and random ones made
// of the same parts.
func questions() func(yield func(inquired) bool) {
	random := rand.New(rand.NewPCG(7, 53))
	return func(yield func(inquired) bool) {
		for _, name := range pathNames {
			// Loop detection names are for other servers only, and what is too long is
			// not a valid name.
			if _, err := decision.ParseName(name); err != nil || strings.Contains(name, "nodedns-loop") {
				continue
			}
			for _, qtype := range pathTypes {
				if !yield(inquired{name, qtype}) {
					return
				}
			}
		}
		parts := []string{ours, theirs, nobody, "www", "x", "nodes", "example", "corp", "local", "arpa", "in-addr", "10", "0", "1", "invalid", "printer", "lan", "routed", "void", "localhost"}
		for range 500 {
			labels := make([]string, 1+random.IntN(5))
			for i := range labels {
				labels[i] = parts[random.IntN(len(parts))]
			}
			if !yield(inquired{strings.Join(labels, "."), pathTypes[random.IntN(len(pathTypes))]}) {
				return
			}
		}
	}
}

// Where an answer comes from, for each kind of origin.
func TestFacts(t *testing.T) {
	t.Parallel()
	up := upstream.Plain(fakeUpstream(t, answering("www.example.com. 60 IN A 192.0.2.1")))
	stream := upstream.Server{Transport: upstream.TCP, Addr: up.Addr}
	s := newPathServer(t, newPathZone(t, zoneReady), func(set *Settings) {
		set.Upstreams.Servers = []upstream.Server{stream}
		set.Upstreams.Routes[1].Servers = []upstream.Server{up}
	})
	s.forward.InFlight = make(chan struct{}, 1)
	lines := func(numbers ...int) (all []HostLine) {
		for _, n := range numbers {
			all = append(all, HostLine{s.hosts.Path(), n})
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
	up := fakeUpstream(t, answering(records...))
	a, err := newServer(t, settings(up)).Query(t.Context(), "www.example.org", "TXT")
	if err != nil || a.Server != up.String() || a.Protocol != "tcp" || len(a.Records) != 20 {
		t.Errorf("got %d records from %s by %s, %v", len(a.Records), a.Server, a.Protocol, err)
	}
}

// Servers are listed in the order of use, and a dry run asks none.
func TestExplainUpstreams(t *testing.T) {
	t.Parallel()
	queries := make(chan struct{}, 100)
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		queries <- struct{}{}
		answering("www.example.org. 60 IN A 192.0.2.1")(w, q)
	})
	silent := fakeUpstream(t, func(dns.ResponseWriter, *dns.Msg) {})
	set := settings(silent, up)
	set.Cache.Size = 1 << 20
	s := newServer(t, set)
	dry := explain(t, s, "www.example.org", dns.TypeA, true)
	if got := serversOf(dry); !slices.Equal(got, []string{silent.String(), up.String()}) || dry.Answer != nil || len(queries) != 0 {
		t.Errorf("a dry run names %v, answers %+v, and has sent %d queries", got, dry.Answer, len(queries))
	}
	if last := dry.Steps[len(dry.Steps)-1]; last.Outcome != NotAsked {
		t.Errorf("the last step of a dry run: %+v", last)
	}
	e := explain(t, s, "www.example.org", dns.TypeA, false)
	want := ExplainedStep{"servers", Settled, fmt.Sprintf("%v answered by udp: NOERROR", up)}
	if last := e.Steps[len(e.Steps)-1]; last != want {
		t.Errorf("the last step: %+v, want %+v", last, want)
	}
	// The one that did not answer comes first until it is down; none is asked,
	// since the answer is cached.
	e = explain(t, s, "www.example.org", dns.TypeA, false)
	if got := serversOf(e); !slices.Equal(got, []string{silent.String(), up.String()}) || e.Upstreams[0].State != "doubtful" || e.Answer.Cache == nil {
		t.Errorf("later they are %v, and the answer %+v", got, e.Answer)
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
	s := newServer(t, settings())
	for _, q := range [][2]string{{"a..b", "A"}, {"a", "NONSENSE"}} {
		if _, err := s.Explain(t.Context(), q[0], q[1], true); err == nil {
			t.Errorf("%v is explained", q)
		}
	}
}
