package saved

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// write replaces the file by a snapshot's nodes, atomically: whenever the
// machine stops, the old file is there or the new one, whole. The new one is durable
// when the directory is synced. It returns how many nodes it wrote.
func (d *Directory) write(snapshot *zone.Snapshot, counted map[zone.ID]time.Duration) (nodes int, err error) {
	err = d.replace(func(w io.Writer) (err error) {
		nodes, err = encode(w, snapshot, counted, dataOf(snapshot))
		return err
	})
	return nodes, err
}

// replace replaces the file by what is written to a new one.
func (d *Directory) replace(write func(io.Writer) error) error {
	// One fixed name, so that what a crash leaves behind is not left for good.
	temp := d.file() + ".new"
	if err := os.Remove(temp); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("save the nodes: make room for a new file: %w", err)
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("save the nodes: %w; the state directory must exist and be writable", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(temp, d.file())
	}
	if err != nil {
		// The old file is still good. On a full disk the space must be freed.
		return fmt.Errorf("save the nodes in %s: %w", d.file(), errors.Join(err, os.Remove(temp)))
	}
	return nil
}

// dataOf is the moment that a snapshot's nodes date from: now, where the zone follows
// what it has them from, and the one that it knows where they come from an earlier run
// or the cluster is out of reach.
func dataOf(snapshot *zone.Snapshot) time.Time {
	if since := snapshot.Cluster().DataSince; !since.IsZero() && !(snapshot.Complete() && snapshot.Reachable()) {
		return since
	}
	return time.Now()
}

// encode writes a snapshot as a file. It holds no more than one node in memory.
func encode(w io.Writer, snapshot *zone.Snapshot, counted map[zone.ID]time.Duration, at time.Time) (nodes int, err error) {
	prefix := snapshot.Prefix()
	// The zone always counts this machine, and we only if there is something to
	// save of it.
	counts := snapshot.Counts()
	expected := counts.Live + counts.Departed - 1
	if _, ok := fromZone(snapshot.Local(), prefix); ok {
		expected++
	}
	e, err := newEncoder(w, header{cluster: snapshot.Cluster().ID, prefix: string(prefix), at: at, nodes: expected})
	if err != nil {
		return 0, err
	}
	for z := range zone.Paced(snapshot.All()) {
		n, ok := fromZone(z, prefix)
		if !ok {
			continue
		}
		if n.parts&departed != 0 {
			n.count(counted[z.ID()])
		}
		if err := e.node(&n); err != nil {
			return 0, err
		}
		nodes++
	}
	if nodes != expected {
		return 0, fmt.Errorf("the zone has %d nodes and counts %d: a bug of nodedns, please report it", nodes, expected)
	}
	return nodes, e.close()
}
