package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/enable"
	"github.com/nodedns/nodedns/zone"
)

// options are the flags of enable and disable.
type options struct {
	settings                     *settings
	only                         []string
	yes, dryRun, noStart, asJSON bool
}

func addOptions(cmd *cobra.Command) *options {
	s := &options{settings: addSettings(cmd).addControl()}
	flags := cmd.Flags()
	flags.StringSliceVar(&s.only, "only", nil, "only these `FEATURES` of hosts, machine-id, hostname, resolv-conf and nsswitch")
	flags.BoolVar(&s.yes, "yes", false, "do not ask")
	flags.BoolVar(&s.dryRun, "dry-run", false, "show the plan and do nothing")
	flags.BoolVar(&s.noStart, "no-start", false, "leave the service manager alone")
	flags.BoolVar(&s.asJSON, "json", false, "print JSON, for programs")
	return s
}

// machine is the one of the flags, with the features that they name: nil for none.
func (s *options) machine(cmd *cobra.Command, cfg config.Config, id zone.ID) (*enable.Manager, []enable.Feature, error) {
	features, err := enable.ParseFeatures(s.only)
	if err != nil {
		return nil, nil, &usageError{fmt.Errorf("flag --only: %w", err)}
	}
	origins, err := config.Origins(s.settings.named(), s.settings.overrides)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	log := newLogger(cmd.ErrOrStderr(), config.LogText, slog.LevelWarn)
	return &enable.Manager{
		File: s.settings.named(), Config: cfg, Origins: origins, ID: id,
		Status: control.NewClient(cfg.Control.Socket).Status,
		Restore: func(cfg config.Config, resolvConf, files bool) ([]enable.Restored, error) {
			return restoreOriginals(cfg, resolvConf, files, log)
		},
		NoStart: s.noStart,
		Logger:  log,
	}, features, nil
}

// errUnconfirmed is for a plan where there is no terminal to confirm it on.
var errUnconfirmed = errors.New("no terminal to ask for confirmation on; add --yes")

// apply shows a plan, asks for confirmation, and executes it.
func (s *options) apply(cmd *cobra.Command, p enable.Plan, done string, do func(context.Context) ([]enable.Restored, error)) error {
	if !s.asJSON {
		if err := printChanges(cmd.OutOrStdout(), p); err != nil {
			return err
		}
	}
	result := result{Plan: p, Restored: []restored{}}
	err := s.confirm(cmd, p)
	if err == nil && p.Changes() && !s.dryRun {
		ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM)
		defer stop()
		var put []enable.Restored
		put, err = do(ctx)
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

// confirm returns nil if the plan may be executed.
func (s *options) confirm(cmd *cobra.Command, p enable.Plan) error {
	switch {
	case s.dryRun || !p.Changes():
		return nil
	case p.Obstacle != "":
		return errors.New(p.Obstacle)
	case s.yes:
		return nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if s.asJSON || !ok || !isTerminal(in) { // a program reads JSON, and has been shown no plan yet
		return errUnconfirmed
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

// result is the outcome of a plan.
type result struct {
	enable.Plan
	Done     bool       `json:"done"`
	Restored []restored `json:"restored"`
}

func (s result) print(w io.Writer, done string) error {
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

// printChanges shows a plan.
func printChanges(w io.Writer, p enable.Plan) error {
	if p.Obstacle != "" {
		fmt.Fprintf(w, "The daemon cannot do its work: %s\n\n", shown(p.Obstacle, false))
	}
	if len(p.Rows) == 0 {
		_, err := fmt.Fprintln(w, "Nothing is enabled.")
		return err
	}
	t := table{out: w}
	t.row("FEATURE", "FILE", "NOW", "BECOMES")
	for _, r := range p.Rows {
		becomes := r.Becomes
		if r.Note != "" {
			becomes += "\n(" + r.Note + ")"
		}
		t.row(string(r.Feature), orDash(r.Path), r.Now, becomes)
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
