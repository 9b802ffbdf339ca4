package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone/changelog"
)

func TestPrintEvents(t *testing.T) {
	t.Parallel()
	query := func(client, transport string, a inspect.Answer) *inspect.QueryEntryText {
		return &inspect.QueryEntryText{Client: client, Transport: transport, Answer: a}
	}
	joined := &changelog.Change{Kind: changelog.Joined, Count: 12, Nodes: []changelog.Node{
		{ID: "a", Addresses: testkit.Addrs("192.0.2.1", "2001:db8::1")}, {ID: "b", Addresses: testkit.Addrs()},
	}}
	events := []control.Event{
		{Query: query("127.0.0.1:40000", "udp", inspect.Answer{
			Name: nodeID + ".", Type: "A", Rcode: "NOERROR", Source: "zone", Reason: "a node", Duration: 33456,
			Records: []inspect.Record{{Type: "A", Data: "192.0.2.10"}},
		})},
		{Query: query("[::1]:40000", "tcp", inspect.Answer{
			Name: "www.example.org.", Type: "AAAA", Rcode: "SERVFAIL", Source: "upstream", Server: "192.0.2.53",
			Errors:   []inspect.ExtendedError{{Code: 22, Meaning: "No Reachable Authority", Text: "no answer\x1b[2J"}, {Code: 4000, Server: "192.0.2.53"}},
			Duration: 1999 * time.Millisecond,
		})},
		{Query: query("", "query", inspect.Answer{Name: ".", Type: "NS", Rcode: "NXDOMAIN", Source: "cache", Duration: 1234567})},
		{Query: query("127.0.0.1:1", "udp", inspect.Answer{Rcode: "FORMERR", Source: "request"})},
		{Query: query("127.0.0.1:1", "udp", inspect.Answer{Name: strings.Repeat("long.", 40), Type: "A", Rcode: "NOERROR", Source: "cache"})},
		{Zone: joined},
		{Zone: &changelog.Change{Kind: changelog.Departed, Count: 1, Nodes: []changelog.Node{{ID: "a"}}}},
		{Zone: &changelog.Change{Kind: changelog.Renamed, Count: 3, Nodes: []changelog.Node{{ID: "a", Names: []string{"web-1", "www"}}, {ID: "b"}}}},
		{Zone: &changelog.Change{Kind: changelog.Local, Count: 1, Nodes: []changelog.Node{{ID: nodeID, Addresses: testkit.Addrs("192.0.2.9")}}}},
		{Zone: &changelog.Change{Kind: changelog.Ready}},
		{Zone: &changelog.Change{Kind: changelog.NotReady}},
		{Zone: &changelog.Change{Kind: changelog.ClusterFound}},
		{Zone: &changelog.Change{Kind: changelog.ClusterLost}},
		{Dropped: 1234},
	}
	var out strings.Builder
	table := newEventTable(&out, time.UTC)
	for i, e := range events {
		e.Time = now.Add(time.Duration(i) * 100 * time.Millisecond)
		if err := table.show(e); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "monitor", out.String())
}

// monitoring runs "nodedns monitor" and does something until it has ended.
func (r *running) monitoring(ctx context.Context, do func(), args ...string) outcome {
	r.t.Helper()
	var stdout, stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, append(append([]string{"monitor"}, r.options...), args...), &stdout, &stderr)
	}()
	for {
		do()
		select {
		case code := <-ended:
			return outcome{code, stdout.String(), stderr.String()}
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestMonitorCommand(t *testing.T) {
	t.Parallel()
	r := newMachine(t).start()
	ask := func() {
		r.command("query", nodeID, "TXT") // the daemon queries its own addresses itself, at any time
		r.command("query", "nobody.invalid", "A")
	}
	r.monitoring(t.Context(), ask, "--count", "2", "--name", "metro*", "--type", "TXT").expect(t, exitOK, "query  "+nodeID+"  TXT    NOERROR", "")
	o := r.monitoring(t.Context(), ask, "--count", "1", "--rcode", "NXDOMAIN", "--json")
	var e control.Event
	if err := json.Unmarshal([]byte(o.stdout), &e); err != nil || o.code != exitOK || e.Query == nil || e.Query.Name != "nobody.invalid." || e.Query.Source != "special" {
		t.Errorf("got %+v, %v", o, err)
	}

	ctx, interrupt := context.WithCancel(t.Context())
	r.monitoring(ctx, interrupt).expect(t, exitOK, "", "")
	r.monitoring(t.Context(), func() { r.end() }).expect(t, exitFailed, "", "daemon")
}

func TestMonitorCommandThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--type", "WRONG"}, {"--rcode", "WRONG"}, {"--source", "moon"}, {"--client", "here"}, {"--name", "["}, {"--count", "-1"},
	} {
		command(t, append([]string{"monitor", "--control", "/nonexistent"}, args...)...).expect(t, exitUsage, "", args[1])
	}
}
