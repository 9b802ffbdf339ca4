package managed

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

const (
	netConf = "system_u:object_r:net_conf_t:s0\x00"
	runs    = "system_u:object_r:var_run_t:s0\x00"
	theirs  = "system_u:object_r:theirs_t:s0\x00"
)

// setLabel makes a regular file with an SELinux label, or labels the one that is
// there.
func setLabel(t *testing.T, path, label string) {
	t.Helper()
	if _, err := os.Lstat(path); err != nil {
		write(t, path, "before\n")
	}
	if err := unix.Lsetxattr(path, selinux, []byte(label), 0); err != nil {
		testkit.Skip(t, "needs to set SELinux labels: "+err.Error())
	}
}

// wantLabel checks the label of a file; "" is that of its directory, which here
// is none.
func wantLabel(t *testing.T, path, want string) {
	t.Helper()
	if got := string(labelOf(path)); got != want {
		t.Errorf("%s has the label %q, want %q", path, got, want)
	}
}

func TestLabelOfANewFile(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	const missing = "\x00missing"
	for _, c := range []struct {
		name   string
		before string // label of the file, or
		link   string // what it leads to
		behind string // label of that
		kin    string // label of the other file of its kind
		want   string
	}{
		{"of the other of its kind", missing, "", "", netConf, netConf},
		{"of the directory", missing, "", "", "", ""},
		{"its own", theirs, "", "", netConf, theirs},
		{"in the place of a link", "", "/run/resolv.conf", runs, netConf, netConf},
		{"in the place of a link, of what that led to", "", "/run/resolv.conf", netConf, "", netConf},
		{"in the place of a link to nothing", "", "/run/nothing", "", netConf, netConf},
		{"in the place of a link to a directory", "", "/run", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScratch(t)
			mount(t, "tmpfs", s.root, "tmpfs", 0, "")
			for _, dir := range []string{"etc", "run"} {
				if err := os.Mkdir(s.path(dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			f := s.file("/etc/resolv.conf")
			f.Links, f.Kin = true, "/etc/hosts"
			switch {
			case c.link != "":
				if err := os.Symlink(c.link, f.String()); err != nil {
					t.Fatal(err)
				}
			case c.before != missing:
				setLabel(t, f.String(), c.before)
			}
			if c.behind != "" {
				setLabel(t, s.path(c.link), c.behind)
			}
			if c.kin != "" {
				setLabel(t, s.path("etc/hosts"), c.kin)
			}
			mustUpdate(t, f, to("ours\n"))
			wantLabel(t, f.String(), c.want)
			wantFile(t, f.String(), "ours\n")
			s.wantNoLeftovers(t)
		})
	}
}

// A link in the place of the other file has the label of where it leads, and that
// is another program's.
func TestLabelIsNotOfALinkedKin(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newScratch(t)
	mount(t, "tmpfs", s.path("etc"), "tmpfs", 0, "")
	setLabel(t, s.path("etc/theirs"), runs)
	if err := os.Symlink("theirs", s.path("etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	f := s.file("/etc/hosts")
	f.Kin = "/etc/resolv.conf"
	mustUpdate(t, f, to("ours\n"))
	wantLabel(t, f.String(), "")
}

// An original that was removed meanwhile comes back with the label that it had.
func TestLabelOfAnOriginal(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newScratch(t)
	mount(t, "tmpfs", s.path("etc"), "tmpfs", 0, "")
	setLabel(t, s.path("etc/hosts"), netConf)
	setLabel(t, s.path("etc/machine-id"), theirs)
	f := s.file("/etc/machine-id")
	old, err := f.Read()
	if err != nil {
		t.Fatal(err)
	}
	backups := Backups{State: s.state, System: f.System}
	if err := backups.Save(BackupOf(f, old)); err != nil {
		t.Fatal(err)
	}
	o, found, err := backups.Load(f.String())
	if err != nil || !found {
		t.Fatalf("the record: %v, %v", found, err)
	}
	if err := os.Remove(f.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Restore(o); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.String(), "before\n")
	wantLabel(t, f.String(), theirs)

	// Without a label on record it is a file like another one.
	o.Label = nil
	if err := os.Remove(f.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Restore(o); err != nil {
		t.Fatal(err)
	}
	wantLabel(t, f.String(), "")
}

// A label that may not be set costs nobody the file.
func TestLabelThatMayNotBeSet(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newScratch(t)
	mount(t, "tmpfs", s.path("etc"), "tmpfs", 0, "")
	setLabel(t, s.path("etc/resolv.conf"), netConf)
	f := s.file("/etc/hosts")
	f.Kin = "/etc/resolv.conf"
	f.System.Setxattr = func(*os.File, string, []byte) error { return unix.EACCES }
	var log testkit.Log
	f.Logger = log.LoggerFrom(slog.LevelDebug)
	mustUpdate(t, f, to("ours\n"))
	wantFile(t, f.String(), "ours\n")
	wantLabel(t, f.String(), "")
	if text := log.String(); strings.Count(text, "net_conf_t") != 1 || !strings.Contains(text, "permission denied") {
		t.Errorf("the log is %q", text)
	}
}
