package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/enable"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

func newEnable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enable",
		Short: "Have the daemon keep this machine's files, hostname and resolv.conf",
		Long: `Enable switches on what the packaged configuration leaves off: the block in
/etc/hosts, machine-id, the hostname, resolv.conf, and nsswitch.conf with the
socket of nss-resolve. It shows what it is going to do, and asks before it does.

What is on already stays whose it is. The rest is written to 50-enabled.toml in
the directory of drop-ins beside the configuration file, the daemon is started by
systemd, and once it answers for this machine's name, nsswitch.conf is edited. If
it does not answer, all of that is undone. Without systemd the daemon has to be
started anew by what runs it.

Enable may be repeated, and completes what was interrupted. "nodedns disable"
undoes it.`,
		Example: `  nodedns enable --dry-run
  nodedns enable --yes
  nodedns enable --only hosts,resolv-conf`,
		Args: cobra.NoArgs,
	}
	s := addSwitch(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.settings.load()
		if err != nil {
			return err
		}
		id, err := identify(cfg.Identity)
		if err != nil {
			return err
		}
		m, things, err := s.machine(cmd, cfg, id)
		if err != nil {
			return err
		}
		p, err := m.PlanEnable(cmd.Context(), things)
		if err != nil {
			return err
		}
		return s.carryOut(cmd, p, "Enabled.", func(ctx context.Context) ([]enable.Restored, error) {
			return nil, m.Enable(ctx, p)
		})
	}
	return cmd
}

func newDisable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disable",
		Short: "Undo what enable did, and put back what was there before",
		Long: `Disable undoes "nodedns enable": nsswitch.conf first, then the drop-in goes, the
daemon ends, and the originals of what it replaced are put back. Then the service
is what it was before. A file that somebody else has written since is left as it
is but for what was added.

It may be repeated, and completes what was interrupted. Where nothing is enabled
it does nothing. Without systemd the daemon has to be stopped before.`,
		Example: `  nodedns disable --dry-run
  nodedns disable --yes
  nodedns disable --only hostname`,
		Args: cobra.NoArgs,
	}
	s := addSwitch(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.settings.load()
		if err != nil {
			// What was enabled must be undone whatever has become of the
			// configuration since.
			cfg = s.settings.understood()
			fmt.Fprintf(cmd.ErrOrStderr(), "nodedns: the configuration is wrong, going on with the state directory %s: %v\n", cfg.State.Dir, err)
		}
		m, things, err := s.machine(cmd, cfg, "")
		if err != nil {
			return err
		}
		p, err := m.PlanDisable(cmd.Context(), things)
		if err != nil {
			return err
		}
		return s.carryOut(cmd, p, "Disabled.", func(ctx context.Context) ([]enable.Restored, error) {
			return m.Disable(ctx, p)
		})
	}
	return cmd
}

// switching are the flags of enable and disable.
type switching struct {
	settings                     *settings
	only                         []string
	yes, dryRun, noStart, asJSON bool
}

func addSwitch(cmd *cobra.Command) *switching {
	s := &switching{settings: addSettings(cmd).addControl()}
	flags := cmd.Flags()
	flags.StringSliceVar(&s.only, "only", nil, "only these `THINGS` of hosts, machine-id, hostname, resolv-conf and nsswitch")
	flags.BoolVar(&s.yes, "yes", false, "do not ask")
	flags.BoolVar(&s.dryRun, "dry-run", false, "show the plan and do nothing")
	flags.BoolVar(&s.noStart, "no-start", false, "leave the service manager alone")
	flags.BoolVar(&s.asJSON, "json", false, "print JSON, for programs")
	return s
}

// machine is the one that is meant, with the things that are.
func (s *switching) machine(cmd *cobra.Command, cfg config.Config, id zone.ID) (*enable.Machine, []enable.Thing, error) {
	things, err := enable.ParseThings(s.only)
	if err != nil {
		return nil, nil, &wrong{fmt.Errorf("flag --only: %w", err)}
	}
	origins, err := config.Origins(s.settings.named(), s.settings.overrides)
	if err != nil {
		return nil, nil, &wrong{err}
	}
	log := newLogger(cmd.ErrOrStderr(), config.LogText, slog.LevelWarn)
	return &enable.Machine{
		File: s.settings.named(), Config: cfg, Origins: origins, ID: id,
		Status: control.NewClient(cfg.Control.Socket).Status,
		Restore: func(cfg config.Config, resolvConf, files bool) ([]enable.Restored, error) {
			return putBack(cfg, resolvConf, files, log)
		},
		NoStart: s.noStart,
		Logger:  log,
	}, things, nil
}

// putBack has the originals put back by those who kept them.
func putBack(cfg config.Config, resolvConf, files bool, log *slog.Logger) (done []enable.Restored, err error) {
	var failed []error
	if resolvConf {
		restored, err := resolvconf.Restore(resolvConfConfig(cfg, log))
		failed = append(failed, err)
		for _, r := range restored {
			done = append(done, enable.Restored(r))
		}
	}
	if files {
		id, err := identify(cfg.Identity)
		if err != nil {
			return done, errors.Join(append(failed, err)...)
		}
		restored, err := hostsfile.Restore(filesConfig(cfg, id, log))
		failed = append(failed, err)
		for _, r := range restored {
			done = append(done, enable.Restored(r))
		}
	}
	return done, errors.Join(failed...)
}

// errNotAsked says how to go on where nobody can be asked.
var errNotAsked = errors.New("nobody can be asked here whether to do this; add --yes")

// carryOut shows a plan, asks, and does what it says.
func (s *switching) carryOut(cmd *cobra.Command, p enable.Plan, done string, do func(context.Context) ([]enable.Restored, error)) error {
	if !s.asJSON {
		if err := printSwitch(cmd.OutOrStdout(), p); err != nil {
			return err
		}
	}
	result := switched{Plan: p, Restored: []restored{}}
	err := s.agree(cmd, p)
	if err == nil && p.Changes() && !s.dryRun {
		var put []enable.Restored
		put, err = do(cmd.Context())
		result.Done = err == nil
		for _, r := range put {
			result.Restored = append(result.Restored, restored(r))
		}
	}
	if s.asJSON {
		return errors.Join(err, printJSON(cmd.OutOrStdout(), result))
	}
	return errors.Join(err, result.print(cmd.OutOrStdout(), done))
}

// agree returns nil if the plan may be carried out.
func (s *switching) agree(cmd *cobra.Command, p enable.Plan) error {
	switch {
	case s.dryRun || !p.Changes():
		return nil
	case p.Obstacle != "":
		return errors.New(p.Obstacle)
	case s.yes:
		return nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(in) {
		return errNotAsked
	}
	fmt.Fprint(cmd.ErrOrStderr(), "\nDo this? [y/N] ")
	line, err := bufio.NewReader(in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err != nil || answer != "y" && answer != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// switched is what has become of a plan.
type switched struct {
	enable.Plan
	Done     bool       `json:"done"`
	Restored []restored `json:"restored"`
}

func (s switched) print(w io.Writer, done string) error {
	if !s.Done {
		return nil
	}
	fmt.Fprintln(w)
	if len(s.Restored) > 0 {
		t := table{out: w}
		for _, r := range s.Restored {
			t.row(r.Path, r.Done)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, done)
	return err
}

// printSwitch shows a plan.
func printSwitch(w io.Writer, p enable.Plan) error {
	if p.Obstacle != "" {
		fmt.Fprintf(w, "The daemon cannot do its work: %s\n\n", p.Obstacle)
	}
	if len(p.Rows) == 0 {
		_, err := fmt.Fprintln(w, "Nothing is enabled.")
		return err
	}
	t := table{out: w}
	t.row("THING", "FILE", "NOW", "BECOMES")
	for _, r := range p.Rows {
		becomes := r.Becomes
		if r.Note != "" {
			becomes += "\n(" + r.Note + ")"
		}
		t.row(string(r.Thing), orDash(r.Path), r.Now, becomes)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if !p.Changes() {
		_, err := fmt.Fprintln(w, "\nThere is nothing to do.")
		return err
	}
	return nil
}
