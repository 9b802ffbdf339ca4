package nodedns

import (
	"context"
	"net/netip"

	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// selfProbe is asked of our own listener before resolv.conf points at it.
const selfProbe = "localhost"

// resolvConf is what resolv.conf is kept with.
func (c *Config) resolvConf() resolvconf.Config {
	return resolvconf.Config{
		Settings: c.ResolvConf, Root: c.Files.Root, StateDir: c.StateDir,
		Logger: c.Logger.With("part", "resolv.conf"),
	}
}

// newResolvConf makes the keeper of resolv.conf, or nil where there is none.
func (s *Service) newResolvConf(cfg *Config) (*resolvconf.Keeper, error) {
	if err := cfg.ResolvConf.Check(); err != nil || cfg.ResolvConf.Path == "" {
		return nil, err
	}
	kept := cfg.resolvConf()
	kept.Listeners, kept.Upstreams = s.dns.Addrs, s.dns.Upstreams
	kept.Probe = func(ctx context.Context, listener netip.AddrPort) error {
		_, err := dnsclient.Lookup(ctx, listener, selfProbe)
		return err
	}
	k, err := resolvconf.New(kept)
	if err != nil {
		return nil, err
	}
	k.Set(cfg.ResolvConf.Mode, cfg.DNS.Upstreams.TrustAD)
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
