package integration

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// sharing is a node of whose upstream many clients want the same large answer.
type sharing struct {
	n                *node
	asked            queryLog
	answer           chan struct{} // closed when the server may give it
	clients, records int
	conns            []net.Conn // of the clients
}

// newSharing spreads the clients over some connections. A record has 16 octets.
func newSharing(t testing.TB, clients, connections, count int) *sharing {
	t.Helper()
	s := &sharing{answer: make(chan struct{}), clients: clients, records: count}
	var records []string
	for i := range uint32(count) {
		records = append(records, wireRecord(dns.TypeA, 300, string(binary.BigEndian.AppendUint32(nil, 0xc6120000+i))))
	}
	l := newLAN(t)
	server := newScripted(l.join("server").address(), script{
		udp: func(server *scripted, q query, from netip.AddrPort) {
			if q.name() != "large.example." { // a probe
				answersWell(server, q, from)
				return
			}
			s.asked.add(q.name())
			server.say(from, q.cut())
		},
		tcp: func(server *scripted, q query, conn net.Conn) {
			s.asked.add(q.name())
			select {
			case <-s.answer:
				_, _ = conn.Write(framed(q.reply(records...))) // the other side may have gone
			case <-server.ended:
			}
		},
	})
	s.n = through(l, "node", server.addr().String(), withMetrics)
	s.n.boot()
	s.n.awaitReady()
	for range connections {
		conn, err := s.n.dial("tcp", "127.0.0.53:53")
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		s.conns = append(s.conns, conn)
		t.Cleanup(func() { conn.Close() })
	}
	return s
}

// ask has all clients wait, gives the answer, and reads it as often.
func (s *sharing) ask() error {
	query := new(dns.Msg).SetQuestion("large.example.", dns.TypeA)
	for i := range s.clients {
		if err := (&dns.Conn{Conn: s.conns[i%len(s.conns)]}).WriteMsg(query); err != nil {
			return err
		}
	}
	eventually(s.n.t, "all wait for one", func() error {
		text, err := s.n.scrape()
		if want := fmt.Sprintf("\nnodedns_dns_coalesced_total %d\n", s.clients-1); err == nil && !strings.Contains(text, want) {
			err = fmt.Errorf("the metrics lack %q", want)
		}
		return err
	})
	close(s.answer)
	results := make(chan error, len(s.conns))
	for _, conn := range s.conns { // all at once, as the daemon waits 2 s for each
		go func() { results <- s.readLarge(conn) }()
	}
	var errs []error
	for range s.conns {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// readLarge reads it for the clients on one connection.
func (s *sharing) readLarge(conn net.Conn) error {
	for range s.clients / len(s.conns) {
		message, err := receive(conn)
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint16([]byte(message[answers:])) != uint16(s.records) {
			return fmt.Errorf("a reply of %d octets, not with %d records", len(message), s.records)
		}
	}
	return nil
}

// What many clients wait for together is fetched once.
// Shows RFC 5452 5.
func TestManyClientsShareAnAnswer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	// So many come within the few seconds of a query on a busy machine too.
	s := newSharing(t, 100, 20, 200)
	must(t, s.ask())
	// Once over UDP, or up to three times on a busy machine, and once over TCP.
	if asked := len(s.asked.all()); asked > 4 {
		t.Errorf("the server was asked %d times", asked)
	}
}

// BenchmarkSharedAnswer is what the daemon takes more while many clients get one
// large answer, each over a connection of its own:
//
//	go test ./integration -run '^$' -bench SharedAnswer -benchtime 5x
func BenchmarkSharedAnswer(b *testing.B) {
	needSandbox(b)
	var before, most []float64
	for b.Loop() {
		s := newSharing(b, 1000, 1000, 3750) // 60 KB
		start, err := s.n.daemon.anonymous()
		must(b, err)
		stop, peak := make(chan struct{}), make(chan float64)
		go func() { peak <- s.n.daemon.peak(stop) }()
		must(b, s.ask())
		close(stop)
		before, most = append(before, start), append(most, <-peak)
		s.n.daemon.kill()
	}
	b.ReportMetric(slices.Max(before), "MB-before")
	b.ReportMetric(slices.Max(most), "MB-most")
}

// peak is the most memory of its own that the process has until stop is closed.
func (d *daemon) peak(stop <-chan struct{}) (most float64) {
	for {
		if now, err := d.anonymous(); err == nil {
			most = max(most, now)
		}
		select {
		case <-stop:
			return most
		case <-time.After(time.Millisecond):
		}
	}
}

// anonymous is the memory of the process's own, in MB of 2^20 octets.
func (d *daemon) anonymous() (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "RssAnon:" {
			kb, err := strconv.Atoi(words[1])
			return float64(kb) / 1024, err
		}
	}
	return 0, fmt.Errorf("no RssAnon in %s", text)
}
