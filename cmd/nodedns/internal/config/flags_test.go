package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// parseArgs parses a document together with arguments.
func parseArgs(t *testing.T, doc string, args ...string) (Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("nodedns", pflag.ContinueOnError)
	overrides := RegisterFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Parse("c.toml", []byte(doc), overrides)
}

func TestFlagsOverrideTheFile(t *testing.T) {
	t.Parallel()
	const doc = "[zone]\nttl = \"30s\"\ndomains = [\"a.example\"]\n[files]\nhostname = true\n[dns]\nsingle_label = false\n"
	c, err := parseArgs(t, doc,
		"--zone.ttl", "5s", "--files.hostname=false", "--dns.single_label", "--files.hosts_max_nodes=0",
		"--dns.listen", "127.0.0.1:53, [::1]:53", "--dns.listen=127.0.0.2:53", "--upstream.servers=")
	if err != nil {
		t.Fatal(err)
	}
	if c.DNS.TTL.String() != "5s" || c.Files.Hostname || !c.DNS.SingleLabel || c.Files.HostsMaxNodes != 0 {
		t.Errorf("got %+v, want what the flags say", c)
	}
	if len(c.Listen) != 3 || c.Listen[1].String() != "[::1]:53" {
		t.Errorf("got listen %v, want the three of the flags", c.Listen)
	}
	if len(c.DNS.Upstreams.Servers) != 0 {
		t.Errorf("got servers %v, want none", c.DNS.Upstreams.Servers)
	}
	if len(c.DNS.Domains) != 1 || c.DNS.Domains[0] != "a.example" {
		t.Errorf("got domains %v, want that of the file", c.DNS.Domains)
	}
}

func TestFlagsAreRefusedByName(t *testing.T) {
	t.Parallel()
	_, err := parseArgs(t, "[zone]\nttl = \"soon\"\n",
		"--zone.ttl=5s", "--files.hostname=maybe", "--files.hosts_max_nodes=many", "--upstream.servers", "127.0.0.53,x",
		"--dns.listen=,", "--cache.size=1MB", "--curator.endpoints=curator")
	wantProblems(
		t, err,
		`c.toml:2: zone.ttl: got "soon", expected whole seconds from "0s" on, such as "10s"`,
		`flag --cache.size: got "1MB", expected a number of bytes with KiB, MiB or GiB, such as "16MiB"`,
		`flag --curator.endpoints: got "curator", expected HOST:PORT, as it is no node ID; write curator:7835`,
		`flag --dns.listen: got "", expected ADDRESS:PORT, such as "127.0.0.53:53" or "[::1]:53"`,
		`flag --dns.listen: got "", expected ADDRESS:PORT, such as "127.0.0.53:53" or "[::1]:53"`,
		`flag --files.hostname: got "maybe", expected true or false, without quotes`,
		`flag --files.hosts_max_nodes: got "many", expected a whole number from 0 to 2147483647`,
		`flag --upstream.servers: got "x", expected "auto" or a server, such as "192.0.2.1" or "tls://192.0.2.1#dns.example" ("x": want an address, as in 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53, and no name)`,
	)
}

// Flags are parsed once and used again at each reload.
func TestFlagsAtReload(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("nodedns", pflag.ContinueOnError)
	overrides := RegisterFlags(flags)
	const want = "[metropolis-00112233445566778899aabbccddeeff:7835]"
	if err := flags.Parse([]string{"--curator.endpoints=metropolis-00112233445566778899aabbccddeeff"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c, err := Parse("c.toml", nil, overrides)
		if err != nil || fmt.Sprint(c.Endpoints) != want {
			t.Errorf("got endpoints %v, error %v, want %s", c.Endpoints, err, want)
		}
	}
}

func TestFlagsHelp(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("nodedns", pflag.ContinueOnError)
	RegisterFlags(flags)
	help := flags.FlagUsages()
	for _, k := range keys {
		if got := strings.Contains(help, "--"+k.name+" "); got == k.isTables() {
			t.Errorf("--%s: in the help %v", k.name, got)
		}
	}
	for _, want := range []string{
		"--dns.listen ADDRESS:PORT", "(default 127.0.0.53:53)", "--zone.ttl TIME", `(default "10s")`, "--curator.insecure  ",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("the help lacks %q:\n%s", want, help)
		}
	}
}
