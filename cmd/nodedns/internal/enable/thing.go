package enable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// Thing is what can be switched on and off by itself.
type Thing string

// The things.
const (
	Hosts      Thing = "hosts"       // the hosts file
	MachineID  Thing = "machine-id"  // its ID
	Hostname   Thing = "hostname"    // the kernel's
	ResolvConf Thing = "resolv-conf" // who is asked
	Nsswitch   Thing = "nsswitch"    // and whether anybody is
)

// Things are all of them, in the order in which a plan tells them.
func Things() []Thing { return []Thing{Hosts, MachineID, Hostname, ResolvConf, Nsswitch} }

// ParseThings understands the names of things, and returns them in the order of
// a plan. None means all.
func ParseThings(names []string) ([]Thing, error) {
	all := Things()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.Contains(all, Thing(name)) {
			return nil, fmt.Errorf("got %q, expected some of %s", name, strings.Trim(fmt.Sprint(all), "[]"))
		}
	}
	return slices.DeleteFunc(all, func(t Thing) bool { return !slices.Contains(names, string(t)) }), nil
}

// The paths that are switched on, which are the defaults of the daemon.
const (
	hostsPath     = "/etc/hosts"
	machineIDPath = "/etc/machine-id"
	varlinkPath   = "/run/systemd/resolve/io.systemd.Resolve"
)

// toggle is the key of the configuration that a thing hangs on.
type toggle struct {
	thing Thing
	key   string
	value string // in TOML, when it is on
	off   func(config.Config) bool
}

func toggles() []toggle {
	return []toggle{
		{Hosts, "files.hosts", `"` + hostsPath + `"`, func(c config.Config) bool { return c.Files.Hosts == "" }},
		{MachineID, "files.machine_id", `"` + machineIDPath + `"`, func(c config.Config) bool { return c.Files.MachineID == "" }},
		{Hostname, "files.hostname", "true", func(c config.Config) bool { return !c.Files.Hostname }},
		{ResolvConf, "files.resolv_conf_mode", `"stub"`, func(c config.Config) bool { return c.ResolvConf.Mode != resolvconf.ModeStub }},
		{Nsswitch, "varlink.socket", `"` + varlinkPath + `"`, func(c config.Config) bool { return c.VarlinkSocket == "" }},
	}
}

// toggleOf returns the key of a thing.
func toggleOf(thing Thing) toggle {
	all := toggles()
	return all[slices.IndexFunc(all, func(t toggle) bool { return t.thing == thing })]
}

// keysOf are the keys of some things.
func keysOf(things []Thing) []string {
	var keys []string
	for _, t := range toggles() {
		if slices.Contains(things, t.thing) {
			keys = append(keys, t.key)
		}
	}
	return keys
}

// has reports whether one of some things hangs on one of some keys.
func has(keys []string, things ...Thing) bool {
	return slices.ContainsFunc(keysOf(things), func(key string) bool { return slices.Contains(keys, key) })
}

// dropInName is the file that is written. What the user wants to be read after it
// begins with a higher number.
const dropInName = "50-enabled.toml"

// dropInText is its content with some keys, or "" without any.
func dropInText(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	text := "# Written by `nodedns enable`. Do not change it: `nodedns disable` removes it, and\n" +
		"# puts back what was there before.\n\n"
	for _, t := range toggles() {
		if slices.Contains(keys, t.key) {
			text += t.key + " = " + t.value + "\n"
		}
	}
	return text
}
