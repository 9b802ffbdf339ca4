package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

func newCurator() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "curator",
		Short: "Decide which nodes may speak for the cluster",
		Long: `The daemon accepts these curators only: those pinned in
curator.endpoints, the consensus members of the last backlog that it accepted, and
the leader that one of these names. "nodedns status" lists them. Where the control
plane was replaced while this machine was off, none of these is left, and an
operator decides.`,
		Example: `  nodedns curator trust metropolis-0123456789abcdef0123456789abcdef
  nodedns curator reset`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCuratorTrust(), newCuratorReset())
	return cmd
}

func newCuratorTrust() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust NODE-ID",
		Short: "Let a node speak for the cluster",
		Long: `Trust lets a node speak for the cluster, and has the curators contacted again. It
is remembered across restarts. It takes a whole ID: a node that pretends to be
another can have that one's name, or an ID that begins alike. Make sure that the node is a curator of your
cluster: what it reports of other nodes is answered.

Trust is for root, and for the user that the daemon runs as. With --json: trusted,
the node's ID.`,
		Example: `  nodedns curator trust metropolis-0123456789abcdef0123456789abcdef`,
		Args:    cobra.ExactArgs(1),
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		done, err := client.TrustCurator(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return printCuratorChange(cmd.OutOrStdout(), done, *asJSON)
	}
	return cmd
}

func newCuratorReset() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Forget which nodes may speak for the cluster",
		Long: `Reset forgets the consensus members of the last backlog and the nodes trusted by
hand, and has the curators contacted again as for the first time: of endpoints
without a node ID any node of the cluster is believed that answers there. The
nodes of the zone stay.

Reset is for root, and for the user that the daemon runs as. With --json: reset,
true.`,
		Example: `  nodedns curator reset`,
		Args:    cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		done, err := client.ResetCurators(cmd.Context())
		if err != nil {
			return err
		}
		return printCuratorChange(cmd.OutOrStdout(), done, *asJSON)
	}
	return cmd
}

func printCuratorChange(w io.Writer, done control.CuratorChange, asJSON bool) error {
	text := fmt.Sprintf("%s may speak for the cluster; the curators are contacted again", done.Trusted)
	switch {
	case asJSON:
		return printJSON(w, done)
	case done.Reset:
		text = "forgotten; the next contact is as the first one"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
