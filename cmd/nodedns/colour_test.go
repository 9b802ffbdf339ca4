package main

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTableColours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		colour bool
		want   string
	}{
		{"for a file", false, "state    ready    x\nthen     odd\\x1b  y\nunknown  neither  z\n"},
		{"for a terminal", true, "state    \x1b[32mready\x1b[0m    x\n\x1b[31mthen\x1b[0m     odd\\x1b  y\nunknown  neither  z\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			table := table{out: &out, colour: tt.colour}
			table.row("state", standing("ready"), "x")
			table.row(bad.paint("then"), "odd\x1b", "y")
			table.row("unknown", standing("neither"), "z")
			if err := table.flush(); err != nil || out.String() != tt.want {
				t.Errorf("got\n%q, %v, want\n%q", out.String(), err, tt.want)
			}
		})
	}
}

// What other servers send does nothing to a terminal but, at worst, colour it.
func TestControlCharactersAreSpelledOut(t *testing.T) {
	t.Parallel()
	hostile := "a\x1b]0;title\x07b\rc\u009bd\x7f" + string(bad) + "e"
	if got, want := shown(hostile, false), `a\x1b]0;title\x07b\x0dc\x9bd\x7fe`; got != want {
		t.Errorf("without colours: %q, want %q", got, want)
	}
	for text, want := range map[string]string{
		"raw\x9b2J":           `raw\x9b2J`,
		"\u202egpj.exe\u200b": `\u202egpj.exe\u200b`,
		"Straße 東京":           "Straße 東京",
	} {
		if got := shown(text, false); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, want := shown(hostile, true), `a\x1b]0;title\x07b\x0dc\x9bd\x7f`+string(bad)+"e"; got != want {
		t.Errorf("with colours: %q, want %q", got, want)
	}
}

// The last cell, which may be a sentence, makes no column wide.
func TestTableRowsOfDifferentLength(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := table{out: &out}
	table.row("1", "2", "3")
	table.row("long", "a sentence")
	if err := table.flush(); err != nil || out.String() != "1     2  3\nlong  a sentence\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestNoColourWithoutATerminal(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isColourful(file) || isColourful(new(strings.Builder)) {
		t.Error("a file gets colours")
	}
}

// A terminal gets colours, unless the user or the terminal disables them.
func TestColourOnATerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	defer terminal.Close()
	for _, tt := range []struct {
		noColour, term string
		want           bool
	}{
		{"", "xterm", true},
		{"1", "xterm", false},
		{"", "dumb", false},
	} {
		t.Setenv("NO_COLOR", tt.noColour)
		t.Setenv("TERM", tt.term)
		if got := isColourful(terminal); got != tt.want {
			t.Errorf("NO_COLOR=%q TERM=%q: %v, want %v", tt.noColour, tt.term, got, tt.want)
		}
	}
}
