package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/verify"
	"github.com/nodedns/nodedns/zone"
)

func newVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that every way to find a name agrees with the zone",
		Long: `Verify compares the zone with what programs on this machine get: over DNS at each
listener, via UDP and TCP, on the varlink socket, and from the hosts file,
machine-id, the hostname and resolv.conf. What a check finds is "equal",
"differs", "failed" where it could not be compared, or "off" where the
configuration turns it off. It fails if anything differs or failed.

Over DNS this machine, the consensus members (100 at most) and 100 nodes from all
over the zone are asked for, each for A and AAAA, and its addresses for their
names; with --all every node, at most 5000 questions a second. The hosts file is
compared whole. What changes meanwhile is compared again, so that a zone that
moves is no difference; a file that is wrong takes four seconds to be called so.

With --json: node_id, serial, nodes and asked (numbers), equal (true or false),
and checks, an array of objects with check, result, detail, count, and the first
20 differences (name, want and got).`,
		Example: `  nodedns verify
  nodedns verify --all
  nodedns verify --json || echo "this node is not as it should be"`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	all := cmd.Flags().Bool("all", false, "ask for every node, instead of a sample")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := settings.load()
		if err != nil {
			return err
		}
		client := control.NewClient(cfg.Control.Socket)
		status, err := client.Status(cmd.Context())
		if err != nil {
			return err
		}
		log := slog.New(slog.DiscardHandler)
		report, err := verify.Run(cmd.Context(), verify.Config{
			Daemon:     client,
			All:        *all,
			Files:      filesConfig(cfg, zone.ID(status.NodeID), log),
			ResolvConf: resolvConfConfig(cfg, log).Location(),
			Varlink:    cfg.VarlinkSocket,
		})
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(cmd.OutOrStdout(), report)
		} else {
			err = printReport(cmd.OutOrStdout(), report)
		}
		if n := report.Unequal(); n > 0 {
			err = errors.Join(err, fmt.Errorf("%d of %d checks differ from the zone", n, len(report.Checks)))
		}
		return err
	}
	return cmd
}

func printReport(w io.Writer, r verify.Report) error {
	t := table{out: w, colour: isColourful(w)}
	t.row("CHECK", "RESULT", "DETAIL")
	for _, c := range r.Checks {
		t.row(c.Name, standing(string(c.Result)), c.Detail)
	}
	if err := t.flush(); err != nil {
		return err
	}
	t = table{out: w}
	for _, c := range r.Checks {
		if c.Count == 0 {
			continue
		}
		if len(t.rows) == 0 {
			t.row("\nNAME", "\nWANT", "\nGOT")
		}
		for _, d := range c.Differences {
			t.row(d.Name, orDash(d.Want), orDash(d.Got))
		}
		if more := c.Count - len(c.Differences); more > 0 {
			t.row(fmt.Sprintf("and %d more of %s", more, c.Name))
		}
	}
	return t.flush()
}
