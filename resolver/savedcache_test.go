package resolver

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// process is what a Server is made with, by one process and the next.
type process struct {
	boot     string
	sleep    time.Duration
	dir      string
	upstream *scripted
}

// newProcess has a Server with an upstream that answers whatever is asked with its
// name's own address, or that of what it is an alias of.
func newProcess(t *testing.T) process {
	t.Helper()
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if strings.HasPrefix(q.Question[0].Name, "alias") {
			answering("alias.example.org. 60 IN CNAME www.example.org.", answered60)(w, q)
			return
		}
		answering(answered60)(w, q)
	})
	return process{dir: t.TempDir(), upstream: u, boot: "a boot", sleep: 100 * time.Hour}
}

func (p process) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start makes the Server, with changes of its configuration and of the zone.
func (p process) start(t *testing.T, change difference) *caching {
	t.Helper()
	p.write(t, "resolv.conf", "search corp.example\n")
	p.write(t, "hosts", "192.0.2.7 printer\n")
	if change.prepare != nil {
		change.prepare(t, &p)
	}
	config := zone.Config{Local: ours}
	if change.zone != nil {
		change.zone(&config)
	}
	store, err := zone.NewStore(config)
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	if change.nodes != nil {
		change.nodes(store)
	}
	c := newCaching(t, p.upstream, func(c *Config) {
		c.Zone = store.Snapshot
		c.Settings.Upstreams.ResolvConf = filepath.Join(p.dir, "resolv.conf")
		c.Hosts = hosts.Config{Path: filepath.Join(p.dir, "hosts")}
		if change.config != nil {
			change.config(c)
		}
	})
	c.bootID = func() string { return p.boot }
	c.time.Store(int64(p.sleep))
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// difference is what the next process has otherwise.
type difference struct {
	prepare func(*testing.T, *process)
	zone    func(*zone.Config)
	nodes   func(*zone.Store)
	config  func(*Config)
}

func otherSettings(change func(*Settings)) difference {
	return difference{config: func(c *Config) { change(&c.Settings) }}
}

// What a Server that lives on would flush the cache for, the next process does not
// take over, and all else it does.
func TestNextProcessIsWarm(t *testing.T) {
	t.Parallel()
	const all, own, none = 2, 1, 0
	for name, test := range map[string]struct {
		want int
		difference
	}{
		"nothing": {all, difference{}},
		"timeout": {all, otherSettings(func(s *Settings) { s.Upstreams.Timeout = time.Second })},
		"cache":   {all, otherSettings(func(s *Settings) { s.Cache = Cache{Size: 2 << 20} })},
		"clients": {all, otherSettings(func(s *Settings) { s.Allow = s.Allow[:1] })},
		"later":   {all, difference{prepare: func(_ *testing.T, p *process) { p.sleep += 30 * time.Second }}},
		"nodes": {all, difference{nodes: func(s *zone.Store) {
			s.Source("curator").Set(zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10")})
		}}},

		"hosts file":     {own, difference{prepare: func(t *testing.T, p *process) { p.write(t, "hosts", "192.0.2.7 www.example.org\n") }}},
		"no hosts file":  {own, difference{config: func(c *Config) { c.Hosts = hosts.Config{} }}},
		"search list":    {own, difference{prepare: func(t *testing.T, p *process) { p.write(t, "resolv.conf", "search example.org\n") }}},
		"names of files": {own, difference{nodes: setFiles}},
		"too late":       {none, difference{prepare: func(_ *testing.T, p *process) { p.sleep += 2 * time.Minute }}},
		"another boot":   {none, difference{prepare: func(_ *testing.T, p *process) { p.boot = "another" }}},
		"unknown boot":   {none, difference{prepare: func(_ *testing.T, p *process) { p.boot = "" }}},
		"address":        {none, difference{nodes: func(s *zone.Store) { s.SetLocal(testkit.Addrs("10.0.0.2")) }}},
		"second address": {none, difference{nodes: func(s *zone.Store) { s.SetLocal(testkit.Addrs("10.0.0.1", "2001:db9::1")) }}},
		"node":           {none, difference{zone: func(c *zone.Config) { c.Local = theirs }}},
		"prefix":         {none, difference{zone: func(c *zone.Config) { c.Prefix = new(zone.Prefix) }}},
		"upstream": {none, otherSettings(func(s *Settings) {
			s.Upstreams.Servers = append(s.Upstreams.Servers, plain(netip.MustParseAddrPort("192.0.2.1:53"))...)
		})},
		"transport":       {none, otherSettings(func(s *Settings) { s.Upstreams.Servers[0].Transport = upstream.TLS })},
		"its name":        {none, otherSettings(func(s *Settings) { s.Upstreams.Servers[0].Name = "dns.example" })},
		"no upstream":     {none, otherSettings(func(s *Settings) { s.Upstreams.Servers = nil })},
		"route":           {none, otherSettings(func(s *Settings) { s.Upstreams.Routes = []Route{{Domains: []string{"example.org"}}} })},
		"trust":           {none, otherSettings(func(s *Settings) { s.Upstreams.TrustAD = true })},
		"rebinding":       {none, otherSettings(func(s *Settings) { s.Upstreams.RebindProtection = true })},
		"those that may":  {none, otherSettings(func(s *Settings) { s.Upstreams.RebindAllow = []string{"example.org"} })},
		"local domain":    {none, otherSettings(func(s *Settings) { s.Domains = []string{"example.org"} })},
		"single labels":   {none, otherSettings(func(s *Settings) { s.SingleLabel = true })},
		"machine's route": {none, difference{prepare: func(t *testing.T, p *process) { p.write(t, "resolv.conf", "search corp.local\nnameserver 192.0.2.1\n") }}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t)
			c := p.start(t, difference{})
			for _, name := range []string{asked, "alias.example.org"} {
				if m, _ := resolve(t.Context(), c.Server, name, dns.TypeA); m.Rcode != dns.RcodeSuccess {
					t.Fatalf("%s: %v", name, m)
				}
			}
			var saved bytes.Buffer
			if n, err := c.SaveCache(&saved); n != all || err != nil {
				t.Fatalf("%d answers saved, %v", n, err)
			}
			_ = c.Close()
			next := p.start(t, test.difference)
			n, err := next.LoadCache(&saved)
			if n != test.want || (err == nil) != (n > none) {
				t.Fatalf("%d answers were loaded, %v; want %d", n, err, test.want)
			}
			if n != all {
				return
			}
			before := p.upstream.asked.Load()
			m, l := resolve(t.Context(), next.Server, asked, dns.TypeA)
			if len(m.Answer) != 1 || l.Verdict.Source.String() != "cache" {
				t.Errorf("from %v: %v", l.Verdict.Source, m)
			}
			p.upstream.wasAsked(t, before)
		})
	}
}

// A flush that was asked for holds for what is loaded later.
func TestFlushBeforeTheCacheIsLoaded(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	c := p.start(t, difference{})
	resolve(t.Context(), c.Server, asked, dns.TypeA)
	var saved bytes.Buffer
	if _, err := c.SaveCache(&saved); err != nil {
		t.Fatal(err)
	}
	for name, flush := range map[string]func(*Server){
		"all":  func(s *Server) { s.Flush() },
		"name": func(s *Server) { _, _ = s.FlushName(asked) },
	} {
		next := p.start(t, difference{})
		flush(next.Server)
		if n, err := next.LoadCache(bytes.NewReader(saved.Bytes())); n != 0 || err == nil {
			t.Errorf("%s: %d were loaded, %v", name, n, err)
		}
	}
}

// Of each setting is known whether answers depend on it: one that is new has to be
// in answersDependOn, or here.
func TestEachSettingIsInTheOriginOrNot(t *testing.T) {
	t.Parallel()
	none := []string{
		"PTR", "TTL", "Allow", "DisableFastPath", "Cache",
		"Upstreams.Servers", "Upstreams.Routes", // those that are queried count
		"Upstreams.ResolvConf", "Upstreams.Root", "Upstreams.BackupDir", "Upstreams.Timeout", "Upstreams.RandomizeCase",
	}
	full := Settings{
		Domains: []string{"x"}, PTR: PTRID, TTL: 1, SingleLabel: true, Allow: make([]netip.Prefix, 1), DisableFastPath: true, Cache: Cache{Size: 1},
		Upstreams: Upstreams{
			Servers: make([]upstream.Server, 1), Routes: make([]Route, 1), ResolvConf: "x", Root: "x", BackupDir: "x", Timeout: 1,
			RandomizeCase: true, TrustAD: true, RebindProtection: true, RebindAllow: []string{"x"},
		},
	}
	var missing []string
	var look func(path string, all, kept reflect.Value)
	look = func(path string, all, kept reflect.Value) {
		for i := range all.NumField() {
			name := path + all.Type().Field(i).Name
			switch {
			case all.Field(i).IsZero():
				t.Errorf("%s is not set", name)
			case name == "Upstreams":
				look("Upstreams.", all.Field(i), kept.Field(i))
			case kept.Field(i).IsZero():
				missing = append(missing, name)
			}
		}
	}
	look("", reflect.ValueOf(full), reflect.ValueOf(answersDependOn(full)))
	if got, want := strings.Join(missing, " "), strings.Join(none, " "); !sameWords(got, want) {
		t.Errorf("answers don't depend on %s; want %s", got, want)
	}
}

func sameWords(a, b string) bool {
	set := func(text string) map[string]bool {
		words := map[string]bool{}
		for word := range strings.FieldsSeq(text) {
			words[word] = true
		}
		return words
	}
	return reflect.DeepEqual(set(a), set(b))
}
