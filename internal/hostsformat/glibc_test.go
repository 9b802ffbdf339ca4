package hostsformat

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAsGlibc has the glibc of this machine read the files, with nothing sent
// anywhere. What getent lists, which is IPv4 only, and what it finds for each
// IPv6 address is what Entries yields.
// Shows hosts(5) line, comments, families.
func TestAsGlibc(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to put a file in the place of /etc/hosts in a mount namespace")
	}
	for _, tool := range []string{"unshare", "getent"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs ", tool)
		}
	}
	files := map[string]string{}
	for name, text := range odd {
		files[name] = text
	}
	seed := rand.Uint64()
	for _, name := range []string{"random 1", "random 2", "random 3"} {
		files[name] = random(rand.New(rand.NewPCG(seed, uint64(len(files)))))
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, six := expected(text)
			want := listed(t, text, six)
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("seed %d: glibc finds %q\nwe find %q", seed, want[min(i, len(want)):], got[min(i, len(got)):])
				}
			}
		})
	}
}

// random is a hosts file of the pieces that make a difference. A NUL and a last
// line without newline are not among them: glibc 2.36 doubles the end of such a
// line if blanks stand before it.
func random(r *rand.Rand) string {
	pieces := []string{
		"192.0.2.1", "2001:db8::1", "::", "1::", "0.0.0.0", "255.255.255.256", "::ffff:192.0.2.1", "fe80::1%lo", "1:2:3:4:5:6:7:8",
		":", ".", "1", "f", "a", "b.example", " ", " ", " ", "\t", "\v", "\f", "\r", "\n", "\n", "\r\n", "#", "\u00a0", "\x85", "\xff", "%",
	}
	var b strings.Builder
	for range 2000 {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String() + "\n"
}

// candidates are IPv6 addresses that some of the files seem to have.
const candidates = "::1 1:: fe80::1 fe80::2 2001:db8::1 1:2:3:4:5:6:7:0 1:2:3:4:5:6:7:8 ::102:304"

// expected is what getent prints for a file: all of IPv4, and then the first
// line for each of some IPv6 addresses.
func expected(content string) (all, six []string) {
	first := map[string]string{}
	six = strings.Fields(candidates)
	for e := range Entries(1, []byte(content)) {
		line := text(e)
		switch {
		case e.Addr == netip.IPv6Loopback():
			all = append(all, strings.Replace(line, "::1", "127.0.0.1", 1))
		case e.Addr.Unmap().Is4():
			all = append(all, line)
			continue
		case e.Addr.IsUnspecified(): // getent does not look it up
			continue
		}
		addr := e.Addr.String()
		if _, ok := first[addr]; !ok {
			first[addr] = line
			six = append(six, addr)
		}
	}
	slices.Sort(six)
	six = slices.Compact(six)
	for _, addr := range six {
		if line, ok := first[addr]; ok {
			all = append(all, line)
		}
	}
	return all, six
}

// listed is what getent prints for a file, in the same form.
func listed(t *testing.T, content string, six []string) (all []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{
		"--mount", "--net", "sh", "-c",
		`mount --bind "$0" /etc/hosts || exit 9; getent -s files hosts; for a; do getent -s files hosts "$a"; done; true`, file,
	}, six...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		word, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if addr, err := netip.ParseAddr(word); err == nil { // glibc spells some otherwise
			word = addr.String()
		}
		all = append(all, strings.TrimRight(word+" "+strings.TrimLeft(names, " "), " "))
	}
	return all
}
