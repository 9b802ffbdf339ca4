package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// These benchmarks measure what upstreams that are dead or behind a bad line
// cost a client of the built program:
//
//	go test ./integration -run '^$' -bench Upstream
//
// All servers take 10 ms for an exchange, so what is above that is ours.

const benchDelay = 10 * time.Millisecond

// latencies are what queries of one kind took.
type latencies []time.Duration

// at is the quantile, in milliseconds.
func (l latencies) at(share float64) float64 {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return float64(sorted[min(int(share*float64(len(l))), len(l)-1)].Microseconds()) / 1000
}

// timer queries names that were not queried before.
type timer struct {
	*asker
	n     *node
	names int
}

// ask returns how long it takes to get an answer for a new name of a domain.
func (q *timer) ask(domain string) time.Duration {
	q.b.Helper()
	q.names++
	query := new(dns.Msg).SetQuestion(fmt.Sprintf("name-%d.%s", q.names, domain), dns.TypeA)
	start := time.Now()
	r, _, err := q.client.ExchangeWithConn(query, q.conn)
	took := time.Since(start)
	must(q.b, err)
	if r.Rcode == dns.RcodeServerFailure {
		q.b.Fatalf("no answer: %v", r)
	}
	return took
}

// newTimer boots a node and waits until it answers.
func newTimer(n *node) (*timer, *daemon) {
	b := n.t.(*testing.B)
	d := n.boot()
	eventually(b, "the daemon answers", func() error { return n.answers("NOERROR", n.id) })
	q := &timer{asker: newAsker(b, n.machine), n: n}
	q.client.Timeout = 5 * time.Second
	return q, d
}

// BenchmarkUpstreamFirstDead: the first of two servers dies. What it costs the
// three queries after that, and the next ones; and the first query where it was
// dead from the beginning.
func BenchmarkUpstreamFirstDead(b *testing.B) {
	needSandbox(b)
	l := newLAN(b)
	mortal := l.join("first").address()
	line := newBadLine(benchDelay, 0)
	first := newScripted(mortal, script{udp: line.carry})
	second := newScripted(l.join("second").address(), script{udp: line.carry})
	n := newNode(l, "node")
	n.address()
	n.configure("[upstream]", fmt.Sprintf("servers = [%q, %q]", first.addr(), second.addr()))
	var healthy, onDeath, afterwards, fromStart latencies
	for b.Loop() {
		q, d := newTimer(n)
		for range 50 {
			healthy = append(healthy, q.ask("example."))
		}
		mortal.cut()
		for range 3 {
			onDeath = append(onDeath, q.ask("example."))
		}
		for range 50 {
			afterwards = append(afterwards, q.ask("example."))
		}
		d.kill()
		q, d = newTimer(n)
		fromStart = append(fromStart, q.ask("example."))
		d.kill()
		mortal.reconnect()
	}
	b.ReportMetric(healthy.at(0.5), "healthy-p50-ms")
	b.ReportMetric(healthy.at(0.99), "healthy-p99-ms")
	b.ReportMetric(onDeath.at(0.5), "first-p50-ms")
	b.ReportMetric(onDeath.at(1), "first-max-ms")
	b.ReportMetric(fromStart.at(1), "first-from-start-max-ms")
	b.ReportMetric(afterwards.at(0.5), "next-p50-ms")
	b.ReportMetric(afterwards.at(0.99), "next-p99-ms")
}

// BenchmarkUpstreamLoss: a line that loses 5 % of the packets either way, and
// one that loses none, each with a node of its own. They are queried in turn,
// so that other load of the machine slows both. What is lossy is also measured for
// empty answers and denials.
func BenchmarkUpstreamLoss(b *testing.B) {
	needSandbox(b)
	for _, servers := range []int{1, 2} {
		b.Run(fmt.Sprintf("servers=%d", servers), func(b *testing.B) {
			l := newLAN(b)
			clean := newTimerOn(l, "clean", newBadLine(benchDelay, 0).script(), servers)
			lossy := newTimerOn(l, "lossy", newBadLine(benchDelay, 0.05).script(), servers)
			var without, with, empty, denied latencies
			for b.Loop() {
				without = append(without, clean.ask("example."))
				with = append(with, lossy.ask("example."))
				empty = append(empty, lossy.ask(emptyDomain))
				denied = append(denied, lossy.ask(deniedDomain))
			}
			b.ReportMetric(without.at(0.5), "clean-p50-ms")
			b.ReportMetric(without.at(0.99), "clean-p99-ms")
			b.ReportMetric(with.at(0.5), "lossy-p50-ms")
			b.ReportMetric(with.at(0.99), "lossy-p99-ms")
			b.ReportMetric(with.at(1), "lossy-max-ms")
			b.ReportMetric(empty.at(0.99), "lossy-empty-p99-ms")
			b.ReportMetric(denied.at(0.99), "lossy-denied-p99-ms")
		})
	}
}

// BenchmarkUpstreamSilentNames: one client asks for 400 names a second that nobody
// answers, another for those that somebody does; and the same without the first, on
// a node of its own, in turn.
func BenchmarkUpstreamSilentNames(b *testing.B) {
	needSandbox(b)
	l := newLAN(b)
	var datagrams, streams queryLog
	line := newBadLine(benchDelay, 0)
	clean := newTimerOn(l, "clean", line.script(), 1)
	flooded := newTimerOn(l, "flooded", exceptSilent(line, &datagrams, &streams), 1)
	client := newSilentClient(flooded.n.machine)
	end, ended := make(chan struct{}), make(chan error)
	go func() { ended <- client.askUntil(end) }()
	eventually(b, "as many wait as there will be", func() error {
		if names := len(datagrams.counts()); names < 5*silentRate {
			return fmt.Errorf("%d names", names)
		}
		return nil
	})
	var without, with latencies
	for b.Loop() {
		without = append(without, clean.ask("example."))
		with = append(with, flooded.ask("example."))
	}
	close(end)
	must(b, <-ended)
	b.ReportMetric(without.at(0.5), "without-p50-ms")
	b.ReportMetric(without.at(0.99), "without-p99-ms")
	b.ReportMetric(with.at(0.5), "with-p50-ms")
	b.ReportMetric(with.at(0.99), "with-p99-ms")
	b.ReportMetric(float64(len(datagrams.all())+len(streams.all()))/float64(client.asked), "packets/silent-name")
}

// askUntil asks for silentRate names a second until end is closed.
func (c *silentClient) askUntil(end <-chan struct{}) error {
	for began := time.Now(); ; {
		if err := c.ask(int(time.Since(began).Seconds()*silentRate) - c.asked); err != nil {
			return err
		}
		select {
		case <-end:
			return nil
		case <-time.After(time.Second / silentRate):
		}
	}
}

// newTimerOn is for a node whose servers all do the same.
func newTimerOn(l *lan, name string, does script, servers int) *timer {
	h := l.join("servers of " + name).address()
	var addrs []string
	for range servers {
		addrs = append(addrs, fmt.Sprintf("%q", newScripted(h, does).addr()))
	}
	n := newNode(l, name)
	n.address()
	n.configure("[upstream]", "servers = ["+strings.Join(addrs, ", ")+"]")
	q, _ := newTimer(n)
	return q
}
