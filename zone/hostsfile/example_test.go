package hostsfile_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// A Keeper writes below a root here, so that it needs no privileges and leaves
// the machine alone.
func Example() {
	scratch, err := os.MkdirTemp("", "hostsfile")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)

	const id = "metropolis-0123456789abcdef0123456789abcdef"
	store, err := zone.NewStore(zone.Config{Local: id})
	if err != nil {
		panic(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.7")})

	cfg := hostsfile.Config{
		ID: id, Prefix: zone.DefaultPrefix, StateDir: filepath.Join(scratch, "state"),
		Settings: hostsfile.Settings{
			Root: filepath.Join(scratch, "root"), Hosts: "/etc/hosts",
		},
	}
	keeper, err := hostsfile.New(cfg)
	if err != nil {
		panic(err)
	}
	if err := keeper.Start(store.Snapshot()); err != nil {
		panic(err)
	}
	content, err := os.ReadFile(filepath.Join(cfg.Root, cfg.Hosts))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s", content)

	undone, err := hostsfile.Restore(cfg)
	if err != nil {
		panic(err)
	}
	for _, u := range undone {
		fmt.Println(filepath.Base(u.Path), u.Done)
	}
	// Output:
	// # BEGIN nodedns
	// 127.0.0.1 localhost
	// ::1 localhost
	// 192.0.2.7 metropolis-0123456789abcdef0123456789abcdef
	// # END nodedns
	// hosts block removed
	// hosts removed, as it did not exist before
}
