package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nss"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone"
)

func digits(begun string) string { return begun + strings.Repeat("0", 32-len(begun)) }

// abbreviating answers on a control socket for a zone of nodes whose digits
// begin with cafe1, cafe2 and dead, and for other names as given: by what rule,
// with what code and how many records. What is not given is a single label that
// nothing has.
func abbreviating(t *testing.T, others map[string]inspect.Answer) (socket string) {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: nodeID, RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	for _, begun := range []string{"cafe1", "cafe2", "dead"} {
		store.Source("curator").Set(zone.Entry{ID: "metropolis-" + digits(begun), Addresses: testkit.Addrs("10.0.0.1")})
	}
	answer := func(name, typ string) *inspect.Answer {
		a, other := others[name+" "+typ]
		if !other {
			a = inspect.Answer{Rcode: "NOERROR", Provenance: inspect.Provenance{Step: "single-label"}}
		}
		if n, ok := store.Snapshot().Lookup(name); ok {
			a = inspect.Answer{Rcode: "NOERROR", Provenance: inspect.Provenance{Step: "zone"}}
			if typ == "A" {
				a.Records = []inspect.Record{{Name: string(n.ID()), Type: typ, Data: "10.0.0.1"}}
			}
		}
		a.Name, a.Type = name+".", typ
		return &a
	}
	return answering(t, control.Daemon{
		Snapshot: store.Snapshot,
		Query: func(_ context.Context, name, typ string) (*inspect.Answer, error) {
			return answer(name, typ), nil
		},
		Explain: func(_ context.Context, name, typ string, dry bool) (*inspect.Explanation, error) {
			e := &inspect.Explanation{Name: name + ".", Type: typ, Answer: answer(name, typ)}
			if dry && e.Answer.Step == "upstream" {
				e.Answer, e.Steps = nil, []inspect.ExplainedStep{{Step: "upstream", Outcome: inspect.Forwarded}}
			}
			return e, nil
		},
	})
}

// by is an answer without records, by a step.
func by(step, rcode string) inspect.Answer {
	return inspect.Answer{Rcode: rcode, Provenance: inspect.Provenance{Step: step}}
}

// A beginning of a node's digits stands for the node, unless the name means
// something as it stands.
func TestAbbreviated(t *testing.T) {
	t.Parallel()
	found := by("hosts", "NOERROR")
	found.Records = []inspect.Record{{Name: "dead.", Type: "A", Data: "192.0.2.7"}}
	for name, tt := range map[string]struct {
		others map[string]inspect.Answer
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"digits":                           {nil, []string{"dead", "A"}, exitOK, "metropolis-dead0", "dead is the beginning of metropolis-dead0"},
		"with the prefix":                  {nil, []string{"Metropolis-Cafe1", "A"}, exitOK, "metropolis-cafe10", "is the beginning of metropolis-cafe10"},
		"ambiguous":                        {nil, []string{"cafe", "A"}, exitFailed, "", "  metropolis-" + digits("cafe2")},
		"no node's":                        {nil, []string{"beef", "A"}, exitFailed, "beef", "beef has no A record"},
		"too few":                          {nil, []string{"dea", "A"}, exitFailed, "dea", "dea has no A record"},
		"with a final dot":                 {nil, []string{"dead.", "A"}, exitFailed, "dead.", "no A record"},
		"a line of the hosts file":         {map[string]inspect.Answer{"dead A": found}, []string{"dead", "A"}, exitOK, "192.0.2.7", ""},
		"a line without the type":          {map[string]inspect.Answer{"dead A": by("hosts", "NOERROR")}, []string{"dead", "A"}, exitFailed, "dead", "no A record"},
		"a route":                          {map[string]inspect.Answer{"dead A": by("route", "NXDOMAIN")}, []string{"dead", "A"}, exitFailed, "dead", "NXDOMAIN"},
		"a name without the type upstream": {map[string]inspect.Answer{"dead NS": by("upstream", "NOERROR")}, []string{"dead", "NS"}, exitFailed, "dead", "no NS record"},
		"no name upstream":                 {map[string]inspect.Answer{"dead A": by("upstream", "NXDOMAIN")}, []string{"dead", "A"}, exitOK, "metropolis-dead0", "is the beginning of"},
		"without any upstream":             {map[string]inspect.Answer{"dead A": by("upstream", "REFUSED")}, []string{"dead", "A"}, exitOK, "metropolis-dead0", "is the beginning of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := abbreviating(t, tt.others)
			o := command(t, append([]string{"query", "--control", socket}, tt.args...)...)
			o.expect(t, tt.code, tt.stdout, tt.stderr)
			if tt.code == exitOK && (tt.stderr == "") != (o.stderr == "") {
				t.Errorf("on stderr is %q", o.stderr)
			}
		})
	}
}

// It does for explain too, by the same rule, and unless a program on this machine
// finds the name by whatever way.
func TestExplainAbbreviated(t *testing.T) {
	t.Parallel()
	upstream := map[string]inspect.Answer{"dead TXT": by("upstream", "NOERROR")}
	for name, tt := range map[string]struct {
		others map[string]inspect.Answer
		args   []string
		code   int
		stdout string
	}{
		"digits":                {nil, []string{"dead", "TXT"}, exitOK, `"name": "metropolis-dead0`},
		"a name upstream":       {upstream, []string{"dead", "TXT"}, exitOK, `"name": "dead"`},
		"that is not asked for": {upstream, []string{"--dry-run", "dead", "TXT"}, exitOK, `"name": "metropolis-dead0`},
		"ambiguous":             {nil, []string{"cafe", "TXT"}, exitFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"explain", "--json", "--control", abbreviating(t, tt.others)}, tt.args...)
			command(t, args...).expect(t, tt.code, tt.stdout, "")
		})
	}
	nothing := inspect.Answer{Name: "dead.", Rcode: "NOERROR", Provenance: inspect.Provenance{Step: "single-label"}}
	e := &explained{Name: "dead", Explanations: []inspect.Explanation{{Name: "dead.", Answer: &nothing}}}
	if !e.isUnknown() {
		t.Error("a single label that nothing has is taken to be known")
	}
	e.Predictions = []nss.Prediction{{Command: "getent hosts dead", Found: []string{"192.0.2.1"}, As: "dead.corp.example"}}
	if e.isUnknown() {
		t.Error("a name that the search list finds is taken to be unknown")
	}
}

// Of many nodes some are listed, and names tell them apart.
func TestAmbiguousError(t *testing.T) {
	t.Parallel()
	err := &ambiguousError{"cafe", control.Found{
		Nodes: []control.Node{{ID: "metropolis-cafe1", Names: []string{"web-1", "www.example"}}, {ID: "metropolis-cafe2"}}, More: true,
	}}
	want := "cafe is the beginning of several nodes' IDs; type more of it, or a name:\n" +
		"  metropolis-cafe1 (web-1, www.example)\n  metropolis-cafe2\n  and more"
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}

// A daemon of another version answers for whole names, and that is all.
func TestNotAbbreviatedByAnotherVersion(t *testing.T) {
	t.Parallel()
	daemon := control.Handler(control.Daemon{Query: func(_ context.Context, name, typ string) (*inspect.Answer, error) {
		a := by("single-label", "NOERROR")
		a.Name, a.Type = name+".", typ
		return &a, nil
	}})
	socket := answeringBy(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/find" {
			http.NotFound(w, r)
			return
		}
		daemon.ServeHTTP(w, r)
	}))
	command(t, "query", "--control", socket, "dead", "A").expect(t, exitFailed, "dead", "dead has no A record")
}
