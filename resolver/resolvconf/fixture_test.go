package resolvconf

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/managed"
)

const (
	usualPath = "/etc/resolv.conf"
	stubPath  = "/run/systemd/resolve/stub-resolv.conf"
)

// tree is a root directory, and a state directory beside it.
type tree struct {
	t           testing.TB
	root, state string
}

func newTree(t testing.TB) *tree {
	t.Helper()
	dir := t.TempDir()
	return &tree{t, filepath.Join(dir, "root"), filepath.Join(dir, "state", "resolvconf")}
}

func (r *tree) path(path string) string { return filepath.Join(r.root, path) }

func (r *tree) place() Location { return Location{Root: r.root, Path: usualPath, BackupDir: r.state} }

// write puts a file in the place of whatever is there.
func (r *tree) write(path, text string) {
	r.t.Helper()
	r.put(path, func(name string) error { return os.WriteFile(name, []byte(text), 0o644) })
}

func (r *tree) link(path, target string) {
	r.t.Helper()
	r.put(path, func(name string) error { return os.Symlink(target, name) })
}

func (r *tree) put(path string, create func(name string) error) {
	r.t.Helper()
	name := r.path(path)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := create(name + ".new"); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		r.t.Fatal(err)
	}
}

func (r *tree) remove(path string) {
	r.t.Helper()
	if err := os.Remove(r.path(path)); err != nil {
		r.t.Fatal(err)
	}
}

// read returns the content of a file, the target of a symlink after an arrow,
// or "none".
func (r *tree) read(path string) string {
	r.t.Helper()
	if target, err := os.Readlink(r.path(path)); err == nil {
		return "-> " + target
	}
	text, err := os.ReadFile(r.path(path))
	if os.IsNotExist(err) {
		return "none"
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// unnumbered is a text of ours without the number of the original that it stands
// in for.
func unnumbered(text string) string {
	return strings.Replace(text, fmt.Sprintf("%s%d)", numberMark, numberOf(text)), "", 1)
}

func (r *tree) want(path, text string) {
	r.t.Helper()
	if got := unnumbered(r.read(path)); got != text {
		r.t.Errorf("%s is\n%s\nwant\n%s", path, got, text)
	}
}

// keep backs up an original as a Keeper does, and puts ours in its place.
func (r *tree) keep(o managed.Backup) {
	r.t.Helper()
	o.Root, o.Path, o.Whole, o.Existed = r.root, usualPath, true, true
	if err := (managed.Backups{State: r.state, System: managed.RealSystem()}).Save(o); err != nil {
		r.t.Fatal(err)
	}
	r.write(usualPath, stubLine(1)+"nameserver 127.0.0.53\n")
}

// own is the listener of the tests.
var own = netip.MustParseAddrPort("127.0.0.53:53")

func notOwn(server netip.AddrPort) bool { return server != own }

// text shows a SystemConfig in one line.
func (m SystemConfig) text(root string) string {
	from := m.From
	if rel, err := filepath.Rel(root, from); err == nil && from != "" {
		from = "/" + rel
	}
	return fmt.Sprintf("%v from %s, search %v, options %v", m.Servers, from, m.Search, m.Options)
}
