package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/verify"
)

// What programs get is a promise, so each key is described where people look for
// it: in the command's help or, for the long ones, in the manual.
func TestJSONIsDescribed(t *testing.T) {
	t.Parallel()
	resolution, err := os.ReadFile("../../docs/resolution.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command string
		manual  string // "": the help
		output  any
	}{
		{"status", "", nodedns.Status{}},
		{"nodes", "", control.Node{}},
		{"flush", "", control.Flushed{}},
		{"check", "", plan{}},
		{"init", "", made{}},
		{"restore", "", restored{}},
		{"resolvconf restore", "", restored{}},
		{"version", "", build{}},
		{"verify", "", verify.Report{}},
		{"verify", "", verify.Check{}},
		{"doctor", "", diagnosis{}},
		{"enable", "", result{}.Plan},
		{"monitor", "", control.Event{}},
		{"query", string(resolution), combined{}},
		{"explain", string(resolution), explained{}},
		{"explain", string(resolution), libraryReport{}},
	} {
		root, _ := newRoot()
		cmd, _, err := root.Find(strings.Fields(tt.command))
		if err != nil {
			t.Fatal(err)
		}
		text := tt.manual
		if text == "" {
			text = cmd.Long
		}
		for _, key := range jsonKeys(reflect.TypeOf(tt.output)) {
			if !regexp.MustCompile(`\b` + key + `\b`).MatchString(text) {
				t.Errorf("%s --json: nothing is said of the key %q", tt.command, key)
			}
		}
	}
}

// jsonKeys are the keys of a struct, those of embedded ones too.
func jsonKeys(typ reflect.Type) (keys []string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			keys = append(keys, jsonKeys(field.Type)...)
		case key != "" && key != "-":
			keys = append(keys, key)
		}
	}
	return keys
}
