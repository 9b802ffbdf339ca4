package resolver

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// script is an upstream that answers each name with records, in the form of zone
// files: those behind "authority" and "additional" are in that section, and a
// number is the response code. Names that it lacks are NXDOMAIN.
type script struct {
	server upstream.Server

	mu      sync.Mutex
	answers map[string][]string // by name without its final dot
	asked   []string            // "name type", in lower case
}

func newScript(t *testing.T, answers map[string][]string) *script {
	t.Helper()
	u := &script{answers: answers}
	u.server = upstream.Plain(fakeUpstream(t, u.answer))
	return u
}

func (u *script) answer(w dns.ResponseWriter, q *dns.Msg) {
	asked := q.Question[0]
	name := strings.ToLower(strings.TrimSuffix(asked.Name, "."))
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	u.mu.Lock()
	records, known := u.answers[name]
	if known {
		u.asked = append(u.asked, name+" "+dns.TypeToString[asked.Qtype])
	}
	u.mu.Unlock()
	if !known {
		m.Rcode = dns.RcodeNameError
		records = []string{"authority", ". 60 IN SOA a. b. 1 2 3 4 60"}
	}
	section := &m.Answer
	for _, text := range records {
		switch text {
		case "authority":
			section = &m.Ns
		case "additional":
			section = &m.Extra
		case "AD":
			m.AuthenticatedData = true
		case "NXDOMAIN", "SERVFAIL":
			m.Rcode = dns.StringToRcode[text]
		default:
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			*section = append(*section, rr)
		}
	}
	_ = w.WriteMsg(m)
}

// take returns what was asked since the last time.
func (u *script) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	asked := u.asked
	u.asked = nil
	return asked
}

func (u *script) become(name string, records ...string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers[name] = records
}

// border is a server between its own names, those of a hosts file, and those of
// two upstreams: everybody's, and that of corp.example.
type border struct {
	*caching
	world, corp *script
	lines       string // path of the hosts file
}

func newBorder(t *testing.T, world, corp map[string][]string, changes ...func(*Settings)) *border {
	t.Helper()
	b := &border{
		world: newScript(t, world), corp: newScript(t, corp),
		lines: filepath.Join(t.TempDir(), "hosts"),
	}
	b.write(t, borderLines)
	b.caching = newCaching(t, new(scripted), func(config *Config) {
		config.Hosts = hosts.Config{Path: b.lines, Zone: hosts.Zone{Prefix: zone.DefaultPrefix, Local: ours}}
		config.Settings.Upstreams = Upstreams{
			Servers: []upstream.Server{b.world.server},
			Routes:  []Route{{Domains: []string{"corp.example"}, Servers: []upstream.Server{b.corp.server}}},
			TrustAD: true,
		}
		for _, change := range changes {
			change(&config.Settings)
		}
	})
	start(t, b.Server)
	return b
}

func (b *border) write(t *testing.T, lines string) {
	t.Helper()
	if err := os.WriteFile(b.lines, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
}

// asks sends a query over UDP.
func (b *border) asks(t *testing.T, name string, qtype uint16, changes ...func(*dns.Msg)) *dns.Msg {
	t.Helper()
	q := withEDNS(query(name, qtype), 1232)
	for _, change := range changes {
		change(q)
	}
	return dial(t, b.Server, "udp").exchange(q)
}

func protected(s *Settings) { s.Upstreams.RebindProtection = true }
