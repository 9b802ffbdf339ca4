package enable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// Manager enables and disables features on a machine. Its methods must be called
// from one goroutine.
type Manager struct {
	File    string          // the configuration file; "" is the usual one
	Config  config.Config   // as it is now
	Origins []config.Origin // of the keys that are set
	ID      zone.ID
	// Status queries the daemon; the error is control.ErrNotRunning where there
	// is none.
	Status func(ctx context.Context) (nodedns.Status, error)
	// Restore puts the originals back that the daemon has kept, while it does
	// not run: those of resolv.conf, those of the other files, or both. It
	// returns what was done, for people to read.
	Restore func(cfg config.Config, resolvConf, files bool) ([]Restored, error)
	// NoStart leaves the service manager alone.
	NoStart bool
	Logger  *slog.Logger
}

// Restored is a file or setting that was put back.
type Restored struct {
	Path string
	Done string // what was done, for people to read
}

// maxSize bounds what is read of a file, in bytes. A hosts file of a million
// nodes has a sixteenth of it.
const maxSize = 1 << 30

// file is one of the machine's files.
func (m *Manager) file(path string) managed.File {
	return managed.File{
		Root: m.Config.Files.Root, Path: path, State: m.Config.StateDir,
		MaxSize: maxSize, Links: true, System: managed.RealSystem(), Logger: m.Logger,
	}
}

// own is a file of ours, which is not below the root.
func (m *Manager) own(path string) managed.File {
	f := m.file(path)
	f.Root = ""
	return f
}

// rooted is where a path of the machine is.
func (m *Manager) rooted(path string) string { return osfile.Below(m.Config.Files.Root, path) }

// files are those of the machine.
func (m *Manager) files() machine.Machine { return machine.Machine{Root: m.Config.Files.Root} }

// dropIn is the path of our drop-in.
func (m *Manager) dropIn() string { return filepath.Join(config.DropIns(m.File), dropInName) }

// enabledKeys are the keys that our drop-in has.
func (m *Manager) enabledKeys() ([]string, error) {
	origins, err := config.Origins(m.dropIn(), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, o := range origins {
		keys = append(keys, o.Key)
	}
	return keys, nil
}

// writeDropIn makes our drop-in have some keys, or removes it.
func (m *Manager) writeDropIn(keys []string) error {
	f := m.own(m.dropIn())
	text := dropInText(keys)
	if text != "" {
		return write(f, text)
	}
	return f.Remove()
}

func write(f managed.File, text string) error {
	_, err := f.Update(managed.To([]byte(text)))
	return err
}

// overridden returns why our drop-in could not enable a key, or "": a file or
// flag of higher precedence sets it.
func (m *Manager) overridden(key string) string {
	i := slices.IndexFunc(m.Origins, func(o config.Origin) bool { return o.Key == key })
	if i < 0 {
		return ""
	}
	o := m.Origins[i]
	later := filepath.Dir(o.File) == filepath.Dir(m.dropIn()) && o.File > m.dropIn()
	if o.File == "" || later {
		return fmt.Sprintf("%s turns it off, and counts more than %s", o, dropInName)
	}
	return ""
}

// origin is where a key that is on was turned on.
func (m *Manager) origin(key string) string {
	for _, o := range m.Origins {
		if o.Key == key && o.File == m.dropIn() {
			return "already enabled"
		}
		if o.Key == key {
			return "already on, by " + o.String()
		}
	}
	return "already on, by default"
}

// running reports whether a daemon runs. An inconclusive error counts as one.
func (m *Manager) running(ctx context.Context) bool {
	_, err := m.Status(ctx)
	return !errors.Is(err, control.ErrNotRunning)
}

// followsConfig reports whether a daemon does what the configuration says, so
// that it need not be restarted.
func (m *Manager) followsConfig(ctx context.Context) bool {
	status, err := m.Status(ctx)
	if err != nil {
		return false
	}
	want := []string{}
	for _, path := range []string{m.Config.Files.Hosts, m.Config.Files.MachineID} {
		if path != "" {
			want = append(want, m.rooted(path))
		}
	}
	if m.Config.Files.Hostname && m.Config.Files.Root == "" {
		want = append(want, kernelName)
	}
	for _, path := range want {
		if !slices.ContainsFunc(status.Files, func(f hostsfile.FileStatus) bool { return f.Path == path }) {
			return false
		}
	}
	if m.Config.VarlinkSocket != "" && status.Varlink == nil {
		return false
	}
	stub := m.Config.ResolvConf.Mode == resolvconf.ModeStub
	return !stub || status.ResolvConf != nil && status.ResolvConf.Mode == resolvconf.ModeStub
}

// kernelName is the path of the kernel's hostname in the status.
const kernelName = "/proc/sys/kernel/hostname"

// systemd reports whether the daemon is run by it.
func (m *Manager) systemd() bool { return !m.NoStart && m.files().HasUnit() }
