package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/enable"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

func newDisable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disable",
		Short: "Undo what enable did, and put back what was there before",
		Long: `Disable undoes "nodedns enable": nsswitch.conf first, then the drop-in goes, the
daemon ends, and the originals of what it replaced are put back. Then the service
is what it was before. A file that another program has written since is left as
it is but for what was added.

It may be repeated, and completes what was interrupted. Where nothing is enabled
it does nothing. Without systemd the daemon has to be stopped before.

With --json it prints what enable does, and as restored the path of each file
or setting that was put back with what was done.`,
		Example: `  nodedns disable --dry-run
  nodedns disable --yes
  nodedns disable --only hostname`,
		Args: cobra.NoArgs,
	}
	s := addOptions(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.settings.load()
		if err != nil {
			// What was enabled must be undone whatever has become of the
			// configuration since.
			cfg = fallback(s.settings.loadPartial(), err, cmd.ErrOrStderr())
		}
		m, features, err := s.machine(cmd, cfg, "")
		if err != nil {
			return err
		}
		p, err := m.PlanDisable(cmd.Context(), features)
		if err != nil {
			return err
		}
		return s.apply(cmd, p, "Disabled.", func(ctx context.Context) ([]enable.Restored, error) {
			return m.Disable(ctx, p)
		})
	}
	return cmd
}

// restoreOriginals restores the originals through the packages that keep them.
func restoreOriginals(cfg config.Config, resolvConf, files bool, log *slog.Logger) (done []enable.Restored, err error) {
	var failed []error
	if resolvConf {
		restored, err := resolvconf.Restore(resolvConfConfig(cfg, log))
		failed = append(failed, err)
		for _, r := range restored {
			done = append(done, enable.Restored(r))
		}
	}
	if files {
		restored, err := hostsfile.Restore(filesConfig(cfg, formerID(cfg, log), log))
		failed = append(failed, err)
		for _, r := range restored {
			done = append(done, enable.Restored(r))
		}
	}
	return done, errors.Join(failed...)
}
