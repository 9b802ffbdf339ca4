package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"

	"github.com/nodedns/nodedns"
)

// Config is a valid configuration: that of the service, and of what the command
// has around it. It is a value: copies are independent as long as their slices
// are not written to, and may be read concurrently. Paths are absolute, as
// written in the configuration: Rooted returns where those of Files are.
type Config struct {
	// With NodeID and KeyFile both empty the machine has no identity, which
	// only some commands accept.
	nodedns.Config
	KeyFile string // the file with the node's key, or empty
	Control Control
	Metrics Metrics
	Log     Log
}

// Control is the socket of the other commands.
type Control struct {
	Socket string // absolute path, never rooted
}

// Metrics is the Prometheus endpoint.
type Metrics struct {
	Listen netip.AddrPort // the zero value: off
}

// Log is how the daemon logs.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// LogFormat is the encoding of log lines.
type LogFormat string

// The encodings of log lines.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Rooted returns where the file that the configuration calls path is: below
// Files.Root if there is one. It is meant for the paths in Files and for what
// is in /run/nodedns; StateDir and Control.Socket are set separately and are
// used as they are. An empty path, a file that is off, stays empty.
func (c Config) Rooted(path string) string {
	if c.Files.Root == "" || path == "" {
		return path
	}
	return filepath.Join(c.Files.Root, path)
}
