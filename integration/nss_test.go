package integration

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// varlinkSocket is where Debian's nss-resolve looks for a resolver, and
// withVarlink the part of a configuration that has one served there.
const (
	varlinkSocket = "/run/systemd/resolve/io.systemd.Resolve"
	withVarlink   = "[varlink]\nsocket = \"" + varlinkSocket + "\""
)

// byResolve is the nsswitch.conf of a machine that uses nss-resolve.
const byResolve = "passwd: files\ngroup: files\nhosts: resolve [!UNAVAIL=return] files dns\n"

// How the C library reports that a name does not exist, and a temporary
// failure.
const (
	unknownName = "Name or service not known"
	tryAgain    = "Temporary failure in name resolution"
)

// nss runs programs whose C library has the real nss-resolve.
type nss struct {
	t       testing.TB
	library string // the directory to find it in, with nothing else there
	lookup  string // a program that prints the addresses of a name
}

// needNSS skips a test where the module is not.
func needNSS(t testing.TB, programs ...string) *nss {
	t.Helper()
	needSandbox(t, append(programs, "gcc")...)
	needUnpacked(t, "resolvectl")
	modules := unpackedLibraries(t, "libnss_resolve.so.2")
	if len(modules) == 0 {
		skip(t, "needs the packages of unpacked.txt: libnss-resolve is not there")
	}
	x := &nss{t: t, library: t.TempDir(), lookup: compile(t, "gcc", "getaddrinfo.c")}
	must(t, os.Symlink(modules[0], filepath.Join(x.library, "libnss_resolve.so.2")))
	return x
}

// run runs a program on a machine. Its error has what it wrote to standard
// error; one that was killed is the end of the test.
func (x *nss) run(m *machine, args ...string) (string, error) {
	x.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+x.library)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	must(x.t, m.start(cmd))
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && !exit.Exited() {
		x.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), err
}

// python3 is that of packages.txt. Before it in PATH may be a script that chooses
// one, by dozens of processes.
const python3 = "/usr/bin/python3"

// finders are programs that print the addresses of a name, one a line.
func (x *nss) finders() map[string][]string {
	return map[string][]string{
		"getaddrinfo": {x.lookup},
		"python":      {python3, "-c", pythonLookup},
		"getent":      {"sh", "-c", `found=$(getent ahosts "$1") && echo "$found" | cut -d ' ' -f 1`, "sh"},
	}
}

// addresses looks up a name by a finder.
func (x *nss) addresses(m *machine, finder []string, name string) ([]netip.Addr, error) {
	out, err := x.run(m, append(slices.Clone(finder), name)...)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for word := range strings.FieldsSeq(out) {
		addr, err := netip.ParseAddr(word)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), nil
}

// finds fails unless getaddrinfo finds exactly these addresses.
func (x *nss) finds(m *machine, name string, want ...netip.Addr) error {
	got, err := x.addresses(m, []string{x.lookup}, name)
	if err != nil {
		return err
	}
	slices.SortFunc(want, netip.Addr.Compare)
	if !slices.Equal(got, want) {
		return fmt.Errorf("found %v for %s, want %v", got, name, want)
	}
	return nil
}

// fails fails unless getaddrinfo gives this reason for finding nothing.
func (x *nss) fails(m *machine, name, reason string) error {
	got, err := x.addresses(m, []string{x.lookup}, name)
	if err == nil || !strings.Contains(err.Error(), reason) {
		return fmt.Errorf("found %v (%v) for %s, want %q", got, err, name, reason)
	}
	return nil
}

// asksByResolve has a node serve nss-resolve, and use it. It is to be called
// before the daemon starts.
func (n *node) asksByResolve(lines ...string) *node {
	n.t.Helper()
	n.write("/etc/nsswitch.conf", byResolve)
	n.write(configFile, strings.Join(append(lines, withVarlink), "\n")+"\n")
	return n
}

// served waits until the socket answers.
func (n *node) served(x *nss) {
	n.t.Helper()
	eventually(n.t, "the varlink socket answers", func() error {
		return x.finds(n.machine, "localhost", netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback())
	})
}
