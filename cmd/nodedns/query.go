package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver"
)

func newQuery() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "query NAME [TYPE]",
		Short: "Resolve a name as the daemon does",
		Long: `Query asks the daemon what a name resolves to, and where the answer comes from.
It is decided exactly as for a query by DNS.

TYPE is a record type such as A, AAAA or TXT. Without one, a name is asked for
its IPv4 addresses or, where it has none, for its IPv6 addresses; and an address
for the name of its node.

It fails when there is no such record, as when the name cannot be resolved.`,
		Example: `  nodedns query metropolis-0123456789abcdef0123456789abcdef
  nodedns query metropolis-0123456789abcdef0123456789abcdef AAAA
  nodedns query 10.1.2.3
  nodedns query --json example.com TXT`,
		Args: cobra.RangeArgs(1, 2),
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.ValidArgsFunction = settings.completeNames(commonTypes)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		answer, err := ask(cmd.Context(), client, args)
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(cmd.OutOrStdout(), answer)
		} else {
			err = printAnswer(cmd.OutOrStdout(), answer)
		}
		return cmp.Or(err, unresolved(answer))
	}
	return cmd
}

// ask puts the question of the command line to the daemon.
func ask(ctx context.Context, client *control.Client, args []string) (resolver.Answer, error) {
	name := args[0]
	if len(args) > 1 {
		return client.Query(ctx, name, args[1])
	}
	if reverse, ok := reverseName(name); ok {
		return client.Query(ctx, reverse, "PTR")
	}
	answer, err := client.Query(ctx, name, "A")
	if err != nil || answer.Rcode != "NOERROR" || len(answer.Records) > 0 {
		return answer, err
	}
	other, err := client.Query(ctx, name, "AAAA")
	if err != nil || len(other.Records) > 0 {
		return other, err
	}
	return answer, nil
}

func printAnswer(w io.Writer, a resolver.Answer) error {
	records := table{out: w}
	for _, r := range a.Records {
		records.row(r.Name, strconv.FormatUint(uint64(r.TTL), 10), r.Type, r.Data)
	}
	if err := records.flush(); err != nil {
		return err
	}
	if len(a.Records) > 0 {
		fmt.Fprintln(w)
	}
	t := table{out: w}
	t.row("question", a.Name+" "+a.Type)
	t.row("result", result(a))
	for _, e := range a.Errors {
		t.row("remark", remark(e))
	}
	t.row("source", orDash(a.Source)+reasonText(a.Reason))
	t.row("took", a.Duration.Round(time.Microsecond).String())
	return t.flush()
}

// result spells the response code. NODATA is none, and deserves a word.
func result(a resolver.Answer) string {
	text := a.Rcode
	if a.Rcode == "NOERROR" && len(a.Records) == 0 {
		text += ", no such record"
	}
	if a.Authoritative {
		text += ", authoritative"
	}
	return text
}

func reasonText(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// remark spells an extended error.
func remark(e resolver.ExtendedError) string {
	text := e.Meaning
	if text == "" {
		text = fmt.Sprintf("extended error %d", e.Code)
	}
	return text + reasonText(e.Text)
}

// unresolved is the error that the answer amounts to, or nil.
func unresolved(a resolver.Answer) error {
	name := strings.TrimSuffix(a.Name, ".")
	switch {
	case a.Rcode == "NXDOMAIN":
		return fmt.Errorf("%s does not exist (NXDOMAIN)", name)
	case a.Rcode != "NOERROR":
		return fmt.Errorf("%s cannot be resolved (%s)", name, a.Rcode)
	case len(a.Records) == 0:
		return fmt.Errorf("%s has no %s record", name, a.Type)
	default:
		return nil
	}
}
