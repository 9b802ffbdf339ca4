package decision

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/zone"
)

// withCache gives a view a cache that knows an answer to a question, which then
// ages.
func withCache(t *testing.T, view *View, q *Question, rcode int, age time.Duration) {
	t.Helper()
	view.Cache = cache.New(cache.Config{Size: 1 << 20, ServeStale: time.Hour})
	m := new(dns.Msg).SetQuestion(q.Name.String(), q.Type)
	m.Response, m.Rcode = true, rcode
	soa, err := dns.NewRR(". 60 IN SOA . . 1 2 3 4 60")
	if err != nil {
		t.Fatal(err)
	}
	m.Ns = []dns.RR{soa}
	key := cache.Key{Name: q.Name, Type: q.Type, DO: q.DO, CD: q.CD}
	if rcode == dns.RcodeServerFailure {
		view.Cache.Fail(key, cache.Failure{Rcode: rcode}, view.Cache.Epoch(), view.Now-age)
		return
	}
	if !view.Cache.Put(key, m, 0, view.Cache.Epoch(), view.Now-age) {
		t.Fatal("it is not kept")
	}
}

// Shows RFC 1034 4.3.2.
// Shows RFC 2181 5.4.1b.
// Shows RFC 8767 4c.
func TestCached(t *testing.T) {
	const fresh, stale = 10 * time.Second, 10 * time.Minute
	for name, tt := range map[string]struct {
		name, qtype string
		rcode       int
		age         time.Duration
		recheck     bool // a stale one is due for it
		kind        Kind
		code        uint16
	}{
		"fresh":                     {"www.example.org", "A", dns.RcodeSuccess, fresh, true, Cached, 0},
		"a failure":                 {"www.example.org", "A", dns.RcodeServerFailure, 0, true, Cached, dns.ExtendedErrorCodeCachedError},
		"stale, recheck":            {"www.example.org", "A", dns.RcodeSuccess, stale, true, Forward, 0},
		"stale, failed lately":      {"www.example.org", "A", dns.RcodeSuccess, stale, false, Cached, dns.ExtendedErrorCodeStaleAnswer},
		"NXDOMAIN, failed lately":   {"www.example.org", "A", dns.RcodeNameError, stale, false, Cached, dns.ExtendedErrorCodeStaleNXDOMAINAnswer},
		"too old":                   {"www.example.org", "A", dns.RcodeSuccess, 2 * time.Hour, true, Forward, 0},
		"ours is never looked up":   {both, "MX", dns.RcodeSuccess, fresh, true, Negative, 0},
		"nor is what is of no zone": {"www.invalid", "A", dns.RcodeSuccess, fresh, true, Negative, 0},
	} {
		t.Run(name, func(t *testing.T) {
			view := lost(t, 2*zone.LostAfter).view(t)
			view.Now += 100 * time.Hour
			view.Reach = ReachPublic
			q := question(t, tt.name, tt.qtype)
			withCache(t, view, q, tt.rcode, tt.age)
			if !tt.recheck {
				view.Cache.Fail(cache.Key{Name: q.Name, Type: q.Type}, cache.Failure{Rcode: dns.RcodeServerFailure}, view.Cache.Epoch(), view.Now)
			}
			v := Decide(q, view)
			if v.Kind != tt.kind || tt.kind == Cached && (v.Source != SourceCache || v.Rcode != tt.rcode || v.Error.Code != tt.code) {
				t.Errorf("got %+v", v)
			}
			if wantStale := name == "stale, recheck"; tt.kind == Forward && v.Hit.Stale != wantStale {
				t.Errorf("a stale reply is there: %t", v.Hit.Stale)
			}
			if n := testing.AllocsPerRun(100, func() { Decide(q, view) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			q.DO = true
			if v := Decide(q, view); tt.kind == Cached && v.Kind != Forward {
				t.Errorf("with DO: got %+v", v)
			}
		})
	}
}
