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

	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
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
	store := flags.String("store", "", "`directory` that the curators of one control plane share; empty: this one alone leads")
	key := flags.String("key", "", "`file` with the private key of the curator's own node; empty: a new one")
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
		if server.Credentials, err = ownCredentials(cluster, *key); err != nil {
			return err
		}
	}
	server.Behave(memory.Behaviour{Follower: *store != ""})
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", *listen, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	if *store != "" {
		plane := &memory.Store{Dir: *store, Server: server, Port: uint16(l.Addr().(*net.TCPAddr).Port)}
		work.Go(func() error { return plane.Run(ctx) })
	}
	work.Go(func() error { return server.Serve(ctx, l) })
	fmt.Fprintln(out, "ok listening", l.Addr())
	c := console{cluster: cluster, server: server, prefix: zone.Prefix(*prefix)}
	err = c.converse(in, out)
	cancel()
	return errors.Join(err, work.Wait())
}

// ownCredentials are those of the node that the curator runs on.
func ownCredentials(cluster *memory.Cluster, key string) (*nodetls.Credentials, error) {
	if key == "" {
		return cluster.NewNode()
	}
	_, private, err := readKey([]string{key})
	if err != nil {
		return nil, err
	}
	if private == nil {
		return nil, fmt.Errorf("%s holds no private key", key)
	}
	return cluster.Node(private)
}

func openCluster(dir string, prefix zone.Prefix) (*memory.Cluster, error) {
	if dir == "" {
		return memory.NewCluster(prefix)
	}
	return memory.OpenCluster(dir, prefix)
}
