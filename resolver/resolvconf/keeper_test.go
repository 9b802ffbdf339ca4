package resolvconf

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/resolver/upstream"
)

// Shows RFC 4035 4.9.3.
// Shows resolv.conf(5) edns0, trust-ad.
func TestItPointsAtUsAndIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		furnish func(*tree)
		trust   bool
		want    string // while we run
		after   string
	}{
		{
			"a file", func(r *tree) { r.write(usualPath, "nameserver 192.0.2.1\n") }, false,
			stub(edns), "nameserver 192.0.2.1\n",
		},
		{
			"search list and options stay", func(r *tree) {
				r.write(usualPath, "domain a.example\noptions ndots:2 rotate\n")
			}, false,
			stub("search a.example", "options ndots:2 rotate edns0"), "domain a.example\noptions ndots:2 rotate\n",
		},
		{
			"their word on AD is not ours", func(r *tree) { r.write(usualPath, "options edns0 trust-ad\n") }, false,
			stub(edns), "options edns0 trust-ad\n",
		},
		{
			"with trust_ad it is", func(r *tree) { r.write(usualPath, "options trust-ad timeout:1\n") }, true,
			stub("options timeout:1 edns0 trust-ad"), "options trust-ad timeout:1\n",
		},
		{"none", func(*tree) {}, false, stub(edns), "none"},
		{"an empty one", func(r *tree) { r.write(usualPath, "") }, false, stub(edns), ""},
		{"a symlink", func(r *tree) {
			r.link(usualPath, "../run/systemd/resolve/stub-resolv.conf")
			r.write(stubPath, "nameserver 127.0.0.53\nsearch lan.example\n")
		}, false, stub("search lan.example", edns), "-> ../run/systemd/resolve/stub-resolv.conf"},
		{"a symlink to nothing", func(r *tree) { r.link(usualPath, "/nowhere") }, false, stub(edns), "-> /nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(_ *testing.T, r *tree) {
				c.furnish(r)
				behind := r.read(stubPath)
				b := r.launch(ModeStub, c.trust)
				b.wantState(StateStub, "")
				r.want(usualPath, c.want)
				b.stop()
				r.want(usualPath, c.after)
				r.want(stubPath, behind)
				if done, err := Restore(b.config()); err != nil || len(done) > 0 {
					t.Errorf("there was left to restore: %v, %v", done, err)
				}
			})
		})
	}
}

func TestItIsLeftAloneUntilTheListenerAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		const theirs = "nameserver 192.0.2.1\n"
		r.write(usualPath, theirs)
		b := r.launch(ModeOff, false)
		b.wantState(StateOff, "")
		b.change(func() { b.dead = true })
		b.Set(ModeStub, false, "")
		sleep(time.Minute)
		b.wantState(StateWaiting, "127.0.0.53:53 does not answer")
		r.want(usualPath, theirs)
		if n := b.log.Count("trying again"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
		b.change(func() { b.dead = false })
		b.wantState(StateStub, "")
		r.want(usualPath, stub(edns))

		// Nor does it stay when we stop answering.
		b.change(func() { b.dead = true })
		b.wantState(StateWaiting, "does not answer")
		r.want(usualPath, theirs)
		b.mu.Lock()
		b.dead = false // without a hint, it is tried
		b.mu.Unlock()
		sleep(maxRetry)
		r.want(usualPath, stub(edns))
		if s := b.Status(); s.Overwrites != 0 {
			t.Errorf("status %+v: our own writes were taken for another program's", s)
		}
		b.stop()
		r.want(usualPath, theirs)
	})
}

func TestListeners(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, listeners, want string }{
		{"the first on port 53", "127.0.0.1:5353 127.0.0.2:53 127.0.0.3:53", "127.0.0.2"},
		{"one on loopback first", "10.0.0.1:53 127.0.0.2:53", "127.0.0.2"},
		{"none on loopback", "10.0.0.1:5353 10.0.0.2:53 10.0.0.3:53", "10.0.0.2"},
		{"all of IPv4", "0.0.0.0:53", "127.0.0.1"},
		{"all of IPv6", "[::]:53", "::1"},
		{"none on port 53", "127.0.0.1:5353", ""},
		{"none", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(_ *testing.T, r *tree) {
				r.write(usualPath, "nameserver 192.0.2.1\n")
				b := r.prepare()
				b.listeners = nil
				for _, l := range strings.Fields(c.listeners) {
					b.listeners = append(b.listeners, netip.MustParseAddrPort(l))
				}
				b.cfg.Probe = func(context.Context, netip.AddrPort) error { return nil }
				b.Set(ModeStub, false, "")
				b.Start(r.t.Context())
				if c.want == "" {
					b.wantState(StateWaiting, "no listener is on port 53")
					r.want(usualPath, "nameserver 192.0.2.1\n")
					return
				}
				r.want(usualPath, stubLine(1)+"nameserver "+c.want+"\n"+edns+"\n")
			})
		})
	}
}

func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		between    func(*tree)
		while, now string
	}{
		{"nothing happened", func(*tree) {}, stub("search a.example", edns), "-> /run/theirs"},
		{"another program has written it", func(r *tree) { r.write(usualPath, "search b.example\n") }, stub("search b.example", edns), "search b.example\n"},
		{"another program has removed it", func(r *tree) { r.remove(usualPath) }, stub(edns), "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(_ *testing.T, r *tree) {
				r.write("/run/theirs", "search a.example\n")
				r.link(usualPath, "/run/theirs")
				for range 2 {
					b := r.launch(ModeStub, false)
					r.want(usualPath, stub("search a.example", edns))
					b.kill()
					r.want(usualPath, stub("search a.example", edns))
				}
				c.between(r)
				b := r.launch(ModeStub, false)
				r.want(usualPath, c.while)
				if s := b.Status(); s.Overwrites != 0 {
					t.Errorf("status %+v, want no overwrite", s)
				}
				b.stop()
				r.want(usualPath, c.now)
			})
		})
	}
}

func TestTheModeChangesWhileItRuns(t *testing.T) {
	inBubble(t, func(_ *testing.T, r *tree) {
		r.write(usualPath, "nameserver 192.0.2.1\n")
		b := r.launch(ModeStub, false)
		for range 2 {
			b.change(func() {})
			r.want(usualPath, stub(edns))
			r.want(resolvedPath, "-> "+realPath)
			b.Set(ModeOff, false, "")
			b.change(func() {})
			b.wantState(StateOff, "")
			r.want(usualPath, "nameserver 192.0.2.1\n")
			r.want(resolvedPath, "none")
			b.Set(ModeStub, false, "")
		}
		b.stop()
	})
}

func TestAKilledOneIsGivenBackInModeOff(t *testing.T) {
	inBubble(t, func(_ *testing.T, r *tree) {
		r.write(usualPath, "nameserver 192.0.2.1\n")
		r.launch(ModeStub, false).kill()
		b := r.launch(ModeOff, false)
		b.wantState(StateOff, "")
		r.want(usualPath, "nameserver 192.0.2.1\n")
		b.stop()
	})
}

func TestTheRealUpstreams(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		r.write(usualPath, "search a.example\noptions ndots:2 trust-ad\n")
		b := r.launch(ModeOff, false)
		r.want(realPath, realMark+"search a.example\noptions ndots:2\n")
		b.change(func() {
			for _, text := range []string{"192.0.2.1", "2001:db8::1", "192.0.2.2:5353", "tls://192.0.2.3#dns.example"} {
				server, err := upstream.ParseServer(text)
				if err != nil {
					t.Fatal(err)
				}
				b.upstreams = append(b.upstreams, server)
			}
		})
		want := realMark + "nameserver 192.0.2.1\nnameserver 2001:db8::1\n" +
			"# 192.0.2.2:5353 is left out: this file can only name servers for UDP on port 53\n" +
			"# tls://192.0.2.3#dns.example is left out: this file can only name servers for UDP on port 53\n" +
			"search a.example\noptions ndots:2\n"
		r.want(realPath, want)
		before := b.files.real.Stamp()
		b.change(func() {})
		if b.files.real.Stamp() != before {
			t.Error("the file was written again")
		}
		r.remove(realPath)
		b.change(func() {})
		r.want(realPath, want)
		b.stop()
		r.want(realPath, want) // containers that mount it still use it
	})
}

func TestAFailureIsAStateAndIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		r.write(usualPath, "nameserver 192.0.2.1\n")
		if err := os.MkdirAll(r.path(realPath), 0o755); err != nil { // a directory in the way
			t.Fatal(err)
		}
		b := r.launch(ModeStub, false)
		b.wantState(StateStub, realPath)
		r.want(usualPath, stub(edns))
		r.remove(realPath)
		sleep(maxRetry)
		b.wantState(StateStub, "")
		b.stop()
	})
}

func TestContainersFindTheRealUpstreams(t *testing.T) {
	t.Parallel()
	const theirs = "nameserver 192.0.2.1\n"
	for _, c := range []struct {
		name         string
		furnish      func(*tree)
		while, after string
	}{
		{"where systemd-resolved does not run", func(*tree) {}, "-> " + realPath, "none"},
		{"where it is gone", func(r *tree) { r.link(resolvedPath, "/gone") }, "-> " + realPath, "none"},
		{"where it runs, by its file", func(r *tree) { r.write(resolvedPath, theirs) }, theirs, theirs},
		{"where another program leads there", func(r *tree) {
			r.write("/run/other", theirs)
			r.link(resolvedPath, "/run/other")
		}, "-> /run/other", "-> /run/other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(_ *testing.T, r *tree) {
				c.furnish(r)
				b := r.launch(ModeOff, false)
				if now := r.read(resolvedPath); now == "-> "+realPath {
					t.Error("in mode off there is a symlink to ours")
				}
				b.stop()
				b = r.launch(ModeStub, false)
				r.want(resolvedPath, c.while)
				b.stop()
				r.want(resolvedPath, c.after)
			})
		})
	}
}

func TestSystemdResolvedStartsWhileWeRun(t *testing.T) {
	inBubble(t, func(_ *testing.T, r *tree) {
		r.write(usualPath, "# no server\n")
		b := r.launch(ModeStub, false)
		r.want(resolvedPath, "-> "+realPath)
		r.write(resolvedPath, "search lan.example\n") // in place of our symlink
		b.change(func() {})
		r.want(resolvedPath, "search lan.example\n")
		r.want(usualPath, stub("search lan.example", edns))
		r.remove(resolvedPath)
		b.change(func() {})
		r.want(resolvedPath, "-> "+realPath)
		b.stop()
	})
}

func TestNewWantsPaths(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"no path":                    {StateDir: "/state"},
		"no state directory":         {Settings: Settings{Path: usualPath}},
		"a relative path":            {Settings: Settings{Path: "resolv.conf"}, StateDir: "/state"},
		"a relative state directory": {Settings: Settings{Path: usualPath}, StateDir: "state"},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "absolute") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be backed up is not replaced.
func TestAFileThatIsTooLargeIsLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		large := strings.Repeat("# large\n", maxSize/8+1)
		r.write(usualPath, large)
		b := r.launch(ModeStub, false)
		b.wantState(StateWaiting, "at most 65536 bytes")
		b.cancel()
		if err := <-b.ended; err == nil {
			t.Error("it is not reported that it was not looked at")
		}
		r.want(usualPath, large)
	})
}

// What we write has options and marks of the original, and has to be read again.
func TestAFileThatWouldBecomeTooLargeIsLeftAlone(t *testing.T) {
	t.Parallel()
	const half = maxSize / 2
	for name, original := range map[string]string{
		"an option":        "options " + strings.Repeat("x", maxSize-10) + "\n",
		"marks of another": strings.Repeat("# VPNC_GENERATED\n", maxSize/17),
		"both":             "# VPNC_GENERATED" + strings.Repeat("x", half-30) + "\noptions " + strings.Repeat("x", half-10) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *tree) {
				r.write(usualPath, original)
				b := r.launch(ModeStub, false)
				b.wantState(StateWaiting, "want at most 65536")
				b.stop()
				if r.read(usualPath) != original {
					t.Error("it was replaced")
				}
			})
		})
	}
}

// The pause after a failure is a first one again once it has worked.
func TestSuccessResetsThePauses(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		r.write(usualPath, "nameserver 192.0.2.1\n")
		b := r.launch(ModeStub, false)
		b.change(func() { b.dead = true })
		sleep(10 * maxRetry) // the pauses are the longest by then
		b.wantState(StateWaiting, "does not answer")
		b.change(func() { b.dead = false })
		b.wantState(StateStub, "")
		b.change(func() { b.dead = true })
		b.wantState(StateWaiting, "does not answer")
		b.mu.Lock()
		b.dead = false // without a hint
		b.mu.Unlock()
		sleep(time.Second)
		b.wantState(StateStub, "")
		b.stop()
	})
}
