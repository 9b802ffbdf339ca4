package verify

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

const (
	// callTimeout bounds one call on the varlink socket.
	callTimeout = 10 * time.Second
	// maxReply bounds a reply, in bytes.
	maxReply = 64 << 10
)

// caller speaks as much varlink as it takes to ask what nss-resolve does.
type caller struct {
	path    string
	conn    net.Conn // nil: to be dialled
	replies *bufio.Reader
}

// checkVarlink asks for the sample on the varlink socket.
func (v *verification) checkVarlink(ctx context.Context) (Check, error) {
	const name = "varlink"
	if v.Varlink == "" {
		return off(name, "varlink.socket is empty"), nil
	}
	c := caller{path: v.Varlink}
	check, err := v.compare(ctx, name, c.ask)
	return check, errors.Join(err, c.close())
}

func (c *caller) close() error {
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn = nil
	return conn.Close()
}

// ask resolves the name of a node, whatever the family. A connection that was
// closed while the zone was read is dialled again.
func (c *caller) ask(ctx context.Context, n node) ([]Difference, error) {
	again := c.conn != nil
	got, err := c.resolve(ctx, string(n.ID))
	if err != nil && again && ctx.Err() == nil {
		got, err = c.resolve(ctx, string(n.ID))
	}
	if err != nil {
		return nil, fmt.Errorf("ask for %s by varlink: %w", n.ID, err)
	}
	if want := inOrder(texts(n.Addrs)); got != want {
		return []Difference{{string(n.ID) + " by varlink", want, got}}, nil
	}
	return nil, nil
}

// The errors that say that there is no such record, without the interface.
const (
	resolveInterface = "io.systemd.Resolve."
	noSuchRecord     = "NoSuchResourceRecord"
)

// resolve returns the addresses of a name in order or, where there is another
// error than that there are none, its name. After an error of its own it leaves
// no connection behind.
func (c *caller) resolve(ctx context.Context, name string) (addresses string, err error) {
	call, err := json.Marshal(map[string]any{
		"method":     resolveInterface + "ResolveHostname",
		"parameters": map[string]any{"name": name, "family": 0, "flags": 0},
	})
	if err != nil {
		return "", err
	}
	reply, err := c.call(ctx, call)
	if err != nil {
		return "", errors.Join(err, c.close())
	}
	return spellReply(reply)
}

// call exchanges messages, which end with a NUL byte. What it returns holds until
// the next call.
func (c *caller) call(ctx context.Context, message []byte) ([]byte, error) {
	if c.conn == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", c.path)
		if err != nil {
			return nil, err
		}
		c.conn, c.replies = conn, bufio.NewReaderSize(conn, maxReply)
	}
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(append(message, 0)); err != nil {
		return nil, err
	}
	reply, err := c.replies.ReadSlice(0)
	if err != nil {
		return nil, err
	}
	return reply[:len(reply)-1], nil
}

func spellReply(text []byte) (string, error) {
	var reply struct {
		Error      string
		Parameters struct {
			Addresses []struct {
				Address []int
			}
		}
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return "", fmt.Errorf("read a varlink reply: %w", err)
	}
	switch strings.TrimPrefix(reply.Error, resolveInterface) {
	case "":
	case noSuchRecord:
		return "", nil
	default:
		return reply.Error, nil
	}
	var addrs []netip.Addr
	for _, a := range reply.Parameters.Addresses {
		bytes := make([]byte, len(a.Address))
		for i, b := range a.Address {
			bytes[i] = byte(b)
		}
		addr, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return "", errors.New("read a varlink reply: an address is neither IPv4 nor IPv6")
		}
		addrs = append(addrs, addr)
	}
	return inOrder(texts(addrs)), nil
}
