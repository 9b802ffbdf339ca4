package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/inspect"
)

func newQuery() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "query NAME [TYPE]",
		Short: "Resolve a name as the daemon does",
		Long: `Query asks the daemon what a name resolves to, and where the answer comes from:
the node and its source, the line of the hosts file, the upstream and the
route to it, or the cache. It is decided exactly as for a query over DNS.

TYPE is a record type such as A, AAAA or TXT. Without one, a name is asked for
its IPv4 and IPv6 addresses, and an address for the name of its node. The search
list is not used: see "nodedns explain" for what a program would find.

A NAME without a dot that means nothing as it stands may be the beginning of a
node's ID: four of its hex digits or more, with the prefix or without it. The
node is named on stderr, and where there are several these are listed instead.

With --json it is one object, whose keys docs/resolution.md lists. Without TYPE
its records are those of both families, and "answers" has both answers.

It fails when there is no such record, as when the name cannot be resolved.`,
		Example: `  nodedns query metropolis-0123456789abcdef0123456789abcdef
  nodedns query metropolis-0123456789abcdef0123456789abcdef TXT
  nodedns query web-2
  nodedns query 0123
  nodedns query 10.1.2.3
  nodedns query --json example.com AAAA`,
		Args: cobra.RangeArgs(1, 2),
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.ValidArgsFunction = settings.completeNames(commonTypes)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		answers, err := ask(cmd.Context(), client, args)
		if err == nil && isUnknown(answers) {
			answers, err = askAbbreviated(cmd, client, args, answers)
		}
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(cmd.OutOrStdout(), combine(answers))
		} else {
			err = printAnswers(cmd.OutOrStdout(), isColourful(cmd.OutOrStdout()), args[0], answers, time.Now())
		}
		return cmp.Or(err, unresolved(answers))
	}
	return cmd
}

// ask sends the queries of the command line to the daemon, concurrently.
func ask(ctx context.Context, client *control.Client, args []string) ([]inspect.Answer, error) {
	name, types := questionOf(args)
	answers := make([]inspect.Answer, len(types))
	group, ctx := errgroup.WithContext(ctx)
	for i, typ := range types {
		group.Go(func() (err error) {
			answers[i], err = client.Query(ctx, name, typ)
			return err
		})
	}
	return answers, group.Wait()
}

// askAbbreviated asks for the node that the name of the command line is the
// beginning of. If it is none, the answers to the name as it stands are it.
func askAbbreviated(cmd *cobra.Command, client *control.Client, args []string, asItStands []inspect.Answer) ([]inspect.Answer, error) {
	id, err := abbreviated(cmd.Context(), client, args[0], cmd.ErrOrStderr())
	if err != nil || id == "" {
		return asItStands, err
	}
	return ask(cmd.Context(), client, append([]string{id}, args[1:]...))
}

// questionOf returns the name and the types that a command line asks for.
func questionOf(args []string) (name string, types []string) {
	if len(args) > 1 {
		return args[0], args[1:]
	}
	if reverse, ok := reverseName(args[0]); ok {
		return reverse, []string{"PTR"}
	}
	return args[0], []string{"A", "AAAA"}
}

// combined is the answer to one or several questions on a name, as one.
type combined struct {
	inspect.Answer
	Answers []inspect.Answer `json:"answers,omitempty"` // if there are several
}

// combine makes one answer of several: the first that has records, or the first,
// with what all of them have.
func combine(answers []inspect.Answer) combined {
	if len(answers) == 1 {
		return combined{Answer: answers[0]}
	}
	c := combined{Answer: answers[mostInformative(answers)], Answers: answers}
	var types []string
	c.Records, c.Duration = []inspect.Record{}, 0
	for _, a := range answers {
		types = append(types, a.Type)
		c.Records = append(c.Records, a.Records...)
		c.Duration = max(c.Duration, a.Duration)
	}
	c.Type = strings.Join(types, ",")
	return c
}

// mostInformative is the index of the answer with the most information.
func mostInformative(answers []inspect.Answer) int {
	return max(0, slices.IndexFunc(answers, func(a inspect.Answer) bool { return len(a.Records) > 0 }))
}
