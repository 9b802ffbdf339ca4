package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// sshd stands for a server on each machine, and the client of one: it looks a
// machine up as ssh does and runs the command there. What it leaves out is what
// has nothing to do with names.
const sshd = `user=
while :; do
	case $1 in
	-l) user=$2; shift 2 ;;
	-*) echo "ssh: unknown option $1" >&2; exit 255 ;;
	*) break ;;
	esac
done
host=${1#*@}; shift
found=$(getent ahosts "$host") || { echo "ssh: Could not resolve hostname $host: Name or service not known" >&2; exit 255; }
case " $(echo "$found" | cut -d ' ' -f 1 | tr '\n' ' ')" in
MACHINES
*" 127."*) exec sh -c "cd && $*" ;;
*) echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255 ;;
esac
PATH=$dir:$PATH exec nsenter --target "$thread" --net --mount --uts -- sh -c "cd && $*"`

// newFleet is the first of three machines with the names of the page, on which
// the package was installed and nothing else done. They know each other by no
// name.
func newFleet(t *testing.T) (m *machine, path string) {
	needUnpacked(t, "rsync")
	l := newLAN(t)
	startDNSMasq(l.router, routerV4, "--local=/example/", "--host-record=www.example,192.0.2.10")
	var machines strings.Builder
	var paths []string
	for _, name := range []string{"web-1", "web-2", "db-1"} {
		n := &node{host: l.join(name).address()}
		n.run("hostname", name)
		n.write("/etc/hostname", name+"\n")
		n.write("/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\t"+name+"\n")
		n.write(resolvConf, "search corp.example\nnameserver "+routerV4+"\n")
		n.write(configFile, packaged(t))
		must(t, os.MkdirAll(n.path("/etc/nodedns/nodedns.d"), 0o755))
		dir := n.systemd()
		unpackedProgram(t, dir, "rsync")
		fmt.Fprintf(&machines, "*\" %s \"*|*\" %s \"*) thread=%d dir=%s ;;\n", n.v4(), n.v6(), n.tid, dir)
		paths = append(paths, dir)
		if m == nil {
			m = n.machine
		}
	}
	client := strings.Replace(sshd, "MACHINES\n", machines.String(), 1)
	for _, dir := range paths {
		writeProgram(t, dir, "ssh", client)
	}
	return m, paths[0]
}
