package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/fdstore"
	"github.com/nodedns/nodedns/resolver/listen"
)

func newRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: `Run answers DNS, follows the cluster and keeps the files, until SIGTERM or SIGINT
ends it. It needs no address, no cluster and no credentials to start: it follows
what comes and goes.

It writes /etc/hosts, /etc/machine-id and the hostname, unless the configuration
says otherwise; "nodedns restore" puts back what was there before. "nodedns
reload" has it load the configuration again, and so does SIGHUP.`,
		Example: `  nodedns run
  nodedns run --config ./nodedns.toml --log.level debug`,
		Args: cobra.NoArgs,
	}
	settings := addSettings(cmd).addControl()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		// From the first moment on, since SIGHUP would end the process.
		reloads := make(chan os.Signal, 1)
		signal.Notify(reloads, unix.SIGHUP)
		defer signal.Stop(reloads)
		ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGTERM, unix.SIGINT)
		defer stop()
		// A log whose reader is gone must not end the daemon.
		signal.Ignore(unix.SIGPIPE)
		// A second signal stops at once.
		context.AfterFunc(ctx, stop)
		defer paceCollector(memlimit.FromCgroup)()

		kept := fdstore.New()
		var store listen.Store // nil: nothing would be kept
		if kept.IsUseful() {
			store = kept
		}
		d, err := startDaemon(ctx, settings.load, cmd.ErrOrStderr(), store)
		switch {
		case errors.Is(err, context.Canceled):
			return nil // it was stopped before it had started
		case err == nil:
			err = d.run(ctx, reloads)
		}
		if err != nil {
			return errors.Join(err, kept.Abandon())
		}
		if err := kept.Settle(); err != nil {
			d.log.Warn("the next process may not get what this one has kept", "error", err)
		}
		return nil
	}
	return cmd
}

// startDaemon is newDaemon, unless ctx ends first: the file system that has the
// configuration or the node's key may hang, and the daemon does nothing yet.
func startDaemon(ctx context.Context, load func() (config.Config, error), stderr io.Writer, kept listen.Store) (*daemon, error) {
	type result struct {
		d   *daemon
		err error
	}
	made := make(chan result, 1)
	go func() {
		d, err := newDaemon(load, stderr, kept)
		made <- result{d, err}
	}()
	select {
	case r := <-made:
		return r.d, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
