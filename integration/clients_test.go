package integration

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// clientProgram is a program that prints the addresses of a name, one a line,
// as a library finds them.
type clientProgram struct {
	name    string
	options string // as in resolv.conf
	command func(name string) *exec.Cmd
	udpOnly bool // uses the records of a truncated reply
	aliases bool // prints the names that a name is an alias of, too
	first   bool // prints the addresses that it tries, which may be some of them
}

// clientPrograms are the three that most programs of a machine use, and with
// NODEDNS_FULL=1 others, and glibc again for each option that has it query in
// another way. By default it queries A and AAAA at the same time from one port.
func clientPrograms(t testing.TB) []clientProgram {
	t.Helper()
	glibc := compile(t, "gcc", "getaddrinfo.c")
	musl := compile(t, "musl-gcc", "getaddrinfo.c", "-static")
	program := func(path string) func(string) *exec.Cmd {
		return func(name string) *exec.Cmd { return exec.Command(path, name) }
	}
	programs := []clientProgram{
		{name: "glibc", command: program(glibc)},
		{name: "musl", command: program(musl), udpOnly: true},
		{name: "Go", command: goLookup},
	}
	if !testkit.Full() {
		return programs
	}
	return append(append(programs, otherPrograms(t)...), []clientProgram{
		{name: "glibc, one after the other", options: "single-request", command: program(glibc)},
		{name: "glibc, each from a port of its own", options: "single-request-reopen", command: program(glibc)},
		{name: "glibc, by TCP", options: "use-vc", command: program(glibc)},
		{name: "glibc, with EDNS", options: "edns0 trust-ad", command: program(glibc)},
		{name: "c-ares", command: program(compile(t, "gcc", "cares.c", "-lcares"))},
	}...)
}

// compiled has what makes each program of testdata once, by its command line:
// several tests want the same.
var compiled sync.Map

// compile makes a program of testdata, if there is none yet.
func compile(t testing.TB, compiler, source string, flags ...string) string {
	t.Helper()
	args := append([]string{filepath.Join("testdata", source)}, flags...)
	line := strings.Join(append([]string{compiler}, args...), " ")
	once, _ := compiled.LoadOrStore(line, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "compiled-") // which ends with the sandbox
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, strings.TrimSuffix(source, ".c"))
		if out, err := exec.Command(compiler, append(args, "-o", path)...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", line, err, out)
		}
		return path, nil
	}))
	path, err := once.(func() (string, error))()
	must(t, err)
	return path
}

// lookupVar has this test binary look up a name with Go's own resolver, and
// nothing else: that takes more threads than the one of a machine.
const lookupVar = "NODEDNS_INTEGRATION_LOOKUP"

func goLookup(name string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), lookupVar+"="+name)
	return cmd
}

func printAddresses(name string) error {
	resolver := &net.Resolver{PreferGo: true}
	addrs, err := resolver.LookupHost(context.Background(), name)
	for _, addr := range addrs {
		fmt.Println(addr)
	}
	return err
}

// finds looks up a name with a program, on a machine. The options are passed in
// the environment, since the daemon reads resolv.conf too, and not at once.
func (m *machine) finds(program clientProgram, name string) ([]netip.Addr, error) {
	var stdout, stderr bytes.Buffer
	cmd := program.command(name)
	cmd.Env = append(cmd.Environ(), "RES_OPTIONS="+program.options)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := m.start(cmd); err != nil {
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &stderr)
	}
	var addrs []netip.Addr
	for word := range strings.FieldsSeq(stdout.String()) {
		addr, err := netip.ParseAddr(word)
		if err != nil && !program.aliases {
			return nil, err
		} else if err == nil {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("no address: %s", &stderr)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), nil
}

// newClientNode is a node on which names are looked up over DNS only, with a
// search list of two domains.
func newClientNode(l *lan, name, server string) *node {
	l.t.Helper()
	n := through(l, name, server, "[files]", `hosts = ""`)
	n.write("/etc/nsswitch.conf", "hosts: dns\n")
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nsearch one.example two.example\n")
	if testkit.Full() {
		n.furnishJava()
	}
	n.boot()
	n.awaitReady()
	return n
}

// Every resolver library gets the right addresses through us.
func TestClients(t *testing.T) {
	t.Parallel()
	needSandbox(t, "gcc", "musl-gcc")
	needUnpacked(t, "nsd")
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	n := newClientNode(l, "node", nsd.v4().String())
	addrs := func(texts ...string) (all []netip.Addr) {
		for _, text := range texts {
			all = append(all, netip.MustParseAddr(text))
		}
		return all
	}
	www := addrs("192.0.2.10", "2001:db8::10")
	type lookup struct {
		name string
		want []netip.Addr
	}
	for _, program := range clientPrograms(t) {
		lookups := []lookup{
			{n.id, []netip.Addr{n.v4(), n.v6()}},
			{"www.plain.example", www},
			{"v4only.plain.example", addrs("192.0.2.4")},
			{"v6only.plain.example", addrs("2001:db8::6")},
			{"chain.plain.example", www},
			{"any.wild.plain.example", addrs("192.0.2.40")},
			{"nowhere.plain.example", nil},
			{"ns.nowhere.invalid", nil},
			{strangerID(t), nil},
		}
		t.Run(program.name, func(t *testing.T) {
			awaitAll(t, "the addresses are found", lookups, func(l lookup) error {
				got, err := n.finds(program, l.name)
				if (err != nil) != (l.want == nil) || !slices.Equal(got, l.want) {
					return fmt.Errorf("%s: found %v (%v), want %v", l.name, got, err, l.want)
				}
				return nil
			})
			eventually(t, "too many for UDP are found", func() error {
				got, err := n.finds(program, "many.plain.example")
				if err == nil && len(got) != manyAddresses && !((program.udpOnly || program.first) && len(got) > 0) {
					err = fmt.Errorf("found %d addresses, want %d", len(got), manyAddresses)
				}
				return err
			})
		})
	}
}

// With a search list a library first queries the name of a node below each of
// its domains. None of that may get to the upstreams: they may be dead, and
// their timeouts would add up.
// Shows RFC 1123 6.1.4.3c.
func TestClientsSearchList(t *testing.T) {
	t.Parallel()
	needSandbox(t, "gcc", "musl-gcc")
	l := newLAN(t)
	var asked queryLog
	dead := newScripted(l.join("server").address(), script{
		udp: func(_ *scripted, q query, _ netip.AddrPort) { asked.add(q.name()) },
	})
	n := newClientNode(l, "node", dead.addr().String())
	stranger := strangerID(t)
	for _, program := range clientPrograms(t) {
		t.Run(program.name, func(t *testing.T) {
			got, err := n.finds(program, n.id)
			must(t, err)
			if want := []netip.Addr{n.v4(), n.v6()}; !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
			if got, err := n.finds(program, stranger); err == nil {
				t.Errorf("found %v for a node that does not exist", got)
			}
			for _, name := range asked.all() {
				if strings.Contains(name, n.id) || strings.Contains(name, stranger) {
					t.Errorf("the upstream was asked for %s", name)
				}
			}
		})
	}
}
