package hostsfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/zone"
)

// maxSize bounds what is read of a file: a hosts file of a million nodes has a
// sixteenth of it.
const maxSize = 1 << 30

// HostsMode selects the owner of the hosts file.
type HostsMode string

const (
	// HostsBlock leaves the file to the user, but for a block of ours.
	HostsBlock HostsMode = "block"
	// HostsOwn makes the whole file ours.
	HostsOwn HostsMode = "own"
)

// Config selects which files are kept, and how. An empty path turns a file off.
type Config struct {
	Settings
	ID     zone.ID     // this machine's name
	Prefix zone.Prefix // of the cluster's node IDs
	// Canonical is which of its names a node has first in the hosts file, until
	// SetCanonical.
	Canonical zone.Canonical
	// StateDir is where originals are kept and half-written files recovered
	// from. It is made when it is missing.
	StateDir string
	// IPv6Loopback reports whether this machine has ::1: only then our lines have
	// it for localhost. nil means that it has, and with a Root it counts for
	// nothing: that is for another machine. Keeper.Hint reports that it returns
	// another value than before.
	IPv6Loopback func() bool
	// BeforeHosts, if not nil, is called before the hosts file is changed to what the
	// zone has of all nodes, from the goroutine of Start or Run: not while the zone has
	// yet to be ready, nor when it is too large for the file. The file is written when
	// it returns.
	BeforeHosts func()
	// Written, if not nil, is called with its path after a file was written,
	// from the goroutine of Start or Run.
	Written func(path string)
	// Renamed, if not nil, is called when the kernel's hostname may have changed,
	// and at the start of Run, from its goroutine.
	Renamed func()
	// Logger may be nil, to discard.
	Logger *slog.Logger
}

// FileStatus is the state of one file.
type FileStatus struct {
	Path string `json:"path"` // with the root; the kernel's hostname is /proc/sys/kernel/hostname
	// UpToDate means that the file is what it should be, by a write or because it
	// was already. It is false before the first attempt, and after a failure.
	UpToDate bool       `json:"up_to_date"`
	Written  *time.Time `json:"written"` // of the last write by this process; nil: it wrote none
	Error    string     `json:"error"`   // why the file is not as it should be, or ""

	// Since is when it became so, or was found so first; nil while it is not.
	Since    *time.Time `json:"-"`
	Writes   uint64     `json:"-"` // since the start of the process
	Failures uint64     `json:"-"` // since the start of the process
}

// Keeper keeps the files equal to a zone. Start and Run are to be called from
// one goroutine, the other methods from any.
type Keeper struct {
	cfg     Config
	form    lineForm
	sys     *system
	log     *slog.Logger
	backups managed.Backups

	identity []*task // in the order of their writing
	// pauses before those that failed are tried again. They outlast a run, as the
	// next one may fail as early.
	pauses  retry.Backoff
	nextTry time.Time    // zero: there is none
	hosts   *task        // nil when turned off
	file    managed.File // the hosts file
	written hostsMemory
	hints   retry.Hint // that IPv6Loopback may return another value, or canonical has one
	applied atomic.Pointer[zone.Snapshot]

	canonical atomic.Pointer[zone.Canonical]

	// watch calls look when the hosts file may have changed, until ctx ends.
	watch func(ctx context.Context, look func())

	mu sync.Mutex // guards the status of the tasks
}

// task is one file, with what brings it up to date.
type task struct {
	path   string
	apply  func(snap *zone.Snapshot) (wrote bool, err error)
	done   bool // it has succeeded since the start
	status FileStatus
}

// New returns a Keeper, or an error about what is wrong with cfg. It
// touches no file.
func New(cfg Config) (*Keeper, error) { return newKeeper(cfg, realSystem()) }

func newKeeper(cfg Config, sys *system) (*Keeper, error) {
	if cfg.ID == "" {
		return nil, errors.New("hosts file: the node ID is missing")
	}
	return newNameless(cfg, sys)
}

// newNameless returns a Keeper that may lack the node ID, and then can restore
// but not write.
func newNameless(cfg Config, sys *system) (*Keeper, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	k := &Keeper{
		cfg:     cfg,
		form:    lineForm{prefix: cfg.Prefix, local: cfg.ID},
		sys:     sys,
		log:     cfg.Logger,
		backups: managed.Backups{State: cfg.StateDir, System: sys.System},
		pauses:  retry.Backoff{First: firstRetry, Max: maxRetry},
		hints:   retry.NewHint(),
	}
	k.canonical.Store(&cfg.Canonical)
	if cfg.MachineID != "" {
		k.addFile(cfg.MachineID, k.writeMachineID)
	}
	if cfg.Hostname && cfg.Root == "" {
		k.identity = append(k.identity, &task{
			path:  kernelName,
			apply: func(*zone.Snapshot) (bool, error) { return k.setHostname() },
		})
	}
	for _, path := range cfg.hostnameFiles() {
		k.addFile(path, k.writeHostname)
	}
	if cfg.Hosts != "" {
		k.file = k.fileAt(cfg.Hosts)
		k.watch = (&follow.Follower{Root: cfg.Root, Files: []string{cfg.Hosts}, Logger: k.log}).Run
		k.hosts = &task{path: k.file.String(), apply: k.writeHosts}
	}
	return k, nil
}

// kinOfHosts has the SELinux label of a hosts file: resolv.conf is of the same type.
const kinOfHosts = "/etc/resolv.conf"

func (k *Keeper) fileAt(path string) managed.File {
	f := managed.File{
		Root: k.cfg.Root, Path: path, State: k.cfg.StateDir, MaxSize: maxSize,
		System: k.sys.System, Logger: k.log,
	}
	if path == k.cfg.Hosts {
		f.Kin = kinOfHosts
	}
	return f
}

// addFile adds a file that depends on the node's name only.
func (k *Keeper) addFile(path string, write func(managed.File) (bool, error)) {
	f := k.fileAt(path)
	k.identity = append(k.identity, &task{
		path:  f.String(),
		apply: func(*zone.Snapshot) (bool, error) { return write(f) },
	})
}

// Hint reports that the hosts file may have to be another one, though the zone is
// the same. It may be called at any time from any goroutine.
func (k *Keeper) Hint() {
	if k.hosts != nil {
		k.hints.Send()
	}
}

// SetCanonical changes which of its names a node has first in the hosts file. It may
// be called at any time from any goroutine.
func (k *Keeper) SetCanonical(c zone.Canonical) {
	if *k.canonical.Swap(&c) != c {
		k.Hint()
	}
}

// hasIPv6Loopback reports whether localhost is ::1 too, where the file is used.
func (c *Config) hasIPv6Loopback() bool {
	return c.Root != "" || c.IPv6Loopback == nil || c.IPv6Loopback()
}

// complete fills in what may be left out, and checks the rest.
func (c *Config) complete() error {
	if c.HostsMode == "" {
		c.HostsMode = HostsBlock
	}
	if c.MachineIDFormat == "" {
		c.MachineIDFormat = MachineIDAuto
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.HostsMode != HostsBlock && c.HostsMode != HostsOwn:
		return fmt.Errorf("hosts mode %q: want %q or %q", c.HostsMode, HostsBlock, HostsOwn)
	case c.MachineIDFormat != MachineIDAuto && c.MachineIDFormat != MachineIDNode && c.MachineIDFormat != MachineIDHex:
		return fmt.Errorf("machine-id format %q: want %q, %q or %q", c.MachineIDFormat, MachineIDAuto, MachineIDNode, MachineIDHex)
	case c.HostsMaxNodes < 0:
		return fmt.Errorf("hosts limit of %d nodes: want a number of nodes, or 0 for no limit", c.HostsMaxNodes)
	}
	return c.checkPaths()
}

func (c *Config) checkPaths() error {
	for _, p := range []struct{ what, path string }{
		{"root", c.Root},
		{"state directory", c.StateDir},
		{"hosts file", c.Hosts},
		{"machine-id file", c.MachineID},
		{"hostname file", c.HostnameFile},
	} {
		if p.path != "" && !filepath.IsAbs(p.path) {
			return fmt.Errorf("%s %q: want an absolute path", p.what, p.path)
		}
	}
	if c.StateDir == "" {
		return errors.New("state directory: it is missing, and originals could not be kept")
	}
	return nil
}

// hostnameFiles are the files that the name is written to.
func (c *Config) hostnameFiles() []string {
	var paths []string
	if c.Hostname && c.Root != "" {
		paths = append(paths, hostnamePath)
	}
	if c.HostnameFile != "" && (len(paths) == 0 || filepath.Clean(c.HostnameFile) != hostnamePath) {
		paths = append(paths, c.HostnameFile)
	}
	return paths
}

// Start repairs what an earlier run left half written, then brings machine-id,
// hostname and the hosts file up to date. It tries all of them; the error joins
// those of all that failed. They are tried again by Run.
func (k *Keeper) Start(snap *zone.Snapshot) error {
	failed := []error{
		managed.RecoverOverwrites(k.cfg.StateDir, k.sys.System, k.log),
		k.backups.RemoveTemp(),
	}
	for _, path := range append(k.cfg.hostnameFiles(), k.cfg.MachineID, k.cfg.Hosts) {
		if path != "" {
			failed = append(failed, k.fileAt(path).RemoveTemp())
		}
	}
	failed = append(failed, k.applyIdentity(snap))
	if k.hosts != nil {
		_, err := k.apply(k.hosts, snap)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// applyIdentity does what depends on the name only and has not succeeded yet.
func (k *Keeper) applyIdentity(snap *zone.Snapshot) error {
	var failed []error
	for _, t := range k.identity {
		if !t.done {
			_, err := k.apply(t, snap)
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// apply brings one file up to date and records the result.
func (k *Keeper) apply(t *task, snap *zone.Snapshot) (wrote bool, err error) {
	wrote, err = t.apply(snap)
	k.note(t, wrote, err)
	if wrote && k.cfg.Written != nil {
		k.cfg.Written(t.path)
	}
	return wrote, err
}

func (k *Keeper) note(t *task, wrote bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		t.found(err.Error())
		t.status.Failures++
		return
	}
	t.done = true
	if wrote {
		t.status.Written = now()
		t.status.Writes++
		t.status.Since = nil // the content differs
	}
	t.found("")
}

// found records what is wrong with the file, "" for nothing, and since when it
// is what it should be. The caller holds mu.
func (t *task) found(problem string) {
	t.status.Error = problem
	t.status.UpToDate = problem == ""
	switch {
	case problem != "":
		t.status.Since = nil
	case t.status.Since == nil:
		t.status.Since = now()
	}
}

// now is the time as a status has it.
func now() *time.Time { return new(time.Now().UTC().Truncate(time.Millisecond)) }

// Status returns the state of each file.
func (k *Keeper) Status() []FileStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := []FileStatus{}
	for _, t := range k.identity {
		all = append(all, t.report())
	}
	if k.hosts != nil {
		all = append(all, k.hosts.report())
	}
	return all
}

func (t *task) report() FileStatus {
	s := t.status
	s.Path = t.path
	return s
}
