package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

func newReload() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the daemon load its configuration again",
		Long: `Reload asks the daemon to read its configuration files again, with the flags that
it was started with, and to take over what can be changed while it runs. What takes
a restart stays as it is, and is listed. This is what "systemctl reload nodedns"
does; SIGHUP does the same without an answer.

It fails with the daemon's reason when the configuration is refused: then nothing
changes, and "nodedns status" shows the reason until a reload succeeds. Reload is
for root, and for the user that the daemon runs as.

With --json: changed and restart, the keys that were taken over and those that
take a restart, and warnings.`,
		Example: `  nodedns check && nodedns reload
  nodedns reload --json`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		// Without the warning of settings.client: the daemon, which reads the
		// files anyway, reports what is wrong with them.
		found, err := settings.locate()
		if err != nil {
			return err
		}
		reloaded, err := control.NewClient(found.socket).Reload(cmd.Context())
		if err != nil {
			return fmt.Errorf("not reloaded: %w", err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), reloaded)
		}
		return printReloaded(cmd.OutOrStdout(), reloaded)
	}
	return cmd
}

func printReloaded(w io.Writer, r control.Reloaded) error {
	t := table{out: w}
	t.row("changed", orDash(strings.Join(r.Changed, "\n")))
	if len(r.Restart) > 0 {
		t.row("takes a restart", strings.Join(r.Restart, "\n"))
	}
	if len(r.Warnings) > 0 {
		t.row("warnings", strings.Join(r.Warnings, "\n"))
	}
	return t.flush()
}
