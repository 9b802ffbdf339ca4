package machine

import (
	"path/filepath"
	"strconv"
	"strings"
)

// maxProcesses bounds how many processes are looked at.
const maxProcesses = 1 << 15

// Process is one that runs.
type Process struct {
	PID  string
	Name string // as the kernel has it: at most 15 characters
}

// Is reports whether a process has a name, cut to the length that the kernel
// keeps.
func (p Process) Is(name string) bool {
	const kept = 15
	return name[:min(len(name), kept)] == p.Name
}

// String names the process for people.
func (p Process) String() string { return p.Name + " (pid " + p.PID + ")" }

// Processes lists those that run.
func (m Machine) Processes() []Process {
	processes := []Process{}
	found, _ := filepath.Glob(filepath.Join(m.Proc, "[0-9]*"))
	for _, dir := range found[:min(len(found), maxProcesses)] {
		pid := filepath.Base(dir)
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		if name, ok := m.ReadProc(filepath.Join(pid, "comm")); ok {
			processes = append(processes, Process{pid, strings.TrimSpace(name)})
		}
	}
	return processes
}

// Arguments are the command line of a process.
func (m Machine) Arguments(p Process) []string {
	text, _ := m.ReadProc(filepath.Join(p.PID, "cmdline"))
	return strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
}
