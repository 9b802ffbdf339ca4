package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// otherPrograms are languages and tools that look up names, each in a way of its
// own. They are asked with NODEDNS_FULL=1 alone: their packages are those of
// unpacked-full.txt.
func otherPrograms(t testing.TB) []clientProgram {
	t.Helper()
	needUnpacked(t, "php8.2", "kdig", "drill", "busybox")
	tool := func(name string, args ...string) *exec.Cmd { return testkit.Tool(t, name, args...) }
	lookup := func(program string, args ...string) func(string) *exec.Cmd {
		return func(name string) *exec.Cmd { return tool(program, append(args, name)...) }
	}
	// records asks for both types, as these tools do one after the other.
	records := func(program string, args ...string) func(string) *exec.Cmd {
		return func(name string) *exec.Cmd {
			return tool(program, append(args, name, "A", name, "AAAA")...)
		}
	}
	return append(proxyPrograms(t), []clientProgram{
		{name: "Python", command: func(name string) *exec.Cmd { return exec.Command(python3, "-c", pythonLookup, name) }},
		{name: "Perl", command: lookup("perl", "-e", perlLookup)},
		{name: "PHP", command: lookup("php8.2", "-n", "-r", phpLookup)},
		{name: "Node", command: lookup("node", "-e", nodeLookup)},
		{name: "Node, by c-ares", command: lookup("node", "-e", nodeResolve)},
		{name: "Java", command: func(name string) *exec.Cmd { return javaLookup(t, name) }},
		{name: "curl", command: func(name string) *exec.Cmd { return exec.Command("sh", "-c", curlLookup, "sh", name) }, ofMany: aPart},
		{name: "busybox", command: filtered(t, "busybox", busyboxLookup), wordy: true, ofMany: aPart, rooted: true},
		{name: "busybox ping", command: filtered(t, "busybox", busyboxPing), ofMany: aPart},
		{name: "drill", command: filtered(t, "drill", drillLookup), wordy: true, ofMany: aPart},
		{name: "dig", command: records("dig", "+short", "+search"), wordy: true},
		{name: "kdig", command: records("kdig", "+short"), wordy: true},
	}...)
}

// What these run prints the addresses of a name, one a line, and fails where there
// is none.
const (
	pythonLookup = "import socket, sys\nfor a in socket.getaddrinfo(sys.argv[1], None, type=socket.SOCK_STREAM): print(a[4][0])"
	perlLookup   = `use Socket qw(:addrinfo SOCK_STREAM);
my ($err, @found) = getaddrinfo($ARGV[0], undef, {socktype => SOCK_STREAM}); die $err if $err;
for (@found) { my ($err, $addr) = getnameinfo($_->{addr}, NI_NUMERICHOST, NIx_NOSERV); print "$addr\n" }`
	phpLookup = `foreach ([DNS_A => "ip", DNS_AAAA => "ipv6"] as $type => $key)
	foreach (@dns_get_record($argv[1], $type) ?: [] as $found) if (isset($found[$key])) echo $found[$key], "\n";`
	nodeLookup = `require("dns").lookup(process.argv[1], {all: true}, (err, found) => {
	if (err) throw err;
	for (const one of found) console.log(one.address);
})`
	nodeResolve = `const dns = require("dns").promises, name = process.argv[1];
Promise.allSettled([dns.resolve4(name), dns.resolve6(name)]).then(both => {
	for (const one of both) for (const addr of one.value ?? []) console.log(addr);
})`
	busyboxLookup = `"$0" nslookup "$1" | sed '1,/^$/d'`
	// It prints the first address of each family before it sends anything.
	busyboxPing = `for family in -4 -6; do "$0" ping $family -c 1 -W 1 "$1" | sed -n 's/^PING .* (\(.*\)): .*/\1/p'; done`
	drillLookup = `for type in A AAAA; do "$0" "$1" "$type" | sed -n '/ANSWER SECTION/,/^$/p'; done`
	// It tries each address in turn until one takes the connection; none does.
	curlLookup = `curl -sv -m 2 "http://$1:9/" 2>&1 | sed -n 's/.*Trying \[\{0,1\}\([0-9a-f.:]*\)\]\{0,1\}:9\.\.\..*/\1/p'`
)

// filtered runs a script whose $0 is a tool that prints more than addresses.
func filtered(t testing.TB, program, script string) func(string) *exec.Cmd {
	return func(name string) *exec.Cmd {
		tool := testkit.Tool(t, program)
		cmd := exec.Command("sh", "-c", script, tool.Path, name)
		cmd.Env = tool.Env
		return cmd
	}
}

// javaLookup runs testdata/Lookup.class, which javac --release 8 -g:none makes of
// Lookup.java: a JRE has no compiler.
func javaLookup(t testing.TB, name string) *exec.Cmd {
	t.Helper()
	java, args := "java", []string{"-Xshare:off", "-cp", "testdata", "Lookup", name}
	found, err := filepath.Glob(filepath.Join(os.Getenv(unpackedVar), "usr/lib/jvm/*/bin/java"))
	must(t, err)
	if len(found) > 0 {
		java = found[0]
	}
	return exec.Command(java, args...)
}

// furnishJava puts what Debian's Java has in /etc on a machine.
func (m *machine) furnishJava() {
	m.t.Helper()
	const etc = "/etc/java-17-openjdk"
	for _, root := range []string{os.Getenv(unpackedVar), "/"} {
		if from := filepath.Join(root, etc); root != "" {
			if _, err := os.Stat(from); err == nil {
				must(m.t, os.CopyFS(m.path(etc), os.DirFS(from)))
				return
			}
		}
	}
}
