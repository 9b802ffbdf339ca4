//go:build man

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
)

// addMan adds the command that writes the manual. It is built in by the tag
// "man" alone: what turns text into pages is no part of a daemon.
func addMan(root *cobra.Command) {
	root.AddCommand(&cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write the manual pages",
		Long: `Man writes a page of section 1 for each command into a directory, and one of
section 5 for the configuration. Their date is that of SOURCE_DATE_EPOCH, in
seconds since 1970.`,
		Example: "  SOURCE_DATE_EPOCH=0 nodedns man ./man",
		Args:    cobra.ExactArgs(1),
		Hidden:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := writeCommandPages(cmd.Root(), args[0]); err != nil {
				return fmt.Errorf("write the pages of the commands: %w", err)
			}
			return writeConfigurationPage(args[0])
		},
	})
}

func writeCommandPages(root *cobra.Command, dir string) error {
	// The line with a date would be of now.
	root.DisableAutoGenTag = true
	hideFromManual(root)
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "nodedns", Manual: "nodedns"}, dir)
}

// hideFromManual leaves out what the help leaves out, and the scripts that the
// package brings along.
func hideFromManual(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = f.Hidden || isKey(f) })
	for _, c := range cmd.Commands() {
		c.Hidden = c.Hidden || cmd.Name() == "completion"
		hideFromManual(c)
	}
}

// writeConfigurationPage makes nodedns.toml(5) of the table of keys.
func writeConfigurationPage(dir string) error {
	var page bytes.Buffer
	fmt.Fprintf(&page, "%% \"NODEDNS.TOML\" \"5\" \"\" \"nodedns\" \"nodedns\"\n"+
		"# NAME\nnodedns.toml - the configuration of nodedns\n\n"+
		"# DESCRIPTION\nThe configuration is a TOML file, **%s** unless **--config** names another. "+
		"Every key is optional; unknown keys and wrong values are refused with their line. "+
		"**nodedns check** reports what is wrong with a configuration, and SIGHUP loads it again.\n\n"+
		"Each key is also a flag of **nodedns run**, **--section.key**, which overrides the file.\n", config.DefaultPath)
	keys := pflag.NewFlagSet("keys", pflag.ContinueOnError)
	keys.SortFlags = false // the order of the table
	config.RegisterFlags(keys)
	section := ""
	keys.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		within, key, _ := strings.Cut(f.Name, ".")
		if within != section {
			section = within
			fmt.Fprintf(&page, "\n# [%s]\n", section)
		}
		writeKey(&page, f, key)
	})
	fmt.Fprint(&page, "\n# ROUTES\nSplit DNS has tables of its own, **[[upstream.route]]**, each with **domains** and **servers**.\n"+
		"\n# FILES\n**/usr/share/doc/nodedns/examples/nodedns.toml** explains every key.\n\n"+
		"# SEE ALSO\n**nodedns-check(1)**, **nodedns-run(1)**\n")
	path := filepath.Join(dir, "nodedns.toml.5")
	if err := os.WriteFile(path, md2man.Render(page.Bytes()), 0o644); err != nil {
		return fmt.Errorf("write the page of the configuration: %w", err)
	}
	return nil
}

func writeKey(page *bytes.Buffer, f *pflag.Flag, key string) {
	value, usage := pflag.UnquoteUsage(f)
	if f.Value.Type() == "bool" {
		value = "true|false"
	}
	fmt.Fprintf(page, "\n**%s** = *%s*\n: %s", key, value, usage)
	if f.DefValue != "" {
		fmt.Fprintf(page, ". Default: %s", f.DefValue)
	}
	fmt.Fprintln(page)
}
