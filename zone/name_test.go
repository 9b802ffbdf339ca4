package zone

import (
	"strings"
	"testing"
)

// Shows RFC 1123 2.1a, 2.1b.
// Shows RFC 6761 6.3c.
func TestParseName(t *testing.T) {
	long := strings.Repeat("a", 63)
	for text, want := range map[string]string{
		"web-2": "web-2", "Web-2.Corp.Example": "web-2.corp.example", "3com": "3com", "x": "x",
		"0xg": "0xg", "1a": "1a", "nas.home.arpa": "nas.home.arpa", "localhost.corp.example": "localhost.corp.example",
		long: long, "wpad.corp.example": "wpad.corp.example", "xn--bcher-kva": "xn--bcher-kva", "10.web": "10.web",
	} {
		if got, err := ParseName(text); got != want || err != nil {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", ".", "web.", ".web", "a..b", "-a", "a-", "a.-b", "../x", "a b", "a\nb", "a,b", "a_b", "a/b", "\u212aelvin", "web\u0130", "\u202eabc", "bücher", "a\x00",
		long + "a", strings.Repeat("a.", 127) + "a", strings.Repeat("x", 300),
		"10.0.0.1", "1", "0x7f", "0X7F", "web.1", "web.9", "web.0x1", "web.0x9f", "0x", "::1", "127.1",
		"localhost", "LocalHost", "a.localhost", "localhost.localdomain", "localdomain", "ip6-localhost", "ip6-allnodes",
		"wpad", "WPAD", "isatap", "role", "printer.local", "local", "www.test", "a.invalid", "x.onion", "gnu.alt", "2.0.192.in-addr.arpa", "arpa",
	} {
		if got, err := ParseName(text); err == nil {
			t.Errorf("%q is taken as %q", text, got)
		} else if len(err.Error()) > 300 {
			t.Errorf("%.20q…: the error has %d octets", text, len(err.Error()))
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"web-2", "a.b.c", "0x1f", "localhost", "\u202e", strings.Repeat("a.", 130)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseName(text)
		if err != nil {
			return
		}
		if again, err := ParseName(name); again != name || err != nil {
			t.Errorf("%q becomes %q, and that %q, %v", text, name, again, err)
		}
		if strings.ContainsAny(name, " \n\t,;#/\\\"_") || name != strings.ToLower(name) || len(name) > maxName {
			t.Errorf("%q is a name", name)
		}
	})
}
