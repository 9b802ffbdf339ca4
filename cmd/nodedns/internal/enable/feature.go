package enable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// Feature is what can be enabled and disabled by itself.
type Feature string

// The features.
const (
	Hosts      Feature = "hosts"       // the hosts file
	MachineID  Feature = "machine-id"  // its ID
	Hostname   Feature = "hostname"    // the kernel's
	ResolvConf Feature = "resolv-conf" // which server programs query
	Nsswitch   Feature = "nsswitch"    // and whether they query it
)

// Features are all of them, in the order of a plan.
func Features() []Feature { return []Feature{Hosts, MachineID, Hostname, ResolvConf, Nsswitch} }

// ParseFeatures parses the names of features, and returns them in the order of a
// plan; nil where none is named, which is for all.
func ParseFeatures(names []string) ([]Feature, error) {
	all := Features()
	if len(names) == 0 {
		return nil, nil
	}
	for _, name := range names {
		if !slices.Contains(all, Feature(name)) {
			return nil, fmt.Errorf("got %q, expected some of %s", name, strings.Trim(fmt.Sprint(all), "[]"))
		}
	}
	return slices.DeleteFunc(all, func(t Feature) bool { return !slices.Contains(names, string(t)) }), nil
}

// setting is the key of the configuration that a feature depends on.
type setting struct {
	feature Feature
	key     string
	value   string // in TOML, when it is on
	off     func(config.Config) bool
}

func settings() []setting {
	return []setting{
		{Hosts, "files.hosts", `"` + machine.Hosts + `"`, func(c config.Config) bool { return c.Files.Hosts == "" }},
		{MachineID, "files.machine_id", `"` + machine.MachineID + `"`, func(c config.Config) bool { return c.Files.MachineID == "" }},
		{Hostname, "files.hostname", "true", func(c config.Config) bool { return !c.Files.Hostname }},
		{ResolvConf, "files.resolv_conf_mode", `"stub"`, func(c config.Config) bool { return c.ResolvConf.Mode != resolvconf.ModeStub }},
		{Nsswitch, "varlink.socket", `"` + machine.VarlinkSocket + `"`, func(c config.Config) bool { return c.VarlinkSocket == "" }},
	}
}

// settingOf returns the setting of a feature.
func settingOf(feature Feature) setting {
	all := settings()
	return all[slices.IndexFunc(all, func(t setting) bool { return t.feature == feature })]
}

// keysOf are the keys of some features.
func keysOf(features []Feature) []string {
	var keys []string
	for _, t := range settings() {
		if slices.Contains(features, t.feature) {
			keys = append(keys, t.key)
		}
	}
	return keys
}

// has reports whether one of some features depends on one of some keys.
func has(keys []string, features ...Feature) bool {
	return slices.ContainsFunc(keysOf(features), func(key string) bool { return slices.Contains(keys, key) })
}

// dropInName is the file that is written. A user's file that is to be read after
// it begins with a higher number.
const dropInName = "50-enabled.toml"

// dropInText is its content with some keys, or "" without any.
func dropInText(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	text := "# Written by `nodedns enable`. Do not change it: `nodedns disable` removes it, and\n" +
		"# puts back what was there before.\n\n"
	for _, t := range settings() {
		if slices.Contains(keys, t.key) {
			text += t.key + " = " + t.value + "\n"
		}
	}
	return text
}
