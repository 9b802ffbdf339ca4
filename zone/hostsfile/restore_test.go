package hostsfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/hostsformat"
)

func TestRestorePutsEverythingBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		mode   HostsMode
		before map[string]string // files below etc
	}{
		{"block", HostsBlock, map[string]string{"hosts": "192.0.2.1 a\n", "machine-id": otherHex, "hostname": "old\n"}},
		{"own", HostsOwn, map[string]string{"hosts": "192.0.2.1 a\r\n\n# b", "machine-id": otherHex, "hostname": "old\n"}},
		{"block, no final newline", HostsBlock, map[string]string{"hosts": "192.0.2.1 a"}},
		{"block, nothing was there", HostsBlock, nil},
		{"own, nothing was there", HostsOwn, nil},
		{"own, empty files", HostsOwn, map[string]string{"hosts": "", "machine-id": "", "hostname": ""}},
		{"block, empty files", HostsBlock, map[string]string{"hosts": "", "machine-id": "", "hostname": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			for name, data := range c.before {
				write(t, s.path("etc/"+name), data)
			}
			cfg := s.config()
			cfg.HostsMode = c.mode
			store := newStore(t)
			mustStart(t, cfg, store)
			// A second start, with other content, must not take our output for
			// an original.
			setLocal(store, "192.0.2.7")
			if err := mustStart(t, cfg, store).CheckSelf(store.Snapshot()); err != nil {
				t.Fatal(err)
			}
			done, err := Restore(cfg)
			if err != nil || len(done) < 3 {
				t.Errorf("restored %v, error %v", done, err)
			}
			for range 2 { // once more changes nothing
				for _, name := range []string{"hosts", "machine-id", "hostname"} {
					if data, existed := c.before[name]; existed {
						wantFile(t, s.path("etc/"+name), data)
					} else {
						wantNone(t, s.path("etc/"+name))
					}
				}
				if done, err := Restore(cfg); err != nil || len(done) != 0 {
					t.Errorf("restored again: %v, error %v", done, err)
				}
			}
		})
	}
}

func TestRestoreGivesModeBackToARemovedFile(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/machine-id")
	write(t, path, otherHex)
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	mustStart(t, s.config(), newStore(t))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(s.config()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, otherHex)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v; want 0444", info.Mode(), err)
	}
}

func TestRestoreDoesTheRestWhenOneFails(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	write(t, s.path("etc/machine-id"), otherHex)
	write(t, s.path("etc/hosts"), "192.0.2.1 a\n")
	mustStart(t, s.config(), newStore(t))
	sys := realSystem()
	rename := sys.Rename
	sys.Rename = func(from, to string) error {
		if to == s.path("etc/machine-id") {
			return unix.EIO
		}
		return rename(from, to)
	}
	if _, err := restore(s.config(), sys); err == nil || !strings.Contains(err.Error(), "machine-id") {
		t.Errorf("error %v, want one for machine-id", err)
	}
	wantFile(t, s.path("etc/hosts"), "192.0.2.1 a\n")
	wantFile(t, s.path("etc/machine-id"), string(self))
	if _, err := Restore(s.config()); err != nil {
		t.Error(err)
	}
	wantFile(t, s.path("etc/machine-id"), otherHex)
}

func TestRestoreLeavesTheUsersLinesAroundTheBlock(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	mustStart(t, s.hostsOnly(), newStore(t)) // makes the file
	now, err := os.ReadFile(s.path("etc/hosts"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.path("etc/hosts"), string(now)+"added\n")
	if _, err := Restore(s.hostsOnly()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, s.path("etc/hosts"), "added\n")
}

func TestWhatTheUserWritesAfterAFailedWriteIsTheOriginal(t *testing.T) {
	t.Parallel()
	for _, mode := range []HostsMode{HostsBlock, HostsOwn} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			write(t, s.path("etc/hosts"), "first\n")
			write(t, s.path("etc/machine-id"), "first\n")
			cfg := s.config()
			cfg.HostsMode = mode
			sys := realSystem()
			sys.CreateTemp = func(string, string) (*os.File, error) { return nil, unix.ENOSPC }
			k, err := newKeeper(cfg, sys)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Start(newStore(t).Snapshot()); err == nil {
				t.Fatal("start succeeded")
			}
			write(t, s.path("etc/hosts"), "second\n")
			write(t, s.path("etc/machine-id"), "second\n")
			mustStart(t, cfg, newStore(t))
			if _, err := Restore(cfg); err != nil {
				t.Fatal(err)
			}
			wantFile(t, s.path("etc/hosts"), "second\n")
			wantFile(t, s.path("etc/machine-id"), "second\n")
		})
	}
}

func TestAFailedChangeToOwnModeKeepsTheRecordOfTheBlock(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	cfg := s.hostsOnly()
	mustStart(t, cfg, newStore(t)) // makes the file
	own := cfg
	own.HostsMode = HostsOwn
	sys := realSystem()
	sys.CreateTemp = func(string, string) (*os.File, error) { return nil, unix.ENOSPC }
	k, err := newKeeper(own, sys)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(newStore(t).Snapshot()); err == nil {
		t.Fatal("start succeeded")
	}
	if _, err := Restore(cfg); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s.path("etc/hosts"))
}

// TestAFailedSyncDoesNotLoseTheOriginal is the other way round: the write was
// done, and its record must stay.
func TestAFailedSyncDoesNotLoseTheOriginal(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/machine-id")
	write(t, path, otherHex)
	sys := realSystem()
	syncDir := sys.SyncDir
	sys.SyncDir = func(dir string) error {
		if dir == filepath.Dir(path) {
			return unix.EIO
		}
		return syncDir(dir)
	}
	k, err := newKeeper(s.config(), sys)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(newStore(t).Snapshot()); err == nil {
		t.Fatal("start succeeded")
	}
	mustStart(t, s.config(), newStore(t))
	wantFile(t, path, string(self))
	if _, err := Restore(s.config()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, otherHex)
}

func TestACrashBetweenKeepingAndReplacing(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/machine-id")
	write(t, path, otherHex)
	k := mustKeeper(t, s.config())
	f := s.file("/etc/machine-id")
	old, err := f.Read()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.backups.Original(f, nil)(old); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		mustStart(t, s.config(), newStore(t))
		wantFile(t, path, string(self))
	}
	if _, err := Restore(s.config()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, otherHex)
}

func TestTheOriginalFollowsAForeignWriteDuringOurs(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/machine-id")
	write(t, path, "first\n")
	sys := realSystem()
	first := true
	sys.Chmod = func(f *os.File, mode uint32) error {
		if first {
			first = false
			write(t, path, "second\n")
		}
		return f.Chmod(os.FileMode(mode))
	}
	k, err := newKeeper(Config{ID: self, StateDir: s.state, Settings: Settings{Root: s.root, MachineID: "/etc/machine-id"}}, sys)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, string(self))
	if _, err := Restore(s.config()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "second\n")
}

func TestChangingTheHostsMode(t *testing.T) {
	t.Parallel()
	const user = "192.0.2.1 printer"
	own := localhost4 + localhost6
	for _, c := range []struct {
		name   string
		before string // "" is none
		modes  []HostsMode
		edit   string // appended before the last start
		want   string // after the last start
		left   string // after restore, "" is none
	}{
		{
			"block to own", user,
			[]HostsMode{HostsBlock, HostsOwn},
			"",
			own, user,
		},
		{
			"own to block", user,
			[]HostsMode{HostsOwn, HostsBlock},
			"",
			user + "\n" + hostsformat.BeginMarker + "\n" + joinedNote + own + hostsformat.EndMarker + "\n", user,
		},
		{
			"own to block, when there was no file", "",
			[]HostsMode{HostsOwn, HostsBlock},
			"",
			block(""), "",
		},
		{
			"block to own and back, when there was no file", "",
			[]HostsMode{HostsBlock, HostsOwn, HostsBlock},
			"",
			block(""), "",
		},
		{
			"own to block, when the user has taken the file", user,
			[]HostsMode{HostsOwn, HostsBlock},
			"# mine\n",
			own + "# mine\n" + hostsformat.BeginMarker + "\n" + hostsformat.EndMarker + "\n", own + "# mine\n",
		},
		{
			"block to own, when the user has used the file", "",
			[]HostsMode{HostsBlock, HostsOwn},
			"# mine\n",
			own, "# mine\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			path := s.path("etc/hosts")
			if c.before != "" {
				write(t, path, c.before)
			}
			cfg := s.hostsOnly()
			for i, mode := range c.modes {
				if c.edit != "" && i == len(c.modes)-1 {
					now, _ := os.ReadFile(path)
					write(t, path, string(now)+c.edit)
				}
				cfg.HostsMode = mode
				mustStart(t, cfg, newStore(t))
			}
			wantFile(t, path, c.want)
			if _, err := Restore(cfg); err != nil {
				t.Fatal(err)
			}
			if c.left == "" {
				wantNone(t, path)
			} else {
				wantFile(t, path, c.left)
			}
		})
	}
}

func TestADamagedRecordIsAnErrorAndIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/machine-id")
	write(t, path, otherHex)
	k := mustKeeper(t, s.config())
	record := k.backups.RecordPath(path)
	writeRecord(t, record, "{")
	if err := k.Start(newStore(t).Snapshot()); err == nil || !strings.Contains(err.Error(), "machine-id") {
		t.Errorf("start: %v, want an error for machine-id", err)
	}
	wantFile(t, path, otherHex)
	wantFile(t, record, "{")
	if _, err := Restore(s.config()); err == nil {
		t.Error("restore succeeded")
	}
}
