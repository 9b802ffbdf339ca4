package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

func newResolvConf() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resolvconf",
		Short: "Give resolv.conf back",
		Long: `With files.resolv_conf_mode = "stub" the daemon points /etc/resolv.conf at itself
while it answers.`,
		Example: `  nodedns resolvconf restore`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newResolvConfRestore())
	return cmd
}

func newResolvConfRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Make resolv.conf what it was before nodedns pointed it here",
		Long: `Restore puts the original of resolv.conf back that is kept in the state
directory. A resolv.conf that another program has written since is left as it is.

It is for a daemon that could not do so itself, because it was killed: the
service unit calls it. No daemon is needed, and restore may be repeated. A daemon
that runs with files.resolv_conf_mode = "stub" takes the file back.

With --json it is an array of objects with path, and done, what was done.`,
		Example: `  nodedns resolvconf restore`,
		Args:    cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := settings.load()
		if err != nil {
			// The daemon may have ended for that. What it has kept is put back
			// all the same.
			cfg = fallback(settings.loadPartial(), err, cmd.ErrOrStderr())
		}
		log := newLogger(cmd.ErrOrStderr(), config.LogText, slog.LevelWarn)
		done, err := resolvconf.Restore(resolvConfConfig(cfg, log))
		warnOfDaemon(cmd.Context(), cmd.ErrOrStderr(), cfg.Control.Socket)
		return printRestored(cmd.OutOrStdout(), restoredOf(done), *asJSON, err)
	}
	return cmd
}

// fallback uses the valid part of a configuration that is wrong. Only the
// records of originals matter then: a resolv.conf without one may have its
// record in a state directory that is unknown.
func fallback(understood config.Config, wrong error, stderr io.Writer) config.Config {
	fmt.Fprintf(stderr, "nodedns: the configuration is wrong, going on with the state directory %s: %v\n", understood.StateDir, wrong)
	understood.ResolvConf.Path = ""
	return understood
}

// resolvConfConfig is what a configuration means for resolv.conf.
func resolvConfConfig(cfg config.Config, log *slog.Logger) resolvconf.Config {
	service := serviceConfig(cfg, "", log)
	return resolvconf.Config{Settings: service.ResolvConf, Root: cfg.Files.Root, StateDir: cfg.StateDir, Logger: log}
}

// warnOfDaemon warns if a running daemon will undo the work.
func warnOfDaemon(ctx context.Context, stderr io.Writer, socket string) {
	status, err := control.NewClient(socket).Status(ctx)
	if err == nil && status.ResolvConf != nil && status.ResolvConf.Mode == resolvconf.ModeStub {
		fmt.Fprintln(stderr, `nodedns: a daemon runs and takes resolv.conf back; stop it, or set files.resolv_conf_mode = "off" and reload it`)
	}
}

func restoredOf(done []resolvconf.Restored) []restored {
	list := make([]restored, len(done))
	for i, r := range done {
		list[i] = restored(r)
	}
	return list
}
