package nss

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// Socket is the socket that nss-resolve connects to.
const Socket = machine.VarlinkSocket

// Searched is what the daemon makes of a name for nss-resolve.
type Searched struct {
	List SearchList
	// Names, Tried, Found and As are those of a [Result], and Error the ID of
	// varlink's, or "".
	Names []string
	Tried []Tried
	Found []string
	As    string
	Error string
}

// resolve is nss-resolve: this daemon explains how it answers, and another one
// that serves the socket gets the call that nss-resolve would make.
func (l *Lookup) resolve(ctx context.Context, r Result, s subject) (Result, error) {
	path := filepath.Join(l.machine.Root, machine.VarlinkSocket)
	c := varlink.NewClient(path)
	if err := c.Dial(ctx); err != nil {
		return r.because(nsswitch.Unavailable, "no process serves %s", machine.VarlinkSocket), nil
	}
	defer c.Close() // there is no further call
	switch {
	case l.Search != nil && !s.addr.IsValid():
		return l.searched(ctx, r, s)
	case l.Search != nil:
		a, err := l.Ask(ctx, s.name, "PTR")
		if err != nil {
			return r, err
		}
		r.Names, r.Tried = []string{s.name}, []Tried{a.tried(s.name, "PTR")}
	}
	if l.Dry {
		return r.because(Unknown, "%s would be asked, and others by it", machine.VarlinkSocket), nil
	}
	return callResolve(ctx, c, r, s), nil
}

// searched is what this daemon replies over the socket.
func (l *Lookup) searched(ctx context.Context, r Result, s subject) (Result, error) {
	typ := ""
	if s.want.single() {
		typ = s.types()[0]
	}
	found, err := l.Search(ctx, s.name, typ)
	if err != nil {
		return r, err
	}
	r.Names, r.Tried, r.Search = found.Names, found.Tried, &found.List
	switch {
	case found.Error == noSource:
		return r.because(Unknown, "an upstream would be asked"), nil
	case found.Error != "":
		return r.because(statusOf(found.Error), "the daemon replies %s", found.Error), nil
	}
	r.Found, r.As = found.Found, found.As
	return r.because(nsswitch.Success, "the daemon has %s", r.As), nil
}

// noSource is the error where only an upstream has the answer, and is not to be
// queried.
var noSource = varlink.ErrNoSource.ID

// callResolve is the result of a call over the socket.
func callResolve(ctx context.Context, c *varlink.Client, r Result, s subject) Result {
	found, err := resolved(ctx, c, s)
	failed := (*varlink.Error)(nil)
	switch {
	case errors.As(err, &failed):
		return r.because(statusOf(failed.ID), "%s replies %s", machine.VarlinkSocket, failed.ID)
	case err != nil:
		return r.because(nsswitch.Unavailable, "%s: %v", machine.VarlinkSocket, err)
	case len(found) == 0:
		return r.because(nsswitch.NotFound, "%s finds nothing", machine.VarlinkSocket)
	}
	r.Found = found
	if len(r.Names) == 1 {
		r.As = r.Names[0]
	}
	return r.because(nsswitch.Success, "%s has it", machine.VarlinkSocket)
}

// resolved is what the service finds, as text.
func resolved(ctx context.Context, c *varlink.Client, s subject) (found []string, err error) {
	if s.addr.IsValid() {
		names, err := c.ResolveAddress(ctx, varlink.AddressQuestion{Addr: s.addr})
		return names.All, err
	}
	addrs, err := c.ResolveHostname(ctx, varlink.HostnameQuestion{Name: s.name, V4: s.want.four, V6: s.want.six})
	for _, addr := range addrs.All {
		if text := addr.String(); !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found, err
}

// statusOf is what nss-resolve makes of an error: a service that is absent, or
// has another protocol, is unavailable; one that lacks a network may have it
// later.
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
