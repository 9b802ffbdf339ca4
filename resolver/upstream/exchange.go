package upstream

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

const maxUDP = 4096 // a server may exceed what we asked for

var errMismatch = errors.New("it answered another question")

// exchangeUDP sends the query from a new socket. The kernel gives it a random
// port and, as it is connected, drops what comes from another address or port.
func (f *Forwarder) exchangeUDP(ctx context.Context, server netip.AddrPort, query *dns.Msg) (*dns.Msg, error) {
	conn, wire, err := f.open(ctx, "udp", server, query)
	if err != nil {
		return nil, err
	}
	defer conn.Close() // nothing is pending on it
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := conn.Write(wire); err != nil {
		return nil, err
	}
	buffer := make([]byte, maxUDP)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, err
		}
		reply, err := match(wire, query, buffer[:n])
		if errors.Is(err, errMismatch) {
			continue // forged, or late
		}
		return reply, err
	}
}

// exchangeTCP sends the query over a new connection.
func (f *Forwarder) exchangeTCP(ctx context.Context, server netip.AddrPort, query *dns.Msg) (*dns.Msg, error) {
	conn, wire, err := f.open(ctx, "tcp", server, query)
	if err != nil {
		return nil, err
	}
	defer conn.Close() // all of the reply has been read
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(wire)), uint16(len(wire)))
	if _, err := conn.Write(append(framed, wire...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, fmt.Errorf("read the reply's length over TCP: %w", err)
	}
	buffer := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, buffer); err != nil {
		return nil, fmt.Errorf("read the reply over TCP: %w", err)
	}
	return match(wire, query, buffer)
}

// open connects to a server and makes the query's bytes, with a random ID.
func (f *Forwarder) open(ctx context.Context, network string, server netip.AddrPort, query *dns.Msg) (net.Conn, []byte, error) {
	wire, err := query.Pack()
	if err != nil {
		return nil, nil, fmt.Errorf("encode the query: %w", err)
	}
	_, _ = rand.Read(wire[:2]) // never fails
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, nil, err
	}
	local, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	if f.Own != nil && IsOwn(f.Own(), server, local.Addr()) {
		return nil, nil, errors.Join(errOwn, conn.Close())
	}
	return conn, wire, nil
}

// match returns the reply in a message if it is one to the query that was
// sent, or errMismatch. A server that turns a query down may leave out the
// question.
func match(sent []byte, query *dns.Msg, message []byte) (*dns.Msg, error) {
	if len(message) < headerLen || message[0] != sent[0] || message[1] != sent[1] || message[2]&0x80 == 0 {
		return nil, errMismatch
	}
	reply := new(dns.Msg)
	err := reply.Unpack(message)
	asked := query.Question[0]
	turnedDown := err == nil && reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError
	switch {
	case reply.Opcode != dns.OpcodeQuery:
		return nil, errMismatch
	case len(reply.Question) == 0 && turnedDown:
	case len(reply.Question) != 1 || !sameQuestion(reply.Question[0], asked):
		return nil, errMismatch
	case err != nil && !reply.Truncated:
		return nil, fmt.Errorf("its answer cannot be read: %w", err)
	}
	return reply, nil
}

func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}
