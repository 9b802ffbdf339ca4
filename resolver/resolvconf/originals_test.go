package resolvconf

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/managed"
)

// inFile is what a program finds in resolv.conf and may put back: our text in
// place of an original, by its number, or another's.
type inFile struct {
	ours uint64
	text string
}

// walk is a resolv.conf without a disk, which we take back after others have
// written it.
type walk struct {
	originals
	now   inFile
	saved map[string]inFile // by program
}

func newWalk() *walk {
	w := &walk{saved: map[string]inFile{}}
	w.store(inFile{text: "owner"})
	w.takeBack()
	return w
}

// store puts something into the file, and has it noticed.
func (w *walk) store(now inFile) {
	w.now = now
	if now.ours > 0 {
		w.putBack(now.ours)
		return
	}
	o := original{Backup: managed.Backup{Existed: true, Content: []byte(now.text)}}
	if name, _, _ := strings.Cut(now.text, "-"); name == "nm" || name == "resolvconf" {
		o.Writer = name // the others do not sign what they write
	}
	w.write(o)
}

func (w *walk) takeBack() {
	w.take("127.0.0.53")
	w.now = inFile{ours: w.inForce().Number}
}

// step carries out one, after which the file is taken back at once, unless it
// ends with "+":
//
//	TEXT        a program that saves nothing writes a text
//	save:TEXT   the program that the text begins with saves what it finds first
//	back:NAME   a program puts back what it had saved
//	stop, start we are gone for a while; "fresh" in between loses what we kept
func (w *walk) step(step string) {
	step, contested := strings.CutSuffix(step, "+")
	verb, what, _ := strings.Cut(step, ":")
	switch verb {
	case "save":
		name, _, _ := strings.Cut(what, "-")
		w.saved[name] = w.now
		w.store(inFile{text: what})
	case "back":
		w.store(w.saved[what])
	case "stop":
		w.release()
		w.now = inFile{text: string(w.inForce().Content)}
		return
	case "fresh":
		w.originals = originals{}
		w.store(w.now)
	case "start":
	default:
		w.store(inFile{text: step})
	}
	if !contested {
		w.takeBack()
	}
}

// texts are those that are kept, the one in force last.
func (w *walk) texts() string {
	var all []string
	for _, o := range w.All {
		all = append(all, string(o.Content))
	}
	return strings.Join(all, " ")
}

func TestWalks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, steps, want string }{
		{"a VPN", "save:ppp-1", "owner ppp-1"},
		{"a VPN, and its end", "save:ppp-1 back:ppp", "owner"},
		{"thrice", "save:ppp-1 back:ppp save:ppp-1 back:ppp save:ppp-2 back:ppp", "owner"},
		{"it ends before the file is taken back", "save:ppp-1+ back:ppp", "owner"},
		{"it writes again", "save:ppp-1 ppp-1 back:ppp", "owner"},
		{"it writes again what it had written when another came", "save:ppp-1 nm-1 ppp-1 back:ppp", "owner nm-1"},
		{"a lease", "dhcp-1", "owner dhcp-1"},
		{"a lease that is renewed, not known to be one program's", "dhcp-1 dhcp-2", "owner dhcp-1 dhcp-2"},
		{"a program that signs replaces its own", "nm-1 nm-2 nm-3", "owner nm-3"},
		{"one that removes and restores a text of then", "nm-1 owner", "nm-1 owner"},

		{"VPN up, lease, VPN down", "save:ppp-1 dhcp-1 back:ppp", "owner dhcp-1"},
		{"VPN up, leases, VPN down", "dhcp-1 save:ppp-1 dhcp-2 dhcp-3 back:ppp", "owner dhcp-1 dhcp-2 dhcp-3"},
		{"NetworkManager, VPN up, NetworkManager, VPN down", "nm-1 save:ppp-1 nm-2 back:ppp", "owner nm-2"},
		{"two VPNs, nested", "save:ppp-1 save:vpnc-1 back:vpnc", "owner ppp-1"},
		{"and both down", "save:ppp-1 save:vpnc-1 back:vpnc back:ppp", "owner"},
		{"two VPNs that cross", "save:ppp-1 save:vpnc-1 back:ppp", "owner vpnc-1"},
		{"and both down", "save:ppp-1 save:vpnc-1 back:ppp back:vpnc", "owner"},
		{"the second finds the text of the first", "save:ppp-1+ save:vpnc-1 back:vpnc", "owner ppp-1"},
		{"and both down", "save:ppp-1+ save:vpnc-1 back:vpnc back:ppp", "owner"},
		{"a VPN that was killed, and its next connection", "save:ppp-1 save:ppp-2 back:ppp", "owner ppp-1"},
		{"a VPN that was killed, and a lease", "save:ppp-1 dhcp-1", "owner ppp-1 dhcp-1"},
		{"the same text once more, and its end", "save:ppp-1 dhcp-1 save:ppp-1 back:ppp", "owner dhcp-1"},

		{"openresolv saves what it finds each time", "save:resolvconf-1 save:resolvconf-2 save:resolvconf-3", "owner resolvconf-3"},
		{"and puts the last one back", "save:resolvconf-1 save:resolvconf-2 save:resolvconf-3 back:resolvconf", "owner"},
		{"it writes the same again", "save:resolvconf-1 save:resolvconf-1 back:resolvconf", "owner"},
		{"with a VPN in between", "save:resolvconf-1 save:ppp-1 save:resolvconf-2 back:ppp back:resolvconf", "owner"},

		{"a VPN comes while we are stopped, and its end", "stop save:ppp-1+ start back:ppp", "owner"},
		{"we come while a VPN is up, and its end", "stop save:ppp-1+ fresh start back:ppp", "ppp-1 owner"},
		{"its next connection", "stop save:ppp-1+ fresh start back:ppp save:ppp-1 back:ppp", "owner"},
		{"we stop while a VPN is up, and start", "save:ppp-1 stop start back:ppp", "owner"},
		{"it ends while we are stopped", "save:ppp-1 stop back:ppp+ start", "owner"},
		{"a file written in pieces", "ppp+ ppp-1+ ppp-1-2", "owner ppp-1-2"},
		{"a file that is edited while we are stopped", "dhcp-1 stop dhcp-1-edited+ start", "owner dhcp-1-edited"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWalk()
			for step := range strings.FieldsSeq(c.steps) {
				w.step(step)
			}
			if got := w.texts(); got != c.want {
				t.Errorf("kept %q, want %q", got, c.want)
			}
		})
	}
}

// A program that keeps the servers that it finds writes ours, which would lead
// nowhere once we have stopped.
func TestServersThatWereCopiedFromOurText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, writes, want string }{
		{"ours", "nameserver 192.0.2.1\nnameserver 192.0.2.2", "search a\nnameserver 127.0.0.53\n", "search a\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"},
		{"ours and others", "nameserver 192.0.2.1\n", "nameserver 10.0.0.1\nnameserver 127.0.0.53\n", "nameserver 10.0.0.1\nnameserver 192.0.2.1\n"},
		{"none before", "search b\n", "nameserver 127.0.0.53\nsearch a\n", "search a\n"},
		{"others", "nameserver 192.0.2.1\n", "nameserver 10.0.0.1\n", "nameserver 10.0.0.1\n"},
		{"it was the owner's server", "nameserver 127.0.0.53\n", "nameserver 127.0.0.53\nsearch a\n", "nameserver 127.0.0.53\nsearch a\n"},
	} {
		w := &walk{}
		w.store(inFile{text: c.before})
		w.takeBack()
		w.store(inFile{text: c.writes})
		if got := string(w.inForce().Content); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever crosses: when each VPN has put back what it had saved, the text of
// the last lease is in force. At all times it is what was written last by a
// program that is not done.
func TestModelOfOriginals(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		walkAtRandom(t, rand.New(rand.NewPCG(seed, 0)))
	}
}

func FuzzOriginals(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, choices []byte) {
		w := newWalk()
		for i, choice := range choices {
			switch verb := choice % 5; verb {
			case 0:
				w.store(inFile{ours: uint64(choice / 5)})
			case 1:
				w.takeBack()
			case 2:
				w.step("stop")
			default:
				w.store(inFile{text: fmt.Sprintf("nm-%d"[(verb-3)*3:], (i+int(choice))%7)})
				if got := string(w.inForce().Content); got != w.now.text {
					t.Fatalf("%q is in force, and %q in the file", got, w.now.text)
				}
			}
			if n := len(w.All); n == 0 || n > maxOriginals {
				t.Fatalf("%d are kept", n)
			}
			if !slices.IsSortedFunc(w.All, func(a, b original) int { return int(a.Number) - int(b.Number) }) {
				t.Fatalf("the numbers are out of order: %+v", w.All)
			}
			for _, o := range w.All {
				if len(o.Found) > maxSeen {
					t.Fatalf("%d findings are kept", len(o.Found))
				}
			}
		}
	})
}

// walkAtRandom has VPNs come and go beside a DHCP client.
func walkAtRandom(t *testing.T, random *rand.Rand) {
	w := newWalk()
	var steps []string
	do := func(step string) {
		steps = append(steps, step)
		w.step(step)
	}
	up := map[string]string{} // the texts of the VPNs that are up
	order := []string{"owner"}
	check := func() {
		t.Helper()
		if got, want := string(w.inForce().Content), order[len(order)-1]; got != want {
			t.Fatalf("%q is in force, want %q, after %s", got, want, strings.Join(steps, " "))
		}
	}
	down := func(name string) {
		do("back:" + name)
		order = slices.DeleteFunc(order, func(text string) bool { return text == up[name] })
		delete(up, name)
		check()
	}
	for i := range 20 {
		switch name := fmt.Sprintf("vpn%d", random.IntN(4)); {
		case random.IntN(3) == 0:
			lease := fmt.Sprintf("dhcp-%d", i)
			do(lease)
			order = append(slices.DeleteFunc(order, func(text string) bool { return !strings.HasPrefix(text, "vpn") }), lease)
		case up[name] != "":
			down(name)
		default:
			up[name] = fmt.Sprintf("%s-%d", name, i)
			do("save:" + up[name])
			order = append(order, up[name])
		}
		check()
	}
	for _, name := range slices.Sorted(maps.Keys(up)) {
		down(name)
	}
}
