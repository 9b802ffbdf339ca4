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
	conn    net.Conn
	replies *bufio.Reader
}

// checkVarlink asks for the sample on the varlink socket.
func (v *verification) checkVarlink(ctx context.Context) (Check, error) {
	const name = "varlink"
	if v.Varlink == "" {
		return off(name, "varlink.socket is empty"), nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", v.Varlink)
	if err != nil {
		return failed(name, fmt.Errorf("connect to the varlink socket: %w", err)), ctx.Err()
	}
	defer conn.Close()
	c := caller{conn, bufio.NewReaderSize(conn, maxReply)}
	return v.compare(ctx, name, c.ask)
}

// ask resolves the name of a node, whatever the family.
func (c *caller) ask(_ context.Context, n node) ([]Difference, error) {
	got, err := c.resolve(string(n.ID))
	if err != nil {
		return nil, err
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
// error than that there are none, its name.
func (c *caller) resolve(name string) (string, error) {
	call, err := json.Marshal(map[string]any{
		"method":     resolveInterface + "ResolveHostname",
		"parameters": map[string]any{"name": name, "family": 0, "flags": 0},
	})
	if err != nil {
		return "", err
	}
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return "", err
	}
	// Messages end with a NUL byte.
	if _, err := c.conn.Write(append(call, 0)); err != nil {
		return "", fmt.Errorf("ask for %s by varlink: %w", name, err)
	}
	text, err := c.replies.ReadSlice(0)
	if err != nil {
		return "", fmt.Errorf("ask for %s by varlink: %w", name, err)
	}
	return spellReply(text[:len(text)-1])
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
