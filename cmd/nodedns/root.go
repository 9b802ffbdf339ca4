package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The groups of the commands in the help.
const (
	groupDaemon = "daemon"
	groupAsk    = "ask"
)

// helpWidth is how long the lines about flags are at most.
const helpWidth = 90

// newRoot makes the commands. Those that are named here get the flags of the keys;
// the command line names the one that it is for. What started points to becomes
// true as soon as the command line is understood.
func newRoot(named ...string) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:   "nodedns",
		Short: "The names of a cluster's nodes, on each of them, whatever happens",
		Long: `nodedns keeps this machine able to resolve its own name and the names of all
other nodes of its cluster, whatever state the machine, the network or the
cluster is in. It answers DNS on 127.0.0.53, and keeps /etc/hosts up to date for
when no DNS answers.

See it work, without touching this machine: nodedns try`,
		Example: `  nodedns try           a cluster in a scratch directory, to play with
  nodedns init          make this node's key, from which its name follows
  nodedns run           the daemon
  nodedns status        how the daemon is doing`,
		// Errors are printed by execute, once, and without the whole help.
		SilenceErrors:    true,
		SilenceUsage:     true,
		PersistentPreRun: func(*cobra.Command, []string) { *started = true },
	}
	root.AddGroup(
		&cobra.Group{ID: groupDaemon, Title: "The daemon:"},
		&cobra.Group{ID: groupAsk, Title: "Asking it:"},
	)
	addGroup(root, groupDaemon, newRun(), newInit(), newCheck(), newReload(), newEnable(), newDisable(), newRestore(), newResolvConf(), newTry())
	addGroup(root, groupAsk, newStatus(), newNodes(), newQuery(), newExplain(), newMonitor(), newFlush(), newCurator(), newVerify(), newDoctor())
	root.AddCommand(newVersion(), newConfigurationTopic())
	addMan(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	showKeysApart(root)
	completeFiles(root)
	addKeys(root, named)
	// The usual template, with the flags wrapped.
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", helpWidth)))
	return root, started
}

func addGroup(root *cobra.Command, id string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = id
		root.AddCommand(cmd)
	}
}
