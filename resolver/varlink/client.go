package varlink

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// callTimeout bounds one call of a Client: longer than a Resolver may take.
	callTimeout = 10 * time.Second
	// maxReply bounds its reply, in octets: there may be thousands of addresses.
	maxReply = 1 << 20
)

// Client calls the server of io.systemd.Resolve, one call after the other, as
// nss-resolve does and as strictly. It is for one goroutine.
type Client struct {
	path    string
	conn    net.Conn // nil: to be dialled
	replies *bufio.Reader
}

// NewClient returns a Client for a socket, which it dials at the first call.
func NewClient(path string) *Client { return &Client{path: path} }

// Dial connects, if there is no connection.
func (c *Client) Dial(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", c.path)
	if err != nil {
		return err
	}
	c.conn, c.replies = conn, bufio.NewReader(conn)
	return nil
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

// ResolveHostname implements [Resolver]. Errors other than an [Error] mean that
// no server answers, or not as nss-resolve would accept.
func (c *Client) ResolveHostname(ctx context.Context, q HostnameQuestion) (Addresses, error) {
	var reply hostnameReply
	err := c.call(ctx, "ResolveHostname", map[string]any{"name": q.Name, "family": familyOf(q.V4, q.V6), "flags": q.Flags}, &reply)
	if err != nil {
		return Addresses{}, err
	}
	found := Addresses{Canonical: reply.Name, Flags: reply.Flags}
	for _, entry := range reply.Addresses {
		addr, err := parseAddress(entry.Family, entry.Address)
		switch {
		case err != nil:
			return Addresses{}, fmt.Errorf("read a varlink reply: no address: %v", entry.Address)
		case addr.Is4() && !q.V4, addr.Is6() && !q.V6:
			return Addresses{}, fmt.Errorf("read a varlink reply: %v is of a family that was not asked for", addr)
		case addr.Is6() && addr.IsLinkLocalUnicast() && entry.Ifindex > 0:
			addr = addr.WithZone(strconv.Itoa(entry.Ifindex))
		}
		found.All = append(found.All, addr)
	}
	return found, nil
}

// ResolveAddress implements [Resolver], as does ResolveHostname.
func (c *Client) ResolveAddress(ctx context.Context, q AddressQuestion) (Names, error) {
	octets := newOctets(q.Addr)
	var reply addressReply
	err := c.call(ctx, "ResolveAddress", map[string]any{"family": familyOf(q.Addr.Is4(), q.Addr.Is6()), "address": octets, "flags": q.Flags}, &reply)
	if err != nil {
		return Names{}, err
	}
	found := Names{Flags: reply.Flags}
	for _, entry := range reply.Names {
		found.All = append(found.All, entry.Name)
	}
	return found, nil
}

// familyOf is the kernel's number of a family, or of any.
func familyOf(v4, v6 bool) int {
	switch {
	case v4 && v6:
		return unix.AF_UNSPEC
	case v6:
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// call calls a method and reads the parameters of its reply. A connection that
// the other end has closed since the last call is opened again.
func (c *Client) call(ctx context.Context, method string, parameters, reply any) error {
	message, err := json.Marshal(map[string]any{"method": "io.systemd.Resolve." + method, "parameters": parameters})
	if err != nil {
		return err
	}
	message = append(message, 0)
	again := c.conn != nil
	text, err := c.roundTrip(ctx, message)
	if err != nil && again && ctx.Err() == nil {
		text, err = c.roundTrip(ctx, message)
	}
	if err != nil {
		return err
	}
	var response struct {
		Parameters json.RawMessage
		Error      string
	}
	if err := json.Unmarshal(text, &response); err != nil {
		return fmt.Errorf("read a varlink reply: %w", err)
	}
	if response.Error != "" {
		return &Error{ID: response.Error}
	}
	if err := json.Unmarshal(response.Parameters, reply); err != nil {
		return fmt.Errorf("read a varlink reply: %w", err)
	}
	return nil
}

// roundTrip sends a message and waits for the next one. The connection is
// usable afterwards, or closed.
func (c *Client) roundTrip(ctx context.Context, message []byte) (reply []byte, err error) {
	if err := c.Dial(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return nil, err
	}
	conn := c.conn
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	reply, err = readMessage(c.replies, nil, maxReply)
	if errors.Is(err, io.EOF) {
		err = errHungUp
	}
	return reply, err
}

var errHungUp = errors.New("it hung up")

var _ Resolver = (*Client)(nil)
