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
	needUnpacked(t, "php8.2", "kdig")
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
	return []clientProgram{
		{name: "Python", command: func(name string) *exec.Cmd { return exec.Command(python3, "-c", pythonLookup, name) }},
		{name: "Perl", command: lookup("perl", "-e", perlLookup)},
		{name: "PHP", command: lookup("php8.2", "-n", "-r", phpLookup)},
		{name: "Node", command: lookup("node", "-e", nodeLookup)},
		{name: "Java", command: func(name string) *exec.Cmd { return javaLookup(t, name) }},
		{name: "curl", command: func(name string) *exec.Cmd { return exec.Command("sh", "-c", curlLookup, "sh", name) }, first: true},
		{name: "dig", command: records("dig", "+short", "+search"), aliases: true},
		{name: "kdig", command: records("kdig", "+short"), aliases: true},
	}
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
	// It tries each address in turn until one takes the connection; none does.
	curlLookup = `curl -sv -m 2 "http://$1:9/" 2>&1 | sed -n 's/.*Trying \[\{0,1\}\([0-9a-f.:]*\)\]\{0,1\}:9\.\.\..*/\1/p'`
)

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
