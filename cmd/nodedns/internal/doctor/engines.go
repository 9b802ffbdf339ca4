package doctor

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

const (
	kubeletPath = "/var/lib/kubelet/config.yaml"
	dockerPath  = "/etc/docker/daemon.json"
)

// checkKubelet finds the resolv.conf that it gives to pods.
func checkKubelet(m *Input) []Finding {
	running := m.find("kubelet")
	if len(running) == 0 && !m.Exists(kubeletPath) {
		return nil
	}
	path := m.kubeletResolvConf(running)
	text, found := m.read(path)
	loopback := slices.IndexFunc(resolvconf.Parse(text).Servers, func(s netip.AddrPort) bool { return s.Addr().IsLoopback() })
	if !found || loopback < 0 {
		return nil
	}
	return []Finding{problem(
		fmt.Sprintf("the kubelet gives pods %s, which names %v", path, resolvconf.Parse(text).Servers[loopback].Addr()),
		"loopback is another one in a pod: names are not resolved there, and CoreDNS asks itself in a circle",
		"set resolvConf: "+realServers+" in "+kubeletPath+", and restart the kubelet")}
}

// kubeletResolvConf is the file by its flag, its configuration or its default.
func (m *Input) kubeletResolvConf(running []machine.Process) string {
	const flag = "--resolv-conf"
	for _, p := range running {
		arguments := m.Arguments(p)
		for i, argument := range arguments {
			name, value, joined := strings.Cut(argument, "=")
			switch {
			case name != flag:
			case joined:
				return value
			case i+1 < len(arguments):
				return arguments[i+1]
			}
		}
	}
	text, _ := m.read(kubeletPath)
	if value := yamlValue(text, "resolvConf"); value != "" {
		return value
	}
	return machine.ResolvConf
}

// checkDocker finds servers that no container reaches. From a resolv.conf that
// names 127.0.0.53 Docker goes on to the file that we share with it.
func checkDocker(m *Input) []Finding {
	if !m.Exists(dockerPath) {
		return nil
	}
	text, found := m.read(dockerPath)
	var settings struct {
		DNS []string `json:"dns"`
	}
	if !found || json.Unmarshal([]byte(text), &settings) != nil {
		return nil // Docker reports that itself
	}
	for _, server := range settings.DNS {
		if addr, err := netip.ParseAddr(server); err == nil && addr.IsLoopback() {
			return []Finding{problem(dockerPath+" has "+server+" for dns",
				"loopback is another one in a container, without a server",
				"name a server there that containers reach, or remove the key: then Docker takes "+realServers)}
		}
	}
	return nil
}

// yamlValue is the last plain value of a key, wherever it is. It is enough for
// files that people write one key to a line.
func yamlValue(text, key string) string {
	value := ""
	for line := range strings.Lines(text) {
		if name, is, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == key {
			is, _, _ = strings.Cut(is, " #")
			value = strings.Trim(strings.TrimSpace(is), `"'`)
		}
	}
	return value
}
