package nodedns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// descriptorStore is a listen.Store that outlives a Service.
type descriptorStore struct {
	t    *testing.T
	mu   sync.Mutex
	kept []*os.File
}

func (s *descriptorStore) Inherited() (all []*os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.kept {
		all = append(all, s.duplicate(f.Name(), f))
	}
	return all
}

func (s *descriptorStore) Keep(name string, descriptors ...syscall.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range descriptors {
		s.kept = append(s.kept, s.duplicate(name, d))
	}
	return nil
}

func (s *descriptorStore) Discard(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(f *os.File) bool {
		if f.Name() != name {
			return false
		}
		_ = f.Close()
		return true
	})
	return nil
}

func (s *descriptorStore) duplicate(name string, d syscall.Conn) *os.File {
	raw, err := d.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	own := -1
	if err := raw.Control(func(fd uintptr) { own, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || own < 0 {
		s.t.Fatal(err)
	}
	return os.NewFile(uintptr(own), name)
}

// has reports whether there is something under a name.
func (s *descriptorStore) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.kept, func(f *os.File) bool { return f.Name() == name })
}

// machine is what a Service leaves to the next one.
type machine struct {
	t      *testing.T
	root   string
	store  *descriptorStore
	server upstream.Server
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), store: &descriptorStore{t: t}}
	answer := func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		reply.RecursionAvailable = true
		if q.Question[0].Qtype == dns.TypeA {
			header := dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}
			if header.Name == "alias.example.org." {
				alias := header
				alias.Rrtype, header.Name = dns.TypeCNAME, "www.example.net."
				reply.Answer = []dns.RR{&dns.CNAME{Hdr: alias, Target: header.Name}}
			}
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 1)})
		}
		_ = w.WriteMsg(reply)
	}
	m.server = upstream.Plain(nameserver.Serve(t, answer, answer))
	t.Cleanup(func() {
		for _, f := range m.store.kept {
			_ = f.Close()
		}
	})
	if err := os.Mkdir(filepath.Join(m.root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.write("etc/hosts", "192.0.2.7 printer\n")
	return m
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// prepare makes a Service on the machine.
func (m *machine) prepare(change ...func(*Config)) *fixture {
	m.t.Helper()
	settled := func(c *Config) {
		c.StateDir, c.Files.Root = filepath.Join(m.root, "state"), m.root
		c.Descriptors = m.store
		c.DNS.Upstreams.Servers = []upstream.Server{m.server}
		c.DNS.Cache = resolver.Cache{Size: 1 << 20}
	}
	return prepare(m.t, append([]func(*Config){settled}, change...)...)
}

// serve runs a Service, with an address.
func (m *machine) serve(change ...func(*Config)) *fixture {
	m.t.Helper()
	f := m.prepare(change...)
	f.run()
	f.publish("10.0.0.1")
	<-f.Ready()
	return f
}

// end ends a Service, which leaves its cache.
func (f *fixture) end() {
	f.t.Helper()
	f.stop()
	<-f.ended
	f.ended <- nil
}

// warmUp runs a Service that has asked its upstreams, and ends it.
func (m *machine) warmUp(change ...func(*Config)) {
	m.t.Helper()
	f := m.serve(change...)
	// An answer is not kept if the settings were replaced while it was on its way.
	f.eventually("the answers are in the cache", func() bool {
		for _, name := range []string{"www.example.org", "www.example.net", "alias.example.org"} {
			if got := f.lookup(name); got != "192.0.2.1" {
				m.t.Fatalf("%s: %s; log:\n%s", name, got, &f.logged)
			}
		}
		return f.dns.Stats().Cache.Entries == 3
	})
	f.end()
	if !m.store.has(cacheName) {
		m.t.Fatalf("no cache is kept; log:\n%s", &f.logged)
	}
}

// hits asks again, and returns how many answers came from the cache.
func (f *fixture) hits() uint64 {
	f.t.Helper()
	before := f.dns.Stats().Cache.Hits
	for _, name := range []string{"www.example.org", "www.example.net"} {
		f.lookup(name)
	}
	return f.dns.Stats().Cache.Hits - before
}

func (f *fixture) wantLog(text string) {
	f.t.Helper()
	if got := f.logged.String(); !strings.Contains(got, text) {
		f.t.Errorf("no %q in the log:\n%s", text, got)
	}
}

// The first query after a restart is answered from the cache, and what the process
// before has left is there once.
func TestRestartKeepsTheCache(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.warmUp()
	f := m.serve()
	if n := f.hits(); n != 2 {
		t.Errorf("%d hits; log:\n%s", n, &f.logged)
	}
	f.wantLog(`"cache of the last process taken over" part=dns entries=3`)
	if m.store.has(cacheName) {
		t.Error("the cache is kept while it is in use")
	}
	// Without another address nothing is forgotten later either.
	f.publish("10.0.0.1")
	if n := f.hits(); n != 2 {
		t.Errorf("%d hits later", n)
	}
	f.end()
	f.wantLog(`"cache given to the descriptor store for the next process" part=dns entries=3`)
	if last := m.serve(); last.hits() != 2 {
		t.Errorf("the third process is not warm; log:\n%s", &last.logged)
	}
}

// With an address that comes later than the process the cache waits for it.
func TestCacheWaitsForAnAddress(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.warmUp()
	f := m.prepare()
	f.run()
	f.publish()
	<-f.Ready()
	f.publish("10.0.0.1")
	f.eventually("the cache is loaded", func() bool { return f.dns.Stats().Cache.Entries == 3 })
	if n := f.hits(); n != 2 {
		t.Errorf("%d hits; log:\n%s", n, &f.logged)
	}
}

// The machine's servers and search list are the same ones to the next process.
func TestRestartKeepsTheCacheWithResolvConf(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("etc/resolv.conf", "nameserver 192.0.2.53\nsearch corp.example\n")
	auto := func(c *Config) {
		keepsResolvConf(resolvconf.ModeOff)(c)
		c.DNS.Upstreams.Servers = []upstream.Server{m.server, resolver.Auto}
	}
	m.warmUp(auto)
	f := m.serve(auto)
	if n := f.hits(); n != 2 {
		t.Errorf("%d hits; log:\n%s", n, &f.logged)
	}
}

// Without a clean stop, or with anything else in the place of a cache, the next process
// starts with an empty one.
func TestNoCacheToTakeOver(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*testing.T, *machine) string{
		"another address": func(t *testing.T, m *machine) string {
			f := m.serve()
			f.lookup("www.example.org")
			f.publish("10.0.0.2")
			f.lookup("www.example.org")
			f.end()
			return `reason="what its answers depend on has changed since"`
		},
		"another upstream": func(t *testing.T, m *machine) string {
			other := newMachine(t).server
			m.warmUp(func(c *Config) { c.DNS.Upstreams.Servers = []upstream.Server{other} })
			return `reason="what its answers depend on has changed since"`
		},
		"a file": func(t *testing.T, m *machine) string {
			f, err := os.Open(filepath.Join(m.root, "etc/hosts"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			_ = m.store.Keep(cacheName, f)
			return `not a sealed memory file`
		},
		"one that is older too": func(t *testing.T, m *machine) string {
			m.warmUp()
			older := m.store.Inherited()
			m.warmUp()
			for _, f := range older {
				if f.Name() == cacheName {
					_ = m.store.Keep(cacheName, f)
				}
				f.Close()
			}
			return `reason="an earlier one was not taken out of the descriptor store"`
		},
		"nothing to keep": func(_ *testing.T, m *machine) string {
			m.serve().end()
			return ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			reason := leave(t, m)
			f := m.serve()
			f.eventually("the cache is not loaded", func() bool {
				select {
				case <-f.cache.loaded:
					return true
				default:
					return false
				}
			})
			if n := f.hits(); n != 0 {
				t.Errorf("%d hits; log:\n%s", n, &f.logged)
			}
			f.wantLog(reason)
			if m.store.has(cacheName) {
				t.Error("it is still kept")
			}
		})
	}
}

// Names of files that come while the process ends count as well.
func TestNamesOfFilesAtTheEnd(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	name := func(store *zone.Store) {
		files := store.FileSource("more")
		files.Begin()
		files.Set(zone.Entry{ID: "www.example.net", Addresses: testkit.Addrs("10.0.0.9")})
		files.Complete()
	}
	var store *zone.Store
	f := m.prepare(func(c *Config) {
		source := c.LocalSource
		c.LocalSource = func(ctx context.Context, publish func([]netip.Addr)) error {
			err := source(ctx, publish)
			for range 1000 {
				runtime.Gosched() // most often the other sources end first
			}
			name(store)
			return err
		}
	})
	store = f.Zone()
	f.run()
	f.publish("10.0.0.1")
	<-f.Ready()
	f.lookup("alias.example.org")
	f.lookup("www.example.org")
	f.end()

	next := m.prepare()
	name(next.Zone())
	next.run()
	next.publish("10.0.0.1")
	<-next.Ready()
	if got := next.lookup("alias.example.org"); got != "10.0.0.9" {
		t.Errorf("the alias leads to %s; log:\n%s", got, &next.logged)
	}
	next.wantLog("cache of the last process taken over")
}

// A name that a file gives to a node is no other server's any more, be it a file that the
// next process reads after it has loaded the cache, or that the one before has read.
func TestRestartForgetsWhatNamesOfFilesChange(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.warmUp()
	m.write("etc/nodes.json", `[{"id": "www.example.net", "addresses": ["10.0.0.9"]}]`)
	files := func(c *Config) { c.NodeFiles = []string{filepath.Join(m.root, "etc/nodes.json")} }
	for range 2 {
		f := m.serve(files)
		f.eventually("the file counts", func() bool { return f.lookup("www.example.net") == "10.0.0.9" })
		if got := f.lookup("alias.example.org"); got != "10.0.0.9" {
			t.Errorf("the alias leads to %s; log:\n%s", got, &f.logged)
		}
		if n := f.hits(); n != 1 {
			t.Errorf("%d hits; log:\n%s", n, &f.logged)
		}
		f.wantLog("cache of the last process taken over")
		f.end()
	}
}

// A process that is ended before it knows this machine's addresses answers nothing by
// the little that it knows, and leaves the files: the queries wait for the next one.
func TestEndedAtTheStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("etc/nodes.json", `[{"id": "web", "addresses": ["10.0.0.9"]}]`)
	files := func(c *Config) { c.NodeFiles = []string{filepath.Join(m.root, "etc/nodes.json")} }
	f := m.serve(files)
	f.eventually("the file counts", func() bool { return strings.Contains(m.read("etc/hosts"), "web") })
	listen := f.dns.Addrs()
	f.end()
	hosts := m.read("etc/hosts")
	conn, err := net.Dial("udp", listen[0].String())
	testkit.Must(t, err)
	defer conn.Close()
	query, err := new(dns.Msg).SetQuestion(string(f.ID())+".", dns.TypeA).Pack()
	testkit.Must(t, err)
	_, err = conn.Write(query)
	testkit.Must(t, err)

	same := func(c *Config) { c.Listen = listen }
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := m.prepare(files, same).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if got := m.read("etc/hosts"); got != hosts {
		t.Errorf("the hosts file was\n%s\nand is\n%s", hosts, got)
	}
	m.serve(files, same)
	testkit.Must(t, conn.SetReadDeadline(time.Now().Add(deadline)))
	buffer, reply := make([]byte, 512), new(dns.Msg)
	n, err := conn.Read(buffer)
	if err := errors.Join(err, reply.Unpack(buffer[:n])); err != nil || len(reply.Answer) != 1 {
		t.Errorf("want our address in\n%v, %v", reply, err)
	}
}
