package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wantProblems checks that a document is refused with exactly these lines.
func wantProblems(t *testing.T, err error, want ...string) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got error %v, want Problems", err)
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// refusedDocuments are documents with all problems reported about them.
var refusedDocuments = []struct {
	name, doc string
	want      []string
}{
	{
		"not TOML", "[zone]\n\nttl 10\n",
		[]string{`c.toml:3: expected '=' after key`},
	},
	{
		"a key twice", "[zone]\nttl = \"1s\"\nttl = \"2s\"\n",
		[]string{`c.toml:3: zone.ttl: key ttl is already defined`},
	},
	{
		"an unknown key", "[zone]\ntttl = \"1s\"\n",
		[]string{`c.toml:2: zone.tttl: unknown key, expected one of zone.domains, zone.ttl, zone.retain_departed, zone.name_label, zone.ptr`},
	},
	{
		"an unknown section", "[zoen]\nttl = \"1s\"\n",
		[]string{`c.toml:1: zoen: unknown section, expected one of identity, zone, nodes, local, curator, files, dns, upstream, cache, state, control, varlink, metrics, log`},
	},
	{
		"a quoted name with a dot", "\"zone.ttl\" = \"1s\"\n",
		[]string{`c.toml:1: "zone.ttl": unknown section, expected one of identity, zone, nodes, local, curator, files, dns, upstream, cache, state, control, varlink, metrics, log`},
	},
	{
		"a name with a line break", "[log]\n\"a\\nb\" = 1\n",
		[]string{`c.toml:2: log."a\nb": unknown key, expected one of log.level, log.format`},
	},
	{
		"a value in the place of a section", "log = \"debug\"\n",
		[]string{`c.toml:1: log: got "debug", expected a section [log]`},
	},
	{
		"a section in the place of a value", "[log.level]\nname = \"debug\"\n",
		[]string{`c.toml:1: log.level: got a table, expected one of "debug", "info", "warn", "error"`},
	},
	{
		"values of wrong types", "[zone]\nttl = 10\ndomains = \"a.example\"\n[files]\nhostname = \"yes\"\nhosts_max_nodes = 1.5\nhosts = 1979-05-27\n",
		[]string{
			`c.toml:2: zone.ttl: got 10, expected whole seconds from "0s" on, such as "10s"`,
			`c.toml:3: zone.domains: got "a.example", expected a list of strings; write ["…"]`,
			`c.toml:5: files.hostname: got "yes", expected true or false, without quotes`,
			`c.toml:6: files.hosts_max_nodes: got 1.5, expected a whole number from 0 to 2147483647`,
			`c.toml:7: files.hosts: got a date or time, expected a string in quotes`,
		},
	},
	{
		"items of a list on their lines", "[dns]\nlisten = [\n  \"127.0.0.1:53\",\n  # too far\n  \"127.0.0.1:99999\",\n  53,\n  \"127.0.0.1:053\",\n]\n",
		[]string{
			`c.toml:5: dns.listen: got "127.0.0.1:99999", expected ADDRESS:PORT, such as "127.0.0.53:53" or "[::1]:53"`,
			`c.toml:6: dns.listen: got 53, expected ADDRESS:PORT, such as "127.0.0.53:53" or "[::1]:53"`,
			`c.toml:7: dns.listen: got "127.0.0.1:053", expected each item once; remove one of the two`,
		},
	},
	{
		"dotted keys and inline tables", "zone.ttl = \"-1s\"\r\nlog = { level = \"loud\", format = \"xml\" }\r\n",
		[]string{
			`c.toml:1: zone.ttl: got "-1s", expected whole seconds from "0s" on, such as "10s"`,
			`c.toml:2: log.format: got "xml", expected one of "text", "json"`,
			`c.toml:2: log.level: got "loud", expected one of "debug", "info", "warn", "error"`,
		},
	},
	{
		"endpoints without port", "[curator]\nendpoints = [\"curator.example\", \"metropolis-00112233445566778899aabbccddeeff\", \"10.0.0.1\"]\n",
		[]string{
			`c.toml:2: curator.endpoints: got "10.0.0.1", expected HOST:PORT, HOST:PORT#NODE-ID or a node ID; a curator's usual port is 7835`,
		},
	},
	{
		"a pin that is no node ID", "[curator]\nendpoints = [\"192.0.2.1:7835#web-2\", \"192.0.2.1:7835#\"]\n",
		[]string{
			`c.toml:2: curator.endpoints: got "192.0.2.1:7835#", expected HOST:PORT#NODE-ID, with the ID of the node that answers there`,
		},
	},
	{
		"pins of other nodes", "[curator]\nendpoints = [\"192.0.2.1:7835#web-2\", \"metropolis-00112233445566778899aabbccddeeff#metropolis-00112233445566778899aabbccddeefe\"]\n",
		[]string{
			`c.toml:2: curator.endpoints: got "192.0.2.1:7835#web-2", expected the ID of the node that answers there behind the #, not web-2: metropolis- and 32 hex digits`,
			`c.toml:2: curator.endpoints: got "metropolis-00112233445566778899aabbccddeeff#metropolis-00112233445566778899aabbc", expected the ID of the node that answers there behind the #, not metropolis-00112233445566778899aabbccddeefe: metropolis- and 32 hex digits`,
		},
	},
	{
		"a host name without port", "[curator]\nendpoints = [\"curator.example\"]\n",
		[]string{`c.toml:2: curator.endpoints: got "curator.example", expected HOST:PORT, as it is no node ID; write curator.example:7835`},
	},
	{
		"plain text to elsewhere", "[curator]\ninsecure = true\nendpoints = [\"127.0.0.1:1\", \"192.0.2.1:7835\"]\n",
		[]string{`c.toml:2: curator.insecure: got true, expected false, as 192.0.2.1:7835 is not a loopback endpoint; put the credentials into curator.credentials`},
	},
	{
		"TLS without credentials", "[curator]\nendpoints = [\"192.0.2.1:7835\"]\ncredentials = \"\"\n",
		[]string{`c.toml:3: curator.credentials: got "", expected a directory, as curator.endpoints are spoken to by TLS`},
	},
	{
		"a listener within another", "[dns]\nlisten = [\"0.0.0.0:53\", \"[::]:53\", \"127.0.0.53:53\", \"127.0.0.53:54\"]\n",
		[]string{`c.toml:2: dns.listen: got "127.0.0.53:53", expected an address that 0.0.0.0:53 does not include; remove one of the two`},
	},
	{
		"link-local listeners", "[dns]\nlisten = [\"[fe80::1]:53\", \"[fd00::1%br0]:53\"]\n",
		[]string{
			`c.toml:2: dns.listen: got "[fe80::1]:53", expected the interface of a link-local address too; write [fe80::1%INTERFACE]:53`,
			`c.toml:2: dns.listen: got "[fd00::1%br0]:53", expected no interface, as the address is not link-local; write [fd00::1]:53`,
		},
	},
	{
		"metrics on the port of DNS", "[metrics]\nlisten = \"0.0.0.0:53\"\n",
		[]string{`c.toml:2: metrics.listen: got "0.0.0.0:53", expected another port than that of dns.listen 127.0.0.53:53`},
	},
	{
		"ourselves as upstream", "[upstream]\nservers = [\n\"auto\",\n\"127.0.0.53\"]\n",
		[]string{`c.toml:4: upstream.servers: got "127.0.0.53", expected another server than ourselves, who listen on 127.0.0.53:53; remove it`},
	},
	{
		"ourselves as upstream by a wildcard", "[dns]\nlisten=[\"0.0.0.0:53\"]\n[local]\naddresses=[\"192.0.2.7\"]\n[upstream]\nservers = [\"127.1.2.3\", \"192.0.2.7\", \"192.0.2.8\", \"127.0.0.1:54\", \"::1\"]\n",
		[]string{
			`c.toml:6: upstream.servers: got "127.1.2.3", expected another server than ourselves, who listen on 0.0.0.0:53; remove it`,
			`c.toml:6: upstream.servers: got "192.0.2.7", expected another server than ourselves, who listen on 0.0.0.0:53; remove it`,
		},
	},
	{
		"a resolv.conf that cannot name us", "[files]\nresolv_conf_mode = \"stub\"\n[dns]\nlisten = [\"127.0.0.53:5353\"]\n",
		[]string{`c.toml:2: files.resolv_conf_mode: got "stub", expected off, as resolv.conf can only name servers on port 53 and dns.listen has none`},
	},
	{
		"no resolv.conf to keep", "[files]\nresolv_conf = \"\"\nresolv_conf_mode = \"stub\"\n",
		[]string{`c.toml:3: files.resolv_conf_mode: got "stub", expected off, as files.resolv_conf is empty`},
	},
	{
		"two files that are one", "[files]\nhosts = \"/etc/machine-id\"\nhostname_file = \"/etc/../etc/resolv.conf\"\n",
		[]string{
			`c.toml:2: files.hosts: got "/etc/machine-id", expected another file than that of files.machine_id`,
			`c.toml:3: files.hostname_file: got "/etc/resolv.conf", expected another file than that of files.resolv_conf`,
		},
	},
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range refusedDocuments {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("c.toml", []byte(tt.doc), nil)
			wantProblems(t, err, tt.want...)
		})
	}
}

func TestParseTakesEverySpelling(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]string{
		"sections":      "[zone]\nttl = \"30s\"\n[log]\nlevel = \"debug\"\n",
		"dotted keys":   "zone.ttl = \"30s\"\nlog.level = 'debug'\n",
		"inline tables": "zone = { ttl = \"30s\" }\nlog = { level = \"debug\" }\n",
		"quoted keys":   "\"zone\".'ttl' = \"30s\"\r\n[ \"log\" ]\r\nlevel = \"\"\"debug\"\"\"\r\n",
		"empty section": "[cache]\n[zone]\nttl = \"30s\"\n[log]\nlevel = \"debug\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse("c.toml", []byte(doc), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.DNS.TTL.String() != "30s" || c.Log.Level.String() != "DEBUG" {
				t.Errorf("got ttl %v and level %v, want 30s and DEBUG", c.DNS.TTL, c.Log.Level)
			}
		})
	}
}

func TestProblemsUnwrap(t *testing.T) {
	t.Parallel()
	_, err := Parse("c.toml", []byte("[log]\nlevel = \"loud\"\n"), nil)
	var p Problem
	if !errors.As(err, &p) {
		t.Fatalf("got error %v, want a Problem in it", err)
	}
	if p.File != "c.toml" || p.Line != 2 || p.Key != "log.level" {
		t.Errorf("got %+v, want log.level at line 2 of c.toml", p)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		c, err := Load(write("good.toml", "[state]\ndir = \"/srv/nodedns/\"\n"), nil)
		if err != nil || c.StateDir != "/srv/nodedns" {
			t.Errorf("got state.dir %q, error %v, want /srv/nodedns", c.StateDir, err)
		}
	})
	t.Run("a named file that is missing", func(t *testing.T) {
		t.Parallel()
		_, err := Load(filepath.Join(dir, "none.toml"), nil)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "--config") {
			t.Errorf("got error %v, want fs.ErrNotExist with the remedy", err)
		}
	})
	t.Run("the usual file that is missing", func(t *testing.T) {
		t.Parallel()
		documents, err := readAll(filepath.Join(dir, "none.toml"), false)
		if err != nil || len(documents) != 0 {
			t.Errorf("got %v, error %v, want no file", documents, err)
		}
	})
	t.Run("a file that is too large", func(t *testing.T) {
		t.Parallel()
		_, err := Load(write("large.toml", strings.Repeat("#\n", maxFile)), nil)
		if err == nil || !strings.Contains(err.Error(), "larger than") {
			t.Errorf("got error %v, want one about the size", err)
		}
	})
	t.Run("a directory", func(t *testing.T) {
		t.Parallel()
		if _, err := Load(dir, nil); err == nil {
			t.Error("got no error for a directory")
		}
	})
}

// Lines are counted on from item to item, and must still be right far down.
func TestParseLongDocument(t *testing.T) {
	t.Parallel()
	const n = 10_000
	doc := strings.Repeat("\n", n) + "[upstream]\nservers = [" + strings.Repeat("\n\"::1\",", n) + "]\n"
	_, err := Parse("c.toml", []byte(doc), nil)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != n-1 {
		t.Fatalf("got %d problems, want %d", len(problems), n-1)
	}
	if last := problems[n-2].Line; last != 2*n+2 {
		t.Errorf("got the last problem at line %d, want %d", last, 2*n+2)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[zone]\nttl = \"10s\"\ndomains = [\"a.example\", 1, [[]]]\n"))
	f.Add([]byte("zone = { ttl = \"1s\", x.y = { z = [{ a = 1 }] } }\r\n[[upstream.route]]\n[[upstream.route]]\ndomains = []\n"))
	f.Add([]byte("\"\" = 1979-05-27T07:32:00Z\n\"a.b\".c = nan\n[curator]\nendpoints = [\"[::1%x]:1\", \"h:0\", \":\"]\n"))
	f.Add([]byte("[upstream]\nservers = [\"fe80::1%eth0\", \"tls://x\", \"[]:53\", \"[\"]\n[local]\ninterfaces = [\"[\", \"\\u0000\"]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Parse("c.toml", data, nil)
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("got error %v, want Problems", err)
		}
		lines := 1 + strings.Count(string(data), "\n")
		for _, p := range problems {
			if p.File != "c.toml" || p.Line < 1 || p.Line > lines || p.Text == "" {
				t.Errorf("got %+v, want a place in the file, which has %d lines", p, lines)
			}
		}
	})
}
