package doctor

import (
	"strings"

	"github.com/nodedns/nodedns/zone/hostsfile"
)

const (
	cloudDir = "/etc/cloud"
	// cloudMend is the file whose settings override all others.
	cloudMend = "in /etc/cloud/cloud.cfg.d/99-nodedns.cfg"
)

// checkCloudInit finds what it will do at the next boot.
func checkCloudInit(m *Input) []Finding {
	if !m.Exists(cloudDir+"/cloud.cfg") || m.Exists(cloudDir+"/cloud-init.disabled") {
		return nil
	}
	var findings []Finding
	files := m.Config.Files
	if value := m.cloudSetting("manage_etc_hosts"); files.Hosts != "" && isOneOf(value, "true", "template", "localhost") {
		impact := "it rewrites the hosts file at each boot: the lines of nodedns are gone until it starts"
		if files.HostsMode == hostsfile.HostsBlock && value == "localhost" {
			impact = "it adds a line 127.0.1.1 for this machine's name at each boot, which comes before that of nodedns"
		}
		findings = append(findings, warning("cloud-init has manage_etc_hosts: "+value, impact, "set manage_etc_hosts: false "+cloudMend))
	}
	if value := m.cloudSetting("preserve_hostname"); files.Hostname && !isOneOf(value, "true") {
		findings = append(findings, warning("cloud-init does not have preserve_hostname: true",
			"it sets another hostname at each boot", "set preserve_hostname: true "+cloudMend))
	}
	return findings
}

// cloudSetting is the value of a key in all files, of which the last one takes
// effect.
func (m *Input) cloudSetting(key string) string {
	value := ""
	for _, path := range append([]string{cloudDir + "/cloud.cfg"}, m.List(cloudDir+"/cloud.cfg.d", "*.cfg")...) {
		text, _ := m.read(path)
		if is := yamlValue(text, key); is != "" {
			value = strings.ToLower(is)
		}
	}
	return value
}

func isOneOf(value string, others ...string) bool {
	for _, other := range others {
		if value == other || value == "yes" && other == "true" {
			return true
		}
	}
	return false
}
