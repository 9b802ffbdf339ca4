package nsswitch

import (
	"bytes"
	"strings"
	"testing"
)

func TestEdit(t *testing.T) {
	const debian = "# /etc/nsswitch.conf\n\npasswd:         files systemd\nhosts:          files dns\nnetworks:       files\n"
	for _, c := range []struct {
		name          string
		text          string
		resolve, both string // what it becomes with resolve, and without it
	}{
		{"Debian", debian, strings.Replace(debian, "files dns", "resolve [!UNAVAIL=return] files dns", 1), debian},
		{"no file", "", "hosts:          resolve [!UNAVAIL=return] files dns\n", ""},
		{
			"no line", "passwd: files\n",
			"passwd: files\nhosts:          resolve [!UNAVAIL=return] files dns\n", "passwd: files\n",
		},
		{
			"no line, and one that does not count", "passwd: files\ngroup: compat",
			"passwd: files\nhosts:          resolve [!UNAVAIL=return] files dns\ngroup: compat", "passwd: files\ngroup: compat",
		},
		{"empty", "hosts:\n", "hosts:resolve [!UNAVAIL=return] files dns\n", "hosts:files dns\n"},
		{"bare", "hosts\n", "hosts: resolve [!UNAVAIL=return] files dns\n", "hosts: files dns\n"},
		{"no line break", "hosts: files dns", "hosts: resolve [!UNAVAIL=return] files dns\n", "hosts: files dns\n"},
		{"no files", "hosts: dns\n", "hosts: resolve [!UNAVAIL=return] files dns\n", "hosts: files dns\n"},
		{"no dns", "hosts: files\n", "hosts: resolve [!UNAVAIL=return] files dns\n", "hosts: files dns\n"},
		{"the user's order", "hosts: dns files\n", "hosts: dns resolve [!UNAVAIL=return] files\n", "hosts: dns files\n"},
		{
			"systemd-resolved", "hosts: files myhostname resolve [!UNAVAIL=return] dns\n",
			"hosts: resolve files myhostname dns\n", "hosts: files myhostname resolve [!UNAVAIL=return] dns\n",
		},
		{
			"systemd-resolved, first", "hosts: files resolve [!UNAVAIL=return] myhostname dns\n",
			"hosts: resolve [!UNAVAIL=return] files myhostname dns\n", "hosts: files resolve [!UNAVAIL=return] myhostname dns\n",
		},
		{
			"mdns before resolve", "hosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns\n",
			"hosts: resolve files mdns4_minimal [NOTFOUND=return] dns\n", "hosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns\n",
		},
		{"myhostname", "hosts: files dns myhostname\n", "hosts: resolve files dns myhostname\n", "hosts: files dns myhostname\n"},
		{
			"resolve at the end", "hosts: files resolve\n",
			"hosts: resolve [!UNAVAIL=return] files dns\n", "hosts: files resolve dns\n",
		},
		{
			"actions of the user's", "hosts: files  resolve [NOTFOUND=return]  dns\n",
			"hosts: resolve [NOTFOUND=return] files  dns\n", "hosts: files  resolve [NOTFOUND=return]  dns\n",
		},
		{"as it is", "hosts: mymachines resolve files dns\n", "hosts: mymachines resolve files dns\n", "hosts: mymachines resolve files dns\n"},
		{
			"mdns", "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns mdns4\n",
			"hosts:\tresolve files mdns4_minimal [NOTFOUND=return] dns mdns4\n", "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns mdns4\n",
		},
		{
			"a comment", "hosts: files  # dns resolve\n",
			"hosts: resolve [!UNAVAIL=return] files dns  # dns resolve\n", "hosts: files dns  # dns resolve\n",
		},
		{"only a comment", "hosts: # dns\n", "hosts: resolve [!UNAVAIL=return] files dns # dns\n", "hosts: files dns # dns\n"},
		{
			"several lines", "hosts: dns\nhosts: files dns\n",
			"hosts: dns\nhosts: resolve [!UNAVAIL=return] files dns\n", "hosts: dns\nhosts: files dns\n",
		},
		{"line breaks of Windows", "hosts: files\r\n", "hosts: resolve [!UNAVAIL=return] files dns\r\n", "hosts: files dns\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for resolve, want := range map[bool]string{true: c.resolve, false: c.both} {
				got, err := Edit([]byte(c.text), resolve)
				if err != nil || string(got) != want {
					t.Errorf("resolve %v: got %q, %v\nwant %q", resolve, got, err, want)
				}
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	for _, text := range []string{
		"hosts: files [BAD=return] dns\n",
		"passwd: files [\nhosts: files\n",
		"hosts: files [NOTFOUND=continue] [NOTFOUND=return]\n",
		"hosts: [NOTFOUND=return] files dns\n",
	} {
		if got, err := Edit([]byte(text), true); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestWithdraw(t *testing.T) {
	for _, c := range []struct{ name, text, original, want string }{
		{"ours", "hosts: resolve [!UNAVAIL=return] files dns # x\n", "hosts: files dns # x\n", "hosts: files dns # x\n"},
		{"changed", "hosts: resolve [!UNAVAIL=return] files mdns dns\n", "hosts: files dns\n", "hosts: files mdns dns\n"},
		{"with other actions", "hosts: files resolve[NOTFOUND=return]\n", "hosts: files\n", "hosts: files\n"},
		{"only in a comment", "hosts: files # resolve\n", "hosts: files\n", "hosts: files # resolve\n"},
		{"gone", "hosts: files dns\n", "hosts: files dns\n", "hosts: files dns\n"},
		{"no line", "passwd: files\n", "hosts: files dns\n", "passwd: files\n"},
		{"the user's", "hosts: resolve files\n", "hosts: files resolve\n", "hosts: resolve files\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Withdraw([]byte(c.text), []byte(c.original))
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

// FuzzEdit checks that an edit is understood, is complete, leaves everything
// else where it was, and need not be repeated.
func FuzzEdit(f *testing.F) {
	for _, c := range asGlibc {
		f.Add([]byte(c.text), true)
		f.Add([]byte(c.text), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, resolve bool) {
		before, err := Hosts(text)
		got, refused := Edit(text, resolve)
		if refused != nil {
			return
		}
		if err != nil {
			t.Fatalf("edited %q, which is wrong: %v", text, err)
		}
		after, err := Hosts(got)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
		if after.Index(Files) < 0 || after.Index(DNS) < 0 {
			t.Errorf("%q became %q, and has no files or no dns", text, got)
		}
		if at := after.Index(Resolve); resolve && (at < 0 || at > after.Index(Files)) {
			t.Errorf("%q became %q, and resolve is not before files", text, got)
		}
		if again, err := Edit(got, resolve); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%q became %q, and that %q, %v", text, got, again, err)
		}
		if a, b := others(before), others(after); before.Number > 0 && before.Number == after.Number && a != b {
			t.Errorf("%q became %q, and the others are not in their order: %q, %q", text, got, a, b)
		}
		if bytes.Count(text, []byte("\n"))+1 < bytes.Count(got, []byte("\n")) {
			t.Errorf("%q became %q, with more lines", text, got)
		}
	})
}

// others are the services that an edit has to leave alone.
func others(l Line) string {
	var rest Line
	for _, s := range l.Services {
		if s.Name != Resolve && s.Name != Files && s.Name != DNS {
			rest.Services = append(rest.Services, s)
		}
	}
	return rest.String()
}
