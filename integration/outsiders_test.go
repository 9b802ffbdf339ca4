package integration

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Queries of other machines are not answered, unless the configuration allows
// them; and then the answer comes from the address that was queried.
// Shows RFC 2181 4.1.
// Shows RFC 5625 6.2.
// Shows RFC 8914 4.19.
func TestOutsiders(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	outsider := l.join("outsider").address()
	n := newNode(l, "node")
	n.address()
	n.configure(noUpstream)
	d := n.boot()
	eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	for _, transport := range []string{"+notcp", "+tcp"} {
		r, err := outsider.digAt(n.v4().String(), transport, n.id)
		if err == nil || !strings.Contains(r.text, "connection refused") {
			t.Errorf("want the connection refused: %v: %s", err, r.text)
		}
	}

	restart := func(lines ...string) {
		d.signal(unix.SIGTERM)
		d.exit()
		n.configure(append([]string{noUpstream, "[dns]", `listen = ["0.0.0.0:53", "[::]:53"]`}, lines...)...)
		d = n.boot()
		eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	}
	ask := func(check func(reply) error) {
		for _, addr := range []string{n.v4().String(), n.v6().String()} {
			for _, transport := range []string{"+notcp", "+tcp"} {
				r, err := outsider.digAt(addr, transport, n.id)
				must(t, err)
				must(t, check(r))
			}
		}
	}
	restart()
	ask(func(r reply) error {
		if r.status != "REFUSED" || !r.hasError(18, "") {
			return fmt.Errorf("want REFUSED and the extended error 18:\n%s", r.text)
		}
		return nil
	})
	restart(`allow = ["127.0.0.0/8", "10.88.0.0/24", "fd88::/64"]`)
	ask(func(r reply) error { return r.expectAnswer(n.v4().String()) })
}
