package hostsfile

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/zone"
)

// What the machine was called before is known as long as it has our name, also
// after a restart and after a boot with our name in /etc/hostname.
func TestHostnames(t *testing.T) {
	t.Parallel()
	const theirs = "web1.corp.example"
	s := newScratch(t)
	write(t, s.path("etc/hostname"), "# ours\n"+theirs+"\n")
	kernel := theirs
	sys := realSystem()
	sys.hostname = func() (string, error) { return kernel, nil }
	sys.setHostname = func(name string) error { kernel = name; return nil }
	check := func(k *Keeper, present, own string) {
		t.Helper()
		if p, o := k.Hostnames(); p != present || o != own {
			t.Errorf("hostnames %q and %q, want %q and %q", p, o, present, own)
		}
	}
	start := func(settings Settings) *Keeper {
		t.Helper()
		k, err := newKeeper(Config{ID: self, Prefix: zone.DefaultPrefix, StateDir: s.state, Settings: settings}, sys)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Start(newStore(t).Snapshot()); err != nil {
			t.Fatal(err)
		}
		return k
	}
	check(start(Settings{}), theirs, theirs)
	keeps := Settings{Hostname: true}
	for range 2 {
		k := start(keeps)
		check(k, string(self), theirs)
		kernel = "web2.lab.example" // by another program
		check(k, kernel, kernel)
		kernel = string(self)
		check(start(Settings{}), string(self), theirs) // not kept any more, and not restored
	}

	// With a root the name is that in its file.
	rooted := Settings{Root: s.root, Hostname: true}
	check(start(Settings{Root: s.root}), theirs, theirs)
	for range 2 {
		check(start(rooted), string(self), theirs)
	}
}

// A name that is only in the file is the kernel's from the next boot on.
func TestHostnamesByTheFile(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	file := s.path("etc/hostname")
	write(t, file, "web1.corp.example\n")
	sys := realSystem()
	sys.hostname = func() (string, error) { return string(self), nil }
	k, err := newKeeper(Config{ID: self, Prefix: zone.DefaultPrefix, StateDir: s.state, Settings: Settings{HostnameFile: file}}, sys)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	if present, own := k.Hostnames(); present != string(self) || own != "web1.corp.example" {
		t.Errorf("hostnames %q and %q", present, own)
	}
}

// named starts a Keeper of the hostname only, which the system has and sets.
func named(t *testing.T, sys *system) (*Keeper, Config) {
	t.Helper()
	cfg := Config{ID: self, Prefix: zone.DefaultPrefix, StateDir: t.TempDir(), Settings: Settings{Hostname: true}}
	k, err := newKeeper(cfg, sys)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	return k, cfg
}

// A hostname that is right already, as it is after a boot with ours, is not set,
// and nothing is kept: ours is not the original.
func TestHostnameThatIsRightIsLeftAlone(t *testing.T) {
	t.Parallel()
	sys := realSystem()
	sys.hostname = func() (string, error) { return string(self), nil }
	sys.setHostname = func(name string) error { t.Errorf("set to %q", name); return nil }
	k, _ := named(t, sys)
	if st := k.Status()[0]; st.Writes != 0 || !st.UpToDate {
		t.Errorf("status %+v", st)
	}
	if kept, err := k.backups.All(); err != nil || len(kept) != 0 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

// Without the capability the hostname stays, and its record for the next attempt.
func TestRestoreOfTheHostnameWithoutPermission(t *testing.T) {
	t.Parallel()
	const theirs = "web1.corp.example"
	kernel, allowed := theirs, true
	sys := realSystem()
	sys.hostname = func() (string, error) { return kernel, nil }
	sys.setHostname = func(name string) error {
		if !allowed {
			return unix.EPERM
		}
		kernel = name
		return nil
	}
	k, cfg := named(t, sys)
	for _, tt := range []struct {
		allowed bool
		text    string // of the error, or "" for none
		want    string
		records int
	}{{false, "CAP_SYS_ADMIN", string(self), 1}, {true, "", theirs, 0}} {
		allowed = tt.allowed
		done, err := restore(cfg, sys)
		if (err == nil) != tt.allowed || err != nil && !strings.Contains(err.Error(), tt.text) || (len(done) == 1) != tt.allowed {
			t.Errorf("allowed: %t: restored %v, error %v", tt.allowed, done, err)
		}
		if kept, err := k.backups.All(); err != nil || len(kept) != tt.records || kernel != tt.want {
			t.Errorf("allowed: %t: kept %v, %v; hostname %q, want %q", tt.allowed, kept, err, kernel, tt.want)
		}
	}
}
