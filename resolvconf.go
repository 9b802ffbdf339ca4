package nodedns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// selfProbe is asked of our own listener before resolv.conf points at it.
const selfProbe = "localhost"

// ResolvConf is where resolv.conf is kept, and what it is kept with; for
// resolvconf.Restore too.
func (c *Config) ResolvConf() resolvconf.Config {
	return resolvconf.Config{
		Location: resolvconf.Location{
			Root: c.Files.Root,
			Path: c.Files.ResolvConf,
			// Of its own: the other originals are not its to put back.
			BackupDir: filepath.Join(c.StateDir, "resolvconf"),
		},
		RunDir: c.Files.RunDir,
		Logger: c.Logger,
	}
}

// stub is what is to be done with resolv.conf.
func (c *Config) stub() (resolvconf.Settings, error) {
	settings := resolvconf.Settings{Stub: c.Files.ResolvConfMode == resolvconf.ModeStub, TrustAD: c.DNS.Upstreams.TrustAD}
	switch mode := c.Files.ResolvConfMode; {
	case mode != "" && mode != resolvconf.ModeOff && mode != resolvconf.ModeStub:
		return settings, fmt.Errorf("mode of resolv.conf %q: want %q or %q", mode, resolvconf.ModeOff, resolvconf.ModeStub)
	case settings.Stub && c.Files.ResolvConf == "":
		return settings, errors.New("mode of resolv.conf: without the path of resolv.conf it can only be off")
	}
	return settings, nil
}

// newResolvConf makes the keeper of resolv.conf, or nil where there is none.
func (s *Service) newResolvConf(cfg *Config) (*resolvconf.Keeper, error) {
	settings, err := cfg.stub()
	if err != nil || cfg.Files.ResolvConf == "" {
		return nil, err
	}
	kept := cfg.ResolvConf()
	kept.Listeners, kept.Upstreams = s.dns.Addrs, s.dns.Upstreams
	kept.Probe = func(ctx context.Context, listener netip.AddrPort) error {
		_, err := dnsclient.Lookup(ctx, listener, selfProbe)
		return err
	}
	kept.Logger = cfg.Logger.With("part", "resolv.conf")
	k, err := resolvconf.New(kept)
	if err != nil {
		return nil, err
	}
	k.Set(settings)
	return k, nil
}

func (s *Service) hintResolvConf() {
	if s.resolv != nil {
		s.resolv.Hint()
	}
}

// RestoreResolvConf makes resolv.conf what it was before nodedns, if an earlier run has
// left it pointing here. Run does so at its end, and where a listener cannot be
// bound; it is for a Service that is not run after all.
func (s *Service) RestoreResolvConf() error {
	if s.resolv == nil {
		return nil
	}
	return s.resolv.Restore()
}

// resolvConfStatus is nil without a resolv.conf.
func (s *Service) resolvConfStatus() *resolvconf.Status {
	if s.resolv == nil {
		return nil
	}
	status := s.resolv.Status()
	status.Source = s.dns.SystemConfig().From
	return &status
}
