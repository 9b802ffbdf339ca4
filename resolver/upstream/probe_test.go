package upstream

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// A server that may query us is probed by a name that shows a loop, which is not
// encrypted; others by what each server can answer.
func TestProbeQuestion(t *testing.T) {
	t.Parallel()
	for text, near := range map[string]bool{
		"127.0.0.1":              true,
		"10.0.0.1":               true,
		"tcp://192.168.0.1":      true,
		"169.254.0.1":            true,
		"::1":                    true,
		"fd00::1":                true,
		"fe80::1%eth0":           true,
		"192.88.1.1":             false,
		"2600::1":                false,
		"tls://10.0.0.1":         false,
		"https://10.0.0.1/query": false,
	} {
		server, err := ParseServer(text)
		if err != nil {
			t.Fatal(err)
		}
		for state, tt := range map[State]struct {
			failures int
			loop     bool
		}{Unknown: {0, near}, Good: {0, near}, Down: {1, false}, Looping: {1, near}} {
			peer := New(Config{}).Use(Options{}, []Server{server})[0].peers[0]
			peer.state, peer.failures = state, tt.failures
			want := dns.Question{Name: ".", Qtype: dns.TypeNS, Qclass: dns.ClassINET}
			if tt.loop {
				want.Name, want.Qtype = peer.token.loopName(), dns.TypeTXT
			}
			if got := peer.probeQuestion().asked; got != want {
				t.Errorf("%s, %v after %d failures: probed by %v, want %v", text, state, tt.failures, &got, &want)
			}
		}
	}
}

// A probe is not one of the queries that wait for a server.
func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt))
		defer run(t, p)()
		ask(t, g)
		inFlight := func() int { return p.Status()[0].InFlight }
		if got := inFlight(); got != 0 {
			t.Errorf("%d are in flight after an answer", got)
		}
		servers[0].set(after(lost), nil)
		done := make(chan error)
		for range 2 {
			go func() {
				_, err := g.Exchange(t.Context(), query("www.example."))
				done <- err
			}()
		}
		synctest.Wait()
		if got := inFlight(); got != 2 {
			t.Errorf("%d are in flight, want 2", got)
		}
		for range 2 {
			if err := <-done; err == nil {
				t.Error("a silent server has answered")
			}
		}
		servers[0].take()
		time.Sleep(outageBackoff)
		synctest.Wait()
		if probed := len(servers[0].take()); probed == 0 || inFlight() != 0 {
			t.Errorf("%d probes were sent, and %d are in flight", probed, inFlight())
		}
	})
}
