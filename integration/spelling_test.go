package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Names of the user's lines are given back as they are spelled there, by DNS as by
// glibc's own reading of the file.
// Shows RFC 4343 4.1b.
// Shows hosts(5) canonical.
func TestSpellingOfTheUsersLines(t *testing.T) {
	t.Parallel()
	x := needNSS(t, python3)
	n := newNode(newLAN(t), "node")
	n.asksByResolve(noUpstream)
	n.write("/etc/hosts", userHosts+"192.0.2.88 Web1.Corp.Example WEB1 www\n192.0.2.89 Solo\n192.0.2.90 lower\n2001:db8::88 web1.corp.example\n")
	n.boot()
	n.served(x)
	for addr, want := range map[string]string{
		"192.0.2.88": "Web1.Corp.Example.", "192.0.2.89": "Solo.", "192.0.2.90": "lower.", "2001:db8::88": "web1.corp.example.",
	} {
		eventually(t, "the name of "+addr, func() error {
			r, err := n.ask(addr, "PTR")
			if err == nil && !slices.Equal(r.data("PTR"), []string{want}) {
				err = fmt.Errorf("it is %v, want %s", r.data("PTR"), want)
			}
			return err
		})
	}
	const canonical = `import socket, sys
for name in sys.argv[1:]: print(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)[0][3])
for addr in ("192.0.2.88", "192.0.2.89", "2001:db8::88"): print(socket.getnameinfo((addr, 0), socket.NI_NAMEREQD)[0])`
	names := []string{"web1", "WEB1.corp.example", "WWW", "solo", "LOWER"}
	lookUp := func(hosts string) string {
		t.Helper()
		n.write("/etc/nsswitch.conf", "hosts: "+hosts+"\n")
		out, err := x.run(n.machine, append([]string{python3, "-c", canonical}, names...)...)
		must(t, err)
		return strings.Join(strings.Fields(out), " ")
	}
	want := lookUp("files")
	if wanted := "Web1.Corp.Example Web1.Corp.Example Web1.Corp.Example Solo lower Web1.Corp.Example Solo web1.corp.example"; want != wanted {
		t.Errorf("glibc finds %s in the file, want %s", want, wanted)
	}
	if got := lookUp("resolve"); got != want {
		t.Errorf("nss-resolve finds %s, want %s", got, want)
	}
	var answer struct {
		Lines []struct{ Line int } `json:"lines"`
	}
	must(t, n.decode(&answer, "query", "88.2.0.192.in-addr.arpa", "PTR"))
	if len(answer.Lines) != 1 || answer.Lines[0].Line != 3 {
		t.Errorf("the answer is from %+v, want line 3", answer.Lines)
	}
}
