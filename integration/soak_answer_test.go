package integration

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// The kinds of answers.
const (
	soakAddress  = "the right address"
	soakNXDOMAIN = "rightly NXDOMAIN"
	soakStale    = "the right address, with an EDE"
	soakSERVFAIL = "SERVFAIL with an EDE"
	soakNotReady = "our own name, no address known yet"
	soakPassed   = "an upstream's own error, passed on"
	soakWrong    = "wrong"
)

// judge is the kind of an answer to what was asked at that time, and an error for one that is wrong.
func (tr *truth) judge(wire []byte, at time.Time, own bool) (kind string, err error) {
	var reply dns.Msg
	if err := reply.Unpack(wire); err != nil {
		return soakWrong, fmt.Errorf("the reply for %s is malformed: %w", tr.name, err)
	}
	var addrs []netip.Addr
	for _, rr := range reply.Answer {
		if a, ok := rr.(*dns.A); ok {
			addr, _ := netip.AddrFromSlice(a.A.To4())
			addrs = append(addrs, addr)
		}
	}
	explained := hasEDE(&reply)
	switch {
	case reply.Rcode == dns.RcodeServerFailure && explained:
		return soakSERVFAIL, nil
	case reply.Rcode == dns.RcodeSuccess && len(addrs) > 0 && tr.allows(at, addrs...):
		if explained {
			return soakStale, nil
		}
		return soakAddress, nil
	case reply.Rcode == dns.RcodeNameError && tr.allows(at):
		return soakNXDOMAIN, nil
	case tr.others && (reply.Rcode == dns.RcodeRefused || reply.Rcode == dns.RcodeNotImplemented):
		return soakPassed, nil
	case reply.Rcode == dns.RcodeSuccess && len(reply.Answer) == 0 && explained && own:
		return soakNotReady, nil
	}
	return soakWrong, fmt.Errorf("the answer for %s is wrong, want %v:\n%v", tr.name, tr, &reply)
}

func hasEDE(m *dns.Msg) bool {
	if opt := m.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if option.Option() == dns.EDNS0EDE {
				return true
			}
		}
	}
	return false
}
