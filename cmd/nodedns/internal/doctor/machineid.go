package doctor

import (
	"cmp"
	"errors"
	"io/fs"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// checkMachineID checks whether systemd can read the machine's ID, whatever
// program writes it.
func checkMachineID(m *Input) []Finding {
	files := m.Config.Files
	path := cmp.Or(files.MachineID, machine.MachineID)
	text, err := m.Read(path)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		m.note(path, err)
		return nil
	}
	wrong := hostsfile.CheckMachineID(m.Root, []byte(text))
	if wrong == nil {
		return nil
	}
	path = m.Config.Rooted(path)
	finding, fix := path+" has no machine ID: "+wrong.Error(), "`: >"+path+"`, and restart nodedns, which writes this node's"
	if absent {
		finding = path + " does not exist"
	}
	switch {
	case files.MachineID == "":
		fix = "`: >" + path + " && systemd-machine-id-setup`"
	case files.MachineIDFormat == hostsfile.MachineIDNode:
		fix = "set files.machine_id_format = \"hex\", and restart nodedns"
	}
	return []Finding{warning(finding,
		"systemd, D-Bus and what takes its identity from there, such as DHCP clients, cannot; systemd makes another one up at the next boot", fix)}
}
