package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/enable"
)

// leavesAlone are the lines of a configuration with everything off.
const leavesAlone = "files.hosts = \"\"\nfiles.machine_id = \"\"\nfiles.hostname = false\n"

// newQuiet is a machine that nodedns leaves alone.
func newQuiet(t *testing.T) *testMachine {
	t.Helper()
	m := newMachine(t)
	m.configure(leavesAlone)
	m.write("root/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	m.write("root/etc/hostname", "unnamed\n")
	m.write("root/etc/resolv.conf", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
	m.write("root/etc/nsswitch.conf", "passwd: files\nhosts: files # that is all\n")
	return m
}

// allFeatures are all features by their names, so that no hostname is kept.
const allFeatures = "hosts,machine-id,hostname,resolv-conf,nsswitch"

// places counts the addresses that port53 gave.
var places atomic.Uint32

// port53 makes the machine listen where resolv.conf can point at, on an address
// that no other test has, of another process either.
func (m *testMachine) port53(lines string) {
	m.t.Helper()
	m.configure(leavesAlone + lines)
	pid := os.Getpid()
	place := fmt.Sprintf("127.%d.%d.%d:53", 64+places.Add(1), pid>>8&0xff, pid&0xff)
	m.write("nodedns.toml", strings.Replace(m.read("nodedns.toml"), "127.0.0.1:0", place, 1))
}

func TestEnablePlans(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(m *testMachine) (args []string){
		"all": func(m *testMachine) []string { m.port53(""); return nil },
		"cluster": func(m *testMachine) []string {
			m.port53("")
			m.write("root/etc/hostname", "web-2.corp.example\n")
			return []string{"--curator.endpoints=192.0.2.9:7835"}
		},
		"hostname": func(m *testMachine) []string {
			m.write("root/etc/hostname", "Web-2.corp.example\n")
			return []string{"--only", "hosts,hostname"}
		},
		"some": func(m *testMachine) []string {
			m.port53("")
			return []string{"--only", "nsswitch,hosts"}
		},
		"hindered": func(m *testMachine) []string {
			m.configure("files.machine_id = \"\"\n")
			m.write("nodedns.d/60-mine.toml", "files.machine_id = \"\"\n")
			m.write("root/etc/nsswitch.conf", "hosts: files [NOTFOUND]\n")
			return []string{"--files.hosts="}
		},
		"systemd": func(m *testMachine) []string {
			m.port53("files.machine_id_format = \"auto\"\n")
			m.write("nodedns.toml", strings.Replace(m.read("nodedns.toml"), "files.machine_id_format = \"node-id\"\n", "", 1))
			m.write("root/run/systemd/system/.keep", "")
			m.write("root/etc/resolv.conf", "# empty\n")
			m.write("root/etc/nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newQuiet(t)
			o := m.command("enable", append(prepare(m), "--dry-run")...)
			o.expect(t, exitOK, "FEATURE", "")
			// The path's length would change the widths of the columns.
			text := strings.ReplaceAll(o.stdout, m.dir, "DIR")
			var lines []string
			for line := range strings.Lines(text) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
			golden(t, "enable_"+name, strings.Join(lines, "\n")+"\n")
		})
	}
}

// A hostname is only given up for a name that other machines know.
func TestEnableKeepsTheHostname(t *testing.T) {
	t.Parallel()
	const kept, changed = "unchanged", nodeID
	for _, tt := range []struct {
		name, hostname string
		args           []string
		becomes, note  string
	}{
		{"without a curator", "web-2", nil, kept, `identity.node_id = "web-2" makes it this node's ID, and --only hostname sets it to ` + nodeID},
		{"with a domain", "Web-2.corp.example", nil, kept, `identity.node_id = "web-2"`},
		{"it is the ID", "web-2.corp.example", []string{"--identity.node_id=web-2"}, kept, "begins with this node's ID"},
		{"it is all of the ID", "web-2", []string{"--identity.node_id=web-2"}, "web-2", ""},
		{"with a curator", "web-2", []string{"--curator.endpoints=192.0.2.9:7835"}, changed, "--only hosts,machine-id,resolv-conf,nsswitch keeps web-2"},
		{"asked for", "web-2", []string{"--only=hostname"}, changed, `without hostname keeps web-2, or have its name be the node's ID: identity.node_id = "web-2"`},
		{"asked for beside others", "web-2", []string{"--only=hostname,hosts"}, changed, "--only hosts keeps web-2"},
		{"asked for with a curator", "web-2", []string{"--only=hostname", "--curator.endpoints=192.0.2.9:7835"}, changed, "without hostname keeps web-2"},
		{"on already", "web-2", []string{"--files.hostname=true"}, kept, "it becomes " + nodeID + " when the daemon starts; files.hostname = false keeps web-2"},
		{"none", "", nil, changed, ""},
		{"a placeholder", "localhost.localdomain", nil, changed, ""},
		{"no host name", "(none)", nil, changed, ""},
		{"another node's ID", "metropolis-ffffffffffffffffffffffffffffffff", nil, changed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newQuiet(t)
			m.write("root/etc/hostname", tt.hostname+"\n")
			var plan result
			o := m.command("enable", append(tt.args, "--dry-run", "--json")...)
			o.expect(t, exitOK, "", "")
			if err := json.Unmarshal([]byte(o.stdout), &plan); err != nil {
				t.Fatal(err)
			}
			row := plan.Rows[slices.IndexFunc(plan.Rows, func(r enable.Row) bool { return r.Feature == enable.Hostname })]
			if row.Becomes != tt.becomes || !strings.Contains(row.Note, tt.note) || tt.note == "" && row.Note != "" {
				t.Errorf("got %+v, want %s with %q", row, tt.becomes, tt.note)
			}
			if row.Change != (tt.becomes != kept) {
				t.Errorf("it changes: %t", row.Change)
			}
			if slices.Contains(plan.Keys, "files.hostname") != row.Change {
				t.Errorf("the keys are %q", plan.Keys)
			}
		})
	}
}

func TestEnableRefuses(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	m.command("enable", "--only", "everything").expect(t, exitUsage, "", `got "everything", expected some of hosts machine-id`)
	m.command("enable").expect(t, exitFailed, "FEATURE", "add --yes")
	if _, err := os.Lstat(m.path("nodedns.d")); err == nil {
		t.Error("it was done all the same")
	}
	m.write("nodedns.toml", "zone.ttl = 1\n")
	m.command("enable").expect(t, exitUsage, "", "nodedns.toml:1")
}

// Without systemd the daemon is started, and stopped, by other means.
func TestEnableWithoutSystemd(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	before := m.files("root")
	m.command("enable", "--yes", "--only", allFeatures).expect(t, exitOK, "Enabled.", "")
	if got, want := m.read("root/etc/nsswitch.conf"), "passwd: files\nhosts: files dns # that is all\n"; got != want {
		t.Errorf("nsswitch.conf is %q", got)
	}
	d := m.start()
	eventually(t, "the hosts file has us", func() bool {
		return strings.Contains(m.read("root/etc/hosts"), "192.0.2.10 "+nodeID)
	})
	if got := m.read("root/etc/hostname"); got != nodeID+"\n" {
		t.Errorf("the hostname is %q", got)
	}
	m.command("enable").expect(t, exitOK, "There is nothing to do.", "")
	m.command("disable", "--yes").expect(t, exitFailed, "stop it before", "disable once more")
	d.end()
	m.command("disable", "--yes").expect(t, exitOK, "block removed", "")
	if after := m.files("root"); after != before {
		t.Errorf("the files were\n%s\nand are\n%s", before, after)
	}
	for _, name := range []string{"nodedns.d", "state/enabled.json"} {
		if _, err := os.Lstat(m.path(name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	m.command("disable").expect(t, exitOK, "Nothing is enabled.", "")
}

// files are the contents of all files of a directory, but for the one that
// containers share.
func (m *testMachine) files(dir string) string {
	m.t.Helper()
	var text strings.Builder
	for _, pattern := range []string{"/*/*", "/*/*/*"} {
		names, err := filepath.Glob(m.path(dir) + pattern)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, name := range names {
			if content, err := os.ReadFile(name); err == nil && !strings.Contains(name, "/run/") {
				fmt.Fprintf(&text, "%s: %q\n", name, content)
			}
		}
	}
	return text.String()
}

func TestDisableSome(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	m.command("enable", "--yes", "--only", "hosts,hostname").expect(t, exitOK, "Enabled.", "")
	m.command("enable", "--yes", "--only", "machine-id").expect(t, exitOK, "Enabled.", "")
	d := m.start()
	eventually(t, "the hosts file has us", func() bool { return strings.Contains(m.read("root/etc/hosts"), nodeID) })
	d.end()
	m.command("disable", "--yes", "--only", "machine-id,nsswitch").expect(t, exitOK, "Disabled.", "")
	if got := m.read("root/etc/machine-id"); got != "0123456789abcdef0123456789abcdef\n" {
		t.Errorf("machine-id is %q", got)
	}
	if got := m.read("root/etc/hosts"); !strings.Contains(got, nodeID) {
		t.Errorf("the hosts file is %q", got)
	}
	if got := m.read("nodedns.d/50-enabled.toml"); !strings.Contains(got, "files.hosts =") || strings.Contains(got, "machine_id") {
		t.Errorf("the drop-in is %q", got)
	}
	m.command("disable", "--yes").expect(t, exitOK, "Disabled.", "")
	if got := m.read("root/etc/hosts"); strings.Contains(got, nodeID) {
		t.Errorf("the hosts file is %q", got)
	}
}

// A package that goes calls it without knowing whether there is anything to do.
func TestDisableWithNothingEnabled(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("nodedns.toml", "state.dir = \""+m.path("state")+"\"\nidentity.public_key = \"\"\n")
	m.command("disable", "--yes").expect(t, exitOK, "Nothing is enabled.", "")
	if _, err := os.Lstat(m.path("state")); err == nil {
		t.Error("it made the state directory")
	}
}

// A broken configuration, or none, must not prevent disabling.
func TestDisableWithAWrongConfiguration(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	m.command("enable", "--yes", "--only", "nsswitch").expect(t, exitOK, "Enabled.", "")
	m.write("nodedns.toml", m.read("nodedns.toml")+"zone.colour = 1\n")
	m.command("disable", "--yes").expect(t, exitOK, "original put back", "going on with")
	if got := m.read("root/etc/nsswitch.conf"); got != "passwd: files\nhosts: files # that is all\n" {
		t.Errorf("nsswitch.conf is %q", got)
	}
}

// Nor must a key that is lost: without it nodedns cannot start either.
func TestPuttingBackWithoutIdentity(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"disable": {"--yes"}, "restore": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newQuiet(t)
			before := m.files("root")
			m.command("enable", "--yes").expect(t, exitOK, "Enabled.", "")
			m.start().end()
			m.options = append(m.options, "--identity.node_id=", "--identity.public_key", m.path("none.pub"))
			m.command(name, args...).expect(t, exitOK, "block removed", "none.pub does not exist")
			m.command("disable", "--yes").expect(t, exitOK, "", "")
			if after := m.files("root"); after != before {
				t.Errorf("the files were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

// The state directory is the daemon's, which may be in others' hands.
func TestDisableWithAHostileRecord(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(m *testMachine, path string) error{
		"a FIFO":       func(_ *testMachine, path string) error { return unix.Mkfifo(path, 0o600) },
		"a symlink":    func(m *testMachine, path string) error { return os.Symlink(m.path("nodedns.toml"), path) },
		"a large file": func(_ *testMachine, path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newQuiet(t)
			m.write("state/.keep", "")
			if err := plant(m, m.path("state/enabled.json")); err != nil {
				t.Fatal(err)
			}
			m.command("disable", "--yes").expect(t, exitFailed, "", "remove that file")
		})
	}
}

// What others have done to nsswitch.conf since is theirs.
func TestDisableLeavesWhatOthersWrote(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	m.command("enable", "--yes", "--only", "nsswitch").expect(t, exitOK, "Enabled.", "")
	const theirs = "passwd: files sss\nhosts: files dns\n"
	m.write("root/etc/nsswitch.conf", theirs)
	m.command("disable", "--yes").expect(t, exitOK, "changed by another program", "")
	if got := m.read("root/etc/nsswitch.conf"); got != theirs {
		t.Errorf("nsswitch.conf is %q", got)
	}
}

func TestEnableJSON(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	o := m.command("enable", "--json", "--yes", "--only", "hosts")
	o.expect(t, exitOK, "", "")
	var got struct {
		DropIn string   `json:"drop_in"`
		Keys   []string `json:"keys"`
		Done   bool     `json:"done"`
		Plan   []struct {
			Feature, Path, Now, Becomes, Note string
			Change                            bool
		} `json:"plan"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	if got.DropIn != m.path("nodedns.d/50-enabled.toml") || !got.Done || fmt.Sprint(got.Keys) != "[files.hosts]" ||
		len(got.Plan) != 2 || got.Plan[0].Feature != "hosts" || !got.Plan[0].Change || got.Plan[1].Feature != "daemon" {
		t.Errorf("got %+v", got)
	}
}

// On a terminal the command asks for confirmation.
func TestEnableAsks(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{"y\n": exitOK, "Yes\n": exitOK, "\n": exitFailed, "no\n": exitFailed} {
		m := newQuiet(t)
		master, slave := terminal(t)
		if _, err := master.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		root, _ := newRoot("enable")
		root.SetArgs(append([]string{"enable", "--only", "hosts"}, m.options...))
		var stdout, stderr bytes.Buffer
		root.SetIn(slave)
		root.SetOut(&stdout)
		root.SetErr(&stderr)
		err := root.ExecuteContext(context.Background())
		if (err == nil) != (want == exitOK) || !strings.Contains(stderr.String(), "[y/N]") {
			t.Errorf("%q: got %v and\n%s", answer, err, &stderr)
		}
		if _, err := os.Lstat(m.path("nodedns.d")); (err == nil) != (want == exitOK) {
			t.Errorf("%q: the drop-in: %v", answer, err)
		}
	}
}

// With --json there is nothing to be read yet that one could agree to.
func TestEnableJSONDoesNotAsk(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	_, slave := terminal(t)
	root, _ := newRoot("enable")
	root.SetArgs(append([]string{"enable", "--json", "--only", "hosts"}, m.options...))
	var stdout, stderr bytes.Buffer
	root.SetIn(slave)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	if err := root.ExecuteContext(t.Context()); !errors.Is(err, errUnconfirmed) || stderr.Len() > 0 || !json.Valid(stdout.Bytes()) {
		t.Errorf("got %v and\n%s\n%s", err, &stdout, &stderr)
	}
}

// Two at once would undo each other's halves.
func TestEnableKeepsOthersOut(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	m.command("enable", "--yes", "--only", "hosts").expect(t, exitOK, "Enabled.", "")
	dir, err := os.Open(m.path("state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	m.command("enable", "--yes").expect(t, exitFailed, "", "is changing this machine")
	m.command("disable", "--yes").expect(t, exitFailed, "", "is changing this machine")
	m.command("disable", "--dry-run").expect(t, exitOK, "what it was before", "")
	if got := m.read("nodedns.d/50-enabled.toml"); !strings.Contains(got, "files.hosts =") || strings.Contains(got, "machine_id") {
		t.Errorf("the drop-in is %q", got)
	}
}

// Who thinks about a plan for long may agree to one that is out of date.
func TestEnableByAnOldPlan(t *testing.T) {
	t.Parallel()
	m := newQuiet(t)
	master, slave := terminal(t)
	root, _ := newRoot("enable")
	root.SetArgs(append([]string{"enable", "--only", "hostname"}, m.options...))
	var stdout bytes.Buffer
	stderr := new(logbook)
	root.SetIn(slave)
	root.SetOut(&stdout)
	root.SetErr(stderr)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(context.Background()) }()
	eventually(t, "it asks", func() bool { return strings.Contains(stderr.String(), "[y/N]") })
	m.command("enable", "--yes", "--only", "hosts").expect(t, exitOK, "Enabled.", "")
	if _, err := master.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "meanwhile") {
		t.Errorf("got %v", err)
	}
	if got := m.read("nodedns.d/50-enabled.toml"); !strings.Contains(got, "files.hosts =") {
		t.Errorf("the drop-in is %q", got)
	}
}

// terminal makes a pseudoterminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("needs pseudoterminals: ", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs pseudoterminals: ", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}
