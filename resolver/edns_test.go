package resolver

import (
	"testing"

	"github.com/miekg/dns"
)

// option is the first option of a reply with a type.
func option[T dns.EDNS0](m *dns.Msg) (found T, ok bool) {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if found, ok = o.(T); ok {
				return found, true
			}
		}
	}
	return found, false
}

// Shows RFC 6891 6.1.1b, 6.1.2b, 6.1.4a, 6.2.4, 7a.
// Shows RFC 7873 5.2.1.
func TestEDNS(t *testing.T) {
	s := start(t, newServer(t, settings()))
	c := dial(t, s, "udp")
	t.Run("not in the query, not in the reply", func(t *testing.T) {
		if m := c.exchange(query(ours, dns.TypeA)); m.IsEdns0() != nil {
			t.Errorf("got %v", m)
		}
	})
	t.Run("DO is copied", func(t *testing.T) {
		for _, do := range []bool{false, true} {
			q := query(ours, dns.TypeA)
			q.SetEdns0(4096, do)
			if opt := c.exchange(q).IsEdns0(); opt == nil || opt.Do() != do || opt.UDPSize() != 1232 || len(opt.Option) != 0 {
				t.Errorf("DO %t: OPT %v", do, opt)
			}
		}
	})
	t.Run("unknown options are ignored", func(t *testing.T) {
		q := withEDNS(query(ours, dns.TypeA), 1232, &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("?")}, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
		if m := c.exchange(q); len(m.Answer) != 1 || len(m.IsEdns0().Option) != 0 {
			t.Errorf("got %v", m)
		}
	})
}

// Shows RFC 7873 5.2.3, 5.2.4, 5.2.5.
func TestCookies(t *testing.T) {
	s := start(t, newServer(t, settings()))
	c := dial(t, s, "udp")
	const half = "0011223344556677"
	ask := func(t *testing.T, sent string) string {
		t.Helper()
		m := c.exchange(withEDNS(query(ours, dns.TypeA), 1232, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: sent}))
		got, ok := option[*dns.EDNS0_COOKIE](m)
		if !ok || len(m.Answer) != 1 || len(got.Cookie) != 48 || got.Cookie[:16] != half {
			t.Fatalf("got %v", m)
		}
		return got.Cookie
	}
	fresh := ask(t, half)
	if again := ask(t, fresh); again != fresh {
		t.Errorf("a good cookie was replaced: %s became %s", fresh, again)
	}
	wrong := half + "0100000000000000ffffffffffffffff"
	if got := ask(t, wrong); got != fresh {
		t.Errorf("a wrong cookie got %s, want %s", got, fresh)
	}
	if got := ask(t, half+"0102030405060708"); got != fresh {
		t.Errorf("another server's cookie got %s, want %s", got, fresh)
	}
}

// Of several cookies in a query the first counts, and the reply has one.
// Shows RFC 7873 5.2a.
func TestSeveralCookies(t *testing.T) {
	s := start(t, newServer(t, settings()))
	const half = "0011223344556677"
	var sent []dns.EDNS0
	for _, text := range []string{half, "ffffffffffffffff", "00"} { // of which the last is no cookie
		sent = append(sent, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: text})
	}
	m := dial(t, s, "udp").exchange(withEDNS(query(ours, dns.TypeA), 1232, sent...))
	got, ok := option[*dns.EDNS0_COOKIE](m)
	if !ok || len(m.Answer) != 1 || len(m.IsEdns0().Option) != 1 || got.Cookie[:len(half)] != half {
		t.Errorf("got %v", m)
	}
}

// Shows RFC 7828 3.3.1, 3.3.2.
// Shows RFC 9210 4.5.
func TestKeepalive(t *testing.T) {
	s := start(t, newServer(t, settings()))
	for network, want := range map[string]uint16{"tcp": 100, "udp": 0} {
		m := dial(t, s, network).exchange(withEDNS(query(ours, dns.TypeA), 1232, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}))
		got, ok := option[*dns.EDNS0_TCP_KEEPALIVE](m)
		if ok != (want > 0) || ok && got.Timeout != want {
			t.Errorf("over %s: got %v", network, m)
		}
	}
	if m := dial(t, s, "tcp").exchange(withEDNS(query(ours, dns.TypeA), 1232)); len(m.IsEdns0().Option) != 0 {
		t.Errorf("told without being asked: %v", m)
	}
}
