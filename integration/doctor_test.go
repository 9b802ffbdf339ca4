package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// findings are what "nodedns doctor --json" promises, the worst of each check.
func (m *machine) findings(flags ...string) (map[string]finding, error) {
	out, failed := m.nodedns(append([]string{"doctor", "--json", "--config", configFile}, flags...)...)
	var d struct{ Findings []finding }
	if err := decodeJSON(out, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", err, failed)
	}
	found := map[string]finding{}
	problems := false
	for _, f := range d.Findings {
		if _, worse := found[f.Check]; !worse {
			found[f.Check] = f
		}
		problems = problems || f.Severity == "problem"
	}
	if problems != (failed != nil) {
		return found, fmt.Errorf("with findings %+v the error is %w", d.Findings, failed)
	}
	return found, nil
}

type finding struct {
	Check, Severity, Finding, Impact, Fix string
	After                                 []string
}

func (f finding) says(severity string, texts ...string) error {
	if f.Severity != severity {
		return fmt.Errorf("got %+v, want a %s", f, severity)
	}
	for _, text := range texts {
		if !strings.Contains(f.Finding+"; "+f.Fix, text) {
			return fmt.Errorf("got %+v, want %q in it", f, text)
		}
	}
	return nil
}

// On a machine that is as it should be nothing is wrong; the processes of other
// tests look like containers. Once the daemon is killed, the cause is found.
func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := newStub(t, "nameserver "+routerV4+"\n")
	must(t, os.Chmod(n.path(keyFile), 0o600))
	d := n.boot()
	eventually(t, "resolv.conf points here", func() error { return n.pointsHere("options edns0") })
	eventually(t, "nothing is wrong", func() error {
		found, err := n.findings()
		for check, f := range found {
			if check != "containers" && f.Severity != "note" {
				err = errors.Join(err, fmt.Errorf("found %+v", f))
			}
		}
		return err
	})
	nobody := exec.Command(filepath.Join(binaries, "nodedns"), "doctor", "--config", configFile)
	nobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out bytes.Buffer
	nobody.Stdout = &out
	must(t, n.start(nobody))
	if err := nobody.Wait(); err != nil || !strings.Contains(out.String(), "could not look at") {
		t.Errorf("as another user: %v\n%s", err, &out)
	}
	d.kill()
	found, err := n.findings()
	must(t, err)
	must(t, found["daemon"].says("problem", "systemctl start"))
	must(t, found["resolv-conf"].says("problem", "nodedns resolvconf restore"))
}

func TestDoctorPortTaken(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	startDNSMasq(n.machine, "127.0.0.53")
	eventually(t, "dnsmasq is found", func() error {
		found, err := n.findings()
		if err != nil {
			return err
		}
		return found["port"].says("problem", "dnsmasq", "127.0.0.53:53", "dns.listen")
	})
}

// A process in a network namespace of its own, with the host's resolv.conf, as in
// a container without one.
func TestDoctorContainer(t *testing.T) {
	t.Parallel()
	needSandbox(t, "sleep")
	l := newLAN(t)
	n, other := newNode(l, "node"), l.join("other")
	n.address()
	other.write(resolvConf, "nameserver 127.0.0.53\n")
	n.configure(noUpstream)
	n.boot()
	eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	// The processes of all tests can be seen. This name comes before the others.
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	name := filepath.Join(t.TempDir(), "0contained")
	must(t, os.Symlink(sleep, name))
	other.serve(exec.Command(name, "infinity"))
	eventually(t, "the process is found", func() error {
		found, err := n.findings()
		if err != nil {
			return err
		}
		return found["containers"].says("problem", "127.0.0.53", "0contained (pid", realServers)
	})
}

func TestDoctorFileNotWritable(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	n.do(func() {
		must(t, unix.Mount("/etc/hosts", "/etc/hosts", "", unix.MS_BIND, ""))
		must(t, unix.Mount("", "/etc/hosts", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	})
	n.boot()
	eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	eventually(t, "the file is found", func() error {
		found, err := n.findings()
		if err != nil {
			return err
		}
		return found["files"].says("problem", "/etc/hosts", "read-only", "mount it writable")
	})
}
