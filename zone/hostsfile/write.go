package hostsfile

import (
	"cmp"
	"slices"
	"sync"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/zone"
)

// hostsMemory is what one write of the hosts file leaves to the next.
type hostsMemory struct {
	ready    bool           // a ready zone has been written
	limited  bool           // the last one was cut down
	size     int            // of the lines of nodes in the last one
	called   zone.Canonical // by which it was written
	findings []string       // those that have been logged
	stamp    osfile.Stamp   // of the file as we left it
	verified osfile.Stamp   // of the last content that needed no write
	foreign  bool           // the file had changed since, and was repaired
}

// writeHosts brings the hosts file into the state of a snapshot.
//
// Until the zone has been ready once, the peers that an earlier run wrote
// stay. From then on the snapshot counts, also when it loses its readiness:
// the zone has dropped another cluster's nodes then, and so must the file.
func (k *Keeper) writeHosts(snap *zone.Snapshot) (bool, error) {
	k.written.ready = k.written.ready || snap.Ready()
	canonical := *k.canonical.Load()
	var t table
	if k.written.ready {
		t = render(snap, k.cfg.HostsMaxNodes, canonical, k.written.size)
		k.written.size = len(t.lines)
	}
	own := linesOfLocal(snap.Local(), canonical)
	form := k.formNow(snap, canonical)
	six := k.cfg.hasIPv6Loopback()
	var findings []string
	var read osfile.Stamp
	foreign := false
	k.written.verified = osfile.Stamp{}
	want := func(old managed.Content) ([]byte, error) {
		read = old.Stamp()
		foreign = k.written.stamp != osfile.Stamp{} && k.written.stamp != old.Stamp()
		form.edited = foreign
		if k.cfg.HostsMode == HostsOwn {
			if !k.written.ready {
				t = retain(k.earlier(old.Bytes, form), own, form)
			}
			return ownFile(t, six), nil
		}
		p := parse(old.Bytes, form)
		findings = p.findings
		if !k.written.ready {
			t = retain(p.ours, own, form)
		}
		return blockFile(p, t, six), nil
	}
	backup := k.hostsBackup(form)
	if k.written.ready && !t.limited {
		backup = announced(k.cfg.BeforeHosts, backup)
	}
	wrote, err := k.file.UpdateAfter(backup, want)
	k.report(findings)
	if err != nil {
		return false, err
	}
	k.applied.Store(snap)
	k.written.called = canonical
	k.written.stamp = k.file.Stamp()
	if !wrote {
		k.written.verified = read
	}
	k.written.foreign = wrote && foreign
	if k.written.foreign {
		k.log.Warn("hosts file was changed by another program and repaired", "path", k.hosts.path)
	}
	if wrote {
		k.log.Info("hosts written", "path", k.hosts.path, "nodes", t.nodes)
	}
	if t.limited && !k.written.limited {
		k.log.Warn("zone has too many nodes for the hosts file: only this machine and the consensus members are written; "+
			"files.hosts_max_nodes sets another limit, at the cost of glibc's lookups",
			"path", k.hosts.path, "limit", k.cfg.HostsMaxNodes, "written", t.nodes)
	}
	k.written.limited = t.limited
	return wrote, nil
}

// formNow is the form of lines with what is known of the nodes: of those that were
// written last or, before that, of a snapshot's.
func (k *Keeper) formNow(snap *zone.Snapshot, c zone.Canonical) lineForm {
	if applied := k.applied.Load(); applied != nil {
		snap, c = applied, k.written.called
	}
	lines := sync.OnceValue(func() map[string]struct{} { // hardly ever needed
		all := map[string]struct{}{}
		for _, line := range hostsformat.Lines(1, render(snap, k.cfg.HostsMaxNodes, c, k.written.size).lines) {
			all[string(line)] = struct{}{}
		}
		return all
	})
	form := k.form
	form.known = func(line []byte) bool {
		_, known := lines()[string(line)]
		return known
	}
	return form
}

// report logs what was unexpected in the hosts file and has not been logged
// yet.
func (k *Keeper) report(findings []string) {
	for _, f := range findings {
		if !slices.Contains(k.written.findings, f) {
			k.log.Warn("unexpected content in hosts file", "path", k.hosts.path, "finding", f)
		}
	}
	k.written.findings = findings
}

// announced is a backup with a call before the first attempt to write.
func announced(call func(), backup managed.BackupFunc) managed.BackupFunc {
	if call == nil {
		return backup
	}
	once := sync.OnceFunc(call)
	return func(old managed.Content) (undo func() error, err error) {
		once()
		return backup(old)
	}
}

// hostsBackup keeps the original of the hosts file before a write. In own mode
// that is the user's part of it. In block mode the user's part stays where it
// is, and all there is to know is that there was no file.
func (k *Keeper) hostsBackup(form lineForm) managed.BackupFunc {
	if k.cfg.HostsMode == HostsBlock {
		return func(old managed.Content) (undo func() error, err error) { return nil, k.backupForBlock(old, form) }
	}
	return k.backups.Original(k.file, func(content []byte) []byte {
		p := parse(content, form)
		return p.strip()
	})
}

func (k *Keeper) backupForBlock(old managed.Content, form lineForm) error {
	earlier, found, err := k.backups.Load(k.file.String())
	if err != nil {
		return err
	}
	if found && earlier.Whole {
		// It was ours as a whole: the user gets it back, and our block goes
		// into that.
		return cmp.Or(k.leaveOwnMode(earlier, old, form), managed.ErrChanged)
	}
	if found || old.Exists {
		return nil
	}
	o := managed.BackupOf(k.file, old)
	o.Whole = false
	if err := k.backups.Save(o); err != nil {
		k.log.Warn("restore will leave an empty hosts file behind", "path", k.hosts.path, "error", err)
	}
	return nil
}
