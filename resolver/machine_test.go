package resolver

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// TestRunFollowsTheMachine changes each of the files that the upstreams depend
// on, with a stopped clock: no query looks at one of them.
func TestRunFollowsTheMachine(t *testing.T) {
	t.Parallel()
	root, state := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		name := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/resolv.conf", "nameserver 192.0.2.1\n")
	auto := settings()
	auto.Upstreams = Upstreams{Servers: []upstream.Server{Auto}, Root: root, ResolvConf: "/etc/resolv.conf", BackupDir: state}
	changed := make(chan struct{}, 1)
	s, err := New(Config{
		Zone:     newZone(t).Snapshot,
		Listen:   []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: auto,
		Clock:    func() time.Duration { return 0 },
		Changed: func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	await := func(want string) {
		t.Helper()
		patience := time.After(20 * time.Second)
		for {
			if got := fmt.Sprint(s.Upstreams()); got == want {
				return
			}
			select {
			case <-changed:
			case <-patience:
				t.Fatalf("upstreams %v, want %s", s.Upstreams(), want)
			}
		}
	}
	await("[192.0.2.1]")
	write("etc/resolv.conf", "nameserver 192.0.2.2\n")
	await("[192.0.2.2]")

	// nodedns takes it over; the original was a symlink.
	write("run/dhcp", "nameserver 192.0.2.3\n")
	record := managed.Backup{Root: root, Path: "/etc/resolv.conf", Whole: true, Existed: true, Link: "../run/dhcp"}
	if err := (managed.Backups{State: state, System: managed.RealSystem()}).Save(record); err != nil {
		t.Fatal(err)
	}
	write("etc/resolv.conf", "# Written by nodedns\nnameserver 127.0.0.53\n")
	await("[192.0.2.3]")
	write("run/dhcp", "nameserver 192.0.2.4\n")
	await("[192.0.2.4]")
	write("run/dhcp", "options rotate\n") // and no server any more
	await("[]")
	write("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.5\n")
	await("[192.0.2.5]")

	// Other settings name another file.
	write("etc/other.conf", "nameserver 192.0.2.6\n")
	auto.Upstreams.ResolvConf = "/etc/other.conf"
	if err := s.Reconfigure(auto); err != nil {
		t.Fatal(err)
	}
	await("[192.0.2.6]")
	write("etc/other.conf", "nameserver 192.0.2.7\n")
	await("[192.0.2.7]")

	// It is emptied, which counts a moment later, when nothing changes any more.
	write("etc/other.conf", "")
	await("[192.0.2.5]")
}
