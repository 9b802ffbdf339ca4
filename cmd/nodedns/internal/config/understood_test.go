package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestUnderstood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		dir  string
		ttl  time.Duration
	}{
		"an unknown key":             {"[zone]\nttl = \"7s\"\ncolour = 1\n[state]\ndir = \"/kept\"\n", "/kept", 7 * time.Second},
		"a wrong value":              {"[zone]\nttl = 7\n[state]\ndir = \"/kept\"\n", "/kept", 10 * time.Second},
		"a wrong value of that key":  {"[state]\ndir = \"kept\"\n[zone]\nttl = \"7s\"\n", "/var/lib/nodedns", 7 * time.Second},
		"no TOML":                    {"state: /kept\n", "/var/lib/nodedns", 10 * time.Second},
		"no TOML any more":           {"[state]\ndir = \"/kept\"\n[[\n[zone]\nttl = \"7s\"\n", "/kept", 10 * time.Second},
		"a string that is left open": {"[state]\ndir = \"/kept\"\n[zone]\nttl = \"7s\n", "/kept", 10 * time.Second},
		"a text that is left open":   {"[state]\ndir = \"/kept\"\n[zone]\nttl = \"\"\"7s\n\n\n", "/kept", 10 * time.Second},
		"a list that is left open":   {"[state]\ndir = \"/kept\"\n[dns]\nlisten = [\n\"127.0.0.1:53\",\n\n", "/kept", 10 * time.Second},
		"a key twice":                {"[state]\ndir = \"/kept\"\ndir = \"/other\"\n[zone]\nttl = \"7s\"\n", "/kept", 10 * time.Second},
		"garbage":                    {"\x00\xff\xfe", "/var/lib/nodedns", 10 * time.Second},
	} {
		file := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file, nil); err == nil {
			t.Errorf("%s: nothing is wrong with it", name)
		}
		if got := Understood(file, nil); got.StateDir != c.dir || got.DNS.TTL != c.ttl {
			t.Errorf("%s: the state directory is %s and the TTL %v, want %s and %v", name, got.StateDir, got.DNS.TTL, c.dir, c.ttl)
		}
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	overrides := RegisterFlags(flags)
	if err := flags.Parse([]string{"--state.dir", "/flag"}); err != nil {
		t.Fatal(err)
	}
	if got := Understood(filepath.Join(t.TempDir(), "none"), overrides).StateDir; got != "/flag" {
		t.Errorf("without a file the state directory is %s", got)
	}
}
