package packaging

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// Where things are in both kinds of packages.
var contents = []string{
	"/etc/nodedns/nodedns.toml",
	"/usr/bin/nodedns",
	"/usr/lib/systemd/system/nodedns.service",
	"/usr/lib/sysusers.d/nodedns.conf",
	"/usr/lib/tmpfiles.d/nodedns.conf",
	"/usr/share/bash-completion/completions/nodedns",
	"/usr/share/doc/nodedns/LICENSE",
	"/usr/share/doc/nodedns/copyright",
	"/usr/share/doc/nodedns/examples/nodedns.toml",
	"/usr/share/doc/nodedns/licences.gz",
	"/usr/share/fish/vendor_completions.d/nodedns.fish",
	"/usr/share/man/man1/nodedns-run.1.gz",
	"/usr/share/man/man1/nodedns.1.gz",
	"/usr/share/man/man5/nodedns.toml.5.gz",
	"/usr/share/nodedns/grafana/nodedns.json",
	"/usr/share/nodedns/prometheus/nodedns.rules.yml",
}

// checkContents requires all of that, and no key.
func checkContents(t *testing.T, list string) {
	t.Helper()
	for _, path := range contents {
		if !strings.Contains(list+"\n", path+"\n") {
			t.Errorf("%s is missing in\n%s", path, list)
		}
	}
	for _, secret := range []string{"node.key", "node.pub", "/var/lib"} {
		if strings.Contains(list, secret) {
			t.Errorf("%s is in the package:\n%s", secret, list)
		}
	}
}

// architectures are those that packages were built for: of these two names, the
// one for this machine is among them, and with NODEDNS_FULL=1 both.
func architectures(amd64, arm64 string) []string {
	switch {
	case testkit.Full():
		return []string{amd64, arm64}
	case runtime.GOARCH == "arm64":
		return []string{arm64}
	}
	return []string{amd64}
}

func TestDeb(t *testing.T) {
	t.Parallel()
	p := built(t)
	d := boot(t, pause...)
	for _, arch := range architectures("amd64", "arm64") {
		data, err := os.ReadFile(find(t, p.newer, "_"+arch+".deb"))
		if err != nil {
			t.Fatal(err)
		}
		d.write("/root/n.deb", string(data))
		checkContents(t, d.run("dpkg-deb", "--contents", "/root/n.deb"))
		if got, want := d.run("dpkg-deb", "--field", "/root/n.deb", "Version", "Architecture"),
			"Version: "+newer+"\nArchitecture: "+arch+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, err := d.try("dpkg-deb", "--field", "/root/n.deb", "Depends"); strings.TrimSpace(got) != "" || err != nil {
			t.Errorf("it depends on %q (error %v), want nothing", got, err)
		}
		d.run("dpkg-deb", "--control", "/root/n.deb", "/root/"+arch)
		if got := strings.TrimSpace(d.read("/root/" + arch + "/conffiles")); got != "/etc/nodedns/nodedns.toml" {
			t.Errorf("the configuration files are %q", got)
		}
	}
}

func TestRPM(t *testing.T) {
	t.Parallel()
	p := built(t)
	d := boot(t, pause...)
	for _, arch := range architectures("x86_64", "aarch64") {
		data, err := os.ReadFile(find(t, p.newer, "."+arch+".rpm"))
		if err != nil {
			t.Fatal(err)
		}
		d.write("/root/n.rpm", string(data))
		d.run("rpm", "--checksig", "--nosignature", "/root/n.rpm")
		checkContents(t, d.run("rpm", "-qlp", "/root/n.rpm"))
		if got, want := d.run("rpm", "-qp", "--queryformat", "%{version}-%{arch}-%{license}-%{buildhost}", "/root/n.rpm"),
			newer+"-"+arch+"-Apache-2.0-nodedns"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := strings.TrimSpace(d.run("rpm", "-qp", "--configfiles", "/root/n.rpm")); got != "/etc/nodedns/nodedns.toml" {
			t.Errorf("the configuration files are %q", got)
		}
		scripts := d.run("rpm", "-qp", "--scripts", "/root/n.rpm")
		for _, script := range []string{"postinstall", "preuninstall", "postuninstall"} {
			if !strings.Contains(scripts, script+" scriptlet (using /bin/sh)") {
				t.Errorf("there is no script %s in\n%s", script, scripts)
			}
		}
	}
}

// A shell that does not understand a script would leave a package half
// installed, and a script must do nothing for other arguments.
func TestScripts(t *testing.T) {
	t.Parallel()
	d := boot(t, pause...)
	for _, name := range []string{"postinstall", "preremove", "postremove"} {
		text, err := os.ReadFile(filepath.Join("scripts", name))
		if err != nil {
			t.Fatal(err)
		}
		d.write("/root/"+name, string(text))
		d.run("sh", "-n", "/root/"+name)
		for _, args := range []string{
			"upgrade 1", "failed-upgrade 1", "abort-install", "abort-upgrade 1", "abort-remove", "disappear x",
			"deconfigure in-favour x 1", "abort-deconfigure in-favour x 1",
		} {
			out := d.run("sh", "-c", "sh -x /root/"+name+" "+args+" 2>&1")
			for _, word := range []string{"systemctl", "systemd-", "nodedns ", "rm "} {
				if strings.Contains(out, "+ "+word) {
					t.Errorf("%s %s does something:\n%s", name, args, out)
				}
			}
		}
	}
}
