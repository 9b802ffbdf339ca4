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

const (
	// maxCompletions is how many names are offered. A person does not read more.
	maxCompletions = 100
	// completionTimeout is how long the daemon may take. The user waits at the
	// prompt.
	completionTimeout = time.Second
	// idDigits is how many hex digits a node ID ends with.
	idDigits = 32
)

// commonTypes are the record types that are offered. Others can be queried.
var commonTypes = []string{
	"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT",
}

// completeNames offers the IDs of the daemon's nodes for the first argument of
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

// nodeNames are the IDs of nodes that begin with what was typed. Of too many the
// next digits are offered: the shell would take what the first of a list have in
// common for what all of them have.
func (s *settings) nodeNames(ctx context.Context, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	found, err := s.locate()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client := control.NewClient(found.socket)
	nodes := nodesWith(ctx, client, typed, maxCompletions+1)
	if len(nodes) > maxCompletions {
		return nextDigits(ctx, client, typed, nodes), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	var names []cobra.Completion
	for _, n := range nodes {
		names = append(names, cobra.CompletionWithDesc(n.ID, strings.Join(texts(n.Addresses), " ")))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// nextDigits are the beginnings of node IDs that are one digit longer than what
// was typed, or than the prefix. Some of the nodes that begin so are given.
func nextDigits(ctx context.Context, client *control.Client, typed string, some []control.Node) (beginnings []cobra.Completion) {
	begun := ""
	for _, n := range some {
		if !n.Local { // this machine may have any name
			begun = n.ID[:max(len(typed), len(n.ID)-idDigits)]
			break
		}
	}
	for _, digit := range "0123456789abcdef" {
		if next := begun + string(digit); len(nodesWith(ctx, client, next, 1)) > 0 {
			beginnings = append(beginnings, next)
		}
	}
	return beginnings
}

// nodesWith are so many nodes with a prefix, at most.
func nodesWith(ctx context.Context, client *control.Client, prefix string, limit int) (nodes []control.Node) {
	err := client.Nodes(ctx, control.Filter{Prefix: prefix, Limit: limit}, func(n control.Node) error {
		nodes = append(nodes, n)
		return nil
	})
	if err != nil {
		return nil
	}
	return nodes
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
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			directive := cobra.ShellCompDirectiveDefault
			switch what, _ := pflag.UnquoteUsage(f); what {
			case "DIRECTORY":
				directive = cobra.ShellCompDirectiveFilterDirs
			case "FILE", "SOCKET":
			default:
				return
			}
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(nil, directive)) // which is there
		})
		completeFiles(cmd)
	}
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
