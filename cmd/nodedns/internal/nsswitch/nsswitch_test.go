package nsswitch

import (
	"errors"
	"slices"
	"testing"
)

// asGlibc is what Hosts has to make of a file. TestAsGlibc puts the same files
// before the glibc of this machine.
var asGlibc = []struct {
	name  string
	text  string
	want  string // as Line.String
	fails bool   // glibc refuses the file
}{
	{"nothing", "", "files dns", false},
	{"other databases", "passwd: files\n", "files dns", false},
	{"plain", "hosts: a b files c\n", "a b files c", false},
	{"no colon", "hosts a b\n", "a b", false},
	{"colons", "hosts : :: a b\n", "a b", false},
	{"a colon further on", "hosts: a : b\n", "a : b", false},
	{"no space", "hosts:a b\n", "a b", false},
	{"indented", "\t hosts: a b\n", "a b", false},
	{"another case", "HOSTS: a b\n", "files dns", false},
	{"all kinds of space", "hosts:a\fb\vc\td\r\n", "a b c d", false},
	{"the last line counts", "hosts: a\nhosts: b\n", "b", false},
	{"an empty line counts", "hosts: a\nhosts:\n", "", false},
	{"a bare name counts", "hosts: a\nhosts\n", "", false},
	{"no line break", "hosts: a", "files dns", false},
	{"no line break at the end", "hosts: a\nhosts: b", "a", false},
	{"commented out", "#hosts: a\n# hosts: b\n", "files dns", false},
	{"no comments behind it", "hosts: a # b\n", "a # b", false},
	{"not continued", "hosts: a \\\n b\n", "a \\", false},
	{"a NUL byte ends the line", "hosts: a\x00b\nfoo\n", "a", false},
	{"a byte order mark", "\xef\xbb\xbfhosts: a\n", "files dns", false},
	{"odd names", "hosts: a=b c ] d\n", "a=b c ] d", false},
	{"unavailable", "hosts: a [UNAVAIL=return] b\n", "a [UNAVAIL=return]", false},
	{"merge ends it", "hosts: a [UNAVAIL=merge] b\n", "a [UNAVAIL=merge]", false},
	{"not unavailable", "hosts: a [!UNAVAIL=return] b\n", "a [!UNAVAIL=return] b", false},
	{"not something else", "hosts: a [!NOTFOUND=return] b\n", "a [!NOTFOUND=return]", false},
	{"without case", "hosts: a [unavail=RETURN] b\n", "a [UNAVAIL=return]", false},
	{"no space around brackets", "hosts: a[NOTFOUND=return]b\n", "a [NOTFOUND=return] b", false},
	{"space in brackets", "hosts: a [ ! UNAVAIL = return ] b\n", "", true},
	{"more space in brackets", "hosts: a [ !UNAVAIL =\t return ] b\n", "a [!UNAVAIL=return] b", false},
	{"several actions", "hosts: a [NOTFOUND=return UNAVAIL=return] b\n", "a [NOTFOUND=return UNAVAIL=return]", false},
	{"the last action counts", "hosts: a [UNAVAIL=return UNAVAIL=continue] b\n", "a [UNAVAIL=return UNAVAIL=continue] b", false},
	{"several brackets", "hosts: a [NOTFOUND=return] [UNAVAIL=continue] b\n", "a [NOTFOUND=return]", false},
	{"brackets first", "hosts: [UNAVAIL=return] a\n", "", false},
	{"another bracket", "hosts: a [NOTFOUND=return]] b\n", "a [NOTFOUND=return] ] b", false},
	{"no status", "hosts: a [BAD=return] b\n", "", true},
	{"return is no status", "hosts: a [RETURN=return] b\n", "", true},
	{"no action", "hosts: a [UNAVAIL=foo] b\n", "", true},
	{"not not", "hosts: a [!!UNAVAIL=return] b\n", "", true},
	{"empty brackets", "hosts: a [] b\n", "", true},
	{"comma", "hosts: a [UNAVAIL=continue,NOTFOUND=return] b\n", "", true},
	{"no equals sign", "hosts: a [UNAVAIL]\n", "", true},
	{"open brackets", "hosts: a [UNAVAIL=continue \n", "", true},
	{"a mistake in a line that does not count", "hosts: b [BAD=x]\nhosts: a\n", "", true},
	{"a mistake in another database", "hosts: a\ninitgroups: x [\n", "", true},
	{"a mistake in one that glibc does not know", "hosts: a\nsudoers: x [\n", "a", false},
	{"a mistake without line break", "hosts: a\npasswd: x [", "a", false},
}

func TestHosts(t *testing.T) {
	for _, c := range asGlibc {
		t.Run(c.name, func(t *testing.T) {
			got, err := Hosts([]byte(c.text))
			if c.fails {
				wrong := (*SyntaxError)(nil)
				if !errors.As(err, &wrong) {
					t.Fatalf("got %q, %v; want a SyntaxError", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := reached(got).String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// reached are the services that are queried if none is available.
func reached(l Line) Line {
	for i, s := range l.Services {
		if s.Then(Unavailable) != Continue {
			return Line{Services: l.Services[:i+1]}
		}
	}
	return l
}

func TestLineNumbers(t *testing.T) {
	got, err := Hosts([]byte("# hosts: x\nhosts: a\n\nhosts: b\nhosts: c"))
	if err != nil || got.Number != 4 || !slices.Equal(got.Ignored, []int{2, 5}) {
		t.Errorf("got %+v, %v", got, err)
	}
	var wrong *SyntaxError
	if _, err := Hosts([]byte("\npasswd: x [BAD=return]\n")); !errors.As(err, &wrong) || wrong.Number != 2 || wrong.Database != "passwd" {
		t.Errorf("got %v", err)
	}
}

func TestThen(t *testing.T) {
	for _, c := range []struct {
		service                         string
		success, notFound, unavail, try string
	}{
		{"a", Return, Continue, Continue, Continue},
		{"a [!UNAVAIL=return]", Return, Return, Continue, Return},
		{"a [SUCCESS=continue NOTFOUND=return]", Continue, Return, Continue, Continue},
		{"a [!SUCCESS=return TRYAGAIN=continue]", Return, Return, Return, Continue},
		{"a [SUCCESS=merge]", Merge, Continue, Continue, Continue},
	} {
		line, err := Hosts([]byte("hosts: " + c.service + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		s := line.Services[0]
		if got := s.String(); got != c.service {
			t.Errorf("%q is spelled %q", c.service, got)
		}
		for status, want := range map[string]string{Success: c.success, NotFound: c.notFound, Unavailable: c.unavail, TryAgain: c.try} {
			if got := s.Then(status); got != want {
				t.Errorf("%s: %s leads to %s, want %s", c.service, status, got, want)
			}
		}
	}
}
