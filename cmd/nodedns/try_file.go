package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/zone"
)

// useFile has the sandbox serve the nodes of a file, or of a directory of files,
// instead of sample nodes. In it this machine has its own hostname and addresses, so
// that its own entry is found as it will be outside.
func (s *sandbox) useFile(cfg *nodedns.Config, given string) error {
	path, err := filepath.Abs(given)
	if err != nil {
		return fmt.Errorf("find %s: %w", given, err)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("the nodes to serve: %w", err)
	}
	s.file, cfg.NodeFiles = path, []string{path}
	if cfg.NodeID, err = ownHostname(); err != nil {
		return err
	}
	return nil
}

// ownHostname is this machine's hostname as a node's ID.
func ownHostname() (zone.ID, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("find this machine's hostname: %w", err)
	}
	label, _, _ := strings.Cut(name, ".")
	id, err := zone.ParseID(label)
	if err != nil {
		return "this-machine", nil // it has none, or none that is a host name
	}
	return id, nil
}
