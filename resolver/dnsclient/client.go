package dnsclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// timeout bounds one exchange of a Client: longer than a Server takes for
// any query.
const timeout = 5 * time.Second

// Client asks one server over DNS, one question after the other. It is how a
// program checks from outside what a Server answers: it has no cache and
// follows no alias. It is for one goroutine.
type Client struct {
	network string
	server  netip.AddrPort
	conn    *dns.Conn // nil: to be dialled
}

// Reply is what a server answered.
type Reply struct {
	Rcode string // such as NOERROR
	// Records of the type asked for, as in a zone file and without their owner.
	Records []string
}

// New returns a Client for network "udp" or "tcp". It dials when it asks.
func New(network string, server netip.AddrPort) *Client {
	return &Client{network: network, server: server}
}

// Close ends the connection. The Client may be used again.
func (c *Client) Close() error {
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn = nil
	return conn.Close()
}

// Ask sends one question, of a type such as AAAA or TYPE65. It retries once if
// the server has closed the connection meanwhile or a message is lost.
func (c *Client) Ask(ctx context.Context, name, typ string) (Reply, error) {
	qtype, known := wire.ParseType(typ)
	if !known {
		return Reply{}, fmt.Errorf("unknown record type %q", typ)
	}
	reply, err := c.ask(ctx, name, qtype)
	if err != nil {
		return Reply{}, fmt.Errorf("ask %v by %s: %w", c.server, c.network, err)
	}
	r := Reply{Rcode: wire.RcodeName(reply.Rcode)}
	for _, rr := range reply.Answer {
		if rr.Header().Rrtype == qtype {
			r.Records = append(r.Records, wire.RData(rr))
		}
	}
	return r, nil
}

// ReverseName is the name, with its final dot, at which an address has its PTR
// record (RFC 1035, section 3.5, and RFC 3596, section 2.5).
func ReverseName(addr netip.Addr) (string, error) { return dns.ReverseAddr(addr.Unmap().String()) }

// AskReverse asks for the names of an address.
func (c *Client) AskReverse(ctx context.Context, addr netip.Addr) (Reply, error) {
	name, err := ReverseName(addr)
	if err != nil {
		return Reply{}, err
	}
	return c.Ask(ctx, name, "PTR")
}

// ask is Ask that returns the message itself.
func (c *Client) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if _, err := decision.ParseName(name); err != nil {
		return nil, err
	}
	reply, err := c.roundTrip(ctx, name, qtype)
	if err != nil && ctx.Err() == nil {
		reply, err = c.roundTrip(ctx, name, qtype)
	}
	return reply, err
}

// roundTrip leaves c.conn usable, or nil.
func (c *Client) roundTrip(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if c.conn == nil {
		conn, err := new(net.Dialer).DialContext(ctx, c.network, c.server.String())
		if err != nil {
			return nil, err
		}
		c.conn = &dns.Conn{Conn: conn, UDPSize: wire.UDPLimit}
	}
	var query dns.Msg
	query.SetQuestion(dns.Fqdn(name), qtype)
	query.SetEdns0(wire.UDPLimit, false)
	client := dns.Client{Net: c.network, Timeout: timeout}
	reply, _, err := client.ExchangeWithConnContext(ctx, &query, c.conn)
	if err == nil && reply.Truncated {
		err = errors.New("the reply is truncated")
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return reply, nil
}
