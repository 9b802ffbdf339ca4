package curator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/zone"
)

const (
	// maxAuthorityFile is far above what a file with all that is allowed takes.
	maxAuthorityFile = 64 << 10
	// saveInterval is the least time between two writes.
	saveInterval = time.Second
)

// record is what of an authority survives a restart, as JSON.
type record struct {
	Cluster  string      `json:"cluster"`
	Members  []zone.ID   `json:"members"`
	Trusted  []zone.ID   `json:"trusted,omitempty"`
	Accepted *Acceptance `json:"accepted,omitempty"`
}

// load adds what an earlier run saved to what was decided since, and returns the
// text that is in the file. It is read once: what is known is newer later, and
// after a reset. A file that is damaged is left unchanged until there is
// something to save, and reported.
func (a *authority) load(path string) (text string, _ error) {
	saved, err := readRecord(path, a.prefix)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("read who may speak for the cluster from %s: %w; "+
			"until it is known again the next contact is the first one: restore the file, or pin the endpoints", path, err)
		a.fileError = err.Error()
		return record{}.encode(), err
	}
	text = saved.encode()
	if a.loaded {
		return text, nil
	}
	a.loaded, a.cluster, a.accepted = true, saved.Cluster, saved.Accepted
	for _, id := range saved.Members {
		a.members[id] = true
	}
	for _, id := range saved.Trusted {
		a.trusted[id] = true
	}
	return text, nil
}

func readRecord(path string, prefix zone.Prefix) (saved record, err error) {
	text, err := osfile.Read(path, maxAuthorityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err == nil && max(len(saved.Members), len(saved.Trusted)) > maxMembers {
		err = fmt.Errorf("it lists more than %d nodes", maxMembers)
	}
	for _, ids := range [][]zone.ID{saved.Members, saved.Trusted} {
		for i, id := range ids {
			if err == nil {
				ids[i], err = prefix.Parse(string(id))
			}
		}
	}
	return saved, err
}

// keep saves what differs from the saved text, and each change, until ctx ends:
// the first at once, since a node that forgets whom it trusts believes the next
// curator that comes.
func (a *authority) keep(ctx context.Context, path, saved string) {
	for {
		ended := ctx.Err() != nil // what is left to save is saved then
		_, changed := a.known()
		if text := a.encode(); text != saved {
			if a.reportSaving(path, osfile.WriteRecord(path, []byte(text))) {
				saved = text
			}
			retry.Sleep(ctx, saveInterval)
		}
		if ended {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// reportSaving logs a failure when it begins, has the writing tried again, and
// reports whether there is none.
func (a *authority) reportSaving(path string, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.fileError
	a.fileError = ""
	if err != nil {
		a.fileError = fmt.Sprintf("save who may speak for the cluster in %s: %v; after a restart the next contact would be the first one", path, err)
		a.wake()
	}
	if a.fileError != "" && before == "" {
		a.log.Error("who may speak for the cluster is not saved, trying again", "path", path, "error", err)
	}
	return err == nil
}

func (a *authority) encode() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return record{Cluster: a.cluster, Members: sorted(a.members), Trusted: sorted(a.trusted), Accepted: a.accepted}.encode()
}

func (r record) encode() string {
	text, _ := json.MarshalIndent(r, "", "  ") // names and times always encode
	return string(text) + "\n"
}
