package config

import (
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, listen, allow, about string }{
		{"the defaults", `["127.0.0.53:53"]`, `["127.0.0.0/8", "::1/128"]`, ""},
		{"a bridge that is closed", `["127.0.0.53:53", "172.17.0.1:53"]`, `["127.0.0.0/8"]`, "172.17.0.1:53"},
		{"a bridge that is open", `["172.17.0.1:53"]`, `["172.17.0.0/16"]`, ""},
		{"a bridge that is open to some", `["172.17.0.1:53"]`, `["127.0.0.0/8", "172.17.0.2/32"]`, ""},
		{"another family that is open", `["172.17.0.1:53"]`, `["::/0"]`, "172.17.0.1:53"},
		{"a link that is closed", `["[fe80::1%br0]:53"]`, `["127.0.0.0/8"]`, "[fe80::1%br0]:53"},
		{"a link that is open", `["[fe80::1%br0]:53"]`, `["fe80::/10"]`, ""},
		{"a link that is open to one", `["169.254.9.1:53"]`, `["169.254.9.2/32"]`, ""},
		{"a link that is open to containers", `["169.254.9.1:53"]`, `["10.244.0.0/16"]`, ""},
		{"a link of IPv4 that is closed", `["169.254.9.1:53"]`, `["127.0.0.0/8"]`, "169.254.9.1:53"},
		{"a bridge, open to a link", `["[fd00::1]:53"]`, `["fe80::/10"]`, "[fd00::1]:53"},
		{"a bridge, open to all", `["172.17.0.1:53", "[fe80::1%br0]:53"]`, `["0.0.0.0/0", "::/0"]`, ""},
		{"loopback that is closed", `["127.0.0.53:53"]`, `[]`, "127.0.0.53:53"},
		{"all addresses", `["0.0.0.0:53", "[::]:53"]`, `["127.0.0.0/8", "::1/128"]`, ""},
		{"nowhere", `[]`, `[]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse("c.toml", []byte("[dns]\nlisten = "+tt.listen+"\nallow = "+tt.allow+"\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := c.Warnings()
			switch {
			case tt.about == "" && len(got) > 0:
				t.Errorf("warned: %q", got)
			case tt.about != "" && (len(got) != 1 || !strings.Contains(got[0], tt.about) || !strings.Contains(got[0], "dns.allow")):
				t.Errorf("got %q, want one about %s", got, tt.about)
			}
		})
	}
}
