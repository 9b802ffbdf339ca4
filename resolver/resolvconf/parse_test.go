package resolvconf

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// Shows RFC 1123 6.1.3.1a.
// Shows resolv.conf(5) nameserver, search, domain, options, comments.
func TestParse(t *testing.T) {
	tests := map[string]struct {
		text    string
		servers []string
		search  []string
		options []string
	}{
		"empty": {},
		"typical": {
			text:    "# made by hand\nsearch corp.example lab.example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions ndots:2 edns0\n",
			servers: []string{"192.0.2.1:53", "[2001:db8::1]:53"},
			search:  []string{"corp.example", "lab.example"},
			options: []string{"ndots:2", "edns0"},
		},
		"options of all lines count, once": {
			text:    "options rotate edns0\noptions edns0 timeout:1\noptions\n",
			options: []string{"rotate", "edns0", "timeout:1"},
		},
		"zone of a link-local server": {
			text:    "nameserver fe80::1%eth0\n",
			servers: []string{"[fe80::1%eth0]:53"},
		},
		"tabs, CRLF, no final newline": {
			text:    "nameserver\t192.0.2.1 \r\nnameserver 192.0.2.2",
			servers: []string{"192.0.2.1:53", "192.0.2.2:53"},
		},
		"the last of domain and search counts": {
			text:   "search a.example b.example\ndomain c.example d.example\n",
			search: []string{"c.example"},
		},
		"and the other way round": {
			text:   "domain c.example\nsearch a.example b.example\n",
			search: []string{"a.example", "b.example"},
		},
		"a server named twice": {
			text:    "nameserver 192.0.2.1\nnameserver 192.0.2.1\n",
			servers: []string{"192.0.2.1:53"},
		},
		"what is not understood": {
			text:    "; old\n nameserver\nnameserver dns.example\nnameserver 192.0.2.256\nNAMESERVER 192.0.2.9\nsortlist 1\nnameserver 192.0.2.1 # ours\n\x00\xff\n",
			servers: []string{"192.0.2.1:53"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var servers []netip.AddrPort
			for _, s := range tt.servers {
				servers = append(servers, netip.MustParseAddrPort(s))
			}
			want := Contents{Servers: servers, Search: tt.search, Options: tt.options}
			if got := Parse(tt.text); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Shows resolv.conf(5) MAXNS.
func TestParseIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "nameserver 10.0.%d.%d\n", i/250, i%250)
	}
	b.WriteString("search" + strings.Repeat(" a.example", 1000) + "\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "options ndots:%d\n", i)
	}
	c := Parse(b.String())
	if len(c.Servers) != 16 || len(c.Search) != maxSearch || len(c.Options) != maxOptions {
		t.Errorf("%d servers, %d domains and %d options, want %d, %d and %d",
			len(c.Servers), len(c.Search), len(c.Options), 16, maxSearch, maxOptions)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("nameserver fe80::1%eth0\nsearch a b\n")
	f.Fuzz(func(_ *testing.T, text string) { Parse(text) })
}
