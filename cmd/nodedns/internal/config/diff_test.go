package config

import (
	"slices"
	"testing"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, before, after string
		reloadable, restart []string
	}{
		{"nothing", "", "", nil, nil},
		{"a default spelled out", "", "[zone]\nttl = \"10000ms\"\n[dns]\nlisten = [\"127.0.0.53:53\"]\n", nil, nil},
		{"values", "[zone]\nttl = \"1s\"\n", "[upstream]\nservers = []\n[log]\nlevel = \"debug\"\n", []string{"zone.ttl", "upstream.servers", "log.level"}, nil},
		{"identity", "", "[identity]\nnode_id = \"a\"\n", nil, []string{"identity.node_id"}},
		{"listeners", "", "[dns]\nlisten = []\n[metrics]\nlisten = \"127.0.0.1:9353\"\n", nil, []string{"dns.listen", "metrics.listen"}},
		{"paths", "[files]\nroot = \"/a\"\n", "[files]\nhosts = \"\"\n[state]\ndir = \"/b\"\n", nil, []string{"files.root", "files.hosts", "state.dir"}},
		{"how files are kept", "", "[files]\nhosts_mode = \"own\"\nhosts_max_nodes = 1\nmachine_id_format = \"hex\"\nhostname = false\n", nil, []string{"files.hosts_mode", "files.hosts_max_nodes", "files.machine_id_format", "files.hostname"}},
		{"the way to the curator", "", "[curator]\nendpoints = [\"127.0.0.1:1\"]\ncredentials = \"/a\"\ninsecure = true\n", []string{"curator.endpoints"}, []string{"curator.credentials", "curator.insecure"}},
		{"log", "", "[log]\nlevel = \"debug\"\nformat = \"json\"\n", []string{"log.level"}, []string{"log.format"}},
		{"order of a list", "[zone]\ndomains = [\"a.example\", \"b.example\"]\n", "[zone]\ndomains = [\"b.example\", \"a.example\"]\n", []string{"zone.domains"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before, err := Parse("before.toml", []byte(tt.before), nil)
			if err != nil {
				t.Fatal(err)
			}
			after, err := Parse("after.toml", []byte(tt.after), nil)
			if err != nil {
				t.Fatal(err)
			}
			reloadable, restart := Diff(before, after)
			if !slices.Equal(reloadable, tt.reloadable) || !slices.Equal(restart, tt.restart) {
				t.Errorf("got %v and %v, want %v and %v", reloadable, restart, tt.reloadable, tt.restart)
			}
		})
	}
}
