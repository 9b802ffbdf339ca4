package main

import (
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	topics := map[string][]string{
		"nodedns":       {},
		"configuration": {"help", "configuration"},
	}
	root, _ := newRoot()
	for _, cmd := range root.Commands() {
		if cmd.Runnable() || cmd.HasSubCommands() {
			topics[cmd.Name()] = []string{cmd.Name(), "--help"}
		}
	}
	topics["resolvconf_restore"] = []string{"resolvconf", "restore", "--help"}
	for name, args := range topics {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := command(t, args...)
			o.expect(t, exitOK, "", "")
			golden(t, "help_"+name, o.stdout)
			for line := range strings.Lines(o.stdout) {
				if len(line) > 93 {
					t.Errorf("the line is too long for a terminal: %s", line)
				}
			}
		})
	}
}

func TestEachCommandExplainsItself(t *testing.T) {
	t.Parallel()
	root, _ := newRoot()
	for _, cmd := range root.Commands() {
		if cmd.Short == "" || cmd.Long == "" || cmd.Runnable() && cmd.Example == "" {
			t.Errorf("%s lacks a description or an example", cmd.Name())
		}
	}
}

// The exit statuses: 2 for what trying again cannot help, before anything is
// touched.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	bad, socket := m.path("bad.toml"), m.path("none.sock")
	m.write("bad.toml", "[zone]\ncolour = 1\nttl = true\n[control]\nsocket = \""+socket+"\"\n")
	tests := []struct {
		name   string
		args   string
		code   int
		stderr string
	}{
		{"nothing", "", exitOK, ""},
		{"version", "version", exitOK, ""},
		{"completion", "completion bash", exitOK, ""},
		{"no such command", "rnu", exitUsage, `unknown command "rnu"`},
		{"no such command of a command", "resolvconf rstore", exitUsage, `unknown command "rstore"`},
		{"what it may have been", "rnu", exitUsage, "nodedns: Did you mean this?\nnodedns:   run\n"},
		{"control characters", "rnu\x1b[2J", exitUsage, `rnu\x1b[2J`},
		{"no such flag", "status --jason", exitUsage, "unknown flag: --jason; see nodedns status --help"},
		{"no such key", "run --zone.colour blue", exitUsage, "unknown flag"},
		{"an argument too many", "status all", exitUsage, "status"},
		{"an argument too few", "query", exitUsage, "arg"},
		{"no such file", "run --config " + m.path("none.toml"), exitUsage, "none.toml"},
		{"two problems", "check --config " + bad, exitUsage, "nodedns: " + bad + ":2: zone.colour: "},
		{"each on its line", "check --config " + bad, exitUsage, "\nnodedns: " + bad + ":3: zone.ttl: "},
		{"a wrong flag", "run --zone.ttl soon", exitUsage, "nodedns: flag --zone.ttl: "},
		{"run", "run --config " + bad, exitUsage, "zone.colour"},
		{"init", "init --config " + bad, exitUsage, "zone.colour"},
		{"restore", "restore --config " + bad, exitUsage, "zone.colour"},
		{"a wrong flag of a question", "status --zone.ttl soon", exitUsage, "nodedns: flag --zone.ttl: "},
		{"status", "status --config " + bad, exitFailed, "nodedns: no nodedns daemon answers on " + socket},
		{"status of nobody", "status --control " + socket, exitFailed, "nodedns: no nodedns daemon answers on " + socket},
		{"nodes of nobody", "nodes --control " + socket, exitFailed, "nodedns run"},
		{"query to nobody", "query a --control " + socket, exitFailed, "nodedns run"},
		{"explain to nobody", "explain a --control " + socket, exitFailed, "nodedns run"},
		{"--control needs no configuration", "status --config " + bad + " --control " + socket, exitFailed, socket},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := command(t, strings.Fields(tt.args)...)
			o.expect(t, tt.code, "", tt.stderr)
			if strings.Contains(o.stderr, "Usage:") || o.code != exitOK && o.stdout != "" {
				t.Errorf("an error comes with more than its message:\n%s%s", o.stdout, o.stderr)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	command(t, "version").expect(t, exitOK, "nodedns   ", "")
	command(t, "version", "--json").expect(t, exitOK, `"go": "go1.`, "")
}
