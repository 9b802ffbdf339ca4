package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is the build information of the program itself.
type build struct {
	Version string `json:"version"`
	// Revision of the source, where it was built from a repository.
	Revision string `json:"revision,omitempty"`
	// Modified is whether the source differed from that revision.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Revision = setting.Value
		case "vcs.modified":
			b.Modified = setting.Value == "true"
		}
	}
	return b
}

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Version prints which nodedns this is, and what built it. It touches nothing.

With --json: version, go, platform and, where it was built from a repository,
revision and modified (whether the source differed from that).`,
		Example: "  nodedns version\n  nodedns version --json",
		Args:    cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b := readBuild()
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), b)
		}
		t := table{out: cmd.OutOrStdout()}
		t.row("nodedns", b.Version)
		if b.Revision != "" {
			t.row("revision", b.Revision)
		}
		if b.Modified {
			t.row("modified", "yes, since that revision")
		}
		t.row("built by", fmt.Sprintf("%s for %s", b.Go, b.Platform))
		return t.flush()
	}
	return cmd
}
