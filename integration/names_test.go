package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

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

// restart ends the daemon in order, and waits until the next one answers for the node.
func (n *node) restart() {
	n.t.Helper()
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	n.boot()
	n.awaitReady()
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
		aaaa := nameRow{query: name + " AAAA", status: "NOERROR"}
		if v6.IsValid() {
			aaaa.data = []string{v6.String()}
		}
		rows = append(rows, aaaa)
	}
	return rows
}

// services are those by which the C library finds names: the hosts file, DNS, and
// nss-resolve.
var services = []string{"files", "dns", "resolve"}

// notFound is the exit status of getent where nothing has the name.
const notFound = 2

// findsBy fails unless getent finds exactly these addresses of a name by each of the
// services; none means that it does not find the name.
func (x *nss) findsBy(m *machine, services []string, name string, want ...netip.Addr) error {
	want = slices.SortedFunc(slices.Values(want), netip.Addr.Compare)
	for _, service := range services {
		out, err := x.run(m, "getent", "-s", "hosts:"+service, "ahosts", name)
		if exit := (*exec.ExitError)(nil); len(want) == 0 && errors.As(err, &exit) && exit.ExitCode() == notFound {
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
