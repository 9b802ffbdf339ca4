package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newConsole(t *testing.T) *console {
	t.Helper()
	cluster, err := memory.NewCluster(zone.DefaultPrefix)
	must(t, err)
	return &console{cluster: cluster, server: &memory.Server{Directory: &memory.Directory{}}, prefix: zone.DefaultPrefix}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines, answers string
	}{
		"set":               {"set a 192.0.2.1\nset b - roles=kubernetes-worker,consensus-member state=new port=7835", "ok\nok\n"},
		"set without value": {"set a", "error usage: set ID ADDRESS|- [roles=ROLE,…] [state=STATE] [port=PORT] [boot=TEXT] [name=TEXT] [label=KEY=TEXT]\n"},
		"unknown role":      {"set a - roles=king", "error unknown role \"king\"\n"},
		"unknown state":     {"set a - state=asleep", "error unknown state \"asleep\"\n"},
		"unknown option":    {"set a - colour=red", "error usage: set ID ADDRESS|- [roles=ROLE,…] [state=STATE] [port=PORT] [boot=TEXT] [name=TEXT] [label=KEY=TEXT]\n"},
		"unknown command":   {"dance", "error unknown command \"dance\"\n"},
		"empty lines":       {"\n  \ndrop\n", "ok\n"},
		"names":             {"set a - name=web-1 label=x/y=z\nrename a \"\\x20\"\nrename a -", "ok\nok\nok\n"},
		"no name":           {"rename a web-1\nrename a\nset a - name=\"x", "error there is no node \"a\"\nerror usage: rename ID TEXT|-\nerror \"x is no quoted text\n"},
		"remove":            {"remove a b\nremove", "ok\nerror usage: remove ID…\n"},
		"fill":              {"fill 3\nfill 2 named\nfill\nfill -1\nfill 1 nameless", "ok 3\nok 2\nerror usage: fill N [named]\nerror usage: fill N [named]\nerror usage: fill N [named]\n"},
		"churn":             {"fill 3\nchurn 1000 0.01\nchurn 0 1\nchurn 1", "ok 3\nok 10\nerror usage: churn RATE SECONDS\nerror usage: churn RATE SECONDS\n"},
		"churn of nobody":   {"churn 1000 1", "ok 0\n"},
		"knobs":             {"follower on\nmarker off\ncut 3\nfollower maybe", "ok\nok\nok\nerror usage: follower on|off\n"},
		"clock":             {"clock 90s\nclock -1h\nclock\nclock soon", "ok\nok\nerror usage: clock DURATION (ahead of this machine's)\nerror time: invalid duration \"soon\"\n"},
		"streams":           {"streams", "ok 0\n"},
		"issue nowhere":     {"issue", "error usage: issue DIRECTORY [KEYFILE]\n"},
		"leaders":           {"leads\nleader a 192.0.2.1 7835\nleader -\nleader\nfollower on\nleads", "ok yes\nok\nok\nerror usage: leader ID|- [HOST PORT]\nok\nok no\n"},
		"reach nowhere":     {"reach a", "error usage: reach ID PORT\n"},
		"quit":              {"drop\nquit\ndrop", "ok\nok\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			must(t, newConsole(t).converse(strings.NewReader(test.lines), &out))
			if out.String() != test.answers {
				t.Errorf("answers %q, want %q", &out, test.answers)
			}
		})
	}
}

func TestConsoleChangesTheCurator(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	lines := "set a 192.0.2.1 name=web-1 label=x/y=z\nrename a \"web\\x20one\"\nset b - roles=kubernetes-worker,consensus-member state=new port=7835\nset c 192.0.2.3\nremove c\nfill 2\nmarker off\nfollower on"
	must(t, c.converse(strings.NewReader(lines), io.Discard))
	want := []memory.Node{
		{ID: "a", Address: "192.0.2.1", State: zone.StateUp, Labels: map[string]string{memory.NameLabel: "web one", "x/y": "z"}},
		{ID: "b", Labels: map[string]string{}, Roles: zone.KubernetesWorker | zone.ConsensusMember, State: zone.StateNew, CuratorPort: 7835},
	}
	nodes := c.server.Directory.Nodes()
	if len(nodes) != 4 || !reflect.DeepEqual(nodes[:2], want) {
		t.Errorf("nodes %+v, want %+v and two more", nodes, want)
	}
	for _, node := range nodes[2:] {
		if _, err := zone.DefaultPrefix.Parse(node.ID); err != nil || !strings.HasPrefix(node.Address, "100.64.0.") {
			t.Errorf("filled in %+v", node)
		}
	}
	if b := c.server.Behaviour(); !b.NoMarker || !b.Follower || b.Cut != 0 {
		t.Errorf("behaviour %+v", b)
	}
}

func TestIssue(t *testing.T) {
	t.Parallel()
	pub, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(pub)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	write := func(name, blockType string, der []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}), 0o600))
		return path
	}
	id := string(zone.DefaultPrefix.FromPublicKey(pub))
	for name, test := range map[string]struct {
		file  string
		fault nodetls.Fault
	}{
		"public key":  {write("pub", "PUBLIC KEY", public), nodetls.FaultIncomplete},
		"private key": {write("key", "PRIVATE KEY", private), ""},
		"new key":     {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, target := newConsole(t), filepath.Join(t.TempDir(), "credentials")
			answer, err := c.answer(strings.Fields("issue " + target + " " + test.file))
			must(t, err)
			if test.file != "" && answer != id {
				t.Errorf("answer %q, want %q", answer, id)
			}
			_, err = nodetls.Load(target, zone.DefaultPrefix, zone.ID(answer))
			if test.fault == "" {
				must(t, err)
			} else if !strings.Contains(fmt.Sprint(err), string(test.fault)) {
				t.Errorf("err = %v, want %s", err, test.fault)
			}
		})
	}
	if _, err := newConsole(t).answer([]string{"issue", dir, filepath.Join(dir, "missing")}); err == nil {
		t.Error("a missing key file is no error")
	}
}

// A curator is a node of its cluster, and the same one after a restart. One with
// the credentials of another cluster's node has its directory to itself.
func TestOwnNode(t *testing.T) {
	t.Parallel()
	dir, elsewhere := filepath.Join(t.TempDir(), "ca"), t.TempDir()
	var first string
	for range 2 {
		var out strings.Builder
		must(t, run(t.Context(), []string{"--dir", dir}, strings.NewReader("leads\nissue "+elsewhere+"\n"), &out))
		lines := strings.Split(out.String(), "\n")
		if len(lines) != 4 || lines[1] != "ok yes" {
			t.Fatalf("answers %q", lines)
		}
		key, err := memory.OpenKey(filepath.Join(dir, ownKeyFile))
		must(t, err)
		id := string(zone.DefaultPrefix.FromPublicKey(key.Public().(ed25519.PublicKey)))
		if first != "" && first != id {
			t.Errorf("it is %s first, and %s then", first, id)
		}
		first = id
	}
	var out strings.Builder
	must(t, run(t.Context(), []string{"--credentials", elsewhere}, strings.NewReader("issue "+elsewhere+"\n"), &out))
	if !strings.Contains(out.String(), "error this curator does not have its cluster's CA") {
		t.Errorf("answers %q", &out)
	}
	for at, want := range map[string]memory.Node{
		"192.0.2.1:7835": {Address: "192.0.2.1", CuratorPort: 7835}, "127.0.0.1:1": {CuratorPort: 1}, "[::]:2": {CuratorPort: 2},
	} {
		server := &memory.Server{Directory: &memory.Directory{}, ID: "a"}
		join(server, netip.MustParseAddrPort(at))
		if got := server.Directory.Nodes()[0]; got.Address != want.Address || got.CuratorPort != want.CuratorPort {
			t.Errorf("at %s: %+v", at, got)
		}
	}
}

// The process as a whole: it reports where it listens, answers, and ends with its
// input.
func TestRun(t *testing.T) {
	t.Parallel()
	in, toProcess := io.Pipe()
	fromProcess, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{"--dir", filepath.Join(t.TempDir(), "ca")}, in, out)
		out.Close()
	}()
	lines := bufio.NewScanner(fromProcess)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "ok listening 127.0.0.1:") {
		t.Fatalf("first line %q", lines.Text())
	}
	fmt.Fprintln(toProcess, "fill 10")
	if !lines.Scan() || lines.Text() != "ok 10" {
		t.Errorf("answer %q", lines.Text())
	}
	toProcess.Close()
	must(t, <-ended)

	for _, args := range [][]string{{"--nonsense"}, {"--listen", "nowhere"}, {"--credentials", t.TempDir()}} {
		if err := run(t.Context(), args, strings.NewReader(""), io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
