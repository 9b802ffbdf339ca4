package verify

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

func TestDNS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		nodes  int
		all    bool
		asked  int
		alter  func(daemon, server *zone.Source)
		differ []Difference
		// reserve has addresses without a reverse record.
		reserve []netip.Addr
	}{
		{name: "only this machine", nodes: 1, asked: 1},
		{name: "all of a few", nodes: 30, asked: 30},
		{name: "a sample of many", nodes: 350, asked: 101},
		{name: "all of many", nodes: 350, all: true, asked: 350},
		{
			name: "nodes with one address", nodes: 5, asked: 6,
			alter: func(daemon, server *zone.Source) {
				for _, s := range []*zone.Source{daemon, server} {
					s.Set(zone.Entry{ID: name(9), Addresses: testkit.Addrs(address(2))})
				}
			},
		},
		{
			name: "a node with a reserved address", nodes: 5, asked: 5,
			reserve: []netip.Addr{netip.MustParseAddr(address(2))},
		},
		{
			name: "a departed node", nodes: 5, asked: 5,
			alter: func(daemon, server *zone.Source) { daemon.Gone(name(3)); server.Gone(name(3)) },
		},
		{
			name: "a node that the server lacks", nodes: 5, asked: 6,
			alter: func(daemon, _ *zone.Source) {
				daemon.Set(zone.Entry{ID: name(9), Addresses: testkit.Addrs("10.9.9.9")})
			},
			differ: []Difference{
				{name(9) + " A", "10.9.9.9", "NXDOMAIN"},
				{name(9) + " AAAA", "", "NXDOMAIN"},
				{"10.9.9.9 PTR", name(9), "NXDOMAIN"},
			},
		},
		{
			name: "another address", nodes: 5, asked: 5,
			alter: func(_, server *zone.Source) {
				server.Set(zone.Entry{ID: name(4), Addresses: testkit.Addrs("10.9.9.9")})
			},
			differ: []Difference{
				{name(4) + " A", address(4), "10.9.9.9"},
				{address(4) + " PTR", name(4), "NXDOMAIN"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			told, daemon := newZone(t, tt.nodes)
			answered, server := newZone(t, tt.nodes)
			told.SetReserved("gateways", tt.reserve)
			answered.SetReserved("gateways", tt.reserve)
			if tt.alter != nil {
				tt.alter(daemon, server)
			}
			r := verified(t, Config{Daemon: &fakeDaemon{store: told, listener: listen(t, answered)}, All: tt.all})
			if r.Asked != tt.asked {
				t.Errorf("asked for %d nodes, want %d", r.Asked, tt.asked)
			}
			for _, network := range []string{"udp", "tcp"} {
				for _, c := range r.Checks {
					if strings.HasSuffix(c.Name, network) && !slices.Equal(c.Differences, tt.differ) {
						t.Errorf("%s: got %+v, want %+v", network, c, tt.differ)
					}
				}
			}
			if r.Equal != (len(tt.differ) == 0) {
				t.Errorf("equal is %v", r.Equal)
			}
		})
	}
}

// A node that moves while it is looked at is no difference: not when it comes to
// rest, and not when it never does.
func TestMovingZone(t *testing.T) {
	t.Parallel()
	for _, moves := range []int{1, 1 << 20} {
		store, source := newZone(t, 5)
		old := store.Snapshot()
		d := &fakeDaemon{store: store, listener: listen(t, store)}
		i := 0
		d.read = func() {
			if i < moves {
				i++
				source.Set(zone.Entry{ID: name(3), Addresses: testkit.Addrs(fmt.Sprintf("10.7.0.%d", i))})
			}
		}
		r := verified(t, Config{Daemon: d})
		if c := check(t, r, "dns"); c.Result != Equal || i < moves && !strings.Contains(c.Detail, "1 changed") {
			t.Errorf("%d moves: %+v", moves, c)
		}
		if old.Serial() == store.Snapshot().Serial() {
			t.Error("the zone has not moved")
		}
	}
}

func TestNoListener(t *testing.T) {
	t.Parallel()
	store, _ := newZone(t, 2)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r := verified(t, Config{Daemon: &fakeDaemon{store: store, listener: l.Addr().(*net.TCPAddr).AddrPort()}})
	if c := check(t, r, "dns"); c.Result != Failed || !strings.Contains(c.Detail, "refused") {
		t.Errorf("got %+v", c)
	}
}

// The hosts file is compared again until it has been written, or long enough.
func TestHosts(t *testing.T) {
	t.Parallel()
	store, _ := newZone(t, 3)
	root := t.TempDir()
	path := filepath.Join(root, "etc/hosts")
	files := hostsfile.Config{
		ID: zone.ID(name(0)), Prefix: zone.DefaultPrefix, StateDir: t.TempDir(),
		Settings: hostsfile.Settings{
			Root: root, Hosts: "/etc/hosts", MachineID: "/etc/machine-id", MachineIDFormat: hostsfile.MachineIDHex, Hostname: true,
		},
	}
	k, err := hostsfile.New(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(store.Snapshot()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lacking := strings.Replace(string(written), address(2)+" "+name(2)+"\n", "", 1)
	listener := listen(t, store)
	for _, tt := range []struct {
		name    string
		text    string
		wait    func() // what happens between two looks
		result  Result
		differs string
	}{
		{"as written", string(written), func() {}, Equal, ""},
		{"a node is missing", lacking, func() {}, Differs, name(2)},
		{"it is written late", lacking, func() { set(string(written)) }, Equal, ""},
	} {
		set(tt.text)
		r := verified(t, Config{
			Daemon: &fakeDaemon{store: store, listener: listener, files: k.Status()}, Files: files,
			wait: func(context.Context, time.Duration) { tt.wait() },
		})
		c := check(t, r, "hosts file")
		if c.Result != tt.result || tt.differs != "" && (len(c.Differences) != 1 || c.Differences[0].Name != tt.differs) {
			t.Errorf("%s: got %+v", tt.name, c)
		}
		for _, other := range []string{"machine-id", "hostname"} {
			if c := check(t, r, other); c.Result != Equal {
				t.Errorf("%s: got %+v", tt.name, c)
			}
		}
	}
}

// Files that the daemon does not manage are those of another configuration.
func TestFilesOfAnotherDaemon(t *testing.T) {
	t.Parallel()
	store, _ := newZone(t, 1)
	r := verified(t, Config{
		Daemon: &fakeDaemon{store: store, listener: listen(t, store), files: []hostsfile.FileStatus{{Path: "/elsewhere/etc/hosts"}}},
		Files: hostsfile.Config{
			ID: zone.ID(name(0)), StateDir: t.TempDir(),
			Settings: hostsfile.Settings{
				Root: t.TempDir(), Hosts: "/etc/hosts", MachineID: "/etc/machine-id",
			},
		},
	})
	for _, of := range []string{"hosts file", "machine-id"} {
		if c := check(t, r, of); c.Result != Failed || !strings.Contains(c.Detail, "--config") {
			t.Errorf("got %+v", c)
		}
	}
}

// In a zone with too many nodes for the hosts file, those that are there all
// the same are compared.
func TestHostsCutDown(t *testing.T) {
	t.Parallel()
	store, source := newZone(t, 30)
	source.Set(zone.Entry{ID: name(20), Addresses: testkit.Addrs(address(20)), Roles: zone.ConsensusMember})
	files := hostsfile.Config{
		ID: zone.ID(name(0)), Prefix: zone.DefaultPrefix, StateDir: t.TempDir(),
		Settings: hostsfile.Settings{
			Root: t.TempDir(), Hosts: "/etc/hosts", HostsMaxNodes: 5,
		},
	}
	k, err := hostsfile.New(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(store.Snapshot()); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Daemon: &fakeDaemon{store: store, listener: listen(t, store), files: k.Status()}, Files: files,
		wait: func(context.Context, time.Duration) {},
	}
	if c := check(t, verified(t, cfg), "hosts file"); c.Result != Equal {
		t.Errorf("got %+v", c)
	}
	source.Set(zone.Entry{ID: name(20), Addresses: testkit.Addrs("10.9.9.9"), Roles: zone.ConsensusMember})
	if c := check(t, verified(t, cfg), "hosts file"); c.Result != Differs || c.Count != 1 || c.Differences[0].Name != name(20) {
		t.Errorf("of a member that moved: got %+v", c)
	}
}

func TestResolvConf(t *testing.T) {
	t.Parallel()
	store, _ := newZone(t, 1)
	stub := "# Written by nodedns, which answers on this machine. To undo it: nodedns resolvconf restore\nnameserver 127.0.0.53\n"
	for _, tt := range []struct {
		name   string
		mode   resolvconf.Mode
		text   string
		result Result
		got    string
	}{
		{"off", resolvconf.ModeOff, "nameserver 192.0.2.53\n", Off, ""},
		{"ours", resolvconf.ModeStub, stub, Equal, ""},
		{"another server", resolvconf.ModeStub, "nameserver 192.0.2.53\n", Differs, "192.0.2.53"},
		{"by another hand", resolvconf.ModeStub, "nameserver 127.0.0.53\n", Differs, "another one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			place := resolvconf.Location{Root: t.TempDir(), Path: "/resolv.conf"}
			if err := os.WriteFile(filepath.Join(place.Root, place.Path), []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			v := verification{Config: Config{ResolvConf: place}}
			v.status = nodedns.Status{
				NodeID: name(0), Serial: store.Snapshot().Serial(), Listeners: testkit.AddrPorts("[::1]:5353", "127.0.0.53:53"),
				ResolvConf: &resolvconf.Status{Path: place.Path, Mode: tt.mode, State: resolvconf.StateStub},
			}
			c := v.checkResolvConf()
			if c.Result != tt.result || tt.got != "" && !strings.Contains(c.Differences[0].Got, tt.got) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

// serveVarlink answers calls by a function of the name, so many on a connection,
// until the test ends.
func serveVarlink(t *testing.T, calls int, answer func(name string) string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "varlink")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			messages := bufio.NewReader(conn)
			for range calls {
				text, err := messages.ReadBytes(0)
				if err != nil {
					break
				}
				var call struct{ Parameters struct{ Name string } }
				if json.Unmarshal(text[:len(text)-1], &call) != nil {
					break
				}
				fmt.Fprintf(conn, "%s\x00", answer(call.Parameters.Name))
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return path
}

func TestVarlink(t *testing.T) {
	t.Parallel()
	const local = `{"parameters":{"addresses":[{"ifindex":0,"family":2,"address":[192,0,2,1]},` +
		`{"family":10,"address":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1]}],"name":"x","flags":1}}`
	store, _ := newZone(t, 1)
	listener := listen(t, store)
	for _, tt := range []struct {
		name, answer string
		result       Result
		got          string
	}{
		{"equal", local, Equal, ""},
		{"one of them", `{"parameters":{"addresses":[{"family":2,"address":[192,0,2,1]}]}}`, Differs, "192.0.2.1"},
		{"no record", `{"error":"io.systemd.Resolve.NoSuchResourceRecord"}`, Differs, ""},
		{"an error", `{"error":"io.systemd.Resolve.NetworkDown"}`, Differs, "io.systemd.Resolve.NetworkDown"},
		{"nonsense", `]`, Failed, ""},
		{"half an address", `{"parameters":{"addresses":[{"family":2,"address":[192]}]}}`, Failed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := serveVarlink(t, 10, func(string) string { return tt.answer })
			c := check(t, verified(t, Config{Daemon: &fakeDaemon{store: store, listener: listener}, Varlink: path}), "varlink")
			if c.Result != tt.result || c.Result == Differs && c.Differences[0].Got != tt.got {
				t.Errorf("got %+v", c)
			}
		})
	}
	c := check(t, verified(t, Config{Daemon: &fakeDaemon{store: store, listener: listener}, Varlink: filepath.Join(t.TempDir(), "none")}), "varlink")
	if c.Result != Failed {
		t.Errorf("without a socket: %+v", c)
	}
}

// A server that hangs up between two calls, as one does that takes us for idle,
// is called again.
func TestVarlinkHangsUp(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: zone.ID(name(0))})
	if err != nil {
		t.Fatal(err)
	}
	source := store.Source("curator")
	source.Set(zone.Entry{ID: name(1), Addresses: testkit.Addrs(address(1))}, zone.Entry{ID: name(2), Addresses: testkit.Addrs(address(2))})
	path := serveVarlink(t, 1, func(asked string) string {
		for i := 1; i <= 2; i++ {
			if asked == name(i) {
				return fmt.Sprintf(`{"parameters":{"addresses":[{"family":2,"address":[10,0,0,%d]}]}}`, i)
			}
		}
		return `{"error":"io.systemd.Resolve.NoSuchResourceRecord"}`
	})
	c := check(t, verified(t, Config{Daemon: &fakeDaemon{store: store, listener: listen(t, store)}, Varlink: path}), "varlink")
	if c.Result != Equal {
		t.Errorf("got %+v", c)
	}
}

func TestManyDifferencesAreCounted(t *testing.T) {
	t.Parallel()
	c := newCheck("x", "", make([]Difference, maxShown+5))
	if len(c.Differences) != maxShown || c.Count != maxShown+5 || c.Result != Differs {
		t.Errorf("got %d of %d, %s", len(c.Differences), c.Count, c.Result)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	p := limiter{begun: time.Unix(0, 0)}
	ahead := time.Duration(0)
	for range perSecond {
		ahead = p.next(time.Unix(0, 0))
	}
	if ahead != time.Second {
		t.Errorf("a second's questions at once are %v ahead", ahead)
	}
	if late := p.next(time.Unix(9, 0)); late > 0 {
		t.Errorf("late questions wait %v", late)
	}
}
