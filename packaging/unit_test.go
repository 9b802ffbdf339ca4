package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// maxExposure is what "systemd-analyze security" may report at most, of 10.
const maxExposure = 2.5

func TestExposure(t *testing.T) {
	t.Parallel()
	d := boot(t, pause...)
	unit, err := os.ReadFile("nodedns.service")
	if err != nil {
		t.Fatal(err)
	}
	d.write("/root/nodedns.service", string(unit))
	out := d.run("systemd-analyze", "security", "--offline=true", "--no-pager", "/root/nodedns.service")
	level := regexp.MustCompile(`Overall exposure level for nodedns\.service: ([0-9.]+)`).FindStringSubmatch(out)
	if level == nil {
		t.Fatalf("there is no level in\n%s", out)
	}
	if exposure, err := strconv.ParseFloat(level[1], 64); err != nil || exposure > maxExposure {
		t.Errorf("the exposure is %s, want %v at most:\n%s", level[1], maxExposure, out)
	}
	d.write("/usr/bin/nodedns", "")
	d.run("chmod", "755", "/usr/bin/nodedns")
	d.run("systemd-analyze", "verify", "--man=no", "/root/nodedns.service")
}

// service is a machine with the package, enabled, and what a root user has left.
func service(t *testing.T) (*debian, string) {
	t.Helper()
	p := built(t)
	d := boot(t)
	d.install(deb(t, p.newer))
	id := d.init("[files]\nhostname_file = \"/etc/hostname\"\n")
	d.write("/etc/machine-id", "\n")
	for _, path := range []string{"/etc/shadow", "/etc/cron.daily/theirs", "/root/theirs", "/tmp/theirs"} {
		d.write(path, "theirs\n")
	}
	// An earlier run as root, as in a container.
	d.run("sh", "-c", "timeout 1 nodedns run; test $? = 124")
	d.enable()
	d.enabled(id)
	return d, id
}

// In the sandbox all works that touches the machine, and what it writes is
// root's though the daemon is not.
func TestSandbox(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	d, id := service(t)
	hex := strings.TrimPrefix(id, "metropolis-")
	for path, want := range map[string]string{
		"/etc/hosts":      "\n" + ownAddress + " " + id + "\n",
		"/etc/machine-id": hex + "\n",
		"/etc/hostname":   id + "\n",
	} {
		info, err := os.Lstat(d.path(path))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 || owner.Gid != 0 || info.Mode() != 0o644 {
			t.Errorf("%s belongs to %d:%d with mode %v", path, owner.Uid, owner.Gid, info.Mode())
		}
		if got := d.read(path); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	d.closed()
	state := d.read("/proc/" + d.mainPID() + "/status")
	user := strings.TrimSpace(d.run("id", "-u", "nodedns"))
	for _, want := range []string{"Uid:\t" + user + "\t", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(state, want) {
			t.Errorf("the process lacks %q:\n%s", want, state)
		}
	}
	if out := d.run("systemctl", "status", "--no-pager", "nodedns"); !strings.Contains(out, `Status: "ready, 1 nodes, curator off"`) {
		t.Errorf("the status is\n%s", out)
	}
	// glibc queries the daemon over its socket, where systemd-resolved has left
	// it alone.
	if got := d.read("/etc/nsswitch.conf"); !strings.Contains(got, "hosts: resolve [!UNAVAIL=return] files dns\n") {
		t.Errorf("nsswitch.conf is %q", got)
	}
	for name, address := range map[string]string{id: ownAddress, "up.example": "192.0.2.7"} {
		if got := d.run("getent", "--service=resolve", "ahosts", name); !strings.Contains(got, address) {
			t.Errorf("nss-resolve finds %s to be %q", name, got)
		}
	}
	d.run("nodedns", "verify")
	d.run("nodedns", "flush")
	d.run("systemctl", "reload", "nodedns")
	d.enabled(id)
	if log := d.run("journalctl", "--no-pager", "--unit=nodedns", "--priority=warning"); strings.Contains(log, "level=") {
		t.Errorf("the log has\n%s", log)
	}
	d.reloads()
}

// reloads checks that a reload fails with the daemon's reason, or succeeds.
func (d *debian) reloads() {
	d.t.Helper()
	const dropIn, mistake = "/etc/nodedns/nodedns.d/50-mistake.toml", "50-mistake.toml:1: zone.colour: "
	d.write(dropIn, "zone.colour = 1\n")
	if _, err := d.try("systemctl", "reload", "nodedns"); err == nil {
		d.t.Error("a configuration that is refused is reloaded all the same")
	}
	if log := d.run("journalctl", "--no-pager", "--unit=nodedns"); !strings.Contains(log, "nodedns: not reloaded: ") {
		d.t.Errorf("the journal lacks what the reload said:\n%s", log)
	}
	if status := d.run("nodedns", "status"); !strings.Contains(status, "refused") || !strings.Contains(status, mistake) {
		d.t.Errorf("the status does not have the refusal:\n%s", status)
	}
	d.run("rm", dropIn)
	d.run("mkfifo", dropIn)
	if _, err := d.try("systemctl", "reload", "nodedns"); err == nil {
		d.t.Error("a FIFO is a configuration file")
	}
	d.run("rm", dropIn)
	d.run("systemctl", "reload", "nodedns")
	if status := d.run("nodedns", "status"); strings.Contains(status, "refused") {
		d.t.Errorf("the refusal is over:\n%s", status)
	}
}

// closed checks what the daemon, with its rights over all files, cannot reach.
func (d *debian) closed() {
	d.t.Helper()
	seen := "/proc/" + d.mainPID() + "/root"
	for path, what := range map[string]string{
		"/usr/bin": "-w", "/var/lib": "-w", "/root/theirs": "-e", "/tmp/theirs": "-e", "/dev/kmsg": "-e",
		"/etc/passwd": "-w", "/etc/systemd": "-w", "/etc/pam.d": "-w", "/etc/shadow": "-s", "/etc/cron.daily/theirs": "-e",
	} {
		// By root, which only the mounts keep away.
		if _, err := d.try("test", what, seen+path); err == nil {
			d.t.Errorf("%s: the daemon can reach it (test %s)", path, what)
		}
	}
}

// After a crash resolv.conf is given back, and taken again by the next process.
func TestCrash(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	d, id := service(t)
	d.write("/run/systemd/system/nodedns.service.d/slow.conf", "[Service]\nRestartSec=3s\n")
	d.run("systemctl", "daemon-reload")
	d.run("sh", "-c", "kill -KILL "+d.mainPID())
	d.eventually("resolv.conf is given back", func() error { return d.resolvConfIsOurs(false) })
	if err := d.finds("up.example", "192.0.2.7"); err != nil {
		t.Error(err)
	}
	if err := d.finds(id, ownAddress); err != nil {
		t.Error(err)
	}
	d.enabled(id)
}

// A daemon that runs but answers no query is restarted.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	if _, err := exec.LookPath("nft"); err != nil {
		testkit.Skip(t, "needs nft")
	}
	d, id := service(t)
	d.write("/run/systemd/system/nodedns.service.d/short.conf", "[Service]\nWatchdogSec=3s\n")
	d.run("systemctl", "daemon-reload")
	d.run("systemctl", "restart", "nodedns")
	d.enabled(id)
	pid := d.mainPID()
	d.nft("add table inet deaf; add chain inet deaf input { type filter hook input priority 0; }; " +
		"add rule inet deaf input ip daddr 127.0.0.53 udp dport 53 drop")
	d.eventually("it is started anew", func() error {
		if d.mainPID() == pid {
			return fmt.Errorf("it is still process %s", pid)
		}
		return nil
	})
	d.nft("delete table inet deaf")
	d.enabled(id)
	if log := d.run("journalctl", "--no-pager", "--unit=nodedns"); !strings.Contains(log, "the watchdog gets no ping") {
		t.Errorf("the log does not say why:\n%s", log)
	}
}

// nft changes the machine's firewall, from outside.
func (d *debian) nft(commands string) {
	d.t.Helper()
	out, err := exec.Command("nsenter", "--target", strconv.Itoa(d.pid), "--net", "nft", commands).CombinedOutput()
	if err != nil {
		d.t.Fatalf("nft %s: %v: %s", commands, err, out)
	}
}
