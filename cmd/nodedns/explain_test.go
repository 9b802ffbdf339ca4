package main

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nss"
	"github.com/nodedns/nodedns/resolver/inspect"
)

// steps are the steps of an explanation up to the one that settles it.
func steps(outcome inspect.Outcome, why string, passed ...string) (all []inspect.ExplainedStep) {
	for _, name := range passed[:len(passed)-1] {
		all = append(all, inspect.ExplainedStep{Step: name, Outcome: inspect.Passed, Reason: "not one of " + name})
	}
	return append(all,
		inspect.ExplainedStep{Step: passed[len(passed)-1], Outcome: outcome, Reason: why},
		inspect.ExplainedStep{Step: "last", Outcome: inspect.NotReached})
}

func TestPrintExplanation(t *testing.T) {
	t.Parallel()
	a := inspect.Answer{
		Name: "printer.", Type: "A", Rcode: "NOERROR", Authoritative: true, Source: "hosts", Reason: "a line of the hosts file",
		Records:    []inspect.Record{{Name: "printer.", TTL: 10, Type: "A", Data: "192.0.2.7"}},
		Provenance: inspect.Provenance{Step: "hosts", Lines: []inspect.HostLine{{Path: "/etc/hosts", Line: 3}}},
	}
	six := a
	six.Type, six.Records = "AAAA", nil
	forwarded := steps(inspect.Forwarded, "not a name of ours", "request", "zone", "upstream")
	upstreams := []inspect.ExplainedUpstream{
		{Server: "192.0.2.53", State: "good", RTT: 12345 * time.Microsecond},
		{Server: "192.0.2.54", State: "down", Reason: "no answer in time"},
	}
	library := libraryReport{
		Line: "files [NOTFOUND=return] dns", Number: 7, Search: []string{"a.example", "b.example"}, Dots: 1,
		Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")},
	}
	hosts, byDNS, byDefault, broken := library, library, library, library
	hosts.Services = []nss.Result{{Service: "files", Status: "success", Action: "return", Found: []string{"192.0.2.7"}, Reason: "/etc/hosts:3"}}
	hosts.NotAsked = []string{"dns"}
	byDNS.Line = "files dns"
	byDNS.Services = []nss.Result{
		{Service: "files", Status: "notfound", Action: "continue", Reason: "no line of /etc/hosts has it"},
		{Service: "dns", Status: "success", Action: "return", Reason: "the daemon has www.example", Tried: []nss.Tried{
			{Name: "www.example", Type: "A", Rcode: "NOERROR", From: "cache", Count: 2},
			{Name: "www.example", Type: "AAAA", Rcode: "NOERROR", From: "upstream", Count: 1},
		}},
	}
	byDefault.Number, byDefault.Search = 0, nil
	byDefault.Services = []nss.Result{
		{Service: "dns", Status: nss.Unknown, Reason: "an upstream would be asked for www.example", Tried: []nss.Tried{
			{Name: "www.a.example", Type: "A", Rcode: "NXDOMAIN", From: "zone"}, {Name: "www.example", Type: "A"},
		}},
	}
	broken.Error = "line 7 (hosts): \"]\" is missing"
	// A single label that the search list makes a name of, by each way.
	bare := steps(inspect.Settled, "a single label", "request", "zone", "single-label")
	nodata := func(typ string) *inspect.Answer {
		return &inspect.Answer{Name: "db.", Type: typ, Rcode: "NOERROR", Source: "special", Provenance: inspect.Provenance{Step: "single-label"}}
	}
	record := inspect.Answer{
		Name: "db.b.example.", Type: "A", Rcode: "NOERROR", Source: "upstream",
		Records: []inspect.Record{{Name: "db.b.example.", TTL: 10, Type: "A", Data: "192.0.2.9"}},
	}
	without := record
	without.Type, without.Records = "AAAA", nil
	searched := []inspect.Explanation{
		{Name: "db.", Type: "A", Steps: bare, Answer: nodata("A")},
		{Name: "db.", Type: "AAAA", Steps: bare, Answer: nodata("AAAA")},
		{Name: "db.b.example.", Type: "A", Steps: forwarded, Answer: &record},
		{Name: "db.b.example.", Type: "AAAA", Steps: forwarded, Answer: &without},
	}
	tried := []nss.Tried{
		{Name: "db.a.example", Type: "A", Rcode: "REFUSED", From: "upstream", Step: "route", Reason: "there is no server for a.example"},
		{Name: "db.a.example", Type: "AAAA", Rcode: "REFUSED", From: "upstream", Step: "route", Reason: "there is no server for a.example"},
		{Name: "db.b.example", Type: "A", Rcode: "NOERROR", Count: 1, From: "upstream", Step: "upstream", Reason: "the answer of an upstream"},
		{Name: "db.b.example", Type: "AAAA", Rcode: "NOERROR", From: "upstream", Step: "upstream", Reason: "the answer of an upstream"},
	}
	bare2 := []nss.Tried{
		{Name: "db", Type: "A", Rcode: "NOERROR", From: "special", Step: "single-label", Reason: "a single label"},
		{Name: "db", Type: "AAAA", Rcode: "NOERROR", From: "special", Step: "single-label", Reason: "a single label"},
	}
	names := []string{"db.a.example", "db.b.example", "db"}
	list := &nss.SearchList{Domains: []string{"a.example", "b.example"}, Dots: 1}
	byResolve, refused, bySearch, byFiles := library, library, library, library
	byResolve.Line, byResolve.NotAsked = "resolve [!UNAVAIL=return] files dns", []string{"files", "dns"}
	refused.Line, refused.NotAsked = byResolve.Line, byResolve.NotAsked
	byResolve.Services = []nss.Result{{
		Service: "resolve", Status: "success", Action: "return", Found: []string{"192.0.2.9"}, Reason: "the daemon has db.b.example",
		Names: names, Tried: tried, As: "db.b.example", Search: list,
	}}
	refused.Services = []nss.Result{{
		Service: "resolve", Status: "tryagain", Action: "return", Reason: "the daemon replies io.systemd.Resolve.NoNameServers",
		Names: []string{"db.a.example", "db"}, Tried: append(tried[:2:2], bare2...), Search: &nss.SearchList{Domains: []string{"a.example"}, Dots: 1},
	}}
	bySearch.Line, bySearch.Services = "dns", []nss.Result{{
		Service: "dns", Status: "success", Action: "return", Found: []string{"192.0.2.9"}, Reason: "the daemon has db.b.example",
		Names: names, Tried: tried, As: "db.b.example",
	}}
	byFiles.Line, byFiles.Services = "dns files", []nss.Result{
		{Service: "dns", Status: "notfound", Action: "continue", Reason: "no A or AAAA record at db", Names: []string{"db"}, Tried: bare2},
		{Service: "files", Status: "success", Action: "return", Found: []string{"192.0.2.9"}, Reason: "/etc/hosts:3"},
	}
	for name, e := range map[string]*explained{
		"explain_hosts": {
			Name: "printer", Library: &hosts,
			Explanations: []inspect.Explanation{
				{Name: "printer.", Type: "A", Steps: steps(inspect.Settled, "a line", "request", "zone", "hosts"), Answer: &a},
				{Name: "printer.", Type: "AAAA", Steps: steps(inspect.Settled, "a line without", "request", "zone", "hosts"), Answer: &six},
			},
			Predictions: []nss.Prediction{
				{Command: "getent ahosts printer", Found: []string{"192.0.2.7"}, Service: "files"},
				{Command: "getent hosts printer", Found: []string{}},
			},
		},
		"explain_dns": {
			Name: "www.example", Library: &byDNS,
			Explanations: []inspect.Explanation{
				{Name: "www.example.", Type: "A", Steps: forwarded, Upstreams: upstreams},
				{Name: "www.example.", Type: "AAAA", Steps: steps(inspect.Settled, "the cache", "request", "zone")},
			},
			Predictions: []nss.Prediction{{Command: "getent ahosts www.example", Found: []string{"192.0.2.1", "192.0.2.2"}, Service: "dns", As: "www.example"}},
		},
		"explain_dry": {
			Name: "www.example", Library: &byDefault,
			Explanations: []inspect.Explanation{{Name: "www.example.", Type: "A", Steps: forwarded, Upstreams: upstreams}},
			Predictions:  []nss.Prediction{{Command: "getent ahosts www.example", Unknown: "dns: an upstream would be asked for www.example"}},
		},
		"explain_resolve": {
			Name: "db", Library: &byResolve, Explanations: searched,
			Predictions: []nss.Prediction{{Command: "getent ahosts db", Found: []string{"192.0.2.9"}, Service: "resolve", As: "db.b.example"}},
		},
		"explain_resolve_refused": {
			Name: "db", Library: &refused, Explanations: searched[:2],
			Predictions: []nss.Prediction{{Command: "getent ahosts db"}},
		},
		"explain_search": {
			Name: "db", Library: &bySearch, Explanations: searched,
			Predictions: []nss.Prediction{{Command: "getent ahosts db", Found: []string{"192.0.2.9"}, Service: "dns", As: "db.b.example"}},
		},
		"explain_elsewhere": {
			Name: "db", Library: &byFiles, Explanations: searched[:2],
			Predictions: []nss.Prediction{{Command: "getent ahosts db", Found: []string{"192.0.2.9"}, Service: "files"}},
		},
		"explain_broken": {
			Name: "www.example", Library: &broken,
			Predictions: []nss.Prediction{{Command: "getent ahosts www.example"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := e.print(&out, now); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
			// What is found is not denied: no result without any record.
			if denial := "no A or AAAA record\n"; e.found() != nil && strings.Contains(out.String(), denial) {
				t.Errorf("%s is found, and denied:\n%s", e.Name, out.String())
			}
		})
	}
	text, err := json.Marshal(&explained{Name: "x", Library: reportLibrary(&nss.Config{}, nss.Walk{})})
	if err != nil || strings.Contains(string(text), `"services":null`) || strings.Contains(string(text), `"search":null`) {
		t.Errorf("got %s, %v; want lists that are empty, and not null", text, err)
	}
}
