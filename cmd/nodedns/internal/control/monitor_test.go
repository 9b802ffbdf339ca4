package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone"
)

// scene is a daemon with queries and a zone that a test makes. It signals when
// a client watches them.
type scene struct {
	t        *testing.T
	queryLog resolver.QueryLog
	store    *zone.Store
	client   *Client
	queries  chan struct{} // gets one for each client that has begun to watch
	zone     chan struct{}
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, store: sampleZone(t, 3), queries: make(chan struct{}, 10), zone: make(chan struct{}, 10)}
	s.client = serve(t, Handler(Daemon{
		Queries: func() (*resolver.QueryWatcher, error) {
			w, err := s.queryLog.Watch()
			s.queries <- struct{}{}
			return w, err
		},
		Zone: func(ctx context.Context) iter.Seq[*zone.Snapshot] {
			return func(yield func(*zone.Snapshot) bool) {
				first := true
				for snapshot := range s.store.Watch(ctx) {
					if !yield(snapshot) {
						return
					}
					if first {
						s.zone <- struct{}{} // what comes now is a change
					}
					first = false
				}
			}
		},
	}))
	return s
}

// nodeReply is a reply to a question for the address of a node, in wire form.
func nodeReply(id string) []byte {
	reply := []byte{0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, byte(len(id))}
	return append(append(reply, id...), 0, 0, 1, 0, 1)
}

func (s *scene) tell(id string) {
	s.queryLog.Publish(&resolver.QueryEntry{
		Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Duration: time.Millisecond,
		Client: netip.MustParseAddrPort("127.0.0.1:1234"), Reason: "a node", Reply: nodeReply(id),
	})
}

// monitor returns the events of one kind until a text ends it.
func (s *scene) monitor(watch Watch, act func()) (lines []string) {
	s.t.Helper()
	done := errors.New("done")
	ended := make(chan error, 1)
	go func() {
		ended <- s.client.Monitor(s.t.Context(), watch, func(e Event) error {
			text, err := json.Marshal(e)
			lines = append(lines, string(text))
			if strings.Contains(string(text), number(999)) {
				return done
			}
			return err
		})
	}()
	if watch.Queries || !watch.Zone {
		<-s.queries
	}
	if watch.Zone || !watch.Queries {
		<-s.zone
	}
	act()
	if err := <-ended; !errors.Is(err, done) {
		s.t.Fatal(err)
	}
	return lines
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	join := func(s *scene, ids ...int) {
		var entries []zone.Entry
		for _, id := range ids {
			entries = append(entries, zone.Entry{ID: number(id), Addresses: testkit.Addrs(fmt.Sprintf("10.9.%d.%d", id/256, id%256))})
		}
		s.store.Source("curator").Set(entries...)
	}
	query := func(i int) string {
		return `{"time":"2026-03-04T05:06:07Z","query":{"client":"127.0.0.1:1234","transport":"udp","name":"` + number(i) +
			`.","type":"A","rcode":"NOERROR","authoritative":false,"records":[],"source":"request","reason":"a node","duration":1000000}}`
	}
	joined := func(i int) string {
		return `"zone":{"change":"joined","count":1,"nodes":[{"id":"` + number(i) + `","addresses":["10.9.` + fmt.Sprintf("%d.%d", i/256, i%256) + `"]}]}}`
	}
	tests := []struct {
		name  string
		watch Watch
		act   func(*scene)
		want  []string // in each line
	}{
		{"queries", Watch{Queries: true}, func(s *scene) { join(s, 5); s.tell(number(5)); s.tell(number(999)) }, []string{query(5), query(999)}},
		{"the zone", Watch{Zone: true}, func(s *scene) { s.tell(number(5)); join(s, 999) }, []string{joined(999)}},
		{"chosen queries", Watch{Queries: true, Filter: inspect.QueryFilter{Name: "*7"}}, func(s *scene) { s.tell(number(5)); s.tell(number(999)) }, []string{query(999)}},
		{
			"a chosen node, of a hundred and of both kinds",
			Watch{Filter: inspect.QueryFilter{Name: number(999)}},
			func(s *scene) { s.tell(number(5)); join(s, append(hundred(), 999)...) },
			[]string{joined(999)},
		},
		{
			"nothing that is chosen but a node",
			Watch{Queries: true, Zone: true, Filter: inspect.QueryFilter{Types: []string{"AAAA"}, Rcodes: []string{"SERVFAIL"}, Sources: []string{"hosts"}, Clients: []string{"::1"}}},
			func(s *scene) { s.tell(number(999)); join(s, 999) },
			[]string{joined(999)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			got := s.monitor(tt.watch, func() { tt.act(s) })
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got\n%s\nwant\n%s", got[i], want)
				}
			}
		})
	}
}

func hundred() (ids []int) {
	for i := range 100 {
		ids = append(ids, 100+i)
	}
	return ids
}

// A backlog is one line, whatever its size.
func TestMonitorReportsManyNodesAsOne(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const many = 100_000
	got := s.monitor(Watch{Zone: true}, func() {
		entries := make([]zone.Entry, many)
		for i := range entries {
			entries[i] = zone.Entry{ID: number(990 + i), Addresses: testkit.Addrs("10.9.9.9")}
		}
		s.store.Source("curator").Set(entries...)
	})
	var e Event
	if err := json.Unmarshal([]byte(got[0]), &e); err != nil || len(got) != 1 || e.Zone.Count != many || len(e.Zone.Nodes) != 10 {
		t.Errorf("got %d lines, the first %s, %v", len(got), got[0], err)
	}
}

// request sends one by hand, and reads no reply.
func request(t *testing.T, conn net.Conn, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: nodedns\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

// A reader that does not read blocks nothing: everything is sent before it
// begins to. What it missed is counted.
func TestMonitorOfWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	conn, err := net.Dial("unix", s.client.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request(t, conn, monitorPath+"?queries=true")
	<-s.queries
	const told = 100_000
	for range told {
		s.tell(number(5))
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	decoder, seen, dropped := json.NewDecoder(response.Body), uint64(0), uint64(0)
	for seen+dropped < told {
		var e Event
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if dropped += e.Dropped; e.Query != nil {
			seen++
		}
	}
	if seen+dropped != told || seen == 0 || dropped == 0 {
		t.Errorf("%d seen and %d dropped of %d", seen, dropped, told)
	}
}

func TestMonitorsAreBounded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	first, leave := context.WithCancel(t.Context())
	ended := make(chan error, maxMonitors)
	for i := range maxMonitors {
		ctx := t.Context()
		if i == 0 {
			ctx = first
		}
		go func() { ended <- s.client.Monitor(ctx, Watch{Queries: true}, func(Event) error { return nil }) }()
		<-s.queries
	}
	go func() { // a client that begins from now on sees a query
		for {
			select {
			case <-s.queries:
				s.tell(number(1))
			case <-t.Context().Done():
				return
			}
		}
	}()
	one := errors.New("one")
	last := func() error {
		return s.client.Monitor(t.Context(), Watch{Queries: true}, func(Event) error { return one })
	}
	if err := last(); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("one too many gets %v", err)
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("who leaves gets %v", err)
	}
	// The daemon learns of it a moment later.
	for {
		err := last()
		if errors.Is(err, one) {
			return
		}
		if err == nil || !strings.Contains(err.Error(), "too many") {
			t.Fatalf("after one has left: %v", err)
		}
	}
}

func TestMonitorThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	yield := func(Event) error { return nil }
	for want, watch := range map[string]Watch{
		"no type":  {Filter: inspect.QueryFilter{Types: []string{"WRONG"}}},
		`name "["`: {Filter: inspect.QueryFilter{Name: "["}},
	} {
		if err := s.client.Monitor(t.Context(), watch, yield); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", watch, err, want)
		}
	}
	if _, err := s.client.ask(t.Context(), http.MethodGet, monitorPath, map[string][]string{"zone": {"perhaps"}}); err == nil || !strings.Contains(err.Error(), `zone is "perhaps"`) {
		t.Errorf("zone=perhaps: %v", err)
	}
	full := serve(t, Handler(Daemon{Queries: func() (*resolver.QueryWatcher, error) { return nil, resolver.ErrTooManyWatchers }}))
	if err := full.Monitor(t.Context(), Watch{Queries: true}, yield); err == nil || err.Error() != resolver.ErrTooManyWatchers.Error() {
		t.Errorf("got %v, want %v", err, resolver.ErrTooManyWatchers)
	}
}

func TestMonitorEndsWithTheDaemon(t *testing.T) {
	t.Parallel()
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	if err := client.Monitor(t.Context(), Watch{}, nil); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v, want %v", err, ErrEnded)
	}
}

// Queries of other users are private.
func TestMonitorIsForRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("to connect as another user takes root")
	}
	s := newScene(t)
	if err := os.Chmod(filepath.Dir(s.client.socket), 0o755); err != nil {
		t.Fatal(err)
	}
	conn := dialAs(t, s.client.socket, 65534)
	request(t, conn, monitorPath)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var f failure
	if err := json.NewDecoder(response.Body).Decode(&f); err != nil || response.StatusCode != http.StatusForbidden || f.Error != errMayNotMonitor.Error() {
		t.Errorf("got %s %v, %v", response.Status, f, err)
	}
}
