package integration

import (
	"context"
	"errors"
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
	serve   func(*host) // starts what the command asks, if that is another program
	ofMany  amount      // what it finds of too many addresses for UDP
	wordy   bool        // prints more than addresses, such as the names that a name is an alias of
	rooted  bool        // asks for a single label only if a dot is behind it
}

// amount is how much a program finds.
type amount int

const (
	theWhole amount = iota
	aPart           // what is in a truncated reply, or what the program tries
	nothing         // it takes no truncated reply
)

// is reports whether that many of all are this amount.
func (a amount) is(found, all int) bool {
	switch a {
	case nothing:
		return found == 0
	case aPart:
		return found > 0
	default:
		return found == all
	}
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
		{name: "musl", command: program(musl), ofMany: aPart},
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
		{name: "Go, by the C library", command: program(compile(t, "env CGO_ENABLED=1 go build -tags netcgo", "lookup.go"))},
		{name: "c-ares", command: program(compile(t, "gcc", "cares.c", "-lcares"))},
	}...)
}

// compiled has what makes each program of testdata once, by its command line:
// several tests want the same.
var compiled sync.Map

// compile makes a program of testdata, if there is none yet.
func compile(t testing.TB, compiler, source string, flags ...string) string {
	t.Helper()
	line := strings.Join(append([]string{compiler, source}, flags...), " ")
	once, _ := compiled.LoadOrStore(line, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "compiled-") // which ends with the sandbox
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, "program")
		args := slices.Concat(strings.Fields(compiler), []string{"-o", path, filepath.Join("testdata", source)}, flags)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
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

// lookUp looks up a name with a program, on a machine. The options are passed in
// the environment, since the daemon reads resolv.conf too, and not at once.
func (m *machine) lookUp(program clientProgram, name string) ([]netip.Addr, error) {
	if program.rooted && !strings.Contains(name, ".") {
		name += "."
	}
	cmd := program.command(name)
	if program.options != "" {
		// For an empty one c-ares 1.34 leaves out what resolv.conf has.
		cmd.Env = append(cmd.Environ(), "RES_OPTIONS="+program.options)
	}
	out, err := m.output(cmd)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for word := range strings.FieldsSeq(out) {
		addr, err := netip.ParseAddr(word)
		if err != nil && !program.wordy {
			return nil, err
		} else if err == nil {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, errors.New("no address")
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), nil
}

// lookup is a name, and what is found for it.
type lookup struct {
	name string
	want []netip.Addr
}

// clientNode is a node on which names are looked up.
type clientNode struct {
	*node
	local []lookup // names that are the node's to answer
}

// readableNode is a node that has a readable name.
func readableNode(t testing.TB) listed {
	t.Helper()
	return listed{ID: strangerID(t), Names: []string{"web-2"}, Addresses: testkit.Addrs("10.88.0.99", "fd88::99")}
}

// newClientNode has names looked up over DNS only, with a search list of two domains.
func newClientNode(l *lan, name, server string) *clientNode {
	l.t.Helper()
	n := through(l, name, server, "[files]", `hosts = ""`, "[zone]", `domains = ["nodes.example"]`)
	web := readableNode(l.t)
	inPlace(n.machine, "site.json", jsonFormat(web))
	n.write("/etc/nsswitch.conf", "hosts: dns\n")
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nsearch one.example two.example\n")
	if testkit.Full() {
		n.furnishJava()
	}
	n.boot()
	n.awaitReady()
	return &clientNode{n, []lookup{
		{n.id, []netip.Addr{n.v4(), n.v6()}},
		{web.Names[0], web.Addresses},
		{web.Names[0] + ".nodes.example", web.Addresses},
		{strangerID(l.t), nil},
		{strangerID(l.t) + ".nodes.example", nil},
	}}
}

// startFor starts what a program asks.
func (n *clientNode) startFor(program clientProgram) {
	if program.serve != nil {
		program.serve(n.host)
	}
}

// finds fails unless a program finds the addresses of a name that it has to, or none.
func (n *clientNode) finds(program clientProgram, l lookup) error {
	got, err := n.lookUp(program, l.name)
	if (err != nil) != (l.want == nil) || !slices.Equal(got, l.want) {
		return fmt.Errorf("%s: found %v (%v), want %v", l.name, got, err, l.want)
	}
	return nil
}

// Every resolver library gets the right addresses through us.
func TestClients(t *testing.T) {
	t.Parallel()
	needSandbox(t, "gcc", "musl-gcc")
	needUnpacked(t, "nsd")
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	n := newClientNode(l, "node", nsd.v4().String())
	www := testkit.Addrs("192.0.2.10", "2001:db8::10")
	lookups := append([]lookup{
		{"www.plain.example", www},
		{"v4only.plain.example", testkit.Addrs("192.0.2.4")},
		{"v6only.plain.example", testkit.Addrs("2001:db8::6")},
		{"chain.plain.example", www},
		{"any.wild.plain.example", testkit.Addrs("192.0.2.40")},
		{"nowhere.plain.example", nil},
		{"ns.nowhere.invalid", nil},
		{"web-9.nodes.example", nil},
	}, n.local...)
	for _, program := range clientPrograms(t) {
		t.Run(program.name, func(t *testing.T) {
			n.startFor(program)
			awaitAll(t, "the addresses are found", lookups, func(l lookup) error { return n.finds(program, l) })
			eventually(t, "too many for UDP are found", func() error {
				got, err := n.lookUp(program, "many.plain.example")
				if !program.ofMany.is(len(got), manyAddresses) {
					return fmt.Errorf("found %d addresses (%v)", len(got), err)
				}
				return nil
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
	for _, program := range clientPrograms(t) {
		t.Run(program.name, func(t *testing.T) {
			n.startFor(program)
			for _, local := range n.local {
				must(t, n.finds(program, local))
				label, _, _ := strings.Cut(local.name, ".")
				for _, name := range asked.all() {
					if strings.Contains(name, label) {
						t.Errorf("the upstream was asked for %s", name)
					}
				}
			}
		})
	}
}
