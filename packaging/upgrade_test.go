package packaging

import (
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// An upgrade leaves the service to what the machine's owner has made of it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	tests := []struct {
		name    string
		prepare string // by the shell
		says    string // the installation
		restart bool   // the newer version runs afterwards
	}{
		{"running", "systemctl start nodedns", "", true},
		{"stopped", "systemctl enable --now nodedns; systemctl stop nodedns", "", false},
		{"masked", "systemctl mask --now nodedns", "", false},
		{"its configuration was edited", "echo '# mine' >>/etc/nodedns/nodedns.toml; systemctl start nodedns", "", true},
		{
			"its configuration is wrong by now", "systemctl start nodedns; echo '[dnss]' >>/etc/nodedns/nodedns.toml",
			"nodedns: the old daemon goes on", false,
		},
	}
	p := built(t)
	d := boot(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &debian{t, d.pid}
			d.install(deb(t, p.older))
			d.init("")
			d.run("sh", "-ec", tt.prepare)
			config, enabled, pid := d.read("/etc/nodedns/nodedns.toml"), d.isEnabled(), d.mainPID()

			out := d.run("sh", "-c", "dpkg -i "+d.copied(deb(t, p.newer))+" 2>&1")
			if !strings.Contains(out, tt.says) {
				t.Errorf("it does not say %q:\n%s", tt.says, out)
			}
			if got := d.mainPID(); (got != pid) != tt.restart {
				t.Errorf("the process was %s and is %s", pid, got)
			}
			if got := d.isEnabled(); got != enabled {
				t.Errorf("the service was %s and is %s", enabled, got)
			}
			if got := d.read("/etc/nodedns/nodedns.toml"); got != config {
				t.Errorf("the configuration is %s", got)
			}
			d.run("sh", "-ec", "systemctl unmask nodedns; rm "+ownConfig+"; dpkg --purge nodedns")
			d.gone()
		})
	}
}

// isEnabled is what systemctl calls it, which has no error for a service that
// is not.
func (d *debian) isEnabled() string {
	out, _ := d.try("systemctl", "is-enabled", "nodedns")
	return strings.TrimSpace(out)
}
