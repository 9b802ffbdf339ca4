package nss

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// resolve is nss-resolve: whoever serves its socket is asked what it would be.
func (l *Lookup) resolve(ctx context.Context, r Result, s subject) Result {
	path := filepath.Join(l.root, varlinkPath)
	c := varlink.NewClient(path)
	if err := c.Dial(ctx); err != nil {
		return r.because(nsswitch.Unavailable, "nobody serves %s", varlinkPath)
	}
	defer c.Close() // it was asked all there is to ask
	if l.Dry {
		return r.because(Unknown, "%s would be asked, and others by it", varlinkPath)
	}
	found, err := resolved(ctx, c, s)
	failed := (*varlink.Error)(nil)
	switch {
	case errors.As(err, &failed):
		return r.because(statusOf(failed.ID), "%s replies %s", varlinkPath, failed.ID)
	case err != nil:
		return r.because(nsswitch.Unavailable, "%s: %v", varlinkPath, err)
	case len(found) == 0:
		return r.because(nsswitch.NotFound, "%s has no such record", varlinkPath)
	}
	r.Found = found
	return r.because(nsswitch.Success, "%s has it", varlinkPath)
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
