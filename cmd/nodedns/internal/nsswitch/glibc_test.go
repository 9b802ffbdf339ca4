package nsswitch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// asked matches the library that glibc looks for when it reaches a service.
var asked = regexp.MustCompile(`find library=libnss_(.*)\.so\.2 `)

// TestAsGlibc has the glibc of this machine read the files: the services that
// it looks for, all of them unavailable, are those that Hosts returns.
func TestAsGlibc(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to put a file in the place of /etc/nsswitch.conf in a mount namespace")
	}
	for _, tool := range []string{"unshare", "getent"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs ", tool)
		}
	}
	for _, c := range asGlibc {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			line, err := Hosts([]byte(c.text))
			var want []string
			for _, s := range reached(line).Services {
				if s.Name != Files && s.Name != DNS { // these are built in
					want = append(want, s.Name)
				}
			}
			if err != nil {
				want = nil
			}
			if got := searched(t, c.text); !slices.Equal(got, want) {
				t.Errorf("glibc looks for %q, we tell %q", got, want)
			}
			files := err == nil && reached(line).Index(Files) >= 0
			if found := strings.Contains(getent(t, c.text, known), "192.0.2.1"); found != files {
				t.Errorf("glibc reads the hosts file: %v, we tell %v", found, files)
			}
		})
	}
}

// searched returns the services that glibc looks for with a file.
func searched(t *testing.T, text string) (names []string) {
	for _, m := range asked.FindAllStringSubmatch(getent(t, text, "nobody.invalid"), -1) {
		names = append(names, m[1])
	}
	return names
}

// known is the name in the hosts file that getent sees.
const known = "known.invalid"

// getent looks up a host with a file as nsswitch.conf, in namespaces of its
// own: nothing is sent anywhere.
func getent(t *testing.T, text, name string) string {
	dir := t.TempDir()
	for file, text := range map[string]string{"nsswitch.conf": text, "hosts": "192.0.2.1 " + known + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--net", "sh", "-c",
		`for f in nsswitch.conf hosts; do mount --bind "$0/$f" /etc/$f || exit 9; done
		LD_DEBUG=libs getent ahosts "$1" || [ $? = 2 ]`, dir, name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ask for %s: %v\n%s", name, err, out)
	}
	return string(out)
}
