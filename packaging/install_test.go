package packaging

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// Installing changes nothing of a machine but that the package is there, and a
// purge leaves nothing but the user.
func TestInstallChangesNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		first   []string // process of the machine, or systemd
		prepare string   // by the shell
	}{
		{"systemd", nil, ""},
		{"a symlink as resolv.conf", nil, `
			mkdir -p /run/systemd/resolve
			echo nameserver 127.0.0.1 >/run/systemd/resolve/stub-resolv.conf
			ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`},
		{"no resolv.conf", nil, "rm /etc/resolv.conf"},
		{"no systemd", pause, "rm /usr/bin/systemd-* /usr/bin/systemctl"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.first == nil {
				testkit.Long(t)
			}
			p := built(t)
			d := boot(t, tt.first...)
			d.run("sh", "-ec", tt.prepare)
			before := d.etc()
			for range 2 { // the second time after a purge
				d.install(deb(t, p.newer))
				d.same(before)
				d.unused(len(tt.first) == 0)
				if got := d.run("nodedns", "version"); !strings.HasPrefix(got, "nodedns   v"+newer+"\n") {
					t.Errorf("the version is %s", got)
				}
				if out, err := d.try("getent", "passwd", "nodedns"); err != nil || !strings.Contains(out, "/usr/sbin/nologin") {
					t.Errorf("the user is %q, error %v", out, err)
				}
				d.run("dpkg", "--purge", "nodedns")
				d.same(before)
				d.gone()
			}
		})
	}
}

// In the image of a machine, where systemd is but does not run, a service that
// was enabled is so no more. That a purge leaves nothing is tested for every change
// where there is no systemd.
func TestImage(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	p := built(t)
	d := boot(t, pause...)
	before := d.etc()
	d.install(deb(t, p.newer))
	d.run("systemctl", "enable", "nodedns")
	d.run("dpkg", "--purge", "nodedns")
	d.run("sh", "-c", "rmdir /etc/systemd/system/multi-user.target.wants 2>/dev/null || :")
	d.same(before)
	d.gone()
}

// unused checks that nothing runs, nothing is to run, and no key was made.
func (d *debian) unused(systemd bool) {
	d.t.Helper()
	if systemd {
		for _, what := range []string{"is-active", "is-enabled"} {
			if out, err := d.try("systemctl", what, "nodedns"); err == nil {
				d.t.Errorf("%s: %s", what, out)
			}
		}
	}
	for _, path := range []string{"/var/lib/nodedns", "/run/nodedns"} {
		if _, err := os.Lstat(d.path(path)); !os.IsNotExist(err) {
			d.t.Errorf("%s is there (error %v)", path, err)
		}
	}
}

// gone checks that a purge has left nothing.
func (d *debian) gone() {
	d.t.Helper()
	for _, path := range []string{
		"/etc/nodedns", "/var/lib/nodedns", "/run/nodedns", "/usr/bin/nodedns", "/usr/share/nodedns", "/usr/share/doc/nodedns",
		"/usr/lib/systemd/system/nodedns.service", "/etc/systemd/system/multi-user.target.wants/nodedns.service",
	} {
		if _, err := os.Lstat(d.path(path)); !os.IsNotExist(err) {
			d.t.Errorf("%s is there (error %v)", path, err)
		}
	}
}

// etc describes each file of /etc but those of the package and of the users,
// with the hostname.
func (d *debian) etc() map[string]string {
	d.t.Helper()
	found := map[string]string{"hostname": d.run("uname", "-n")}
	etc := d.path("/etc")
	err := filepath.WalkDir(etc, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(etc, path)
		if err != nil {
			return err
		}
		switch strings.TrimSuffix(name, "-") {
		case ".", "passwd", "group", "shadow", "gshadow", "subuid", "subgid", ".pwd.lock":
			return nil
		case "nodedns":
			return fs.SkipDir
		}
		found[name], err = describe(path)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

// describe is all about a file that can be put back.
func describe(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	owner := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%v %d:%d ", info.Mode(), owner.Uid, owner.Gid)
	switch info.Mode().Type() {
	case 0:
		data, err := os.ReadFile(path)
		return text + string(data), err
	case fs.ModeSymlink:
		target, err := os.Readlink(path)
		return text + target, err
	}
	return text, nil
}

// same checks that /etc is as it was described.
func (d *debian) same(before map[string]string) {
	d.t.Helper()
	now := d.etc()
	for name, was := range before {
		if is, ok := now[name]; !ok || is != was {
			d.t.Errorf("%s was %q and is %q", name, was, is)
		}
		delete(now, name)
	}
	for name, is := range now {
		d.t.Errorf("%s is new: %q", name, is)
	}
}
