package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
)

// 64 MiB are enough for a daemon that has 100,000 nodes of a file, each with its name,
// and a full cache of 4 MiB, while it reads the file and while names are queried, of the
// nodes and of others: with more it would be killed.
func TestMemoryOfAFile(t *testing.T) {
	t.Parallel()
	testkit.Memory(t)
	testkit.Long(t)
	needSandbox(t)
	const (
		listedNodes  = 100_000
		otherNames   = 10_000 // whose answers take more than the cache
		mostMemory   = 64     // MB of 2^20 octets
		nodesNetwork = 10 << 24
	)
	nodes := make([]listed, listedNodes)
	for i := range nodes {
		addr := nodesNetwork + 1 + i
		nodes[i] = listed{
			Names:     []string{fmt.Sprint("host-", i)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)})},
		}
	}
	l := newLAN(t)
	server := newScripted(l.join("server").address(), script{udp: answersWell})
	n := through(l, "node", server.addr().String(), "[cache]", `size = "4MiB"`)
	inPlace(n.machine, "fleet.hosts", hostsFormat(nodes...))
	d, stop, most := n.startDaemonWithin(mostMemory<<20), make(chan struct{}), make(chan float64, 1)
	n.daemon = d
	go func() { most <- d.peak(stop) }()
	n.awaitReady()
	eventually(t, "the last of the nodes", func() error { return n.resolves(nodes[listedNodes-1].Names[0], nodes[listedNodes-1].Addresses...) })

	conn, err := n.dial("udp", "127.0.0.53:53")
	must(t, err)
	defer conn.Close()
	for i := range otherNames {
		must(t, exchange(conn, fmt.Sprintf("name-%d.example.", i)))
		must(t, exchange(conn, nodes[rand.IntN(listedNodes)].Names[0]+"."))
	}
	close(stop)
	peak := <-most
	now, err := d.anonymous()
	must(t, err)
	t.Logf("%.1f MB at most, %.1f MB at the end", peak, now)
	must(t, d.running())
	if peak > mostMemory {
		t.Errorf("%.1f MB at most, want at most %d", peak, mostMemory)
	}
}

// startDaemonWithin starts the daemon in a control group that may have so many octets of
// memory. Where none can be made, the runtime is given the limit that follows from it.
func (m *machine) startDaemonWithin(memory int) *daemon {
	m.t.Helper()
	group, err := memoryCgroup(m.t, memory)
	if err != nil {
		m.t.Logf("without a control group: %v", err)
		return m.startDaemonWith(append(os.Environ(), fmt.Sprint("GOMEMLIMIT=", memory/100*85)), nil)
	}
	return m.launchDaemon(nil, nil, func(cmd *exec.Cmd) error {
		enter := []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(group, "cgroup.procs"), cmd.Path}
		cmd.Path, cmd.Args = "/bin/sh", append(enter, cmd.Args[1:]...)
		return m.start(cmd)
	})
}

// memoryCgroup makes a control group with a limit of memory, in the unified hierarchy or
// in that of memory alone, which is removed when the test ends.
func memoryCgroup(t testing.TB, memory int) (dir string, err error) {
	for parent, limit := range map[string]string{"/sys/fs/cgroup": "memory.max", "/sys/fs/cgroup/memory": "memory.limit_in_bytes"} {
		if dir, err = os.MkdirTemp(parent, "nodedns-"); err != nil {
			continue
		}
		group := dir
		t.Cleanup(func() { must(t, os.Remove(group)) })
		var file *os.File
		if file, err = os.OpenFile(filepath.Join(dir, limit), os.O_WRONLY, 0); err != nil {
			continue // it is another hierarchy
		}
		_, err = fmt.Fprint(file, memory)
		if err = errors.Join(err, file.Close()); err == nil {
			return dir, nil
		}
	}
	return "", err
}

// exchange queries a name over UDP until there is a reply, and checks that it has an
// address.
func exchange(conn net.Conn, name string) error {
	query, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(query); err != nil {
		return err
	}
	var buffer [512]byte
	size, err := conn.Read(buffer[:])
	if err != nil {
		return err
	}
	var reply dns.Msg
	if err := reply.Unpack(buffer[:size]); err != nil {
		return err
	}
	if reply.Rcode != dns.RcodeSuccess || len(reply.Answer) != 1 {
		return fmt.Errorf("the answer to %s is %s", name, &reply)
	}
	return nil
}
