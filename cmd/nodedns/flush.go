package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

func newFlush() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flush [NAME]",
		Short: "Forget other servers' answers",
		Long: `Flush empties the cache: what other servers answered is asked anew. With NAME
only the answers to questions for that name go, of all types; those for names
below it stay, and so do those for other names that lead to it by an alias. An
address stands for its reverse name.

What the zone and the hosts file say is not in the cache. Flush is for root, and
for the user that the daemon runs as. With --json: flushed, the number of answers.`,
		Example: `  nodedns flush
  nodedns flush www.example.org
  nodedns flush --json`,
		Args: cobra.MaximumNArgs(1),
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		flushed, err := flush(cmd, client, args)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), flushed)
		}
		return printFlushed(cmd.OutOrStdout(), flushed)
	}
	return cmd
}

func flush(cmd *cobra.Command, client *control.Client, args []string) (control.Flushed, error) {
	if len(args) == 0 {
		return client.Flush(cmd.Context())
	}
	name := args[0]
	if reverse, ok := reverseName(name); ok {
		name = reverse
	}
	return client.FlushName(cmd.Context(), name)
}

func printFlushed(w io.Writer, f control.Flushed) error {
	text := fmt.Sprintf("%d answers forgotten", f.Answers)
	switch f.Answers {
	case 0:
		text = "nothing to forget"
	case 1:
		text = "1 answer forgotten"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
