package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

func newMonitor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Watch queries and changes of the zone as they happen",
		Long: `Monitor shows each query that the daemon answers, and what changes in the zone,
as it happens: many nodes that change at once are one line. It goes on until it
is interrupted, which is no failure, and fails when the daemon stops.

The daemon never waits for it. Queries that come faster than they can be shown
are dropped here, and the number of those is; filters are applied after that. A
filter that is repeated, or has several values separated by commas, wants one of
them. Of a query all filters have to fit. --name is also for the nodes of the
zone; with any of the others only queries are shown, unless --zone is given.

With --json each line is an object with "time" and one of these:
  "query"    name, type, rcode, records, errors, source, reason, server and
             duration as in "nodedns query --json", the client's address and port,
             and the transport (udp, tcp, varlink, or query: by nodedns itself)
  "zone"     the change (local, joined, moved, renamed, departed, returned, dropped,
             ready, not-ready, cluster-found, cluster-lost), and of nodes their
             count and the first ten, with id, addresses and names
  "dropped"  the number of queries that were dropped here

It is for root, and for the user that the daemon runs as: what others ask is
private.`,
		Example: `  nodedns monitor
  nodedns monitor --rcode SERVFAIL,REFUSED
  nodedns monitor --name '*.corp.example' --type AAAA --count 10
  nodedns monitor --zone --json`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	watch, count := new(control.Watch), 0
	addWatch(cmd, watch)
	cmd.Flags().IntVar(&count, "count", 0, "end after `N` lines, not counting those on what was dropped; 0: do not end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if count < 0 {
			return &usageError{fmt.Errorf("--count is %d: want 0 or more", count)}
		}
		if _, err := watch.Filter.Filter(); err != nil {
			return &usageError{err}
		}
		if onlyQueries(cmd) && !watch.Zone {
			watch.Queries = true
		}
		client, err := settings.client()
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		w := cmd.OutOrStdout()
		show := newEventTable(w, time.Local).show
		if *asJSON {
			encoder := json.NewEncoder(w)
			show = func(e control.Event) error { return encoder.Encode(e) }
		}
		return monitor(ctx, client, *watch, count, show)
	}
	return cmd
}

// addWatch gives a command the flags that select what is shown.
func addWatch(cmd *cobra.Command, watch *control.Watch) {
	flags := cmd.Flags()
	flags.BoolVar(&watch.Queries, "queries", false, "show queries; without --zone only them")
	flags.BoolVar(&watch.Zone, "zone", false, "show changes of the zone; without --queries only them")
	flags.StringVar(&watch.Filter.Name, "name", "", "only names with this `TEXT` in them, or that are like it, with * and ?")
	flags.StringSliceVar(&watch.Filter.Types, "type", nil, "only queries for this `TYPE`")
	flags.StringSliceVar(&watch.Filter.Rcodes, "rcode", nil, "only answers with this response `CODE`, such as NXDOMAIN")
	flags.StringSliceVar(&watch.Filter.Sources, "source", nil, "only answers from this `SOURCE`: zone, hosts, special, cache, upstream or request")
	flags.StringSliceVar(&watch.Filter.Clients, "client", nil, "only queries of this `ADDRESS` or network")
	completeFlag(cmd, "type", commonTypes...)
	completeFlag(cmd, "rcode", "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "BADVERS")
	completeFlag(cmd, "source", "zone", "hosts", "special", "cache", "upstream", "request")
}

// onlyQueries reports whether a filter is set that is for queries alone.
func onlyQueries(cmd *cobra.Command) bool {
	for _, name := range []string{"type", "rcode", "source", "client"} {
		if cmd.Flags().Changed(name) {
			return true
		}
	}
	return false
}

// errEnough means that as many events were shown as requested.
var errEnough = errors.New("enough")

// monitor shows events until ctx ends, or so many were shown.
func monitor(ctx context.Context, client *control.Client, watch control.Watch, count int, show func(control.Event) error) error {
	seen := 0
	err := client.Monitor(ctx, watch, func(e control.Event) error {
		if err := show(e); err != nil {
			return err
		}
		if e.Dropped > 0 {
			return nil
		}
		if seen++; seen == count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		return nil
	}
	return err
}
