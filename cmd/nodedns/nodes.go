package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/zone"
)

func newNodes() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nodes [TEXT]",
		Short: "List the nodes that the daemon knows",
		Long: `Nodes lists the nodes of the zone, sorted by ID: this machine, those of the
cluster and of files, and those that have departed and are still answered. With
TEXT it lists those whose ID, one of whose names or one of whose addresses
contains it.

A name that other nodes claim too, and that the node does not have for that
reason, is marked as contested. SOURCE is where the addresses come from: local,
curator, files, or saved by an earlier run. The last column shows for how long the
node has had its addresses or, of one that has departed, how long ago that was.

With --json it is one array of objects with id, names, contested_names,
file_names (those of both that come from files, with an ID that is a name),
addresses, roles, state, source, local, departed, and since (null where nothing is
known yet).`,
		Example: `  nodedns nodes
  nodedns nodes web-
  nodedns nodes 10.1.2.
  nodedns nodes --role consensus-member
  nodedns nodes --departed --json`,
		Args: cobra.MaximumNArgs(1),
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.ValidArgsFunction = settings.completeNames()
	var filter control.Filter
	departed := cmd.Flags().Bool("departed", false, "only nodes that have departed; =false: only those that have not")
	cmd.Flags().StringVar(&filter.Role, "role", "",
		"only nodes with this `ROLE`: consensus-member, kubernetes-controller or kubernetes-worker")
	completeFlag(cmd, "role", (zone.ConsensusMember | zone.KubernetesController | zone.KubernetesWorker).Names()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("departed") {
			filter.Departed = departed
		}
		if filter.Role != "" {
			if _, err := zone.ParseRole(filter.Role); err != nil {
				return &usageError{err}
			}
		}
		filter.Text = strings.Join(args, "")
		client, err := settings.client()
		if err != nil {
			return err
		}
		out := bufio.NewWriter(cmd.OutOrStdout())
		var list nodeList = &nodeTable{table: table{out: out, colour: isColourful(cmd.OutOrStdout())}, now: time.Now()}
		if *asJSON {
			list = &nodeArray{out: out}
		}
		err = client.Nodes(cmd.Context(), filter, list.add)
		// What came before a failure is shown as well.
		return cmp.Or(err, list.end(err == nil), out.Flush())
	}
	return cmd
}

// nodeList prints nodes one by one. Its end gets whether all of them arrived.
type nodeList interface {
	add(control.Node) error
	end(complete bool) error
}

// nodeTable is for people.
type nodeTable struct {
	table
	now   time.Time
	begun bool
}

// begin names the columns, once it is certain that there is a list.
func (t *nodeTable) begin() {
	if !t.begun {
		t.begun = true
		t.row("NODE", "NAMES", "ADDRESSES", "ROLES", "STATE", "SOURCE", "SINCE")
	}
}

func (t *nodeTable) add(n control.Node) error {
	t.begin()
	since := age(n.Since, t.now)
	if n.Departed {
		since = standing("departed") + " " + since + " ago"
	}
	names := slices.Clone(n.Names)
	for _, name := range n.Contested {
		names = append(names, name+" ("+standing("contested")+")")
	}
	t.row(n.ID, orDash(strings.Join(names, ",")), orDash(strings.Join(texts(n.Addresses), ",")), orDash(strings.Join(n.Roles, ",")), standing(n.State), n.Source, since)
	return t.err
}

func (t *nodeTable) end(complete bool) error {
	if complete {
		t.begin()
	}
	return t.flush()
}

// nodeArray is for programs: one node on each line of an array. The array
// stays open where nodes are missing, so that it does not pass for all.
type nodeArray struct {
	out   io.Writer
	begun bool
}

func (a *nodeArray) add(n control.Node) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	separator := ",\n"
	if !a.begun {
		a.begun, separator = true, "[\n"
	}
	_, err = fmt.Fprintf(a.out, "%s  %s", separator, text)
	return err
}

func (a *nodeArray) end(complete bool) error {
	text := "\n]\n"
	switch {
	case !complete:
		return nil
	case !a.begun:
		text = "[]\n"
	}
	_, err := io.WriteString(a.out, text)
	return err
}
