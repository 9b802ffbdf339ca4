package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration",
		Long: `Check reports what is wrong with the configuration and this node's identity or,
if nothing is, what the daemon would use, with warnings of what is valid but
probably not intended, and of what is wrong with the files of nodes. It touches
nothing, and binds nothing: a port that is taken shows only when the daemon
starts. Each key that is set is listed with its file and line, drop-ins included,
or its flag.

With --json: node_id, addresses or else interfaces, listeners, domains, curators,
upstreams, files, hostname (whether it is set), state, control, metrics, warnings,
and settings, an array of objects with key, and file and line unless it is a flag.`,
		Example: `  nodedns check
  nodedns check --config ./nodedns.toml && systemctl reload nodedns`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, err := newDaemon(settings.load, io.Discard, nil)
		if err != nil {
			return err
		}
		p := newPlan(d.started, d.id)
		if route, found := d.service.Resolver().SearchRoute(); found {
			p.Warnings = append(p.Warnings, fmt.Sprintf("the search list has %s below local: their names are asked for at %s, and not left to multicast DNS; "+
				"if that is wrong, take them from the list", strings.Join(route.Domains, ", "), strings.Join(texts(route.Servers), ", ")))
		}
		for _, file := range nodefile.Inspect(d.started.NodeFiles, d.service.Zone().Snapshot().Prefix()) {
			if text := file.Warning(); text != "" {
				p.Warnings = append(p.Warnings, text)
			}
		}
		if p.Settings, err = settings.origins(); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), p)
		}
		return p.print(cmd.OutOrStdout())
	}
	return cmd
}

// plan is what the daemon would use.
type plan struct {
	NodeID zone.ID `json:"node_id"`
	// Addresses of this machine or, without any, the interfaces that they come
	// from; without those, it is that of the default route.
	Addresses  []string `json:"addresses"`
	Interfaces []string `json:"interfaces"`
	Listeners  []string `json:"listeners"`
	Domains    []string `json:"domains"`
	Curators   []string `json:"curators"`
	Upstreams  []string `json:"upstreams"`
	Files      []string `json:"files"`
	Hostname   bool     `json:"hostname"` // is set
	State      string   `json:"state"`
	Control    string   `json:"control"`
	Metrics    string   `json:"metrics"`
	// Warnings are about what is valid but probably not intended.
	Warnings []string `json:"warnings"`
	// Settings are the keys that are not left at their default.
	Settings []origin `json:"settings"`
}

// origin is where the value of a key comes from: a line of a file, or a flag,
// which has none.
type origin struct {
	Key  string `json:"key"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

func newPlan(cfg config.Config, id zone.ID) plan {
	p := plan{
		NodeID:     id,
		Addresses:  texts(cfg.Addresses),
		Interfaces: cfg.Interfaces,
		Listeners:  texts(cfg.Listen),
		Domains:    cfg.DNS.Domains,
		Curators:   texts(cfg.Endpoints),
		Upstreams:  texts(cfg.DNS.Upstreams.Servers),
		Files:      []string{},
		Hostname:   cfg.Files.Hostname,
		State:      cfg.StateDir,
		Control:    cfg.Control.Socket,
		Warnings:   append([]string{}, cfg.Warnings()...),
	}
	for _, path := range []string{cfg.Files.Hosts, cfg.Files.MachineID, cfg.Files.HostnameFile} {
		if path != "" {
			p.Files = append(p.Files, cfg.Rooted(path))
		}
	}
	if cfg.ResolvConf.Mode == resolvconf.ModeStub {
		p.Files = append(p.Files, cfg.Rooted(cfg.ResolvConf.Path))
	}
	if cfg.Metrics.Listen.IsValid() {
		p.Metrics = cfg.Metrics.Listen.String()
	}
	return p
}

func (p plan) print(w io.Writer) error {
	fmt.Fprintf(w, "The configuration is good. The daemon would use:\n\n")
	t := table{out: w}
	t.row("node ID", string(p.NodeID))
	t.row("addresses", p.addressText())
	t.row("listeners", orDash(strings.Join(p.Listeners, "\n")))
	t.row("domains", orDash(strings.Join(p.Domains, "\n")))
	t.row("curators", orDash(strings.Join(p.Curators, "\n")))
	t.row("upstreams", orDash(strings.Join(p.Upstreams, "\n")))
	t.row("files", orDash(strings.Join(p.Files, "\n")))
	if p.Hostname {
		t.row("hostname", string(p.NodeID))
	} else {
		t.row("hostname", "left as it is")
	}
	t.row("state", p.State)
	t.row("control", p.Control)
	t.row("metrics", orDash(p.Metrics))
	if len(p.Warnings) > 0 {
		t.row("warnings", strings.Join(p.Warnings, "\n"))
	}
	if err := t.flush(); err != nil || len(p.Settings) == 0 {
		return err
	}
	fmt.Fprintf(w, "\nThese keys are set:\n\n")
	t = table{out: w}
	for _, o := range p.Settings {
		t.row(o.Key, config.Origin(o).String())
	}
	return t.flush()
}

func (p plan) addressText() string {
	switch {
	case len(p.Addresses) > 0:
		return strings.Join(p.Addresses, "\n")
	case len(p.Interfaces) > 0:
		return "those of " + strings.Join(p.Interfaces, ", ")
	default:
		return "those of the default route's interface"
	}
}
