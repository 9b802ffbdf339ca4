package varlink

import (
	"log/slog"

	"github.com/nodedns/nodedns/internal/supervise"
)

// monitorSuffix is what the socket for monitors has appended to the path of the
// one for names: resolvectl expects it there.
const monitorSuffix = ".Monitor"

// Sockets are the one for names, and beside it the one for monitors.
type Sockets struct {
	Path           string // of the one for names
	Tasks          []*supervise.Task
	names, monitor *Server
}

// NewSockets returns sockets that are served by their Tasks, with answers from
// r and watch.
func NewSockets(path string, r Resolver, watch func() (QueryWatcher, error), log *slog.Logger) *Sockets {
	s := &Sockets{
		Path:    path,
		names:   New(Config{Path: path, Mode: Everybody, Interfaces: []Interface{Resolve(r)}, Logger: log}),
		monitor: New(Config{Path: path + monitorSuffix, Mode: OnlyUs, Interfaces: []Interface{Monitor(watch)}, Logger: log}),
	}
	s.Tasks = []*supervise.Task{
		{Name: "varlink", Run: s.names.Run},
		{Name: "varlink monitor", Run: s.monitor.Run},
	}
	return s
}

// Listen creates the sockets before their tasks run. A failure is reported by
// the tasks, which try again.
func (s *Sockets) Listen() { _, _ = s.names.Listen(), s.monitor.Listen() }

// Stats are those of the socket for names.
func (s *Sockets) Stats() Stats { return s.names.Stats() }

// Err is why the socket for names is not served now, or nil.
func (s *Sockets) Err() error { return s.Tasks[0].Err() }
