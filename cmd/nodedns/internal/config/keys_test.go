package config

import (
	"log/slog"
	"net/netip"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// defaults is the empty configuration.
func defaults(t *testing.T) Config {
	t.Helper()
	c, err := Parse("c.toml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// assign makes a document that sets one key to a TOML value.
func assign(key, value string) []byte { return []byte(key + " = " + value + "\n") }

func TestDefaults(t *testing.T) {
	t.Parallel()
	prefix := zone.DefaultPrefix
	want := Config{
		Config: nodedns.Config{
			Prefix: &prefix, RetainDeparted: zone.RetainFor(168 * time.Hour),
			Interfaces: []string{}, Addresses: []netip.Addr{},
			Credentials: "/var/lib/nodedns/credentials", RecoverAfter: curator.DefaultRecoverAfter, NameLabel: "nodedns/name",
			Endpoints: []curator.Endpoint{}, NodeFiles: []string{"/etc/nodedns/nodes.d"}, StateDir: "/var/lib/nodedns",
			Files: nodedns.Files{
				Hosts: "/etc/hosts", HostsMode: hostsfile.HostsBlock, HostsMaxNodes: 10000,
				MachineID: "/etc/machine-id", MachineIDFormat: hostsfile.MachineIDAuto, Hostname: true,
			},
			ResolvConf: resolvconf.Settings{Path: "/etc/resolv.conf", Mode: resolvconf.ModeOff},
			Listen:     []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")},
			DNS: resolver.Settings{
				Domains: []string{}, PTR: resolver.PTRName, TTL: 10 * time.Second,
				Allow:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
				Upstreams: resolver.Upstreams{Servers: []upstream.Server{upstream.Auto}, Timeout: 2 * time.Second, RebindAllow: []string{}},
				Cache:     resolver.Cache{Size: 16 << 20, ServeStale: time.Hour},
			},
		},
		KeyFile: "/var/lib/nodedns/node.pub",
		Control: Control{Socket: "/run/nodedns/control.sock"},
		Log:     Log{Level: slog.LevelInfo, Format: LogText},
	}
	if got := defaults(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestKeysAreWellFormed(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)
	seen := map[string]bool{}
	for _, k := range keys {
		if !name.MatchString(k.name) || seen[k.name] {
			t.Errorf("%s: not of the form section.key, or there twice", k.name)
		}
		seen[k.name] = true
		if faults := k.set(new(Config), k.defaultValue); len(faults) > 0 {
			t.Errorf("%s: its default is refused: %v", k.name, faults)
		}
	}
}

func TestRooted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ root, path, want string }{
		{"", "/etc/hosts", "/etc/hosts"},
		{"", "", ""},
		{"/mnt", "/etc/hosts", "/mnt/etc/hosts"},
		{"/mnt", "/run/nodedns", "/mnt/run/nodedns"},
		{"/mnt", "", ""},
		{"/", "/etc/hosts", "/etc/hosts"},
	} {
		t.Run(tt.root+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			if got := (Config{Config: nodedns.Config{Files: nodedns.Files{Root: tt.root}}}).Rooted(tt.path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
