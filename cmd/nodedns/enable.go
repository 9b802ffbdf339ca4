package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/enable"
)

func newEnable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enable",
		Short: "Have the daemon keep this machine's files, hostname and resolv.conf",
		Long: `Enable turns on what the packaged configuration leaves off: the block in
/etc/hosts, machine-id, the hostname, resolv.conf, and nsswitch.conf with the
socket of nss-resolve. It shows the plan, and asks before it carries it out.

What is on already is left alone. The rest is written to 50-enabled.toml in the
directory of drop-ins beside the configuration file, the daemon is started by
systemd, and once it answers for this machine's name, nsswitch.conf is edited. If
it does not answer, all of that is undone. Without systemd, restart the daemon
with what runs it.

The hostname becomes the node's ID where the machine has a cluster, which knows it
by that. Without curator.endpoints it is kept, unless --only names it: set
identity.node_id to its first label to have the node called so too. The plan says
which, and how to have the other.

Enable may be repeated, and completes what was interrupted. "nodedns disable"
undoes it.

With --json it prints drop_in and keys, what is in that file then; plan, with
feature, path, now, becomes, change and note for each feature and for the daemon;
obstacle, why nothing can be done, if there is one; and whether it is done. It
does not ask then: add --yes.`,
		Example: `  nodedns enable --dry-run
  nodedns enable --yes
  nodedns enable --only hosts,resolv-conf`,
		Args: cobra.NoArgs,
	}
	s := addOptions(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.settings.load()
		if err != nil {
			return err
		}
		id, err := identify(cfg)
		if err != nil {
			return err
		}
		m, features, err := s.machine(cmd, cfg, id)
		if err != nil {
			return err
		}
		p, err := m.PlanEnable(cmd.Context(), features)
		if err != nil {
			return err
		}
		return s.apply(cmd, p, "Enabled.", func(ctx context.Context) ([]enable.Restored, error) {
			return nil, m.Enable(ctx, p)
		})
	}
	return cmd
}
