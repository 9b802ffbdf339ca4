package nss

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
)

// varlinkPatience is how long the service behind nss-resolve may take.
const varlinkPatience = 10 * time.Second

// maxVarlink bounds its reply, in bytes.
const maxVarlink = 1 << 20

// resolve is nss-resolve: whoever serves its socket is asked what it would be.
func (l *Lookup) resolve(ctx context.Context, r Result, s subject) Result {
	path := filepath.Join(l.root, varlinkPath)
	conn, err := (&net.Dialer{Timeout: varlinkPatience}).DialContext(ctx, "unix", path)
	if err != nil {
		return r.because(nsswitch.Unavailable, "nobody serves %s", varlinkPath)
	}
	defer conn.Close()
	if l.Dry {
		return r.because(Unknown, "%s would be asked, and others by it", varlinkPath)
	}
	reply, err := call(conn, s)
	if err != nil {
		return r.because(nsswitch.Unavailable, "%s: %v", varlinkPath, err)
	}
	if reply.Error != "" {
		return r.because(statusOf(reply.Error), "%s replies %s", varlinkPath, reply.Error)
	}
	r.Found = reply.found(s)
	if len(r.Found) == 0 {
		return r.because(nsswitch.NotFound, "%s has no such record", varlinkPath)
	}
	return r.because(nsswitch.Success, "%s has it", varlinkPath)
}

// statusOf is what nss-resolve makes of an error: who is not there, or speaks
// another protocol, is unavailable; who lacks a network may have it later.
func statusOf(name string) string {
	switch name {
	case "org.varlink.service.InterfaceNotFound", "org.varlink.service.MethodNotFound", "org.varlink.service.MethodNotImplemented":
		return nsswitch.Unavailable
	case "io.systemd.Resolve.NoNameServers", "io.systemd.Resolve.QueryTimedOut",
		"io.systemd.Resolve.MaxAttemptsReached", "io.systemd.Resolve.NetworkDown":
		return nsswitch.TryAgain
	}
	return nsswitch.NotFound
}

// varlinkReply is what matters of a reply to either call.
type varlinkReply struct {
	Error      string
	Parameters struct {
		Addresses []struct {
			Family  int
			Address []int
		}
		Names []struct{ Name string }
	}
}

// call makes the call for what is looked for, and waits for the reply.
func call(conn net.Conn, s subject) (reply varlinkReply, err error) {
	method, parameters := "ResolveHostname", map[string]any{"name": s.name, "family": familyNumber(s.want), "flags": 0}
	if s.addr.IsValid() {
		octets := make([]int, 0, 16)
		for _, b := range s.addr.AsSlice() {
			octets = append(octets, int(b))
		}
		family := familyNumber(families4and6{s.addr.Is4(), s.addr.Is6()})
		method, parameters = "ResolveAddress", map[string]any{"family": family, "address": octets, "flags": 0}
	}
	message, err := json.Marshal(map[string]any{"method": "io.systemd.Resolve." + method, "parameters": parameters})
	if err != nil {
		return reply, err
	}
	if err := conn.SetDeadline(time.Now().Add(varlinkPatience)); err != nil {
		return reply, err
	}
	if _, err := conn.Write(append(message, 0)); err != nil {
		return reply, err
	}
	text, err := bufio.NewReader(io.LimitReader(conn, maxVarlink)).ReadBytes(0)
	if errors.Is(err, io.EOF) {
		return reply, errors.New("it hung up")
	}
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(text[:len(text)-1], &reply); err != nil {
		return reply, fmt.Errorf("its reply is not understood: %w", err)
	}
	return reply, nil
}

// familyNumber is the kernel's number of a family; 0 stands for both.
func familyNumber(want families4and6) int {
	switch {
	case !want.single():
		return unix.AF_UNSPEC
	case want.six:
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// found is what a reply has for what is looked for.
func (r *varlinkReply) found(s subject) (found []string) {
	for _, n := range r.Parameters.Names {
		found = append(found, n.Name)
	}
	for _, a := range r.Parameters.Addresses {
		octets := make([]byte, len(a.Address))
		for i, n := range a.Address {
			octets[i] = byte(n)
		}
		addr, ok := netip.AddrFromSlice(octets)
		if ok && (addr.Is4() && s.want.four || addr.Is6() && s.want.six) && !slices.Contains(found, addr.String()) {
			found = append(found, addr.String())
		}
	}
	return found
}
