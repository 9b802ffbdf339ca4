package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// ssh takes a server's fingerprint from DNS for a proof where the answer is validated:
// the zone is signed, the server that nodedns asks validates, and nodedns is configured
// to pass that on. Its resolv.conf has then what glibc needs for it.
func TestSSHFingerprints(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	needSandbox(t)
	needUnpacked(t, "nsd", "unbound", "sshd", "ssh", "ssh-keygen")
	l := newLAN(t)
	nsd := newAuthority(l, "nsd", newSSHServer(l, "server")...)
	unbound, _ := newRecursor(l, "unbound", nsd)
	for _, test := range []struct {
		name, trustAD, options string
		proves                 map[string]bool // by the zone
	}{
		{"by default", "false", "options edns0", map[string]bool{plainZone: false, signedZone: false}},
		{"with trust_ad", "true", "options edns0 trust-ad", map[string]bool{plainZone: false, signedZone: true}},
	} {
		n := through(l, test.name, unbound.v4().String(), "trust_ad = "+test.trustAD, stubMode)
		n.boot()
		n.awaitReady()
		eventually(t, "resolv.conf is written", func() error { return n.pointsHere(test.options) })
		for zone, proves := range test.proves {
			t.Run(test.name+"/"+zone, func(t *testing.T) {
				eventually(t, "ssh finds the fingerprints", func() error { return n.sshVerifies("server."+zone, proves) })
			})
		}
	}
}

// newSSHServer plugs in an OpenSSH server, and returns its records.
func newSSHServer(l *lan, name string) (records []string) {
	l.t.Helper()
	h := l.join(name).address()
	h.write("/etc/passwd", h.read("/etc/passwd")+"sshd:x:997:65534::/run/sshd:/bin/false\n")
	h.write("/etc/ssh/sshd_config", "HostKey /etc/ssh/key\nPidFile none\n")
	h.run("mkdir", "/run/sshd")
	keygen := func(args ...string) string {
		out, err := h.output(unpacked(l.t, "ssh-keygen", append(args, "-f", "/etc/ssh/key")...))
		must(l.t, err)
		return out
	}
	keygen("-q", "-t", "ed25519", "-N", "")
	h.serve(unpacked(l.t, "sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"))
	h.listens(h.v4().String() + ":22")
	records = strings.Split(strings.TrimSpace(keygen("-r", name)), "\n")
	return append(records, name+" A "+h.v4().String())
}

// sshVerifies fails unless ssh finds the fingerprints of a server that it has never met,
// and goes on without being told more only where they prove something.
func (m *machine) sshVerifies(server string, proves bool) error {
	_, err := m.output(unpacked(m.t, "ssh", "-v", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "VerifyHostKeyDNS=yes", "-o", "PreferredAuthentications=none", "root@"+server))
	if err == nil {
		return fmt.Errorf("root may log in to %s", server)
	}
	want := []string{"found 2 insecure fingerprints in DNS", "matching host key fingerprint found in DNS", "Host key verification failed"}
	if proves {
		want = []string{"found 2 secure fingerprints in DNS", "matching host key fingerprint found in DNS", "Permission denied"}
	}
	for _, line := range want {
		if !strings.Contains(err.Error(), line) {
			return fmt.Errorf("want %q: %w", line, err)
		}
	}
	return nil
}
