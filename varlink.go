package nodedns

import (
	"log/slog"

	"github.com/nodedns/nodedns/internal/supervise"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/nssresolve"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// monitorSuffix is what the socket for monitors has behind the path of the one
// for names: resolvectl looks for it there.
const monitorSuffix = ".Monitor"

// VarlinkStatus is how the socket for glibc's nss-resolve stands.
type VarlinkStatus struct {
	Socket string `json:"socket"`
	varlink.Stats
	// Error is why it is not served now, or empty.
	Error string `json:"error"`
}

// varlinkSockets are the one for names and the one for monitors.
type varlinkSockets struct {
	path           string
	names, monitor *varlink.Server
	tasks          []*supervise.Task
}

// newVarlink is nil where there is no path.
func newVarlink(path string, dns *resolver.Server, log *slog.Logger) *varlinkSockets {
	if path == "" {
		return nil
	}
	log = log.With("part", "varlink")
	nss := nssresolve.New(dns)
	v := &varlinkSockets{
		path: path,
		names: varlink.New(varlink.Config{
			Path: path, Mode: varlink.Everybody,
			Interfaces: []varlink.Interface{varlink.Resolve(nss)},
			Logger:     log,
		}),
		monitor: varlink.New(varlink.Config{
			Path: path + monitorSuffix, Mode: varlink.OnlyUs,
			Interfaces: []varlink.Interface{varlink.Monitor(nss.WatchQueries)},
			Logger:     log,
		}),
	}
	v.tasks = []*supervise.Task{
		{Name: "varlink", Run: v.names.Run},
		{Name: "varlink monitor", Run: v.monitor.Run},
	}
	return v
}

// listen makes the sockets, so that they are there when the service is ready. A
// failure is told by their tasks, which try again: names are answered over DNS
// and from the file meanwhile.
func (v *varlinkSockets) listen() {
	if v != nil {
		_, _ = v.names.Listen(), v.monitor.Listen()
	}
}

// varlinkStatus is nil where there is no socket.
func (s *Service) varlinkStatus() *VarlinkStatus {
	if s.varlink == nil {
		return nil
	}
	status := &VarlinkStatus{Socket: s.varlink.path, Stats: s.varlink.names.Stats()}
	if err := s.varlink.tasks[0].Err(); err != nil {
		status.Error = err.Error()
	}
	return status
}
