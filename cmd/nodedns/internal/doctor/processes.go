package doctor

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxProcesses bounds how many processes are looked at.
const maxProcesses = 1 << 15

// process is one that runs.
type process struct {
	pid  string
	name string // as the kernel has it: at most 15 characters
}

// running lists the processes, once.
func (m *Machine) running() []process {
	if m.processes != nil {
		return m.processes
	}
	m.processes = []process{}
	found, _ := filepath.Glob(filepath.Join(m.Proc, "[0-9]*"))
	for _, dir := range found[:min(len(found), maxProcesses)] {
		pid := filepath.Base(dir)
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		if name, ok := m.readProc(filepath.Join(pid, "comm")); ok {
			m.processes = append(m.processes, process{pid, strings.TrimSpace(name)})
		}
	}
	return m.processes
}

// find returns the processes with one of these names, cut to the length that the
// kernel keeps.
func (m *Machine) find(names ...string) []process {
	const kept = 15
	return slices.DeleteFunc(slices.Clone(m.running()), func(p process) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return name[:min(len(name), kept)] == p.name })
	})
}

// String names the process for people.
func (p process) String() string { return p.name + " (pid " + p.pid + ")" }

// arguments of a process.
func (m *Machine) arguments(p process) []string {
	text, _ := m.readProc(filepath.Join(p.pid, "cmdline"))
	return strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
}
