package doctor

import (
	"slices"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
)

// running lists the processes, once.
func (m *Input) running() []machine.Process {
	if m.processes == nil {
		m.processes = m.Processes()
	}
	return m.processes
}

// find returns the processes with one of these names.
func (m *Input) find(names ...string) []machine.Process {
	return slices.DeleteFunc(slices.Clone(m.running()), func(p machine.Process) bool {
		return !slices.ContainsFunc(names, p.Is)
	})
}
