// Memcurator is an in-memory curator as a process of its own, for tests that
// need one to kill. It reads commands from its standard input, one per line,
// and answers each by one line that begins with "ok" or "error". The first
// line it writes is "ok listening ADDRESS". It ends with its input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "memcurator:", err)
		os.Exit(1)
	}
}

// run serves until the input ends or says so.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("memcurator", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "`address` to listen on")
	dir := flags.String("dir", "", "`directory` that keeps the cluster's CA; made if missing; empty: a new CA at each start")
	prefix := flags.String("prefix", string(zone.DefaultPrefix), "`prefix` of node IDs")
	insecure := flags.Bool("insecure", false, "serve plain text")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	cluster, err := openCluster(*dir, zone.Prefix(*prefix))
	if err != nil {
		return err
	}
	server := &memory.Server{Directory: &memory.Directory{}, Prefix: zone.Prefix(*prefix)}
	if !*insecure {
		if server.Credentials, err = cluster.NewNode(); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", *listen, err)
	}

	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	fmt.Fprintln(out, "ok listening", l.Addr())
	c := console{cluster: cluster, server: server, prefix: zone.Prefix(*prefix)}
	err = c.converse(in, out)
	cancel()
	return errors.Join(err, <-served)
}

func openCluster(dir string, prefix zone.Prefix) (*memory.Cluster, error) {
	if dir == "" {
		return memory.NewCluster(prefix)
	}
	return memory.OpenCluster(dir, prefix)
}
