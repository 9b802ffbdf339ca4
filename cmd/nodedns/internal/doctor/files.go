package doctor

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// checkFiles finds out which of the kept files cannot be written, and why.
func checkFiles(m *Input) []Finding {
	findings, reported := m.reportedFiles()
	for _, path := range m.keptFiles() {
		path = m.Config.Rooted(path)
		reason, fix := m.unwritable(path)
		switch {
		case reported[path]:
		case reason != "":
			findings = append(findings, warning(path+reason, "it cannot follow the next change", fix))
		case m.isMount(path):
			findings = append(findings, note(path+" is a mount by itself",
				"it is written in place, since a rename cannot replace it; who has mounted it elsewhere sees that",
				"nothing needs to be done; mount the directory instead if you like"))
		}
	}
	return findings
}

// reportedFiles are the files that the daemon reports as not written: those that
// are kept, by their paths, and what else it could not write.
func (m *Input) reportedFiles() (findings []Finding, paths map[string]bool) {
	const impact = "the file is not what it should be; it is tried again by itself"
	paths = map[string]bool{}
	if m.Status == nil {
		return nil, paths
	}
	others := reasonsOf(m, "files", impact)
	for _, f := range m.Status.Files {
		if f.Error == "" {
			continue
		}
		paths[f.Path] = true
		reason, fix := m.unwritable(f.Path)
		if fix == "" {
			fix = "fix the cause that the error names, or turn the file off in [files]"
		}
		findings = append(findings, problem(f.Error+reason, impact, fix))
		others = slices.DeleteFunc(others, func(o Finding) bool { return o.Text == strings.ReplaceAll(f.Error, "\n", "; ") })
	}
	return append(findings, others...), paths
}

// keptFiles are those that the configuration enables, without the root.
func (m *Input) keptFiles() []string {
	f := m.Config.Files
	var paths []string
	for _, path := range []string{f.Hosts, f.MachineID, f.HostnameFile} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	if resolv := m.Config.ResolvConf; resolv.Mode == resolvconf.ModeStub {
		paths = append(paths, resolv.Path)
	}
	return paths
}

// unwritable returns why a file cannot be written, and a fix, if that is so.
func (m *Input) unwritable(path string) (reason, fix string) {
	at := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		at = real
	}
	if m.Probes.Disk != nil {
		if disk, err := m.Probes.Disk(at); err == nil && disk.ReadOnly {
			return " is on a read-only file system", "mount it writable, or mount a writable file there, or turn the file off in [files]"
		}
	}
	if m.Probes.Immutable != nil && m.Probes.Immutable(at) {
		return " is immutable", "chattr -i " + at
	}
	return "", ""
}

// isMount reports whether something is mounted on a file.
func (m *Input) isMount(path string) bool {
	text, _ := m.ReadProc("self/mountinfo")
	for line := range strings.Lines(text) {
		const point = 4 // column of the mount point
		if words := strings.Fields(line); len(words) > point && words[point] == path {
			return true
		}
	}
	return false
}

// checkState finds out whether the saved state survives a restart.
func checkState(m *Input) []Finding {
	const scarce = 16 << 20
	dir := m.Config.StateDir
	if m.Probes.Disk == nil || dir == "" {
		return nil
	}
	disk, err := m.Probes.Disk(dir)
	const impact = "what is known of the cluster is not kept for the next start, nor the originals of files"
	switch {
	case err != nil:
		m.note(dir, err)
		return nil // it is made at the first start
	case disk.ReadOnly:
		return []Finding{problem("the state directory "+dir+" is on a read-only file system", impact, "name one in state.dir that can be written")}
	case disk.Free < scarce:
		return []Finding{warning(fmt.Sprintf("the disk of the state directory %s has %d kB left", dir, disk.Free>>10), impact, "make room there")}
	}
	return nil
}
