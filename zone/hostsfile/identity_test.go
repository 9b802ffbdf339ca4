package hostsfile

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/zone"
)

const (
	selfHex  = "00000000000000000000000000000007\n"
	otherHex = "0123456789abcdef0123456789abcdef\n"
)

// Shows machine-id(5) format, node-id, first-boot, live.
func TestMachineID(t *testing.T) {
	t.Parallel()
	missing := "\x00missing"
	for _, c := range []struct {
		name    string
		format  MachineIDFormat
		systemd bool
		old     string
		want    string
	}{
		{"auto without systemd", MachineIDAuto, false, otherHex, string(self)},
		{"auto without systemd, missing", MachineIDAuto, false, missing, string(self)},
		{"auto with systemd, missing", MachineIDAuto, true, missing, selfHex},
		{"auto with systemd, empty", MachineIDAuto, true, "", selfHex},
		{"auto with systemd, uninitialized", MachineIDAuto, true, "uninitialized\n", selfHex},
		{"auto with systemd: the ID of a live machine stays", MachineIDAuto, true, otherHex, otherHex},
		{"empty format is auto", "", true, otherHex, otherHex},
		{"node-id with systemd", MachineIDNode, true, otherHex, string(self)},
		{"hex without systemd", MachineIDHex, false, missing, selfHex},
		{"hex over another", MachineIDHex, true, otherHex, selfHex},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			path := s.path("etc/machine-id")
			if c.old != missing {
				write(t, path, c.old)
			}
			if c.systemd {
				if err := os.MkdirAll(s.path(systemdRuns), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cfg := Config{
				ID: self, Prefix: zone.DefaultPrefix, StateDir: s.state,
				Settings: Settings{
					Root: s.root, MachineID: "/etc/machine-id", MachineIDFormat: c.format,
				},
			}
			k := mustStart(t, cfg, newStore(t))
			wantFile(t, path, c.want)
			if writes, want := k.Status()[0].Writes, c.old != c.want; (writes == 1) != want {
				t.Errorf("%d writes, want one: %v", writes, want)
			}
			if _, err := Restore(cfg); err != nil {
				t.Fatal(err)
			}
			if c.old == missing {
				wantNone(t, path)
			} else {
				wantFile(t, path, c.old)
			}
		})
	}
}

// With a root the image counts, and not the machine that we run on.
// Shows machine-id(5) image.
func TestMachineIDOfAnImage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		dir  string // in the image
		link string // what /lib leads to
		want string
	}{
		{"without systemd", "/usr/lib/other", "", string(self)},
		{"systemd's units", "/usr/lib/systemd/system", "", selfHex},
		{"where they were before", "/lib/systemd/system", "", selfHex},
		{"merged directories", "/usr/lib/systemd/system", "/usr/lib", selfHex},
		{"a link that leads out of the image", "/usr/lib/other", "/lib", string(self)},
		{"the operator's units", "/etc/systemd/system", "", selfHex},
		{"the root of a machine that runs", systemdRuns, "", selfHex},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			if err := os.MkdirAll(s.path(c.dir), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.link != "" {
				if err := os.Symlink(c.link, s.path("lib")); err != nil {
					t.Fatal(err)
				}
			}
			cfg := s.config()
			mustStart(t, cfg, newStore(t))
			wantFile(t, s.path("etc/machine-id"), c.want)
			for _, compared := range mustKeeper(t, cfg).CompareIdentity() {
				if compared.Difference != nil || compared.Err != nil {
					t.Errorf("compared: %+v", compared)
				}
			}
		})
	}
}

// Shows machine-id(5) format, zero.
func TestCheckMachineID(t *testing.T) {
	t.Parallel()
	const none, running, image = "", systemdRuns, "/usr/lib/systemd/system"
	for _, c := range []struct {
		content string
		valid   []string // where it is right
	}{
		{otherHex, []string{none, running, image}},
		{strings.TrimSpace(otherHex), []string{none, running, image}},
		{strings.ToUpper(otherHex), []string{none, running, image}}, // systemd reads it
		{"", []string{none, image}},
		{"uninitialized\n", []string{none, image}},
		{string(self), []string{none}},
		{string(self) + "\n", []string{none}},
		{"01234567-89ab-cdef-0123-456789abcdef\n", []string{none}},
		{strings.Repeat("0", 32) + "\n", []string{none}},
		{otherHex[1:], []string{none}},
		{"0" + otherHex, []string{none}},
		{otherHex + "\n", []string{none}},
		{" " + otherHex, []string{none}},
		{"g" + otherHex[1:], []string{none}},
	} {
		for _, where := range []string{none, running, image} {
			root := t.TempDir()
			if err := os.MkdirAll(root+where, 0o755); err != nil {
				t.Fatal(err)
			}
			err := CheckMachineID(root, []byte(c.content))
			if valid := slices.Contains(c.valid, where); valid != (err == nil) {
				t.Errorf("%q, with %q in the root: %v", c.content, where, err)
			}
		}
	}
}

func TestMachineIDOfAFreeName(t *testing.T) {
	t.Parallel()
	got := machineHex(lineForm{prefix: zone.DefaultPrefix, local: "gateway"})
	if want := "4ea5ee68fea05586106890ded5733820"; got != want { // printf gateway | sha256sum | cut -c1-32
		t.Errorf("got %q, want %q", got, want)
	}
	if again := machineHex(lineForm{prefix: zone.DefaultPrefix, local: "gateway2"}); again == got {
		t.Error("two names have one machine ID")
	}
}

func TestHostnameGoesToTheRootsFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		hostname bool
		file     string
		want     []string
	}{
		{"hostname", true, "", []string{"/etc/hostname"}},
		{"hostname and the same file", true, "/etc//hostname", []string{"/etc/hostname"}},
		{"hostname and another file", true, "/etc/nodename", []string{"/etc/hostname", "/etc/nodename"}},
		{"a file only", false, "/etc/nodename", []string{"/etc/nodename"}},
		{"neither", false, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			write(t, s.path("etc/hostname"), "before\n")
			sys := realSystem()
			sys.setHostname = func(string) error { t.Error("the kernel's hostname was set"); return nil }
			cfg := Config{ID: self, StateDir: s.state, Settings: Settings{Root: s.root, Hostname: c.hostname, HostnameFile: c.file}}
			k, err := newKeeper(cfg, sys)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Start(newStore(t).Snapshot()); err != nil {
				t.Fatal(err)
			}
			if st := k.Status(); len(st) != len(c.want) {
				t.Fatalf("status %+v, want %q", st, c.want)
			}
			for _, path := range c.want {
				wantFile(t, s.path(path), string(self)+"\n")
			}
			if _, err := Restore(cfg); err != nil {
				t.Fatal(err)
			}
			wantFile(t, s.path("etc/hostname"), "before\n")
			wantNone(t, s.path("etc/nodename"))
		})
	}
}

func TestSethostnameWithoutPermissionNamesTheCapability(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	sys := realSystem()
	sys.hostname = func() (string, error) { return "before", nil }
	sys.setHostname = func(string) error { return unix.EPERM }
	k := &Keeper{
		cfg: Config{ID: self, StateDir: s.state}, sys: sys,
		log: slog.New(slog.DiscardHandler), backups: managed.Backups{State: s.state, System: sys.System},
	}
	if wrote, err := k.setHostname(); wrote || err == nil || !strings.Contains(err.Error(), "CAP_SYS_ADMIN") {
		t.Errorf("wrote %v, error %v; want one that names CAP_SYS_ADMIN", wrote, err)
	}
	if kept, err := k.backups.All(); err != nil || len(kept) != 0 {
		t.Errorf("kept %v, %v; want nothing, since nothing was replaced", kept, err)
	}
}
