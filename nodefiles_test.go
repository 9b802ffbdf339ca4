package nodedns

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/zone"
)

// withNodes has a Service follow a directory of its own for files of nodes, with one
// file.
func withNodes(dir, text string) func(*Config) {
	return func(c *Config) {
		if err := os.WriteFile(filepath.Join(dir, "machines.hosts"), []byte(text), 0o644); err != nil {
			panic(err)
		}
		c.NodeFiles = []string{dir}
	}
}

// namesOf are the names that a node has, by its own ID or a readable name.
func namesOf(s *zone.Snapshot, name string) string {
	node, known := s.Lookup(name)
	if !known {
		node = s.LookupName([]byte(name)).Node
	}
	if !node.Exists() {
		return "no such node"
	}
	var names []string
	for n := range node.Names() {
		names = append(names, n.Text)
	}
	return strings.Join(names, " ")
}

// The nodes of a file are answered, and its changes too; this machine's entry gives
// it names once its address is known.
func TestNodesOfAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := start(t, withNodes(dir, "192.0.2.1 web-1 www\n192.0.2.2 web-2 "+other+"\n192.0.2.4 db.corp.example db\n"))
	f.snapshot("the nodes of the file", func(s *zone.Snapshot) bool {
		return namesOf(s, other) == "web-2" && namesOf(s, "www") == "web-1 www"
	})
	for name, want := range map[string]string{other: "192.0.2.2", "web-2": "192.0.2.2", "DB": "192.0.2.4", "db.corp.example": "192.0.2.4"} {
		if got := f.lookup(name); got != want {
			t.Errorf("%s has the address %s, want %s", name, got, want)
		}
	}
	f.publish("192.0.2.1")
	f.snapshot("our names", func(s *zone.Snapshot) bool { return namesOf(s, self) == "web-1 www" && s.Ready() })
	if got := f.lookup("www"); got != "192.0.2.1" {
		t.Errorf("our name www has the address %s", got)
	}
	if status := f.Status(); !status.Verdict.Healthy || len(status.NodeFiles) != 1 || status.NodeFiles[0].Nodes != 3 {
		t.Errorf("the verdict %+v, files %+v", status.Verdict, status.NodeFiles)
	}

	testkit.Must(t, os.WriteFile(dir+"/machines.hosts", []byte("192.0.2.1 web-1 www\n192.0.2.3 web-2 "+other+"\n"), 0o644))
	f.eventually("the new address", func() bool { return f.lookup(other) == "192.0.2.3" })
	testkit.Must(t, os.WriteFile(dir+"/machines.hosts", []byte("<<<<<<< mine\n"), 0o644))
	f.eventually("a reason", func() bool { return f.Status().Verdict.Has(verdict.NodeFileUnusable) })
	if got := f.lookup(other); got != "192.0.2.3" {
		t.Errorf("with a broken file the node has %s", got)
	}
}

// The hostname that this machine had before it got its node ID finds its entry.
func TestOwnEntryByTheHostnameBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := prepare(t)
	testkit.Must(t, os.WriteFile(f.root+"/etc/hostname", []byte("Web-1.corp.example\n"), 0o644))
	f.run()
	<-f.Ready()
	if got := f.file("etc/hostname"); got != self+"\n" {
		t.Fatalf("the hostname is %q", got)
	}
	var c Config
	withNodes(dir, "192.0.2.1 web-1 www\n")(&c)
	testkit.Must(t, f.Reload(func(next *Config) { next.NodeFiles = c.NodeFiles }))
	f.snapshot("our names", func(s *zone.Snapshot) bool { return namesOf(s, self) == "web-1 www" })
}

func TestReloadOfNodeFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := start(t, withNodes(dir, "192.0.2.2 web-2\n"))
	f.snapshot("the node", func(s *zone.Snapshot) bool { return namesOf(s, "web-2") == "web-2" })
	if err := f.Reload(func(c *Config) { c.NodeFiles = []string{"relative"} }); err == nil || !strings.Contains(err.Error(), `"relative"`) {
		t.Errorf("error %v", err)
	}
	testkit.Must(t, f.Reload(func(c *Config) { c.NodeFiles = nil }))
	f.snapshot("its departure", func(s *zone.Snapshot) bool { return s.Counts().Departed == 1 })
	testkit.Must(t, f.Reload(func(c *Config) { c.NodeFiles = []string{dir} }))
	f.snapshot("its return", func(s *zone.Snapshot) bool { return s.Counts().Departed == 0 && s.Counts().Live == 2 })
}

// Without a cluster, names that no file has can be denied from the first answer on.
func TestFilesAreReadBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	f := start(t, withNodes(t.TempDir(), "192.0.2.2 web-2\n"), func(c *Config) {
		c.LocalSource, c.Addresses = nil, []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	})
	if s := f.Zone().Snapshot(); !s.Ready() || namesOf(s, "web-2") != "web-2" {
		t.Errorf("ready: %v, with %q", s.Ready(), namesOf(s, "web-2"))
	}
}
