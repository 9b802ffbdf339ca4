package resolvconf

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text    string
		servers []string
		search  []string
	}{
		"empty": {},
		"typical": {
			text:    "# made by hand\nsearch corp.example lab.example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions ndots:2 edns0\n",
			servers: []string{"192.0.2.1:53", "[2001:db8::1]:53"},
			search:  []string{"corp.example", "lab.example"},
		},
		"zone of a link-local server": {
			text:    "nameserver fe80::1%eth0\n",
			servers: []string{"[fe80::1%eth0]:53"},
		},
		"tabs, CRLF, no final newline": {
			text:    "nameserver\t192.0.2.1 \r\nnameserver 192.0.2.2",
			servers: []string{"192.0.2.1:53", "192.0.2.2:53"},
		},
		"the last of domain and search counts": {
			text:   "search a.example b.example\ndomain c.example d.example\n",
			search: []string{"c.example"},
		},
		"and the other way round": {
			text:   "domain c.example\nsearch a.example b.example\n",
			search: []string{"a.example", "b.example"},
		},
		"a server named twice": {
			text:    "nameserver 192.0.2.1\nnameserver 192.0.2.1\n",
			servers: []string{"192.0.2.1:53"},
		},
		"what is not understood": {
			text:    "; old\n nameserver\nnameserver dns.example\nnameserver 192.0.2.256\nNAMESERVER 192.0.2.9\nsortlist 1\nnameserver 192.0.2.1 # ours\n\x00\xff\n",
			servers: []string{"192.0.2.1:53"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var servers []netip.AddrPort
			for _, s := range tt.servers {
				servers = append(servers, netip.MustParseAddrPort(s))
			}
			want := Contents{Servers: servers, Search: tt.search}
			if got := Parse(tt.text); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestParseIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "nameserver 10.0.%d.%d\n", i/250, i%250)
	}
	b.WriteString("search" + strings.Repeat(" a.example", 1000) + "\n")
	c := Parse(b.String())
	if len(c.Servers) != maxServers || len(c.Search) != maxSearch {
		t.Errorf("%d servers and %d domains, want %d and %d", len(c.Servers), len(c.Search), maxServers, maxSearch)
	}
}

func TestFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first := func(f *File) string {
		if servers := f.Contents().Servers; len(servers) > 0 {
			return servers[0].Addr().String()
		}
		return ""
	}
	f := Follow("", path)
	var now time.Duration
	look := func(wantChange, wantError bool, wantServer string) {
		t.Helper()
		changed, err := f.Look(now)
		if changed != wantChange || (err != nil) != wantError || first(f) != wantServer {
			t.Errorf("at %v: changed %t, error %v, server %q; want %t, %t, %q",
				now, changed, err, first(f), wantChange, wantError, wantServer)
		}
	}
	look(false, true, "") // there is none
	write("nameserver 192.0.2.1\n")
	look(false, false, "") // too early
	now += interval
	look(true, false, "192.0.2.1")
	now += interval
	look(false, false, "192.0.2.1") // the same
	write("nameserver 192.0.2.2\n")
	now += interval
	look(true, false, "192.0.2.2") // of the same size, at about the same time
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now += interval
	look(false, true, "192.0.2.2") // what was known stands
	now += interval
	look(false, false, "192.0.2.2") // and the error is told once
	write("nameserver 192.0.2.2\n")
	now += interval
	look(false, false, "192.0.2.2")
}

func TestFileThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Follow("", path).Look(0); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("error %v for a FIFO", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("nameserver fe80::1%eth0\nsearch a b\n")
	f.Fuzz(func(_ *testing.T, text string) { Parse(text) })
}

func TestSymlinksStayInTheRoot(t *testing.T) {
	t.Parallel()
	root, outside := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	target := filepath.Join(outside, "resolv.conf")
	write(target, "nameserver 192.0.2.66\n")
	write(filepath.Join(root, target), "nameserver 192.0.2.1\n")
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(root, "etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	f := Follow(root, "/etc/resolv.conf")
	if _, err := f.Look(0); err != nil {
		t.Fatal(err)
	}
	if got := f.Contents().Servers; len(got) != 1 || got[0].Addr().String() != "192.0.2.1" {
		t.Errorf("servers %v, want the one in the root", got)
	}
}
