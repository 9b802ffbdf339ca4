package resolvconf

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns/internal/managed"
)

// files are those that a Keeper writes.
type files struct {
	conf    managed.File // resolv.conf
	backups managed.Backups

	hasReal bool
	real    managed.File // the one with the real upstreams
	// shared is the file of systemd-resolved that container engines look for
	// when they see only 127.0.0.53.
	shared managed.File
}

// kin has the SELinux label of a resolv.conf: the hosts file is of the same type.
const kin = "/etc/hosts"

func filesOf(cfg Config, sys *managed.System) files {
	place := cfg.Location()
	at := func(path string) managed.File {
		return managed.File{
			Root: place.Root, Path: path, State: place.BackupDir,
			MaxSize: maxSize, Links: true, Kin: kin, System: sys, Logger: cfg.Logger,
		}
	}
	return files{
		conf:    at(place.Path),
		backups: managed.Backups{State: place.BackupDir, System: sys},
		hasReal: cfg.RunDir != "",
		real:    at(filepath.Join(cfg.RunDir, "resolv.conf")),
		shared:  at(resolvedPath),
	}
}

// followed are the paths of them, below the root.
func (f files) followed() []string {
	paths := []string{f.conf.Path}
	if f.hasReal {
		paths = append(paths, f.real.Path, f.shared.Path)
	}
	return paths
}

// tidy repairs what a crash left half written.
func (f files) tidy(log *slog.Logger) error {
	failed := []error{
		managed.RecoverOverwrites(f.conf.State, f.conf.System, log),
		f.backups.RemoveTemp(),
		f.conf.RemoveTemp(),
	}
	if f.hasReal {
		failed = append(failed, f.real.RemoveTemp(), f.shared.RemoveTemp())
	}
	return errors.Join(failed...)
}

// pointsAtUs reports whether a resolv.conf is the one that we wrote, which may
// have been moved behind a symlink.
func pointsAtUs(c managed.Content) bool { return c.Exists && isStub(string(c.Bytes)) }

// writeUpstreams writes the file with the real upstreams.
func (k *Keeper) writeUpstreams(m SystemConfig) error {
	if !k.files.hasReal {
		return nil
	}
	_, err := k.files.real.Update(managed.To([]byte(realText(k.cfg.Upstreams(), m))))
	return err
}

// shareUpstreams publishes that file under the path of systemd-resolved's,
// where that does not run, or undoes it.
func (f files) shareUpstreams(share bool) error {
	if !f.hasReal {
		return nil
	}
	now, err := f.shared.Read()
	if err != nil {
		return err
	}
	ours := now.Link == f.real.Path
	switch {
	case ours && !share:
		return f.shared.Remove()
	case !ours && share && f.isVacant(now):
		return f.shared.PutLink(f.real.Path)
	}
	return nil
}

// isVacant reports whether nothing is there, or a symlink to nothing.
func (f files) isVacant(c managed.Content) bool {
	if !c.Exists {
		return true
	}
	_, err := read(f.shared.Root, f.shared.Path)
	return c.Link != "" && errors.Is(err, fs.ErrNotExist)
}

// restore makes resolv.conf what it would be without us, if it is ours. It
// returns a description of what was done, or nothing. The owner of a file that a
// crash left half written cannot be determined, so it is repaired before.
func (f files) restore() (done string, err error) {
	if err := f.conf.Recover(); err != nil {
		return "", err
	}
	now, err := f.conf.Read()
	if err != nil {
		return "", err
	}
	s, found, news, err := f.originals(now)
	switch {
	case !pointsAtUs(now):
		if err != nil || !found || !news {
			return "", err
		}
		return "left as it is: another program has written it since", f.release(s)
	case err != nil:
		done, failed := f.fallback()
		return done, errors.Join(err, failed)
	case !found:
		return f.fallback()
	}
	o := s.inForce().Backup
	done, err = f.conf.Restore(o)
	if managed.NoRoom(err) && o.Existed && o.Link == "" {
		// What is there is our own text, and useless without us.
		done, err = "original put back", f.conf.OverwriteInPlace(o.Content)
	}
	if err != nil {
		return "", err
	}
	return done, f.release(s)
}

// release records that resolv.conf is not ours any more. Earlier originals stay:
// a program may have saved our text, and put it back.
func (f files) release(s originals) error {
	if len(s.All) == 1 {
		return f.backups.Delete(s.inForce().Backup)
	}
	s.release()
	return save(f.backups, s)
}

// fallback is for an original that was lost with the state directory, or cannot
// be read. The servers that we queried last are better than one that does not
// answer.
func (f files) fallback() (done string, err error) {
	text := ""
	if f.hasReal {
		text, err = read(f.real.Root, f.real.Path)
	}
	text = strings.TrimPrefix(text, realMark)
	if err != nil || isOurs(text) || len(Parse(text).Servers) == 0 {
		return "removed, as its original is not known", f.conf.Remove()
	}
	_, err = f.conf.Update(managed.To([]byte(text)))
	return "made to name the servers that were asked last, as its original is not known", err
}
