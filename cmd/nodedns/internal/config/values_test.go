package config

import (
	"fmt"
	"strings"
	"testing"
)

const label63 = "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxy"

// valueTests have, for each key, values that it takes and some that it refuses.
// What became of the former is seen by the field's printed form.
var valueTests = []struct {
	key   string
	field func(Config) any
	good  map[string]string // TOML value: field as printed
	bad   []string
}{
	{
		"identity.public_key", func(c Config) any { return c.KeyFile },
		map[string]string{`""`: "", `"/a//b/./c/"`: "/a/b/c"},
		[]string{`"a/b"`, `"./a"`, `"/a\u0000b"`, `"/a\nb"`},
	},
	{
		"identity.node_id", func(c Config) any { return c.NodeID },
		map[string]string{`"Node-7"`: "node-7", `""`: "", `"` + label63 + `"`: label63, `"10-0-0-1"`: "10-0-0-1"},
		[]string{`"a.b"`, `"-a"`, `"a-"`, `"a_b"`, `"a b"`, `"ä"`, `"` + label63 + `a"`, `"localhost"`, `"local"`, `"127"`, `"0x7f"`},
	},
	{
		"identity.prefix", func(c Config) any { return *c.Prefix },
		map[string]string{`"n"`: "n", `""`: "", `"` + label63[:31] + `"`: label63[:31], `"0-"`: "0-"},
		[]string{`"N"`, `"-n"`, `"n."`, `"n_"`, `"` + label63[:32] + `"`},
	},
	{
		"zone.domains", func(c Config) any { return c.DNS.Domains },
		map[string]string{`["Nodes.Example.", "lan"]`: "[nodes.example lan]", `["a.home.arpa"]`: "[a.home.arpa]", `["_tcp.example"]`: "[_tcp.example]", `["` + strings.Repeat("a.", 94) + `a"]`: "[" + strings.Repeat("a.", 94) + "a]"},
		[]string{
			`[""]`, `["."]`, `["a..b"]`, `["-a"]`, `["a "]`, `["a.test"]`, `["LOCAL"]`, `["x.onion."]`, `["10.in-addr.arpa"]`,
			`["a.example", "A.example."]`, `["` + strings.Repeat("a.", 94) + `ab"]`, `["` + label63 + `a"]`,
		},
	},
	{
		"zone.ttl", func(c Config) any { return c.DNS.TTL },
		map[string]string{`"0s"`: "0s", `"1h30m"`: "1h30m0s", `"2147483647s"`: "596523h14m7s"},
		[]string{`""`, `"10"`, `"500ms"`, `"-1s"`, `"2147483648s"`, `"forever"`},
	},
	{
		"zone.retain_departed", func(c Config) any { return c.RetainDeparted },
		map[string]string{`"0s"`: "0s", `"1h"`: "1h0m0s", `"forever"`: "forever"},
		[]string{`"-1ns"`, `"7d"`, `"never"`, `true`},
	},
	{
		"zone.name_label", func(c Config) any { return c.NameLabel },
		map[string]string{`""`: "", `"name"`: "name", `"Example.com/node_name-1"`: "Example.com/node_name-1"},
		[]string{`"a b"`, `"a//b"`, `"a/b/c"`, `"/a"`, `"a/"`, `"a=b"`, `"ä"`, `"\u212a"`, `"a\u0000b"`, `"` + strings.Repeat("a", 318) + `"`, `true`},
	},
	{
		"zone.ptr", func(c Config) any { return c.DNS.PTR },
		map[string]string{`"name"`: "name", `"id"`: "id"},
		[]string{`""`, `"ID"`, `"names"`, `true`},
	},
	{
		"curator.recover_after", func(c Config) any { return c.RecoverAfter },
		map[string]string{`"15m"`: "15m0s", `"never"`: "never"},
		[]string{`"0s"`, `"-1ns"`, `"7d"`, `"forever"`, `15`},
	},
	{
		"local.interfaces", func(c Config) any { return c.Interfaces },
		map[string]string{`["eth0", "en*", "wg[0-9]"]`: "[eth0 en* wg[0-9]]"},
		[]string{`[""]`, `["eth["]`, `["eth0\\"]`, `["a/b"]`, `[true]`},
	},
	{
		"nodes.files", func(c Config) any { return c.NodeFiles },
		map[string]string{`["/etc/hosts.d/", "/srv/nodes.json"]`: "[/etc/hosts.d /srv/nodes.json]", `[]`: "[]"},
		[]string{`["nodes.json"]`, `[""]`, `["/a\u0000b"]`, `["/etc/nodes.d", "/etc/nodes.d"]`},
	},
	{
		"local.addresses", func(c Config) any { return c.Addresses },
		map[string]string{`["192.0.2.1", "2001:db8::1"]`: "[192.0.2.1 2001:db8::1]"},
		[]string{`["127.0.0.1"]`, `["::1"]`, `["fe80::1"]`, `["fe80::1%eth0"]`, `["169.254.1.1"]`, `["0.0.0.0"]`, `["::"]`, `["224.0.0.1"]`, `["::ffff:192.0.2.1"]`, `["255.255.255.255"]`, `["host"]`, `["192.0.2.1/24"]`},
	},
	{
		"curator.endpoints", func(c Config) any { return c.Endpoints },
		map[string]string{
			`["192.0.2.1:1", "[2001:DB8::1]:7835", "Curator.example:80"]`: "[192.0.2.1:1 [2001:db8::1]:7835 curator.example:80]",
			`["Metropolis-00112233445566778899AABBCCDDEEFF"]`:             "[metropolis-00112233445566778899aabbccddeeff:7835]",
			`["metropolis-00112233445566778899aabbccddeeff:1"]`:           "[metropolis-00112233445566778899aabbccddeeff:1]",
			`["[::1]:1#Metropolis-00112233445566778899aabbccddeeff"]`:     "[[::1]:1#metropolis-00112233445566778899aabbccddeeff]",
		},
		[]string{`[""]`, `["192.0.2.1"]`, `["h:0"]`, `["h:65536"]`, `["h:https"]`, `[":7835"]`, `["https://h:1"]`, `["2001:db8::1:7835"]`, `["0.0.0.0:1"]`, `["metropolis-0011"]`, `["a b:1"]`, `["` + strings.Repeat("a.", 127) + `a:1"]`},
	},
	{
		"curator.credentials", func(c Config) any { return c.Credentials },
		map[string]string{`"/a"`: "/a", `""`: ""},
		[]string{`"a"`},
	},
	{
		"curator.insecure", func(c Config) any { return c.Insecure },
		map[string]string{`true`: "true", `false`: "false"},
		[]string{`1`, `"true"`},
	},
	{
		"curator.report", func(c Config) any { return c.Report },
		map[string]string{`true`: "true", `false`: "false"},
		[]string{`1`, `"true"`},
	},
	{
		"files.root", func(c Config) any { return c.Files.Root },
		map[string]string{`"/mnt/"`: "/mnt"},
		[]string{`"mnt"`},
	},
	{
		"files.hosts", func(c Config) any { return c.Files.Hosts },
		map[string]string{`""`: "", `"/h"`: "/h"},
		[]string{`"hosts"`},
	},
	{
		"files.hosts_mode", func(c Config) any { return c.Files.HostsMode },
		map[string]string{`"block"`: "block", `"own"`: "own"},
		[]string{`""`, `"Own"`, `false`},
	},
	{
		"files.hosts_max_nodes", func(c Config) any { return c.Files.HostsMaxNodes },
		map[string]string{`0`: "0", `1_000`: "1000", `0x10`: "16"},
		[]string{`-1`, `"5"`, `2147483648`, `1.0`},
	},
	{
		"files.machine_id", func(c Config) any { return c.Files.MachineID },
		map[string]string{`""`: ""},
		[]string{`"machine-id"`},
	},
	{
		"files.machine_id_format", func(c Config) any { return c.Files.MachineIDFormat },
		map[string]string{`"auto"`: "auto", `"node-id"`: "node-id", `"hex"`: "hex"},
		[]string{`"uuid"`},
	},
	{
		"files.hostname", func(c Config) any { return c.Files.Hostname },
		map[string]string{`false`: "false"},
		[]string{`"name"`},
	},
	{
		"files.hostname_file", func(c Config) any { return c.Files.HostnameFile },
		map[string]string{`"/etc/hostname"`: "/etc/hostname"},
		[]string{`"hostname"`},
	},
	{
		"files.resolv_conf", func(c Config) any { return c.ResolvConf.Path },
		map[string]string{`""`: "", `"/run/resolv.conf"`: "/run/resolv.conf"},
		[]string{`"resolv.conf"`},
	},
	{
		"files.resolv_conf_mode", func(c Config) any { return c.ResolvConf.Mode },
		map[string]string{`"off"`: "off", `"stub"`: "stub"},
		[]string{`""`, `"Stub"`, `true`},
	},
	{
		"dns.listen", func(c Config) any { return c.Listen },
		map[string]string{
			`[]`: "[]", `["0.0.0.0:53", "[::]:53"]`: "[0.0.0.0:53 [::]:53]",
			`["127.0.0.1:0", "[fe80::1%eth0]:53"]`: "[127.0.0.1:0 [fe80::1%eth0]:53]",
			`["169.254.1.1:53", "10.0.0.1:53"]`:    "[169.254.1.1:53 10.0.0.1:53]",
			`["0.0.0.0:0", "127.0.0.1:0"]`:         "[0.0.0.0:0 127.0.0.1:0]",
		},
		[]string{`["127.0.0.1"]`, `[":53"]`, `["localhost:53"]`, `["224.0.0.1:53"]`, `["[::ffff:127.0.0.1]:53"]`, `["127.0.0.1:53", "127.0.0.1:53"]`, `["[fe80::1]:53"]`, `["[2001:db8::1%eth0]:53"]`, `["[::1%lo]:53"]`},
	},
	{
		"dns.allow", func(c Config) any { return c.DNS.Allow },
		map[string]string{`[]`: "[]", `["0.0.0.0/0", "2001:db8::/32"]`: "[0.0.0.0/0 2001:db8::/32]"},
		[]string{`["10.0.0.1/8"]`, `["10.0.0.1"]`, `["10.0.0.0/33"]`, `["any"]`, `["::ffff:10.0.0.0/104"]`},
	},
	{
		"dns.single_label", func(c Config) any { return c.DNS.SingleLabel },
		map[string]string{`true`: "true"},
		[]string{`"lan"`},
	},
	{
		"dns.fast_path", func(c Config) any { return !c.DNS.DisableFastPath },
		map[string]string{`false`: "false"},
		[]string{`"off"`},
	},
	{
		"upstream.servers", func(c Config) any { return c.DNS.Upstreams.Servers },
		map[string]string{
			`[]`: "[]", `["auto", "192.0.2.1", "192.0.2.1:54"]`: "[auto 192.0.2.1 192.0.2.1:54]",
			`["2001:db8::1", "[2001:db8::2]", "[2001:db8::3]:54"]`:   "[2001:db8::1 2001:db8::2 [2001:db8::3]:54]",
			`["fe80::1%eth0", "[fe80::1%eth0]:54"]`:                  "[fe80::1%eth0 [fe80::1%eth0]:54]",
			`["127.0.0.1", "127.0.0.53:54"]`:                         "[127.0.0.1 127.0.0.53:54]",
			`["tcp://192.0.2.1", "tls://192.0.2.1:853#DNS.example"]`: "[tcp://192.0.2.1 tls://192.0.2.1#dns.example]",
			`["https://192.0.2.1/dns-query#dns.example"]`:            "[https://192.0.2.1/dns-query#dns.example]",
		},
		[]string{`[""]`, `["Auto"]`, `["dns.example"]`, `["192.0.2.1:0"]`, `["192.0.2.1:dns"]`, `["224.0.0.1"]`, `["fe80::1"]`, `["https://dns.example/dns-query"]`, `["TLS://192.0.2.1"]`, `["192.0.2.1", "::ffff:192.0.2.1"]`, `["192.0.2.1", "192.0.2.1:53"]`, `["ftp://192.0.2.1"]`},
	},
	{
		"upstream.trust_ad", func(c Config) any { return c.DNS.Upstreams.TrustAD },
		map[string]string{`true`: "true"},
		[]string{`"yes"`},
	},
	{
		"upstream.randomize_case", func(c Config) any { return c.DNS.Upstreams.RandomizeCase },
		map[string]string{`true`: "true"},
		[]string{`"yes"`},
	},
	{
		"upstream.rebind_protection", func(c Config) any { return c.DNS.Upstreams.RebindProtection },
		map[string]string{`true`: "true"},
		[]string{`"yes"`},
	},
	{
		"upstream.rebind_allow", func(c Config) any { return c.DNS.Upstreams.RebindAllow },
		map[string]string{`[]`: "[]", `["Corp.Example.", "local", "lan"]`: "[corp.example local lan]"},
		[]string{`"corp.example"`, `["."]`, `["*.corp.example"]`, `[""]`, `["a.example", "A.example."]`},
	},
	{
		"upstream.timeout", func(c Config) any { return c.DNS.Upstreams.Timeout },
		map[string]string{`"100ms"`: "100ms", `"4s"`: "4s"},
		[]string{`"99ms"`, `"4001ms"`, `"2"`, `2`},
	},
	{
		"cache.size", func(c Config) any { return c.DNS.Cache.Size },
		map[string]string{`"0"`: "0", `"100"`: "100", `"64KiB"`: "65536", `"1GiB"`: "1073741824"},
		[]string{`""`, `"16MB"`, `16`, `"-1"`, `"1.5GiB"`, `"9999999999GiB"`},
	},
	{
		"cache.serve_stale", func(c Config) any { return c.DNS.Cache.ServeStale },
		map[string]string{`"0s"`: "0s", `"24h"`: "24h0m0s"},
		[]string{`"-1s"`, `"forever"`, `3600`},
	},
	{
		"state.dir", func(c Config) any { return c.StateDir },
		map[string]string{`"/s"`: "/s"},
		[]string{`""`, `"s"`},
	},
	{
		"control.socket", func(c Config) any { return c.Control.Socket },
		map[string]string{`"/s"`: "/s", `"/` + strings.Repeat("a", 106) + `"`: "/" + strings.Repeat("a", 106)},
		[]string{`""`, `"s"`, `"/` + strings.Repeat("a", 107) + `"`},
	},
	{
		"varlink.socket", func(c Config) any { return c.VarlinkSocket },
		map[string]string{`""`: "", `"/s"`: "/s", `"/` + strings.Repeat("a", 98) + `"`: "/" + strings.Repeat("a", 98)},
		[]string{`"s"`, `"/` + strings.Repeat("a", 99) + `"`},
	},
	{
		"metrics.listen", func(c Config) any { return c.Metrics.Listen },
		map[string]string{`""`: "invalid AddrPort", `"127.0.0.1:9353"`: "127.0.0.1:9353"},
		[]string{`"9353"`, `":9353"`},
	},
	{
		"log.level", func(c Config) any { return c.Log.Level },
		map[string]string{`"debug"`: "DEBUG", `"warn"`: "WARN", `"error"`: "ERROR"},
		[]string{`""`, `"DEBUG"`, `"info+1"`, `0`},
	},
	{
		"log.format", func(c Config) any { return c.Log.Format },
		map[string]string{`"json"`: "json"},
		[]string{`"logfmt"`},
	},
}

func TestValues(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, tt := range valueTests {
		covered[tt.key] = true
		for value, want := range tt.good {
			t.Run(tt.key+"="+value, func(t *testing.T) {
				t.Parallel()
				c, err := Parse("c.toml", assign(tt.key, value), nil)
				if got := fmt.Sprint(tt.field(c)); err != nil || got != want {
					t.Errorf("got %s, error %v, want %s", got, err, want)
				}
			})
		}
		for _, value := range tt.bad {
			t.Run(tt.key+"≠"+value, func(t *testing.T) {
				t.Parallel()
				_, err := Parse("c.toml", assign(tt.key, value), nil)
				if err == nil || !strings.HasPrefix(err.Error(), "c.toml:1: "+tt.key+": got ") || !strings.Contains(err.Error(), ", expected ") {
					t.Errorf("got error %v, want what was got and what was expected", err)
				}
			})
		}
	}
	for _, k := range keys {
		if k.isTables() == covered[k.name] {
			t.Errorf("%s: in this test %v", k.name, covered[k.name])
		}
	}
}
