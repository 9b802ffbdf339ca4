package nodedns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/saved"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

const (
	// fileVersions is how many versions of a file differ. The next one is the first
	// again.
	fileVersions = 16
	// usersVersion is how many versions there are from one that is the user's to the
	// next one.
	usersVersion = 4
)

// isUsers is whether a version is the file without us.
func isUsers(version int) bool { return version%usersVersion == usersVersion-1 }

// writtenFile is a file that the daemon writes, by the code that does so.
type writtenFile struct {
	name, path string
	users      string // what was there before
	// start is what a process does first: what it returns writes a version.
	start func(root string) (write func(version int) error, err error)
	// restore makes the file what it was before. It is nil for a file of our own.
	restore func(root string) error
	read    func(root string) (string, error)
}

func writtenFiles() []writtenFile {
	return []writtenFile{
		{
			name: "hosts", path: "/etc/hosts", users: "127.0.0.1 localhost\n192.0.2.1 printer # upstairs\n",
			start: startHosts, restore: restoreHosts, read: readText("/etc/hosts"),
		},
		{
			name: "machine-id", path: "/etc/machine-id", users: "0123456789abcdef0123456789abcdef\n",
			start: startIdentity(machineIDOnly), restore: restoreHosts, read: readText("/etc/machine-id"),
		},
		{
			name: "hostname", path: "/etc/hostname", users: "box\n",
			start: startIdentity(hostnameOnly), restore: restoreHosts, read: readText("/etc/hostname"),
		},
		{
			name: "resolv.conf", path: "/etc/resolv.conf", users: "search example\nnameserver 192.0.2.53\n",
			start: startResolvConf, restore: restoreResolvConf, read: readText("/etc/resolv.conf"),
		},
		{name: "saved nodes", path: "/state/saved-nodes", start: startSaved, read: readSaved},
	}
}

func stateOf(root string) string { return filepath.Join(root, "state") }

// newRoot is a machine that has the file as its user does. It is in memory, where there
// is such a directory: a process that is killed loses nothing that is not synced, and
// with a disk most of the time would be that of syncs.
func (f writtenFile) newRoot(t testing.TB) string {
	t.Helper()
	root, err := os.MkdirTemp("/dev/shm", "nodedns-")
	if err != nil {
		root = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	testkit.Must(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	testkit.Must(t, os.MkdirAll(stateOf(root), 0o700))
	if f.restore != nil {
		testkit.Must(t, os.WriteFile(filepath.Join(root, f.path), []byte(f.users), 0o644))
	}
	return root
}

// theNumber is what a text of resolv.conf has of the originals that there were.
var theNumber = regexp.MustCompile(` \(original \d+\)`)

func readText(path string) func(root string) (string, error) {
	return func(root string) (string, error) {
		text, err := os.ReadFile(filepath.Join(root, path))
		return theNumber.ReplaceAllString(string(text), ""), err
	}
}

// populate gives the nodes of a zone the addresses that they have in a version, of two
// families in some: the file grows and shrinks.
func populate(source *zone.Source, version int) {
	var entries []zone.Entry
	for n := range byte(32) {
		e := zone.Entry{
			ID:        fmt.Sprintf("%s%032x", zone.DefaultPrefix, int(n)+1),
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(version * 17), 0, n})},
		}
		if version%2 == 1 {
			e.Addresses = append(e.Addresses, netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8, 14: byte(version), 15: n}))
		}
		entries = append(entries, e)
	}
	source.Set(entries...)
}

// newFollower is a zone that knows all nodes, and its source.
func newFollower() (*zone.Store, *zone.Source, error) {
	store, err := zone.NewStore(zone.Config{Local: self})
	if err != nil {
		return nil, nil, err
	}
	source := store.Source("curator")
	source.Expect(true)
	return store, source, nil
}

// complete has the zone know all nodes, as in a version.
func complete(source *zone.Source, version int) {
	source.SetCluster("A")
	source.SetConnected(true)
	source.Begin()
	populate(source, version)
	source.Complete()
}

func hostsConfig(root string) hostsfile.Config {
	return hostsfile.Config{
		Settings: hostsfile.Settings{Root: root, Hosts: "/etc/hosts"},
		ID:       self, Prefix: zone.DefaultPrefix, StateDir: stateOf(root),
	}
}

func startHosts(root string) (func(int) error, error) {
	store, source, err := newFollower()
	if err != nil {
		return nil, err
	}
	files, err := hostsfile.New(hostsConfig(root))
	return func(version int) error {
		if isUsers(version) {
			return restoreHosts(root)
		}
		complete(source, version)
		return files.Start(store.Snapshot())
	}, err
}

func restoreHosts(root string) error {
	_, err := hostsfile.Restore(hostsConfig(root))
	return err
}

func machineIDOnly(c *hostsfile.Config) {
	c.MachineID, c.MachineIDFormat = "/etc/machine-id", hostsfile.MachineIDNode
}

func hostnameOnly(c *hostsfile.Config) { c.Hostname = true }

// startIdentity writes what depends on the node's name, which is another one in each
// version.
func startIdentity(only func(*hostsfile.Config)) func(root string) (func(int) error, error) {
	return func(root string) (func(int) error, error) {
		store, _, err := newFollower()
		return func(version int) error {
			if isUsers(version) {
				return restoreHosts(root)
			}
			cfg := hostsConfig(root)
			cfg.Hosts = ""
			only(&cfg)
			cfg.ID = zone.ID(fmt.Sprintf("%s%032x", zone.DefaultPrefix, version))
			if version%2 == 1 {
				cfg.ID = zone.ID(fmt.Sprint("box-", version))
			}
			files, err := hostsfile.New(cfg)
			if err != nil {
				return err
			}
			return files.Start(store.Snapshot())
		}, err
	}
}

func resolvConfConfig(root string) resolvconf.Config {
	return resolvconf.Config{
		Settings: resolvconf.Settings{Path: "/etc/resolv.conf"}, Root: root, StateDir: stateOf(root),
		Listeners: func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")} },
		Upstreams: func() []upstream.Server { return nil },
		Probe:     func(context.Context, netip.AddrPort) error { return nil },
	}
}

func startResolvConf(root string) (func(int) error, error) {
	k, err := resolvconf.New(resolvConfConfig(root))
	return func(version int) error {
		if isUsers(version) {
			return k.Restore()
		}
		k.Set(resolvconf.ModeStub, version%2 == 0, strings.Repeat("x", 1+3*version)+".example")
		k.Start(context.Background())
		if s := k.Status(); s.State != resolvconf.StateStub || s.Error != "" {
			return fmt.Errorf("the state is %q: %s", s.State, s.Error)
		}
		return nil
	}, err
}

func restoreResolvConf(root string) error {
	_, err := resolvconf.Restore(resolvConfConfig(root))
	return err
}

func startSaved(root string) (func(int) error, error) {
	store, source, err := newFollower()
	if err != nil {
		return nil, err
	}
	directory := &saved.Directory{Path: stateOf(root), Store: store}
	return func(version int) error {
		before := directory.Written()
		complete(source, version)
		directory.SaveAhead()
		if !directory.Written().After(before) {
			return errors.New("the nodes were not saved")
		}
		return nil
	}, directory.Load()
}

// readSaved is what the next process knows by the file.
func readSaved(root string) (string, error) {
	store, _, err := newFollower()
	if err == nil {
		err = (&saved.Directory{Path: stateOf(root), Store: store}).Load()
	}
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for n := range store.Snapshot().All() {
		fmt.Fprintln(&text, n.ID(), slices.Collect(n.Addrs()))
	}
	return text.String(), nil
}
