package integration

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// nodesDir is where daemons look for files of nodes unless configured otherwise.
const nodesDir = "/etc/nodedns/nodes.d"

// listed is a node in a file of nodes.
type listed struct {
	ID        string       `json:"id,omitempty"`
	Names     []string     `json:"names,omitempty"`
	Addresses []netip.Addr `json:"addresses"`
}

// listedAs lists a host with its addresses and these names. One of them may be its
// node ID.
func (h *host) listedAs(names ...string) listed {
	return listed{Names: names, Addresses: []netip.Addr{h.v4(), h.v6()}}
}

// hostsFormat is a file of these nodes in the format of hosts(5).
func hostsFormat(nodes ...listed) string {
	var text strings.Builder
	for _, n := range nodes {
		for _, addr := range n.Addresses {
			fmt.Fprintf(&text, "%s %s\n", addr, strings.TrimSpace(n.ID+" "+strings.Join(n.Names, " ")))
		}
	}
	return text.String()
}

// jsonFormat is one in JSON.
func jsonFormat(nodes ...listed) string {
	text, err := json.MarshalIndent(nodes, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// delivery is a way of bringing a file of nodes to a machine.
type delivery func(m *machine, file, text string)

// inPlace is an editor that writes into the file that is there.
func inPlace(m *machine, file, text string) {
	m.t.Helper()
	m.write(filepath.Join(nodesDir, file), text)
}

// byRename is rsync, which writes beside the file.
func byRename(m *machine, file, text string) {
	m.t.Helper()
	beside := filepath.Join(nodesDir, "."+file+".Xy12Zw")
	m.write(beside, text)
	must(m.t, os.Rename(m.path(beside), m.path(filepath.Join(nodesDir, file))))
}

// byLink is how Kubernetes delivers a ConfigMap: the file is a link through a link to
// a directory, which is swapped for one to another directory.
func byLink(m *machine, file, text string) {
	m.t.Helper()
	dir := m.path(nodesDir)
	data, fresh := filepath.Join(dir, "..data"), filepath.Join(dir, "..data_tmp")
	must(m.t, os.MkdirAll(dir, 0o755))
	before, _ := os.Readlink(data) // none at first
	revision, err := os.MkdirTemp(dir, "..revision-")
	must(m.t, err)
	must(m.t, os.WriteFile(filepath.Join(revision, file), []byte(text), 0o644))
	must(m.t, os.Symlink(filepath.Base(revision), fresh))
	must(m.t, os.Rename(fresh, data))
	if before != "" {
		must(m.t, os.RemoveAll(filepath.Join(dir, before)))
	}
	if err := os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file)); !errors.Is(err, fs.ErrExist) {
		must(m.t, err)
	}
}

// nodeFileStatus is what "nodedns status --json" has of a file of nodes.
type nodeFileStatus struct {
	Path     string
	Nodes    int
	Hash     string
	Problems []string
	Error    string
}

func (m *machine) nodeFiles() ([]nodeFileStatus, error) {
	var s struct {
		NodeFiles []nodeFileStatus `json:"node_files"`
	}
	return s.NodeFiles, m.readStatus(&s)
}

// nodeFile fails unless the status has a file of nodes of which is true what is
// wanted.
func (m *machine) nodeFile(name, want string, is func(nodeFileStatus) bool) error {
	files, err := m.nodeFiles()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(files, func(f nodeFileStatus) bool { return filepath.Base(f.Path) == name && is(f) }) {
		return fmt.Errorf("%s: the files of nodes are %+v, want of %s %s", m.name, files, name, want)
	}
	return nil
}

// hasRead fails unless the daemon has read a file of nodes with this text.
func (m *machine) hasRead(name, text string) error {
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:12]
	return m.nodeFile(name, "the hash "+hash, func(f nodeFileStatus) bool { return f.Hash == hash && f.Error == "" })
}
