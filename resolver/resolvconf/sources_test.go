package resolvconf

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/managed"
)

// Shows resolv.conf(5) nameserver.
func TestSystemConfig(t *testing.T) {
	t.Parallel()
	const nm = "nameserver 192.0.2.3\nsearch nm.example\n"
	for _, c := range []struct {
		name    string
		furnish func(*tree)
		want    string
	}{
		{"resolv.conf comes first", func(r *tree) {
			r.write(usualPath, "nameserver 192.0.2.1\nsearch a.example\noptions rotate\n")
			r.write(resolvedPath, "nameserver 192.0.2.2\nsearch b.example\noptions edns0\n")
		}, "[192.0.2.1:53] from /etc/resolv.conf, search [a.example], options [rotate]"},
		{"our listener is not usable, beside others", func(r *tree) {
			r.write(usualPath, "nameserver 127.0.0.53\nnameserver 192.0.2.1\n")
		}, "[192.0.2.1:53] from /etc/resolv.conf, search [], options []"},
		{"systemd-resolved's stub is us: its servers are", func(r *tree) {
			r.link(usualPath, "../run/systemd/resolve/stub-resolv.conf")
			r.write(stubPath, "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan.example\n")
			r.write(resolvedPath, "nameserver 192.0.2.2\nsearch other.example\n")
		}, "[192.0.2.2:53] from /run/systemd/resolve/resolv.conf, search [lan.example], options [edns0 trust-ad]"},
		{"NetworkManager's come last", func(r *tree) {
			r.write(resolvedPath, "# none\n")
			r.write(networkManagerPath, nm)
		}, "[192.0.2.3:53] from /run/NetworkManager/no-stub-resolv.conf, search [nm.example], options []"},
		{"no usable one: the search list counts", func(r *tree) {
			r.write(usualPath, "nameserver 127.0.0.53\ndomain a.example\n")
		}, "[] from , search [a.example], options []"},
		{"ours: the original counts", func(r *tree) {
			r.keep(managed.Backup{Content: []byte("nameserver 192.0.2.1\n")})
			r.write(networkManagerPath, nm)
		}, "[192.0.2.1:53] from /etc/resolv.conf as it was before, search [nm.example], options []"},
		{"ours, without an original", func(r *tree) {
			r.write(usualPath, stubLine(1)+"nameserver 192.0.2.66\n")
			r.write(networkManagerPath, nm)
		}, "[192.0.2.3:53] from /run/NetworkManager/no-stub-resolv.conf, search [nm.example], options []"},
		{"a kept symlink is followed to what it leads to now", func(r *tree) {
			r.keep(managed.Backup{Link: "../run/dhcp", Content: []byte("nameserver 192.0.2.66\n")})
			r.write("/run/dhcp", "nameserver 192.0.2.1\n")
		}, "[192.0.2.1:53] from /run/dhcp, search [], options []"},
		{"an absolute one too, below the root", func(r *tree) {
			r.keep(managed.Backup{Link: "/run/dhcp"})
			r.write("/run/dhcp", "nameserver 192.0.2.1\n")
		}, "[192.0.2.1:53] from /run/dhcp, search [], options []"},
		{"one that leads nowhere now: the text of then", func(r *tree) {
			r.keep(managed.Backup{Link: "/run/dhcp", Content: []byte("nameserver 192.0.2.1\n")})
		}, "[192.0.2.1:53] from /etc/resolv.conf as it was before, search [], options []"},
		{"one that leads to us now: the text of then", func(r *tree) {
			r.keep(managed.Backup{Link: resolvedPath, Content: []byte("nameserver 192.0.2.1\n")})
			r.write("/run/nodedns/resolv.conf", realMark+"nameserver 192.0.2.66\n")
			r.link(resolvedPath, "/run/nodedns/resolv.conf")
		}, "[192.0.2.1:53] from /etc/resolv.conf as it was before, search [], options []"},
		{"our file by another path", func(r *tree) {
			r.link(usualPath, "/run/nodedns/resolv.conf")
			r.link(resolvedPath, "../../nodedns/resolv.conf")
			r.write("/run/nodedns/resolv.conf", realMark+"nameserver 192.0.2.66\n")
			r.write(networkManagerPath, nm)
		}, "[192.0.2.3:53] from /run/NetworkManager/no-stub-resolv.conf, search [nm.example], options []"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newTree(t)
			c.furnish(r)
			sources := NewSources(r.place(), nil)
			if _, err := sources.Reload(); err != nil {
				t.Error(err)
			}
			if got := sources.SystemConfig(notOwn).text(r.root); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// The servers that come with a search list are those of its file.
func TestSearchServers(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	r.write(usualPath, "nameserver 192.0.2.1\nnameserver 127.0.0.53\n")
	r.write(resolvedPath, "nameserver 127.0.0.54\nnameserver 192.0.2.2\nsearch corp.local\n")
	sources := NewSources(r.place(), nil)
	if _, err := sources.Reload(); err != nil {
		t.Fatal(err)
	}
	m := sources.SystemConfig(notOwn)
	if fmt.Sprint(m.Servers, m.SearchServers) != "[192.0.2.1:53] [192.0.2.2:53]" {
		t.Errorf("servers %v, and those of the search list %v", m.Servers, m.SearchServers)
	}

	// With a list that no file has come none.
	r.write(resolvedPath, "nameserver 192.0.2.2\n")
	if _, err := sources.Reload(); err != nil {
		t.Fatal(err)
	}
	if m := sources.SystemConfig(notOwn); m.SearchServers != nil {
		t.Errorf("servers %v come with no search list", m.SearchServers)
	}
}

// Programs ask the server on this machine where resolv.conf lists none.
// Shows resolv.conf(5) no-nameserver.
func TestUnlisted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		furnish func(*tree)
		want    bool
	}{
		{"no file", func(*tree) {}, true},
		{"an empty one", func(r *tree) { r.write(usualPath, "") }, true},
		{"a search list alone", func(r *tree) { r.write(usualPath, "search a.example\n") }, true},
		{"no server that is understood", func(r *tree) { r.write(usualPath, "nameserver dns.example\n") }, true},
		{"a server", func(r *tree) { r.write(usualPath, "nameserver 192.0.2.1\n") }, false},
		{"ourselves", func(r *tree) { r.write(usualPath, "nameserver 127.0.0.53\n") }, false},
		{"another file has one", func(r *tree) { r.write(networkManagerPath, "nameserver 192.0.2.1\n") }, false},
		{"ours: the original lists none", func(r *tree) { r.keep(managed.Backup{Content: []byte("search a.example\n")}) }, true},
		{"ours: there was none", func(r *tree) { r.write(usualPath, stubMark+"nameserver 127.0.0.53\n") }, true},
		{"ours: the original lists us", func(r *tree) { r.keep(managed.Backup{Content: []byte("nameserver 127.0.0.53\n")}) }, false},
	} {
		r := newTree(t)
		c.furnish(r)
		sources := NewSources(r.place(), nil)
		sources.Reload()
		if got := sources.SystemConfig(notOwn).Unlisted; got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

func TestSourcesAreReadAgain(t *testing.T) {
	inBubble(t, testSourcesAreReadAgain)
}

func testSourcesAreReadAgain(t *testing.T, r *tree) {
	sources := NewSources(r.place(), nil)
	began := time.Now()
	look := func(wantChange, wantError bool, wantServer string) {
		t.Helper()
		changed, err := sources.Poll(time.Since(began))
		first := ""
		if servers := sources.SystemConfig(nil).Servers; len(servers) > 0 {
			first = servers[0].Addr().String()
		}
		if changed != wantChange || (err != nil) != wantError || first != wantServer {
			t.Errorf("at %v: changed %t, error %v, server %q; want %t, %t, %q",
				time.Since(began), changed, err, first, wantChange, wantError, wantServer)
		}
	}
	if err := os.MkdirAll(r.root, 0o755); err != nil {
		t.Fatal(err)
	}
	look(false, true, "") // there is none
	r.write(usualPath, "nameserver 192.0.2.1\n")
	look(false, false, "") // too early
	time.Sleep(pollInterval)
	look(true, false, "192.0.2.1")
	time.Sleep(pollInterval)
	look(false, false, "192.0.2.1") // the same
	r.write(usualPath, "nameserver 192.0.2.2\n")
	time.Sleep(pollInterval)
	look(true, false, "192.0.2.2") // of the same size, at about the same time
	r.remove(usualPath)
	time.Sleep(pollInterval)
	look(false, false, "192.0.2.2") // it may be about to be created again
	time.Sleep(pollInterval)
	look(false, true, "192.0.2.2") // the last content stays valid
	time.Sleep(pollInterval)
	look(false, false, "192.0.2.2") // and the error is logged once
	r.write(resolvedPath, "nameserver 192.0.2.3\n")
	time.Sleep(pollInterval)
	look(true, false, "192.0.2.3") // systemd-resolved was started
	r.write(usualPath, "nameserver 192.0.2.2\n")
	time.Sleep(pollInterval)
	look(true, false, "192.0.2.2")
}

// Its own listener is used as a last resort: it reads the resolv.conf that we
// write, and would query us in turn. Containers cannot reach it at all.
func TestSystemdResolvedBesideUs(t *testing.T) {
	t.Parallel()
	const stubs = "nameserver 127.0.0.53\nnameserver 127.0.0.54\nsearch lan.example\n"
	for _, c := range []struct{ name, usual, resolved, want string }{
		{"its servers are known", stubs, "nameserver 192.0.2.2\n", "[192.0.2.2:53] from /run/systemd/resolve/resolv.conf"},
		{"they are not", stubs, "", "[127.0.0.53:53 127.0.0.54:53] from /etc/resolv.conf"},
		{"another one beside it", "nameserver 192.0.2.1\n" + stubs, "nameserver 192.0.2.2\n", "[192.0.2.1:53] from /etc/resolv.conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newTree(t)
			r.write(usualPath, c.usual)
			r.write(resolvedPath, c.resolved)
			sources := NewSources(r.place(), nil)
			if _, err := sources.Reload(); err != nil {
				t.Error(err)
			}
			weListenElsewhere := func(netip.AddrPort) bool { return true }
			if got := sources.SystemConfig(weListenElsewhere).text(r.root); !strings.HasPrefix(got, c.want+", search [") {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Writing a file in place begins by emptying it. For that moment neither the
// servers are gone, nor the search list that keeps the names of nodes with us.
func TestASourceThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	const first, second = "nameserver 192.0.2.1\nsearch a.example\n", "nameserver 192.0.2.2\nsearch b.example\n"
	const otherwise = "[192.0.2.9:53] from " + networkManagerPath + ", search [], options []"
	before := "[192.0.2.1:53] from /etc/resolv.conf, search [a.example], options []"
	for name, silence := range map[string]func(*tree){
		"emptied":      func(r *tree) { r.write(usualPath, "") },
		"its comments": func(r *tree) { r.write(usualPath, "# Generated by a program\n") },
		"removed":      func(r *tree) { r.remove(usualPath) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *tree) {
				sources := NewSources(r.place(), nil)
				after := func(pause time.Duration, want string) {
					t.Helper()
					time.Sleep(pause)
					if _, err := sources.Reload(); err != nil {
						t.Error(err)
					}
					if got := sources.SystemConfig(notOwn).text(r.root); got != want {
						t.Errorf("got\n%s\nwant\n%s", got, want)
					}
				}
				r.write(networkManagerPath, "nameserver 192.0.2.9\n")
				r.write(usualPath, first)
				after(0, before)
				for range 2 {
					silence(r)
					after(0, before)
					after(blankTimeout-1, before)
					r.write(usualPath, second)
					after(0, "[192.0.2.2:53] from /etc/resolv.conf, search [b.example], options []")
					r.write(usualPath, first)
					after(0, before)
				}
				silence(r)
				after(0, before)
				if again := sources.Again(); again != blankTimeout {
					t.Errorf("to be read again after %v, want %v", again, blankTimeout)
				}
				after(blankTimeout, otherwise) // it is intended
				if again := sources.Again(); again != 0 {
					t.Errorf("to be read again after %v, though nothing is pending", again)
				}
				after(0, otherwise)
			})
		})
	}
}

func TestASourceThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	r.write(resolvedPath, "nameserver 192.0.2.1\n")
	r.put(usualPath, func(name string) error { return syscall.Mkfifo(name, 0o644) })
	sources := NewSources(r.place(), nil)
	if _, err := sources.Reload(); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("error %v for a FIFO", err)
	}
	if got := sources.SystemConfig(nil).Servers; len(got) != 1 {
		t.Errorf("servers %v, want those of the other source", got)
	}
}

func TestSymlinksStayInTheRoot(t *testing.T) {
	t.Parallel()
	r, outside := newTree(t), t.TempDir()
	target := filepath.Join(outside, "resolv.conf")
	if err := os.WriteFile(target, []byte("nameserver 192.0.2.66\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.write(target, "nameserver 192.0.2.1\n")
	r.link(usualPath, target)
	sources := NewSources(r.place(), nil)
	if _, err := sources.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := sources.SystemConfig(nil).Servers; len(got) != 1 || got[0].Addr().String() != "192.0.2.1" {
		t.Errorf("servers %v, want the one in the root", got)
	}
}

func TestFilesHaveWhatAKeptSymlinkLeadsTo(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	sources := NewSources(r.place(), nil)
	if got := len(sources.Files()); got != 3 {
		t.Errorf("%d files, want 3", got)
	}
	r.keep(managed.Backup{Link: "../run/dhcp"})
	if got := sources.Files(); !slices.Contains(got, "/etc/../run/dhcp") {
		t.Errorf("files %v", got)
	}
}
