package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// pace is the time between two things that happen in the sample cluster.
const pace = 4 * time.Second

func newTry() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Show it all at work, in a scratch directory",
		Long: `Try runs nodedns with a sample cluster whose nodes have names, join, move and leave,
and prints what to type in another terminal to look at it. It needs no rights and
no configuration, and leaves this machine alone: all files are in a scratch
directory, which is removed at the end. DNS is answered on 127.0.0.53, on a port
that every user may use.

With --nodes the nodes are those of a file of yours, in the format of /etc/hosts
(*.hosts) or JSON (*.json), or of a directory of such files, as nodes.files takes
them. It is followed: edit it, and what changes is printed. This machine has its
own hostname and addresses then.

The sample cluster is followed by gRPC over mutual TLS, as a curator of Metropolis
is.`,
		Example: `  nodedns try
  nodedns try --nodes ./nodes.hosts`,
		Args: cobra.NoArgs,
	}
	nodes := cmd.Flags().String("nodes", "", "serve the nodes of this `FILE` instead of sample nodes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("nodes") && *nodes == "" {
			return &usageError{errors.New("--nodes is empty: want a file")}
		}
		// A closed terminal or pipe ends it too, and leaves nothing behind.
		ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
		defer stop()
		return try(ctx, *nodes, cmd.OutOrStdout(), cmd.ErrOrStderr(), pace)
	}
	return cmd
}

// try runs a sandbox in a directory that lives as long as it, with the nodes of a
// file or, where none is named, of a sample cluster.
func try(ctx context.Context, nodes string, out, stderr io.Writer, pace time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "nodedns-try-")
	if err != nil {
		return fmt.Errorf("make a scratch directory: %w", err)
	}
	defer func() {
		if removal := os.RemoveAll(dir); removal != nil {
			err = errors.Join(err, fmt.Errorf("remove the scratch directory: %w", removal))
			return
		}
		fmt.Fprintf(out, "Ended; %s is removed.\n", dir)
	}()
	s, err := newSandbox(dir, nodes, out, stderr)
	if err != nil {
		return err
	}
	return s.run(ctx, pace)
}
