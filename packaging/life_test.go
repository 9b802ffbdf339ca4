package packaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// A machine from the installation over an upgrade to the purge. Programs query
// names all the time, and always get an answer.
func TestLife(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	tests := []struct {
		name    string
		packed  packed
		prepare string // by the shell
		config  string // of nodedns
	}{
		{"a name server of the network", dpkg, "", ""},
		{
			"systemd-resolved", dpkg, `
			mkdir -p /etc/systemd/resolved.conf.d
			printf '[Resolve]\nDNS=127.0.0.1\n' >/etc/systemd/resolved.conf.d/test.conf
			systemctl enable --now systemd-resolved
			ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`,
			"[dns]\nlisten = [\"127.0.0.2:53\"]\n",
		},
		{"rpm", rpm, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := built(t)
			d := boot(t)
			d.run("sh", "-ec", tt.prepare)
			d.eventually("names are found", func() error { return d.finds("up.example", "192.0.2.7") })
			before := d.etc()
			others := d.ask("up.example")

			d.pack(tt.packed.install, find(t, p.older, tt.packed.suffix))
			id := d.init(tt.config)
			d.enable()
			d.eventually("our own name is found", func() error { return d.finds(id, ownAddress) })
			own := d.ask(id)
			d.enabled(id)

			pid := d.mainPID()
			d.pack(tt.packed.install, find(t, p.newer, tt.packed.suffix))
			if d.mainPID() == pid {
				t.Error("the older version goes on after the upgrade")
			}
			d.enabled(id)
			own.end()

			d.run(tt.packed.remove...)
			d.same(before)
			// Not at once: systemd-resolved caches the hosts file.
			d.eventually("our own name is gone", func() error {
				if d.finds(id, ownAddress) == nil {
					return errors.New("it is found")
				}
				return nil
			})
			// What is not the package's stays.
			if err := os.Remove(d.path(ownConfig)); err != nil {
				t.Error(err)
			}
			d.run(tt.packed.purge...)
			d.same(before)
			d.gone()
			others.end()
		})
	}
}

// packed is a kind of packages, with the commands that take them.
type packed struct {
	suffix                 string // of the package for this machine
	install, remove, purge []string
}

var (
	dpkg = packed{
		"_" + runtime.GOARCH + ".deb",
		[]string{"dpkg", "-i"},
		[]string{"dpkg", "--remove", "nodedns"},
		[]string{"dpkg", "--purge", "nodedns"},
	}
	// At an upgrade rpm calls the scripts of the new package before those of the
	// old one. What dpkg purges is left to the machine's owner.
	rpm = packed{
		"." + map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH] + ".rpm",
		[]string{"rpm", "--upgrade", "--nodeps"},
		[]string{"rpm", "--erase", "nodedns"},
		[]string{"sh", "-ec", "rm -r /var/lib/nodedns /run/nodedns; rm -d /etc/nodedns/nodedns.d /etc/nodedns"},
	}
)

// ownAddress is that of each machine, and ownConfig where it is configured.
const (
	ownAddress = "192.0.2.10"
	ownConfig  = "/etc/nodedns/nodedns.d/10-test.toml"
)

// init makes a key, and configures the machine's address and these lines.
func (d *debian) init(config string) (id string) {
	d.t.Helper()
	var made struct {
		NodeID string `json:"node_id"`
	}
	if err := json.Unmarshal([]byte(d.run("nodedns", "init", "--json")), &made); err != nil {
		d.t.Fatal(err)
	}
	d.write(ownConfig, "[local]\naddresses = [\""+ownAddress+"\"]\n"+config)
	return made.NodeID
}

// enabled waits until all that the package is for works.
func (d *debian) enabled(id string) {
	d.t.Helper()
	d.eventually("the daemon is ready", func() error {
		var status struct {
			State  string   `json:"state"`
			Errors []string `json:"errors"`
		}
		out, err := d.try("nodedns", "status", "--json")
		if err == nil {
			err = json.Unmarshal([]byte(out), &status)
		}
		if err == nil && status.State != "ready" {
			err = fmt.Errorf("it is %s: %q", status.State, status.Errors)
		}
		return err
	})
	d.eventually("resolv.conf is ours", func() error { return d.resolvConfIsOurs(true) })
	d.eventually("we are in the hosts file", func() error {
		hosts := d.read("/etc/hosts")
		if !strings.Contains(hosts, "\n"+ownAddress+" "+id+"\n") {
			return fmt.Errorf("it is %q", hosts)
		}
		return nil
	})
	if got := strings.TrimSpace(d.run("uname", "-n")); got != id {
		d.t.Errorf("the hostname is %s, want %s", got, id)
	}
	if got := d.run("systemctl", "is-enabled", "nodedns"); got != "enabled\n" {
		d.t.Errorf("the service is %q", got)
	}
}

// enable switches all on, the hostname too, which is kept where there is no curator
// and it is not named.
func (d *debian) enable() {
	d.t.Helper()
	d.run("nodedns", "enable", "--yes", "--only", "hosts,machine-id,hostname,resolv-conf,nsswitch")
}

func (d *debian) resolvConfIsOurs(want bool) error {
	text, err := os.ReadFile(d.path("/etc/resolv.conf"))
	// A symlink to /run leads elsewhere for us, and is not ours.
	if ours := err == nil && strings.HasPrefix(string(text), "# Written by nodedns"); ours != want {
		return fmt.Errorf("it is %q", text)
	}
	return nil
}

// mainPID is the daemon's process, on the machine.
func (d *debian) mainPID() string {
	d.t.Helper()
	return strings.TrimSpace(d.run("systemctl", "show", "--property=MainPID", "--value", "nodedns"))
}

// asker is a program that queries a name again and again.
type asker struct {
	d    *debian
	name string
	log  testkit.Log
	stop string // the file that ends it
}

// ask starts one. As programs do, it retries once: a program that has read
// resolv.conf just before it changes queries a server that has gone.
func (d *debian) ask(name string) *asker {
	d.t.Helper()
	a := &asker{d: d, name: name, stop: "/root/enough-" + name}
	cmd := d.command(context.Background(), "sh", "-c", `while [ ! -e "$1" ]; do
		getent ahosts "$0" >/dev/null || getent ahosts "$0" >/dev/null || { echo "$0 is not found:"; cat /etc/resolv.conf; }
		echo asked
	done`, name, a.stop)
	cmd.Stdout, cmd.Stderr = &a.log, &a.log
	start(d.t, cmd, new(testkit.Log)) // of its output end shows what matters
	return a
}

// end ends the program and checks what it has found.
func (a *asker) end() {
	a.d.t.Helper()
	a.d.write(a.stop, "")
	log := a.log.String()
	if strings.Contains(log, "not found") {
		a.d.t.Errorf("there was a moment without names:\n%s", strings.ReplaceAll(log, "asked\n", "."))
	}
	if asked := strings.Count(log, "asked\n"); asked < 10 {
		a.d.t.Errorf("%s was asked for %d times only", a.name, asked)
	}
}
