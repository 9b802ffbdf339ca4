package main

import (
	"log/slog"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/zone"
)

// runDir is where the resolv.conf for containers is, below files.root.
const runDir = "/run/nodedns"

// serviceConfig is what a configuration means for the service.
func serviceConfig(cfg config.Config, id zone.ID, log *slog.Logger) nodedns.Config {
	return nodedns.Config{
		NodeID:         id,
		Prefix:         &cfg.Identity.Prefix,
		RetainDeparted: cfg.Zone.RetainDeparted,
		Addresses:      cfg.Local.Addresses,
		Interfaces:     cfg.Local.Interfaces,
		Endpoints:      texts(cfg.Curator.Endpoints),
		Credentials:    cfg.Curator.Credentials,
		Insecure:       cfg.Curator.Insecure,
		Report:         cfg.Curator.Report,
		RecoverAfter:   cfg.Curator.RecoverAfter,
		StateDir:       cfg.State.Dir,
		Files: nodedns.Files{
			Root:            cfg.Files.Root,
			Hosts:           cfg.Files.Hosts,
			HostsLines:      "/etc/hosts",
			OwnHosts:        cfg.Files.HostsMode == config.HostsOwn,
			HostsMaxNodes:   cfg.Files.HostsMaxNodes,
			MachineID:       cfg.Files.MachineID,
			MachineIDFormat: string(cfg.Files.MachineIDFormat),
			Hostname:        cfg.Files.Hostname,
			HostnameFile:    cfg.Files.HostnameFile,
			ResolvConf:      cfg.Files.ResolvConf,
			ResolvConfMode:  string(cfg.Files.ResolvConfMode),
			RunDir:          runDir,
		},
		Listen:        cfg.DNS.Listen,
		VarlinkSocket: cfg.Varlink.Socket,
		DNS: resolver.Settings{
			Domains:      cfg.Zone.Domains,
			TTL:          cfg.Zone.TTL,
			SingleLabel:  cfg.DNS.SingleLabel,
			OrdinaryPath: !cfg.DNS.FastPath,
			Allow:        cfg.DNS.Allow,
			Upstreams:    upstreams(cfg),
			Cache:        resolver.Cache{Size: cfg.Cache.Size, ServeStale: cfg.Cache.ServeStale},
		},
		Logger: log,
	}
}

// controlDaemon is what a service answers on the control socket.
func controlDaemon(s *nodedns.Service) control.Daemon {
	return control.Daemon{
		Status:   s.Status,
		Snapshot: s.Zone().Snapshot,
		Query:    s.Resolver().Query,
		Explain:  s.Resolver().Explain,

		ExplainHostname: s.Resolver().ExplainHostname,

		TrustCurator:  s.TrustCurator,
		ResetCurators: s.ResetCurators,

		Flush:     s.Resolver().Flush,
		FlushName: s.Resolver().FlushName,

		Queries: s.Resolver().Watch,
		Zone:    s.Zone().Watch,
	}
}

// texts spells each item of a list.
func texts[T interface{ String() string }](items []T) []string {
	spelled := make([]string, len(items))
	for i, item := range items {
		spelled[i] = item.String()
	}
	return spelled
}

// upstreams are the servers for what is not ours.
func upstreams(cfg config.Config) resolver.Upstreams {
	to := resolver.Upstreams{
		Timeout:          cfg.Upstream.Timeout,
		RandomizeCase:    cfg.Upstream.RandomizeCase,
		TrustAD:          cfg.Upstream.TrustAD,
		RebindProtection: cfg.Upstream.RebindProtection,
		RebindAllow:      cfg.Upstream.RebindAllow,
	}
	for _, server := range cfg.Upstream.Servers {
		to.Servers = append(to.Servers, server.Server) // of auto the zero one, as resolver.Auto
	}
	for _, route := range cfg.Upstream.Routes {
		to.Routes = append(to.Routes, resolver.Route(route))
	}
	return to
}
