package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/httpserver"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// completions are what is offered for the last of some arguments, without
// descriptions, and the directive for the shell.
func completions(t *testing.T, args ...string) (offered []string, told string) {
	t.Helper()
	o := command(t, append([]string{"__complete"}, args...)...)
	if o.code != exitOK {
		t.Fatalf("%q: exit status %d, %s", args, o.code, o.stderr)
	}
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	for _, line := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(line, "\t")
		offered = append(offered, word)
	}
	told, _ = strings.CutPrefix(strings.TrimSpace(o.stderr), "Completion ended with directive: ")
	return offered, told
}

// serveZone answers on a control socket for this machine and some nodes, whose
// IDs are numbers from 256 on.
func serveZone(t *testing.T, nodes int) (socket string) {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: nodeID, RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.10")})
	entries := make([]zone.Entry, nodes)
	for i := range entries {
		entries[i] = zone.Entry{ID: counted(i + 0x100), Addresses: testkit.Addrs("10.0.0.1")}
	}
	store.Source("curator").Set(entries...)
	return answering(t, control.Daemon{Snapshot: store.Snapshot})
}

// answering is the control socket of a daemon that is made up.
func answering(t *testing.T, daemon control.Daemon) (socket string) {
	t.Helper()
	return answeringBy(t, control.Handler(daemon))
}

// answeringBy is a control socket with a handler.
func answeringBy(t *testing.T, handler http.Handler) (socket string) {
	t.Helper()
	socket = newMachine(t).path("control.sock")
	l, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- httpserver.Serve(ctx, l, handler, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		l.Unlock()
	})
	return socket
}

func counted(i int) string { return fmt.Sprintf("metropolis-%032x", i) }

func countedFrom(first, count int) (ids []string) {
	for i := range count {
		ids = append(ids, counted(first+i))
	}
	return ids
}

// The directives of completion.
const (
	noFiles = "ShellCompDirectiveNoFileComp"
	noSpace = "ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp"
)

func TestCompleteNames(t *testing.T) {
	t.Parallel()
	few, many := serveZone(t, 3), serveZone(t, 0x1000)
	m := newMachine(t)
	for _, tt := range []struct {
		name   string
		socket string
		args   []string
		want   []string
		told   string
	}{
		{"all", few, []string{"query", ""}, append(countedFrom(0x100, 3), nodeID), noFiles},
		{"the beginning of one", few, []string{"query", nodeID[:20]}, []string{nodeID}, noFiles},
		{"for explain too", few, []string{"explain", counted(0x102)}, []string{counted(0x102)}, noFiles},
		{"for nodes too", few, []string{"nodes", counted(0x102)}, []string{counted(0x102)}, noFiles},
		{"nothing like it", few, []string{"query", "www."}, nil, noFiles},
		{"a type", few, []string{"query", "a", "AA"}, []string{"AAAA"}, noFiles},
		{"no third", few, []string{"query", "a", "A", ""}, nil, noFiles},
		{"too many, nothing typed", many, []string{"query", ""}, []string{"metropolis-0"}, noSpace},
		{"too many, digits typed", many, []string{"query", counted(0x1000)[:39]}, []string{counted(0)[:40], counted(0x1000)[:40]}, noSpace},
		{"too many with one of them", many, []string{"query", counted(0x1000)[:40]}, []string{counted(0x1000)[:41]}, noSpace},
		{"few of many", many, []string{"query", counted(0x1010)[:42]}, countedFrom(0x1010, 16), noFiles},
		{"without a daemon", m.path("none.sock"), []string{"query", "m"}, nil, noFiles},
	} {
		got, told := completions(t, slices.Insert(tt.args, 1, "--control", tt.socket)...)
		if !slices.Equal(got, tt.want) || told != tt.told {
			t.Errorf("%s: got %q and %s, want %q and %s", tt.name, got, told, tt.want, tt.told)
		}
	}
	if got, told := completions(t, "query", "--config", m.path("none.toml"), "m"); got != nil || told != noFiles {
		t.Errorf("with a configuration that is none: got %q and %s", got, told)
	}
}

func TestCompleteFlags(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"nodes --role kub":            {"kubernetes-controller", "kubernetes-worker"},
		"run --log.level ":            {"debug", "info", "warn", "error"},
		"run --log.format ":           {"text", "json"},
		"check --files.hosts_mode b":  {"block"},
		"check --dns.fast_path=":      {"true", "false"},
		"run --zone.ttl ":             nil,
		"monitor --type AA":           {"AAAA"},
		"monitor --rcode SERVFAIL,NX": {"SERVFAIL,NXDOMAIN"},
		"monitor --source zone,h":     {"zone,hosts"},
		"monitor --client ":           nil,
		"monitor ":                    nil,
		"status ":                     nil,
		"monitor --count ":            nil,
	} {
		if got, told := completions(t, strings.Split(line, " ")...); !slices.Equal(got, want) || told != noFiles {
			t.Errorf("%s: got %q and %s, want %q", line, got, told, want)
		}
	}
	for _, line := range []string{"run --config ", "status --control ", "run --identity.public_key "} {
		if got, told := completions(t, strings.Split(line, " ")...); got != nil || told != "ShellCompDirectiveDefault" {
			t.Errorf("%s: got %q and %s, want the names of files", line, got, told)
		}
	}
	if got, told := completions(t, "run", "--state.dir", ""); got != nil || told != "ShellCompDirectiveFilterDirs" {
		t.Errorf("a directory: got %q and %s", got, told)
	}
}

// What is offered for a key is what it takes.
func TestChoicesAreTaken(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, key := range []string{"files.hosts_mode", "files.machine_id_format", "files.resolv_conf_mode", "log.level", "log.format", "files.hostname"} {
		words := config.Choices(key)
		if len(words) < 2 {
			t.Errorf("%s: %q are offered", key, words)
		}
		for _, word := range words {
			m.command("check", "--dns.listen=127.0.0.1:53", "--"+key+"="+word).expect(t, exitOK, "", "")
		}
	}
}

// completeVariable makes a test's process "nodedns" for a shell.
const completeVariable = "NODEDNS_TEST_COMPLETE"

// TestAsProgram is what TestCompleteInBash runs, and by itself tests nothing.
func TestAsProgram(t *testing.T) {
	if os.Getenv(completeVariable) == "" {
		return
	}
	_, args, _ := strings.Cut(strings.Join(os.Args, "\x00"), "\x00--\x00")
	os.Exit(execute(t.Context(), strings.Split(args, "\x00"), os.Stdout, os.Stderr))
}

// The generated script works in a real shell, and with its package of helpers
// replaced by what those do for a plain line.
func TestCompleteInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	m.write("nodedns.bash", command(t, "completion", "bash").stdout)
	script := `
nodedns() { "$SELF" -test.run='^TestAsProgram$' -- "$@"; }
_init_completion() { words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}; }
compopt() { :; }
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
__start_nodedns
printf '%s\n' "${COMPREPLY[@]}"
`
	complete := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), bash, append([]string{"--norc", "--noprofile", "-c", script, "bash", m.path("nodedns.bash"), "nodedns"}, args...)...)
		cmd.Env = append(os.Environ(), "SELF="+self, completeVariable+"=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	socket := serveZone(t, 3)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"query", "--control", socket, counted(0x102)[:43]}, counted(0x102)},
		{[]string{"query", "--control", socket, counted(0)[:20]}, strings.Join(countedFrom(0x100, 3), "\n")},
		{[]string{"query", "a", "AAA"}, "AAAA"},
		{[]string{"stat"}, "status"},
	} {
		if got := complete(tt.args...); !strings.Contains(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.args, got, tt.want)
		}
	}
}
