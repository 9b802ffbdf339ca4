package main

import (
	"log/slog"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/nssresolve"
	"github.com/nodedns/nodedns/zone"
)

// runDir is where the resolv.conf for containers is, below files.root.
const runDir = "/run/nodedns"

// hostsLines is the hosts file whose lines are answered where none is kept.
const hostsLines = "/etc/hosts"

// serviceConfig is what a configuration means for the service.
func serviceConfig(cfg config.Config, id zone.ID, log *slog.Logger) nodedns.Config {
	service := cfg.Config
	service.NodeID, service.Logger = id, log
	service.HostsLines, service.ResolvConf.RunDir = hostsLines, runDir
	return service
}

// controlDaemon is what a service answers on the control socket.
func controlDaemon(s *nodedns.Service) control.Daemon {
	inspector := inspect.Inspector{Server: s.Resolver(), Refusal: s.Zone().Refusal}
	return control.Daemon{
		Status:   s.Status,
		Snapshot: s.Zone().Snapshot,
		Query:    inspector.Query,
		Explain:  inspector.Explain,

		ExplainHostname: nssresolve.New(s.Resolver()).Explain,

		TrustCurator:  s.TrustCurator,
		ResetCurators: s.ResetCurators,

		Flush:     s.Resolver().Flush,
		FlushName: s.Resolver().FlushName,

		Queries: s.Resolver().Watch,
		Zone:    s.Zone().Watch,
	}
}

// texts formats each item of a list.
func texts[T interface{ String() string }](items []T) []string {
	spelled := make([]string, len(items))
	for i, item := range items {
		spelled[i] = item.String()
	}
	return spelled
}
