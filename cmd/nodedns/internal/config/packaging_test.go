package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commented matches a key that the example has switched off.
var commented = regexp.MustCompile(`(?m)^#([a-z_]+ = )`)

func readExample(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../../../../packaging/nodedns.toml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The packaged configuration changes nothing of the machine.
func TestExampleSwitchesOff(t *testing.T) {
	t.Parallel()
	settings, err := readDocument("nodedns.toml", readExample(t))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, s := range settings {
		got[s.name] = s.raw
	}
	want := map[string]any{
		"files.hosts": "", "files.machine_id": "", "files.hostname": false, "files.resolv_conf_mode": "off",
		"varlink.socket": "",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// withDefaults is the example with each key at its default.
func withDefaults(t *testing.T) []byte {
	t.Helper()
	var lines []string
	for line := range strings.Lines(string(readExample(t))) {
		name, _, _ := strings.Cut(line, "=")
		if i := len(lines) - 1; i >= 0 && strings.HasPrefix(lines[i], "#"+name+"=") {
			continue // the default is above the value
		}
		lines = append(lines, line)
	}
	return commented.ReplaceAll([]byte(strings.Join(lines, "")), []byte("$1"))
}

func TestExampleHasTheDefaults(t *testing.T) {
	t.Parallel()
	data := withDefaults(t)
	settings, err := readDocument("nodedns.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, s := range settings {
		got = append(got, s.name)
		// Each key by itself, too: one wrong value must not hide another.
		if k, ok := lookup(s.name); ok && !reflect.DeepEqual(s.raw, k.defaultValue) {
			t.Errorf("%s: got %v, want %v", s.name, s.raw, k.defaultValue)
		}
	}
	for _, k := range keys {
		if !k.isTables() { // a table has its example in the text
			want = append(want, k.name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got keys\n%v\nwant\n%v", got, want)
	}
	c, err := Parse("nodedns.toml", data, nil)
	if err != nil || !reflect.DeepEqual(c, defaults(t)) {
		t.Errorf("got %+v, error %v, want the defaults", c, err)
	}
}

// The example of a route is a remark, since a route has no default.
func TestExampleRoute(t *testing.T) {
	t.Parallel()
	var route []string
	for line := range strings.SplitSeq(string(readExample(t)), "\n") {
		if text, ok := strings.CutPrefix(line, "#     "); ok {
			route = append(route, text)
		}
	}
	c, err := Parse("nodedns.toml", []byte(strings.Join(route, "\n")), nil)
	if err != nil || len(c.DNS.Upstreams.Routes) != 1 {
		t.Errorf("got %+v, error %v, want a route", c.DNS.Upstreams.Routes, err)
	}
}

func TestExampleExplainsEachKey(t *testing.T) {
	t.Parallel()
	lines := strings.Split(string(readExample(t)), "\n")
	for i, line := range lines {
		if commented.MatchString(line) && !strings.HasPrefix(lines[i-1], "# ") {
			t.Errorf("line %d: %s is not explained", i+1, line)
		}
		if len(line) > 80 {
			t.Errorf("line %d: has %d characters, which a terminal of 80 would wrap", i+1, len(line))
		}
	}
}
