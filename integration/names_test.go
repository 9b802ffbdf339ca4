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

	"golang.org/x/sys/unix"
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

// called gives the machine a hostname, as it has before nodedns runs for the first
// time.
func (n *node) called(hostname string) *node {
	n.t.Helper()
	var err error
	n.do(func() { err = unix.Sethostname([]byte(hostname)) })
	must(n.t, err)
	n.write("/etc/hostname", hostname+"\n")
	return n
}

// nameRow is what a machine answers to a query for a name.
type nameRow struct {
	query  string // a name and perhaps a type; without one A. An address has the type PTR
	status string
	data   []string // of the answer's records, sorted; of TXT the first string
	ede    string   // of the extended error: its number and words of its text, or empty
}

// answersRow fails unless the machine answers as the row has it.
func (m *machine) answersRow(row nameRow) error {
	name, typ, _ := strings.Cut(row.query, " ")
	if _, err := netip.ParseAddr(name); err == nil {
		typ = "PTR"
	} else if typ == "" {
		typ = "A"
	}
	r, err := m.ask(name, typ)
	if err != nil {
		return err
	}
	return r.fits(row)
}

// fits fails unless a reply is as the row has it.
func (r reply) fits(row nameRow) error {
	if err := r.expectStatus(row.status); err != nil {
		return fmt.Errorf("%s: %w", row.query, err)
	}
	var got []string
	for _, rec := range r.answer {
		if rec.typ == "TXT" {
			rec.data, _, _ = strings.Cut(rec.data, " ") // the first of its strings
		}
		got = append(got, rec.data)
	}
	slices.Sort(got)
	if !slices.Equal(got, row.data) {
		return fmt.Errorf("%s: the answer is %q, want %q:\n%s", row.query, got, row.data, r.text)
	}
	number, text, _ := strings.Cut(row.ede, " ")
	switch {
	case row.ede == "" && len(r.errors) > 0:
		return fmt.Errorf("%s: the extended errors are %q, want none", row.query, r.errors)
	case row.ede != "" && (len(r.errors) != 1 || !strings.HasPrefix(r.errors[0], number+" ") || !strings.Contains(r.errors[0], text)):
		return fmt.Errorf("%s: the extended errors are %q, want %s", row.query, r.errors, row.ede)
	}
	return nil
}

// answersRows fails unless the machine answers as all rows have it.
func (m *machine) answersRows(rows []nameRow) error {
	var errs []error
	for _, row := range rows {
		if err := m.answersRow(row); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

// digRows checks the rows with dig, in one process.
func (m *machine) digRows(rows []nameRow) error {
	var queries []string
	for _, row := range rows {
		query := "+nocookie " + row.query
		if _, err := netip.ParseAddr(row.query); err == nil {
			query = "+nocookie -x " + row.query
		}
		queries = append(queries, query)
	}
	replies, err := m.digAll(queries)
	if err != nil {
		return err
	}
	var errs []error
	for i, row := range rows {
		errs = append(errs, replies[i].fits(row))
	}
	return errors.Join(errs...)
}

// exist are rows for a node's names: its addresses, and nothing of other types.
func exist(v4, v6 netip.Addr, names ...string) (rows []nameRow) {
	for _, name := range names {
		rows = append(rows,
			nameRow{query: name, status: "NOERROR", data: []string{v4.String()}},
			nameRow{query: name + " MX", status: "NOERROR"})
		four6 := nameRow{query: name + " AAAA", status: "NOERROR"}
		if v6.IsValid() {
			four6.data = []string{v6.String()}
		}
		rows = append(rows, four6)
	}
	return rows
}

// services are those by which the C library finds names: the hosts file, DNS, and
// nss-resolve.
var services = []string{"files", "dns", "resolve"}

// findsBy fails unless getent finds exactly these addresses of a name by each of the
// services; none means that it does not find the name.
func (x *nss) findsBy(m *machine, services []string, name string, want ...netip.Addr) error {
	want = slices.SortedFunc(slices.Values(want), netip.Addr.Compare)
	for _, service := range services {
		out, err := x.run(m, "getent", "-s", "hosts:"+service, "ahosts", name)
		if len(want) == 0 && err != nil {
			continue
		}
		if err != nil {
			return err
		}
		got, err := ahosts(out)
		if err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("%s: %s finds %v (%v) for %s, want %v", m.name, service, got, err, name, want)
		}
	}
	return nil
}

// namesBy fails unless getent has these names for an address, the canonical one
// first, in the order of the services.
func (x *nss) namesBy(m *machine, addr netip.Addr, files, other string) error {
	for _, service := range services {
		want := other
		if service == "files" {
			want = files
		}
		out, err := x.run(m, "getent", "-s", "hosts:"+service, "hosts", addr.String())
		if err != nil {
			return err
		}
		if got := strings.Join(strings.Fields(out), " "); got != addr.String()+" "+want {
			return fmt.Errorf("%s: %s has %q for %s, want %q", m.name, service, got, addr, want)
		}
	}
	return nil
}

// nodeFileStatus is what "nodedns status --json" has of a file of nodes.
type nodeFileStatus struct {
	Path  string
	Nodes int
	Hash  string
	Error string
}

func (m *machine) nodeFiles() ([]nodeFileStatus, error) {
	var s struct {
		NodeFiles []nodeFileStatus `json:"node_files"`
	}
	return s.NodeFiles, m.readStatus(&s)
}

// hasRead fails unless the daemon has read a file of nodes with this text.
func (m *machine) hasRead(name, text string) error {
	files, err := m.nodeFiles()
	if err != nil {
		return err
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:12]
	if !slices.ContainsFunc(files, func(f nodeFileStatus) bool {
		return filepath.Base(f.Path) == name && f.Hash == hash && f.Error == ""
	}) {
		return fmt.Errorf("%s: the files of nodes are %+v, want %s with the hash %s", m.name, files, name, hash)
	}
	return nil
}

// nodeFile fails unless a file of nodes has so many, and an error with this text, or
// none.
func (m *machine) nodeFile(name string, nodes int, text string) error {
	files, err := m.nodeFiles()
	if err != nil {
		return err
	}
	for _, f := range files {
		if filepath.Base(f.Path) != name {
			continue
		}
		if f.Nodes != nodes || !strings.Contains(f.Error, text) || (f.Error == "") != (text == "") {
			return fmt.Errorf("%s: the file of nodes is %+v, want %d nodes, error %q", m.name, f, nodes, text)
		}
		return nil
	}
	return fmt.Errorf("%s: no file of nodes is %s: %+v", m.name, name, files)
}

// contestedNames fails unless so many names are claimed by several nodes.
func (m *machine) contestedNames(want int) error {
	var s struct {
		Nodes struct {
			ContestedNames *int `json:"contested_names"`
		}
	}
	if err := m.readStatus(&s); err != nil {
		return err
	}
	if s.Nodes.ContestedNames == nil {
		return errors.New("the status has no contested names")
	}
	if got := *s.Nodes.ContestedNames; got != want {
		return fmt.Errorf("%s: %d names are contested, want %d", m.name, got, want)
	}
	return nil
}
