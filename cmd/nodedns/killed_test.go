package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// programVar is set for a process of the test's own binary that is to be nodedns.
const programVar = "NODEDNS_TEST_AS_PROGRAM"

// Killed at any moment while a curator changes addresses all the time, a daemon that
// starts without the curator answers for no node with an older address than the hosts
// file had, and leaves none in it.
func TestKilledDaemonForgetsNothingOfTheHostsFile(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	// From the second time on each of them starts with what was saved.
	for name, behaviour := range map[string]memory.Behaviour{
		"a curator":                    {},
		"one that ends no backlog":     {NoMarker: true},
		"one that ends within backlog": {Cut: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, seed)
			for i := range testkit.Times(2, 40) {
				k.round(i%3 < 2)
				k.curator.Behave(behaviour)
			}
		})
	}
}

// killed is a machine whose daemon is killed, and its curator.
type killed struct {
	*testMachine
	random    *rand.Rand
	directory *memory.Directory
	curator   *memory.Server
	address   string // of the curator
}

func newKilled(t *testing.T, seed uint64) *killed {
	k := &killed{testMachine: newMachine(t), random: rand.New(rand.NewPCG(seed, 0)), directory: &memory.Directory{}}
	k.curator = &memory.Server{Directory: k.directory, ID: changing(0), Prefix: zone.DefaultPrefix}
	k.directory.Set(memory.Node{ID: nodeID, State: zone.StateUp})
	ctx, stop := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	k.address = l.Addr().String()
	served, changed := make(chan error, 1), make(chan struct{})
	go func() { served <- k.curator.Serve(ctx, l) }()
	go func() { defer close(changed); k.change(ctx) }()
	t.Cleanup(func() {
		stop()
		<-changed
		testkit.Must(t, <-served)
	})
	return k
}

// changingNodes is how many nodes change their addresses.
const changingNodes = 10

func changing(i int) string { return fmt.Sprintf("%s%032x", zone.DefaultPrefix, i+1) }

// change gives one node after the other a higher address than each had before.
func (k *killed) change(ctx context.Context) {
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for version := uint32(10 << 24); ; version++ {
		k.directory.Set(memory.Node{
			ID:      changing(int(version) % changingNodes),
			Address: netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, version))).String(),
			Roles:   zone.ConsensusMember, State: zone.StateUp,
		})
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// round kills a daemon, once it has written what is new or at any time, and compares
// what the next one has.
func (k *killed) round(written bool) {
	k.t.Helper()
	start := k.inFile()
	kill := k.spawn(k.address)
	if written {
		eventually(k.t, "the hosts file has all nodes, and what is new", func() bool {
			now := k.inFile()
			return len(now) == changingNodes && !maps.Equal(now, start)
		})
	}
	time.Sleep(time.Duration(k.random.IntN(testkit.Times(300, 1500))) * time.Millisecond)
	kill()
	before := k.inFile()

	defer k.spawn("127.0.0.1:1")()
	status := k.readyStatus()
	after := k.inFile()
	for id, had := range before {
		addrs, err := dnsclient.Lookup(k.t.Context(), status.Listeners[0], id)
		if err != nil || len(addrs) != 1 || addrs[0].Less(had) {
			k.t.Errorf("DNS answers %v (%v) for %s, the hosts file had %s", addrs, err, id, had)
		}
		if after[id].Less(had) {
			k.t.Errorf("the hosts file has %v for %s, and had %s", after[id], id, had)
		}
	}
}

// inFile are the addresses of the nodes in the hosts file.
func (k *killed) inFile() map[string]netip.Addr {
	k.t.Helper()
	text := []byte(k.read("root/etc/hosts"))
	found := map[string]netip.Addr{}
	for i := range changingNodes {
		if addrs := hostsformat.Lookup(text, changing(i)); len(addrs) > 0 {
			found[changing(i)] = addrs[0]
		}
	}
	return found
}

// spawn starts a process that follows a curator. The function that it returns kills it.
func (k *killed) spawn(curator string) (kill func()) {
	k.t.Helper()
	k.configure(fmt.Sprintf("curator.endpoints = [%q]\ncurator.insecure = true\n", curator))
	var log logbook
	cmd := exec.Command(os.Args[0], append([]string{"run"}, k.options...)...)
	cmd.Env = append(os.Environ(), programVar+"=1")
	cmd.Stdout, cmd.Stderr = &log, &log
	testkit.Must(k.t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		_ = cmd.Wait()
		if text := log.String(); strings.Contains(text, "panic:") || strings.Contains(text, "DATA RACE") {
			k.t.Errorf("it has crashed:\n%s", text)
		}
	}
	k.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return kill
}

// readyStatus waits for a daemon whose zone is ready and files are written.
func (k *killed) readyStatus() (status nodedns.Status) {
	k.t.Helper()
	client := control.NewClient(k.path("control.sock"))
	eventually(k.t, "the saved nodes are loaded and in the hosts file", func() bool {
		var err error
		status, err = client.Status(k.t.Context())
		return err == nil && status.Ready && status.State != nodedns.StateStarting
	})
	return status
}
