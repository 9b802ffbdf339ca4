package hostsfile

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

const self zone.ID = "metropolis-00000000000000000000000000000007"

var form = lineForm{prefix: zone.DefaultPrefix, local: self}

// peer is the ID of a node that is not this machine.
func peer(n int) string { return fmt.Sprintf("metropolis-%032x", n) }

// newStore returns a zone that knows our name only.
func newStore(t testing.TB) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: self})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func setLocal(store *zone.Store, addrs ...string) {
	var parsed []netip.Addr
	for _, a := range addrs {
		parsed = append(parsed, netip.MustParseAddr(a))
	}
	store.SetLocal(parsed)
}

// join adds nodes with the addresses 10.0.x.y of their numbers.
func join(src *zone.Source, numbers ...int) {
	var entries []zone.Entry
	for _, n := range numbers {
		entries = append(entries, zone.Entry{ID: peer(n), Addresses: testkit.Addrs(peerAddr(n))})
	}
	src.Set(entries...)
}

func peerAddr(n int) string { return fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff) }

func peerLine(n int) string { return peerAddr(n) + " " + peer(n) + "\n" }

// scratch is a root with an etc directory, and a state directory beside it.
type scratch struct {
	root, state string
}

func newScratch(t testing.TB) scratch {
	t.Helper()
	dir := t.TempDir()
	s := scratch{filepath.Join(dir, "root"), filepath.Join(dir, "state")}
	if err := os.MkdirAll(filepath.Join(s.root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s scratch) path(name string) string { return filepath.Join(s.root, name) }

// config turns every file on.
func (s scratch) config() Config {
	return Config{
		ID: self, Prefix: zone.DefaultPrefix, StateDir: s.state,
		Settings: Settings{
			Root: s.root, Hosts: "/etc/hosts", MachineID: "/etc/machine-id", Hostname: true,
		},
	}
}

// hostsOnly turns off all but the hosts file.
func (s scratch) hostsOnly() Config {
	return Config{ID: self, Prefix: zone.DefaultPrefix, StateDir: s.state, Settings: Settings{Root: s.root, Hosts: "/etc/hosts"}}
}

func (s scratch) file(name string) managed.File {
	return managed.File{Root: s.root, Path: name, State: s.state, MaxSize: 1 << 20, System: managed.RealSystem(), Logger: slog.New(slog.DiscardHandler)}
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeRecord writes a file of the state directory.
func writeRecord(t testing.TB, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, data)
}

func wantFile(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds\n%.1000q\nwant\n%.1000q", filepath.Base(path), got, want)
	}
}

func wantNone(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s exists (%v), want none", path, err)
	}
}

// wantNoLeftovers checks that no temporary file and no undo record stayed.
func (s scratch) wantNoLeftovers(t testing.TB) {
	t.Helper()
	for _, pattern := range []string{s.path("etc/.*"), filepath.Join(s.state, "overwrites", "*")} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			t.Errorf("left behind: %q", found)
		}
	}
}

func mustKeeper(t testing.TB, cfg Config) *Keeper {
	t.Helper()
	k, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustStart(t testing.TB, cfg Config, store *zone.Store) *Keeper {
	t.Helper()
	k := mustKeeper(t, cfg)
	if err := k.Start(store.Snapshot()); err != nil {
		t.Fatal(err)
	}
	return k
}
