package nss

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/internal/osfile"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		resolv, name string
		want         string
	}{
		{"", "www", "www"},
		{"search a.example b.example", "www", "www.a.example www.b.example www"},
		{"search a.example b.example", "www.x", "www.x www.x.a.example www.x.b.example"},
		{"search a.example\noptions ndots:2", "www.x", "www.x.a.example www.x"},
		{"search a.example\noptions ndots:0", "www", "www www.a.example"},
		{"search a.example.\n", "www.", "www"},
		{"domain a.example\nsearch b.example", "www", "www.b.example www"},
		{"search .", "www", "www"},
		{"search a.example", strings.Repeat("a.", 120) + "a", strings.Repeat("a.", 120) + "a " + strings.Repeat("a.", 120) + "a.a.example"},
		{"search a.example", strings.Repeat("a.", 122) + "a", strings.Repeat("a.", 122) + "a"},
	} {
		m := &Config{}
		m.readResolvConf(tt.resolv+"\n", func(string) string { return "" })
		if got := strings.Join(m.Names(tt.name), " "); got != tt.want {
			t.Errorf("%q, %s: got %s, want %s", tt.resolv, tt.name, got, tt.want)
		}
	}
}

func TestResolvConf(t *testing.T) {
	t.Parallel()
	m := &Config{hostname: "box.lan.example"}
	m.readResolvConf("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver ::1\nnameserver 192.0.2.4\noptions rotate ndots:99\n",
		func(string) string { return "" })
	if len(m.Servers) != 3 || m.Dots != 15 || !m.rotate || !slices.Equal(m.Search, []string{"lan.example"}) {
		t.Errorf("got %+v", m)
	}
	m = &Config{hostname: "box"}
	environment := map[string]string{"LOCALDOMAIN": "x.example y.example", "RES_OPTIONS": "ndots:3"}
	m.readResolvConf("search a.example\n", func(key string) string { return environment[key] })
	if !slices.Equal(m.Servers, []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}) || m.Dots != 3 ||
		!slices.Equal(m.Search, []string{"x.example", "y.example"}) {
		t.Errorf("by the environment: got %+v", m)
	}
}

func TestHostsFile(t *testing.T) {
	t.Parallel()
	const text = "# 192.0.2.9 a\n192.0.2.1 A b # c\n\n192.0.2.2\tB\n2001:db8::1 a\n::1 a\n::ffff:192.0.2.3 a\nx a\n192.0.2.1 a\n"
	both, four, six := familySet{true, true}, familySet{four: true}, familySet{six: true}
	for _, tt := range []struct {
		name  string
		want  familySet
		multi bool
		found string
	}{
		{"a", both, false, "192.0.2.1 2001:db8::1 ::1 ::ffff:192.0.2.3"},
		{"a", six, true, "2001:db8::1 ::1 ::ffff:192.0.2.3"},
		{"a", six, false, "2001:db8::1"},
		{"a", four, true, "192.0.2.1 127.0.0.1 192.0.2.3"},
		{"b", four, false, "192.0.2.1"},
		{"b", four, true, "192.0.2.1 192.0.2.2"},
		{"b", six, true, ""},
		{"c", both, true, ""},
	} {
		m := &Config{hosts: []byte(text), multiple: tt.multi}
		addrs, numbers := m.inHosts(tt.name, tt.want)
		var texts []string
		for _, addr := range addrs {
			texts = append(texts, addr.String())
		}
		if got := strings.Join(texts, " "); got != tt.found || len(numbers) != len(addrs) {
			t.Errorf("%+v: got %s in lines %v", tt, got, numbers)
		}
	}
	m := &Config{hosts: []byte(text)}
	if name, number, ok := m.namedInHosts(netip.MustParseAddr("192.0.2.2")); !ok || name != "B" || number != 4 {
		t.Errorf("the reverse: got %s in line %d, %t", name, number, ok)
	}
}

// What the files service of glibc does not find is not predicted: checked with
// getent of glibc 2.36.
func TestOddHostsFile(t *testing.T) {
	t.Parallel()
	const text = "192.0.2.1\u00a0a\n192.0.2.2 b\u00a0c\nfe80::1%lo d\n192.0.2.3 e\x00f\n192.0.2.4 \u212a\n192.0.2.5\vg\r\n192.0.2.6\n192.0.2.6 h\n::ffff:192.0.2.7 i\n::1 j\n"
	m := &Config{hosts: []byte(text)}
	for name, want := range map[string]string{
		"a": "", "b": "", "c": "", "b\u00a0c": "192.0.2.2", "d": "", "e": "192.0.2.3", "f": "", "k": "", "g": "192.0.2.5", "h": "192.0.2.6",
	} {
		found := ""
		if addrs, _ := m.inHosts(name, familySet{four: true, six: true}); len(addrs) > 0 {
			found = addrs[0].String()
		}
		if found != want {
			t.Errorf("%q: got %q, want %q", name, found, want)
		}
	}
	for addr, want := range map[string]string{
		"192.0.2.1": "nothing", "192.0.2.5": "g", "192.0.2.6": "", "192.0.2.7": "i", "127.0.0.1": "j", "fe80::1": "nothing", "::ffff:192.0.2.7": "i",
	} {
		name, _, ok := m.namedInHosts(netip.MustParseAddr(addr))
		if !ok {
			name = "nothing"
		}
		if name != want {
			t.Errorf("%s: got %q, want %q", addr, name, want)
		}
	}
}

// What explain reads may be anything: it is refused by its name, and never
// waited for. A link below the root does not lead out of it.
func TestReadRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{machine.Nsswitch, machine.Hosts, machine.HostConf, machine.ResolvConf} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			if err := errors.Join(os.Mkdir(root+"/etc", 0o755), unix.Mkfifo(root+path, 0o600)); err != nil {
				t.Fatal(err)
			}
			_, err := Read(machine.Machine{Root: root})
			if !errors.Is(err, osfile.ErrNotRegular) || !strings.Contains(err.Error(), root+path) {
				t.Errorf("error %v, want one that names the file", err)
			}
		})
	}
	root := t.TempDir()
	err := errors.Join(os.Mkdir(root+"/etc", 0o755), os.Symlink("/run/hosts", root+machine.Hosts), os.Mkdir(root+"/run", 0o755),
		os.WriteFile(root+"/run/hosts", []byte("192.0.2.1 a\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(machine.Machine{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	if addrs, _ := m.inHosts("a", familySet{four: true, six: true}); len(addrs) != 1 {
		t.Errorf("through a link: %v", addrs)
	}
}
