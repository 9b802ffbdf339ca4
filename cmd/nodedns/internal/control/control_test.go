package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/httpserver"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/nssresolve"
	"github.com/nodedns/nodedns/zone"
)

// serve lets a handler answer on a socket until the test ends.
func serve(t *testing.T, handler http.Handler) *Client {
	t.Helper()
	path := filepath.Join(directory(t), "control.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- httpserver.Serve(ctx, l, handler, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		l.Unlock()
	})
	return NewClient(path)
}

// number is the ID of a sample node.
func number(i int) string { return fmt.Sprintf("metropolis-%032x", i) }

// sampleZone has this machine, number 0, and nodes after it, of which the last
// has departed.
func sampleZone(t *testing.T, nodes int) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: zone.ID(number(0)), RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
	entries := make([]zone.Entry, nodes)
	for i := range entries {
		entries[i] = zone.Entry{
			ID: number(i + 1), State: zone.StateUp, Roles: zone.KubernetesWorker,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})},
		}
	}
	entries[0].Roles = zone.ConsensusMember
	source := store.Source("curator")
	source.Expect(true)
	source.Begin()
	source.Set(entries...)
	source.Complete()
	source.Gone(number(nodes))
	return store
}

func collect(t *testing.T, c *Client, filter Filter) []Node {
	t.Helper()
	var nodes []Node
	if err := c.Nodes(t.Context(), filter, func(n Node) error { nodes = append(nodes, n); return nil }); err != nil {
		t.Fatal(err)
	}
	return nodes
}

func TestNodes(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{Snapshot: sampleZone(t, 3).Snapshot}))
	yes, no := true, false
	tests := []struct {
		name   string
		filter Filter
		want   []int
	}{
		{"all", Filter{}, []int{0, 1, 2, 3}},
		{"a part of the ID", Filter{Text: "0002"}, []int{2}},
		{"in capital letters", Filter{Text: "METROPOLIS"}, []int{0, 1, 2, 3}},
		{"a part of the address", Filter{Text: "10.0.0."}, []int{1, 2, 3}},
		{"no such text", Filter{Text: "&departed=true"}, nil},
		{"a role", Filter{Role: "consensus-member"}, []int{1}},
		{"a role that nobody has", Filter{Role: "kubernetes-controller"}, nil},
		{"departed", Filter{Departed: &yes}, []int{3}},
		{"live", Filter{Departed: &no}, []int{0, 1, 2}},
		{"all of it", Filter{Text: "10.0", Role: "kubernetes-worker", Departed: &no}, []int{2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range collect(t, client, tt.filter) {
				got = append(got, n.ID)
			}
			var want []string
			for _, i := range tt.want {
				want = append(want, number(i))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestNodeReportsAll(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{Snapshot: sampleZone(t, 2).Snapshot}))
	nodes := collect(t, client, Filter{})
	for i := range nodes {
		if nodes[i].Since == nil {
			t.Errorf("%s: since is absent", nodes[i].ID)
		}
		nodes[i].Since = nil
	}
	want := []Node{
		{ID: number(0), Addresses: testkit.Addrs("192.0.2.1"), Roles: []string{}, State: "unknown", Source: "local", Local: true},
		{ID: number(1), Addresses: testkit.Addrs("10.0.0.0"), Roles: []string{"consensus-member"}, State: "up", Source: "curator"},
		{ID: number(2), Addresses: testkit.Addrs("10.0.0.1"), Roles: []string{"kubernetes-worker"}, State: "up", Source: "curator", Departed: true},
	}
	if got := fmt.Sprintf("%+v", nodes); got != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%s\nwant\n%+v", got, want)
	}
}

// More nodes than are sent at once, and a reader that gives up in between.
func TestManyNodes(t *testing.T) {
	t.Parallel()
	const nodes = 5*burst + 1
	client := serve(t, Handler(Daemon{Snapshot: sampleZone(t, nodes).Snapshot}))
	if got := len(collect(t, client, Filter{})); got != nodes+1 {
		t.Errorf("got %d nodes, want %d", got, nodes+1)
	}
	stop := errors.New("enough")
	seen := 0
	err := client.Nodes(t.Context(), Filter{}, func(Node) error {
		if seen++; seen == burst+1 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != burst+1 {
		t.Errorf("after %d nodes got error %v, want the reader's", seen, err)
	}
}

// A list that is cut off must not pass for all of it.
func TestNodesCutOff(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "[", `[{"id":"a"}`, `[{"id":"a"},`, `{"nodes":[]}`, "null"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
			if err := client.Nodes(t.Context(), Filter{}, func(Node) error { return nil }); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestStatusOfAnotherVersion(t *testing.T) {
	t.Parallel()
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"node_id": "n", "mood": "good", "nodes": {"live": 3, "sleeping": 1}}`)
	}))
	got, err := client.Status(t.Context())
	if err != nil || got.NodeID != "n" || got.Nodes.Live != 3 {
		t.Errorf("got %+v, %v, want what is known, without an error", got, err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	want := nodedns.Status{NodeID: "n", State: nodedns.StateReady, Ready: true, Serial: 7}
	client := serve(t, Handler(Daemon{Status: func() nodedns.Status { return want }}))
	got, err := client.Status(t.Context())
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{Query: func(_ context.Context, name, typ string) (*inspect.Answer, error) {
		if typ == "NONSENSE" {
			return nil, errors.New("unknown type")
		}
		return &inspect.Answer{Name: name, Type: typ, Rcode: "NXDOMAIN"}, nil
	}}))
	const name = "a b&type=C.example\n"
	got, err := client.Query(t.Context(), name, "AAAA")
	if err != nil || got.Name != name || got.Type != "AAAA" || got.Rcode != "NXDOMAIN" {
		t.Errorf("got %+v, %v, want the question as it was asked", got, err)
	}
	if _, err := client.Query(t.Context(), name, "NONSENSE"); err == nil || err.Error() != "unknown type" {
		t.Errorf("got error %v, want the daemon's own words", err)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{Explain: func(_ context.Context, name, typ string, dry bool) (*inspect.Explanation, error) {
		if typ == "NONSENSE" {
			return nil, errors.New("unknown type")
		}
		e := &inspect.Explanation{Name: name, Type: typ}
		if !dry {
			e.Answer = &inspect.Answer{Rcode: "NOERROR", Provenance: inspect.Provenance{Step: "zone"}}
		}
		return e, nil
	}}))
	for _, dry := range []bool{false, true} {
		got, err := client.Explain(t.Context(), "a&dry=perhaps", "AAAA", dry)
		if err != nil || got.Name != "a&dry=perhaps" || got.Type != "AAAA" || (got.Answer == nil) != dry {
			t.Errorf("got %+v, %v, want the question as it was asked", got, err)
		}
		if !dry && got.Answer.Step != "zone" {
			t.Errorf("got %+v", got.Answer)
		}
	}
	if _, err := client.Explain(t.Context(), "a", "NONSENSE", true); err == nil || err.Error() != "unknown type" {
		t.Errorf("got error %v, want the daemon's own words", err)
	}
}

func TestExplainHostname(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{ExplainHostname: func(_ context.Context, name string, v4, v6, dry bool) (*nssresolve.Explanation, error) {
		return &nssresolve.Explanation{Name: name, Error: fmt.Sprint(v4, v6, dry)}, nil
	}}))
	for typ, want := range map[string]string{"": "true true true", "A": "true false true", "AAAA": "false true true"} {
		got, err := client.ExplainHostname(t.Context(), "a", typ, true)
		if err != nil || got.Name != "a" || got.Error != want {
			t.Errorf("type %q: got %+v, %v, want %s", typ, got, err, want)
		}
	}
	if _, err := client.ExplainHostname(t.Context(), "a", "MX", true); err == nil || !strings.Contains(err.Error(), "MX") {
		t.Errorf("of a type that no address has: got %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	silent := NewClient(filepath.Join(directory(t), "none.sock"))
	if _, err := silent.Status(t.Context()); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), "nodedns run") {
		t.Errorf("without a socket: got %v, want that no daemon runs and what to do", err)
	}
	handler := Handler(Daemon{Snapshot: sampleZone(t, 1).Snapshot})
	client := serve(t, handler)
	tests := []struct{ name, method, path, want string }{
		{"another version's path", http.MethodGet, "/v2/status", "does not know GET /v2/status"},
		{"a change", http.MethodPost, "/v1/status", "does not know POST /v1/status"},
		{"a wrong filter", http.MethodGet, "/v1/nodes?departed=perhaps", "want true or false"},
		{"a wrong flag", http.MethodGet, "/v1/explain?name=a&dry=perhaps", "want true or false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), tt.method, "http://nodedns"+tt.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.http.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode/100 != 4 || !strings.Contains(string(body), `{"error":`) || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %s %s, %v, want %q", response.Status, body, err, tt.want)
			}
		})
	}
}

func TestRepliesThatAreNone(t *testing.T) {
	t.Parallel()
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "<html>")
	}))
	if _, err := client.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("got error %v, want the HTTP status", err)
	}
}
