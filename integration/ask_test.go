package integration

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// ask queries the machine's own resolver, as dig would, and without the process:
// what is polled, or of which no more than the records matters, need not be what
// dig shows.
func (m *machine) ask(name, typ string) (reply, error) { return m.askBy("udp", name, typ) }

// askBy begins with another transport than UDP.
func (m *machine) askBy(network, name, typ string) (reply, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		name, _ = dns.ReverseAddr(addr.String())
	}
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[typ])
	query.SetEdns0(1232, false)
	message, err := m.exchange(network, query)
	if err == nil && message.Truncated {
		message, err = m.exchange("tcp", query)
	}
	if err != nil {
		return reply{}, fmt.Errorf("%s: query for %s %s: %w", m.name, name, typ, err)
	}
	return replyOf(message), nil
}

// answerWithin is much longer than the daemon takes for an answer, whatever its
// upstreams do.
const answerWithin = 20 * time.Second

func (m *machine) exchange(network string, query *dns.Msg) (*dns.Msg, error) {
	return m.exchangeAt(network, "127.0.0.53:53", query)
}

func (m *machine) exchangeAt(network, server string, query *dns.Msg) (*dns.Msg, error) {
	return m.exchangeWithin(answerWithin, network, server, query)
}

func (m *machine) exchangeWithin(limit time.Duration, network, server string, query *dns.Msg) (*dns.Msg, error) {
	conn, err := m.dial(network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	client := dns.Client{Timeout: limit}
	message, _, err := client.ExchangeWithConn(query, &dns.Conn{Conn: conn})
	return message, err
}

// askTogether queries for the IPv4 addresses of names, all at once over one
// connection, and returns the replies by name.
func (m *machine) askTogether(names []string) (map[string]reply, error) {
	conn, err := m.dial("tcp", "127.0.0.53:53")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, err
	}
	pipeline := &dns.Conn{Conn: conn}
	for _, name := range names {
		query := new(dns.Msg).SetQuestion(name, dns.TypeA)
		query.SetEdns0(1232, false)
		if err := pipeline.WriteMsg(query); err != nil {
			return nil, err
		}
	}
	replies := map[string]reply{}
	for range names {
		message, err := pipeline.ReadMsg()
		if err != nil {
			return nil, fmt.Errorf("%s: %d replies to %d queries: %w", m.name, len(replies), len(names), err)
		}
		replies[message.Question[0].Name] = replyOf(message)
	}
	return replies, nil
}

// replyOf is what dig would show of a message.
func replyOf(message *dns.Msg) reply {
	r := reply{
		status: dns.RcodeToString[message.Rcode],
		answer: recordsOf(message.Answer), authority: recordsOf(message.Ns),
		text: message.String(),
	}
	for flag, set := range map[string]bool{
		"aa": message.Authoritative, "ra": message.RecursionAvailable, "ad": message.AuthenticatedData, "tc": message.Truncated,
	} {
		if set {
			r.flags = append(r.flags, flag)
		}
	}
	if opt := message.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if e, ok := option.(*dns.EDNS0_EDE); ok {
				r.errors = append(r.errors, fmt.Sprintf("%d (%s): (%s)", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText))
			}
		}
	}
	return r
}

func recordsOf(section []dns.RR) (all []record) {
	for _, rr := range section {
		h := rr.Header()
		all = append(all, record{
			h.Name, fmt.Sprint(h.Ttl), dns.TypeToString[h.Rrtype],
			strings.TrimPrefix(rr.String(), h.String()),
		})
	}
	return all
}

// resolves fails unless the machine's own resolver answers name with exactly
// these addresses, those of each family to its type.
func (m *machine) resolves(name string, addrs ...netip.Addr) error {
	for _, typ := range []string{"A", "AAAA"} {
		var want []string
		for _, addr := range addrs {
			if addr.Is4() == (typ == "A") {
				want = append(want, addr.String())
			}
		}
		slices.Sort(want)
		r, err := m.ask(name, typ)
		if err != nil {
			return err
		}
		if err := r.expectStatus("NOERROR"); err != nil {
			return err
		}
		if got := r.data(typ); !slices.Equal(got, want) {
			return fmt.Errorf("%s of %s is %v, want %v", typ, name, got, want)
		}
	}
	return nil
}

// answers fails unless a query for a name's IPv4 address gets this status.
func (m *machine) answers(status, name string) error {
	r, err := m.ask(name, "A")
	if err != nil {
		return err
	}
	return r.expectStatus(status)
}

// get reads what a server on the machine has at a path. An http.Client would dial
// from another thread, and so from another machine.
func (m *machine) get(network, address, path string) ([]byte, error) {
	conn, err := m.dial(network, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", path); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return body, err
}
