package wire

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
)

// Origin is where a query comes from, and when it was accepted.
type Origin struct {
	Client    netip.AddrPort // the zero value: no socket
	Transport querylog.Transport
	Began     time.Duration
}

// Ask makes the request that a query over TCP with EDNS would be, for a program
// that needs no socket.
func Ask(name, qtype string) (*Request, error) {
	number, ok := ParseType(qtype)
	if !ok {
		return nil, fmt.Errorf("query %q: unknown type %q; want a mnemonic such as AAAA, or TYPE and a number", name, qtype)
	}
	wire, err := decision.ParseName(name)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	r := &Request{
		Origin:   Origin{Transport: querylog.Query},
		Question: decision.Question{Name: wire, Type: number},
		Limit:    TCPLimit,
	}
	r.Msg.SetQuestion(dns.Fqdn(name), number)
	r.Msg.SetEdns0(UDPLimit, false)
	r.OPT = r.Msg.IsEdns0()
	return r, nil
}
