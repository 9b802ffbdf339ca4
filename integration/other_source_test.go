package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A VPN died without a word, and the server of the network around it is alive:
// status and doctor name it and the way to change over. It is probed, and gets
// none of the names that are looked up.
func TestAnotherSourceAnswers(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	outside := l.join("outside").address()
	var mu sync.Mutex
	var names []string
	startScripted(outside.machine, netip.AddrPortFrom(outside.v4(), 53), script{udp: func(s *scripted, q query, from netip.AddrPort) {
		mu.Lock()
		names = append(names, q.name())
		mu.Unlock()
		answersWell(s, q, from)
	}})
	n := newNode(l, "node")
	n.address()
	n.configure(stubMode)
	owners := "nameserver " + outside.v4().String() + "\n"
	n.write(resolvConf, owners)
	n.boot()
	eventually(t, "the server is asked", func() error { return n.asks(outside.v4().String()) })

	n.write(resolvConf, "nameserver "+vpnServer+"\n")
	eventually(t, "the VPN's server is asked", func() error { return n.asks(vpnServer) })
	mu.Lock()
	names = nil
	mu.Unlock()
	alternatives := func(want ...string) error {
		var s struct {
			Verdict    verdict
			ResolvConf struct {
				Alternatives []struct {
					Source  string
					Servers []string
				}
			} `json:"resolv_conf"`
		}
		if err := n.readStatus(&s); err != nil {
			return err
		}
		var got []string
		for _, a := range s.ResolvConf.Alternatives {
			got = append(got, a.Servers...)
		}
		reported := false
		for _, r := range s.Verdict.Reasons {
			reported = reported || r.Code == "other-source"
		}
		if !slices.Equal(got, want) || reported != (len(want) > 0) {
			return fmt.Errorf("alternatives %+v, verdict %+v", s.ResolvConf.Alternatives, s.Verdict)
		}
		return nil
	}
	eventually(t, "the other source is named", func() error {
		_ = n.answers("SERVFAIL", "secret.vpn.example") // the server is found dead by queries only
		return alternatives(outside.v4().String())
	})
	for _, command := range []string{"status", "doctor"} {
		out, _ := n.nodedns(command) // both fail, as something is wrong
		for _, text := range []string{outside.v4().String(), resolvConf + " as it was earlier", "upstream.servers"} {
			if !strings.Contains(out, text) {
				t.Errorf("%s has no %q:\n%s", command, text, out)
			}
		}
	}
	mu.Lock()
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "vpn") }) {
		t.Errorf("the server outside was asked for %q", names)
	}
	mu.Unlock()

	n.write(resolvConf, owners) // the way that the text advises
	eventually(t, "the server is asked again", func() error { return n.asks(outside.v4().String()) })
	must(t, alternatives())
}
