// Memcurator is an in-memory curator as a process of its own, for tests that
// need one to kill. It reads commands from its standard input, one per line,
// and answers each by one line that begins with "ok" or "error". The first
// line it writes is "ok listening ADDRESS". It ends with its input.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"

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

// run serves until the input ends or has the command quit.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("memcurator", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "`address` to listen on")
	dir := flags.String("dir", "", "`directory` that keeps the cluster's CA; made if missing; empty: a new CA at each start")
	shared := flags.String("store", "", "`directory` that the curators of one control plane share; empty: this one alone leads")
	key := flags.String("key", "", "`file` with the private key of the curator's own node; made if missing; empty: one that is kept in --dir")
	shown := flags.String("credentials", "", "`directory` with the credentials of the curator's own node, of a cluster whose CA is elsewhere")
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
	server := &memory.Server{Directory: &memory.Directory{}, Prefix: zone.Prefix(*prefix)}
	c := console{server: server, prefix: server.Prefix}
	server.Now = c.now
	var err error
	if *shown != "" {
		server.Credentials, err = nodetls.Load(*shown, server.Prefix, "")
	} else if c.cluster, err = openCluster(*dir, server.Prefix); err == nil && !*insecure {
		server.Credentials, err = ownCredentials(c.cluster, *key, *dir)
	}
	if err != nil {
		return err
	}
	server.Behave(memory.Behaviour{Follower: *shared != ""})
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", *listen, err)
	}
	if *shared == "" && *shown == "" && !*insecure {
		join(server, l.Addr().(*net.TCPAddr).AddrPort())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	if *shared != "" {
		plane := &store{dir: *shared, server: server, port: uint16(l.Addr().(*net.TCPAddr).Port)}
		work.Go(func() error { return plane.Run(ctx) })
	}
	work.Go(func() error { return server.Serve(ctx, l) })
	fmt.Fprintln(out, "ok listening", l.Addr())
	err = c.converse(in, out)
	cancel()
	return errors.Join(err, work.Wait())
}

// join enters the curator's own node. Where it shares a store, or where others
// have its cluster's CA, it is for them to do so. The node has no address where it
// listens at one that would do for no node.
func join(server *memory.Server, at netip.AddrPort) {
	address := ""
	if at.Addr().IsGlobalUnicast() {
		address = at.Addr().Unmap().String()
	}
	server.Join(address, at.Port())
}

// ownKeyFile is the key of the curator's own node beside the cluster's CA.
const ownKeyFile = "curator.key"

// ownCredentials are those of the node that the curator runs on.
func ownCredentials(cluster *memory.Cluster, key, dir string) (*nodetls.Credentials, error) {
	if key == "" && dir == "" {
		return cluster.NewNode()
	}
	private, err := memory.OpenKey(cmp.Or(key, filepath.Join(dir, ownKeyFile)))
	if err != nil {
		return nil, err
	}
	return cluster.Node(private)
}

func openCluster(dir string, prefix zone.Prefix) (*memory.Cluster, error) {
	if dir == "" {
		return memory.NewCluster(prefix)
	}
	return memory.OpenCluster(dir, prefix)
}
