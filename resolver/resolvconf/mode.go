package resolvconf

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Mode is what is done with resolv.conf.
type Mode string

// The modes of resolv.conf.
const (
	ModeOff  Mode = "off"  // it is only read
	ModeStub Mode = "stub" // it points at us while we answer
)

// Settings are where resolv.conf is, and what is done with it.
type Settings struct {
	// Path of the machine's resolv.conf, where its own servers come from too.
	// Empty: there is none.
	Path string
	// Mode is what is done with it; "" means off.
	Mode Mode
	// RunDir is the directory for a resolv.conf with the real upstreams, for
	// containers and the kubelet, usually /run/nodedns. Empty: there is none.
	RunDir string
}

// Check returns what is wrong with the mode.
func (s Settings) Check() error {
	switch {
	case s.Mode != "" && s.Mode != ModeOff && s.Mode != ModeStub:
		return fmt.Errorf("mode of resolv.conf %q: want %q or %q", s.Mode, ModeOff, ModeStub)
	case s.Mode == ModeStub && s.Path == "":
		return errors.New("mode of resolv.conf: without the path of resolv.conf it can only be off")
	}
	return nil
}

// Location is where the machine's servers are listed.
func (c Config) Location() Location {
	// A directory of its own: it must not restore the other originals.
	return Location{Root: c.Root, Path: c.Path, BackupDir: filepath.Join(c.StateDir, "resolvconf")}
}
