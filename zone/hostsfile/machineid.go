package hostsfile

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/osfile"
)

// MachineIDFormat is what is written to the machine-id file.
type MachineIDFormat string

const (
	// MachineIDAuto is MachineIDHex where systemd is init, and then only while
	// the file has no ID yet; elsewhere it is MachineIDNode.
	MachineIDAuto MachineIDFormat = "auto"
	// MachineIDNode is the node's name, without a newline.
	MachineIDNode MachineIDFormat = "node-id"
	// MachineIDHex is 32 hex digits and a newline, as machine-id(5) demands.
	MachineIDHex MachineIDFormat = "hex"
)

// systemdRuns is the directory by which sd_booted(3) recognises its init.
const systemdRuns = "/run/systemd/system"

// machineID is the content of the machine-id file, given the present one.
func machineID(format MachineIDFormat, form lineForm, systemd bool, old managed.Content) []byte {
	switch {
	case format == MachineIDNode, format == MachineIDAuto && !systemd:
		return []byte(form.local)
	case format == MachineIDAuto && hasMachineID(old):
		// Services have derived keys and addresses from it: the ID of a live
		// machine must not change under them.
		return old.Bytes
	}
	return []byte(machineHex(form) + "\n")
}

// hasMachineID reports whether the file holds an ID, of any origin. At a first
// boot systemd finds none, or "uninitialized".
func hasMachineID(old managed.Content) bool {
	text := strings.TrimSpace(string(old.Bytes))
	return text != "" && text != "uninitialized"
}

// machineHex returns the 32 hex digits of a node ID or, for a free name, some
// that stand for it.
func machineHex(form lineForm) string {
	if id, err := form.prefix.Parse(string(form.local)); err == nil {
		return strings.TrimPrefix(string(id), string(form.prefix))
	}
	sum := sha256.Sum256([]byte(form.local))
	return hex.EncodeToString(sum[:16])
}

// writeMachineID brings the machine-id file into its form.
func (k *Keeper) writeMachineID(f managed.File) (bool, error) {
	_, err := os.Stat(osfile.Below(k.cfg.Root, systemdRuns))
	systemd := err == nil
	return f.UpdateAfter(k.backups.Original(f, nil), func(old managed.Content) ([]byte, error) {
		return machineID(k.cfg.MachineIDFormat, k.form, systemd, old), nil
	})
}
