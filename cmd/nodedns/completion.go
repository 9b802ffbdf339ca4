package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

// completionTimeout is how long the daemon may take. The user waits at the
// prompt.
const completionTimeout = time.Second

// commonTypes are the record types that are offered. Others can be queried.
var commonTypes = []string{
	"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT",
}

// completeNames offers the IDs and names of the daemon's nodes for the first argument of
// a command, and for the others what is given for them. Without a daemon there
// is nothing to offer, and nothing is printed: the user is in the middle of a
// line.
func (s *settings) completeNames(others ...[]string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return s.nodeNames(cmd.Context(), typed)
		case len(args) <= len(others):
			return matching(others[len(args)-1], typed), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// nodeNames are the IDs and names of nodes that begin with what was typed, or
// how many of them go on.
func (s *settings) nodeNames(ctx context.Context, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	found, err := s.locate()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	completions, err := control.NewClient(found.socket).Complete(ctx, typed)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, c := range completions.Words {
		names = append(names, cobra.CompletionWithDesc(c.Word, c.Description))
	}
	if completions.Partial {
		return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// matching are the words that begin with what was typed.
func matching(words []string, typed string) (fit []cobra.Completion) {
	for _, word := range words {
		if strings.HasPrefix(word, typed) {
			fit = append(fit, word)
		}
	}
	return fit
}

// completeFlag offers words for the value of a flag that takes one or, separated
// by commas, several of them.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	_, several := cmd.Flag(flag).Value.(pflag.SliceValue)
	// The error is that there is no such flag, and then the line above fails.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := ""
		if comma := strings.LastIndexByte(typed, ','); several && comma >= 0 {
			before, typed = typed[:comma+1], typed[comma+1:]
		}
		fit := matching(words, typed)
		for i := range fit {
			fit[i] = before + fit[i]
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	})
}

// completeFiles offers file names for the flags that take one, and for no other
// argument without completions: by default shells do it everywhere.
func completeFiles(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	for _, cmd := range root.Commands() {
		completePaths(cmd)
		completeFiles(cmd)
	}
}

// completePaths does so for the flags that a command has. It may be called again,
// for those that came later.
func completePaths(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		directive := cobra.ShellCompDirectiveDefault
		switch what, _ := pflag.UnquoteUsage(f); what {
		case "DIRECTORY":
			directive = cobra.ShellCompDirectiveFilterDirs
		case "FILE", "SOCKET":
		default:
			return
		}
		// The error is that there is no such flag, or that it has been done.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(nil, directive))
	})
}

// completeKeys offers what the keys of the configuration can have, where these
// are a few words.
func completeKeys(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if words := config.Choices(f.Name); words != nil {
			completeFlag(cmd, f.Name, words...)
		}
	})
}
