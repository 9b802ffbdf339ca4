package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/netlink"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

func newRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Put back the files and the hostname that the daemon replaced",
		Long: `Restore undoes what the daemon has done to this machine: the originals that are
kept in the state directory, of machine-id, the hostname, resolv.conf and a hosts
file in mode "own", are put back, and the block of nodedns leaves /etc/hosts. All
other lines of it stay.

The daemon must have been stopped, or it would write again. Restore may be
repeated: what failed is tried again, and what is restored stays so.

With --json it is an array of objects with path, and done, what was done.`,
		Example: `  systemctl stop nodedns && nodedns restore`,
		Args:    cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := settings.load()
		if err != nil {
			return err
		}
		if err := refuseWhileRunning(cmd.Context(), cfg.Control.Socket); err != nil {
			return err
		}
		log := newLogger(cmd.ErrOrStderr(), config.LogText, slog.LevelWarn)
		conf, errConf := resolvconf.Restore(resolvConfConfig(cfg, log))
		files, errFiles := hostsfile.Restore(filesConfig(cfg, formerID(cfg, log), log))
		done := restoredOf(conf)
		for _, f := range files {
			done = append(done, restored(f))
		}
		return printRestored(cmd.OutOrStdout(), done, *asJSON, errors.Join(errConf, errFiles))
	}
	return cmd
}

// formerID is this node's name or, when that is lost, nothing: what was done to
// the machine can be undone without.
func formerID(cfg config.Config, log *slog.Logger) zone.ID {
	id, err := identify(cfg)
	if err != nil {
		log.Warn("restoring without a node ID", "error", err)
	}
	return id
}

// refuseWhileRunning returns an error unless it is certain that no daemon
// serves the socket.
func refuseWhileRunning(ctx context.Context, socket string) error {
	_, err := control.NewClient(socket).Status(ctx)
	switch {
	case errors.Is(err, control.ErrNotRunning):
		return nil
	case err != nil:
		return fmt.Errorf("find out whether the daemon runs: %w", err)
	default:
		return fmt.Errorf("a daemon runs, and would write again: stop it first (it serves %s; "+
			"where it keeps other files, name the socket of the daemon that kept these with --control)", socket)
	}
}

// filesConfig is what a configuration means for the files.
func filesConfig(cfg config.Config, id zone.ID, log *slog.Logger) hostsfile.Config {
	return hostsfile.Config{
		Settings: cfg.Files, ID: id, Prefix: *cfg.Prefix, Canonical: cfg.DNS.Canonical(), StateDir: cfg.StateDir,
		IPv6Loopback: netlink.HasIPv6Loopback, Logger: log,
	}
}

// restored is one thing that was undone.
type restored struct {
	Path string `json:"path"`
	Done string `json:"done"`
}

// printRestored prints what was restored, and returns what failed.
func printRestored(w io.Writer, done []restored, asJSON bool, failed error) error {
	switch {
	case asJSON:
		return errors.Join(failed, printJSON(w, done))
	case len(done) == 0 && failed != nil:
		return failed // there was something
	case len(done) == 0:
		_, err := fmt.Fprintln(w, "There was nothing to put back.")
		return err
	}
	t := table{out: w}
	for _, r := range done {
		t.row(r.Path, r.Done)
	}
	return errors.Join(failed, t.flush())
}
