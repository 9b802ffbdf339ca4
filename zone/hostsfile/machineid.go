package hostsfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/nodedns/nodedns/internal/managed"
)

// MachineIDFormat is what is written to the machine-id file.
type MachineIDFormat string

const (
	// MachineIDAuto is MachineIDHex where systemd is init, of the image where there
	// is a root, and then only while the file is empty or "uninitialized";
	// elsewhere it is MachineIDNode.
	MachineIDAuto MachineIDFormat = "auto"
	// MachineIDNode is the node's name, without a newline.
	MachineIDNode MachineIDFormat = "node-id"
	// MachineIDHex is 32 hex digits and a newline, as machine-id(5) demands.
	MachineIDHex MachineIDFormat = "hex"
)

// machineID is the content of the machine-id file, given the present one.
func machineID(format MachineIDFormat, form lineForm, systemd bool, old managed.Content) []byte {
	switch {
	case format == MachineIDNode, format == MachineIDAuto && !systemd:
		return []byte(form.local)
	case format == MachineIDAuto && !isUnset(old.Bytes):
		// Services have derived keys and addresses from it: the ID of a live
		// machine must not change under them. What is none is somebody's mistake,
		// and reported.
		return old.Bytes
	}
	return []byte(machineHex(form) + "\n")
}

// isUnset reports whether a machine-id file waits for its ID: at a first boot
// systemd finds it missing, empty or "uninitialized".
func isUnset(content []byte) bool {
	text := strings.TrimSpace(string(content))
	return text == "" || text == "uninitialized"
}

// wantMachineID is what machine-id(5) has a file contain.
const wantMachineID = "32 hex digits, not all of them zero"

// CheckMachineID returns why the content of a machine-id file is no ID, if systemd
// is to read it: on this machine or, with a root, in that image, where one that is
// not set yet is right until the first boot. It reads as systemd does.
func CheckMachineID(root string, content []byte) error {
	digits, err := hex.DecodeString(strings.TrimSuffix(string(content), "\n"))
	switch {
	case !usesSystemd(root), isUnset(content) && !runsSystemd(root):
		return nil
	case len(content) == 0:
		return fmt.Errorf("it is empty, want %s", wantMachineID)
	case err != nil, len(digits) != 16, allZero(digits):
		return fmt.Errorf("it contains %.100q, want %s", content, wantMachineID)
	}
	return nil
}

func allZero(digits []byte) bool { return len(bytes.Trim(digits, "\x00")) == 0 }

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
	systemd := usesSystemd(k.cfg.Root)
	return f.UpdateAfter(k.backups.Original(f, nil), func(old managed.Content) ([]byte, error) {
		return machineID(k.cfg.MachineIDFormat, k.form, systemd, old), nil
	})
}
