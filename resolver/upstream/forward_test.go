package upstream

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestForgedRepliesAreIgnored(t *testing.T) {
	forgeries := map[string]func(*dns.Msg){
		"another ID":    func(m *dns.Msg) { m.Id++ },
		"another name":  func(m *dns.Msg) { m.Question[0].Name = "evil.example." },
		"another type":  func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"another class": func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"no question":   func(m *dns.Msg) { m.Question = nil },
		"two questions": func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"a query":       func(m *dns.Msg) { m.Response = false },
		"an update":     func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate },
	}
	for name, forge := range forgeries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
				forged := reply(q, "192.0.2.66")
				forge(forged)
				_ = w.WriteMsg(forged)
				garbage, _ := forged.Pack()
				_, _ = w.Write(garbage[:headerLen+3])
				_, _ = w.Write([]byte("?"))
				_ = w.WriteMsg(reply(q, "192.0.2.1"))
			}, nil)
			got, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{server.addr}, query("www.example."), long)
			if err != nil || firstA(got) != "192.0.2.1" {
				t.Errorf("got %q, %v; want the genuine reply", firstA(got), err)
			}
		})
	}
}

func TestTheQueryIsPassedOn(t *testing.T) {
	sent := make(chan *dns.Msg, 1)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		sent <- q
		answering("192.0.2.1")(w, q)
	}, nil)
	ask := func(t *testing.T, q *dns.Msg) (got, answer *dns.Msg) {
		t.Helper()
		answer, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{server.addr}, q, long)
		if err != nil {
			t.Fatal(err)
		}
		return <-sent, answer
	}
	t.Run("ID and case are the client's", func(t *testing.T) {
		q := query("WwW.eXample.")
		_, answer := ask(t, q)
		if answer.Id != q.Id || answer.Question[0].Name != "WwW.eXample." {
			t.Errorf("ID %d, name %s", answer.Id, answer.Question[0].Name)
		}
	})
	t.Run("flags", func(t *testing.T) {
		for _, bits := range [][3]bool{{true, false, false}, {false, true, false}, {false, false, true}} {
			q := query("www.example.")
			q.RecursionDesired, q.CheckingDisabled, q.AuthenticatedData = bits[0], bits[1], bits[2]
			got, _ := ask(t, q)
			if sent := [3]bool{got.RecursionDesired, got.CheckingDisabled, got.AuthenticatedData}; sent != bits {
				t.Errorf("RD, CD, AD: %v became %v", bits, sent)
			}
		}
	})
	t.Run("no EDNS", func(t *testing.T) {
		if got, _ := ask(t, query("www.example.")); got.IsEdns0() != nil {
			t.Error("the client did not use EDNS")
		}
	})
	t.Run("EDNS without the client's options", func(t *testing.T) {
		q := query("www.example.")
		q.SetEdns0(4096, true)
		q.IsEdns0().Option = append(q.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
		got, _ := ask(t, q)
		opt := got.IsEdns0()
		if opt == nil || !opt.Do() || opt.UDPSize() != payload || len(opt.Option) != 0 {
			t.Errorf("OPT %v; want DO, %d octets and no options", opt, payload)
		}
	})
	t.Run("a type that we do not know", func(t *testing.T) {
		q := query("www.example.")
		q.Question[0].Qtype = 65400
		if got, _ := ask(t, q); got.Question[0].Qtype != 65400 {
			t.Errorf("type %d", got.Question[0].Qtype)
		}
	})
}

func TestNextServer(t *testing.T) {
	good := serve(t, answering("192.0.2.1"), nil)
	garbled := func(w dns.ResponseWriter, q *dns.Msg) {
		wire, _ := reply(q, "192.0.2.66").Pack()
		_, _ = w.Write(wire[:len(wire)-2])
	}
	cut := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Truncated = true
		_ = w.WriteMsg(m)
	}
	for name, bad := range map[string]netip.AddrPort{
		"SERVFAIL":           serve(t, failing(dns.RcodeServerFailure), nil).addr,
		"REFUSED":            serve(t, failing(dns.RcodeRefused), nil).addr,
		"NOTIMP":             serve(t, failing(dns.RcodeNotImplemented), nil).addr,
		"cannot be read":     serve(t, garbled, nil).addr,
		"unreachable":        unreachable(t),
		"silence over TCP":   serve(t, cut, func(w dns.ResponseWriter, _ *dns.Msg) { _ = w.Close() }).addr,
		"truncated over TCP": serve(t, cut, cut).addr,
		"REFUSED as header only": serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetRcode(q, dns.RcodeRefused)
			m.Question = nil
			_ = w.WriteMsg(m)
		}, nil).addr,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{bad, good.addr}, query("www.example."), long)
			if err != nil || firstA(got) != "192.0.2.1" {
				t.Errorf("got %q, %v; want the second server's answer", firstA(got), err)
			}
		})
	}
	t.Run("time-out", func(t *testing.T) {
		silent := serve(t, nil, nil)
		got, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{silent.addr, good.addr}, query("www.example."), 50*time.Millisecond)
		if err != nil || firstA(got) != "192.0.2.1" {
			t.Errorf("got %q, %v; want the second server's answer", firstA(got), err)
		}
	})
}

func TestAnswersThatAreFinal(t *testing.T) {
	never := serve(t, answering("192.0.2.66"), nil)
	for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeFormatError, dns.RcodeNotAuth} {
		server := serve(t, failing(rcode), nil)
		got, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{server.addr, never.addr}, query("www.example."), long)
		if err != nil || got.Rcode != rcode {
			t.Errorf("%s: got %v, %v", dns.RcodeToString[rcode], got, err)
		}
	}
	if n := never.asked.Load(); n != 0 {
		t.Errorf("the second server was asked %d times", n)
	}
}

func TestTruncatedAnswerIsAskedForOverTCP(t *testing.T) {
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := reply(q, "192.0.2.66")
		m.Truncated = true
		wire, _ := m.Pack()
		_, _ = w.Write(wire[:len(wire)-2]) // cut within a record, as some do
	}, answering("192.0.2.1"))
	got, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{server.addr}, query("www.example."), long)
	if err != nil || firstA(got) != "192.0.2.1" || got.Truncated {
		t.Errorf("got %q, %v; want the answer over TCP", firstA(got), err)
	}
}

func TestLostPacketIsSentAgain(t *testing.T) {
	server := serve(t, nil, nil)
	var asked atomic.Bool
	answers := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if asked.Swap(true) {
			answering("192.0.2.1")(w, q)
		}
	}, nil)
	got, err := new(Forwarder).Forward(t.Context(), []netip.AddrPort{server.addr, answers.addr}, query("www.example."), 50*time.Millisecond)
	if err != nil || firstA(got) != "192.0.2.1" {
		t.Errorf("got %q, %v; want the answer of the second round", firstA(got), err)
	}
}

func TestAllServersFail(t *testing.T) {
	silent := serve(t, nil, nil)
	refusing := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		m.SetEdns0(payload, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: "no key"}}
		_ = w.WriteMsg(m)
	}, nil)
	dead := unreachable(t)
	tests := map[string]struct {
		servers  []netip.AddrPort
		code     uint16
		text     []string
		extended int
	}{
		"by silence":     {[]netip.AddrPort{silent.addr}, dns.ExtendedErrorCodeNoReachableAuthority, []string{silent.addr.String(), "no answer in time"}, 0},
		"by the network": {[]netip.AddrPort{dead}, dns.ExtendedErrorCodeNetworkError, []string{dead.String(), "connection refused"}, 0},
		"by an answer":   {[]netip.AddrPort{dead, refusing.addr}, dns.ExtendedErrorCodeNoReachableAuthority, []string{"SERVFAIL"}, 1},
		"by many":        {[]netip.AddrPort{dead, dead, dead, dead}, dns.ExtendedErrorCodeNetworkError, []string{"and 1 more"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			forwarder := Forwarder{total: 200 * time.Millisecond}
			_, err := forwarder.Forward(t.Context(), tt.servers, query("www.example."), 100*time.Millisecond)
			var failure *Failure
			if !errors.As(err, &failure) {
				t.Fatalf("error %v, want a Failure", err)
			}
			if failure.Code() != tt.code || len(failure.Extended()) != tt.extended {
				t.Errorf("code %d and %d extended errors, want %d and %d", failure.Code(), len(failure.Extended()), tt.code, tt.extended)
			}
			for _, part := range tt.text {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
	if _, err := new(Forwarder).Forward(t.Context(), nil, query("www.example."), long); !errors.Is(err, ErrNoServers) {
		t.Errorf("without servers: %v", err)
	}
}

// With many dead servers each still gets a share of the time, and all of it
// is over by the limit: the last server's answer proves the former.
func TestTimeIsShared(t *testing.T) {
	silent := serve(t, nil, nil).addr
	good := serve(t, answering("192.0.2.1"), nil)
	forwarder := Forwarder{total: time.Second}
	got, err := forwarder.Forward(t.Context(), []netip.AddrPort{silent, silent, silent, good.addr}, query("www.example."), long)
	if err != nil || firstA(got) != "192.0.2.1" {
		t.Errorf("got %q, %v; want the last server's answer", firstA(got), err)
	}
}

func TestShareNeverExceedsTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), Total)
	defer cancel()
	for left := 1; left < 20; left++ {
		if got := share(ctx, left, 2*time.Second); got > 2*time.Second || got > Total/time.Duration(left) {
			t.Errorf("with %d servers left: %v", left, got)
		}
	}
	if Total >= 4*time.Second {
		t.Errorf("a client may have to wait for %v", Total)
	}
}

func TestForwardEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	silent := serve(t, func(dns.ResponseWriter, *dns.Msg) { cancel() }, nil)
	if _, err := new(Forwarder).Forward(ctx, []netip.AddrPort{silent.addr}, query("www.example."), long); err == nil {
		t.Error("an answer out of nowhere")
	}
}

func TestOurOwnListenerIsNotAsked(t *testing.T) {
	server := serve(t, answering("192.0.2.1"), nil)
	wildcard := netip.AddrPortFrom(netip.IPv4Unspecified(), server.addr.Port())
	for name, own := range map[string]netip.AddrPort{"itself": server.addr, "a wildcard": wildcard} {
		t.Run(name, func(t *testing.T) {
			forwarder := Forwarder{Own: func() []netip.AddrPort { return []netip.AddrPort{own} }}
			_, err := forwarder.Forward(t.Context(), []netip.AddrPort{server.addr}, query("www.example."), long)
			if err == nil || !strings.Contains(err.Error(), "listener of ours") {
				t.Errorf("error %v", err)
			}
		})
	}
	if n := server.asked.Load(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}
