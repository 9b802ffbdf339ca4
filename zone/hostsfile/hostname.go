package hostsfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/managed"
)

const (
	// kernelName stands for the kernel's hostname where files have their path.
	kernelName = "/proc/sys/kernel/hostname"
	// hostnamePath is where the name goes with a root: the hostname of the
	// machine that we run on is then left alone.
	hostnamePath = "/etc/hostname"
)

// setHostname sets the kernel's hostname, if it differs.
func (k *Keeper) setHostname() (bool, error) {
	want := string(k.cfg.ID)
	now, err := k.sys.hostname()
	if err != nil {
		return false, fmt.Errorf("read the hostname: %w", err)
	}
	if now == want {
		return false, nil
	}
	_, found, err := k.backups.Load(kernelName)
	if err != nil {
		return false, err
	}
	o := managed.Backup{Path: kernelName, Whole: true, Existed: true, Content: []byte(now)}
	if !found {
		if err := k.backups.Save(o); err != nil {
			return false, err
		}
	}
	if err := k.sys.changeHostname(want); err != nil {
		if !found {
			err = errors.Join(err, k.backups.Delete(o))
		}
		return false, err
	}
	return true, nil
}

func (s *system) changeHostname(name string) error {
	err := s.setHostname(name)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("set the hostname to %q: %w; nodedns needs CAP_SYS_ADMIN for it, or set files.hostname = false", name, err)
	}
	return fmt.Errorf("set the hostname to %q: %w", name, err)
}

// setsHostname reports whether the kernel's hostname is among what is kept.
func (k *Keeper) setsHostname() bool {
	return slices.ContainsFunc(k.identity, func(t *task) bool { return t.path == kernelName })
}

// Hostnames returns the machine's hostname, as it is at present and as it would
// be without us: the one that was there before, while it has ours. What cannot
// be read is "". They may be asked for at any time, by any goroutine.
func (k *Keeper) Hostnames() (present, own string) {
	paths := k.cfg.hostnameFiles()
	if k.cfg.Root == "" {
		present, _ = k.sys.hostname()
		paths = append([]string{kernelName}, paths...)
	} else if now, err := k.fileAt(hostnamePath).Read(); err == nil {
		present = hostnameIn(now.Bytes)
	}
	if present != string(k.cfg.ID) {
		return present, present
	}
	for _, path := range paths {
		o, found, err := k.backups.Load(k.nameOf(path))
		if own = hostnameIn(o.Content); found && err == nil && own != "" {
			return present, own
		}
	}
	return present, present
}

// nameOf is the name of the record on a file, or on the kernel's hostname.
func (k *Keeper) nameOf(path string) string {
	if path == kernelName {
		return kernelName
	}
	return k.fileAt(path).String()
}

// hostnameIn is the name in a file like /etc/hostname, which may have comments
// (hostname(5)).
func hostnameIn(text []byte) string {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return string(line)
		}
	}
	return ""
}

// noticeHostname is called when the kernel's hostname may have changed.
func (k *Keeper) noticeHostname() {
	k.watchHostname()
	if k.cfg.Renamed != nil {
		k.cfg.Renamed()
	}
}

// watchHostname reports a change of the hostname by another program since we
// set it. It is not changed back: there may be a reason, and two programs that
// overwrite each other help no user.
func (k *Keeper) watchHostname() {
	for _, t := range k.identity {
		if t.path != kernelName || !t.done {
			continue
		}
		problem := k.foreignHostname()
		k.mu.Lock()
		known := t.status.Error
		t.found(problem)
		k.mu.Unlock()
		switch {
		case problem == known:
		case problem != "":
			k.log.Warn("hostname was changed by another program", "reason", problem)
		default:
			k.log.Info("hostname matches again", "hostname", k.cfg.ID)
		}
	}
}

// foreignHostname returns what is wrong with the hostname, or "".
func (k *Keeper) foreignHostname() string {
	now, err := k.sys.hostname()
	switch {
	case err != nil:
		return fmt.Sprintf("read the hostname: %v", err)
	case now != string(k.cfg.ID):
		return fmt.Sprintf("another program changed it to %q; it stays so until nodedns is restarted", now)
	}
	return ""
}

// writeHostname writes the name to a file like /etc/hostname (hostname(5)).
func (k *Keeper) writeHostname(f managed.File) (bool, error) {
	return f.UpdateAfter(k.backups.Original(f, nil), managed.To([]byte(k.cfg.ID+"\n")))
}
